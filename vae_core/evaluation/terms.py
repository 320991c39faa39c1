"""Both terms of the negative ELBO of images, in numpy."""

from __future__ import annotations

import numpy as np

from vae_core.losses.gaussian import closed_form_kl, reparameterise
from vae_core.program.forward import run_program
from vae_core.run import Run


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
