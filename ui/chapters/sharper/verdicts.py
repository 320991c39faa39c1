"""Predictions of the chapter's second half, answered from the shipped runs."""

from __future__ import annotations

from ui.chapters.sharper.family import FOUR, lines_of
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.storage.store import Listed

WHOSE = ("The VAE's", "The GAN's", "Both alike", "Neither's")
AS_SHARP = 0.15  # of the sharpness of real digits


def _mean(lines: list[Listed], *path: str) -> float:
    values = [value for line in lines if (value := figure(line, *path)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on these runs; run 'python -m vae_core evaluate'.")
    return sum(values) / len(values)


@per_shelf
def whose_are_sharp() -> tuple[int, str]:
    """Whose samples are as sharp as real digits: the option's number and the answer."""
    sharp = [_mean(lines_of(FOUR[name]), "pictures", "prior", "sharpness") for name in ("vae", "gan")]
    vae, gan = (abs(one - 1.0) <= AS_SHARP for one in sharp)
    right = 2 if vae and gan else 0 if vae else 1 if gan else 3
    return right, (
        f"The mean sharpness of the VAE's samples is **{sharp[0]:.2f}** of that of real digits, the GAN's "
        f"**{sharp[1]:.2f}**. A blurred edge is a safe bet where the pixels decide; a [[discriminator]] sees through "
        "it."
    )


@per_shelf
def what_it_costs() -> str:
    """Fréchet distance and coverage of both, and what a GAN lacks."""
    vae, gan = lines_of(FOUR["vae"]), lines_of(FOUR["gan"])
    far = [_mean(lines, "samples", "prior", "frechet") for lines in (vae, gan)]
    covered = [_mean(lines, "samples", "prior", "coverage") for lines in (vae, gan)]
    fitted = _mean(vae, "samples", "mixture", "frechet")
    nearer = "nearer to" if far[1] < far[0] else "farther from"
    return (
        f"The GAN's samples are also {nearer} the digits as a whole: Fréchet distance {far[1]:.1f} against "
        f"{far[0]:.1f}, and they cover {covered[1]:.0%} of them against {covered[0]:.0%}. A [[mixture]] "
        f"fitted to the VAE's own codes brings the VAE to {fitted:.1f}, as blurred as before. What a GAN lacks: an "
        "[[encoder]], a likelihood, and a loss that says whether it works."
    )
