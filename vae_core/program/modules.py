"""Torch modules for operations that torch has no module for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.program.continuous_bernoulli import LARGEST_LOGIT, NEAR
from vae_core.program.convolutions import causal_mask


def continuous_bernoulli_mean(logit: Tensor) -> Tensor:
    """`continuous_bernoulli.mean` in torch."""
    size = logit.abs()
    near = size < NEAR
    # The form that is not used must stay finite, too: a gradient of 0 times infinity would be NaN.
    u = size.clamp(max=NEAR).square()
    series = logit * (1 / 12 - u * (1 / 720 - u * (1 / 30240 - u / 1209600)))
    size = size.clamp(min=NEAR)
    # Mean less one half is odd.
    return 0.5 + torch.where(near, series, torch.copysign(-1.0 / torch.expm1(-size) - 1.0 / size - 0.5, logit))


def bounded_logit(output: Tensor) -> Tensor:
    """`continuous_bernoulli.bounded_logit` in torch."""
    return LARGEST_LOGIT * torch.tanh(output / LARGEST_LOGIT)


class ContinuousBernoulliMean(nn.Module):
    """A decoder's output -> the mean of a continuous Bernoulli pixel, elementwise."""

    def forward(self, output: Tensor) -> Tensor:
        """(B, ...) -> the same shape, between 0 and 1."""
        return continuous_bernoulli_mean(bounded_logit(output))


class Residual(nn.Module):
    """x + body(x) (He et al. 2016): the layers learn the change.

    Args:
        layers: in order; the last gives as many numbers as the first takes.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> the same shape."""
        return x + self.body(x).view(x.shape)


class Skip(nn.Module):
    """Maps, and beside them what the body makes of them (Ronneberger et al. 2015, U-Net).

    Args:
        layers: in order; the last gives maps of the size that the first takes.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + C', H, W)."""
        return torch.cat([x, self.body(x)], dim=1)


class Permute(nn.Module):
    """Axes in another order.

    Args:
        axes: of one example, from 0: axis i of the output is axis axes[i] of the input.
    """

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        return x.permute(0, *(axis + 1 for axis in self.axes))


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees only what comes before a pixel in reading order (van den Oord et al. 2016, PixelCNN).

    It keeps the map's size. Masked weights keep their values and get no gradient.

    Args:
        kind: ``A`` hides the pixel itself, as the first layer must; ``B`` sees it.
        channels_in, channels_out: of the maps.
        kernel_size: odd.
    """

    mask: Tensor

    def __init__(self, kind: str, channels_in: int, channels_out: int, kernel_size: int, bias: bool = True) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(f"a masked convolution has a pixel in its middle: an odd kernel, not {kernel_size}")
        super().__init__(channels_in, channels_out, kernel_size, padding=kernel_size // 2, bias=bias)
        self.kind = kind
        mask = torch.from_numpy(causal_mask([kernel_size, kernel_size], kind))
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H, W)."""
        return functional.conv2d(x, self.weight * self.mask, self.bias, self.stride, self.padding)


class Lookup(nn.Embedding):
    """The rows of a codebook, by numbers that may have come as floats, as all codes do."""

    def forward(self, numbers: Tensor) -> Tensor:
        """(B, ...) -> (B, ..., D)."""
        return super().forward(numbers.long())


class Nearest(nn.Module):
    """Which row of a codebook is nearest, the lowest where several are (van den Oord et al. 2017, VQ-VAE).

    Args:
        weight: (count, width), the codebook; may be another module's, such as an Embedding's.
    """

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Features (B, ..., width) -> integers (B, ...)."""
        # From the differences, in float64: equal rows then have equal distances, and argmin takes the first.
        rows, codebook = x.double().flatten(0, -2), self.weight.double()
        away = torch.cdist(rows, codebook, compute_mode="donot_use_mm_for_euclid_dist")
        return away.argmin(dim=-1).view(x.shape[:-1])


class Pointwise(nn.Linear):
    """A linear layer on the last axis, the same for every row: (B, ..., in) -> (B, ..., out).

    A class of its own, since programs flatten what a plain linear layer takes.
    """


class Places(nn.Module):
    """Adds to each row what is learned for its place: (B, T, C) -> the same shape.

    Args:
        count: T, the most rows.
        width: C.

    Attributes:
        first: the place of the first row; beyond 0 only while rows come one by one, see `one_by_one`.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, width))
        self.first = 0

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        return x + self.weight[self.first : self.first + x.shape[1]]


class CausalAttention(nn.Module):
    """Scaled dot-product attention in which a row sees itself and the rows before it (Vaswani et al. 2017, eq. 1).

    It has no weights: it takes queries, keys and values side by side.

    Args:
        heads: how many attend side by side, each with its share of the width.

    Attributes:
        remembers: whether rows come one by one, see `one_by_one`.
        seen: keys and values of the rows so far, where it remembers them; else empty.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.remembers = False
        self.seen: tuple[Tensor, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3C) -> (B, T, C)."""
        query, key, value = x.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, C / heads)
        if self.remembers:
            if self.seen:
                key, value = (torch.cat(parts, dim=2) for parts in zip(self.seen, (key, value), strict=True))
            self.seen = key, value
            found = functional.scaled_dot_product_attention(query, key, value)
        else:
            found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return found.transpose(1, 2).flatten(2)


@contextmanager
def one_by_one(model: nn.Module) -> Iterator[Callable[[Tensor], Tensor]]:
    """Let a causal model see one row after the other: each costs one row's work, not all of the rows' before it.

    Args:
        model: its layers act on each row alone, but for `Places` and `CausalAttention`.

    Yields:
        (B, 1, ...) -> the model's output for that row, (B, 1, ...).
    """
    places = [layer for layer in model.modules() if isinstance(layer, Places)]
    attentions = [layer for layer in model.modules() if isinstance(layer, CausalAttention)]

    def step(row: Tensor) -> Tensor:
        found: Tensor = model(row)
        for layer in places:
            layer.first += 1
        return found

    for attention in attentions:
        attention.remembers = True
    try:
        yield step
    finally:
        for layer in places:
            layer.first = 0
        for attention in attentions:
            attention.remembers, attention.seen = False, ()
