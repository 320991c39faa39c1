"""Training with 1, 5 and 50 samples of z per image and step: loss against epochs and against seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import mean

import plotly.graph_objects as go

from ui.figures.markup import Html, paragraph
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.figures.tables import as_html
from ui.runs.resources import load_run, shelf
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest

DATASET, HIDDEN, DIMENSIONS = "digits", (64, 32), 2
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Sampled:
    """Runs with one number of samples, means over their seeds.

    Attributes:
        samples: per image and step.
        seeds: how many runs.
        epochs: 1, 2, ...
        seconds: of training until the end of each epoch.
        loss: held-out negative ELBO after each epoch, nats per image.
        final: on test images, nats per image; one of each seed.
        n: test images.
    """

    samples: int
    seeds: int
    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    loss: tuple[float, ...]
    final: tuple[float, ...]
    n: int

    @property
    def name(self) -> str:
        """How many samples."""
        return "1 sample" if self.samples == 1 else f"{self.samples} samples"


@per_shelf
def by_samples() -> tuple[Sampled, ...]:
    """The runs of the panel, by their number of samples.

    Raises:
        RunNotFound: fewer than two numbers of samples are in the store.
    """
    recipes: dict[RunSpec, dict[int, list[RunSpec]]] = {}
    for spec in read_manifest():
        if (spec.dataset, spec.model, spec.hidden, spec.latent_dim) == (DATASET, "vae", HIDDEN, DIMENSIONS):
            recipe = replace(spec, samples=None, seed=0)
            recipes.setdefault(recipe, {}).setdefault(spec.samples or 1, []).append(spec)
    found = []
    for groups in recipes.values():
        if len(groups) < 2:  # the same recipe with another number of samples
            continue
        for samples, specs in sorted(groups.items()):
            here = [line for line in shelf().lines if line.spec in specs and figure(line, "negative_elbo") is not None]
            if here:
                found.append(_sampled(samples, [line.key for line in here]))
    if len(found) < 2:
        raise RunNotFound(
            "the runs trained with several samples per image are not in the store; run 'python -m vae_core rebuild'."
        )
    return tuple(found)


def _sampled(samples: int, keys: list[str]) -> Sampled:
    histories = [load_run(key).history for key in keys]
    lines = [line for line in shelf().lines if line.key in keys]
    length = min(len(history) for history in histories)
    losses = [
        [record["validation_reconstruction"] + record["validation_kl"] for record in history] for history in histories
    ]
    clocks = [list(accumulate(record["seconds"] for record in history)) for history in histories]
    finals = [figure(line, "negative_elbo") for line in lines]
    return Sampled(
        samples=samples,
        seeds=len(keys),
        epochs=tuple(range(1, length + 1)),
        seconds=tuple(mean(clock[k] for clock in clocks) for k in range(length)),
        loss=tuple(mean(loss[k] for loss in losses) for k in range(length)),
        final=tuple(value for value in finals if value is not None),
        n=int(min(figure(line, "n") or 0 for line in lines)),
    )


@per_shelf
def loss_curves() -> tuple[Finished, Finished]:
    """Held-out loss against epochs, and the same against seconds."""
    runs = by_samples()
    # The first epochs fall so far that they would flatten the rest.
    settled = [value for one in runs for value in one.loss[min(math.ceil(0.1 * len(one.loss)), len(one.loss) - 1) :]]
    span = max(settled) - min(settled)
    charts = []
    for title, places in (("epoch", "epochs"), ("seconds of training", "seconds")):
        chart = go.Figure()
        for number, one in enumerate(runs):
            chart.add_scatter(
                x=getattr(one, places), y=one.loss, mode="lines", name=one.name,
                line={"color": CLASS_COLOURS[number], "dash": DASHES[number % len(DASHES)]},
                hovertemplate="%{y:.2f}",
            )  # fmt: skip
        chart.update_layout(
            template=TEMPLATE,
            height=300,
            xaxis={"title": title},
            yaxis={
                "title": "held-out −ELBO, nats per image",
                "range": [min(settled) - 0.05 * span, max(settled) + 0.05 * span],
            },
        )
        told = {one.name: ends(getattr(one, places), one.loss, digits=2) for one in runs}
        charts.append(Finished(chart, in_words(f"Held-out −ELBO, nats per image, against {title}.", told)))
    return charts[0], charts[1]


@per_shelf
def sample_figures() -> Html:
    """What each number of samples ends at and what it takes, in a sentence and a table: HTML."""
    runs = by_samples()
    first = runs[0]
    table = as_html(
        [
            {
                "samples per image and step": str(one.samples),
                "−ELBO on test images": _spread(one.final),
                "seconds": f"{one.seconds[-1]:.1f}",
                "time, relative": f"{one.seconds[-1] / first.seconds[-1]:.1f} ×",
                "−ELBO in the time of the first": f"{_loss_at(one, first.seconds[-1]):.2f}",
            }
            for one in runs
        ],
        title="Training with more samples in numbers",
        note=f"{DATASET} of 8 × 8 pixels, {len(first.epochs)} epochs, {first.seeds} "
        f"seed{'s' if first.seeds > 1 else ''}; nats per image, n = {first.n:,} test images, z "
        "sampled. The last column is the held-out loss after the last epoch that was done by then.",
    )
    return Html(paragraph(_sentence(runs)) + table)


def _spread(values: tuple[float, ...]) -> str:
    return f"{mean(values):.2f}" + (f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else "")


def _loss_at(one: Sampled, seconds: float) -> float:
    done = [loss for loss, clock in zip(one.loss, one.seconds, strict=True) if clock <= seconds * 1.0001]
    return done[-1] if done else one.loss[0]


def _sentence(runs: tuple[Sampled, ...]) -> str:
    """What the curves end at, in numbers."""
    first, last = runs[0], runs[-1]
    told = (
        f"After {len(first.epochs)} epochs the −ELBO on test images is {mean(first.final):.2f} nats with {first.name} "
        f"and {mean(last.final):.2f} with {last.name}, which took {last.seconds[-1] / first.seconds[-1]:.1f} times as "
        f"long. In the time that {first.name} took, {last.name} had come to {_loss_at(last, first.seconds[-1]):.2f}."
    )
    seeds = min(first.seeds, last.seeds)
    if seeds < 2:
        return told
    apart = abs(mean(first.final) - mean(last.final))
    spread = max(max(one.final) - min(one.final) for one in (first, last))
    return (
        f"{told} The means are {apart:.2f} nats apart, and runs that differ in their seed alone up to {spread:.2f}: "
        f"over {seeds} seeds the number of samples makes {'no more' if apart <= spread else 'more'} difference than "
        "the seed."
    )
