"""What each of the generator's two losses asks for, by how sure the discriminator is."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.once import once

SURE = 0.01  # D(G(z)) of a sample that it sees through
WHICH_LOSS = ("−ln D(G(z))", "ln(1 − D(G(z)))", "Both as much")


def slope(name: str, d: np.ndarray | float) -> np.ndarray | float:
    """|dL/ds| of a sample, s the logit: of -ln D it is 1 - D, of ln(1 - D) it is D."""
    return 1.0 - d if name == "non-saturating" else d


@once(maxsize=1)
def slopes_figure() -> Finished:
    """Both slopes against D(G(z))."""
    d = np.linspace(0.0, 1.0, 101)
    chart, told = go.Figure(), {}
    for name, title, colour in (
        ("non-saturating", WHICH_LOSS[0], CLASS_COLOURS[0]),
        ("minimax", WHICH_LOSS[1], CLASS_COLOURS[1]),
    ):
        chart.add_scatter(x=d, y=slope(name, d), name=title, mode="lines", line={"color": colour, "width": 3})
        told[title] = [f"{slope(name, at):.2f} at D = {at:g}" for at in (SURE, 0.5, 1 - SURE)]
    chart.update_layout(
        template=TEMPLATE,
        height=320,
        xaxis={"title": "D(G(z)): how real D finds a sample"},
        yaxis={"title": "how strongly G is asked to change"},
    )
    words = in_words("The slope of the generator's loss by the logit of D, against D(G(z)).", told)
    return Finished(chart, words, "Derivatives by D's logit in closed form: nothing here was measured.")


def stronger_loss() -> tuple[int, str]:
    """Which of the losses asks more of a sample that D sees through, and how much more."""
    strong, weak = (float(slope(name, SURE)) for name in ("non-saturating", "minimax"))
    return (0 if strong > weak else 1), (
        f"At D(G(z)) = {SURE:g} the slope of −ln D is 1 − D = {strong:.2f}, that of ln(1 − D) is D = {weak:.2f}: "
        f"{strong / weak:.0f} times smaller. G would learn least exactly where it is worst."
    )
