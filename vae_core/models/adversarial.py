"""A generator with its discriminator, and a VAE whose decoder is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from vae_core.models.autoencoder import Autoencoder
from vae_core.models.conv import KERNEL, PADDING, STRIDE, conv_decoder, conv_trunk
from vae_core.models.conv_sizes import conv_sizes
from vae_core.models.vae import VAE

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

LEAK = 0.2  # of the discriminator's rectifiers (Radford et al. 2016)
_FIRST_ITERATIONS = 15  # of the power method; torch begins with as many


class Discriminator(nn.Module):
    """Strided convolutions with leaky rectifiers, one hidden layer, one logit (Radford et al. 2016, no batch norm).

    Args:
        image_shape: (C, H, W).
        hidden: channels of the convolutions, then one width.
        spectral: whether the largest singular value of every layer's matrix is kept at 1, a kernel's as (out, all else)
            (Miyato et al. 2018).
        spread: whether the last layer also sees by how much the images of a batch differ: their standard deviation, a
            mean over the hidden layer's numbers (Karras et al. 2018, section 3). Real and made images then belong in
            batches of their own. A generator whose images are all alike is found out by that one number.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        hidden: tuple[int, ...],
        *,
        spectral: bool = False,
        spread: bool = False,
    ) -> None:
        super().__init__()
        *channels, width = hidden
        height, across = conv_sizes(image_shape, len(channels))[-1]
        features: list[nn.Module] = [nn.Unflatten(1, image_shape)]
        for channels_in, channels_out in pairwise((image_shape[0], *channels)):
            features += [nn.Conv2d(channels_in, channels_out, KERNEL, STRIDE, PADDING), nn.LeakyReLU(LEAK)]
        self.spread = spread
        self.features = nn.Sequential(*features, nn.Flatten())
        self.hidden = nn.Sequential(nn.Linear(channels[-1] * height * across, width), nn.LeakyReLU(LEAK))
        self.last = nn.Linear(width + spread, 1)
        if spectral:
            for layer in self._layers():
                parametrizations.spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, D) in [0, 1], all real or all made -> the logit that each is real, (B,)."""
        return self.judge(self.features(x))

    def judge(self, features: Tensor) -> Tensor:
        """The same from what the convolutions make of the images, (B, features) -> (B,)."""
        seen = self.hidden(features)
        if self.spread:
            deviation = (seen.var(dim=0, correction=0) + 1e-8).sqrt().mean()  # its root has no slope at 0
            seen = torch.cat([seen, deviation.expand(len(seen), 1)], dim=1)
        found: Tensor = self.last(seen).squeeze(1)
        return found

    def start(self, generator: torch.Generator) -> None:
        """The start of spectrally normalised layers, which torch draws from the global random state."""
        for layer in self._layers():
            if not parametrize.is_parametrized(layer):
                continue
            held: Any = layer.parametrizations.weight  # type: ignore[union-attr]
            bound = held.original[0].numel() ** -0.5
            with torch.no_grad():
                nn.init.uniform_(held.original, -bound, bound, generator=generator)
                held[0]._u.normal_(generator=generator)
                held[0]._v.normal_(generator=generator)
                held[0]._power_method(held.original.flatten(1), _FIRST_ITERATIONS)

    def _layers(self) -> list[nn.Module]:
        return [layer for layer in self.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def discriminator_of(spec: RunSpec, image_shape: tuple[int, int, int]) -> Discriminator:
    """As the options of a GAN or a VAE-GAN say."""
    options = spec.options
    spectral = options.regulariser == "spectral"
    return Discriminator(image_shape, options.discriminator, spectral=spectral, spread=options.batch_spread)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Gradients pass through the network and leave nothing in it."""
    learned = [one for one in network.parameters() if one.requires_grad]
    for parameter in learned:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learned:
            parameter.requires_grad_(True)


class GAN(Autoencoder):
    """Goodfellow et al. 2014, "Generative adversarial nets", with convolutions.

    It has no encoder by itself. The one here, trunk and code, learns beside it to find z from the generator's own
    images (the latent regressor of Donahue et al. 2017, section 4), so that real images have a place in its latent
    space; neither the generator nor the discriminator learns anything from it.

    Attributes:
        generator: z (B, d) -> natural parameters (B, D); what learns against the discriminator.
        decoder: the moving average of its weights, which makes the images that are shown and measured.
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        decoder, generator = (conv_decoder(spec.latent_dim, spec.hidden, image_shape) for _ in range(2))
        super().__init__(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
        self.generator = generator
        self.discriminator = discriminator_of(spec, image_shape)
        for parameter in self.decoder.parameters():
            parameter.requires_grad_(False)  # it follows the generator

    def start(self, generator: torch.Generator) -> None:
        """The average begins where the generator does."""
        self.decoder.load_state_dict(self.generator.state_dict())
        self.discriminator.start(generator)


class VAEGAN(VAE):
    """Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric"."""

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
        super().__init__(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
        self.discriminator = discriminator_of(spec, image_shape)

    def start(self, generator: torch.Generator) -> None:
        """As of the discriminator."""
        self.discriminator.start(generator)

    def take_over(self, base: nn.Module) -> None:
        """Begin with the weights of a VAE of the same encoder and decoder."""
        self.load_state_dict(base.state_dict(), strict=False)


def build_gan(spec: RunSpec, image_shape: tuple[int, int, int]) -> GAN:
    """As the options say."""
    return GAN(spec, image_shape)


def build_vae_gan(spec: RunSpec, image_shape: tuple[int, int, int]) -> VAEGAN:
    """As the options say."""
    return VAEGAN(spec, image_shape)
