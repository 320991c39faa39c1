"""The scale of latent space: a VAE's images do not depend on it, its KL does.

Multiply every code and its sigma by a factor and divide the decoder's first weights by it: the images stay the same.
So without a KL term, shrinking the variances and driving the means apart are the same to a model.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.losses.gaussian import kl_halves, reparameterise
from vae_core.program.forward import run_program
from vae_core.program.operations import tensor_names
from vae_core.run import Run


class InUnits(NamedTuple):
    """A VAE with a rescaled latent space.

    Attributes:
        factor: what codes were multiplied by.
        sigma: median of the posteriors' standard deviations over the dimensions in use, after rescaling.
        spread: root of the means' variance, averaged over the dimensions in use, after rescaling.
        reconstruction: nats per image, with one sample z each; the same for all factors up to rounding.
        kl: nats per image.
        of_means, of_variances: the two halves of the KL, of which either alone could be had for nothing: as the factor
            falls to 0, the first vanishes with the images as they are; where sigma is 1, the second does.
    """

    factor: float
    sigma: float
    spread: float
    reconstruction: float
    kl: float
    of_means: float
    of_variances: float


def in_other_units(run: Run, factor: float, pixels: np.ndarray, *, seed: int = 0) -> InUnits:
    """Measure a run after rescaling its latent space, in numpy.

    Args:
        run: with a posterior, and a decoder that starts with a fully connected layer.
        factor: above 0.
        pixels: (N, C*H*W) in [0, 1], the first N of the held-out images that the run's codes are of.
        seed: of the noise; the same noise for every factor.

    Raises:
        ValueError: the factor is not above 0, or there are more images than codes.
        MeasureError: the run is not of that kind.
    """
    if not factor > 0 or not math.isfinite(factor) or len(pixels) > len(run.codes.mean):
        raise ValueError("in_other_units needs a factor above 0 and no more images than the run has codes")
    first = run.decoder[0]
    if not run.codes.has_posterior or first["op"] != "linear":
        raise MeasureError(f"{run.key} has no posterior, or no decoder that can be rescaled.")
    means, log_vars = run.codes.posterior()
    mean = means[: len(pixels)].astype(np.float64) * factor
    log_var = log_vars[: len(pixels)].astype(np.float64) + 2.0 * math.log(factor)
    noise = np.random.default_rng(seed).standard_normal(mean.shape)
    z = reparameterise(mean, log_var, noise)
    matrix, *_ = tensor_names([first])
    weights = {**run.weights, matrix: run.weights[matrix].astype(np.float64) / factor}
    output = run_program(run.decoder, weights, z)
    used = run.codes.used()  # as trained: a unit changes no use. One that is off has σ = 1 and says nothing.
    used = used if used.any() else np.ones_like(used)
    of_means, of_variances = (float(half.sum(axis=1).mean()) for half in kl_halves(mean, log_var))
    return InUnits(
        factor,
        sigma=float(np.median(np.exp(0.5 * log_var[:, used]))),
        spread=math.sqrt(float(mean[:, used].var(axis=0).mean())),
        reconstruction=float(run.likelihood.nats(output, pixels).mean()),
        kl=of_means + of_variances,
        of_means=of_means,
        of_variances=of_variances,
    )
