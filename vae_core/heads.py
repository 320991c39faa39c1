"""An encoder's three parts: the trunk that reads the image, and the two heads that share it, for μ and log σ².

A run's file keeps the encoder as a program from the image to μ. Its last layer is the head of μ; the head of log σ² is
a layer of the same shape on the same features. Nothing here needs torch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vae_core.forward import run_program
from vae_core.nats import closed_form_kl
from vae_core.run import Run

MEAN, LOG_VAR = "mean", "log_var"


class EncoderParts(NamedTuple):
    """Programs, see `models.program`.

    Attributes:
        trunk: flat image (D,) -> features.
        mean: features -> μ (d,).
        log_var: features -> log σ² (d,).
    """

    trunk: list[dict[str, Any]]
    mean: list[dict[str, Any]]
    log_var: list[dict[str, Any]]


def encoder_parts(run: Run) -> EncoderParts:
    """The trunk and both heads of a run's encoder.

    Raises:
        ValueError: the run has no posterior, or its file does not hold its encoder as a program.
    """
    if not run.encoder or f"{LOG_VAR}.weight" not in run.weights:
        raise ValueError(f"{run.key} has no encoder with a posterior to take apart")
    *trunk, head = run.encoder
    names = {part: name for part, name in head.items() if part in ("weight", "bias")}
    if names != {part: f"{MEAN}.{part}" for part in names} or head["op"] != "linear":
        raise ValueError(f"the last layer of the encoder of {run.key} is not the head of its mean")
    return EncoderParts(trunk, [head], [{**head, **{part: f"{LOG_VAR}.{part}" for part in names}}])


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
    z = mean + np.exp(0.5 * log_var) * noise
    output = run_program(run.decoder, run.weights, z).astype(np.float64)
    return run.likelihood.nats(output, pixels), closed_form_kl(mean, log_var)
