"""Images that are no digits: which of the two terms notices."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ui.chapters.inside.instrument import DATASET, NOISE_SEED, measured, measured_on, run_of
from ui.figures.markup import Html
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.evaluation.terms import terms
from vae_core.losses.gaussian import reparameterise

SCRAMBLED = 1_000  # held-out digits
PICTURED = 6  # of them


class Scrambled(NamedTuple):
    """Mean nats per image of held-out digits and of the same digits with their pixels shuffled."""

    reconstruction: tuple[float, float]
    kl: tuple[float, float]
    n: int


@per_shelf
def scrambled(choice: str) -> Scrambled:
    """Digits against images that are none: the same grey pixels in another order, so that the floor is the same."""
    run = run_of(choice)
    pixels, shuffled, random = _pixels()
    noise = random.standard_normal((len(pixels), run.spec.latent_dim))
    (reconstruction, kl), (wild, wild_kl) = (terms(run, images, noise) for images in (pixels, shuffled))
    return Scrambled(
        (float(reconstruction.mean()), float(wild.mean())),
        (float(kl.sum(axis=1).mean()), float(wild_kl.sum(axis=1).mean())),
        len(pixels),
    )


def _pixels() -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Held-out digits, the same shuffled, and the generator that did it."""
    random = np.random.default_rng(NOISE_SEED)
    pixels = held_out(DATASET).floats()[:SCRAMBLED]
    return pixels, random.permuted(pixels, axis=1), random


@per_shelf
def black(choice: str) -> tuple[float, float]:
    """Mean reconstruction and KL of a black image, in nats."""
    run = run_of(choice)
    noise = np.random.default_rng(NOISE_SEED).standard_normal((SCRAMBLED, run.spec.latent_dim))
    reconstruction, kl = terms(run, np.zeros((SCRAMBLED, math.prod(run.image_shape)), np.float32), noise)
    return float(reconstruction.mean()), float(kl.sum(axis=1).mean())


@per_shelf
def no_digits(choice: str) -> Html:
    """Digits, shuffled digits and a black image, what becomes of each, and what each costs: HTML."""
    run, found = run_of(choice), scrambled(choice)
    pixels, shuffled, random = _pixels()
    noise = random.standard_normal((PICTURED, run.spec.latent_dim))
    dark, dark_kl = black(choice)
    rows = []
    for label, images, reconstruction, kl in (
        ("Held-out digits", pixels[:PICTURED], found.reconstruction[0], found.kl[0]),
        ("The same pixels, shuffled", shuffled[:PICTURED], found.reconstruction[1], found.kl[1]),
        ("A black image", np.zeros_like(pixels[:PICTURED]), dark, dark_kl),
    ):
        decoded = run.decode(reparameterise(*run.posterior(images), noise).astype(np.float32))
        told = f"reconstruction {reconstruction:.1f} + KL {kl:.1f} = {reconstruction + kl:.1f} nats"
        picture = tiles(np.concatenate([images, decoded]), run.image_shape, columns=PICTURED)
        rows.append(Picture(label, told, picture, f"{PICTURED} of them above, what they decode to below"))
    return labelled_rows(
        rows,
        f"Above: the image. Below: the decoded image, ε sampled. The numbers are means over {found.n:,} images, for "
        f"the black one over {SCRAMBLED:,} samples of ε.",
    )


def no_test_for_digits(choice: str) -> str:
    """What a black image costs beside a digit: the sentence that says so."""
    cost = sum(black(choice))
    numbers = measured(run_of(choice))
    text = f"The loss is no test for digits, though: a black image costs **{cost:.1f} nats**"
    if "reconstruction" not in numbers:
        return f"{text}."
    digit = numbers["reconstruction"] + numbers["kl"]
    average = f"the {digit:.1f} of {measured_on(run_of(choice))} on average"
    if cost >= digit:
        return f"{text}, beside {average}."
    return f"{text}, less than {average}. There is little in it to get wrong."


def which_term_rises(choice: str) -> tuple[int, str]:
    """Which term rises more, in nats, where an image is no digit: 0 the reconstruction, 1 the KL."""
    found = scrambled(choice)
    rises = [after - before for before, after in (found.reconstruction, found.kl)]
    told = (
        f"Reconstruction {found.reconstruction[0]:.1f} → {found.reconstruction[1]:.1f} nats, KL {found.kl[0]:.1f} → "
        f"{found.kl[1]:.1f} nats (means over {found.n:,} held-out digits, before and after we shuffled their pixels)."
    )
    return int(np.argmax(rises)), f"{told} {_what_it_means(rises)}"


def _what_it_means(rises: list[float]) -> str:
    if rises[1] < 0:
        return "The KL even falls. It asks where the approximate posterior lies, not whether the image is a digit."
    return (
        "The decoder has learned to make digits only. The KL asks where the approximate posterior lies, not whether "
        "the image is a digit."
    )
