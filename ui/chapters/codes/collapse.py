"""A codebook that collapses, and one that does not: perplexity by epoch, from the codes kept meanwhile."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.chapters.codes.runs import CODEBOOKS, USUAL, badly_begun, line_of, run_of
from ui.chapters.codes.use import measured_on, number
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, ends, in_words
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.metrics.codebook import usage
from vae_core.payloads.codes import codebook_of
from vae_core.run import Run
from vae_core.storage.store import Listed

HOW_MUCH = ("More than three quarters", "About half", "A quarter or less")
NEARLY_ALL, FEW = 0.75, 0.25  # shares of the codebook
DASHES = ("dash", "dot", "dashdot")


def perplexities(run: Run) -> tuple[list[int], list[float]]:
    """The epochs that were kept, and the perplexity of the codes after each."""
    entries = len(codebook_of(run))
    found = [usage(np.asarray(codes, dtype=np.float64), entries).perplexity for codes in run.snapshots]
    return list(run.snapshot_epochs), found


def how_it_began(line: Listed) -> str:
    """What is different from the usual codebook, in words."""
    assert line.spec is not None  # the shelf holds readable runs only
    options, usual = line.spec.options, run_of(CODEBOOKS[USUAL]).spec.options
    parts = ["started at random"] if options.start_from != usual.start_from else []
    parts += ["nothing restarted"] if not options.restart else []
    if options.commitment != usual.commitment:
        parts.append(f"commitment {options.commitment:g} instead of {usual.commitment:g}")
    parts += ["learned by its loss"] if options.learn_by != usual.learn_by else []
    return ", ".join(parts)


def question() -> str:
    """What is asked of the run that uses its codebook least."""
    line = badly_begun()[0]
    entries = number(line, "entries")
    return f"a codebook of {entries:.0f} entries: {how_it_began(line)}. How much of it is used, as perplexity?"


def how_many() -> tuple[int, str]:
    """How much of the codebook that is used least is used at the end."""
    line, usual = badly_begun()[0], line_of(CODEBOOKS[USUAL])
    assert line.spec is not None
    perplexity, entries = number(line, "perplexity"), number(line, "entries")
    share = perplexity / entries
    right = 0 if share >= NEARLY_ALL else 2 if share <= FEW else 1
    return right, (
        f"After {line.spec.epochs} epochs its perplexity is **{perplexity:.1f}** of {entries:.0f}, and "
        f"{number(line, 'entries_used'):.0f} entries stand in any cell of {measured_on(line)}. Started from data, with "
        f"unused entries restarted, it is {number(usual, 'perplexity'):.1f}. The squared error per pixel is "
        f"{number(line, 'mse'):.4f} instead of {number(usual, 'mse'):.4f}."
    )


@per_shelf
def collapse_figure() -> Finished:
    """Perplexity by epoch of the usual codebook and of those that began badly."""
    chart, told = go.Figure(), {}
    usual = run_of(CODEBOOKS[USUAL])
    runs = [("started from data, unused entries restarted", usual, CLASS_COLOURS[0], "solid")]
    for place, line in enumerate(badly_begun()):
        colour, dash = CLASS_COLOURS[1 + place % (len(CLASS_COLOURS) - 1)], DASHES[place % len(DASHES)]
        runs.append((how_it_began(line), load_run(line.key), colour, dash))
    for name, run, colour, dash in runs:
        epochs, values = perplexities(run)
        style = {"line": {"color": colour, "dash": dash}, "marker": {"size": 5}}
        chart.add_scatter(x=epochs, y=values, name=name, mode="lines+markers", **style)
        told[name] = ends(epochs, values)
    entries = len(codebook_of(usual))
    chart.add_hline(y=entries, line={"dash": "dot", "color": "rgba(128,138,152,0.8)"}, annotation_text=f"K = {entries}")
    chart.update_layout(
        template=TEMPLATE,
        height=340,
        xaxis={"title": "epoch"},
        yaxis={"title": "perplexity", "range": [0, 1.12 * entries]},
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
