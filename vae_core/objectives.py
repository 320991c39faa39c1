"""Reconstruction terms, the KL divergence, and the ELBO.

One convention everywhere: summed over pixels and latent dimensions, **one value per image, in nats**. Means over
images are taken by the caller, so a loss never depends on the batch size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.models.posterior import Posterior

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


class Likelihood(Protocol):
    """p(x|z), given the decoder's output."""

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z) in nats per image: output (B, D), x (B, D) in [0, 1] -> (B,)."""
        ...

    def expected_pixels(self, output: Tensor) -> Tensor:
        """E[x|z], (B, D): the image to show."""
        ...


class Bernoulli:
    """Pixels as independent coin flips; the decoder's output is their logit.

    On grey pixels this is the usual cross-entropy, not a normalised density: its least value is the pixels' own
    entropy (`metrics.bernoulli_floor`), 45.5 nats per image on the MNIST test set, not 0.
    """

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        # .float(): under autocast the output is bfloat16, and a sum over 784 pixels in bfloat16 loses nats.
        return functional.binary_cross_entropy_with_logits(output.float(), x, reduction="none").sum(dim=1)

    def expected_pixels(self, output: Tensor) -> Tensor:
        return torch.sigmoid(output)


class Gaussian:
    """p(x|z) = N(f(z), cI), f(z) the decoder's output, normalisation constant included.

    Args:
        variance: c, in squared pixel units.
    """

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        squared = (output.float() - x).square().sum(dim=1)
        constant = 0.5 * x.shape[1] * math.log(2.0 * math.pi * self.variance)
        return squared / (2.0 * self.variance) + constant

    def expected_pixels(self, output: Tensor) -> Tensor:
        return output


class LearnedGaussian:
    """p(x|z) = N(f(z), cI) with one c for all pixels, learned with the weights (sigma-VAE, Rybkin et al. 2021).

    Args:
        log_variance: (), the natural logarithm of c: learned so that c is positive for every value.
    """

    def __init__(self, log_variance: Tensor) -> None:
        self.log_variance = log_variance

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        squared = (output.float() - x).square().sum(dim=1)
        constant = 0.5 * x.shape[1] * (math.log(2.0 * math.pi) + self.log_variance)
        return squared * (0.5 * (-self.log_variance).exp()) + constant

    def expected_pixels(self, output: Tensor) -> Tensor:
        return output


def likelihood(spec: RunSpec, model: torch.nn.Module) -> Likelihood:
    """p(x|z) of a specification: Gaussian where it has a variance, else Bernoulli.

    Args:
        spec: which one.
        model: its network, which holds c where that is learned.
    """
    if spec.learned_variance:
        return LearnedGaussian(model.log_variance)  # type: ignore[arg-type]
    return Bernoulli() if spec.variance is None else Gaussian(spec.variance)


def kl_to_standard_normal(posterior: Posterior) -> Tensor:
    """KL(q(z|x) || N(0, I)) by dimension, in nats: (B, d). Kingma and Welling 2014, appendix B."""
    mean, log_var = posterior
    return 0.5 * (mean.square() + log_var.exp() - 1.0 - log_var)


Nats = TypeVar("Nats", Tensor, float)


def beta_loss(reconstruction: Nats, kl: Nats, beta: float, data_weight: float = 1.0) -> Nats:
    """data_weight * reconstruction + beta * kl: with both 1 the negative ELBO; beta-VAE, Higgins et al. 2017.

    The other objectives weigh their second term the same way.
    """
    # A term of weight 0 is left out: it is free to become infinite, and 0 * inf is NaN.
    if data_weight == 0:
        return beta * kl
    data = reconstruction if data_weight == 1 else data_weight * reconstruction
    return data if beta == 0 else data + beta * kl


def warmed_up(beta: float, warm_up: int | None, epochs_done: float) -> float:
    """The KL term's weight after so many epochs, where it rises in a straight line over the first `warm_up`."""
    return beta * min(1.0, epochs_done / warm_up) if warm_up else beta


class Elbo(NamedTuple):
    """The two terms of the negative ELBO, nats per image, each (B,)."""

    reconstruction: Tensor
    kl: Tensor


class Classified(NamedTuple):
    """A classifier's terms, each (B,): cross-entropy in nats, and 1 where the likeliest class is the wrong one."""

    cross_entropy: Tensor
    error: Tensor


class Memorised(NamedTuple):
    """A memoriser's terms, each (B,): nats of the image looked up, and the encoder's squared miss of its number."""

    reconstruction: Tensor
    code_error: Tensor


def elbo(model: torch.nn.Module, x: Tensor, noise: Tensor, p_x_given_z: Likelihood) -> Elbo:
    """Both terms for a batch: one sample per image, or several, made from `noise`.

    Args:
        model: anything with `latents` and `decode`.
        x: (B, D), pixels in [0, 1].
        noise: (B, d), standard normal; or (S, B, d) for S samples per image, whose reconstructions are averaged.
        p_x_given_z: the likelihood.

    Returns:
        Elbo of (B,) tensors; the KL of a model without a posterior is 0.
    """
    z, posterior = model.latents(x, noise)  # type: ignore[operator]
    if z.ndim == 2:
        reconstruction = p_x_given_z.negative_log_likelihood(model.decode(z), x)  # type: ignore[operator]
    else:
        output = model.decode(z.flatten(0, 1))  # type: ignore[operator]  # (S * B, D)
        each = p_x_given_z.negative_log_likelihood(output, x.expand(len(z), *x.shape).flatten(0, 1))
        reconstruction = each.unflatten(0, z.shape[:2]).mean(dim=0)  # (B,)
    kl = torch.zeros_like(reconstruction) if posterior is None else kl_to_standard_normal(posterior).sum(dim=1)
    return Elbo(reconstruction, kl)


@dataclass(frozen=True)
class Objective:
    """What a model is trained on: two terms per image, and the weight of the second.

    Attributes:
        terms: (model, x (B, D), noise (B, d), targets (B,), likelihood) -> a named tuple of two (B,) tensors.
        names: of the two terms, as the history calls them.
        weight: of the second term.
        targets: what a training image's target is: its ``label``, or its ``number`` among the training images.
    """

    terms: Callable[[torch.nn.Module, Tensor, Tensor, Tensor, Likelihood], tuple[Tensor, Tensor]]
    names: tuple[str, str]
    weight: Callable[[RunSpec], float]
    targets: str = "label"


def _elbo(
    model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood
) -> tuple[Tensor, Tensor]:
    del targets
    return elbo(model, x, noise, p_x_given_z)


def _cross_entropy(
    model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood
) -> tuple[Tensor, Tensor]:
    del p_x_given_z
    logits = model.logits(x, noise)  # type: ignore[operator]
    wrong = (logits.argmax(dim=1) != targets).float()
    return Classified(functional.cross_entropy(logits, targets, reduction="none"), wrong)


def _memorise(
    model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood
) -> tuple[Tensor, Tensor]:
    """Encoder and decoder learn one list of numbers apart: neither has to wait for the other to get it right.

    A new image (target -1) has no number of its own; it gets the one the encoder comes nearest to.
    """
    del noise
    position = model.position(x)  # type: ignore[operator]
    nearest = model.describe(x)[0].squeeze(1)  # type: ignore[operator]
    number = torch.where(targets >= 0, targets.float(), nearest)
    output = model.decode(number[:, None])  # type: ignore[operator]
    return Memorised(p_x_given_z.negative_log_likelihood(output, x), (position - number).square())


OBJECTIVES = {
    "elbo": Objective(_elbo, Elbo._fields, lambda spec: spec.kl_weight),
    "cross_entropy": Objective(_cross_entropy, Classified._fields, lambda _: 0.0),
    "memorise": Objective(_memorise, Memorised._fields, lambda _: 1.0, targets="number"),
}
