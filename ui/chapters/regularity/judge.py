"""What the dataset's classifier sees in an image: the frames and the shares on the chapter's page."""

from __future__ import annotations

import numpy as np

from ui.runs.resources import feature_space
from vae_core.metrics import ambiguous


def probabilities(pixels: np.ndarray, dataset: str) -> np.ndarray:
    """Images (N, D) -> the classifier's class probabilities (N, K).

    Raises:
        RunNotFound: the dataset has no classifier here.
    """
    space = feature_space(dataset)
    return space.probabilities(space.features(pixels))


def unrecognised(pixels: np.ndarray, dataset: str) -> np.ndarray:
    """Which images (N, D) the classifier is less than 70% sure of: bool (N,). What is framed; `by_eye` checks it."""
    return ambiguous(probabilities(pixels, dataset))
