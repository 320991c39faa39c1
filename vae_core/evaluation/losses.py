"""A model's losses and errors on one split."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_core.datasets import ImageDataset
from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import elbo
from vae_core.metrics import active_units, mean_squared_error
from vae_core.models.network import Network
from vae_core.run import Codes
from vae_core.spec import RunSpec

BATCH = 2_000
NOISE_SEED = 20_140_410  # fixed, so that evaluating twice gives the same numbers


def observed(spec: RunSpec, dataset: ImageDataset) -> ImageDataset:
    """The images on which a model's loss is measured: binarised, with a fixed seed, if it was trained on such."""
    return dataset.binarised() if spec.binarised else dataset


@torch.no_grad()
def encode(model: Network, dataset: ImageDataset) -> Codes:
    """Codes of every image: (N, d) means, log-variances where the model has a posterior, and labels."""
    means, log_vars = [], []
    for x in torch.from_numpy(dataset.floats()).split(BATCH):
        code = model.encode(x)
        means.append(code.mean)
        if code.log_var is not None:
            log_vars.append(code.log_var)
    stacked = torch.cat(log_vars).numpy() if log_vars else None
    return Codes(torch.cat(means).numpy(), stacked, dataset.labels.astype(np.uint8))


@torch.no_grad()
def evaluate(model: Network, spec: RunSpec, dataset: ImageDataset, codes: Codes | None = None) -> dict[str, Any]:
    """Losses and errors on one split, as `observed`.

    Args:
        model: the network, on the CPU, in evaluation mode.
        spec: its specification.
        dataset: the images.
        codes: their codes, as `observed`, if they have been computed already.

    Returns:
        ``n``: images. ``mse``: per pixel, decoding the posterior mean (or the code). In nats per image, z sampled
        once per image: ``reconstruction``, ``kl``, ``negative_elbo`` and its ``negative_elbo_standard_error``.
        ``reconstruction_at_mean``: nats, no sampling. ``bernoulli_floor``: nats, the lowest possible
        reconstruction on these pixels (Bernoulli only). ``code_std``: standard deviation of the codes by dimension.
        Models with a posterior: ``kl_per_dimension`` (nats), ``active_units``.
    """
    p_x_given_z = likelihood(spec, model)
    generator = torch.Generator().manual_seed(NOISE_SEED)
    dataset = observed(spec, dataset)
    images = dataset.floats()
    codes = encode(model, dataset) if codes is None else codes
    sampled: list[Tensor] = []
    kls: list[Tensor] = []
    at_mean: list[Tensor] = []
    decoded: list[Tensor] = []
    for x, mean in zip(torch.from_numpy(images).split(BATCH), torch.from_numpy(codes.mean).split(BATCH), strict=True):
        terms = elbo(model, x, torch.randn(len(x), spec.latent_dim, generator=generator), p_x_given_z)
        output = model.decode(mean)
        sampled.append(terms["reconstruction"])
        kls.append(terms["kl"])
        at_mean.append(p_x_given_z.negative_log_likelihood(output, x))
        decoded.append(p_x_given_z.expected_pixels(output))
    reconstruction, kl = torch.cat(sampled).double(), torch.cat(kls).double()
    losses = reconstruction + kl
    result: dict[str, Any] = {
        "n": len(dataset),
        "mse": mean_squared_error(images, torch.cat(decoded).numpy()),
        "reconstruction": reconstruction.mean().item(),
        "kl": kl.mean().item(),
        "negative_elbo": losses.mean().item(),
        "negative_elbo_standard_error": losses.std().item() / math.sqrt(len(dataset)),
        "reconstruction_at_mean": torch.cat(at_mean).double().mean().item(),
        "code_std": codes.mean.std(axis=0).tolist(),
    }
    result |= p_x_given_z.floor(images)
    if codes.has_posterior:
        kl_of_each = kl_to_standard_normal(*map(torch.from_numpy, codes.posterior()))
        result["kl_per_dimension"] = kl_of_each.mean(dim=0).tolist()
        result["active_units"] = active_units(codes.mean)
    else:
        # Without a posterior nothing is sampled and there is no bound: reporting these would invite comparisons.
        for name in ("kl", "negative_elbo", "negative_elbo_standard_error"):
            del result[name]
    return result


@torch.no_grad()
def classify(model: nn.Module, spec: RunSpec, dataset: ImageDataset) -> dict[str, Any]:
    """A classifier on one split: ``n``, ``accuracy`` (share), ``cross_entropy`` (nats per image)."""
    noise = torch.zeros(1, spec.latent_dim)  # dropout is off in evaluation mode
    logits = torch.cat([model.logits(x, noise) for x in torch.from_numpy(dataset.floats()).split(BATCH)])  # type: ignore[operator]
    labels = torch.from_numpy(dataset.labels.copy())
    return {
        "n": len(dataset),
        "accuracy": (logits.argmax(dim=1) == labels).double().mean().item(),
        "cross_entropy": torch.nn.functional.cross_entropy(logits.double(), labels).item(),
    }
