"""What stands between an encoder and a decoder: a point, a diagonal Gaussian, or the entries of a codebook.

`BOTTLENECKS` describes each kind without importing torch; an encoder returns a `Point` or a `Posterior`. Both can be
sampled and have a divergence, so a loss need not distinguish them.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.program.named import encoder_and_decoder, trunk_and_heads
from vae_core.program.operations import Program

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Bottleneck:
    """A kind of code.

    Attributes:
        divergence: the name of its term in the loss, weighted by beta; None if codes have no divergence.
        decodes: whether a decoder makes images of codes, so that there is a latent space to explore.
        continuous: whether codes can be sampled and interpolated, as the measurements of samples, paths and
            neighbours assume; list indices and a classifier's features cannot.
        discrete: whether a code is a grid of whole numbers, each of which names an entry of a codebook.
        drawn: whether the decoder is trained on draws from N(0, I) rather than on codes of images.
        programs: (encoder, decoder, names of the weights) -> the programs by name, see `program.named`.
    """

    divergence: str | None = None
    decodes: bool = True
    continuous: bool = True
    discrete: bool = False
    drawn: bool = False
    programs: Callable[[Program, Program, Container[str]], dict[str, Program]] = encoder_and_decoder

    @property
    def has_posterior(self) -> bool:
        """Whether a code is a distribution rather than a point."""
        return self.divergence is not None

    @property
    def has_prior(self) -> bool:
        """Whether the decoder is trained to make images of draws from a prior, N(0, I)."""
        return self.drawn or self.has_posterior


BOTTLENECKS: dict[str, Bottleneck] = {
    "point": Bottleneck(),
    "gaussian": Bottleneck(divergence="kl", programs=trunk_and_heads),
    "inverse": Bottleneck(drawn=True),
    "number": Bottleneck(continuous=False),
    "frozen": Bottleneck(continuous=False),  # another run's code, which that run has been measured on
    "codebook": Bottleneck(continuous=False, discrete=True),
    "connected": Bottleneck(decodes=False, continuous=False),  # the decoder sees the encoder's maps, too
    "features": Bottleneck(decodes=False, continuous=False),
}


class Code(Protocol):
    """An encoder's output for a batch.

    Attributes:
        mean: (B, d): the code, or the mean of q(z|x).
        log_var: (B, d): ln of the variance of q(z|x); None if the code is not a distribution.
    """

    @property
    def mean(self) -> Tensor: ...

    @property
    def log_var(self) -> Tensor | None: ...

    def sample(self, noise: Tensor) -> Tensor:
        """The decoder's input: noise (B, d) or (S, B, d), standard normal -> codes of the same shape."""
        ...

    def divergence(self) -> Tensor:
        """The divergence term, nats per image, (B,)."""
        ...


class Point(NamedTuple):
    """A deterministic code, as of an autoencoder. Attributes as of `Code`."""

    mean: Tensor
    log_var: None = None

    def sample(self, noise: Tensor) -> Tensor:
        """The code itself."""
        del noise
        return self.mean

    def divergence(self) -> Tensor:
        """0 for every image."""
        import torch

        return torch.zeros_like(self.mean, dtype=torch.float32).sum(dim=1)


class Posterior(NamedTuple):
    """The approximate posterior q(z|x) = N(mean, diag exp(log_var)) per image (Kingma and Welling 2014, eq. 9).

    Attributes:
        mean: (B, d), latent units.
        log_var: (B, d), natural logarithm of the variance.
    """

    mean: Tensor
    log_var: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """z = mean + sigma * noise, noise ~ N(0, I) of shape (B, d) or (S, B, d): the reparameterisation trick."""
        return self.mean + (0.5 * self.log_var).exp() * noise

    def divergence(self) -> Tensor:
        """KL(q(z|x) || N(0, I)), summed over dimensions."""
        return kl_to_standard_normal(self.mean, self.log_var).sum(dim=1)
