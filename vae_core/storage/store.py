"""The store: one file per run, under its key, written atomically and verified whenever it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from vae_core import archive, plugins
from vae_core.clone import hint
from vae_core.datasets import info
from vae_core.datasets.names import cleaned
from vae_core.errors import (
    DamagedRun,
    OtherFormat,
    RunNotFound,
    SpecError,
    StoreError,
    UnknownName,
    UnknownRun,
    UnreadableRun,
)
from vae_core.evaluation.features import FeatureSpace, classifier_spec
from vae_core.models import check_base, model_kind
from vae_core.program.operations import tensor_names
from vae_core.run import Codes, Run
from vae_core.spec import RunSpec
from vae_core.storage import schema
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.state import TrainingState

if TYPE_CHECKING:
    import torch

    from vae_core.training.pictures import Film

SUFFIX = ".safetensors"
_DIGEST = re.compile(r"-[0-9a-f]{10}$")  # at the end of a key; see `RunSpec.key`


@dataclass(frozen=True)
class Listed:
    """One line of `Store.listing`: what the header of a file says, or why it cannot be read.

    Attributes:
        key: of the run; the file's name where it cannot be read.
        spec, metrics, provenance: as in the header.
        problem: why it cannot be read.
        renamed: the file's name, if it is not the run's key.
    """

    key: str
    spec: RunSpec | None
    metrics: dict[str, dict[str, Any]]
    problem: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    renamed: str = ""


def without_copies(lines: Iterable[Listed]) -> list[Listed]:
    """One line for each run: the one of the file that has the run's own name, where there is one."""
    found: dict[str, Listed] = {}
    for line in lines:
        if line.key not in found or not line.renamed:
            found[line.key] = line
    return list(found.values())


class Store:
    """A folder of runs.

    ``<key>.safetensors`` are finished runs; ``.partial/<key>.safetensors`` runs that were interrupted;
    ``.films/<key>.safetensors`` what its decoder made while it trained, for the training film alone;
    ``.locks/`` one lock per key, held while a run trains, across threads and processes;
    ``<name>.damaged-N`` files that failed verification, set aside.

    A whole run under another name, such as ``<key> (1).safetensors`` of a second download, is found by its key.

    Args:
        root: the folder, with ~ for one's own; made on the first write.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser()

    def path(self, key: str) -> Path:
        """The path of the run `key`, whether or not it exists.

        Raises:
            RunNotFound: `key` is not a plain file name.
        """
        # A key may come from a URL: it must not be able to name anything outside the folder.
        if (
            not key
            or len(key) > 200
            or not all(c.isascii() and (c.isalnum() or c in "-_.+") for c in key)
            or key[0] == "."
        ):
            raise RunNotFound(
                f"{key[:60]!r} is not the key of a run; the runs are listed by 'python -m vae_core list'."
            )
        return self.root / f"{key}{SUFFIX}"

    def keys(self) -> list[str]:
        """Keys of the finished runs, sorted."""
        return sorted(path.name.removesuffix(SUFFIX) for path in self.root.glob(f"*{SUFFIX}"))

    def file(self, key: str) -> Path:
        """The file that holds the run `key`: under its own name, or else under a name that no run has.

        Raises:
            RunNotFound: as of `path`.
        """
        own = self.path(key)
        if not own.exists():
            for path in sorted(self.root.glob(f"*{SUFFIX}")):
                name = path.name.removesuffix(SUFFIX)
                if not _is_of_another(name, key) and self.listed(name).key == key:
                    return path
        return own

    def __contains__(self, key: str) -> bool:
        return self.file(key).is_file()

    def listing(self) -> list[Listed]:
        """Spec and metrics of every run, from verified files; why, if one cannot be read."""
        return without_copies(self.listed(name) for name in self.keys())

    def listed(self, name: str) -> Listed:
        """One line of the listing: of the file with this name, one of `keys`; it is read and verified."""
        try:
            _, document = archive.read(self.root / f"{name}{SUFFIX}")  # with its hash: all that list runs rely on it
            spec = schema.check_document(document)
            if problem := other_name(name, spec.key):
                return Listed(name, None, {}, problem)
            renamed = name if name != spec.key else ""
            return Listed(spec.key, spec, document["metrics"], provenance=document["provenance"], renamed=renamed)
        except UnknownName as error:
            return Listed(name, None, {}, str(_unknown(name, error)))
        except (StoreError, SpecError, OSError, KeyError, TypeError, ValueError) as error:
            return Listed(name, None, {}, str(error))

    def load(self, key: str) -> Run:
        """Read and verify one run. A file whose name is `key` but which holds another run gives that one.

        Raises:
            RunNotFound: no such run.
            UnknownRun: the file needs a plugin or a newer version; it stays where it is.
            UnreadableRun: the file is whole, but no run; it stays where it is.
            DamagedRun: the file failed verification; it has been set aside under another name, with the sentence
                saying which.
        """
        path = self.file(key)
        try:
            file_read = _identity(path)
            tensors, document = archive.read(path)
        except FileNotFoundError as error:
            raise RunNotFound(
                f"there is no run {key!r} in {self.root}; the runs are listed by 'python -m vae_core list'." + hint()
            ) from error
        except OtherFormat as error:
            raise UnknownRun(str(error)) from error
        except DamagedRun as error:
            raise DamagedRun(f"{error} {self._set_aside(path, file_read)}") from error
        except OSError as error:
            raise StoreError(f"could not read {path} ({error.strerror or error}).") from error
        return run_of(tensors, document, path.name)

    def epochs_done(self, key: str) -> int:
        """Finished epochs of a run in training or interrupted; 0 if there is no such."""
        try:
            return int(archive.read_document(self.partial_path(self.path(key).name.removesuffix(SUFFIX)))["epoch"])
        except (OSError, DamagedRun, KeyError):
            return 0

    def verify(self, name: str) -> str:
        """Read the file with this name, one of `keys`, in full and compare its SHA-256; it stays where it is.

        Returns:
            the key of the run that it holds.

        Raises:
            UnknownRun: it needs a plugin or a newer version.
            DamagedRun: with the reason.
        """
        path = self.root / f"{name}{SUFFIX}" if name in self.keys() else self.path(name)
        try:
            tensors, document = archive.read(path)
        except OtherFormat as error:
            raise UnknownRun(str(error)) from error
        run = run_of(tensors, document, path.name)
        run.model  # noqa: B018  builds the network and loads the weights into it
        return run.key

    def features(self, dataset: str) -> FeatureSpace:
        """The feature space of a dataset's classifier, from this store or from the shipped one.

        Raises:
            RunNotFound: the classifier is missing; the message has the command that trains it.
        """
        try:
            spec = classifier_spec(dataset)
        except SpecError as error:
            raise RunNotFound(f"{dataset} has no pictures that a classifier could be trained on.") from error
        for store in (self, Store(SHIPPED)):
            if spec.key in store:
                classifier = store.load(spec.key)
                if classifier.key == spec.key:  # a file may hold another run than its name says
                    return FeatureSpace.of(classifier)
        if not info(dataset).classified:
            raise RunNotFound(f"{dataset} has no classes that a classifier could learn to tell apart.")
        raise RunNotFound(
            f"the classifier for the measurements on {dataset} is missing; train it with "
            f"'python -m vae_core train --dataset {spec.dataset} --model classifier --epochs {spec.epochs}'."
        )

    def features_if_any(self, dataset: str) -> FeatureSpace | None:
        """The feature space, or None where there is none here."""
        try:
            return self.features(dataset)
        except (RunNotFound, UnknownRun, DamagedRun):
            return None  # the run then carries what can be measured without; `evaluate` says what is missing

    def base(self, spec: RunSpec) -> Run | None:
        """The run that a specification begins with, from this store or from the shipped one; None where it has none.

        Raises:
            SpecError: it names none, though its model needs one, or one that it does not fit; or the classifier by
                which its images will be measured.
            RunNotFound: there is no such run here.
        """
        if not model_kind(spec.model).base:
            return None
        if not spec.base:
            if model_kind(spec.model).base_optional:
                return None
            raise SpecError(f"model {spec.model!r} begins with a trained run: name its key, as --option of=KEY.")
        run = self.load_base(spec.base)
        check_base(spec, run.spec)
        if run.spec == classifier_spec(spec.dataset):
            raise SpecError(
                f"{run.key} measures the images of {spec.dataset}: what was trained by it would look better than it "
                "is. Name another run."
            )
        return run

    def load_base(self, key: str) -> Run:
        """A run that others begin with, from this store or from the shipped one.

        Raises:
            RunNotFound: there is no such run here.
        """
        for store in (self, Store(SHIPPED)):
            if key in store:
                return store.load(key)
        raise RunNotFound(f"there is no run {key!r} in {self.root} to begin with: train that first.")

    def save(self, run: Run) -> None:
        """Write a finished run.

        Raises:
            StoreError: see `archive.write`.
        """
        tensors = {f"model/{name}": array for name, array in run.weights.items()}
        tensors |= {f"codes/{name}": _halved(array) for name, array in run.codes.parts().items()}
        tensors["codes/labels"] = run.codes.labels
        tensors |= {"snapshots": run.snapshots, **{f"extra/{name}": array for name, array in run.extras.items()}}
        document = {
            "key": run.key,
            "spec": run.spec.to_dict(),
            "image_shape": list(run.image_shape),
            "label_names": list(run.label_names),
            "decoder": run.decoder,
            "encoder": run.encoder,
            "snapshot_epochs": run.snapshot_epochs,
            "history": run.history,
            "metrics": run.metrics,
            "provenance": run.provenance,
        }
        if run.further_programs:
            document["programs"] = run.further_programs
        archive.write(self.path(run.key), tensors, document)

    def load_if_whole(self, key: str) -> Run | None:
        """The run, or None where there is none or a damaged one (now set aside): both are to be trained.

        Raises:
            UnknownRun, UnreadableRun: there is a whole file, which must not be trained over.
        """
        try:
            run = self.load(key)
        except UnreadableRun:
            raise
        except (RunNotFound, DamagedRun):
            return None
        if run.key != key:
            raise UnreadableRun(other_name(key, run.key))
        return run

    @contextmanager
    def locked(self, key: str, on_wait: Callable[[], None] | None = None, *, wait: bool = True) -> Iterator[bool]:
        """Hold a key's lock; yields whether it is held.

        Args:
            key: of a run.
            on_wait: called once if another thread or process holds it.
            wait: until the lock is free; otherwise continue without it and yield False.

        Raises:
            StoreError: the folder cannot be written to.
        """
        path = self.root / ".locks" / f"{key}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if on_wait:
                    on_wait()
                if wait:
                    lock.acquire()
        except OSError as error:
            raise StoreError(
                f"the store {self.root} cannot be written to ({error.strerror or error}); choose another folder "
                "with --store or VAE_STORE."
            ) from error
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def _set_aside(self, path: Path, file_read: tuple[int, ...]) -> str:
        """Rename the damaged file, unless another has replaced it since it was read (its `_identity` then)."""
        for number in range(1, 1000):
            aside = path.with_name(f"{path.name}.damaged-{number}")
            if not aside.exists():
                break
        try:
            if _identity(path) != file_read:
                return "It has been replaced meanwhile; try again."
            with suppress(OSError):  # somebody else's file in a shared folder can be renamed, but not touched
                os.utime(path)  # `evict` counts its day from now
            path.rename(aside)
        except FileNotFoundError:
            return "It has been set aside already."  # another reader was first
        except OSError as error:
            return f"It could not be set aside ({error.strerror or error})."
        return f"It was set aside as {aside.name}; train or rebuild makes it again."

    def partial_path(self, key: str) -> Path:
        """The path of the run `key` while it is in training."""
        return self.root / ".partial" / f"{key}{SUFFIX}"

    def film_path(self, key: str) -> Path:
        """The path of the pictures of the run `key`, whether or not there are some."""
        return self.root / ".films" / f"{key}{SUFFIX}"

    def save_film(self, key: str, pictures: Mapping[str, np.ndarray]) -> None:
        """Keep the pictures of a run's film beside it: its own file stays the same with and without."""
        archive.write(self.film_path(key), pictures, {"key": key})

    def load_film(self, key: str) -> dict[str, np.ndarray]:
        """The pictures of a run's film; empty where there are none, or none whole: nothing else depends on them."""
        try:
            return archive.read(self.film_path(key))[0]
        except (FileNotFoundError, DamagedRun):
            return {}

    def save_partial(self, spec: RunSpec, state: TrainingState, film: Film | None = None) -> None:
        """Save all that resuming needs, and the film's pictures so far."""
        tensors = {f"model/{name}": value.numpy() for name, value in state.weights.items()}
        tensors |= {f"moments/{name}": value.numpy() for name, value in state.moments.items()}
        tensors |= {f"snapshot/{epoch}": codes for epoch, codes in state.snapshots.items()}
        document = {
            "spec": spec.to_dict(),
            "epoch": state.epoch,
            "history": state.history,
            "precision": state.precision,
        }
        if film:
            tensors |= film.take(state)
            document |= film.document
        archive.write(self.partial_path(spec.key), tensors, document)

    def load_partial(self, spec: RunSpec) -> TrainingState | None:
        """Where an interrupted run stands; None if there is nothing whole to resume from, or no epoch is finished.

        Raises:
            UnknownRun: it was begun by another version, whose file must not be written over.
        """
        path = self.partial_path(spec.key)
        try:
            file_read = _identity(path)
            tensors, document = archive.read(path, of_any_size=True)
        except FileNotFoundError:
            return None
        except OtherFormat as error:
            raise UnknownRun(str(error)) from error
        except DamagedRun:
            self._set_aside(path, file_read)
            return None
        if not document["epoch"]:
            return None  # the untrained model: it is made again as it was
        return TrainingState(
            epoch=document["epoch"],
            weights=_section(tensors, "model/"),
            moments=_section(tensors, "moments/"),
            history=document["history"],
            precision=document["precision"],
            snapshots={int(n.removeprefix("snapshot/")): a for n, a in tensors.items() if n.startswith("snapshot/")},
        )


def _named(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _identity(path: Path) -> tuple[int, ...]:
    """Tells a file from one that has replaced it, which may be given the same inode again."""
    state = path.stat()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _halved(array: np.ndarray) -> np.ndarray:
    """As float16 if that changes no number; codes that fit half precision were rounded to it before."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half, array) else array


def _codes(tensors: dict[str, np.ndarray]) -> Codes:
    log_var = tensors.get("codes/log_var")
    mean = tensors["codes/mean"].astype(np.float32)
    return Codes(mean, None if log_var is None else log_var.astype(np.float32), tensors["codes/labels"])


def _section(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, torch.Tensor]:
    import torch

    return {name: torch.from_numpy(array.copy()) for name, array in _named(tensors, prefix).items()}


def _is_of_another(name: str, key: str) -> bool:
    """Whether a file's name is the key of another run than `key`, rather than a name of its owner's."""
    return bool(_DIGEST.search(name)) and not name.endswith(key[-11:])


def other_name(name: str, key: str) -> str:
    """What is wrong with a file of this name that holds the run `key`; empty where nothing is."""
    if not _is_of_another(name, key):
        return ""
    return f"{name}{SUFFIX} holds another run, {key}: rename it to {key}{SUFFIX}."


def _unknown(name: str, error: UnknownName) -> UnknownRun:
    file = f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    return UnknownRun(
        f"{file} needs the {error.what}, which is not known here: name its plugin in {plugins.VARIABLE}, or "
        "use a newer version of this program."
    )


def run_of(
    tensors: dict[str, np.ndarray],
    document: dict[str, Any],
    name: str,
    advice: str = "move it away to train this run anew",
    *,
    run_programs: bool = True,
) -> Run:
    """Put a Run together from a verified file; `name` is for messages, `advice` for those of a file that is no run.

    Programs are run once, on one example, as of `schema.check_tensors`.

    Raises:
        UnknownRun: whole, but it names what only a plugin or a newer version knows.
        UnreadableRun: whole, but not a run of this program.
    """
    try:
        spec = schema.check_document(document)
        schema.check_tensors(tensors, document, spec, run_programs=run_programs)
        shape = tuple(document["image_shape"])
        weights, extras = _named(tensors, "model/"), _named(tensors, "extra/")
        decoder, encoder = document["decoder"], document.get("encoder", [])
        further = dict(document.get("programs", {}))
        _ = [weights[name] for program in (decoder, encoder, *further.values()) for name in tensor_names(program)]
        return Run(
            spec=spec,
            image_shape=shape,
            label_names=tuple(cleaned(str(name)) for name in document["label_names"]),
            weights=weights,
            decoder=decoder,
            codes=_codes(tensors),
            history=document["history"],
            snapshots=tensors["snapshots"],
            snapshot_epochs=document["snapshot_epochs"],
            metrics=document["metrics"],
            provenance=document["provenance"],
            encoder=encoder,
            extras=extras,
            further_programs=further,
        )
    except UnknownName as error:
        raise _unknown(name, error) from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UnreadableRun(
            f"{name} is whole, but is not a run of this program ({str(error).splitlines()[0][:100]}); {advice}."
        ) from error
