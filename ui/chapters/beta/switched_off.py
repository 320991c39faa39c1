"""Posterior collapse: how many dimensions are left as β grows, and the KL of each."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.chapters.beta.sweep import label_of, measured, name_of, spec_of, stops_of
from ui.figures.palette import KL_COLOUR
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.runs.selection import figure, measured_on, measured_seeds_of, per_shelf
from vae_core.storage.store import Listed

DIMENSIONS = 16  # where there are dimensions to spare
_SHADE = [[0.0, "rgba(128,138,152,0.12)"], [1.0, KL_COLOUR]]


@per_shelf
def units() -> dict[str, int]:
    """Active units of every stop, by its label."""
    return {label_of(spec_of(line)): round(measured(line, "active_units")) for line in stops_of(DIMENSIONS)}


@per_shelf
def switched_off_figure() -> Finished:
    """KL of each dimension, largest first, against β, with the number of active units above."""
    lines, counts = stops_of(DIMENSIONS), units()
    columns = [sorted(line.metrics["test"]["kl_per_dimension"], reverse=True) for line in lines]
    table = np.asarray(columns).T  # (d, stops)
    full = float(np.sort(table.max(axis=0))[-2])  # nats; without a KL term it is tens of nats
    chart = go.Figure(
        go.Heatmap(
            x=list(counts), y=list(range(1, DIMENSIONS + 1)), z=table, colorscale=_SHADE, zmin=0.0,
            zmax=full,
            xgap=2, ygap=2, showscale=False,
            hovertemplate="β = %{x}<br>dimension %{y} by size<br>KL %{z:.2g} nats<extra></extra>",
        )
    )  # fmt: skip
    chart.add_scatter(
        x=list(counts), y=[0.0] * len(counts), mode="text", hoverinfo="skip", cliponaxis=False,
        text=[f"<b>{count}</b>" for count in counts.values()],
    )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=310,
        showlegend=False,
        xaxis={"title": "β", "type": "category"},
        yaxis={
            "title": "dimensions, largest KL first",
            "range": [DIMENSIONS + 0.5, -0.9],
            "tickvals": [0, 1, 4, 8, 12, 16],
            "ticktext": ["active", "1", "4", "8", "12", "16"],
        },
        hovermode="closest",
    )
    told = {name_of(label): [f"{count} active"] for label, count in counts.items()}
    what = f"KL of each of {DIMENSIONS} latent dimensions, and how many are active, against β."
    return Finished(chart, in_words(what, told), _rests_on(lines, full))


def _rests_on(lines: tuple[Listed, ...], full: float) -> str:
    """How many digits, what the colour means, and what other random starts have."""
    ranges = []
    for line in lines:
        counts = [round(value) for one in measured_seeds_of(spec_of(line)) if (value := figure(one, "active_units"))]
        if counts and min(counts) < max(counts):
            ranges.append(f"{min(counts)} to {max(counts)} at {name_of(label_of(spec_of(line)))}")
    others = f"; over all random starts, active are {', '.join(ranges)}" if ranges else ""
    return (
        f"{measured_on(*lines)}. Full colour: {full:.1f} nats or more. One random start of each β{others}. Active: the "
        "mean varies by more than 0.01 over digits."
    )


@per_shelf
def switched_off_text() -> str:
    """What the figure shows, with its numbers: markdown."""
    counts = units()
    told = ", ".join(f"**{count}** at β = {label}" for label, count in counts.items())
    return f"Each column is a model with {DIMENSIONS} dimensions; the stronger the colour, the more KL. Active: {told}."
