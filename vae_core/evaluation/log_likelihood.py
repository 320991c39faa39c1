"""log p(x) of many images by importance sampling, in torch (Burda et al. 2016); `importance` explains the method."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.importance import check_samples
from vae_core.evaluation.losses import NOISE_SEED
from vae_core.losses.likelihoods import Likelihood, likelihood
from vae_core.models import model_kind
from vae_core.run import Run

DECODED_AT_ONCE = 500  # images per chunk: bounds the memory, and fits a processor's cache


def log_weights(
    model: nn.Module, x: Tensor, noise: Tensor, p_x_given_z: Likelihood, *, chunk: int = DECODED_AT_ONCE
) -> Tensor:
    """ln w = log p(x, z) - log q(z|x) for k samples of each image's posterior, in nats.

    Args:
        model: anything with `encode` and `decode`.
        x: (B, D), pixels in [0, 1]; 0 or 1 each for a Bernoulli likelihood to be a density.
        noise: (B, k, d), standard normal.
        p_x_given_z: the likelihood.
        chunk: images decoded at once; changes nothing but memory and speed.

    Returns:
        (B, k).
    """
    mean, log_var = model.encode(x)  # type: ignore[operator]  # (B, d) each
    rows = []
    for image, one_mean, one_log_var, eps in zip(x, mean, log_var, noise, strict=True):
        z = one_mean + (0.5 * one_log_var).exp() * eps  # (k, d)
        # log p(z) - log q(z|x): the constants of the two Gaussians cancel.
        prior_over_posterior = 0.5 * (eps.square() + one_log_var - z.square()).sum(dim=1)
        cost = [
            p_x_given_z.negative_log_likelihood(model.decode(part), image.expand(len(part), -1))  # type: ignore[operator]
            for part in z.split(chunk)
        ]
        rows.append(prior_over_posterior - torch.cat(cost))
    return torch.stack(rows)


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    """ln of the mean weight: (..., k) -> (...), nats. Burda et al. 2016, eq. 8."""
    return log_weights.logsumexp(dim=-1) - math.log(log_weights.shape[-1])


@torch.no_grad()
def image_bounds(
    model: nn.Module,
    p_x_given_z: Likelihood,
    pixels: np.ndarray,
    samples: int,
    *,
    seed: int = NOISE_SEED,
    chunk: int = DECODED_AT_ONCE,
    on_image: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The bound with k samples, and the ELBO, of every image.

    One image at a time, with its own generator of noise: the result depends neither on the chunk nor on other images.

    Args:
        model: the network, on the CPU, in evaluation mode.
        p_x_given_z: the likelihood.
        pixels: (N, D), as of `log_weights`.
        samples: k, 1 to `importance.MAX_SAMPLES`.
        seed: of the noise.
        chunk: images decoded at once.
        on_image: called with the number of images done, after each.

    Returns:
        float64 (N,) each: the bound with k samples, and the mean of the same k log-weights, which is an estimate of
        the ELBO.

    Raises:
        MeasureError: k out of range.
    """
    check_samples(samples)
    bounds, elbos = np.empty(len(pixels)), np.empty(len(pixels))
    for index, x in enumerate(torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).split(1)):
        mean = model.encode(x)[0]  # type: ignore[operator]
        generator = torch.Generator().manual_seed(seed * 1_000_003 + index)
        noise = torch.randn(1, samples, mean.shape[1], generator=generator)
        weights = log_weights(model, x, noise, p_x_given_z, chunk=chunk).double()
        bounds[index], elbos[index] = importance_weighted_bound(weights).item(), weights.mean().item()
        if on_image:
            on_image(index + 1)
    return bounds, elbos


def measure_likelihood(
    run: Run, dataset: ImageDataset, samples: int, *, on_image: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """log p(x) of a run on one split.

    Args:
        run: with a posterior.
        dataset: the split; for a Bernoulli likelihood its pixels are binarised once, with a fixed seed.
        samples: k.
        on_image: called with the number of images done.

    Returns:
        ``nats``: mean over images of the importance-weighted bound, at most log p(x) in expectation; its
        ``standard_error`` over images; ``elbo``: mean with one sample within the logarithm, from the same samples;
        ``samples``: k; ``n``: images; ``binarised``: whether the pixels were binarised.

    Raises:
        MeasureError: a run without a posterior, or k out of range.
    """
    check_samples(samples)
    if not model_kind(run.spec.model).bottleneck.has_posterior:
        raise MeasureError(f"{run.key} has no posterior to sample from: choose a variational autoencoder.")
    p_x_given_z = likelihood(run.spec, run.model)
    binary = p_x_given_z.binary
    pixels = (dataset.binarised() if binary else dataset).floats()
    bounds, elbos = image_bounds(run.model, p_x_given_z, pixels, samples, on_image=on_image)
    if not np.isfinite(bounds).all():
        raise MeasureError(f"log p(x) of some images under {run.key} is not a finite number: train it again.")
    return {
        "nats": float(bounds.mean()),
        "standard_error": float(bounds.std(ddof=1)) / math.sqrt(len(bounds)) if len(bounds) > 1 else None,
        "elbo": float(elbos.mean()),
        "samples": samples,
        "n": len(bounds),
        "binarised": binary,
    }
