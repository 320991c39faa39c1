"""Convolutions in numpy, for batches, what resizes maps between them, and their output shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv(x: np.ndarray, weight: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """(N, c_in, H, W), weight (c_out, c_in, kh, kw) -> (N, c_out, H', W')."""
    (kh, kw), (sh, sw), (ph, pw) = layer["kernel_size"], layer["stride"], layer["padding"]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]  # (N, c_in, H', W', kh, kw)
    return np.tensordot(windows, weight, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def conv_transpose(x: np.ndarray, weight: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """(N, c_in, H, W), weight (c_in, c_out, kh, kw) -> (N, c_out, H', W'): every pixel stamps its kernel."""
    (kh, kw), (sh, sw), (ph, pw) = layer["kernel_size"], layer["stride"], layer["padding"]
    (oh, ow), (_, _, height, width) = layer["output_padding"], x.shape
    stamps = np.tensordot(x, weight, axes=((1,), (0,))).transpose(0, 3, 1, 2, 4, 5)  # (N, c_out, H, W, kh, kw)
    tall, wide = (height - 1) * sh + kh + oh, (width - 1) * sw + kw + ow
    out = np.zeros((len(x), weight.shape[1], tall, wide), dtype=np.float32)
    for i in range(kh):
        for j in range(kw):
            out[:, :, i : i + height * sh : sh, j : j + width * sw : sw] += stamps[..., i, j]
    return out[:, :, ph : tall - ph, pw : wide - pw]


def conv_shape(layer: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """(c_in, H, W) -> (c_out, H', W')."""
    ways = zip(shape[1:], layer["kernel_size"], layer["stride"], layer["padding"], strict=True)
    return (layer["out"], *((extent + 2 * padding - kernel) // stride + 1 for extent, kernel, stride, padding in ways))


def conv_transpose_shape(layer: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """(c_in, H, W) -> (c_out, H', W')."""
    fields = ("kernel_size", "stride", "padding", "output_padding")
    ways = zip(shape[1:], *(layer[field] for field in fields), strict=True)
    return (
        layer["out"],
        *((extent - 1) * stride - 2 * padding + kernel + more for extent, kernel, stride, padding, more in ways),
    )


def max_pool(x: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """(N, c, H, W) -> (N, c, H', W'): the largest number of every window."""
    (kh, kw), (sh, sw) = layer["kernel_size"], layer["stride"]
    return sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw].max(axis=(4, 5))


def upsample(x: np.ndarray, size: list[int]) -> np.ndarray:
    """(N, c, H, W) -> (N, c, *size): the nearest pixels."""
    rows, columns = (np.arange(wanted) * given // wanted for wanted, given in zip(size, x.shape[2:], strict=True))
    return x[:, :, rows[:, None], columns]


def max_pool_shape(layer: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """(c, H, W) -> (c, H', W')."""
    ways = zip(shape[1:], layer["kernel_size"], layer["stride"], strict=True)
    return (shape[0], *((extent - kernel) // stride + 1 for extent, kernel, stride in ways))


def causal_mask(kernel_size: list[int], kind: str) -> np.ndarray:
    """1 where a kernel sees what comes before its pixel in reading order, 0 elsewhere: float32 (kh, kw).

    Van den Oord et al. 2016, "Pixel Recurrent Neural Networks".

    Args:
        kernel_size: kh and kw.
        kind: ``A``, which hides the pixel itself, as the first layer must; ``B``, which sees it.

    Raises:
        ValueError: another kind.
    """
    if kind not in ("A", "B"):
        raise ValueError(f"a mask is of kind A or B, not {str(kind)[:20]!r}")
    kh, kw = kernel_size
    order = np.arange(kh * kw).reshape(kh, kw)
    centre = order[kh // 2, kw // 2]
    return (order <= centre if kind == "B" else order < centre).astype(np.float32)
