"""Why a VAE learns ln sigma^2 and not sigma: one posterior, three parameterisations, the same gradient descent.

The loss is that of a VAE with one latent dimension, whose decoder is linear with slope a and whose pixels are
Gaussian: KL(N(m, s^2) || N(0, 1)) + w/2 E[(z - t)^2], with w = a^2 / c the precision of z given the image alone. Its
minimum is known: s^2 = 1 / (1 + w), m = w t / (1 + w).

A step on sigma may end below 0. That alone breaks nothing: loss and distribution depend on sigma^2 only, and a program
that takes ln(sigma^2) goes on (one that takes 2 ln(sigma) does not). In sigma the loss is a parabola of curvature
1 + w = 1/s^2, less ln sigma, whose slope has no bound near 0. Steps longer than 2 s^2 overshoot the parabola further
each time, up to infinity; the logarithm has no part in that. Steps between s^2 and 2 s^2 end below 0 and near it, are
thrown away again, and never settle: at the minimum the loss has twice the parabola's curvature. In ln sigma^2 its
curvature there is 1/2, whatever s is, and its slope is at least -1/2; in sigma = softplus(rho) = ln(1 + e^rho) it is at
least about -1 where sigma is small. There are no safeguards: the first step to a loss that is not finite ends the
descent and is recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError

MAX_STEPS = 100_000
PARAMETERS = ("log-variance", "softplus", "sigma")
CLOSE = 0.01  # nats above the minimum that count as converged


class Quadratic(NamedTuple):
    """The problem.

    Attributes:
        precision: w, at least 0; 0 is the KL alone.
        target: t, the z that fits the image best.
    """

    precision: float
    target: float

    @property
    def best_sigma(self) -> float:
        """Sigma at the minimum of the loss."""
        return 1.0 / math.sqrt(1.0 + self.precision)

    @property
    def longest_settling(self) -> float:
        """The step size in sigma beyond which a descent does not settle at the minimum: 2 / the curvature there."""
        return self.best_sigma**2

    @property
    def longest_bounded(self) -> float:
        """The step size in sigma beyond which a descent ends at infinity: 2 / the curvature of the parabola."""
        return 2.0 * self.best_sigma**2

    @property
    def best_mean(self) -> float:
        """The mean at the minimum of the loss."""
        return self.precision * self.target / (1.0 + self.precision)

    def kl(self, mean: float, variance: float, log_var: float) -> float:
        """In nats; takes the logarithm as an argument, because the parameterisation may give it exactly."""
        return 0.5 * (mean * mean + variance - 1.0 - log_var)

    def loss(self, mean: float, variance: float, log_var: float) -> float:
        """KL + w/2 E[(z - t)^2], in nats up to a constant."""
        away = mean - self.target
        return self.kl(mean, variance, log_var) + 0.5 * self.precision * (away * away + variance)

    @property
    def least_loss(self) -> float:
        """The minimum of the loss."""
        variance = self.best_sigma**2
        return self.loss(self.best_mean, variance, math.log(variance))


@dataclass(frozen=True)
class Descent:
    """A gradient descent, one entry for the start and one for each step.

    Attributes:
        parameter: one of `PARAMETERS`: what the steps were taken in.
        mean, sigma, kl, loss: float64 (steps + 1,); if the descent failed, the last entry is the step that failed. A
            negative sigma is that of a Gaussian of standard deviation ``-sigma``.
        crossed_at: the first step, 1-based, that ended at a sigma of another sign; None if none did.
        broke_at: the step, 1-based, whose loss is not finite; None if all are.
        reason: why, with the number; None if none did.
        arrived_at: the first step (0 for the start) from which on the loss stays within 0.01 nats of the minimum;
            None if it never does.
    """

    parameter: str
    mean: np.ndarray
    sigma: np.ndarray
    kl: np.ndarray
    loss: np.ndarray
    crossed_at: int | None
    broke_at: int | None
    reason: str | None
    arrived_at: int | None


def descend(
    parameter: str,
    problem: Quadratic,
    *,
    step_size: float,
    steps: int,
    start_sigma: float = 1.0,
    start_mean: float = 0.0,
    noise: np.ndarray | None = None,
) -> Descent:
    """Minimise the loss by plain gradient descent, in sigma, its log-variance or its inverse softplus.

    Args:
        parameter: one of `PARAMETERS`.
        problem: what to minimise.
        step_size: of every step, in either parameter: the same number, though not the same distance in sigma.
        steps: 1 to `MAX_STEPS`.
        start_sigma: above 0.
        start_mean: where the mean begins.
        noise: (steps,), standard normal: one reparameterised sample for the cost's gradient in each step, as a VAE's
            training does; None for the exact gradient.

    Raises:
        MeasureError: a setting out of range.
    """
    _check(parameter, problem, step_size, steps, start_sigma, noise)
    mean, value = start_mean, _value_of(parameter, start_sigma)
    rows = [_row(parameter, problem, mean, value)]
    broke_at = reason = None
    for step in range(steps):
        sigma = rows[-1][1]
        # The KL's gradient is exact, as in a VAE; the cost's is too, or that of one z = mean + sigma * noise.
        eps = 0.0 if noise is None else float(noise[step])
        to_mean = problem.precision * (mean + sigma * eps - problem.target)
        to_sigma = problem.precision * sigma if noise is None else to_mean * eps
        if parameter == "sigma":
            value -= step_size * (to_sigma + sigma - 1.0 / sigma)
        elif parameter == "softplus":
            slope = -math.expm1(-sigma)  # d sigma / d rho = 1 / (1 + e^-rho)
            value -= step_size * (to_sigma + sigma - 1.0 / sigma) * slope
        else:
            value -= step_size * 0.5 * (sigma * to_sigma + sigma * sigma - 1.0)  # d sigma / d log_var = sigma / 2
        mean -= step_size * (to_mean + mean)
        rows.append(_row(parameter, problem, mean, value))
        if reason := _broken(*rows[-1]):
            broke_at = step + 1
            break
    means, sigmas, kls, losses = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    arrived = None if broke_at else _arrival(losses, problem.least_loss)
    crossed = np.flatnonzero(sigmas < 0.0)
    crossed_at = int(crossed[0]) if len(crossed) else None
    return Descent(parameter, means, sigmas, kls, losses, crossed_at, broke_at, reason, arrived)


def _value_of(parameter: str, sigma: float) -> float:
    """What is learned, at a sigma above 0."""
    if parameter == "sigma":
        return sigma
    if parameter == "softplus":
        return sigma + math.log(-math.expm1(-sigma))  # ln(e^sigma - 1), also for large ones
    return 2.0 * math.log(sigma)


def _row(parameter: str, problem: Quadratic, mean: float, value: float) -> tuple[float, float, float, float]:
    """Mean, sigma, KL and loss of a parameter's value; at sigma 0 the KL is infinite."""
    if parameter == "log-variance":
        log_var, variance, sigma = value, _exponential(value), _exponential(0.5 * value)
    else:
        sigma = value if parameter == "sigma" else max(value, 0.0) + math.log1p(math.exp(-abs(value)))
        variance = sigma * sigma
        log_var = 2.0 * math.log(abs(sigma)) if sigma else -math.inf
    return mean, sigma, problem.kl(mean, variance, log_var), problem.loss(mean, variance, log_var)


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _broken(mean: float, sigma: float, kl: float, loss: float) -> str | None:
    """Why a step gave a loss that is not finite; None if it did not."""
    if not math.isfinite(loss):
        return f"the loss is not finite: mean {mean:.4g}, sigma {sigma:.4g}, KL {kl:.4g}"
    return None


def _arrival(losses: np.ndarray, least: float) -> int | None:
    away = np.flatnonzero(~(losses <= least + CLOSE))
    first = int(away[-1]) + 1 if len(away) else 0
    return first if first < len(losses) else None


def _check(
    parameter: str, problem: Quadratic, step_size: float, steps: int, start_sigma: float, noise: np.ndarray | None
) -> None:
    if parameter not in PARAMETERS:
        raise ValueError(f"there is no parameter {parameter!r}; choose one of {', '.join(PARAMETERS)}")
    if not 0.0 <= problem.precision < math.inf or not math.isfinite(problem.target):
        raise MeasureError("the precision must be a number at least 0, and the target a finite one: choose others.")
    if not 0.0 < step_size < math.inf or not 0.0 < start_sigma < math.inf:
        raise MeasureError("the step size and the first sigma must be finite numbers above 0: choose others.")
    if not 1 <= steps <= MAX_STEPS:
        raise MeasureError(f"steps must be an integer from 1 to {MAX_STEPS:,}, not {steps}.")
    if noise is not None and np.shape(noise) != (steps,):
        raise ValueError(f"noise must be ({steps},), not {np.shape(noise)}")
