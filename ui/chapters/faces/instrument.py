"""What the sliders show of a run: its numbers, the one that says most first, and what each of them found."""

from __future__ import annotations

import numpy as np

from ui.chapters.faces.family import KINDS, spec_of
from ui.chapters.faces.found import matrix_of
from ui.components.faces import Number
from ui.runs.resources import held_out, load_run
from ui.runs.selection import per_shelf
from vae_core import datasets
from vae_core.losses.gaussian import closed_form_kl
from vae_core.payloads.inversion import inversion_payload
from vae_core.payloads.plane import Payload
from vae_core.run import Run

HEADS = 24  # held-out heads that the sliders can start from
REACH = 2.5  # standard deviations of the codes, to both sides of their mean
SMALLEST = 1e-3  # half of a slider's length, at least


def run_of(name: str, dimensions: int) -> Run:
    """The run of a kind.

    Raises:
        RunNotFound: it is not in the store.
    """
    return load_run(spec_of(name, dimensions).key)


def levels_of(run: Run) -> int | None:
    """How many values a number of the code can have; None for any."""
    return getattr(run.spec.options, "levels_each", None)


def sizes(run: Run) -> tuple[str, np.ndarray]:
    """How much each number says of an image, (d,), and what that measure is: its KL in nats, or its variance."""
    if run.codes.has_posterior:
        return "KL", closed_form_kl(*run.codes.posterior()).mean(axis=0)
    return "variance", run.codes.mean.var(axis=0, dtype=np.float64)


@per_shelf
def numbers_of(name: str, dimensions: int) -> tuple[Number, ...]:
    """The numbers of a kind's code, sorted by `sizes`."""
    run = run_of(name, dimensions)
    measure, size = sizes(run)
    codes = run.codes.mean
    centre, spread = codes.mean(axis=0, dtype=np.float64), codes.std(axis=0, dtype=np.float64)
    used, levels, found = run.codes.used(), levels_of(run), matrix_of(run)
    numbers = []
    for index in np.argsort(-size, kind="stable"):
        reach = max(REACH * float(spread[index]), SMALLEST)
        low, high = (-1.0, 1.0) if levels else (float(centre[index]) - reach, float(centre[index]) + reach)
        middle = float(centre[index])
        if levels:  # the level that is nearest to the mean
            middle = float(np.linspace(-1.0, 1.0, levels)[np.abs(np.linspace(-1.0, 1.0, levels) - middle).argmin()])
        size_told = f"KL {size[index]:.2f} nats" if measure == "KL" else f"σ {spread[index]:.2f}"
        reads = found.told(int(index)) if used[index] else "not used"
        about = f"{reads}, {size_told}"
        numbers.append(Number(int(index), middle, low, high, bool(used[index]), about, levels))
    return tuple(numbers)


@per_shelf
def face_payload(name: str, dimensions: int) -> Payload:
    """What the sliders are sent: decoder, encoder and held-out heads.

    Raises:
        RunNotFound: the run is not in the store.
    """
    run = run_of(name, dimensions)
    images = datasets.info(run.spec.dataset).training_images
    weights = sum(array.size for array in run.weights.values())
    payload = inversion_payload(run, held_out(run.spec.dataset), per_class=HEADS)
    beta = f", β = {run.spec.kl_weight:g}" if run.codes.has_posterior else ""
    return payload.with_header(
        heads=HEADS,
        title=f"{KINDS[name].title}{beta}, d = {run.spec.latent_dim}",
        subtitle=f"{weights:,} weights, trained on {images:,} heads without their features; it runs in your browser.",
    )
