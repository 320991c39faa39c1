"""Training with 1, 5 and 50 samples of z per image and step: loss against epochs and against seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import mean

from plotly.subplots import make_subplots

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.figures.tables import as_html
from ui.runs.resources import load_run, shelf
from ui.runs.selection import figure, per_shelf, with_range
from vae_core.errors import RunNotFound
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest

DATASET, HIDDEN, DIMENSIONS = "digits", (64, 32), 2
DASHES = ("solid", "dash", "dot", "dashdot")
SAMPLES = (1, 5, 50)  # that the shipped runs were trained with
NO_BOUND = "Bernoulli formula on grey pixels: a loss, no bound."
AXES = (("epochs", "epochs"), ("seconds of training", "seconds"))


@dataclass(frozen=True)
class Sampled:
    """Runs with one number of samples, means over their seeds.

    Attributes:
        samples: per image and step.
        seeds: how many runs.
        epochs: 1, 2, ...
        seconds: of training until the end of each epoch.
        loss: held-out negative ELBO after each epoch, nats per image.
        low, high: of the seeds, after each epoch.
        final: the last of these losses, one of each seed. What a run's file says beside them was measured with other
            noise: two figures for one thing.
        n: held-out images, which are validation and test set in one.
    """

    samples: int
    seeds: int
    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    loss: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
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
    return Sampled(
        samples=samples,
        seeds=len(keys),
        epochs=tuple(range(1, length + 1)),
        seconds=tuple(mean(clock[k] for clock in clocks) for k in range(length)),
        loss=tuple(mean(loss[k] for loss in losses) for k in range(length)),
        low=tuple(min(loss[k] for loss in losses) for k in range(length)),
        high=tuple(max(loss[k] for loss in losses) for k in range(length)),
        final=tuple(loss[length - 1] for loss in losses),
        n=int(min(figure(line, "n") or 0 for line in lines)),
    )


@per_shelf
def loss_curves(chosen: int) -> Finished:
    """Held-out loss against epochs, and beside it against seconds; the curve of a number of samples stands out.

    Behind each curve, which is a mean over seeds, a shade reaches from the least seed to the largest.
    """
    runs = by_samples()
    # The first epochs fall so far that they would flatten the rest.
    settled = [
        value
        for one in runs
        for values in (one.low, one.high)
        for value in values[min(math.ceil(0.1 * len(values)), len(values) - 1) :]
    ]
    span = max(settled) - min(settled)
    chart = make_subplots(cols=len(AXES), shared_yaxes=True, horizontal_spacing=0.06)
    told: dict[str, list[str]] = {}
    for column, (title, places) in enumerate(AXES, start=1):
        for number, one in enumerate(runs):
            there = getattr(one, places)
            if one.seeds > 1:
                chart.add_scatter(
                    x=[*there, *reversed(there)], y=[*one.high, *reversed(one.low)], fill="toself", mode="none",
                    fillcolor=CLASS_COLOURS[number], opacity=0.18, name=one.name, legendgroup=one.name,
                    showlegend=False, hoverinfo="skip", col=column, row=1,
                )  # fmt: skip
            chart.add_scatter(
                x=getattr(one, places), y=one.loss, mode="lines", name=one.name, legendgroup=one.name,
                showlegend=column == 1, col=column, row=1, opacity=1 if one.samples == chosen else 0.55,
                line={
                    "color": CLASS_COLOURS[number], "dash": DASHES[number % len(DASHES)],
                    "width": 3 if one.samples == chosen else 1.5,
                },
                hovertemplate="%{y:.2f}",
            )  # fmt: skip
            told[f"{one.name}, by {title}"] = ends(getattr(one, places), one.loss, digits=2)
            if one.seeds > 1:
                told[f"{one.name}, by {title}"].append(f"seeds end at {one.low[-1]:.2f} to {one.high[-1]:.2f}")
        chart.update_xaxes(title=title, nticks=5, col=column, row=1)
    chart.update_layout(template=TEMPLATE, height=330)
    chart.update_yaxes(range=[min(settled) - 0.05 * span, max(settled) + 0.05 * span])
    chart.update_yaxes(title="held-out −ELBO, nats per image", col=1, row=1)
    seeds = min(one.seeds for one in runs)
    spread = (
        f"Means over {seeds} seeds; the shades reach from the least to the largest. Where shades overlap, chance may "
        "decide."
        if seeds > 1
        else "Some of one seed only: how far another would be is not known."
    )
    note = f"{spread} {runs[0].n:,} held-out 8 × 8 digits, z sampled. {NO_BOUND}"
    return Finished(chart, in_words("Held-out −ELBO, nats per image, against epochs and against seconds.", told), note)


def one_in_numbers(chosen: int) -> str:
    """What a number of samples ends at and what it takes: markdown."""
    runs = by_samples()
    first, one = runs[0], next((one for one in runs if one.samples == chosen), runs[0])
    told = (
        f"**L = {one.samples}**: after {len(one.epochs)} epochs **{mean(one.final):.2f} nats** on held-out images, in "
        f"**{one.seconds[-1]:.1f} s** of training"
    )
    if one is first:
        return f"{told}."
    return (
        f"{told}, {one.seconds[-1] / first.seconds[-1]:.1f} times that of L = {first.samples}. In the time that "
        f"L = {first.samples} takes for all epochs it gets to {_loss_at(one, first.seconds[-1]):.2f}, and "
        f"L = {first.samples} to {first.loss[-1]:.2f} (held-out images)."
    )


@per_shelf
def sample_table() -> Html:
    """What every number of samples ends at and what it takes: HTML."""
    runs = by_samples()
    first = runs[0]
    return as_html(
        [
            {
                "samples per image and step": str(one.samples),
                "−ELBO on held-out images": _spread(one.final),
                "seconds": f"{one.seconds[-1]:.1f}",
                "time, relative": f"{one.seconds[-1] / first.seconds[-1]:.1f} ×",
                "−ELBO in the time of the first": f"{_loss_at(one, first.seconds[-1]):.2f}",
            }
            for one in runs
        ],
        title="Training with more samples in numbers",
        note=f"{DATASET} of 8 × 8 pixels, {len(first.epochs)} epochs, {first.seeds} "
        f"seed{'s' if first.seeds > 1 else ''}; nats per image, n = {first.n:,} held-out images, which are "
        f"validation and test set in one; z sampled. {NO_BOUND} The last column is the loss after the last epoch that "
        "was done by then.",
    )


def _spread(values: tuple[float, ...]) -> str:
    return with_range(values, "{:.2f}".format)


def _loss_at(one: Sampled, seconds: float) -> float:
    done = [loss for loss, clock in zip(one.loss, one.seconds, strict=True) if clock <= seconds * 1.0001]
    return done[-1] if done else one.loss[0]


def what_samples_change() -> str:
    """How far apart the first and the last number of samples end, beside how far apart two seeds do: markdown."""
    runs = by_samples()
    first, last = runs[0], runs[-1]
    told = (
        f"After {len(first.epochs)} epochs the −ELBO on held-out images is **{mean(first.final):.2f}** nats with "
        f"{first.name} and **{mean(last.final):.2f}** with {last.name}, which takes "
        f"**{last.seconds[-1] / first.seconds[-1]:.1f} times** as long."
    )
    seeds = min(first.seeds, last.seeds)
    if seeds < 2:
        return told
    apart = abs(mean(first.final) - mean(last.final))
    spread = max(max(one.final) - min(one.final) for one in (first, last))
    # With one decimal: two would seem to contradict the two of the figures beside them, which are rounded, too.
    told = (
        f"{told} The means are {apart:.1f} nats apart. Runs that differ in their seed alone are up to {spread:.1f} "
        f"apart: over {seeds} seeds the number of samples makes {'no more' if apart <= spread else 'more'} difference "
        "than the seed."
    )
    if apart > spread:
        return told
    return f"{told} So L = {first.samples} was enough here. It is one small set of images, and {seeds} seeds are few."
