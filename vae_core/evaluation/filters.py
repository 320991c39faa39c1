"""Classical ways to clean an image, which know nothing of digits: scipy's and scikit-image's filters. No torch.

Each has one parameter, which `tuned` chooses on validation images together with a gain and an offset of the result:
clipped noise makes black paper grey in the mean, and whoever filters by hand sets the black point afterwards. Without
that a filter would lose by the offset alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError

PATCH, DISTANCE = 5, 6  # of non-local means, pixels


@dataclass(frozen=True)
class Filter:
    """One filter.

    Attributes:
        title: name to display.
        apply: image (H, W) and parameter -> (H, W).
        parameters: those to choose from.
        unit: what the parameter is.
    """

    title: str
    apply: Callable[[np.ndarray, float], np.ndarray]
    parameters: tuple[float, ...]
    unit: str


class Setting(NamedTuple):
    """A filter as it was chosen for one kind and level of damage: its parameter, then ``gain * result + offset``."""

    parameter: float
    gain: float
    offset: float


def _median(image: np.ndarray, width: float) -> np.ndarray:
    from scipy.ndimage import median_filter

    found: np.ndarray = median_filter(image, size=int(width))
    return found


def _gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    found: np.ndarray = gaussian_filter(image, sigma)
    return found


def _non_local_means(image: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_nl_means

    found: np.ndarray = denoise_nl_means(image, PATCH, DISTANCE, strength, fast_mode=True)
    return found


def _total_variation(image: np.ndarray, weight: float) -> np.ndarray:
    from skimage.restoration import denoise_tv_chambolle

    found: np.ndarray = denoise_tv_chambolle(image, weight=weight)
    return found


FILTERS = {
    "gaussian_blur": Filter("Gaussian blur", _gaussian, (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6), "σ, pixels"),
    "median": Filter("Median", _median, (1, 3, 5), "width of its window, pixels"),
    "non_local_means": Filter(
        "Non-local means", _non_local_means, (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4), "strength h"
    ),
    "total_variation": Filter(
        "Total variation", _total_variation, (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.8), "weight"
    ),
}


def cleaned(name: str, images: np.ndarray, setting: Setting) -> np.ndarray:
    """Filtered images.

    Args:
        name: in `FILTERS`.
        images: (N, H, W), any real numbers.
        setting: see `Setting`.

    Returns:
        (N, H, W), in [0, 1].
    """
    found = filtered(name, images, setting.parameter)
    return np.clip(setting.gain * found + setting.offset, 0.0, 1.0)


def filtered(name: str, images: np.ndarray, parameter: float) -> np.ndarray:
    """The filter alone: images (N, H, W) -> float64 (N, H, W).

    Raises:
        MeasureError: a pixel is infinite or NaN.
    """
    images = np.asarray(images, dtype=np.float64)
    if not np.isfinite(images).all():
        raise MeasureError("some pixels are infinite or NaN: a filter needs numbers")
    return np.stack([FILTERS[name].apply(image, parameter) for image in images])


def tuned(candidates: Mapping[float, np.ndarray], images: np.ndarray) -> Setting:
    """The parameter with the least squared error, with the gain and the offset that suit it.

    Args:
        candidates: parameter -> results (N, ...), of damaged validation images.
        images: the undamaged ones, of the same shape.
    """
    found = {}
    for parameter, results in candidates.items():
        gain, offset = _levels(results.ravel(), images.ravel())
        error = np.mean(np.square(np.clip(gain * results + offset, 0.0, 1.0) - images))
        found[float(error)] = Setting(float(parameter), gain, offset)
    return found[min(found)]


def _levels(results: np.ndarray, images: np.ndarray) -> tuple[float, float]:
    """Gain and offset by least squares; 1 and 0 where the results are all one number."""
    spread = float(results.var())
    if spread < 1e-12:
        return 1.0, 0.0
    gain = float(np.mean((results - results.mean()) * (images - images.mean()))) / spread
    return gain, float(images.mean() - gain * results.mean())
