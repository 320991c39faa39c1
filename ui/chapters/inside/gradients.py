"""Two panels of the page Inside the VAE: gradients through random sampling, and why log σ² is learned and not σ."""

from __future__ import annotations

import math

import numpy as np

from ui.chapters.inside.instrument import DATASET, START, run_of
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.lessons.gradient_estimators import ESTIMATORS, reconstruction_gradients
from vae_core.lessons.log_variance import Descent, Quadratic, descend
from vae_core.losses.gaussian import closed_form_kl

DRAWS = 4_000
STEP_SIZES = (0.0001, 0.001, 0.01, 0.1)
STEPS = 3_000
LEARNED = {"sigma": "learning σ", "log-variance": "learning log σ²", "softplus": "softplus"}
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
EXACT = 0.1  # how near the gradient is to be known, as a share of its length


def labels() -> tuple[str, ...]:
    """Names of the classes."""
    return held_out(DATASET).label_names


def first_of(label: int) -> np.ndarray:
    """The first held-out digit of a class, (D,) in [0, 1]: the one on the digit pad's button."""
    images = held_out(DATASET)
    return images.floats()[np.flatnonzero(images.labels == label)[0]]


@per_shelf
def gradient_table(choice: str, label: int) -> Html:
    """The gradient of one digit's reconstruction by each estimator, and how far single samples scatter: HTML.

    The first call imports torch.
    """
    _, gradients = reconstruction_gradients(run_of(choice), first_of(label), DRAWS)
    truth = math.hypot(*(float(np.linalg.norm(part)) for part in gradients[ESTIMATORS[0]].average()))
    rows: list[dict[str, object]] = []
    least = 0.0
    for name in ESTIMATORS:
        (mean, log_sigma), (by_mean, by_sigma) = gradients[name].average(), gradients[name].variance()
        total = float(by_mean.sum() + by_sigma.sum())
        least = least or total
        rows.append(
            {
                "estimator": name,
                "∂/∂μ₁": _with_error(mean[0], by_mean[0]),
                "∂/∂ log σ₁": _with_error(log_sigma[0], by_sigma[0]),
                "variance of one sample": f"{total:,.0f}",
                "relative": f"{total / least:,.1f}",
                f"samples for {EXACT:.0%} error": f"{max(1, math.ceil(total / (EXACT * truth) ** 2)):,}",
            }
        )
    return as_html(
        rows,
        title="Gradient estimators",
        note=f"Gradient of −log p(x | z) for the first held-out {label}, {DRAWS:,} samples of ε, the same for all "
        "three; ± one standard error. The variance is summed over μ and log σ of all dimensions, in nats², and given "
        "relative to the first estimator's. The baseline is the mean of the other samples.",
        wraps=True,
    )


def _with_error(value: float, variance: float) -> str:
    error = math.sqrt(variance / DRAWS)
    digits = 0 if error >= 10 else 1 if error >= 1 else 2
    return f"{value:,.{digits}f} ± {error:,.{digits}f}".replace("-", "−")


def problem_of(choice: str) -> Quadratic:
    """What the model asks of σ in its most telling dimension for the digit shown first: as narrow as it made it."""
    mean, log_var = (part[0].astype(np.float64) for part in run_of(choice).posterior(first_of(START)[None]))
    most = int(closed_form_kl(mean, log_var).argmax())
    # Where the loss is least, s² = 1 / (1 + precision). μ begins and stays where it is best: σ alone is to be seen.
    return Quadratic(math.expm1(-log_var[most]), 0.0)


@per_shelf
def fails_in_two_ways(choice: str) -> str:
    """What becomes of steps in σ itself that are too long, with the numbers of the table: markdown."""
    problem = problem_of(choice)
    settling, bounded = problem.longest_settling, problem.longest_bounded
    thrown = [f"{size:g}" for size in STEP_SIZES if settling < size <= bounded]
    return (
        f"Let s be the best σ, {problem.best_sigma:.2g} in the table. As a function of σ, the loss is a parabola of "
        f"curvature 1/s² = **{1 / settling:,.0f}**, less log σ. Learning σ can fail in two ways. Steps longer than "
        f"2s² = **{bounded:.2g}** overshoot the parabola further each time, and σ goes to infinity. Steps from s² to "
        "2s² do not, but they jump over 0, and near 0 the slope −1/σ has no bound: it throws σ away again"
        + (f", so that at {' and '.join(thrown)} σ does not settle" if thrown else "")
        + ". Shorter steps are safe, and fast, but s is not known in advance."
    )


@per_shelf
def sigma_table(choice: str) -> Html:
    """Gradient descent on σ, log σ² and softplus, from σ = 1 to the σ that the model gives the first digit: HTML."""
    problem = problem_of(choice)
    rows: list[dict[str, object]] = []
    for size in STEP_SIZES:
        row: dict[str, object] = {"step size": f"{size:g}"}
        for parameter, heading in LEARNED.items():
            descent = descend(parameter, problem, step_size=size, steps=STEPS)
            grows = parameter == "sigma" and size > problem.longest_bounded
            row[heading] = _outcome(descent, "still growing" if grows else "not yet")
        rows.append(row)
    return as_html(
        rows,
        title="Descent on sigma, on its logarithm and through softplus",
        note=f"Plain gradient descent on KL + reconstruction of one dimension (a parabola), from σ = 1 to σ = "
        f"{problem.best_sigma:.2g}, the σ that the model gives the held-out {START} in its dimension of most KL. At "
        f"most {STEPS:,} steps; how many until the loss stays within 0.01 nats of the least. Below 0, |σ| is meant.",
        wraps=True,
    )


def _outcome(descent: Descent, at_its_end: str) -> str:
    """How a descent ended, with the words for one that neither arrived nor broke."""
    if descent.broke_at is not None:
        text = f"infinite after {descent.broke_at:,} steps"
    elif descent.arrived_at is not None:
        text = f"{descent.arrived_at:,} steps"
    else:
        text = f"{at_its_end}: σ = {_digits(abs(descent.sigma[-1]))}"
    return text if descent.crossed_at is None else f"{text}, below 0 in step {descent.crossed_at:,}"


def _digits(value: float) -> str:
    if abs(value) >= 1e6:
        mantissa, exponent = f"{value:.1e}".split("e+")
        return f"{mantissa} · 10{str(int(exponent)).translate(SUPERSCRIPT)}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"
