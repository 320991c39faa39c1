"""Two networks that learn against each other: their losses by epoch, and what those draw that fail."""

from __future__ import annotations

import math
from contextlib import suppress

import plotly.graph_objects as go

from ui.chapters.regularity.samples import sample_sheet
from ui.chapters.sharper.family import ENCODING, FAILED, FOUR, lines_of, named, spec_of
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.pictures import Picture, labelled_rows
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.runs.resources import load_run
from ui.runs.selection import figure, measured_of, other_options, per_shelf, seeds_of
from vae_core.errors import RunNotFound
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

SHOWN = 36
CLASS_COUNT = 10
CLASSES = ("pictures", "prior", "classes_covered")
UNDECIDED = 2 * math.log(2)  # the discriminator's loss where it cannot tell real from made


@per_shelf
def struggle() -> Finished:
    """The discriminator's loss on held-out digits and made ones, nats per pair, and the generator's where it is -ln D.

    Raises:
        RunNotFound: the GAN is not in the store.
    """
    specs = {"GAN": spec_of(FOUR["gan"])}
    with suppress(RunNotFound):
        specs["the one that fails"] = spec_of(FAILED["gan"])
    chart, told = go.Figure(), {}
    for (title, spec), colour in zip(specs.items(), CLASS_COLOURS, strict=False):
        history = load_run(spec.key).history
        epochs = [record["epoch"] for record in history]
        names = ("discriminator", "generator") if spec.options.loss == "non_saturating" else ("discriminator",)
        for name in names:  # another loss of the generator has another zero
            losses = [record[f"validation_{name}"] for record in history]
            dash = "solid" if name == "discriminator" else "dot"
            chart.add_scatter(x=epochs, y=losses, name=f"{title}: {name}", line={"color": colour, "dash": dash})
            told[f"{title}, {name}"] = ends(epochs, losses, digits=2)
    chart.add_hline(y=UNDECIDED, line={"dash": "dash", "width": 1}, annotation_text="cannot tell: 2 ln 2")
    chart.update_layout(
        template=TEMPLATE, height=340, xaxis={"title": "epoch"}, yaxis={"title": "loss, nats", "rangemode": "tozero"}
    )
    note = (
        "Nats: the discriminator's for a pair of a held-out digit and one that the averaged generator made, the "
        f"generator's, −ln D, for a made one; means over {len(load_run(specs['GAN'].key).codes.labels):,} after each "
        "epoch. One random start each."
    )
    if "the one that fails" in specs:
        note += f" The one that fails: {', '.join(other_options(specs['the one that fails']))}; it has fewer epochs."
    return Finished(chart, in_words("Losses in nats against epochs.", told), note)


@per_shelf
def failures() -> Html | None:
    """Sheets of what adversarial models draw that fail, of every start; None where none is here or was measured."""
    rows, shares = [], []
    for name, kind in FAILED.items():
        try:
            lines = [line for line in seeds_of(spec_of(kind)) if figure(line, *CLASSES) is not None]
        except RunNotFound:
            continue
        rows += [_failed(name, line) for line in lines]
        if lines:
            shares.append(f"{_losing(lines)} of the {named(name)} with these settings{_usually(name)}")
    if not rows:
        return None
    note = (
        "Framed: not recognised; but the classifier knows nothing but digits, and can be sure of what is none. Starts "
        f"that lose classes: {'; '.join(shares)}. Several settings were changed at once: this shows that such models "
        "can fail, not which of them does it."
    )
    return labelled_rows(rows, note)


def _losing(lines: list[Listed]) -> str:
    """How many starts do not cover all classes."""
    covered = [value for line in lines if (value := figure(line, *CLASSES)) is not None]
    return f"{sum(one < CLASS_COUNT for one in covered)} of {len(covered)}"


def _usually(name: str) -> str:
    """The same of the model that the chapter compares, where it is here."""
    try:
        return f", {_losing(lines_of(FOUR[name]))} with those of the model above"
    except RunNotFound:
        return ""


def _failed(name: str, line: Listed) -> Picture:
    """One start: its samples, and how it fails."""
    spec, measured = load_run(line.key).spec, measured_of(line)
    drawn = measured["pictures"]["prior"]
    text = (
        f"{'; '.join(other_options(spec))}; {spec.epochs} epochs{_of_fewer(spec)}, seed {spec.seed}. The commonest "
        f"class has {max(drawn['classes']):.0%} of {drawn['n']:,} samples."
    )
    if name in ENCODING:
        text += f" It rebuilds test digits with a squared error of {measured['mse']:.3f} per pixel."
    covered = drawn["classes_covered"]
    return Picture(
        f"{FAILED[name].title}: {covered} of {CLASS_COUNT} classes {'is' if covered == 1 else 'are'} covered",
        text,
        sample_sheet(line.key, "prior", SHOWN, 0).picture,
        f"{SHOWN} decoded samples",
    )


def _of_fewer(spec: RunSpec) -> str:
    return f" of the first {spec.images:,} digits" if spec.images else ""
