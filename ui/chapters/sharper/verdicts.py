"""Predictions of the chapter's second half, answered from the shipped runs."""

from __future__ import annotations

import numpy as np

from ui.chapters.sharper.family import DATASET, FOUR, lines_of, named, spec_of, those_here
from ui.chapters.sharper.purposes import best
from ui.runs.resources import held_out
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.storage.store import Listed

WHOSE = ("The VAE's", "The GAN's", "Both alike", "Neither's")
AS_SHARP = 0.15  # of the sharpness of real digits
ADVERSARIAL = ("vae_gan", "gan")


def _mean(lines: list[Listed], *path: str, split: str = "test") -> float:
    values = [value for line in lines if (value := figure(line, *path, split=split)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on these runs; run 'python -m vae_core evaluate'.")
    return sum(values) / len(values)


def _rests_on(lines: dict[str, list[Listed]]) -> str:
    """On how many samples and random starts the figures of some models rest."""
    counts = {figure(of[0], "pictures", "prior", "n") or 0 for of in lines.values()}
    starts = sorted({len(of) for of in lines.values()})
    said = f"{starts[0]}" if len(starts) == 1 else f"{starts[0]} to {starts[-1]}"
    noun = "random start" if starts == [1] else "random starts"
    return f"{' and '.join(f'{n:,.0f}' for n in sorted(counts))} samples of each of {said} {noun}"


def _here() -> dict[str, list[Listed]]:
    """The seeds of each of the four that is in the store, by name."""
    return {name: lines_of(FOUR[name]) for name in those_here()}


def _range(lines: list[Listed], *path: str) -> tuple[float, float]:
    values = [value for line in lines if (value := figure(line, *path)) is not None]
    return min(values), max(values)


@per_shelf
def whose_are_sharp() -> tuple[int, str]:
    """Whose samples are as sharp as real digits, the VAE's or the GAN's: the option's number, and the answer."""
    lines = _here()
    sharp = {name: _mean(of, "pictures", "prior", "sharpness") for name, of in lines.items()}
    for name in ("vae", "gan"):
        if name not in sharp:
            spec_of(FOUR[name])  # says what is missing
    vae, gan = (abs(sharp[name] - 1.0) <= AS_SHARP for name in ("vae", "gan"))
    right = 2 if vae and gan else 0 if vae else 1 if gan else 3
    others = {name: value for name, value in sharp.items() if name not in ("vae", "gan")}
    told = (
        f"The mean sharpness of the VAE's samples is **{sharp['vae']:.2f}** of that of real digits, the GAN's "
        f"**{sharp['gan']:.2f}**"
    )
    told += "".join(f", the {named(name)}'s {value:.2f}" for name, value in others.items())
    return right, (
        f"{told} ({_rests_on(lines)}). A blurred edge is a safe bet where the pixels decide; a [[discriminator]] sees "
        "through it."
    )


@per_shelf
def what_it_costs() -> str:
    """Fréchet distance and coverage of all that are here, what a GAN lacks, and whether the goals are reached."""
    lines = _here()
    each = [
        f"{_mean(of, 'samples', 'prior', 'frechet'):.1f} for the {named(name)}'s samples, which cover "
        f"{_mean(of, 'samples', 'prior', 'coverage'):.0%} of the digits"
        for name, of in lines.items()
    ]
    told = f"The classifier's [[Fréchet distance]] to the digits is {'; '.join(each)}."
    if "vae" in lines:
        fitted = _mean(lines["vae"], "samples", "mixture", "frechet")
        told += f" Drawn from a [[mixture]] that is fitted to its own codes, the VAE comes to {fitted:.1f}."
    if "gan" in lines:
        told += " What a GAN lacks: an [[encoder]], a likelihood, and a loss that says whether it works."
    reached = [*(_sharp_enough(name, lines[name]) for name in ADVERSARIAL if name in lines)]
    if "vae" in lines:
        reached += [
            _rebuilds_better(name, lines[name], lines["vae"]) for name in ("perceptual", "vae_gan") if name in lines
        ]
    return "\n\n".join([told, "\n".join(f"- {one}" for one in reached)])


def _sharp_enough(name: str, lines: list[Listed]) -> str:
    """Whether a model's samples are sharp within `AS_SHARP`, with every start or by the mean alone."""
    path = ("pictures", "prior", "sharpness")
    low, high = _range(lines, *path)
    mean, title, within = _mean(lines, *path), named(name), f"within {AS_SHARP:.0%} of real edges"
    all_of = "with every start" if len(lines) > 1 else "with the one start there is"
    if max(abs(low - 1.0), abs(high - 1.0)) <= AS_SHARP:
        return f"The {title}'s samples are {within}, {all_of}: {_between(low, high, '.2f')}."
    if abs(mean - 1.0) <= AS_SHARP:
        return f"The {title}'s samples are {within} by the mean, {mean:.2f}, but not with every start: " + (
            f"{_between(low, high, '.2f')}."
        )
    side = "too soft" if mean < 1.0 else "too sharp"
    return f"The {title}'s samples are not {within}: {mean:.3f}, {side} by {abs(mean - 1.0) - AS_SHARP:.3f}."


def _rebuilds_better(name: str, lines: list[Listed], vae: list[Listed]) -> str:
    """Whether a model's reconstructions are nearer by features than the VAE's by more than starts differ."""
    path = ("pictures", "reconstructions", "features")
    values = {title: [value for line in of if (value := figure(line, *path)) is not None]
              for title, of in ((name, lines), ("vae", vae))}  # fmt: skip
    if not all(values.values()):
        return f"By features, no reconstructions of the {named(name)} were measured."
    own, other = (_between(min(of), max(of), ".3f") for of in values.values())
    told = f"squared error {own} against {other} ({len(values[name])} and {len(values['vae'])} random starts)"
    found, mean = best(values, higher=False), {title: sum(of) / len(of) for title, of in values.items()}
    better = "better" if mean[name] < mean["vae"] else "worse"
    if found is None:
        told = f"but not by more than starts differ: {told}"
        return f"By features the {named(name)} rebuilds {better} than the VAE, {told}."
    return f"By features the {named(name)} rebuilds {better} than the VAE: {told}."


def _between(low: float, high: float, digits: str) -> str:
    first, last = format(low, digits), format(high, digits)
    return first if first == last else f"{first} to {last}"


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
