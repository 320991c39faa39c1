"""Which number of a code found which known feature, measured on held-out heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ui.chapters.faces.family import Shown, run_of
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.datasets import info
from vae_core.errors import MeasureError
from vae_core.metrics import attribute_scores, factor_entropies, mutual_information_matrix
from vae_core.metrics.factors import BINS

ENOUGH = 0.5  # of a feature's variance, which one number must explain to count as having found it
MEASURES = {"r2": "explained variance", "information": "information"}


def how_many_options(factors: int) -> dict[str, int]:
    """Answers to how many of so many features were found, and up to how many each goes."""
    if factors < 4:
        return {"None": 0, "One": 1, "Two": 2, "Three": 3} if factors == 3 else {"None": 0, "One": 1, "Both": 2}
    between = {4: {}, 5: {"Four": 4}, 6: {"Four or five": 5}}.get(factors, {f"Four to {factors - 1}": factors - 1})
    last = {4: "four", 5: "five", 6: "six"}.get(factors, f"{factors}")
    return {"None or one": 1, "Two or three": 3, **between, f"All {last}": factors}


@dataclass(frozen=True, eq=False)
class Found:
    """What was measured of a run's held-out codes.

    Attributes:
        factors: names of the features.
        explained: (d, F), the share of a feature's variance that a number alone explains along a straight line, r².
        information: (d, F), what a number tells of a feature, in shares of the feature's entropy; both in 20 bins.
        used: (d,), whether the model uses a number.
        n: heads.
        chance: (F,), the information that a number of codes dealt to the images anew would tell; None if not measured.
    """

    factors: tuple[str, ...]
    explained: np.ndarray
    information: np.ndarray
    used: np.ndarray
    n: int
    chance: np.ndarray | None = None

    def best_of(self, number: int) -> int:
        """The feature that a number tells most of."""
        return int(self.explained[number].argmax())

    def best_told(self, number: int) -> str:
        """The same in a few words, with the share of the feature's variance."""
        best = self.best_of(number)
        return f"{self.factors[best]}, r² {self.explained[number, best]:.2f}"

    @property
    def gaps(self) -> np.ndarray:
        """(F,), by how much the number that tells most of a feature tells more than the next; their mean is MIG."""
        ordered = np.sort(self.information, axis=0)
        gaps: np.ndarray = ordered[-1] - ordered[-2]
        return gaps

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The features that were found, each with its number: it explains more than any other number does, at least
        half of the variance, and more of this feature than of any other."""
        best = [(int(self.explained[:, factor].argmax()), factor) for factor in range(len(self.factors))]
        return [
            (number, factor)
            for number, factor in best
            if self.used[number] and self.explained[number, factor] >= ENOUGH and self.best_of(number) == factor
        ]

    def values(self, measure: str) -> np.ndarray:
        """(d, F), of one of `MEASURES`."""
        return self.explained if measure == "r2" else self.information

    def told(self, measure: str) -> list[list[str]]:
        """A sentence for each number and feature."""
        sentences = []
        for number, row in enumerate(self.values(measure)):
            name = f"z{str(number + 1).translate(_SUBSCRIPTS)}"
            told = []
            for factor, value in zip(self.factors, row, strict=True):
                if measure == "r2":
                    text = f"{name} alone explains {value:.0%} of the variance of “{factor}”, along a straight line."
                else:
                    text = f"{name} tells {value:.0%} of what there is to know of “{factor}” in {BINS} steps."
                    if self.chance is not None:
                        text += f" About {self.chance[self.factors.index(factor)]:.0%} comes by chance alone."
                told.append(f"{text} Below: what the decoder draws along {name}.")
            sentences.append(told)
        return sentences


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def without_factors(dataset: str) -> str:
    """The sentence for images without known features; empty where they are known."""
    if info(dataset).factors:
        return ""
    return (
        "Nobody knows the true features of these images, so there is nothing to compare the numbers with. Choose the "
        "rendered heads, or send images with their factors (an .npz with `factors`)."
    )


@per_shelf
def found_by(shown: Shown) -> Found | None:
    """What the numbers of a run's code found; None where no features are known.

    Raises:
        RunNotFound: the run is not in the store.
        MeasureError: its codes cannot be measured, because some are not finite.
    """
    run, images = run_of(shown), held_out(shown.dataset)
    if images.factor_values is None:
        return None
    codes, values = run.codes.mean.astype(np.float64), images.factor_values
    kinds = [factor.kind == "category" for factor in images.factors]
    information = mutual_information_matrix(codes, values, categories=kinds)
    entropies = factor_entropies(values, categories=kinds)
    by_chance = run.metrics.get("validation", {}).get("factors", {}).get("mutual_information_by_chance")
    return Found(
        tuple(factor.name for factor in images.factors),
        attribute_scores(codes, values, categories=kinds),
        information / entropies,
        run.codes.used(),
        len(codes),
        None if by_chance is None else by_chance / entropies,
    )


def how_many(shown: Shown) -> tuple[int, str]:
    """How many features a run found: the option's number and the answer."""
    found = found_by(shown)
    if found is None:
        raise MeasureError(without_factors(shown.dataset))
    pairs = found.pairs
    last_of = how_many_options(len(found.factors)).values()
    right = next(place for place, last in enumerate(last_of) if len(pairs) <= last)
    names = [found.factors[factor] for _, factor in pairs]
    missing = [factor for factor in found.factors if factor not in names]
    told = f"**{len(pairs)}** of {len(found.factors)}"
    told += f": {', '.join(names)}. " if names else ". "
    if missing:
        told += f"Not found by one number of its own: {', '.join(missing)}. "
    told += (
        f"Found means: one number alone explains at least {ENOUGH:.0%} of the feature's variance, and nothing better. "
        f"From {found.n:,} held-out {shown.noun}s, of the run on screen; another seed may find others."
    )
    return right, told
