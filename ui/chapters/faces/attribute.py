"""Directions in latent space from heads whose features are known, and what else moves along."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from ui.chapters.faces.family import RENDERED, Shown, run_of
from ui.chapters.faces.instrument import levels_of
from ui.chapters.faces.reading import features, labelled, labelled_codes, reader_of, seen_in, spreads_of, values_of
from ui.figures.markup import Html
from ui.figures.tables import as_html, signed
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.datasets import Factor, info
from vae_core.errors import MeasureError
from vae_core.metrics import difference_of_means, explained, logistic_direction, moves_along
from vae_core.metrics.directions import halves

MOVED = 300  # held-out images that steps are taken from
FARTHEST = 2.0  # times the direction, to both sides
METHODS = {"means": "difference of means", "logistic": "logistic regression"}
_FOUND_BY = {"means": difference_of_means, "logistic": logistic_direction}


@per_shelf
def direction(shown: Shown, factor: int, method: str) -> np.ndarray:
    """(d,), along which a feature becomes more: from the half of the labelled images that has less of it to the other.

    Args:
        shown: whose latent space.
        factor: the feature, counted from 0.
        method: one of `METHODS`.

    Raises:
        RunNotFound: the run is not in the store.
        MeasureError: the feature is the same for all, or no direction parts the two halves.
    """
    more = halves(values_of(labelled(shown.dataset))[:, factor])
    return _FOUND_BY[method](labelled_codes(shown), more)


class Moved(NamedTuple):
    """What one step of a direction does to heads.

    Attributes:
        steps: (F,), mean change of each feature, in its standard deviations.
        n: heads that steps were taken from.
    """

    steps: np.ndarray
    n: int


@per_shelf
def moved(shown: Shown, factor: int, method: str) -> Moved:
    """What is read of held-out images after a step, less what is read before: half a step to either side.

    Raises: as of `direction`.
    """
    codes, way = run_of(shown).codes.mean[:MOVED], direction(shown, factor, method)
    steps = moves_along(way, codes, lambda z: seen_in(shown, z), spreads_of(shown.dataset), step=1.0)
    return Moved(steps, len(codes))


def all_moved(shown: Shown, factor: int, method: str) -> dict[str, Moved]:
    """By the chosen one of the `METHODS` and those before it, as far as they find a direction.

    The difference of means alone needs no scikit-learn, which takes a second to import: the page opens without.
    """
    found = {}
    for name in tuple(METHODS)[: list(METHODS).index(method) + 1]:
        with suppress(MeasureError):
            found[name] = moved(shown, factor, name)
    return found


def _in_unit(value: float, factor: Factor) -> str:
    return f"{signed(value, 1)} {factor.unit}".replace(" °", "°") if factor.unit else signed(value)


@per_shelf
def table(shown: Shown, factor: int, method: str) -> Html:
    """What moves with one step of a feature's directions."""
    found, spreads = all_moved(shown, factor, method), spreads_of(shown.dataset)
    readable = explained(values_of(held_out(shown.dataset)), reader_of(shown)(run_of(shown).codes.mean))
    rows = []
    for place, one in enumerate(info(shown.dataset).factors):
        row: dict[str, object] = {"feature": one.name}
        for name in dict.fromkeys((*found, method)):
            row[f"by {METHODS[name]}"] = signed(float(found[name].steps[place])) if name in found else "no direction"
        if method in found:
            row["in its unit"] = _in_unit(float(found[method].steps[place] * spreads[place]), one)
        rows.append(row | {"R² of the reader": f"{readable[place]:.2f}"})
    count = max((one.n for one in found.values()), default=0)
    count_read = len(labelled(shown.dataset))
    note = (
        f"One step of α, half of it to either side of the codes of {count:,} held-out {shown.noun}s, on average, in "
        f"each feature's standard deviations; in its unit by {METHODS[method]}. Codes are decoded, and what was drawn "
        f"is encoded and read by a polynomial that was fitted to the codes of {count_read:,} training "
        f"{shown.noun}s. R²: how well it reads held-out {shown.noun}s; where it is far below 1, what it says of the "
        "step is little worth."
    )
    return as_html(rows, title="What moves along", note=note)


@per_shelf
def told(shown: Shown, factor: int, method: str) -> str:
    """How much moves along, in sentences; see `all_moved`."""
    names = features(shown.dataset)
    sentences = []
    for name, one in all_moved(shown, factor, method).items():
        others = [place for place in range(len(names)) if place != factor]
        along = "."
        if others:
            first = max(others, key=lambda place: abs(float(one.steps[place])))
            more = "more" if one.steps[first] > 0 else "less"
            along = f"; what moves most along with it is “{names[first]}”: {abs(one.steps[first]):.2f} {more}."
        sentences.append(
            f"By {METHODS[name]}, one step changes “{names[factor]}” by **{signed(float(one.steps[factor]))}** "
            f"standard deviations{along}"
        )
    if shown.dataset in RENDERED:
        sentences.append(_INDEPENDENT)
    if levels_of(run_of(shown)):
        sentences.append(_BETWEEN_LEVELS)
    return " ".join(sentences)


_INDEPENDENT = (
    "The features of these heads were drawn independently, so the labels do not bring it along: the model does."
)
_BETWEEN_LEVELS = (
    "What is drawn along the slider lies between the levels of an FSQ, where it has no codes: only its decoder can be "
    "asked."
)


def sent_code(shown: Shown, pixels: np.ndarray) -> np.ndarray:
    """(d,), the code of one picture (1, D)."""
    code: np.ndarray = run_of(shown).encode(pixels)[0]
    return code
