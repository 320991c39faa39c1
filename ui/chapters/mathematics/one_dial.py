"""The variance c beside β: for a c that a model was trained with, the model whose β weighs the terms the same way."""

from __future__ import annotations

import math

from ui.chapters.beta.variance import Group, Weighed, counted, error_against_kl, learned_note, rebuilt_by, weighed
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import Finished
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound

VARIANCES = (0.0125, 0.2)  # of the shipped runs, beside the one that β is varied at


@per_shelf
def pairs() -> dict[float, tuple[Weighed, Weighed]]:
    """By c: the run trained with it at β = 1, and that at another c whose β makes c · β the same.

    Raises:
        RunNotFound: there is no such pair in the store.
    """
    fixed = [one for one in weighed() if not one.learned]
    found = {
        by_c.c: (by_c, by_beta)
        for by_c in fixed
        for by_beta in fixed
        if by_c.beta == 1.0 != by_beta.beta and math.isclose(by_c.product, by_beta.product)
    }
    if not found:
        raise RunNotFound("the runs that compare c with β are not in the store; run 'python -m vae_core rebuild'.")
    return found


def pair_of(c: float) -> tuple[Weighed, Weighed]:
    """The pair of a c.

    Raises:
        RunNotFound: it is not in the store.
    """
    if c not in pairs():
        raise RunNotFound(f"the runs with c = {c:g} are not in the store; run 'python -m vae_core rebuild'.")
    return pairs()[c]


def equivalent(c: float) -> str:
    """The β that weighs the terms as this c does, and what the two runs came to: markdown."""
    by_c, by_beta = pair_of(c)
    both = by_c, by_beta
    apart = [abs(one.error - own.error) for pair in pairs().values() for one in pair if one not in both for own in both]
    told = (
        f"At the fixed variance {by_beta.c:g}, c = {by_c.c:g} is the same as **β = {by_c.c:g} / {by_beta.c:g} = "
        f"{by_beta.beta:g}**. Trained one way and the other, the squared errors are **{by_c.error:.4f}** and "
        f"**{by_beta.error:.4f}** per pixel, the KL **{by_c.kl:.2f}** and **{by_beta.kl:.2f} nats**."
    )
    return f"{told} The other pair's errors are {min(apart):.4f} away or more." if apart else told


@per_shelf
def pair_figure(c: float) -> Finished:
    """Squared error against KL of all runs with a set c and β; the pair of this c stands out."""
    by_c, by_beta = pair_of(c)
    rest = [one for one in weighed() if not one.learned and one not in (by_c, by_beta)]
    groups = (
        Group(f"c = {by_c.c:g}, β = 1", [by_c], CLASS_COLOURS[0], "circle-open", 18),
        Group(f"c = {by_beta.c:g}, β = {by_beta.beta:g}", [by_beta], CLASS_COLOURS[1], "cross-thin-open", 18),
        Group("other runs", rest, CLASS_COLOURS[6], "diamond-open", 10),
    )
    return error_against_kl(groups, 230)


@per_shelf
def pair_pictures(c: float) -> Html:
    """The same held-out digits rebuilt by the pair's two runs: HTML."""
    return rebuilt_by(pair_of(c))


def pair_note() -> str:
    """What the numbers rest on, and where a learned c goes."""
    learned = [f"from {one.began:g} to {one.c:.3f}" for one in weighed() if one.learned]
    told = f"8 × 8 digits, {counted():,} held-out images, z sampled; one run each, so small differences mean nothing."
    if not learned:
        return told
    return f"{told} c can also be learned with the weights: training moved it {' and '.join(learned)}. {learned_note()}"
