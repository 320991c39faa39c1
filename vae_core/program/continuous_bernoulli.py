"""The continuous Bernoulli distribution (Loaiza-Ganem and Cunningham 2019) in terms of its logit, in numpy.

A number x in [0, 1] has the density exp(t · x - A(t)), t the logit. The log-partition A(t) = ln((exp(t) - 1) / t) is
what the Bernoulli formula lacks on grey pixels; its derivatives are the mean and the variance. Near t = 0, where λ =
sigmoid(t) is one half, these are small differences of large numbers: their Taylor series are used there. Elementwise,
in the input's precision.

A pixel that is exactly black, in image after image, would have no best logit: its density grows without end as t falls.
So a decoder's output is bounded to logits of at most `LARGEST_LOGIT`, smoothly, where sigmoid(t) ends in float32, as it
does in the paper's code and in `torch.distributions`.
"""

from __future__ import annotations

import numpy as np

# Below this |t| the series: its first missing term is under 3e-8 here, and the closed forms are exact beyond.
NEAR = 1.0
LARGEST_LOGIT = 16.0


def bounded_logit(output: np.ndarray) -> np.ndarray:
    """The logit of a decoder's output, elementwise: nearly the output itself where it is small."""
    return LARGEST_LOGIT * np.tanh(output / LARGEST_LOGIT)


def bounded_slope(logit: np.ndarray) -> np.ndarray:
    """The derivative of `bounded_logit`, by what it gave."""
    return 1.0 - np.square(logit / LARGEST_LOGIT)


def _far(logit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the series hold, and |logit|, with a 1 there, so that the closed forms need not divide by 0."""
    size = np.abs(logit)
    near = size < NEAR
    return near, np.where(near, np.ones_like(size), size)


def log_partition(logit: np.ndarray) -> np.ndarray:
    """A: max(t, 0) + ln((1 - exp(-|t|)) / |t|), without overflow, and exact near 0."""
    size = np.maximum(np.abs(logit), 1e-12)
    return np.maximum(logit, 0.0) + np.log(-np.expm1(-size) / size)


def mean(logit: np.ndarray) -> np.ndarray:
    """A': 1 / (1 - exp(-t)) - 1 / t, between 0 and 1."""
    near, size = _far(logit)
    u = np.where(near, np.square(logit), 0.0)
    series = 0.5 + logit * (1 / 12 - u * (1 / 720 - u * (1 / 30240 - u / 1209600)))
    of_size = -1.0 / np.expm1(-size) - 1.0 / size  # mean(-t) is 1 - mean(t)
    return np.where(near, series, np.where(logit < 0.0, 1.0 - of_size, of_size))


def variance(logit: np.ndarray) -> np.ndarray:
    """A'': 1 / t^2 - 1 / (2 sinh(t / 2))^2."""
    near, size = _far(logit)
    u = np.where(near, np.square(logit), 0.0)
    series = 1 / 12 - u * (1 / 240 - u * (1 / 6048 - u * (1 / 172800 - u / 5322240)))
    return np.where(near, series, 1.0 / np.square(size) - np.exp(-size) / np.square(np.expm1(-size)))
