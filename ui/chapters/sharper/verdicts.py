"""Predictions of the chapter's second half, answered from the shipped runs."""

from __future__ import annotations

import numpy as np

from ui.chapters.sharper.family import DATASET, FOUR, lines_of, spec_of
from ui.runs.resources import held_out
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.storage.store import Listed

WHOSE = ("The VAE's", "The GAN's", "Both alike", "Neither's")
AS_SHARP = 0.15  # of the sharpness of real digits


def _mean(lines: list[Listed], *path: str, split: str = "test") -> float:
    values = [value for line in lines if (value := figure(line, *path, split=split)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on these runs; run 'python -m vae_core evaluate'.")
    return sum(values) / len(values)


def _rests_on(lines: dict[str, list[Listed]]) -> str:
    """On how many samples and random starts the figures of some models rest."""
    count = _mean(lines["gan"], "pictures", "prior", "n")
    starts = dict.fromkeys(str(len(of)) for of in lines.values())
    noun = "random start" if list(starts) == ["1"] else "random starts"
    return f"{count:,.0f} samples of each of {' and '.join(starts)} {noun}"


@per_shelf
def whose_are_sharp() -> tuple[int, str]:
    """Whose samples are as sharp as real digits: the option's number and the answer."""
    lines = {name: lines_of(FOUR[name]) for name in ("vae", "gan")}
    sharp = [_mean(of, "pictures", "prior", "sharpness") for of in lines.values()]
    vae, gan = (abs(one - 1.0) <= AS_SHARP for one in sharp)
    right = 2 if vae and gan else 0 if vae else 1 if gan else 3
    return right, (
        f"The mean sharpness of the VAE's samples is **{sharp[0]:.2f}** of that of real digits, the GAN's "
        f"**{sharp[1]:.2f}** ({_rests_on(lines)}). A blurred edge is a safe bet where the pixels "
        "decide; a [[discriminator]] sees through it."
    )


@per_shelf
def what_it_costs() -> str:
    """Fréchet distance and coverage of both, and what a GAN lacks."""
    vae, gan = lines_of(FOUR["vae"]), lines_of(FOUR["gan"])
    far = [_mean(lines, "samples", "prior", "frechet") for lines in (vae, gan)]
    covered = [_mean(lines, "samples", "prior", "coverage") for lines in (vae, gan)]
    fitted = _mean(vae, "samples", "mixture", "frechet")
    return (
        f"The classifier's [[Fréchet distance]] to the digits is {far[0]:.1f} for the VAE's samples and {far[1]:.1f} "
        f"for the GAN's; they cover {covered[0]:.0%} and {covered[1]:.0%} of the digits. Drawn from a [[mixture]] that "
        f"is fitted to its own codes, the VAE comes to {fitted:.1f}. What a GAN lacks: an [[encoder]], a likelihood, "
        "and a loss that says whether it works."
    )


@per_shelf
def how_good_guesses_are() -> str:
    """How far the images at the guessed codes are from the digits, beside one image for all.

    Raises:
        RunNotFound: a run of two dimensions is missing.
        DatasetUnavailable: the digits are not on this machine.
    """
    errors = {}
    for name in ("vae", "gan"):
        line = next(line for line in lines_of(FOUR[name], 2) if line.key == spec_of(FOUR[name], 2).key)
        errors[name] = _mean([line], "mse", split="validation")  # of the very digits that are the points
    pixels = held_out(DATASET).floats()
    average = float(pixels.var(axis=0, dtype=np.float64).mean())
    told = (
        f"Squared error per pixel of the images at the points, of {len(pixels):,} held-out digits: "
        f"{errors['gan']:.3f}, at the VAE's {errors['vae']:.3f}; {average:.3f} if one always answered with the average "
        "digit."
    )
    if errors["gan"] > average:
        told += " So these guesses are poor: a sharp digit in a slightly wrong place is two errors."
    return told
