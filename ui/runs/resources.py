"""What all sessions share: the store, loaded runs, and payloads for the browser. Computed once, then cached."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import streamlit as st

from ui.figures.entries import colours_of
from ui.figures.palette import CLASS_COLOURS
from ui.runs.measured_since import completed
from ui.runs.own_codes import of_validation_images
from vae_core.datasets import ImageDataset, load
from vae_core.errors import UnreadableRun
from vae_core.evaluation.features import FeatureSpace
from vae_core.models import model_kind
from vae_core.payloads.codes import codebook_of, codes_payload, usage_of
from vae_core.payloads.plane import LatentPlane, Payload, plane_payload, thumbnails_payload
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import SUFFIX, Listed, Store, without_copies

RUNS_KEPT, LINES_KEPT = 64, 1_024
MOST_HELD_OUT = 20  # images that are shown as grids of codes

_listing = threading.Lock()


def store() -> Store:
    """The folder of runs: ``$VAE_STORE``, else ``checkpoints/``."""
    return _store(os.environ.get("VAE_STORE") or str(SHIPPED))


@lru_cache(maxsize=8)
def _store(folder: str) -> Store:
    return Store(Path(folder))


@dataclass(frozen=True, eq=False)
class Shelf:
    """The content of a store at one time; the same object until it changes, so that results of it can be cached.

    Attributes:
        lines: all readable runs.
        alike: spec with seed 0 -> the runs that differ from it in nothing but the seed, by seed.
    """

    lines: list[Listed]
    alike: dict[RunSpec, list[Listed]]

    def __contains__(self, spec: RunSpec) -> bool:
        """Whether the store has the run of a spec."""
        return any(line.key == spec.key for line in self.alike.get(replace(spec, seed=0), []))


def shelf() -> Shelf:
    """The runs in the store, updated whenever a file was added, removed or replaced."""
    folder = store().root
    # Files are always renamed into the folder, which changes the folder's own time: one stat instead of one per file.
    try:
        changed = folder.stat().st_mtime_ns
    except FileNotFoundError:
        changed = 0
    with _listing:  # sessions that look at the same moment share one reading
        return _shelf(folder, changed)


@lru_cache(maxsize=2)
def _shelf(folder: Path, changed: int) -> Shelf:
    del changed
    files = sorted(folder.glob(f"*{SUFFIX}"))
    lines = [line for line in without_copies(map(partial(_line, folder), files)) if line.spec]
    alike: dict[RunSpec, list[Listed]] = {}
    for line in sorted(lines, key=lambda line: line.spec.seed if line.spec else 0):
        assert line.spec is not None  # unreadable ones are left out above
        alike.setdefault(replace(line.spec, seed=0), []).append(line)
    return Shelf(lines, alike)


def _line(folder: Path, path: Path) -> Listed:
    """A file's line; files that have not changed are not read again."""
    try:
        state = path.stat()
    except OSError as error:
        return Listed(path.name, None, {}, str(error))  # removed meanwhile
    return _read_line(folder, path.name.removesuffix(SUFFIX), state.st_ino, state.st_mtime_ns)


@lru_cache(maxsize=LINES_KEPT)
def _read_line(folder: Path, key: str, inode: int, changed: int) -> Listed:
    del inode, changed
    line = Store(folder).listed(key)
    return replace(line, metrics=completed(line.key, line.metrics))


def listing() -> list[Listed]:
    """All readable runs in the store."""
    return shelf().lines


@st.cache_resource(show_spinner=False, max_entries=RUNS_KEPT)
def load_run(key: str) -> Run:
    """A verified run.

    Raises:
        StoreError: missing, damaged or of an unknown model, with a sentence to show.
    """
    run = store().load(key)
    return of_validation_images(replace(run, metrics=completed(run.key, run.metrics)))


@st.cache_resource(show_spinner=False, max_entries=RUNS_KEPT)
def plane(key: str, pair: tuple[int, int] | None = None, at: int = 0) -> Payload:
    """A run's latent plane, without a page's own titles and options; of a grid of codes its codebook's.

    Args:
        key: of the run.
        pair: two coordinates to draw instead of the principal plane, the others fixed at a code.
        at: whose code: the number of a held-out image.
    """
    return plane_of(load_run(key), pair, at)


def noun_of(dataset: str) -> str:
    """What one image of it is called on a page."""
    return "digit" if dataset in ("mnist", "mnist_sample", "digits") else "image"


def plane_of(run: Run, pair: tuple[int, int] | None = None, at: int = 0) -> Payload:
    """The same of any run, not cached."""
    noun = noun_of(run.spec.dataset)
    if model_kind(run.spec.model).bottleneck.discrete:
        return _codebook(run, noun)
    codes = run.codes.mean
    drawn = LatentPlane.of_coordinates(codes, pair, codes[at]) if pair else None
    return plane_payload(run, drawn, palette=list(CLASS_COLOURS), noun=noun)


def _codebook(run: Run, noun: str) -> Payload:
    """A run's codebook, and a few held-out images.

    Raises:
        DatasetUnavailable: these are not on this machine.
        UnreadableRun: they are others than the run's.
    """
    images = held_out(run.spec.dataset)
    per_class = max(1, MOST_HELD_OUT // len(run.label_names))
    try:
        colours = colours_of(codebook_of(run), usage_of(run).counts)
        return codes_payload(run, images, per_class=per_class, most=MOST_HELD_OUT, colours=colours, noun=noun)
    except (KeyError, ValueError) as error:
        raise UnreadableRun(f"the codebook of {run.key} cannot be shown: {error}.") from error


@st.cache_resource(show_spinner=False, max_entries=8)
def held_out(dataset: str) -> ImageDataset:
    """The held-out images of a dataset.

    Raises:
        DatasetUnavailable: they are not on this machine; nothing is downloaded while a page runs.
    """
    return load(dataset, "validation", download=False)


def classes_in_words(dataset: str, start: int, count: int) -> str:
    """The classes of some held-out images in their order, for those who do not see them: "7, 2, 1"."""
    images = held_out(dataset)
    return ", ".join(images.label_names[int(label)] for label in images.labels[start : start + count])


@st.cache_resource(show_spinner="Reading the classifier …", max_entries=8)
def feature_space(dataset: str) -> FeatureSpace:
    """The feature space in which images of a dataset are measured.

    Raises:
        RunNotFound: the dataset's classifier is not in the store; the message says how to train it.
    """
    return store().features(dataset)


def image_set(run: Run) -> str:
    """The name under which a run's held-out images are sent."""
    return f"{run.spec.dataset}:validation"


@st.cache_resource(show_spinner=False, max_entries=8)
def thumbnail_sheet(dataset: str) -> Payload:
    """All held-out images of a dataset as one picture.

    Raises:
        DatasetUnavailable: the images are not on this machine; nothing is downloaded while a page runs.
    """
    return thumbnails_payload(held_out(dataset))
