"""Classical ways to tell a figure from its ground, which learn from no mask: scikit-image's thresholds. No torch.

All take the smaller part of a picture as the figure, since it may be the bright one or the dark one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.metrics.overlap import intersection_over_union


@dataclass(frozen=True)
class Classical:
    """One method.

    Attributes:
        title: name to display.
        apply: picture, float64 (H, W) in [0, 1], and setting -> bool (H, W).
        settings: those to choose from.
    """

    title: str
    apply: Callable[[np.ndarray, tuple[float, ...]], np.ndarray]
    settings: tuple[tuple[float, ...], ...]


TUNED_ON = 100  # validation pictures


def smaller_part(mask: np.ndarray) -> np.ndarray:
    """A mask, or its complement where that has fewer pixels; bool (H, W)."""
    return ~mask if mask.mean() > 0.5 else mask


def _otsu(picture: np.ndarray, setting: tuple[float, ...]) -> np.ndarray:
    """The threshold at which both parts differ most in the mean (Otsu 1979); one level alone has no figure."""
    from skimage.filters import threshold_otsu

    del setting
    found: np.ndarray = picture > (threshold_otsu(picture) if np.ptp(picture) > 0.0 else 1.0)
    return found


def _local(picture: np.ndarray, setting: tuple[float, ...]) -> np.ndarray:
    """What differs from the Gaussian mean of its surroundings by more than a share of the picture's range.

    Of both signs the one whose pixels differ more is taken.
    """
    from skimage.filters import threshold_local

    width, share = setting
    apart = picture - threshold_local(picture, int(width), method="gaussian")
    least = share * max(float(np.ptp(picture)), 1e-9)
    bright, dark = apart > least, apart < -least
    weight = [float(np.abs(apart[part]).sum()) for part in (bright, dark)]
    return bright if weight[0] >= weight[1] else dark


def _chan_vese(picture: np.ndarray, setting: tuple[float, ...]) -> np.ndarray:
    """Two parts of nearly one level each, whose border is short (Chan and Vese 2001)."""
    from skimage.segmentation import chan_vese

    (mu,) = setting
    found: np.ndarray = chan_vese(picture, mu=mu, max_num_iter=100, init_level_set="small disk")
    return found


CLASSICAL = {
    "otsu": Classical("Otsu's threshold", _otsu, ((),)),
    "local": Classical(
        "Local threshold",
        _local,
        tuple((width, share) for width in (15.0, 21.0, 27.0, 35.0) for share in (0.15, 0.2, 0.25, 0.3)),
    ),
    "chan_vese": Classical("Chan–Vese", _chan_vese, tuple((mu,) for mu in (0.01, 0.05, 0.1, 0.2))),
}


def cut(name: str, pictures: np.ndarray, setting: tuple[float, ...]) -> np.ndarray:
    """A classical method's masks: pictures float (N, H, W) in [0, 1] -> bool (N, H, W)."""
    method = CLASSICAL[name]
    return np.stack([smaller_part(method.apply(one.astype(np.float64), setting)) for one in pictures])


def overlaps(name: str, dataset: ImageDataset, setting: tuple[float, ...]) -> np.ndarray:
    """A classical method's `intersection_over_union` on a dataset with masks, float64 (N,)."""
    found = cut(name, dataset.images[:, 0] / np.float32(255.0), setting)
    return intersection_over_union(found.reshape(len(found), -1), dataset.target("mask").reshape(len(found), -1) > 127)


def tuned(name: str, validation: ImageDataset, test: ImageDataset) -> dict[str, Any]:
    """A classical method on test pictures, with the setting of the highest mean IoU on the first validation pictures.

    Returns:
        ``setting``; ``mean`` and ``standard_error`` over test pictures.
    """
    few = validation.first(TUNED_ON)
    setting = max(CLASSICAL[name].settings, key=lambda one: float(overlaps(name, few, one).mean()))
    each = overlaps(name, test, setting)
    error = float(each.std(ddof=1) / math.sqrt(len(each)))
    return {"setting": list(setting), "mean": float(each.mean()), "standard_error": error}
