"""What the sliders show of a run: its numbers, the one that says most first, and what each of them found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ui.chapters.faces.family import KINDS, Shown, run_of
from ui.chapters.faces.found import found_by
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core import datasets
from vae_core.losses.gaussian import closed_form_kl
from vae_core.payloads.inversion import inversion_payload
from vae_core.payloads.numbers import Number
from vae_core.payloads.plane import Payload
from vae_core.run import Run

HEADS = 24  # held-out heads that the sliders can start from
REACH = 2.5  # standard deviations to both sides of the mean: of the codes, or of all posteriors together
SMALLEST = 1e-3  # half of a slider's length, at least


def levels_of(run: Run) -> int | None:
    """How many values a number of the code can have; None for any."""
    return getattr(run.spec.options, "levels_each", None)


def on_levels(codes: np.ndarray, levels: int | None) -> np.ndarray:
    """The nearest codes that a model has, halves going up: (N, d) -> (N, d); as they are where any number is one.

    Args:
        codes: of any numbers.
        levels: of each number, from -1 to 1; None for any.
    """
    if not levels:
        return codes
    steps = (codes.clip(-1.0, 1.0) + 1.0) / 2.0 * (levels - 1)
    return (np.floor(steps + 0.5) / (levels - 1) * 2.0 - 1.0).astype(codes.dtype)


def sizes(run: Run) -> tuple[str, np.ndarray]:
    """How much each number says of an image, (d,), and what that measure is: its KL in nats, or its variance."""
    if run.codes.has_posterior:
        return "KL", closed_form_kl(*run.codes.posterior()).mean(axis=0)
    return "variance", run.codes.mean.var(axis=0, dtype=np.float64)


def size_of(shown: Shown) -> str:
    """What the numbers of a kind are sorted by."""
    return sizes(run_of(shown))[0]


@per_shelf
def numbers_of(shown: Shown, told: bool = True) -> tuple[Number, ...]:
    """The numbers of a kind's code, sorted by `sizes`; with what they found, if that may be told."""
    run = run_of(shown)
    measure, size = sizes(run)
    codes = run.codes.mean
    centre, spread = codes.mean(axis=0, dtype=np.float64), codes.std(axis=0, dtype=np.float64)
    if (
        run.codes.has_posterior
    ):  # of a number that is not used the means hardly differ, and the decoder is never near them
        spread = np.sqrt(np.square(spread) + np.exp(run.codes.posterior()[1], dtype=np.float64).mean(axis=0))
    levels, found, used = levels_of(run), found_by(shown) if told else None, run.codes.used()
    numbers = []
    for index in np.argsort(-size, kind="stable"):
        reach = max(REACH * float(spread[index]), SMALLEST)
        low, high = (-1.0, 1.0) if levels else (float(centre[index]) - reach, float(centre[index]) + reach)
        middle = float(centre[index])
        if levels:  # the level that is nearest to the mean
            middle = float(np.linspace(-1.0, 1.0, levels)[np.abs(np.linspace(-1.0, 1.0, levels) - middle).argmin()])
        said = f"KL {size[index]:.2f} nats" if measure == "KL" else f"variance {size[index]:.2g}"
        reads = found.best_told(int(index)) if found else ""
        numbers.append(Number(int(index), middle, low, high, bool(used[index]), said, reads, levels))
    return tuple(numbers)


@per_shelf
def face_payload(shown: Shown) -> Payload:
    """What the sliders are sent: decoder, encoder and held-out heads.

    Raises:
        RunNotFound: the run is not in the store.
    """
    run = run_of(shown)
    images, held = datasets.info(run.spec.dataset).training_images, held_out(run.spec.dataset)
    images = min(images, run.spec.images or images)
    heads = heads_of(run.spec.dataset)
    weights = sum(array.size for array in run.weights.values())
    held = replace(held.first(heads), labels=np.zeros(heads, np.int64), label_names=(shown.noun,))
    payload = inversion_payload(run, held, per_class=heads)
    beta = f", β = {run.spec.kl_weight:g}" if run.codes.has_posterior else ""
    return payload.with_header(
        heads=heads,
        noun=shown.noun,
        title=f"{KINDS[shown.kind].title}{beta}, d = {run.spec.latent_dim}",
        subtitle=f"{weights:,} weights, trained on {images:,} {shown.noun}s without their features.",
    )


def heads_of(dataset: str) -> int:
    """How many held-out images one can start from."""
    return min(HEADS, len(held_out(dataset)))


def code_of_head(shown: Shown, number: int) -> np.ndarray:
    """(d,), the code of a held-out head, counted from 1."""
    code: np.ndarray = run_of(shown).codes.mean[number - 1]
    return code
