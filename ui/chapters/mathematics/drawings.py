"""What the model assumes, and the network that stands for it, as drawings in SVG: they take the page's own colours.

They go into markdown: `st.html` leaves SVG out.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ui.figures.markup import Html

if TYPE_CHECKING:
    from vae_core.run import Run

_LINE = 'stroke="currentColor" stroke-width="1.5"'
_FAINT = 'fill="currentColor" fill-opacity="0.12"'


def _drawing(width: int, height: int, name: str, parts: list[str]) -> Html:
    style = f"display:block;width:100%;max-width:{width / 16:.1f}rem;height:auto;margin:0.25rem 0 0.75rem"
    return Html(
        f'<svg role="img" aria-label="{html.escape(name)}" viewBox="0 0 {width} {height}" style="{style}" '
        f'font-family="inherit" font-size="14" fill="none">{"".join(parts)}</svg>'
    )


def _text(words: str, x: float, y: float, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor" {more}>{html.escape(words)}</text>'


def _arrow(path: str, tip: tuple[float, float], direction: float, *, dashed: bool = False) -> str:
    """A line and the head at its end, which points in a direction (degrees, 0 to the right, clockwise)."""
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    x, y = tip
    head = f'fill="currentColor" transform="translate({x:g} {y:g}) rotate({direction:g})"'
    return f'<path d="{path}" {_LINE}{dash}/><path d="M0 0L-9 -4.5L-9 4.5Z" {head}/>'


def graphical_model() -> Html:
    """z, x and the parameters f and c, in a plate over N images; the approximate posterior is the dashed way back."""
    return _drawing(
        430,
        150,
        "Graphical model. In a plate repeated for N images, the latent code z has the prior p(z), and an arrow from z "
        "to the shaded image x is the likelihood p(x|z). The decoder f and the variance c stand outside of the plate "
        "and point to x: all images share them. A dashed arrow from x back to z is the approximate posterior q(z|x).",
        [
            f'<rect x="4" y="8" width="272" height="136" rx="8" {_LINE}/>',
            _text("N images", 266, 136, "end"),
            _text("p(z)", 60, 34),
            f'<circle cx="60" cy="68" r="23" {_LINE}/>',
            f'<circle cx="214" cy="68" r="23" {_LINE} {_FAINT}/>',
            _text("z", 60, 73, more='font-style="italic" font-size="17"'),
            _text("x", 214, 73, more='font-style="italic" font-size="17"'),
            _arrow("M84 62H182", (190, 62), 0),
            _text("p(x|z)", 137, 53),
            _arrow("M196 86Q137 124 84 91", (78, 86), 218, dashed=True),
            _text("q(z|x)", 137, 127),
            f'<circle cx="310" cy="42" r="4" fill="currentColor" {_LINE}/>',
            _arrow("M304 44L243 60", (236, 62), 165),
            _text("f, the decoder", 320, 47, "start"),
            f'<circle cx="310" cy="98" r="4" fill="currentColor" {_LINE}/>',
            _arrow("M304 96L243 77", (236, 75), 197),
            _text("c, the variance", 320, 103, "start"),
        ],
    )


@dataclass(frozen=True)
class Layers:
    """A fully connected VAE: sizes, and how many parameters each part has.

    Attributes:
        sizes: from the pixels to the last layer that μ and log σ² share.
        latent: dimensions.
        decoder: sizes from the first hidden layer of f to the pixels.
        shared: parameters of the layers that μ and log σ² share.
        mean: of those of μ alone.
        log_variance: of those of log σ² alone.
        decoding: of those of f.
    """

    sizes: tuple[int, ...]
    latent: int
    decoder: tuple[int, ...]
    shared: int
    mean: int
    log_variance: int
    decoding: int

    @property
    def total(self) -> int:
        """All parameters."""
        return self.shared + self.mean + self.log_variance + self.decoding


def layers_of(run: Run) -> Layers:
    """The parts of a run's network, counted from its own weights."""

    def matrices(part: str) -> list[tuple[int, ...]]:
        found = {name: array.shape for name, array in run.weights.items() if name.startswith(f"{part}.")}
        numbered = sorted((name for name in found if name.endswith(".weight")), key=lambda name: (len(name), name))
        return [found[name] for name in numbered]

    def count(part: str) -> int:
        return sum(array.size for name, array in run.weights.items() if name.startswith(f"{part}."))

    shared, decoding = matrices("trunk"), matrices("decoder")
    return Layers(
        sizes=(shared[0][1], *(rows for rows, _ in shared)),
        latent=matrices("mean")[0][0],
        decoder=tuple(rows for rows, _ in decoding),
        shared=count("trunk"),
        mean=count("mean"),
        log_variance=count("log_var"),
        decoding=count("decoder"),
    )


def network(layers: Layers) -> Html:
    """The layers as bars, as wide apart as they fit, with their sizes above and the parameters of each part below."""
    columns = [*layers.sizes, layers.latent, layers.latent, *layers.decoder]
    count, before = len(columns), len(layers.sizes)
    width, middle, tallest = 420, 62, 42.0
    step = width / count
    place = [step * (number + 0.5) for number in range(count)]
    largest = math.log(max(columns) + 1)
    half = [tallest * math.log(size + 1) / largest for size in columns]

    def bar(number: int, top: float, bottom: float) -> str:
        box = f'x="{place[number] - 8:.1f}" y="{top:.1f}" width="16" height="{bottom - top:.1f}" rx="2"'
        return f"<rect {box} {_LINE} {_FAINT}/>"

    parts = []
    for number, size in enumerate(columns):
        if number == before:  # μ above, log σ² below
            parts += [bar(number, middle - 30, middle - 7), bar(number, middle + 7, middle + 30)]
            parts += [_text("μ", place[number], middle - 35), _text("log σ²", place[number], middle + 44)]
            continue
        parts += [bar(number, middle - half[number], middle + half[number])]
        name = "x" if number == 0 else "x̂" if number == count - 1 else "z" if number == before + 1 else ""
        parts += [_text(f"{size:,}", place[number], middle - half[number] - 6)]
        if name:
            parts += [_text(name, place[number], middle + half[number] + 15, more='font-style="italic"')]
    for number in range(count - 1):
        left, right = place[number] + 10, place[number + 1] - 10
        ys = [(middle, middle - 18), (middle, middle + 18)] if number + 1 == before else [(middle, middle)]
        ys = [(middle - 18, middle), (middle + 18, middle)] if number == before else ys
        parts += [f'<path d="M{left:.1f} {y0:g}L{right:.1f} {y1:g}" {_LINE} stroke-opacity="0.5"/>' for y0, y1 in ys]

    def below(first: int, last: int, name: str, told: str) -> list[str]:
        left, right = place[first] - 8, place[last] + 8
        line = f'<path d="M{left:.1f} 124V129H{right:.1f}V124" {_LINE} stroke-opacity="0.6"/>'
        return [line, _text(name, (left + right) / 2, 144), _text(told, (left + right) / 2, 160)]

    parts += below(0, before - 1, "shared", f"{layers.shared:,}")
    parts += below(before, before, "g and h", f"{layers.mean:,} each")
    parts += below(before + 2, count - 1, "f, the decoder", f"{layers.decoding:,}")
    encoder = " to ".join(f"{size:,}" for size in layers.sizes)
    decoder = " to ".join(f"{size:,}" for size in layers.decoder)
    name = (
        f"The network. Encoder: {encoder} numbers, with {layers.shared:,} parameters that g and h share. g gives μ "
        f"with {layers.mean:,} parameters of its own, h gives log σ² with {layers.log_variance:,}: {layers.latent} "
        f"numbers each. z is sampled. Decoder f: {layers.latent} to {decoder} numbers, with {layers.decoding:,} "
        "parameters."
    )
    return _drawing(width, 165, name, parts)
