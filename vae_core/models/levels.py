"""An autoencoder whose code is d numbers of a few levels each: a latent space that is a finite list of points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.models.autoencoder import Autoencoder
from vae_core.models.conv import conv_decoder, conv_trunk
from vae_core.models.quantised import Lookup
from vae_core.program.modules import Nearest

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


class Standardised(nn.BatchNorm1d):
    """Each number with mean 0 and variance 1 over a batch (Ioffe and Szegedy 2015), without a scale of its own."""

    def __init__(self, count: int) -> None:
        super().__init__(count, affine=False)
        self.num_batches_tracked = None  # half precision, as of files, cannot count, and nothing here asks for it

    def _load_from_state_dict(
        self, state: dict[str, Tensor], prefix: str, metadata: dict[str, Any], *more: Any
    ) -> None:
        # Of arrays from a file torch does not know the version, and would put the count in where none is.
        super()._load_from_state_dict(state, prefix, {**metadata, "version": self._version}, *more)

    def forward(self, x: Tensor) -> Tensor:
        """(B, count) -> (B, count); a single image has no variance and is measured by those before it."""
        if self.training and len(x) > 1:
            return super().forward(x)
        return functional.batch_norm(x, self.running_mean, self.running_var, eps=self.eps)


class Rounded(NamedTuple):
    """A code on its levels, as of `bottleneck.Code`.

    Attributes:
        mean: (B, d), levels.
        before: (B, d), what was rounded, in (-1, 1).
        log_var: None: a point.
    """

    mean: Tensor
    before: Tensor
    log_var: None = None

    def sample(self, noise: Tensor) -> Tensor:
        """The levels, with the gradient of what was rounded: straight through."""
        del noise
        return self.before + (self.mean - self.before).detach()

    def divergence(self) -> Tensor:
        """0 for every image: with a uniform prior over the levels it would be d ln L for all."""
        return torch.zeros(len(self.mean), device=self.mean.device)


class FlatFSQ(Autoencoder):
    """Mentzer et al. 2023, "Finite scalar quantization", on a flat code: an autoencoder with a staircase in it.

    A tanh bounds each number, which then becomes the nearest of L levels, evenly spaced from -1 to 1. With the nearest
    level instead of rounding, an even L needs no offset. Before the tanh the numbers are standardised, which the paper
    does not do: with only d of them the first steps push every image onto one code, where they stay.

    Args:
        spec: latent_dim is d.
        image_shape: (C, H, W).
        levels: L.
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int], levels: int) -> None:
        decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
        super().__init__(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
        self.standard = Standardised(spec.latent_dim)
        self.bound = nn.Tanh()
        self.rows = nn.Unflatten(1, (spec.latent_dim, 1))
        self.levels = Lookup(levels, 1)
        self.levels.weight.requires_grad_(False)
        self.flat = nn.Flatten()

    def start(self, generator: torch.Generator) -> None:
        """Put the levels where they belong, over which an embedding's usual start was drawn."""
        del generator
        with torch.no_grad():
            self.levels.weight.copy_(torch.linspace(-1.0, 1.0, len(self.levels.weight))[:, None])

    def encode(self, x: Tensor) -> Rounded:  # type: ignore[override]
        """Images (B, D) in [0, 1] -> codes (B, d) on their levels."""
        before = self.bound(self.standard(super().encode(x).mean.float()))
        numbers = Nearest(self.levels.weight)(before[..., None])  # type: ignore[arg-type]  # (B, d)
        return Rounded(self.levels(numbers).squeeze(-1), before)

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to its code, in order."""
        nearest = Nearest(self.levels.weight)  # type: ignore[arg-type]
        rounding = [("rows", self.rows), ("levels", nearest), ("levels", self.levels), ("flat", self.flat)]
        return [*super().encoder_layers(), ("standard", self.standard), ("bound", self.bound), *rounding]


def build_flat_fsq(spec: RunSpec, image_shape: tuple[int, int, int]) -> FlatFSQ:
    """As the options say."""
    return FlatFSQ(spec, image_shape, spec.options.levels_each)
