"""A VAE small enough to be computed exactly: one latent number z, one observed number x.

    p(z) = N(0, 1),    p(x|z) = N(f(z), c)

With one dimension the integral over z can be done on a grid, so that the exact posterior p(z|x) and the evidence p(x)
are known, and the result of variational inference can be compared with them. All in nats.

Two ways of integrating are deliberately independent. The ELBO is computed as a VAE computes it, as an expectation over
z = mu + sigma * eps (here by Gauss-Hermite quadrature instead of one sample) minus a KL in closed form; the evidence
and KL(q || p(z|x)) come from the grid. That log p(x) = ELBO + KL(q || p(z|x)) is then a check, not a definition.

Sources: Kingma and Welling 2014, equations 1 to 3; Blei, Kucukelbir and McAuliffe 2017, section 2.2; Bishop 2006,
section 10.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

GRID_END, GRID_STEPS = 12.0, 2400  # the prior has 1e-32 of its mass beyond the ends; q may be 0.01 narrow
NODES = 32  # exact for polynomials up to degree 63
LARGEST_STEP = 0.25  # of one descent step in (mu, log sigma): a longer one is shortened to it, keeping its direction
LOG_TWO_PI = math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Decoder:
    """f(z) = a + b z + c z^2 + d exp(z / 2): the mean of x.

    Attributes:
        title: how its curve looks.
        formula: as text.
        coefficients: (a, b, c, d).
    """

    title: str
    formula: str
    coefficients: tuple[float, float, float, float]

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """f(z), of any shape."""
        a, b, c, d = self.coefficients
        return a + b * z + c * z**2 + d * np.exp(0.5 * z)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """df/dz at each z, of any shape -> the same shape."""
        _, b, c, d = self.coefficients
        return b + 2.0 * c * z + 0.5 * d * np.exp(0.5 * z)


# A linear f has a Gaussian posterior, an exponential one a skewed posterior, a folded one a posterior of two modes.
DECODERS = {
    "straight": Decoder("linear", "f(z) = z", (0.0, 1.0, 0.0, 0.0)),
    "bent": Decoder("exponential", "f(z) = 2 exp(z/2) − 2", (-2.0, 0.0, 0.0, 2.0)),
    "folded": Decoder("folded", "f(z) = z²/2 + z/8 − 1", (-1.0, 0.125, 0.5, 0.0)),
}


@dataclass(frozen=True)
class Toy:
    """One observation under one decoder.

    Attributes:
        decoder: f.
        x: what was observed.
        variance: c, above 0.

    Raises:
        ValueError: x is not finite, or c is not above 0.
    """

    decoder: Decoder
    x: float
    variance: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.variance) and self.variance > 0.0):
            raise ValueError(f"x must be finite and c above 0, not x = {self.x} and c = {self.variance}")

    def log_likelihood(self, z: np.ndarray) -> np.ndarray:
        """log p(x|z) of each z, in nats: any shape -> the same shape."""
        return -0.5 * (np.square(self.x - self.decoder(z)) / self.variance + math.log(self.variance) + LOG_TWO_PI)

    def log_joint(self, z: np.ndarray) -> np.ndarray:
        """log p(x|z) p(z), Bayes' numerator, of each z, in nats: any shape -> the same shape."""
        return self.log_likelihood(z) + log_normal(z, 0.0, 1.0)


def log_normal(z: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """log N(z; mean, deviation^2) of each z, in nats: any shape -> the same shape."""
    return -0.5 * (np.square((z - mean) / deviation) + LOG_TWO_PI) - math.log(deviation)


@lru_cache(maxsize=1)
def grid() -> np.ndarray:
    """Evenly spaced values of z, for integrating densities: (GRID_STEPS + 1,), from -GRID_END to GRID_END."""
    return np.linspace(-GRID_END, GRID_END, GRID_STEPS + 1)


@lru_cache(maxsize=1)
def nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Hermite nodes eps and weights, (NODES,) each: E[g(eps)] = sum of weight * g(eps) for eps ~ N(0, 1)."""
    eps, weights = np.polynomial.hermite.hermgauss(NODES)
    return math.sqrt(2.0) * eps, weights / math.sqrt(math.pi)


class Exact(NamedTuple):
    """The exact posterior.

    Attributes:
        log_evidence: log p(x).
        log_density: log p(z|x) on `grid`.
        mean: of the posterior.
        deviation: its standard deviation.
    """

    log_evidence: float
    log_density: np.ndarray
    mean: float
    deviation: float


def exact_posterior(toy: Toy) -> Exact:
    """p(z|x) = p(x|z) p(z) / p(x), with p(x) from the trapezoidal rule."""
    z, log_joint = grid(), toy.log_joint(grid())
    highest = log_joint.max()
    log_evidence = float(highest + math.log(np.trapezoid(np.exp(log_joint - highest), z)))
    density = np.exp(log_joint - log_evidence)
    mean = float(np.trapezoid(density * z, z))
    deviation = math.sqrt(float(np.trapezoid(density * np.square(z - mean), z)))
    return Exact(log_evidence, log_joint - log_evidence, mean, deviation)


class Bound(NamedTuple):
    """The ELBO of q = N(mu, sigma^2), its two terms, and its gradient.

    Attributes:
        expected_log_likelihood: E_q[log p(x|z)].
        kl_to_prior: KL(q || N(0, 1)).
        gradient: derivatives of the ELBO by mu and by log sigma.
    """

    expected_log_likelihood: float
    kl_to_prior: float
    gradient: tuple[float, float]

    @property
    def elbo(self) -> float:
        """E_q[log p(x|z)] - KL(q || p(z)), at most log p(x)."""
        return self.expected_log_likelihood - self.kl_to_prior


def bound(toy: Toy, mean: float, log_sigma: float) -> Bound:
    """The ELBO and its gradient through z = mu + sigma * eps, the reparameterisation that a VAE samples from."""
    (eps, weights), sigma = nodes(), math.exp(log_sigma)
    z = mean + sigma * eps
    rise = weights * (toy.x - toy.decoder(z)) * toy.decoder.slope(z) / toy.variance  # of log p(x|z), by z
    return Bound(
        expected_log_likelihood=float(weights @ toy.log_likelihood(z)),
        kl_to_prior=0.5 * (mean**2 + sigma**2 - 1.0) - log_sigma,
        gradient=(float(rise.sum()) - mean, float(rise @ eps) * sigma - sigma**2 + 1.0),
    )


def kl_to_posterior(exact: Exact, mean: float, log_sigma: float) -> float:
    """KL(q || p(z|x)) by the trapezoidal rule: the gap between the ELBO and log p(x)."""
    z = grid()
    log_q = log_normal(z, mean, math.exp(log_sigma))
    return float(np.trapezoid(np.exp(log_q) * (log_q - exact.log_density), z))


class Descent(NamedTuple):
    """All steps of a gradient descent on -ELBO, including the start: (steps + 1,) each."""

    mean: np.ndarray
    log_sigma: np.ndarray
    elbo: np.ndarray


def descend(toy: Toy, mean: float, sigma: float, learning_rate: float, steps: int) -> Descent:
    """Fit q = N(mu, sigma^2) to p(z|x) by gradient descent in (mu, log sigma), without ever using p(z|x).

    Args:
        toy: the model and what was observed.
        mean: mu at the start.
        sigma: at the start, above 0.
        learning_rate: above 0.
        steps: how many; one longer than LARGEST_STEP is shortened to that length.
    """
    point, points, elbos = np.array([mean, math.log(sigma)]), [], []
    for step in range(steps + 1):
        current = bound(toy, *point)
        points.append(point)
        elbos.append(current.elbo)
        if step < steps:
            move = learning_rate * np.array(current.gradient)
            point = point + move * min(1.0, LARGEST_STEP / max(float(np.hypot(*move)), 1e-300))
    means, log_sigmas = np.array(points).T
    return Descent(means, log_sigmas, np.array(elbos))
