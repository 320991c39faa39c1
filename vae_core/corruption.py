"""Ways to damage an image, for models that learn to undo it, for measurements, and for the page's twin in the browser.

A denoising autoencoder (Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders")
sees a damaged image and is trained to give the one it was made of. `corrupt` is a pure function of the image and of
random numbers that it is given: training draws them from the epoch's generator, measurements from a seed, and the
browser (ui/components/denoise/corruption.js) is held against it on the same numbers.

Importing this module does not import torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_core.errors import MeasureError

if TYPE_CHECKING:
    from torch import Generator, Tensor

TRUNCATED = 4.0  # standard deviations at which a blur's kernel ends, as scipy.ndimage's


@dataclass(frozen=True)
class Corruption:
    """One way.

    Attributes:
        title: name to display.
        unit: what its level counts.
        most: the largest level.
        about: what it does, in a sentence or two.
    """

    title: str
    unit: str
    most: float
    about: str


CORRUPTIONS = {
    "gaussian": Corruption(
        "Gaussian noise, clipped",
        "σ, where white is 1",
        10.0,
        "N(0, σ²) is added to each pixel, and what leaves [0, 1] is clipped, as a camera or a screen does. On black "
        "paper only the brighter half of the noise is left, so that black becomes dark grey in the mean.",
    ),
    "unclipped": Corruption(
        "Gaussian noise, not clipped",
        "σ, where white is 1",
        10.0,
        "N(0, σ²) is added to each pixel, and numbers below 0 and above 1 stay as they are; a screen cannot show them.",
    ),
    "salt_and_pepper": Corruption(
        "Salt and pepper",
        "share of pixels",
        1.0,
        "Each pixel is replaced with this probability: by black or by white, either as often.",
    ),
    "patch": Corruption(
        "Missing patch",
        "side, share of the image's",
        1.0,
        "A square anywhere in the image is black.",
    ),
    "blur": Corruption(
        "Gaussian blur",
        "σ, pixels",
        10.0,
        "Each pixel becomes the mean of those around it, weighted by a Gaussian; beyond the edge there is black.",
    ),
}
NONE = "none"


def check(kind: str, level: float) -> None:
    """Whether there is such a corruption of such a level.

    Raises:
        MeasureError: naming the corruptions there are, or the range of the level.
    """
    if kind not in CORRUPTIONS:
        raise MeasureError(f"there is no corruption {kind[:40]!r}; choose one of {', '.join(CORRUPTIONS)}.")
    most = CORRUPTIONS[kind].most
    if not 0.0 <= level <= most:  # NaN fails, too
        raise MeasureError(f"the level of {kind} must be a number from 0 to {most:g}, not {level:g}.")


def numbers_for(kind: str, count: int, size: tuple[int, int, int], generator: Generator, device: Any = "cpu") -> Tensor:
    """The random numbers of `count` images that `corrupt` asks for.

    Args:
        kind: a name in `CORRUPTIONS`.
        count: B.
        size: (C, H, W) of the images.
        generator: on the device.
        device: of the numbers.

    Returns:
        (B, C * H * W), standard normal for Gaussian noise, else uniform in [0, 1); (B, 2), uniform, for a patch; (B, 0)
        for a blur.
    """
    import torch

    if kind in ("gaussian", "unclipped"):
        return torch.randn(count, math.prod(size), generator=generator, device=device)
    width = {"salt_and_pepper": math.prod(size), "patch": 2, "blur": 0}[kind]
    return torch.rand(count, width, generator=generator, device=device)


def corrupt(kind: str, level: float, x: Tensor, numbers: Tensor, size: tuple[int, int, int]) -> Tensor:
    """Damaged images.

    Args:
        kind: a name in `CORRUPTIONS`.
        level: in the kind's unit, from 0 (nothing) to its `most`.
        x: (B, C * H * W), pixels in [0, 1]; stays as it is.
        numbers: as `numbers_for` draws them.
        size: (C, H, W).

    Returns:
        (B, C * H * W); in [0, 1], of every kind but ``unclipped``.

    Raises:
        MeasureError: see `check`.
    """
    check(kind, level)
    if kind == "gaussian":
        return (x + level * numbers).clamp(0.0, 1.0)
    if kind == "unclipped":
        return x + level * numbers
    if kind == "salt_and_pepper":
        white = (numbers >= 1.0 - level / 2).to(x.dtype)
        return x.where(numbers >= level / 2, white).maximum(white)
    return _without_patch(x, level, numbers, size) if kind == "patch" else _blurred(x, level, size)


def _without_patch(x: Tensor, level: float, numbers: Tensor, size: tuple[int, int, int]) -> Tensor:
    """A square of ``level`` of the side, rounded to pixels, is 0; numbers (B, 2) say where: row, column."""
    import torch

    _, height, width = size
    inside = []
    for axis, length in enumerate((height, width)):
        side = math.floor(level * length + 0.5)
        first = (numbers[:, axis] * (length - side + 1)).floor()[:, None]  # (B, 1)
        place = torch.arange(length, device=x.device)
        inside.append((place >= first) & (place < first + side))  # (B, length)
    hidden = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # (B, 1, H, W)
    return x.unflatten(1, size).masked_fill(hidden, 0.0).flatten(1)


def kernel(sigma: float) -> list[float]:
    """A Gaussian's weights at whole pixels, which sum to 1; one weight of 1 for sigma 0."""
    radius = int(TRUNCATED * sigma + 0.5)
    weights = [math.exp(-0.5 * (place / sigma) ** 2) if place else 1.0 for place in range(-radius, radius + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _blurred(x: Tensor, sigma: float, size: tuple[int, int, int]) -> Tensor:
    import torch
    from torch.nn import functional

    weights = torch.tensor(kernel(sigma), dtype=x.dtype, device=x.device)
    radius, (channels, height, width) = len(weights) // 2, size
    images = x.reshape(-1, 1, height, width)  # (B * C, 1, H, W)
    images = functional.conv2d(images, weights[None, None, :, None], padding=(radius, 0))
    images = functional.conv2d(images, weights[None, None, None, :], padding=(0, radius))
    return images.reshape(-1, channels * height * width)
