"""What the chapter on the mathematics sends to its experiments, and its answers from the same toys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import stdtrit

from ui.once import once
from vae_core.lessons.exact_posterior import (
    DECODERS,
    GRID_END,
    GRID_STEPS,
    LARGEST_STEP,
    Exact,
    Toy,
    descend,
    exact_posterior,
    grid,
    kl_to_posterior,
    nodes,
)
from vae_core.lessons.mean_field import best_diagonal, correlated, gap_of_correlation
from vae_core.payloads.plane import Payload, Tensors

KINDS = ("posterior", "descent", "diagonal", "estimate")
STORY = {"decoder": "folded", "x": 1.0, "c": 0.3}  # where the first two experiments begin
OBSERVATIONS = (-2.0, 3.0)
VARIANCES = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
# A start that hesitates between the modes, and then settles on one.
DESCENT = {"start": 0.5, "spread": 1.0, "rate": 0.03, "steps": 200}
START_MEANS = (-3.0, 3.0)
START_DEVIATIONS = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
CORRELATION, LARGEST_CORRELATION = 0.8, 0.99
WIDTHS = (0.1, 1.5)  # of q, beside margins of 1
PREDICTED_CORRELATION = 0.9
ESTIMATE = {"mean": 1.0, "sigma": 0.5, "count": 100}
ESTIMATE_DEVIATIONS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
COUNTS = (10, 30, 100, 300, 1_000, 3_000, 10_000)


@once(maxsize=len(KINDS))
def part(kind: str) -> Payload:
    """One of the experiments in KINDS, with all that it must agree on with `vae_core.lessons.exact_posterior`."""
    eps, weights = nodes()
    story: dict[str, Any] = {
        "rules": {
            "grid_end": GRID_END,
            "grid_steps": GRID_STEPS,
            "nodes": eps.tolist(),
            "weights": weights.tolist(),
            "largest_step": LARGEST_STEP,
        },
        "decoders": {
            name: {"title": decoder.title, "formula": decoder.formula, "coefficients": list(decoder.coefficients)}
            for name, decoder in DECODERS.items()
        },
        "start": STORY,
        "x": OBSERVATIONS,
        "variances": VARIANCES,
    }
    headers: dict[str, dict[str, Any]] = {
        "posterior": story,
        "descent": {
            **story,
            "descent": DESCENT,
            "means": START_MEANS,
            "deviations": START_DEVIATIONS,
            "rates": RATES,
        },
        "diagonal": {
            "start": CORRELATION,
            "low": -LARGEST_CORRELATION,
            "high": LARGEST_CORRELATION,
            "widths": WIDTHS,
        },
        "estimate": {
            "start": ESTIMATE,
            "means": START_MEANS,
            "deviations": ESTIMATE_DEVIATIONS,
            "counts": COUNTS,
            "quantiles": [float(stdtrit(count - 1, 0.975)) for count in COUNTS],  # of 95% intervals
        },
    }
    return Tensors().payload({"kind": kind, **headers[kind]})


def the_toy() -> Toy:
    """The toy at which the page opens."""
    return Toy(DECODERS[STORY["decoder"]], STORY["x"], STORY["c"])  # type: ignore[index, arg-type]


@once(maxsize=1)
def where_q_settles() -> tuple[int, str]:
    """What becomes of q on a posterior of two modes: between them, on one, or over both; and the numbers."""
    toy = the_toy()
    exact = exact_posterior(toy)
    way = descend(toy, DESCENT["start"], DESCENT["spread"], DESCENT["rate"], int(DESCENT["steps"]))
    mean, sigma = float(way.mean[-1]), math.exp(way.log_sigma[-1])
    gap = kl_to_posterior(exact, mean, way.log_sigma[-1])
    share = share_of_mode(exact, mean)
    told = (
        f"Starting at μ = {DESCENT['start']:g} and σ = {DESCENT['spread']:g}, as the experiment does, q ends at "
        f"μ = {mean:.2f}, σ = {sigma:.2f}. The posterior has mean {exact.mean:.2f} and standard deviation "
        f"{exact.deviation:.2f}. KL(q ‖ p) is large wherever q has mass and p has almost none. So q leaves the valley "
        f"between the modes, and one mode with it. A gap of {gap:.2f} nats stays. The mode that it leaves costs "
        f"{-math.log(share):.2f} of them: the other one holds {share:.0%} of the posterior, and −log {share:.2f} = "
        f"{-math.log(share):.2f}."
    )
    if sigma > 0.8 * exact.deviation:
        return 2, told
    away = abs(mean - exact.mean) > 0.5 * exact.deviation
    return (1 if away else 0), told


def share_of_mode(exact: Exact, place: float) -> float:
    """What a mode holds of a posterior of two: all on its side of the lowest place between the two highest ones."""
    z, density = grid(), np.exp(exact.log_density)
    left = int(np.where(z < exact.mean, density, 0.0).argmax())
    right = int(np.where(z > exact.mean, density, 0.0).argmax())
    valley = z[left + int(density[left:right].argmin())]
    side = (z > valley) == (place > valley)
    return float(np.trapezoid(np.where(side, density, 0.0), z))


@once(maxsize=1)
def how_wide() -> tuple[int, str]:
    """How wide the best diagonal Gaussian is, compared with a correlated one: the answer and the numbers."""
    target = correlated(PREDICTED_CORRELATION)
    margin, best = math.sqrt(target[0, 0]), math.sqrt(float(best_diagonal(target)[0]))
    told = (
        f"In each dimension p has a standard deviation of {margin:.2f}, but the best q has √(1 − ρ²) = {best:.2f}: how "
        "much z₁ still varies once z₂ is known. A wider q would put mass where p has almost none. So q is too sure of "
        "itself, and no diagonal covariance can remove a KL of "
        f"{gap_of_correlation(PREDICTED_CORRELATION):.2f} nats."
    )
    if np.isclose(best, margin, rtol=0.02):
        return 1, told
    return (0 if best > margin else 2), told
