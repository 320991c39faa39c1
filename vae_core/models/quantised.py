"""Autoencoders whose code is a grid of whole numbers: VQ-VAE and FSQ."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vae_core.models.bottleneck import Point
from vae_core.models.conv import STRIDED
from vae_core.models.conv_sizes import conv_sizes
from vae_core.models.network import Network
from vae_core.program.modules import Lookup, Nearest, Permute

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

AROUND = 3  # pixels: kernels at the grid's own resolution


class Quantised(Network):
    """van den Oord et al. 2017, "Neural Discrete Representation Learning", fully convolutional.

    Encoder and decoder meet at a grid (h, w). Each cell's vector is replaced by the codebook's nearest entry.

    Args:
        image_shape: (C, H, W).
        hidden: channels of the convolutions that halve the image, then those at the grid's own resolution.
        codebook: (K, D), the entries; a parameter where it learns by gradients.
        bounded: whether a tanh keeps the vectors within (-1, 1) first.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        hidden: tuple[int, ...],
        codebook: nn.Parameter,
        *,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        *channels, width = hidden
        sizes = conv_sizes(image_shape, len(channels))
        entries, dimensions = codebook.shape
        self.grid = sizes[-1]
        down: list[nn.Module] = [nn.Unflatten(1, image_shape)]
        for channels_in, channels_out in pairwise((image_shape[0], *channels)):
            down += STRIDED.down(channels_in, channels_out)
        down += [
            nn.Conv2d(channels[-1], width, AROUND, padding=AROUND // 2),
            nn.ReLU(),
            nn.Conv2d(width, dimensions, 1),
        ]
        self.trunk = nn.Sequential(*down, *([nn.Tanh()] if bounded else []), Permute(1, 2, 0))  # (B, h, w, D)
        up: list[nn.Module] = [
            nn.Conv2d(dimensions, width, AROUND, padding=AROUND // 2), nn.ReLU(),
            nn.Conv2d(width, channels[-1], AROUND, padding=AROUND // 2), nn.ReLU(),
        ]  # fmt: skip
        ways = zip(pairwise((*channels[::-1], image_shape[0])), pairwise(sizes[::-1]), strict=True)
        for (channels_in, channels_out), (low, high) in ways:
            up += STRIDED.up(channels_in, channels_out, low, high)
        lookup = Lookup(entries, dimensions, _weight=codebook.detach())
        lookup.weight = codebook
        # Numbers of the grid -> vectors -> channels first -> image.
        self.decoder = nn.Sequential(nn.Unflatten(1, self.grid), lookup, Permute(2, 0, 1), *up[:-1], nn.Flatten())

    @property
    def codebook(self) -> Tensor:
        """(K, D)."""
        return self.decoder[1].weight  # type: ignore[return-value]

    def vectors(self, x: Tensor) -> Tensor:
        """Images (B, C*H*W) in [0, 1] -> the encoder's vectors, (B, h, w, D)."""
        found: Tensor = self.trunk(x)
        return found

    def images(self, vectors: Tensor) -> Tensor:
        """Vectors (B, h, w, D) in the place of entries -> natural parameters (B, C*H*W)."""
        found: Tensor = self.decoder[2:](vectors)
        return found

    def encode(self, x: Tensor) -> Point:
        """Images (B, C*H*W) in [0, 1] -> the numbers of the nearest entries, (B, cells), row by row, as floats.

        They cost nothing, as a point does: with a uniform prior over the entries it would be cells · ln K for all.
        """
        return Point(self._nearest()(self.vectors(x)).flatten(1).float())

    def _nearest(self) -> Nearest:
        return Nearest(self.decoder[1].weight)  # type: ignore[arg-type]

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to the numbers of its entries, in order."""
        trunk = [(f"trunk.{name}", layer) for name, layer in self.trunk.named_children()]
        return [*trunk, ("decoder.1", self._nearest())]

    def further_layers(self) -> dict[str, list[tuple[str, nn.Module]]]:
        """``vectors``: what the encoder makes of an image before it is quantised."""
        return {"vectors": [(f"trunk.{name}", layer) for name, layer in self.trunk.named_children()]}


class VQVAE(Quantised):
    """A codebook that is learned, by its own loss or by moving averages of the vectors that were nearest to it.

    Attributes:
        shares: (K,), moving average of each entry's share of all cells.
        sums: (K, D), the same of the vectors, times that share; entries are sums / shares (appendix A.1 of the paper).
    """

    shares: Tensor
    sums: Tensor

    def __init__(
        self, image_shape: tuple[int, int, int], hidden: tuple[int, ...], entries: int, dimensions: int
    ) -> None:
        super().__init__(image_shape, hidden, nn.Parameter(torch.empty(entries, dimensions)))
        self.register_buffer("shares", torch.full((entries,), 1.0 / entries))
        self.register_buffer("sums", torch.zeros(entries, dimensions))

    def start(self, generator: torch.Generator) -> None:
        """Entries uniform in ±1/K, as in the paper's published code; `training.quantising` may put others in place."""
        bound = 1.0 / len(self.codebook)
        nn.init.uniform_(self.codebook, -bound, bound, generator=generator)
        self.sums.copy_(self.codebook.detach() * self.shares[:, None])


class FSQ(Quantised):
    """Mentzer et al. 2023, "Finite scalar quantization": each number is rounded to one of a few levels.

    The codebook is every combination of levels, evenly spaced from -1 to 1; it does not learn. A tanh bounds the
    vectors, and rounding each of their numbers is the same as taking the nearest combination. Levels are odd, so that
    0 is one of them and no offset is needed.
    """

    def __init__(self, image_shape: tuple[int, int, int], hidden: tuple[int, ...], levels: tuple[int, ...]) -> None:
        lines = [torch.linspace(-1.0, 1.0, level) for level in levels]
        table = torch.cartesian_prod(*lines).view(-1, len(levels))
        super().__init__(image_shape, hidden, nn.Parameter(table.clone(), requires_grad=False), bounded=True)
        self.table = table

    def start(self, generator: torch.Generator) -> None:
        """Put the levels back, over which an embedding's usual start was drawn."""
        del generator
        with torch.no_grad():
            self.codebook.copy_(self.table)


def build_vq_vae(spec: RunSpec, image_shape: tuple[int, int, int]) -> VQVAE:
    """As the options say."""
    return VQVAE(image_shape, spec.hidden, spec.options.entries, spec.options.dimensions)


def build_fsq(spec: RunSpec, image_shape: tuple[int, int, int]) -> FSQ:
    """As the options say."""
    return FSQ(image_shape, spec.hidden, spec.options.levels)
