"""A codebook that collapses, and one that does not: perplexity by epoch, from the codes kept meanwhile."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.chapters.codes.runs import CODEBOOKS, COLLAPSED, SWITCHED, USUAL, line_of, run_of
from ui.chapters.codes.use import measured_on, number
from ui.figures.palette import CLASS_COLOURS, KL_COLOUR
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.runs.selection import per_shelf
from vae_core.metrics.codebook import usage
from vae_core.payloads.codes import codebook_of
from vae_core.run import Run

HOW_MUCH_LEFT = ("As much as without the switches, or nearly", "About half of that", "Less than a third of that")
NEARLY, LITTLE = 0.75, 1 / 3  # of the usual perplexity
DASHES = {"usual": "solid", "random": "dash", "strong": "dot", "both": "dashdot"}


def perplexities(run: Run) -> tuple[list[int], list[float]]:
    """The epochs that were kept, and the perplexity of the codes after each."""
    entries = len(codebook_of(run))
    found = [usage(np.asarray(codes, dtype=np.float64), entries).perplexity for codes in run.snapshots]
    return list(run.snapshot_epochs), found


def how_much_left() -> tuple[int, str]:
    """What is left of the perplexity with both switches."""
    line, usual = line_of(COLLAPSED), line_of(CODEBOOKS[USUAL])
    left, whole = number(line, "perplexity"), number(usual, "perplexity")
    right = 0 if left >= NEARLY * whole else 2 if left <= LITTLE * whole else 1
    alone = " and ".join(
        f"{number(line_of(SWITCHED[name]), 'perplexity'):.1f} ({SWITCHED[name].title})" for name in ("random", "strong")
    )
    return right, (
        f"After {run_of(COLLAPSED).spec.epochs} epochs the perplexity is **{left:.1f}**, not {whole:.1f}; "
        f"{number(line, 'entries_used'):.0f} of {number(line, 'entries'):.0f} entries stand in any cell of "
        f"{measured_on(line)}. Either switch alone gives {alone}. The squared error per pixel is "
        f"{number(line, 'mse'):.4f} instead of {number(usual, 'mse'):.4f}. One run each; the usual one has "
        f"{run_of(CODEBOOKS[USUAL]).spec.epochs} epochs."
    )


@per_shelf
def collapse_figure() -> Finished:
    """Perplexity by epoch, with either switch, both and none."""
    chart, told = go.Figure(), {}
    colours = {
        "usual": CLASS_COLOURS[0],
        "random": KL_COLOUR,
        "strong": CLASS_COLOURS[2],
        "both": CLASS_COLOURS[5],
    }
    for name, kind in SWITCHED.items():
        title = "started from data, unused entries restarted" if name == "usual" else kind.title
        run, colour, dash = run_of(kind), colours[name], DASHES[name]
        epochs, values = perplexities(run)
        chart.add_scatter(
            x=epochs,
            y=values,
            name=title,
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"size": 5},
        )
        told[title] = ends(epochs, values)
    entries = len(codebook_of(run_of(CODEBOOKS[USUAL])))
    chart.add_hline(y=entries, line={"dash": "dot", "color": "rgba(128,138,152,0.8)"}, annotation_text=f"K = {entries}")
    chart.update_layout(
        template=TEMPLATE,
        height=320,
        xaxis={"title": "epoch"},
        yaxis={"title": "perplexity", "range": [0, 1.12 * entries]},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0.0},
    )
    return Finished(chart, in_words("Perplexity of the codes by epoch.", told), counted_on())


def counted_on() -> str:
    """What the figure's perplexities are counted on, and how they err."""
    run = run_of(CODEBOOKS[USUAL])
    images, cells = run.snapshots.shape[1:]
    short = (len(codebook_of(run)) - 1) / (2 * images * cells)
    return (
        f"Counted on the {images * cells:,} cells of {images} held-out digits, which were kept after each epoch: so "
        f"few make it too small by about {100 * short:.0f}% where all entries are used, and cells of one digit are "
        "alike. The figures in the text are of all test digits. One random start of each."
    )
