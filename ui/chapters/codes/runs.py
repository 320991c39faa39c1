"""Which runs the chapter shows, and what the browser is sent of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from ui.figures.entries import colours_of
from ui.runs.resources import held_out, load_run, shelf
from ui.runs.selection import per_shelf
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.payloads.codes import codebook_of, codes_payload, look_up, usage_of
from vae_core.payloads.plane import Payload
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Listed

DATASET = "mnist"
CELLS, MOST_ENTRIES = 49, 256
START = 3  # the class of the held-out digit shown first


class Kind(NamedTuple):
    """A run of the chapter.

    Attributes:
        title: for people.
        fits: whether a spec of this dataset is one.
    """

    title: str
    fits: Callable[[RunSpec], bool]


def _learned(entries: int) -> Kind:
    def fits(spec: RunSpec) -> bool:
        options = spec.options
        return spec.model == "vq_vae" and options.entries == entries and _begun(spec, well=True, commitment=0.25)

    return Kind(f"K = {entries}", fits)


def _begun(spec: RunSpec, *, well: bool, commitment: float) -> bool:
    options = spec.options
    return (options.start_from == "data" and options.restart) is well and options.commitment == commitment


# By what stands in the URL.
CODEBOOKS = {
    "16": _learned(16),
    "64": _learned(64),
    "256": _learned(256),
    "fsq": Kind("FSQ", lambda spec: spec.model == "fsq"),
}
USUAL = "64"
STRONG = 5.0  # weight of the commitment term, 20 times the usual one


def _switched(title: str, *, well: bool, commitment: float) -> Kind:
    return Kind(
        title,
        lambda spec: (
            spec.model == "vq_vae"
            and spec.options.entries == int(USUAL)
            and _begun(spec, well=well, commitment=commitment)
        ),
    )


# Both switches, one at a time and together: how entries begin, and how much the commitment term weighs.
SWITCHED = {
    "usual": CODEBOOKS[USUAL],
    "random": _switched("started at random, nothing restarted", well=False, commitment=0.25),
    "strong": _switched("commitment 20 times as strong", well=True, commitment=STRONG),
    "both": _switched("both", well=False, commitment=STRONG),
}
COLLAPSED = SWITCHED["both"]


def shipped_lines() -> list[Listed]:
    """The shipped runs of these digits that are in the store, in the manifest's order."""
    lines = {line.key: line for line in shelf().lines}
    return [lines[spec.key] for spec in read_manifest() if spec.dataset == DATASET and spec.key in lines]


@per_shelf
def line_of(kind: Kind) -> Listed:
    """The shipped run of a kind.

    Raises:
        RunNotFound: it is not in the store.
    """
    for line in shipped_lines():
        if line.spec and line.spec.seed == 0 and kind.fits(line.spec):
            return line
    raise RunNotFound(f"the codebook “{kind.title}” is not in the store; run 'python -m vae_core rebuild'.")


def lines_here() -> dict[str, Listed]:
    """The shipped runs of all codebooks by their titles, without those that the store lacks.

    Raises:
        RunNotFound: it lacks all.
    """
    found = {}
    for kind in CODEBOOKS.values():
        with suppress(RunNotFound):
            found[kind.title] = line_of(kind)
    if not found:
        raise RunNotFound("no codebook is in the store; run 'python -m vae_core rebuild'.")
    return found


def colours_in(run: Run) -> list[str]:
    """A colour for each of a run's entries."""
    return colours_of(codebook_of(run), usage_of(run).counts)


def run_of(kind: Kind) -> Run:
    """The run of a kind, loaded."""
    return load_run(line_of(kind).key)


@per_shelf
def payload_of(codebook: str) -> Payload:
    """What the component is sent."""
    run = run_of(CODEBOOKS[codebook])
    entries = codebook_of(run)
    weights = learned_numbers(run)
    name = "FSQ" if codebook == "fsq" else "VQ-VAE"
    images = datasets.info(DATASET).training_images
    return codes_payload(
        run,
        held_out(DATASET),
        title=f"{name}, {len(entries)} entries of {entries.shape[1]} numbers",
        subtitle=f"{weights:,} weights, trained on {images:,} digits; it runs in your browser.",
        colours=colours_in(run),
        noun="digit",
        options={"start": START},
    )


def learned_numbers(run: Run) -> int:
    """Weights, biases and entries; the moving averages beside the entries are not counted."""
    counted = {name for name in run.weights if name not in ("shares", "sums")}
    if run.spec.model == "fsq":
        counted.discard(look_up(run)["weight"])  # levels that do not learn
    return int(sum(np.size(run.weights[name]) for name in counted))
