"""A codebook that collapses, and one that does not: perplexity by epoch, from the codes kept meanwhile."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.chapters.codes.runs import CODEBOOKS, COLLAPSED, USUAL, line_of, run_of
from ui.chapters.codes.use import measured_on, number
from ui.figures.palette import CLASS_COLOURS, KL_COLOUR
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.runs.selection import per_shelf
from vae_core.metrics.codebook import usage
from vae_core.payloads.codes import codebook_of
from vae_core.run import Run

HOW_MANY = ("All of them, or nearly", "About half", "A quarter or fewer")
NEARLY_ALL, FEW = 0.75, 0.25  # shares of the codebook


def perplexities(run: Run) -> tuple[list[int], list[float]]:
    """The epochs that were kept, and the perplexity of the codes after each."""
    entries = len(codebook_of(run))
    found = [usage(np.asarray(codes, dtype=np.float64), entries).perplexity for codes in run.snapshots]
    return list(run.snapshot_epochs), found


def how_many() -> tuple[int, str]:
    """How many entries the collapsed codebook uses at the end."""
    line, usual = line_of(COLLAPSED), line_of(CODEBOOKS[USUAL])
    used, entries = number(line, "entries_used"), number(line, "entries")
    share = used / entries
    right = 0 if share >= NEARLY_ALL else 2 if share <= FEW else 1
    return right, (
        f"After {run_of(COLLAPSED).spec.epochs} epochs **{used:.0f} of {entries:.0f}** stand in any cell of "
        f"{measured_on(line)}; the perplexity is {number(line, 'perplexity'):.1f}. Started from data, with unused "
        f"entries restarted, it is {number(usual, 'perplexity'):.1f}. The squared error per pixel is "
        f"{number(line, 'mse'):.4f} instead of {number(usual, 'mse'):.4f}."
    )


@per_shelf
def collapse_figure() -> Finished:
    """Perplexity by epoch of both runs."""
    chart, told = go.Figure(), {}
    runs = {
        "started from data, unused entries restarted": (run_of(CODEBOOKS[USUAL]), CLASS_COLOURS[0], "solid"),
        COLLAPSED.title: (run_of(COLLAPSED), KL_COLOUR, "dash"),
    }
    for name, (run, colour, dash) in runs.items():
        epochs, values = perplexities(run)
        chart.add_scatter(
            x=epochs,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"size": 5},
        )
        told[name] = ends(epochs, values)
    entries = len(codebook_of(run_of(CODEBOOKS[USUAL])))
    chart.add_hline(y=entries, line={"dash": "dot", "color": "rgba(128,138,152,0.8)"}, annotation_text=f"K = {entries}")
    chart.update_layout(
        template=TEMPLATE,
        height=320,
        xaxis={"title": "epoch"},
        yaxis={"title": "perplexity", "range": [0, 1.12 * entries]},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0.0},
    )
    return Finished(chart, in_words("Perplexity of the codes by epoch.", told))


def counted_on() -> str:
    """What the figure's perplexities are counted on, and how they err."""
    run = run_of(CODEBOOKS[USUAL])
    images, cells = run.snapshots.shape[1:]
    short = (len(codebook_of(run)) - 1) / (2 * images * cells)
    return (
        f"Counted on the {images * cells:,} cells of {images} held-out digits, which were kept after each epoch: so "
        f"few make it too small by about {100 * short:.0f}% where all entries are used."
    )
