"""Which β is best for sampling, by a stated measure: the distance of samples from N(0, I) to real digits."""

from __future__ import annotations

from ui.chapters.beta.by_beta import against_beta
from ui.chapters.beta.sweep import DATASET, NO_KL, label_of, labels_of, measured, name_of, spec_of, stop_at, stops_of
from ui.figures.plots import Finished
from ui.runs.aggregate import aggregate_of
from ui.runs.selection import compared_spec, figure, measured_of, per_shelf, seeds_of
from vae_core.errors import RunNotFound
from vae_core.storage.store import Listed

_PRIOR = ("samples", "prior")


@per_shelf
def distances(dimensions: int) -> dict[str, float]:
    """The classifier Fréchet distance of every measured stop's samples, by its label.

    Raises:
        RunNotFound: none was measured.
    """
    lines = {label_of(spec_of(line)): figure(line, *_PRIOR, "frechet") for line in stops_of(dimensions)}
    found = {label: distance for label, distance in lines.items() if distance is not None}
    if not found:
        raise RunNotFound("samples were not measured on this sweep: train its dataset's classifier first.")
    return found


@per_shelf
def seeds_apart(dimensions: int) -> tuple[int, float]:
    """How many seeds a similar VAE has at β = 1, and how far apart their distances are: what chance does.

    Each β of the sweep was trained once: no difference below this tells one from another.
    """
    lines = seeds_of(compared_spec("vae", DATASET, dimensions))
    values = [value for line in lines if (value := figure(line, *_PRIOR, "frechet")) is not None]
    return len(values), max(values) - min(values) if values else 0.0


def best_for_samples(dimensions: int) -> tuple[int, str]:
    """The stop whose samples from N(0, I) are nearest to real digits: its place on the dial, and why."""
    found = distances(dimensions)
    best = min(found, key=lambda label: found[label])
    told = [f"{name_of(best)} has the least distance, {found[best]:.0f}."]
    here = stop_at(dimensions, best)
    if best != NO_KL and NO_KL in found:
        free = stop_at(dimensions, NO_KL)
        aggregate = aggregate_of(measured_of(free))
        apart = f"KL(q(z)‖p) is {aggregate.low:.0f} to {aggregate.high:.0f} nats, and " if aggregate else ""
        told.append(
            f"With a smaller β the codes spread far beyond the prior: at β = 0, {apart}samples come near "
            f"{_covered(free)} of the digits, here near {_covered(here)}."
        )
    large = [line for line in stops_of(dimensions) if spec_of(line).data_weight != 0][-2:]
    if best not in [label_of(spec_of(line)) for line in large]:
        blurred = large[0]
        told.append(
            f"With a larger β the code says less of its image: at {name_of(label_of(spec_of(blurred)))} the classifier "
            f"is unsure of {measured(blurred, *_PRIOR, 'ambiguity'):.0%} of samples, here of "
            f"{measured(here, *_PRIOR, 'ambiguity'):.0%}."
        )
    told.append(_ties(dimensions, best, found))
    return labels_of(dimensions).index(best), " ".join(filter(None, told))


def _covered(line: Listed) -> str:
    return f"{measured(line, *_PRIOR, 'coverage'):.0%}"


def _ties(dimensions: int, best: str, found: dict[str, float]) -> str:
    """Which other stops chance alone could have put first."""
    count, apart = seeds_apart(dimensions)
    if count < 2:
        return "Each β was trained only once."
    tied = [name_of(label) for label in found if label != best and found[label] - found[best] < apart]
    said = f"{' and '.join(tied)} cannot be told from it" if tied else "no other β comes so near"
    return f"Each β was trained once, and {count} seeds of a similar VAE at β = 1 differ by up to {apart:.0f}: {said}."


@per_shelf
def distance_figure(dimensions: int) -> Finished:
    """The distance against β."""
    return against_beta(
        distances(dimensions),
        {"title": "classifier Fréchet distance, less is better", "rangemode": "tozero"},
        "Classifier Fréchet distance of samples from N(0, I) to real digits.",
        number="{:.0f}".format,
    )
