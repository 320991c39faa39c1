"""Convolutional against fully connected autoencoders that saw their images equally often, by both losses."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean
from typing import NamedTuple

from ui.chapters.reduction.comparison import DATASET, DIMENSIONS, Measured, line_name
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html
from ui.runs.selection import compared_spec, figure, measured_on, measured_seeds_of, per_shelf, with_range
from vae_core.models import model_kind
from vae_core.storage.store import Listed

KINDS = ("ae", "conv_ae")


class Compared(NamedTuple):
    """One kind of autoencoder at one d, on test digits, a number for each random start.

    Attributes:
        model: its kind.
        dimensions: d.
        epochs: of training.
        squared: error per pixel.
        nats: cross-entropy per image, on which it was trained.
        lines: the runs.
    """

    model: str
    dimensions: int
    epochs: int
    squared: tuple[float, ...]
    nats: tuple[float, ...]
    lines: tuple[Listed, ...]


@per_shelf
def compared() -> tuple[Compared, ...]:
    """Both kinds after the epochs of the convolutional one, and the fully connected one after its own too."""
    found = []
    for dimensions in DIMENSIONS:
        specs = [compared_spec(kind, DATASET, dimensions) for kind in KINDS]
        equal = replace(specs[0], epochs=specs[1].epochs)
        for spec in dict.fromkeys((equal, specs[1], specs[0])):
            lines = measured_seeds_of(spec)
            squared, nats = (
                tuple(value for line in lines if (value := figure(line, name)) is not None)
                for name in ("mse", "reconstruction")
            )
            if squared and nats:
                found.append(Compared(spec.model, dimensions, spec.epochs, squared, nats, tuple(lines)))
    return tuple(found)


def at_equal_epochs() -> dict[int, tuple[Compared, Compared]]:
    """Fully connected and convolutional by d, where both were measured after equally many epochs."""
    found: dict[int, dict[str, Compared]] = {}
    epochs = {one.epochs for one in compared() if one.model == KINDS[1]}
    for one in compared():
        if one.epochs in epochs:
            found.setdefault(one.dimensions, {})[one.model] = one
    return {d: (kinds[KINDS[0]], kinds[KINDS[1]]) for d, kinds in found.items() if len(kinds) == 2}


def after_fewer_epochs() -> tuple[str, tuple[Measured, ...]]:
    """The fully connected one's line after as few epochs: its name, and its squared errors."""
    pairs = at_equal_epochs()
    epochs = max((plain.epochs for plain, _ in pairs.values()), default=0)
    return line_name(KINDS[0], epochs), tuple(Measured.of(d, plain.squared) for d, (plain, _) in pairs.items())


@per_shelf
def convolutions_text() -> str:
    """Where convolutions win after equally many epochs: markdown; empty where nothing compares."""
    pairs = at_equal_epochs()
    if not pairs:
        return ""
    epochs = next(iter(pairs.values()))[1].epochs
    chance = max((max(one.squared) / min(one.squared) for one in compared() if len(one.squared) > 1), default=1.0)
    ratios = {d: mean(plain.squared) / mean(conv.squared) for d, (plain, conv) in pairs.items()}
    better = [d for d, ratio in ratios.items() if ratio > chance]
    worse = [d for d, ratio in ratios.items() if 1 / ratio > chance]
    alike = [d for d in ratios if d not in better + worse]
    said = [f"they are {how} at d = {_listed(dims)}" for how, dims in (("better", better), ("worse", worse)) if dims]
    if alike:
        apart = "; ".join(f"{mean(pairs[d][1].squared):.4f} against {mean(pairs[d][0].squared):.4f}" for d in alike)
        said.append(f"at d = {_listed(alike)} they cannot be told apart ({apart})")
    twice = [d for d, (_, conv) in pairs.items() if len(conv.squared) > 1]
    beside = (
        f"Another random start changes an error by up to {chance - 1:.0%}; most convolutional ones were trained once"
        + (f" (twice at d = {_listed(twice)})." if twice else ".")
        if chance > 1
        else "Each was trained once: how much a random start changes is not known."
    )
    return (
        f"The convolutional runs had {epochs} epochs. Compared with fully connected ones after as many (dotted), "
        f"{'; '.join(said)}. {beside} All autoencoders but the "
        "linear one were trained on the cross-entropy, PCA on the squared error, by which all are compared here; the "
        "table has both."
    )


def _listed(numbers: list[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}" if others else last


@per_shelf
def epochs_table() -> Html:
    """Every kind at every d by both losses: HTML."""
    rows: Rows = [
        {
            "model": f"{model_kind(one.model).title}, d\u00a0=\u00a0{one.dimensions}",
            "epochs": one.epochs,
            "squared error per pixel": _with_range(one.squared, 4),
            "cross-entropy, nats per image": _with_range(one.nats, 1),
            "random starts": len(one.squared),
        }
        for one in compared()
    ]
    lines = [line for one in compared() for line in one.lines]
    least = next((value for line in lines if (value := figure(line, "bernoulli_floor"))), None)
    floor = f"; no decoder can get below {least:.1f} nats on these grey pixels" if least else ""
    return as_html(
        rows,
        title="Convolutional and fully connected autoencoders",
        note=f"{measured_on(*lines)}; means over random starts (least to most). The learning rate falls to nothing "
        "within the epochs of each run, so that 20 epochs are a whole training and not the beginning of 60. "
        f"Autoencoders were trained on the cross-entropy{floor}.",
    )


def _with_range(values: tuple[float, ...], digits: int) -> str:
    return with_range(values, f"{{:.{digits}f}}".format)
