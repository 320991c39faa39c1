"""Halfway from one head to another, and A is to B as C is to ?: how near what is drawn comes to the true features."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ui.chapters.faces.family import RENDERED, Shown, run_of
from ui.chapters.faces.instrument import face_payload, heads_of, levels_of, on_levels
from ui.chapters.faces.reading import features, labelled, read_of, seen_in, spreads_of, values_of
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.datasets import info
from vae_core.errors import MeasureError
from vae_core.metrics import analogy
from vae_core.payloads.plane import Payload

PAIRS = 200  # held-out heads from which walks begin, and analogies that are measured
TRIED = 10_000  # analogies drawn, of which most lead out of the features' ranges
FEWEST = 10  # analogies of which anything is said
FINEST = 64  # of the renderer, pixels to a side
_SEED = 20_261_130


class Errors(NamedTuple):
    """Root mean square differences to the true features, (F,) each, in the features' standard deviations.

    Attributes:
        code: of what is drawn of the computed codes.
        baseline: of what needs no model of the change: the cross-fade of two images; C as it is.
        own: of what is drawn of the heads' own codes: what reading itself gets wrong.
        nearer: the share, 0 to 1, for which the computed code is nearer than the baseline, over all features together.
        n: how many walks or analogies.
    """

    code: np.ndarray
    baseline: np.ndarray
    own: np.ndarray
    nearer: float
    n: int


def errors_of(code: np.ndarray, baseline: np.ndarray, own: np.ndarray) -> Errors:
    """From differences to the true features, each (n, F), in standard deviations."""

    def rms(differences: np.ndarray) -> np.ndarray:
        mean: np.ndarray = np.sqrt(np.square(differences).mean(axis=0))
        return mean

    nearer = np.square(code).sum(axis=1) < np.square(baseline).sum(axis=1)
    return Errors(rms(code), rms(baseline), rms(own), float(nearer.mean()), len(code))


@per_shelf
def halfway(shown: Shown) -> Errors:
    """Halfway between held-out heads: by code, and by fading one image into the other.

    Raises:
        RunNotFound: the run is not in the store.
        MeasureError: its codes, or the features, cannot be measured.
    """
    run, images = run_of(shown), held_out(shown.dataset).first(PAIRS)
    codes, values, pixels = run.codes.mean[: len(images)], values_of(images), images.floats()

    def middle(of: np.ndarray) -> np.ndarray:
        half: np.ndarray = (of + np.roll(of, 1, axis=0)) / 2
        return half

    true, spreads = middle(values), spreads_of(shown.dataset)
    walked = seen_in(shown, on_levels(middle(codes), levels_of(run)))
    return errors_of(
        (walked - true) / spreads,
        (read_of(shown, middle(pixels)) - true) / spreads,
        (seen_in(shown, codes) - values) / spreads,
    )


@per_shelf
def analogies(shown: Shown) -> Errors:
    """C + B - A of held-out heads whose answer has features within the ranges that heads have.

    Raises:
        RunNotFound: the run is not in the store.
        MeasureError: its codes, or the features, cannot be measured; or hardly any answer lies within the ranges.
    """
    run, images = run_of(shown), held_out(shown.dataset)
    codes, values = run.codes.mean, values_of(images)
    a, b, c = np.random.default_rng(_SEED).integers(len(images), size=(TRIED, 3)).T
    true = values[c] + values[b] - values[a]
    low, high = (np.array([getattr(one, end) for one in info(shown.dataset).factors]) for end in ("low", "high"))
    possible = ((true >= low) & (true <= high)).all(axis=1) & (a != b) & (b != c) & (a != c)
    chosen = np.flatnonzero(possible)[:PAIRS]
    if len(chosen) < FEWEST:
        raise MeasureError(f"too few of these images answer each other: {len(chosen)} of {TRIED:,} analogies")
    a, b, c, true = a[chosen], b[chosen], c[chosen], true[chosen]
    spreads = spreads_of(shown.dataset)
    answered = seen_in(shown, on_levels(analogy(codes[a], codes[b], codes[c]), levels_of(run)))
    unchanged = seen_in(shown, codes[c])
    return errors_of((answered - true) / spreads, (unchanged - true) / spreads, (unchanged - values[c]) / spreads)


def _table(shown: Shown, errors: Errors, columns: tuple[str, str, str], title: str, what: str) -> Html:
    rows: Rows = []
    for place, name in enumerate(features(shown.dataset)):
        found = {column: f"{of[place]:.2f}" for column, of in zip(columns, errors[:3], strict=True)}
        rows.append({"feature": name, **found})
    note = (
        f"How far the features read of what is drawn lie from the true ones: root mean square over {errors.n:,} "
        f"{what}, in standard deviations of each feature. Read as above, by a polynomial that was fitted to the codes "
        f"of {len(labelled(shown.dataset)):,} training {shown.noun}s; the last column is what reading itself gets "
        "wrong."
    )
    return as_html(rows, title=title, note=note)


def table_of_halfway(shown: Shown) -> Html:
    """How near to halfway."""
    columns = ("halfway by code", "cross-fade", f"{shown.noun}s themselves")
    return _table(shown, halfway(shown), columns, "Halfway", f"pairs of held-out {shown.noun}s")


def table_of_analogies(shown: Shown) -> Html:
    """How near to the true answers."""
    columns = ("C + B − A", "C unchanged", f"{shown.noun}s themselves")
    what = f"analogies of three held-out {shown.noun}s, whose true answer lies within the features' ranges"
    return _table(shown, analogies(shown), columns, "Analogies", what)


def _all(errors: np.ndarray) -> float:
    return float(np.sqrt(np.square(errors).mean()))


def told_of_halfway(shown: Shown) -> str:
    """The same in a sentence."""
    errors = halfway(shown)
    told = (
        f"Over {errors.n:,} pairs and all features, what is read of the image decoded halfway lies "
        f"**{_all(errors.code):.2f}** standard deviations from the features halfway, what is read of a cross-fade "
        f"**{_all(errors.baseline):.2f}**. The code is nearer for {errors.nearer:.0%} of the pairs."
    )
    if errors.nearer < 0.6:
        told += " So the encoder takes two faded heads for the one between them: only pixels can tell these apart."
    return told


def told_of_analogies(shown: Shown) -> str:
    """The same in a sentence."""
    errors = analogies(shown)
    return (
        f"Over {errors.n:,} analogies of held-out {shown.noun}s, in which all features differ, what is read of the "
        f"answer lies **{_all(errors.code):.2f}** standard deviations from the true features, of C unchanged "
        f"**{_all(errors.baseline):.2f}**. The answer is nearer for {errors.nearer:.0%} of them."
    )


@per_shelf
def heads_payload(shown: Shown) -> Payload:
    """What the walk and the analogies are sent: as the sliders, with the features of the heads that begin them.

    Raises:
        RunNotFound: the run is not in the store.
    """
    more: dict[str, Any] = {"levels": levels_of(run_of(shown))}
    if shown.dataset in RENDERED:  # else nothing draws a head of other features
        images = held_out(shown.dataset).first(heads_of(shown.dataset))
        more["values"] = [[float(f"{value:.6g}") for value in row] for row in values_of(images)]
    return face_payload(shown).with_header(**more)
