"""What the two models of points in the plane agree on, in the browser and in torch: data, sizes, rates, switches.

Points are drawn along strokes. A stroke of a single place is a Gaussian: data made of such strokes have modes that can
be counted, as the ring of 8 and the grid of 25 Gaussians on which mode collapse is studied (Srivastava et al. 2017; Lin
et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Place = tuple[float, float]

HALF = 3.0  # the plane that is seen goes from -HALF to HALF, along both axes
HIDDEN = (32, 32)  # units of each network
BATCH, SAMPLES, POINTS = 64, 1_000, 400  # of a step; of the figures; of the data that are drawn
RATE, BETAS = 2e-3, (0.5, 0.9)  # of Adam, generator and discriminator
VAE_RATE, VAE_BETAS = 4e-3, (0.9, 0.999)
KEEP = 0.99  # of the average of the generator's weights, at each step
R1 = 1.0  # the weight of the penalty on slopes, where it is on (Mescheder et al. 2018)
REACH = 3.0  # standard deviations of the data within which a sample is near a point


@dataclass(frozen=True)
class Shape:
    """Data to learn from.

    Attributes:
        title: in a menu.
        strokes: lists of places; points are spread evenly along all of them, or over those of one place.
        spread: the points' standard deviation around their stroke, in each direction.
    """

    title: str
    strokes: tuple[tuple[Place, ...], ...]
    spread: float

    @property
    def modes(self) -> int:
        """How many there are; 0 for data along lines, which have none to count."""
        return len(self.strokes) if all(len(stroke) == 1 for stroke in self.strokes) else 0


def _curve(at: Callable[[float], Place], count: int = 48) -> tuple[Place, ...]:
    """Places along a curve, at even steps of its parameter from 0 to 1."""
    return tuple((round(x, 4), round(y, 4)) for x, y in (at(k / count) for k in range(count + 1)))


def _on_circle(radius: float, share: float, x: float = 0.0, y: float = 0.0) -> Place:
    angle = 2.0 * math.pi * share
    return x + radius * math.cos(angle), y + radius * math.sin(angle)


SHAPES = {
    "ring": Shape("ring", tuple((_on_circle(2.0, k / 8),) for k in range(8)), 0.1),
    "grid": Shape("grid", tuple(((1.1 * (k % 5 - 2), 1.1 * (k // 5 - 2)),) for k in range(25)), 0.08),
    "moons": Shape(
        "moons",
        (
            _curve(lambda share: _on_circle(1.5, share / 2, -0.75, -0.35)),
            _curve(lambda share: _on_circle(1.5, 0.5 + share / 2, 0.75, 0.35)),
        ),
        0.1,
    ),
    "circles": Shape(
        "circles",
        (_curve(lambda share: _on_circle(2.2, share)), _curve(lambda share: _on_circle(1.0, share))),
        0.08,
    ),
}
DRAWN, DRAWN_SPREAD = "drawn", 0.1


LOSSES = {"non-saturating": "−ln D(G(z))", "minimax": "ln(1 − D(G(z)))"}  # of the generator
D_STEPS = (1, 5)  # of the discriminator for each one of the generator
RATIOS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)  # the discriminator's learning rate over the generator's
VARIANCES = (0.003, 0.01, 0.03, 0.1, 0.3)  # c of the VAE's p(x|z) = N(f(z), cI)
LATENT_DIMENSIONS = (1, 2)
SEEDS = (1, 999)
