"""The Gaussian's formulas and the ELBO on arrays, for pages and files that do without torch.

`losses.divergences`, `models.bottleneck` and `losses.objectives` have them for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vae_core.program.forward import run_program

if TYPE_CHECKING:
    from vae_core.run import Run


def closed_form_kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """KL(N(mean, exp(log_var)) || N(0, 1)) by dimension, in nats: float64, any shape.

    Kingma and Welling 2014, appendix B.
    """
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    return 0.5 * (np.square(mean) + np.expm1(log_var) - log_var)


def reparameterise(mean: np.ndarray, log_var: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """z = mean + sigma * noise, in the arrays' precision: a draw of N(mean, exp(log_var)) from one of N(0, 1)."""
    return mean + np.exp(0.5 * log_var) * noise


def log_density_ratio(z: np.ndarray, log_var: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """ln q(z|x) - ln p(z) in nats, summed over dimensions: (n, d) -> (n,). The Gaussians' constants cancel.

    Args:
        z: (n, d), drawn from q as `reparameterise` does.
        log_var: (d,) or (n, d), of q.
        noise: (n, d), from which z was drawn.
    """
    return 0.5 * (np.square(z) - np.square(noise) - log_var).sum(axis=1)


def terms(run: Run, pixels: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both terms of the negative ELBO without torch, z = μ + σ · noise.

    Args:
        run: a variational autoencoder.
        pixels: (N, D), in [0, 1].
        noise: (N, d), standard normal.

    Returns:
        -log p(x|z), (N,), and the KL of each dimension, (N, d): float64, nats.
    """
    mean, log_var = (array.astype(np.float64) for array in run.posterior(pixels))
    output = run_program(run.decoder, run.weights, reparameterise(mean, log_var, noise)).astype(np.float64)
    return run.likelihood.nats(output, pixels), closed_form_kl(mean, log_var)
