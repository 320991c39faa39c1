"""What only models with a second network in their loss let one choose; read without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_core.errors import SpecError
from vae_core.options import Key, OneOf, Real, Widths, YesNo, option

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

_WIDTHS = Widths(8, 8_192)
_REGULARISERS = OneOf(("r1", "spectral", "none"))
_CHANNELS = "Channels of the discriminator's convolutions, then one width."
_REGULARISER = "r1: a penalty on the discriminator's slope; spectral: normalised weights; none."
_R1 = "gamma, the weight of half the squared slope, where regulariser is r1."
_SPREAD = "Whether the discriminator sees the minibatch standard deviation: how much a batch varies."
_RATIO = "Learning rate of the discriminator, in those of the generator."


@dataclass(frozen=True)
class GANOptions:
    """A generator and a discriminator (Goodfellow et al. 2014)."""

    discriminator: tuple[int, ...] = option((32, 64, 128), _WIDTHS, _CHANNELS)
    loss: str = option(
        "non_saturating", OneOf(("non_saturating", "minimax")), "The generator's: non_saturating or minimax."
    )
    regulariser: str = option("r1", _REGULARISERS, _REGULARISER)
    r1: float = option(0.3, Real(0.0, 1e4), _R1)
    rate_ratio: float = option(1.0, Real(0.0, 100.0, open_low=True), _RATIO)
    batch_spread: bool = option(True, YesNo(), _SPREAD)
    average: float = option(0.999, Real(0.0, 0.99999), "Of the generator's moving average, per step; 0 for none.")


@dataclass(frozen=True)
class VAEGANOptions:
    """A VAE whose images are compared by a discriminator's features (Larsen et al. 2016)."""

    of: str = option("", Key(), "Key of the convolutional VAE that it begins with; empty for none.")
    discriminator: tuple[int, ...] = option((32, 64, 128), _WIDTHS, _CHANNELS)
    similarity: float = option(20.0, Real(0.0, 1e6), "Weight of the similarity: 1 / variance of the features given z.")
    judged: float = option(1.0, Real(0.0, 1e6), "Weight of the judged images in the decoder's loss.")
    regulariser: str = option("r1", _REGULARISERS, _REGULARISER)
    r1: float = option(0.3, Real(0.0, 1e4), _R1)
    rate_ratio: float = option(1.0, Real(0.0, 100.0, open_low=True), _RATIO)
    batch_spread: bool = option(True, YesNo(), _SPREAD)


@dataclass(frozen=True)
class PerceptualOptions:
    """A VAE whose images are compared by a frozen network's features (Hou et al. 2017)."""

    of: str = option("", Key(), "Key of the run whose first convolutions compare images.")
    channels: tuple[int, ...] = option((32, 64), _WIDTHS, "Channels of those convolutions.")
    feature_weight: float = option(1.0, Real(0.0, 1e6), "Weight of half the squared distance of the features.")
    pixel_weight: float = option(0.0, Real(0.0, 1e6), "Weight of the pixels' reconstruction beside it.")


def judges_images(spec: RunSpec) -> bool:
    """Whether a discriminator of images learns beside the model; FactorVAE's sees codes."""
    return isinstance(spec.options, GANOptions | VAEGANOptions)


def _check_one_draw(spec: RunSpec) -> None:
    for name in ("samples", "reconstruction_weight", "kl_warm_up", "binarised"):
        if getattr(spec, name) is not None:
            raise SpecError(f"{name} must be left out for model {spec.model!r}.")


def _check_discriminator(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    widths, halvings = spec.options.discriminator, int(math.log2(min(image_shape[1:])))
    if not 2 <= len(widths) <= halvings + 1:
        raise SpecError(
            f"discriminator must list 1 to {halvings} numbers of channels and one width on {spec.dataset}, such as "
            "32,64,128."
        )


def check_adversarial(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """A discriminator that the images allow, and nothing that belongs to the ELBO alone.

    Raises:
        SpecError: naming the field and what it must be.
    """
    _check_one_draw(spec)
    _check_discriminator(spec, image_shape)


def check_perceptual(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """Something to learn, and convolutions that the images allow.

    Raises:
        SpecError: naming the field and what it must be.
    """
    _check_one_draw(spec)
    options, halvings = spec.options, int(math.log2(min(image_shape[1:])))
    if not 1 <= len(options.channels) <= halvings:
        raise SpecError(f"channels must list 1 to {halvings} numbers on {spec.dataset}, such as 32,64.")
    if options.feature_weight == 0 and options.pixel_weight == 0:
        raise SpecError("feature_weight and pixel_weight cannot both be 0: no image would be rebuilt.")


def warm_start_fields(base: RunSpec) -> dict[str, Any]:
    """The fields that a VAE-GAN must share with the VAE that it begins with.

    Raises:
        SpecError: it is none.
    """
    if base.model != "conv_vae":
        raise SpecError(f"{base.key} is no convolutional VAE: name a run of model conv_vae to begin with.")
    return {name: getattr(base, name) for name in ("dataset", "latent_dim", "hidden", "likelihood")} | {
        "options": {"of": base.key}
    }


def feature_fields(base: RunSpec) -> dict[str, Any]:
    """What a perceptual VAE must know of the network whose features compare its images.

    Raises:
        SpecError: its convolutions are not strided ones.
    """
    if base.model not in ("classifier", "conv_ae", "conv_vae"):
        raise SpecError(
            f"{base.key} has no features that could compare images: name a run of model classifier, conv_ae or "
            "conv_vae."
        )
    return {"options": {"of": base.key, "channels": base.hidden[:-1]}}
