"""Does the KL term prevent overfitting? Losses on training and on test digits against the number of training digits."""

from __future__ import annotations

from statistics import mean
from typing import NamedTuple

import plotly.graph_objects as go

from ui.chapters.beta.sweep import measured, stop_at
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import Rows, as_html
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.spec import RunSpec
from vae_core.storage.measured import read_measured

TITLES = {("ae", 0.0): "autoencoder", ("vae", 1.0): "VAE, β = 1", ("vae", 4.0): "VAE, β = 4"}
COLLAPSED = "100"  # the β at which every code decodes to the same average
_LOOKS = dict(zip(TITLES, (("diamond", 1), ("circle", 0), ("square", 2)), strict=True))


class Learned(NamedTuple):
    """What a model made of so many training digits, means over its random starts, nats per image.

    Attributes:
        images: it was trained on.
        training, test: reconstruction of those, and of test digits; z sampled where there is a posterior.
        training_kl, test_kl: the KL of both; 0 for an autoencoder.
        starts: random starts.
        n: test digits.
    """

    images: int
    training: float
    test: float
    training_kl: float
    test_kl: float
    starts: int
    n: int

    @property
    def gap(self) -> float:
        """By how much test digits are rebuilt worse than training digits."""
        return self.test - self.training


@per_shelf
def learned() -> dict[str, list[Learned]]:
    """Of each model, by its title, in the order of the number of images.

    Raises:
        RunNotFound: a model was measured on fewer than two numbers.
    """
    found: dict[tuple[str, float], dict[int, list[list[float]]]] = {kind: {} for kind in TITLES}
    usual = recipe()
    for line in read_measured():
        spec = line.spec
        if spec is None or spec.images is None or (spec.model, spec.kl_weight) not in TITLES:
            continue
        if (spec.dataset, spec.hidden, spec.latent_dim) != (usual.dataset, usual.hidden, usual.latent_dim):
            continue
        values = [figure(line, name, split=split) for name in ("reconstruction", "kl") for split in ("train", "test")]
        found[spec.model, spec.kl_weight].setdefault(spec.images, []).append(
            [*(value or 0.0 for value in values), figure(line, "n") or 0.0]
        )
    if min(map(len, found.values())) < 2:
        raise RunNotFound("the runs on fewer digits were not measured; see checkpoints/measured.json.")
    return {
        TITLES[kind]: [_over_starts(images, starts) for images, starts in sorted(by_images.items())]
        for kind, by_images in found.items()
    }


def _over_starts(images: int, starts: list[list[float]]) -> Learned:
    training, test, training_kl, test_kl, n = map(mean, zip(*starts, strict=True))
    return Learned(images, training, test, training_kl, test_kl, len(starts), round(n))


def signed(gap: float) -> str:
    """A gap with a minus sign where it is one."""
    return f"{gap:.1f}".replace("-", "\u2212")


def recipe() -> RunSpec:
    """What all of them were trained with, but for the number of digits and of epochs."""
    return next(line.spec for line in read_measured() if line.spec and line.spec.images)


@per_shelf
def overfitting_figure() -> Finished:
    """Reconstruction of test digits (solid) and of training digits (dotted) against the number of training digits."""
    chart, told = go.Figure(), {}
    for (title, points), (symbol, colour) in zip(learned().items(), _LOOKS.values(), strict=True):
        places = [one.images for one in points]
        for name, dash, values in (
            ("test", "solid", [one.test for one in points]),
            ("training", "dot", [one.training for one in points]),
        ):
            chart.add_scatter(
                x=places, y=values, name=f"{title}, {name}", mode="lines+markers", hovertemplate="%{y:.1f}",
                line={"color": CLASS_COLOURS[colour], "dash": dash, "width": 2 if name == "test" else 1.5},
                marker={"symbol": symbol if name == "test" else f"{symbol}-open", "size": 8},
            )  # fmt: skip
            told[f"{title}, {name} digits"] = [f"{value:.1f} at {n:,}" for n, value in zip(places, values, strict=True)]
    chart.update_layout(
        template=TEMPLATE,
        height=380,
        xaxis={
            "title": f"training digits; a point is {_is_of(points[0].starts)}", "type": "log",
            "tickvals": [one.images for one in points],
            "ticktext": [f"{one.images:,}" for one in points],
        },
        yaxis={"title": "reconstruction, nats per image", "type": "log", "tickvals": [50, 100, 200, 500, 1000]},
    )  # fmt: skip
    return Finished(
        chart,
        in_words(
            "Reconstruction, nats per image, against the number of training digits, both on logarithmic axes.", told
        ),
        f"{points[0].n:,} test digits, and the digits trained on (dotted); z sampled where there is a posterior. "
        f"{_is_of(points[0].starts).capitalize()} at each point, and always the same first digits"
        + (": how far another would be is not known." if points[0].starts == 1 else ".")
        + " Both axes are logarithmic.",
    )


def once_or_more(starts: int) -> str:
    """What a point of the figure is of, and what that leaves open."""
    open_end = "" if starts > 1 else ", so small differences mean nothing"
    return f"Each point is **{_is_of(starts)}**{open_end}."


def _is_of(starts: int) -> str:
    return f"the mean of {starts} random starts" if starts > 1 else "one random start"


@per_shelf
def overfitting_text() -> str:
    """What the figure shows, with its numbers: markdown."""
    found = learned()
    few, many = ({title: points[at] for title, points in found.items()} for at in (0, -1))
    gaps = [
        ", ".join(f"**{signed(one.gap)}** ({title})" for title, one in at.items())
        + f" at {next(iter(at.values())).images:,}"
        for at in (few, many)
    ]
    plain, usual, strong = few.values()
    plain_title = next(iter(few))
    rest = (
        "So the KL term does narrow the gap"
        if plain.gap > usual.gap > strong.gap
        else "So the KL term does **not** always narrow the gap"
    )
    best = min(few, key=lambda title: few[title].test)
    average = measured(stop_at(recipe().latent_dim, COLLAPSED), "reconstruction")
    worse = (
        f" It is no cure: every model rebuilds new digits worse than one grey average of all digits would "
        f"({average:.0f} nats)."
        if min(one.test for one in few.values()) > average
        else f" It is no cure: a gap of {usual.gap:.0f} nats is left at β = 1."
    )
    worst, least = (pick(many, key=lambda title: many[title].test) for pick in (max, min))
    closed = max(one.gap for one in many.values()) < 0.05 * min(one.gap for one in few.values())
    more = "More digits close the gap without any KL term" if closed and least == plain_title else "With more digits"
    return (
        "The **gap** is by how many nats test digits are rebuilt worse than the training digits: "
        f"{gaps[0]} digits; {gaps[1]}. {once_or_more(plain.starts)}\n\n"
        f"{rest}, and with {plain.images:,} digits the {best} rebuilds new ones best ({few[best].test:.0f} nats)."
        f"{worse} {more}: with {many[least].images:,} digits the {worst} rebuilds new ones worst, "
        f"{many[worst].test:.1f} nats against {many[least].test:.1f} of the {least}."
    )


@per_shelf
def overfitting_table() -> Html:
    """Every point with its KL: HTML."""
    rows: Rows = [
        {
            "model": title,
            "training digits": f"{one.images:,}",
            "reconstruction, training": f"{one.training:.1f}",
            "reconstruction, test": f"{one.test:.1f}",
            "gap": signed(one.gap),
            "KL, training": f"{one.training_kl:.1f}" if one.training_kl else "–",
            "KL, test": f"{one.test_kl:.1f}" if one.test_kl else "–",
        }
        for title, points in learned().items()
        for one in points
    ]
    spec, some = recipe(), next(iter(learned().values()))[0]
    starts = some.starts
    return as_html(
        rows,
        title="Overfitting in numbers",
        note=f"Nats per image, z sampled, {some.n:,} test digits. Layers of 784, {', '.join(map(str, spec.hidden))} "
        f"and {spec.latent_dim} units, Bernoulli likelihood, equally many steps of {spec.batch_size} digits for every "
        f"number of digits; {f'means over {starts} random starts' if starts > 1 else 'one random start'}, always the "
        "same first digits: how much the choice of digits matters is not shown. Test digits are a little easier: the "
        "gap is just below 0 without overfitting.",
    )
