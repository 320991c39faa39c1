"""How much of each codebook is used."""

from __future__ import annotations

import plotly.graph_objects as go

from ui.chapters.codes.runs import CODEBOOKS, USUAL, learned_numbers, line_of, lines_here
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.runs.resources import load_run
from ui.runs.selection import measured_of, per_shelf
from vae_core.errors import RunNotFound
from vae_core.storage.store import Listed

LARGEST = "256"
MOSTLY, HALF = 0.5, 0.25  # shares of a codebook
HOW_MUCH = ("More than 128", "From 64 to 128", "Less than 64")


def number(line: Listed, name: str) -> float:
    """A figure of the test digits, or of the held-out ones where those were not measured.

    Raises:
        RunNotFound: it was measured on neither.
    """
    value = measured_of(line).get(name)
    if value is None:
        raise RunNotFound(
            f"{name.replace('_', ' ')} of {line.key} was not measured; run 'python -m vae_core evaluate'."
        )
    return float(value)


def measured_on(line: Listed) -> str:
    """The images that `number` is about."""
    return f"{int(number(line, 'n')):,} {'test' if line.metrics.get('test') else 'held-out'} digits"


def how_much() -> tuple[int, str]:
    """How much of the largest codebook is used, by its perplexity."""
    line = line_of(CODEBOOKS[LARGEST])
    entries, perplexity = number(line, "entries"), number(line, "perplexity")
    share = perplexity / entries
    right = 0 if share > MOSTLY else 1 if share > HALF else 2
    return right, (
        f"Its [[perplexity]] is **{perplexity:.0f}** of {entries:.0f}, over all cells of {measured_on(line)}: it is "
        f"used as if {perplexity:.0f} entries stood equally often. "
        f"{number(line, 'entries_used'):.0f} stand in at least one cell."
    )


def _epochs(line: Listed) -> int:
    assert line.spec is not None  # the shelf holds readable runs only
    return line.spec.epochs


@per_shelf
def levels() -> str:
    """How FSQ compares, in figures."""
    fixed, learned = line_of(CODEBOOKS["fsq"]), line_of(CODEBOOKS[USUAL])
    return (
        "[[FSQ]] has no codebook to learn: each of three numbers is rounded to one of 7, 3 and 3 levels, which are "
        f"{number(fixed, 'entries'):.0f} combinations. {number(fixed, 'entries_used'):.0f} of them are used, with a "
        f"perplexity of {number(fixed, 'perplexity'):.1f}; its squared error is {number(fixed, 'mse'):.4f}, that of "
        f"the learned codebook with {CODEBOOKS[USUAL].title} {number(learned, 'mse'):.4f}. It has neither a "
        f"commitment nor a codebook term to weigh. (It had {_epochs(fixed)} epochs, the other {_epochs(learned)}.)"
    )


@per_shelf
def use_figure() -> Finished:
    """Entries and perplexity of each codebook, as bars."""
    lines = lines_here()
    chart, told = go.Figure(), {}
    for name, title, colour in (
        ("entries", "entries", CLASS_COLOURS[6]),
        ("perplexity", "perplexity", CLASS_COLOURS[0]),
    ):
        values = [number(line, name) for line in lines.values()]
        texts = [f"{value:.0f}" for value in values]
        chart.add_bar(x=list(lines), y=values, name=title, marker_color=colour, text=texts, textposition="outside")
        told[title] = [f"{text} for {label}" for text, label in zip(texts, lines, strict=True)]
    most = max(number(line, "entries") for line in lines.values())
    chart.update_layout(
        template=TEMPLATE,
        height=320,
        barmode="group",
        xaxis={"title": "codebook"},
        yaxis={"title": "entries", "range": [0, 1.12 * most]},
    )
    note = f"All 49 cells of {measured_on(line_of(CODEBOOKS[USUAL]))}; one random start of each."
    return Finished(chart, in_words("Entries of each codebook and how many are used, as perplexity.", told), note)


@per_shelf
def use_table() -> Html:
    """The same in numbers, with bits and errors: HTML."""
    rows: list[dict[str, object]] = []
    for title, line in lines_here().items():
        rows.append(
            {
                "codebook": title,
                "used": f"{number(line, 'entries_used'):.0f} of {number(line, 'entries'):.0f}",
                "perplexity": f"{number(line, 'perplexity'):.1f}",
                "bits, uniform": f"{number(line, 'uniform_bits'):.0f}",
                "bits, by frequency": f"{number(line, 'independent_bits'):.0f}",
                "squared error": f"{number(line, 'mse'):.4f}",
                "epochs": _epochs(line),
                "weights": f"{learned_numbers(load_run(line.key)):,}",
            }
        )
    images = measured_on(line_of(CODEBOOKS[USUAL]))
    note = f"{images}, 49 cells each; one random start of each. Bits per image; squared error per pixel."
    return as_html(rows, title="Use of each codebook", note=note)
