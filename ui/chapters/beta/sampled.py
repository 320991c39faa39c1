"""Which β is best for sampling, by a stated measure: the distance of samples from N(0, I) to real digits."""

from __future__ import annotations

from statistics import mean
from typing import NamedTuple

from ui.chapters.beta.by_beta import against_beta
from ui.chapters.beta.sweep import NO_KL, label_of, labels_of, measured, name_of, spec_of, stop_at, stops_of
from ui.figures.plots import Finished
from ui.runs.aggregate import aggregate_of
from ui.runs.selection import figure, measured_of, measured_seeds_of, per_shelf, with_range
from vae_core.errors import RunNotFound
from vae_core.storage.store import Listed

_PRIOR = ("samples", "prior")
_whole, _percent = "{:.0f}".format, "{:.0%}".format


class Distance(NamedTuple):
    """Classifier Fréchet distance of one β's samples to real digits, a number for each random start.

    Attributes:
        held_out: to validation digits, on which β is chosen.
        test: to test digits, which are reported.
    """

    held_out: tuple[float, ...]
    test: tuple[float, ...]


@per_shelf
def distances(dimensions: int) -> dict[str, Distance]:
    """Of every stop that was measured, by its label.

    Raises:
        RunNotFound: none was measured.
    """
    found = {}
    for line in stops_of(dimensions):
        starts = measured_seeds_of(spec_of(line))
        one = Distance(*(_of_starts(starts, split) for split in ("validation", "test")))
        if one.held_out and one.test:
            found[label_of(spec_of(line))] = one
    if not found:
        raise RunNotFound("samples were not measured on this sweep: train its dataset's classifier first.")
    return found


def _of_starts(starts: list[Listed], split: str) -> tuple[float, ...]:
    values = (figure(line, *_PRIOR, "frechet", split=split) for line in starts)
    return tuple(value for value in values if value is not None)


def best_for_samples(dimensions: int) -> tuple[int, str]:
    """The stop whose samples from N(0, I) are nearest to real digits: its place on the dial, and why."""
    found = distances(dimensions)
    best = min(found, key=lambda label: mean(found[label].held_out))
    held_out, test = (with_range(values, _whole) for values in found[best])
    told = [
        f"{name_of(best)} has the least distance to held-out digits, {held_out}; to test digits it is {test}. The one "
        "is of fewer samples than the other, so that the two do not compare."
    ]
    if best != NO_KL and NO_KL in found:
        aggregate = aggregate_of(measured_of(stop_at(dimensions, NO_KL)))
        apart = (
            f"KL(q(z)‖p) is {aggregate.low:.0f} to {aggregate.high:.0f} nats in the one model on the dial, and "
            if aggregate
            else ""
        )
        told.append(
            f"With a smaller β the codes spread far beyond the prior: at β = 0, {apart}samples come near "
            f"{_share(dimensions, NO_KL, 'coverage')} of the digits, here near {_share(dimensions, best, 'coverage')}."
        )
    large = [label_of(spec_of(line)) for line in stops_of(dimensions) if spec_of(line).data_weight != 0][-2:]
    if best not in large:
        told.append(
            f"With a larger β the code says less of its image: at {name_of(large[0])} the classifier is unsure of "
            f"{_share(dimensions, large[0], 'ambiguity')} of samples, here of {_share(dimensions, best, 'ambiguity')}."
        )
    told.append(_ties(best, found))
    return labels_of(dimensions).index(best), " ".join(filter(None, told))


def _share(dimensions: int, label: str, name: str) -> str:
    """A share of one β's samples: over the random starts that the distances are of.

    Raises:
        RunNotFound: it was not measured.
    """
    starts = measured_seeds_of(spec_of(stop_at(dimensions, label)))
    return with_range([measured(line, *_PRIOR, name) for line in starts], _percent)


def _ties(best: str, found: dict[str, Distance]) -> str:
    """Which other stops chance alone could have put first: those whose range of starts overlaps."""
    starts = {label: len(one.test) for label, one in found.items()}
    most = max(starts.values())
    if most < 2:
        return "Each β was trained only once."
    fewer = [name_of(label) for label, count in starts.items() if count < most]
    but = f" ({', '.join(fewer)}: fewer)" if fewer else ""
    tied = [
        name_of(label)
        for label, one in found.items()
        if label != best and min(one.test) <= max(found[best].test) and min(found[best].test) <= max(one.test)
    ]
    said = f"{' and '.join(tied)} cannot be told from it" if tied else "no other β comes so near"
    return (
        f"Each β was trained from {most} random starts{but}: a mean over them has their least and largest in brackets. "
        f"Where ranges overlap, chance may decide: {said}."
    )


def _rests_on(dimensions: int, found: dict[str, Distance]) -> str:
    """How many samples, and of how many random starts."""
    n = min(figure(line, *_PRIOR, "n") or 0 for line in stops_of(dimensions))
    starts = {label: len(one.test) for label, one in found.items()}
    most = max(starts.values())
    fewer = "".join(f" ({name_of(label)}: {count})" for label, count in starts.items() if count < most)
    return (
        f"{n:,.0f} samples against as many test digits. Means over {most} random starts{fewer}; bars reach from the "
        "least start to the largest."
    )


@per_shelf
def distance_figure(dimensions: int) -> Finished:
    """The distance to test digits against β: means over the starts, with the least and the largest."""
    found = distances(dimensions)
    return against_beta(
        {label: mean(one.test) for label, one in found.items()},
        {"title": "classifier Fréchet distance, less is better", "rangemode": "tozero"},
        "Classifier Fréchet distance of samples from N(0, I) to test digits, mean over random starts.",
        number=_whole,
        note=_rests_on(dimensions, found),
        ranges={label: (min(one.test), max(one.test)) for label, one in found.items()},
    )
