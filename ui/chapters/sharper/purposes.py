"""What each of the four is good for: figures for every purpose, and which model is best, if seeds allow to tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from ui.chapters.regularity.comparison import real_line
from ui.chapters.regularity.over_seeds import heading, tidy
from ui.chapters.sharper.cases import CASES
from ui.chapters.sharper.family import DATASET, DIMENSIONS, ENCODING, FOUR, named, those_here
from ui.chapters.sharper.outcomes import outcome
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html
from ui.runs.selection import compared_spec, figure, measured_seeds_of, per_shelf, seeds_of
from vae_core.metrics import share_interval
from vae_core.storage.store import Listed

Path = tuple[str, ...]
UNTOLD = "No clear best"
TOY = {"vae": "vae", "gan": "gan"}  # name of ours -> model of the toy
SETTINGS = {  # of the toy's GAN, in words; a VAE's differ in c
    "usual": "equal rates",
    "slow": "D slower",
    "fast": "D faster",
    "fast, R1": "D faster, R1",
    "minimax": "minimax",
    "five": "5 steps of D",
}


class Measure(NamedTuple):
    """A figure by which models are compared.

    Attributes:
        title: with its unit.
        paths: where it stands among a run's figures; of several the best counts.
        higher: whether more is better.
        digits: of a table.
        beside: what a method without learning has, or real images: its name and where that stands.
    """

    title: str
    paths: tuple[Path, ...]
    higher: bool
    digits: str
    beside: Callable[[list[Listed]], str] = lambda lines: "–"  # noqa: ARG005

    def of(self, line: Listed) -> float | None:
        """The figure of a run; None where it has none."""
        values = [value for path in self.paths if (value := figure(line, *path)) is not None]
        if not values:
            return None
        return max(values) if self.higher else min(values)


@dataclass(frozen=True)
class Purpose:
    """Something to use such a model for.

    Attributes:
        key: of the question.
        title: of what one does.
        measures: the best model is best by each of them; empty if it is decided in the toy.
        remark: on who lacks it, or on what the figures do not say.
    """

    key: str
    title: str
    measures: tuple[Measure, ...]
    remark: str


def _of_real(name: str, digits: str) -> Callable[[list[Listed]], str]:
    def told(lines: list[Listed]) -> str:
        del lines
        real = real_line(DATASET)
        value = figure(real, "real_at_random", name) if real else None
        return "–" if value is None else f"real digits {value:{digits}}"

    return told


def _of_pca(*path: str, digits: str) -> Callable[[list[Listed]], str]:
    def told(lines: list[Listed]) -> str:
        del lines
        value = next(
            (value for line in seeds_of(compared_spec("pca", DATASET, DIMENSIONS)) if (value := figure(line, *path))),
            None,
        )
        return "–" if value is None else f"PCA {value:{digits}}"

    return told


def _first(name: str, *path: str, digits: str) -> Callable[[list[Listed]], str]:
    def told(lines: list[Listed]) -> str:
        value = next((value for line in lines if (value := figure(line, *path)) is not None), None)
        return "–" if value is None else f"{name} {value:{digits}}"

    return told


def _halfway(name: str, title: str) -> Measure:
    beside = _first("cross-fade", "pictures", "crossfade", name, digits=".0%")
    return Measure(title, (("pictures", "midpoints", name),), False, ".1%", beside)


PURPOSES = (
    Purpose(
        "draw",
        "Draw new images",
        (
            Measure(
                "Fréchet distance of samples", (("samples", "prior", "frechet"),), False, ".1f",
                _of_real("frechet", ".1f"),
            ),
            Measure(
                "Coverage of the digits", (("samples", "prior", "coverage"),), True, ".2f", _of_real("coverage", ".2f")
            ),
        ),
        "Drawn from N(0, I), for all.",
    ),
    Purpose(
        "rebuild",
        "Rebuild an image",
        (
            Measure("Squared error, features", (("pictures", "reconstructions", "features"),), False, ".3f"),
            Measure("Squared error, pixels", (("mse",),), False, ".4f", _of_pca("mse", digits=".4f")),
        ),
        "A GAN has no [[encoder]]: its images are those of the codes that a second network guesses.",
    ),
    Purpose(
        "between",
        "Go from one image to another",
        (
            _halfway("ambiguity", "Not recognised halfway"),
            _halfway("hole_rate", "Unlike any training image halfway"),
        ),
        "Halfway between the codes of two digits. A GAN's codes are guessed, so its way begins and ends at "
        "other digits than the two given.",
    ),
    Purpose(
        "odd",
        "Find what does not belong",
        (
            Measure(
                "AUROC of halves of two digits", (("anomalies", "rebuilt"), ("anomalies", "judged")), True, ".3f",
                _of_pca("anomalies", "rebuilt", digits=".3f"),
            ),
        ),
        "The upper half of one digit over the lower half of another is to be told from whole digits: 0.5 by chance. "
        "The score is the squared error of the rebuilt image or, where there is one, the discriminator's verdict: for "
        "each model the better of both. One kind of odd image, not all there are.",
    ),
    Purpose(
        "likely",
        "Know how likely an image is",
        (
            Measure(
                "Negative ELBO, nats", (("negative_elbo",),), False, ".1f",
                _first("least possible", "bernoulli_floor", digits=".1f"),
            ),
        ),
        "A GAN has no likelihood and no bound on one: it was trained without a p(x|z), and has no q(z|x). The pixels "
        "are grey, so this ELBO, of Bernoulli pixels, bounds no probability either. It is what the VAE learned from.",
    ),
    Purpose(
        "steady",
        "Train without failing",
        (),
        "Of points in the plane, with every setting that was tried here: they are a choice of ours, so the share would "
        "be another with other settings.",
    ),
)  # fmt: skip


def best(values: Mapping[str, Sequence[float]], *, higher: bool) -> str | None:
    """Whose figures are better than all others' by more than their random starts differ.

    From a model's worst start to another's best one must be more than the starts of either spread. Of a single start
    the spread is not known: the widest of the others stands for it.

    Args:
        values: a figure for each random start, by model; a model without one has no say.
        higher: whether more is better.

    Returns:
        A model, or None if that cannot be told.
    """
    known = {name: of if higher else [-one for one in of] for name, of in values.items() if len(of)}
    if len(known) == 1:
        return next(iter(known))
    ranges = {name: max(of) - min(of) for name, of in known.items() if len(of) > 1}
    if not ranges:
        return None
    widest = max(ranges.values())
    spread = {name: ranges.get(name, widest) for name in known}
    for name, of in known.items():
        if all(
            min(of) - max(other) > max(spread[name], spread[rival]) for rival, other in known.items() if rival != name
        ):
            return name
    return None


@per_shelf
def lines_here() -> dict[str, list[Listed]]:
    """The seeds of each of the four that is in the store, by name.

    Raises:
        RunNotFound: it lacks all.
    """
    return {name: measured_seeds_of(spec) for name, spec in those_here().items()}


def values_of(measure: Measure) -> dict[str, list[float]]:
    """A figure by random start, by model."""
    return {
        name: [value for line in lines if (value := measure.of(line)) is not None]
        for name, lines in lines_here().items()
    }


def options() -> tuple[str, ...]:
    """What can be voted for."""
    return (*(FOUR[name].title for name in those_here()), UNTOLD)


class Whole(NamedTuple):
    """How often a model of the toy finds all modes of the ring.

    Attributes:
        found: seeds that do.
        tried: seeds, over all settings.
        settings: seeds that do with each setting, by its title.
    """

    found: int
    tried: int
    settings: Mapping[str, int] = MappingProxyType({})


def steadiness() -> dict[str, Whole]:
    """The toy's seeds that find every mode, over all settings of the ring that were measured, by model."""
    found = {}
    for name, model in TOY.items():
        of = {
            SETTINGS.get(case, f"c = {one.settings['c']:g}"): outcome(case)
            for case, one in CASES.items()
            if one.model == model and one.settings["data"] == "ring"
        }
        each = {title: one.whole for title, one in of.items()}
        found[name] = Whole(sum(each.values()), sum(len(one.modes) for one in of.values()), each)
    return found


def steadiest(found: Mapping[str, Whole]) -> str | None:
    """Whose share has an interval above those of all others."""
    intervals = {name: share_interval(one.found, one.tried) for name, one in found.items()}
    for name, interval in intervals.items():
        if all(interval[0] > other[1] for rival, other in intervals.items() if rival != name):
            return name
    return None


def winner(purpose: Purpose) -> str | None:
    """The model that is best for a purpose by each of its measures; None if there is none, or it cannot be told."""
    if not purpose.measures:
        return steadiest(steadiness())
    found = {best(values_of(measure), higher=measure.higher) for measure in purpose.measures}
    return found.pop() if len(found) == 1 else None


def answer(purpose: Purpose) -> tuple[int, str]:
    """The number of the right option, and why."""
    names, right = list(those_here()), winner(purpose)
    index = names.index(right) if right in names else len(names)
    return index, " ".join([*(_told(measure) for measure in purpose.measures), *_of_toy(purpose), purpose.remark])


def _told(measure: Measure) -> str:
    """The figures of all models and what follows, in a sentence or two."""
    values = values_of(measure)
    found = best(values, higher=measure.higher)
    said = ", ".join(
        f"{FOUR[name].title} {tidy(sum(of) / len(of), measure.digits)}" for name, of in values.items() if of
    )
    if not said:
        return f"{measure.title}: not measured on these runs."
    if found and sum(map(bool, values.values())) == 1:
        end = f"Only the {named(found)} has it."
    elif found:
        end = f"The {named(found)}'s is better, by more than starts differ."
    elif max(map(len, values.values())) == 1:
        end = "Of one random start each: too few to tell."
    else:
        end = "None is better than all others by more than random starts differ."
    return f"{measure.title}: **{said}**. {end}"


def _of_toy(purpose: Purpose) -> list[str]:
    if purpose.measures:
        return []
    found = steadiness()
    said = ", ".join(
        f"of the {FOUR[name].title}'s **{one.found} of {one.tried}** "
        f"({', '.join(f'{title}: {count}' for title, count in one.settings.items())})"
        for name, one in found.items()
    )
    told = [f"Seeds that find all 8 modes: {said}."]
    told.append("The 95% intervals of these shares do not meet." if steadiest(found) else "The 95% intervals meet.")
    digits = {name: [figure(line, "pictures", "prior", "classes_covered") for line in lines]
              for name, lines in lines_here().items()}  # fmt: skip
    counts = ", ".join(
        f"{FOUR[name].title} {sum(one == 10 for one in of)} of {sum(one is not None for one in of)}"
        for name, of in digits.items()
    )
    told.append(f"On digits, starts that cover all ten classes: {counts}: too few to compare.")
    return told


@per_shelf
def purposes_table(keys: tuple[str, ...]) -> Html:
    """The figures of some purposes.

    Args:
        keys: of the purposes to show.

    Raises:
        RunNotFound: none of the four is in the store.
    """
    lines = lines_here()
    everything = [line for of in lines.values() for line in of]
    rows: Rows = []
    for purpose in PURPOSES:
        if purpose.key not in keys:
            continue
        for measure in purpose.measures:
            values = values_of(measure)
            row: dict[str, object] = {"": f"{purpose.title}: {measure.title}\u00a0{'↑' if measure.higher else '↓'}"}
            for name, of in values.items():
                row[heading(FOUR[name].title, lines[name])] = _cell(of, len(lines[name]), measure.digits) or (
                    "has none" if name not in ENCODING else "–"
                )
            rows.append(row | {"Beside them": measure.beside(everything)})
        if not purpose.measures:
            row = {"": f"{purpose.title}: seeds of the toy with all modes\u00a0↑"}
            for name in lines:
                one = steadiness().get(name)
                row[heading(FOUR[name].title, lines[name])] = f"{one.found} of {one.tried}" if one else "not in the toy"
            rows.append(row | {"Beside them": "–"})
    note = (
        "↓ lower is better, ↑ higher is. A mean over random starts, with the least and the most of them; a number of "
        "seeds in a cell says that fewer have this figure. Samples and ways are judged in the features of a classifier "
        "that none of the models has seen. Each model is as it is usually trained, and not for equally long: see the "
        f"table above. All have d = {DIMENSIONS}, PCA too."
    )
    return as_html(rows, title="What each is good for", note=note, narrow=True)


def _cell(values: Sequence[float], starts: int, digits: str) -> str:
    if not values:
        return ""
    mean = tidy(sum(values) / len(values), digits)
    if len(values) > 1:
        mean += f" ({tidy(min(values), digits)} to {tidy(max(values), digits)})"
    return mean if len(values) == starts else f"{mean}, {len(values)} seed{'s' if len(values) > 1 else ''}"


def result(votes: Mapping[str, int]) -> str:
    """The votes beside what the figures say, in a sentence.

    Args:
        votes: number of the option that was chosen, by the purpose's key.
    """
    names = [*(FOUR[name].title for name in those_here()), UNTOLD.lower()]
    cast, found = [0] * len(names), [0] * len(names)
    for purpose in PURPOSES:
        if purpose.key in votes:
            cast[votes[purpose.key]] += 1
            found[answer(purpose)[0]] += 1
    said = (
        ", ".join(f"{name} {count}" for name, count in zip(names, of, strict=True) if count) for of in (cast, found)
    )
    return "Your votes: **{}**. By the figures: **{}**.".format(*said)
