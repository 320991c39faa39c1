"""Errors whose message is written for the user.

Each message says what is wrong and what to do about it. The command line prints it and exits with status 1; the app
shows it and keeps running. Any other exception is a bug and keeps its traceback.
"""


class VaeCoreError(Exception):
    """Base class of all errors whose message is written for the user."""


class SpecError(VaeCoreError, ValueError):
    """A RunSpec asks for something that cannot be trained."""


class UnknownName(SpecError):
    """A name that nothing here knows: of a model, a dataset, a field, an operation. A plugin or a newer version may.

    Attributes:
        what: the kind of thing and its name, such as ``model 'vq'``.
    """

    def __init__(self, message: str, *, what: str = "") -> None:
        super().__init__(message)
        self.what = what


class DatasetUnavailable(VaeCoreError):
    """The images are not on this machine and cannot be fetched, or the files are damaged."""


class UnusableImages(VaeCoreError):
    """The user's own images cannot be read, or cannot be trained on.

    Attributes:
        whole: True if the problem concerns the whole set, False if it concerns a single file.
    """

    def __init__(self, message: str, *, whole: bool = False) -> None:
        super().__init__(message)
        self.whole = whole


class StoreError(VaeCoreError):
    """The checkpoint store cannot be read or written."""


class RunNotFound(StoreError):
    """No run with this key is in the store."""


class DamagedRun(StoreError):
    """A checkpoint file is truncated, altered, or not in this program's format."""


class OtherFormat(DamagedRun):
    """A checkpoint file of another format than this program's, or another program's; it may be whole."""


class UnreadableRun(DamagedRun):
    """A checkpoint file whose content matches its SHA-256, but is no run that this version can read."""


class UnknownRun(StoreError):
    """A checkpoint file that needs a plugin or a newer version to be read. It is not damaged."""


class TrainingDiverged(VaeCoreError):
    """The loss became infinite or NaN."""

    @staticmethod
    def opening(key: str) -> str:
        """How the sentence begins that says so of a run, up to the number of the epoch."""
        return f"training {key} stopped in epoch "


class MeasureError(VaeCoreError, ValueError):
    """A measurement is undefined on its input, for example with too few images for k neighbours."""


class PluginError(VaeCoreError):
    """A module that the environment names as a plugin cannot be loaded."""


class ClusterError(VaeCoreError):
    """No Ray cluster is available."""


class MissingPackage(VaeCoreError):
    """A package that this package can do without, but not what was asked for."""


class CorruptStream(VaeCoreError, ValueError):
    """A compressed stream was cut or altered, is of another coder, or was written with another model."""
