"""How near a restored image is to the undamaged one, by scikit-image: PSNR and SSIM."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.metrics.checks import equal_shape, finite_rows

DECIBELS = 10.0 / math.log(10.0)  # of a factor e in the mean squared error


class Fidelity(NamedTuple):
    """Of several restored images, each figure with its standard error over images.

    Attributes:
        psnr: peak signal-to-noise ratio, dB: -10 log10 of the mean squared error over all pixels of all images, where
            white is 1; infinite where nothing differs. The error is carried over to the logarithm (delta method).
        psnr_standard_error: dB; 0 for one image.
        ssim: mean structural similarity, at most 1 (Wang et al. 2004), windows of 7 by 7 pixels.
        ssim_standard_error: 0 for one image.
    """

    psnr: float
    psnr_standard_error: float
    ssim: float
    ssim_standard_error: float


def fidelity(images: np.ndarray, restored: np.ndarray, size: tuple[int, int, int]) -> Fidelity:
    """PSNR of all images together, and their mean SSIM, see `Fidelity`.

    The mean over images is taken before the logarithm: where one image is exact, the mean of decibels is infinite.

    Args:
        images: (N, C * H * W), pixels in [0, 1].
        restored: of the same shape; values beyond [0, 1] count as they are.
        size: (C, H, W), at least 7 by 7 pixels.

    Raises:
        MeasureError: no images, or a value that is infinite or NaN.
    """
    from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

    images, restored = finite_rows("images", images), finite_rows("restored images", restored)
    equal_shape(images, restored)
    errors = np.array([mean_squared_error(*pair) for pair in zip(images, restored, strict=True)])
    alike = np.array([
        structural_similarity(*(one.reshape(size) for one in pair), data_range=1.0, channel_axis=0)
        for pair in zip(images, restored, strict=True)
    ])  # fmt: skip
    exact = not errors.any()
    return Fidelity(
        math.inf if exact else float(peak_signal_noise_ratio(images, restored, data_range=1.0)),
        0.0 if exact else DECIBELS * _standard_error(errors) / float(errors.mean()),
        float(alike.mean()),
        _standard_error(alike),
    )


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
