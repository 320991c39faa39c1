"""Is a code more robust to noise than the pixels? A classifier on each, fitted without noise and asked with it.

All on images that no encoder was trained on. Each is judged by a classifier fitted to the other four fifths of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

FOLDS = 5
SIGMAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
NOISE_SEED = 20_080_705
NETWORK = (128, 64)  # hidden layers of the network on pixels: those of the encoders

Represent = Callable[[np.ndarray], np.ndarray]
"""Flat images (N, D) in [0, 1] -> what a classifier is given, (N, k)."""


def noisy(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Flat images (N, D) in [0, 1] with Gaussian noise of standard deviation sigma on every pixel, cut off at 0 and 1.

    float32 (N, D). The same noise for every sigma, scaled, so that curves against sigma compare.
    """
    noise = np.random.default_rng(NOISE_SEED).standard_normal(pixels.shape, dtype=np.float32)
    return np.clip(pixels + np.float32(sigma) * noise, 0.0, 1.0)


def right_answers(
    represent: Represent,
    pixels: np.ndarray,
    labels: np.ndarray,
    sigmas: Sequence[float] = SIGMAS,
    *,
    network: bool = False,
    standardised: bool = True,
) -> list[int]:
    """How many images are told right at each sigma, of all.

    Args:
        represent: what the classifier is given of an image.
        pixels: (N, D), without noise.
        labels: (N,).
        sigmas: of the noise.
        network: a network with hidden layers `NETWORK` in the place of logistic regression.
        standardised: give it numbers of mean 0 and standard deviation 1 over the images that it is fitted to.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    clean = represent(pixels)
    asked = [represent(noisy(pixels, sigma)) for sigma in sigmas]
    # Drawn by lot: the bundled digits come in the order of their classes, ten by ten.
    fold = np.random.default_rng(NOISE_SEED).permutation(len(pixels)) % FOLDS
    right = np.zeros(len(sigmas), dtype=int)
    for number in range(FOLDS):
        chosen = fold == number
        judge = (
            MLPClassifier(NETWORK, random_state=0, max_iter=60)
            if network
            else LogisticRegression(max_iter=300, random_state=0)
        )
        scale = StandardScaler() if standardised else FunctionTransformer()
        fitted = make_pipeline(scale, judge)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last iterations change no answer worth counting
            fitted.fit(clean[~chosen], labels[~chosen])
        right += [int((fitted.predict(given[chosen]) == labels[chosen]).sum()) for given in asked]
    return right.tolist()
