"""Losses of two networks that learn against each other, by epoch: of GANs that work and of ones that fail."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.spec import RunSpec

UNDECIDED = 2 * math.log(2)  # the discriminator's loss where it cannot tell real from made


@per_shelf
def struggle(specs: tuple[tuple[str, RunSpec], ...]) -> Finished:
    """The discriminator's loss on held-out digits and made ones, nats per pair, and the generator's.

    Args:
        specs: titles and runs.
    """
    figure, told = go.Figure(), {}
    for (title, spec), colour in zip(specs, CLASS_COLOURS, strict=False):
        history = load_run(spec.key).history
        epochs = [record["epoch"] for record in history]
        for name, dash in (("discriminator", "solid"), ("generator", "dot")):
            losses = [record[f"validation_{name}"] for record in history]
            figure.add_scatter(x=epochs, y=losses, name=f"{title}: {name}", line={"color": colour, "dash": dash})
            told[f"{title}, {name}"] = ends(epochs, losses, digits=2)
    figure.add_hline(y=UNDECIDED, line={"dash": "dash", "width": 1}, annotation_text="cannot tell: 2 ln 2")
    figure.update_layout(
        template=TEMPLATE, height=340, xaxis={"title": "epoch"}, yaxis={"title": "loss, nats", "rangemode": "tozero"}
    )
    return Finished(figure, in_words("Losses of both networks in nats against epochs.", told))
