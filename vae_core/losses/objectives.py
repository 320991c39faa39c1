"""Objectives: the terms that a model is trained on, one value per image each, and their weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.losses.likelihoods import Likelihood
from vae_core.losses.terms import Term, warmed_up
from vae_core.losses.total_correlation import decompose

Terms = dict[str, Tensor]  # name -> (B,), in the order of the objective's terms


def elbo(
    model: torch.nn.Module, x: Tensor, noise: Tensor, p_x_given_z: Likelihood, seen: Tensor | None = None
) -> Terms:
    """Both terms of the negative ELBO for a batch: one sample per image, or several, made from `noise`.

    Args:
        model: anything with `sample_latent` and `decode`.
        x: (B, D), pixels in [0, 1], to be rebuilt.
        noise: (B, d), standard normal; or (S, B, d) for S samples per image, whose reconstructions are averaged.
        p_x_given_z: the likelihood.
        seen: (B, D'), what the encoder sees where that is another image, such as a damaged one (Vincent et al. 2008; of
            a VAE, Im et al. 2017).

    Returns:
        ``reconstruction`` and ``kl``, nats per image, (B,) each; the KL of a point code is 0.
    """
    z, code = model.sample_latent(x if seen is None else seen, noise)  # type: ignore[operator]
    if z.ndim == 2:
        reconstruction = p_x_given_z.negative_log_likelihood(model.decode(z), x)  # type: ignore[operator]
    else:
        output = model.decode(z.flatten(0, 1))  # type: ignore[operator]  # (S * B, D)
        each = p_x_given_z.negative_log_likelihood(output, x.expand(len(z), *x.shape).flatten(0, 1))
        reconstruction = each.unflatten(0, z.shape[:2]).mean(dim=0)  # (B,)
    return {"reconstruction": reconstruction, "kl": code.divergence()}


@dataclass(frozen=True)
class Objective:
    """What a model is trained on.

    Attributes:
        compute: (model, x (B, D), noise (B, d), targets (B,), likelihood) -> the terms, (B,) each, in nats or the
            term's own unit. That of the ELBO also takes ``seen``, see `elbo`; of a model that gives another image than
            it sees, x is (B, 2D).
        terms: in order.
        targets: an image's target: its ``label``; its ``number`` among the training images, -1 for a held-out one; or
            that number where it is trained on and the label where it is held out (``number_or_label``).
    """

    compute: Callable[..., Terms]
    terms: tuple[Term, ...]
    targets: str = "label"


def _elbo(
    model: torch.nn.Module,
    x: Tensor,
    noise: Tensor,
    targets: Tensor,
    p_x_given_z: Likelihood,
    seen: Tensor | None = None,
) -> Terms:
    del targets
    return elbo(model, x, noise, p_x_given_z, seen)


def _cross_entropy(model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood) -> Terms:
    """A classifier's cross-entropy in nats, and 1 where the most probable class is the wrong one."""
    del p_x_given_z
    logits = model.logits(x, noise)  # type: ignore[operator]
    wrong = (logits.argmax(dim=1) != targets).float()
    return {"cross_entropy": functional.cross_entropy(logits, targets, reduction="none"), "error": wrong}


def _memorise(model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood) -> Terms:
    """Encoder and decoder learn the same numbering of the images separately: neither depends on the other's progress.

    The terms are the nats of the image decoded from its number, and the encoder's squared error in predicting that
    number. A held-out image (target -1) has none; it gets the number nearest to the encoder's prediction.
    """
    del noise
    position = model.position(x)  # type: ignore[operator]
    nearest = model.encode_mean(x).squeeze(1)  # type: ignore[operator]
    number = torch.where(targets >= 0, targets.float(), nearest)
    output = model.decode(number[:, None])  # type: ignore[operator]
    reconstruction = p_x_given_z.negative_log_likelihood(output, x)
    return {"reconstruction": reconstruction, "code_error": (position - number).square()}


def _codes(model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood) -> Terms:
    """-ln p(codes) of a prior, on the codes that its frozen encoder gives; those are float32 products always."""
    del noise, p_x_given_z
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        codes = model.encode_mean(x)  # type: ignore[operator]
    return {"prior": model.negative_log_probability(codes, targets)}  # type: ignore[operator]


def _perceptual(model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood) -> Terms:
    """The pixels' reconstruction, the distance of a frozen network's features, and the KL."""
    del targets
    z, code = model.sample_latent(x, noise)  # type: ignore[operator]
    output = model.decode(z)  # type: ignore[operator]
    return {
        "reconstruction": p_x_given_z.negative_log_likelihood(output, x),
        "features": model.distances(x, p_x_given_z.expected_pixels(output)),  # type: ignore[operator]
        "kl": code.divergence(),
    }


def _total_correlation(
    model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood
) -> Terms:
    """The reconstruction, and the KL taken apart into three."""
    del targets
    z, code = model.sample_latent(x, noise)  # type: ignore[operator]
    parts = decompose(z, code.mean, code.log_var, code.divergence(), model.images, model.estimator)  # type: ignore[arg-type]
    return {"reconstruction": p_x_given_z.negative_log_likelihood(model.decode(z), x)} | parts._asdict()  # type: ignore[operator]


def _target(model: torch.nn.Module, x: Tensor, noise: Tensor, targets: Tensor, p_x_given_z: Likelihood) -> Terms:
    """The nats of the image to be given, in view of another: x holds both side by side, the one that is seen first."""
    del noise, targets
    seen, wanted = x.chunk(2, dim=1)  # (B, D) each
    return {"reconstruction": p_x_given_z.negative_log_likelihood(model.predict(seen), wanted)}  # type: ignore[operator]


ELBO = Objective(
    _elbo,
    (
        Term("reconstruction", weight=lambda spec, _: spec.data_weight),
        Term("kl", weight=lambda spec, epochs_done: warmed_up(spec.kl_weight, spec.kl_warm_up, epochs_done)),
    ),
)
CROSS_ENTROPY = Objective(
    _cross_entropy,
    (Term("cross_entropy"), Term("error", unit="share of images", weight=lambda spec, _: 0.0)),  # noqa: ARG005
)
PERCEPTUAL = Objective(
    _perceptual,
    (
        Term("reconstruction", weight=lambda spec, _: spec.options.pixel_weight),
        Term("features", "squared features", lambda spec, _: spec.options.feature_weight),
        Term("kl", weight=lambda spec, _: spec.kl_weight),
    ),
)
TOTAL_CORRELATION = Objective(  # Chen et al. 2018, eq. 4; all parts of the KL rise together in a warm-up
    _total_correlation,
    (
        Term("reconstruction", weight=lambda spec, _: spec.data_weight),
        Term(
            "mutual_information",
            weight=lambda spec, epochs_done: warmed_up(spec.options.mutual_information, spec.kl_warm_up, epochs_done),
        ),
        Term(
            "total_correlation",
            weight=lambda spec, epochs_done: warmed_up(spec.kl_weight, spec.kl_warm_up, epochs_done),
        ),
        Term(
            "dimension_kl",
            weight=lambda spec, epochs_done: warmed_up(spec.options.dimension_kl, spec.kl_warm_up, epochs_done),
        ),
    ),
)
TARGET = Objective(_target, (Term("reconstruction"),))
CODES = Objective(_codes, (Term("prior"),))
MEMORISE = Objective(_memorise, (Term("reconstruction"), Term("code_error", unit="squared places")), targets="number")
