"""Tables of numbers that were computed from the run on screen."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from ui.figures.markup import Html, small_print
from vae_core.models import model_kind
from vae_core.payloads.plane import LatentPlane
from vae_core.run import Run

Rows = list[dict[str, object]]

_TABLE = "border-collapse:collapse;min-width:min(100%,34rem);line-height:1.3;font-variant-numeric:tabular-nums"
_CELL = "padding:0.3rem 1.2rem 0.3rem 0;border-bottom:1px solid rgba(128,138,152,0.25)"
_FIRST, _OTHER = f"{_CELL};text-align:left;min-width:9rem", f"{_CELL};text-align:right;white-space:nowrap"
_ROW_NAME = f"{_FIRST};font-weight:400"
_NARROW = f"{_OTHER};padding-right:0;padding-left:0.6rem"
_BELOW = "display:block;font-size:0.875em;font-weight:400;opacity:0.72"
_ENDING = re.compile(r"(,?)( \(.*| \d+ seeds?)$")  # of a figure or a heading: a bracket, or how many random starts

_SPLITS = {"validation": "held out", "test": "test", "train": "training"}
_ROWS = (
    ("negative_elbo", "Negative ELBO", "nats", 1),
    ("reconstruction", "Reconstruction", "nats", 1),
    ("kl", "KL", "nats", 2),
    ("bernoulli_floor", "Least possible reconstruction", "nats", 1),
    ("mse", "Squared error per pixel", "", 4),
    ("active_units", "Active units", "", 0),
    ("entries_used", "Entries used", "", 0),
    ("perplexity", "Perplexity of the codes", "entries", 1),
    ("uniform_bits", "Size of the codes, uniform", "bits", 0),
    ("independent_bits", "Size of the codes, by frequency", "bits", 1),
    ("prior_bits", "Size of the codes, under the prior", "bits", 1),
)


def metrics_table(run: Run) -> Rows:
    """One row per metric, one column per measured split with its sample size; one set has one column."""
    left_out = {"test"} if run.one_held_out_set else set()
    splits = {
        f"{_SPLITS[split]}, n = {values['n']:,}": values
        for split, values in sorted(run.metrics.items(), reverse=True)
        if split not in left_out
    }
    rows: Rows = []
    for name, title, unit, digits in _ROWS:
        if not any(name in values for values in splits.values()):
            continue
        cells = {column: _with_error(values, name, digits) for column, values in splits.items() if name in values}
        rows.append({"metric": title, **cells, "unit": unit})
    return rows


def _with_error(values: Mapping[str, Any], name: str, digits: int) -> str:
    """A figure, with its standard error over images where that was measured."""
    error = values.get(f"{name}_standard_error")
    if error is None:
        return f"{values[name]:.{digits}f}"
    told = f"{error:.{digits}f}"
    return f"{values[name]:.{digits}f} ± {told if float(told) else f'{error:.1g}'}"  # never ± 0.0


def measured_note(run: Run) -> str:
    """What the figures of `metrics_table` are, in a sentence."""
    bottleneck = model_kind(run.spec.model).bottleneck
    if bottleneck.drawn:
        return (
            "Nats per image, pixels summed. The model has no encoder: what is rebuilt comes from codes that a network "
            "guesses, which learned from the model's own images."
        )
    if bottleneck.discrete:
        return "Nats and bits per image, pixels and cells summed; error per pixel. Entries are counted over all images."
    return (
        "Nats per image, pixels summed, z sampled once per image; ± one standard error over images. Error per pixel at "
        "the mean code."
    )


def pins_table(run: Run, pins: list[list[float]]) -> Rows:
    """Pinned points: position, prior density if there is a prior, and the nearest held-out image."""
    plane = LatentPlane.of_codes(run.codes.mean)
    points = np.asarray(pins, dtype=np.float64)
    distances, indices = KDTree(plane.project(run.codes.mean)).query(points)
    codes = plane.embed(points)
    rows: Rows = []
    for number, (point, code, distance, index) in enumerate(
        zip(points, codes, distances, indices, strict=True), start=1
    ):
        row: dict[str, object] = {"pin": number, "z₁": f"{point[0]:.3f}", "z₂": f"{point[1]:.3f}"}
        if model_kind(run.spec.model).bottleneck.has_prior:
            row["prior density"] = _exponential(-0.5 * float(code @ code) - len(code) / 2 * math.log(2 * math.pi))
        row["nearest held out"] = run.label_names[int(run.codes.labels[index])]
        row["distance"] = f"{distance:.3f}"
        rows.append(row)
    return rows


def _exponential(logarithm: float) -> str:
    """The exponential of a number, to two digits, also where it is too small or too large for a float."""
    if abs(logarithm) < 700:
        return f"{math.exp(logarithm):.2g}"
    exponent = math.floor(logarithm / math.log(10))
    return f"{math.exp(logarithm - exponent * math.log(10)):.1f}e{exponent:+d}"


def as_html(rows: Rows, *, title: str, note: str = "", narrow: bool = False, wraps: bool = False) -> Html:
    """A table, its first column aligned left, the others right; it scrolls sideways if it is too wide.

    Far cheaper than a data frame, and unlike a table in markdown it does not widen the page on a phone.

    Args:
        rows: all with the same names; without any there is the note alone.
        title: for screen readers.
        note: what the figures are, below the table.
        narrow: whether columns are kept narrow: the bracket of a figure and the end of a heading go below.
        wraps: whether its cells take several lines on a phone, where their columns would else be out of sight.
    """
    if not rows:
        return Html(small_print(note))
    names = list(rows[0])

    other = _NARROW if narrow else _OTHER

    def cell(text: str, style: str, scope: str = "") -> str:
        """A cell; with a scope, "col" or "row", a header cell."""
        tag, scoped = ("th", f' scope="{scope}"') if scope and text else ("td", "")
        said = _ending_below(text) if style == _NARROW else html.escape(text)
        return f'<{tag}{scoped} style="{style}">{said}</{tag}>'

    head = cell(names[0], _FIRST, "col") + "".join(cell(name, other, "col") for name in names[1:])
    body = []
    for row in rows:
        first, *others = (str(row.get(name, "")) for name in names)
        body.append(f"<tr>{cell(first, _ROW_NAME, 'row')}{''.join(cell(text, other) for text in others)}</tr>")
    name, kinds = html.escape(title), "scrolls wraps" if wraps else "scrolls"
    return Html(
        f'<div class="{kinds}" tabindex="0" role="region" aria-label="{name}"><table style="{_TABLE}" '
        f'aria-label="{name}"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
        f"{small_print(note)}"
    )


def _ending_below(text: str) -> str:
    """A cell's text with its bracket, or the number of random starts, in a line of its own."""
    found = _ENDING.search(text)
    if not found:
        return html.escape(text)
    comma = f'<span style="font-size:0">{found[1]}</span>' if found[1] else ""  # to be heard: the line's end is seen
    return f'{html.escape(text[: found.start()])}{comma}<span style="{_BELOW}">{html.escape(found[2])}</span>'


def signed(value: float, digits: int = 2) -> str:
    """A change, with its sign; none before zero."""
    told = f"{value:+.{digits}f}"
    return told.replace("-", "−") if float(told) else told[1:]
