"""The runs that the chapter compares: same digits, same decoder, four ways to learn."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ui.runs.resources import shelf
from ui.runs.selection import measured_seeds_of, per_shelf
from vae_core.errors import RunNotFound
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Listed

DATASET, DIMENSIONS = "mnist", 16
HIDDEN = (16, 32, 64)


class Kind(NamedTuple):
    """A way to learn.

    Attributes:
        title: for people.
        learns: what its decoder learns from, in a few words.
        fits: whether a spec of this dataset, size and seed is one.
    """

    title: str
    learns: str
    fits: Callable[[RunSpec], bool]


def _plain(model: str) -> Callable[[RunSpec], bool]:
    return lambda spec: spec.model == model


def _adversarial(model: str, *, well: bool) -> Callable[[RunSpec], bool]:
    """Whether a model has R1 and a discriminator that sees the minibatch standard deviation, or neither of both."""
    return lambda spec: spec.model == model and (spec.options.regulariser == "r1" and spec.options.batch_spread) is well


# By what stands in the URL.
FOUR = {
    "vae": Kind("VAE", "pixels", _plain("conv_vae")),
    "perceptual": Kind("Perceptual VAE", "features of a frozen network", _plain("perceptual_vae")),
    "vae_gan": Kind("VAE-GAN", "features of its discriminator, and its verdict", _adversarial("vae_gan", well=True)),
    "gan": Kind("GAN", "the discriminator's verdict alone", _adversarial("gan", well=True)),
}
# The same, with settings that fail; by the one of the four that each belongs to.
FAILED = {
    "gan": Kind("GAN that fails", FOUR["gan"].learns, _adversarial("gan", well=False)),
    "vae_gan": Kind("VAE-GAN that fails", FOUR["vae_gan"].learns, _adversarial("vae_gan", well=False)),
}
ENCODING = ("vae", "perceptual", "vae_gan")  # a GAN has no encoder


def shipped(kind: Kind, dimensions: int = DIMENSIONS) -> list[RunSpec]:
    """The shipped specs of a kind, in the manifest's order."""
    return [
        spec
        for spec in read_manifest()
        if (spec.dataset, spec.latent_dim, spec.hidden) == (DATASET, dimensions, HIDDEN) and kind.fits(spec)
    ]


@per_shelf
def spec_of(kind: Kind, dimensions: int = DIMENSIONS) -> RunSpec:
    """The first shipped spec of a kind whose run is in the store.

    Raises:
        RunNotFound: there is none.
    """
    here = {line.key for line in shelf().lines}
    for spec in shipped(kind, dimensions):
        if spec.key in here:
            return spec
    raise RunNotFound(f"the {kind.title} of the digits is not in the store; run 'python -m vae_core rebuild'.")


def those_here(dimensions: int = DIMENSIONS) -> dict[str, RunSpec]:
    """The spec of each of the four that is in the store.

    Raises:
        RunNotFound: it lacks all.
    """
    found = {}
    for name, kind in FOUR.items():
        with suppress(RunNotFound):
            found[name] = spec_of(kind, dimensions)
    if not found:
        raise RunNotFound("none of these models of digits is in the store; run 'python -m vae_core rebuild'.")
    return found


def learned_from() -> str:
    """What the decoders of those here learned from, in words: "pixels (VAE), …"; of all four if none is here."""
    try:
        names = list(those_here())
    except RunNotFound:
        names = list(FOUR)  # that none is here the step's instrument says
    return ", ".join(f"{FOUR[name].learns} ({FOUR[name].title})" for name in names)


def named(name: str) -> str:
    """The title of one of the four within a sentence: "perceptual VAE"."""
    title = FOUR[name].title
    return title if title[1].isupper() else f"{title[0].lower()}{title[1:]}"


def lines_of(kind: Kind, dimensions: int = DIMENSIONS) -> list[Listed]:
    """The run of `spec_of` with its further seeds, of which the figures alone may be shipped.

    Raises:
        RunNotFound: as of `spec_of`.
    """
    return measured_seeds_of(spec_of(kind, dimensions))
