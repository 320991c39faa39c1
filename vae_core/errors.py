"""The one family of errors that a person is meant to read.

Every message is a sentence that says what is wrong and what to do. The command line prints it and exits with
status 1; the app shows it and goes on. Anything else that is raised is a bug and keeps its traceback.
"""


class VaeCoreError(Exception):
    """Base of all errors whose message is written for the person at the keyboard."""


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
    """Images of one's own that cannot be read, or cannot be learned from.

    Attributes:
        whole: whether it is about all of them rather than the one file that was read.
    """

    def __init__(self, message: str, *, whole: bool = False) -> None:
        super().__init__(message)
        self.whole = whole


class StoreError(VaeCoreError):
    """The checkpoint store cannot be read or written."""


class RunNotFound(StoreError):
    """No run with this key is in the store."""


class DamagedRun(StoreError):
    """A checkpoint file is truncated, altered, or not one of ours."""


class OtherFormat(DamagedRun):
    """A checkpoint file that says it has another format than this program's; it may be whole."""


class UnknownRun(StoreError):
    """A checkpoint file that needs a plugin or a newer version to be read. It is not damaged."""


class TrainingDiverged(VaeCoreError):
    """The loss became infinite or NaN."""


class MeasureError(VaeCoreError, ValueError):
    """A measurement has no meaning on what it was given, such as too few images for k neighbours."""


class PluginError(VaeCoreError):
    """A module that the environment names as a plugin cannot be loaded."""


class ClusterError(VaeCoreError):
    """There is no cluster to train on."""
