"""What a page shows of a finished run of the visitor's, made once for all visitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.figures.tables import Rows, as_html, measured_note, metrics_table
from ui.once import once
from ui.runs.resources import held_out, load_run, shelf, store
from ui.runs.selection import can_be_explored, per_shelf, run_title
from vae_core.errors import DatasetUnavailable
from vae_core.models import model_kind
from vae_core.payloads.film import curves, film_of_run, film_to_come, settled_range, terms_in_nats
from vae_core.payloads.plane import Payload
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.training.schedule import rebuilt_images

FILMS_KEPT = 16
LEAST_EPOCHS, LEAST_RISE = 8, 1.0  # for the remark on overfitting; nats per image


def has_film(run: Run) -> bool:
    """Whether its history has losses by epoch and its file the plane's snapshots."""
    return bool(terms_in_nats(run.spec, run.history)) and len(run.snapshots) > 0


@once(maxsize=FILMS_KEPT)
def film(key: str) -> Payload:
    """All kept epochs of a run."""
    return film_of_run(load_run(key), store().load_film(key), palette=list(CLASS_COLOURS))


@once(maxsize=FILMS_KEPT)
def film_before(spec: RunSpec, waiting: str) -> Payload | None:
    """The film of a run that has not begun; None where its images are not here, or no film will be made of it.

    Args:
        spec: of the run.
        waiting: said in the place of the epoch.
    """
    kind = model_kind(spec.model)
    if not (kind.bottleneck.continuous or kind.bottleneck.discrete) or not kind.trained:
        return None
    try:
        images = held_out(spec.dataset)
    except DatasetUnavailable:
        return None
    all_of_another = kind.bottleneck.discrete and spec.base
    rebuilt = 0 if all_of_another else rebuilt_images(spec, images.image_shape)
    return film_to_come(spec, images, rebuilt, palette=list(CLASS_COLOURS), waiting=waiting)


@once(maxsize=FILMS_KEPT)
def measured(key: str) -> Html:
    """A run's numbers: HTML."""
    run = load_run(key)
    made = run.provenance
    same = "The held-out images are validation and test set in one. " if run.one_held_out_set else ""
    return as_html(
        metrics_table(run),
        title="Measured on held-out images",
        note=f"{same}{measured_note(run)} Trained on {made['training_images']:,} images in "
        f"{made['training_seconds']:,.0f} s ({made['images_per_second']:,} images per second, {made['device']}, "
        f"{made['precision']}).",
    )


def overfitting(spec: RunSpec, history: Sequence[Mapping[str, float]]) -> str:
    """A remark where the loss on held-out images has risen while that on training images still fell; else nothing.

    Compared is the weighted sum of reconstruction and KL, or −log p(codes) of a prior over codes, in nats per image, as
    a mean of three epochs: the last ones against the best ones. The best of many epochs looks better by luck too, so
    less than `LEAST_RISE` says nothing.

    Args:
        spec: of the run, for the weights.
        history: one record per finished epoch.
    """
    weights = {"reconstruction": spec.data_weight, "kl": spec.kl_weight, "prior": 1.0}
    terms = [name for name in weights if history and f"validation_{name}" in history[0]]
    if not terms or len(history) < LEAST_EPOCHS:
        return ""
    held_out, training = (
        np.convolve(
            [sum(weights[name] * one[prefix + name] for name in terms) for one in history], [1 / 3] * 3, "valid"
        )
        for prefix in ("validation_", "")
    )
    best = int(held_out.argmin())
    risen, fallen = held_out[-1] - held_out[best], training[best] - training[-1]
    if risen <= LEAST_RISE or fallen <= 0:
        return ""
    return (
        f"Overfitting: since about epoch {best + 2} the loss on held-out images has risen by {risen:.1f} nats, while "
        f"on training images it fell by {fallen:.1f}. The model learns its training images by heart."
    )


def spec_of(key: str) -> RunSpec | None:
    """The specification of a finished run; None if there is none."""
    return next((line.spec for line in shelf().lines if line.key == key), None)


@per_shelf
def comparable(mine: RunSpec) -> dict[str, str]:
    """Runs that a run can be compared with, key -> title: trained ones on the same images, the likest first."""
    others = [
        line
        for line in shelf().lines
        if line.spec
        and line.key != mine.key
        and line.spec.dataset == mine.dataset
        and can_be_explored(line.spec)
        and model_kind(line.spec.model).trained
        and model_kind(line.spec.model).bottleneck.continuous
    ]
    differences = {line.key: _differences(mine, line.spec) for line in others if line.spec}
    return {line.key: run_title(line) for line in sorted(others, key=lambda line: differences[line.key])}


def _differences(one: RunSpec, other: RunSpec) -> int:
    theirs = other.to_dict()
    return sum(value != theirs.get(name) for name, value in one.to_dict().items())


@per_shelf
def comparison(first: str, second: str) -> tuple[Html, Finished | None]:
    """Two runs beside one another: their settings and numbers, and both totals by epoch if one axis can have them."""
    return compared(load_run(first), load_run(second))


def compared(first: Run, second: Run) -> tuple[Html, Finished | None]:
    """The same of any two runs, not cached."""
    runs = [first, second]
    return _beside(runs), _totals(runs)


def _beside(runs: list[Run]) -> Html:
    names = [f"{run.key[-10:]}" for run in runs]
    specs = [run.spec.to_dict() for run in runs]
    rows: Rows = []
    for field in dict.fromkeys(name for spec in specs for name in spec):
        values = [spec.get(field) for spec in specs]
        if values[0] != values[1]:
            said = [_said(value) for value in values]
            rows.append({"": field.replace("_", " "), names[0]: said[0], names[1]: said[1]})
    tables = [metrics_table(run) for run in runs]
    split = "test" if all("test" in run.metrics and not run.one_held_out_set for run in runs) else "validation"
    for row in tables[0]:
        other = next((each for each in tables[1] if each["metric"] == row["metric"]), {})
        cells = [_cell(each, split) for each in (row, other)]
        unit = f", {row['unit']}" if row["unit"] else ""
        rows.append({"": f"{row['metric']}{unit}", names[0]: cells[0], names[1]: cells[1]})
    counts = dict.fromkeys(f"{run.metrics.get(split, {}).get('n', 0):,}" for run in runs)
    count, images = " and ".join(counts), "test" if split == "test" else "held-out"
    return as_html(
        rows,
        title="Two runs compared",
        note=f"Settings that differ, then what was measured on {count} {images} images. Losses of different "
        "likelihoods do not compare.",
    )


def _cell(row: dict[str, object], split: str) -> str:
    start = "test" if split == "test" else "held out"
    return next((str(value) for name, value in row.items() if name.startswith(start)), "–")


def _said(value: object) -> str:
    if value is None:
        return "–"
    return (
        "-".join(map(str, value))
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _totals(runs: list[Run]) -> Finished | None:
    if len({model_kind(run.spec.model).bottleneck.drawn for run in runs}) > 1:
        return None  # a generator's loss beside a VAE's would share an axis and nothing else
    figure = go.Figure()
    lines, told = [], {}
    for run, colour, dash in zip(runs, CLASS_COLOURS, ("solid", "dash"), strict=False):
        made = curves(run.spec, run.history)
        for panel in made["panels"][:1]:  # none where no term of the loss is in nats
            lines.append(panel["held_out"])
            figure.add_scatter(
                x=made["epochs"], y=panel["held_out"], name=f"{run.key[-10:]}: {panel['title']}",
                line={"color": colour, "dash": dash},
            )  # fmt: skip
            told[run.key[-10:]] = ends(made["epochs"], panel["held_out"])
    ranges = [settled_range(line) for line in lines]
    figure.update_layout(
        template=TEMPLATE,
        height=320,
        xaxis={"title": "epoch"},
        yaxis={
            "title": "held out, nats per image",
            "range": [min(low for low, _ in ranges), max(high for _, high in ranges)] if ranges else None,
        },
    )
    counts = " and ".join(dict.fromkeys(f"{len(run.codes.labels):,}" for run in runs))
    note = f"{counts} held-out images, after each epoch; one random start of each."
    return Finished(figure, in_words("Held-out loss, nats per image, against epochs.", told), note)
