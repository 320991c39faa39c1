"""Losses of two networks that learn against each other, by epoch: of GANs that work and of ones that fail."""

from __future__ import annotations

import math
from contextlib import suppress

import plotly.graph_objects as go

from ui.chapters.regularity.samples import sample_sheet
from ui.chapters.sharper.family import FAILED, FOUR, lines_of, spec_of
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.pictures import Picture, labelled_rows
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.runs.resources import load_run
from ui.runs.selection import measured_of, other_options, per_shelf
from vae_core.errors import RunNotFound

SHOWN = 36
UNDECIDED = 2 * math.log(2)  # the discriminator's loss where it cannot tell real from made


@per_shelf
def struggle() -> Finished:
    """The discriminator's loss on held-out digits and made ones, nats per pair, and the generator's where it is -ln D.

    Raises:
        RunNotFound: the GAN is not in the store.
    """
    specs = {"GAN": spec_of(FOUR["gan"])}
    with suppress(RunNotFound):
        specs["the one that fails"] = spec_of(FAILED)
    figure, told = go.Figure(), {}
    for (title, spec), colour in zip(specs.items(), CLASS_COLOURS, strict=False):
        history = load_run(spec.key).history
        epochs = [record["epoch"] for record in history]
        names = ("discriminator", "generator") if spec.options.loss == "non_saturating" else ("discriminator",)
        for name in names:  # another loss of the generator has another zero
            losses = [record[f"validation_{name}"] for record in history]
            dash = "solid" if name == "discriminator" else "dot"
            figure.add_scatter(x=epochs, y=losses, name=f"{title}: {name}", line={"color": colour, "dash": dash})
            told[f"{title}, {name}"] = ends(epochs, losses, digits=2)
    figure.add_hline(y=UNDECIDED, line={"dash": "dash", "width": 1}, annotation_text="cannot tell: 2 ln 2")
    figure.update_layout(
        template=TEMPLATE, height=340, xaxis={"title": "epoch"}, yaxis={"title": "loss, nats", "rangemode": "tozero"}
    )
    note = (
        "Nats: the discriminator's for a pair of a held-out digit and one that the averaged generator made, the "
        f"generator's, −ln D, for a made one; means over {len(load_run(specs['GAN'].key).codes.labels):,} after each "
        "epoch. One random start each."
    )
    if "the one that fails" in specs:
        note += f" The one that fails: {', '.join(other_options(specs['the one that fails']))}; it has fewer epochs."
    return Finished(figure, in_words("Losses in nats against epochs.", told), note)


@per_shelf
def failure() -> Html | None:
    """A sheet of what a GAN draws that fails; None where it is not here or its samples were not measured."""
    try:
        spec = spec_of(FAILED)
    except RunNotFound:
        return None
    line = next(line for line in lines_of(FAILED) if line.key == spec.key)
    pictures = measured_of(line).get("pictures", {}).get("prior")
    if pictures is None:
        return None
    sheet = sample_sheet(spec.key, "prior", SHOWN, 0)
    title = f"A GAN that fails: {pictures['classes_covered']} of 10 classes are covered"
    text = (
        f"{'; '.join(other_options(spec))}; {spec.epochs} epochs. The commonest class has "
        f"{max(pictures['classes']):.0%} of {pictures['n']:,} samples. One random start, three settings changed at "
        "once: it shows that a GAN can fail, not which of them does it."
    )
    return labelled_rows([Picture(title, text, sheet.picture, f"{SHOWN} decoded samples")])
