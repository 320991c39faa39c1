"""Run: a trained model with everything that was recorded about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from vae_core.objectives import Likelihood, likelihood
from vae_core.spec import RunSpec


@dataclass(frozen=True)
class Codes:
    """Where the model puts the held-out images.

    Attributes:
        mean: float32 (N, d), codes or posterior means.
        log_var: float32 (N, d), or None for a model without a posterior.
        labels: uint8 (N,).
    """

    mean: np.ndarray
    log_var: np.ndarray | None
    labels: np.ndarray


@dataclass(frozen=True)
class Run:
    """A trained model.

    Attributes:
        spec: what was asked for.
        image_shape: (C, H, W).
        label_names: class names.
        model: the network, on the CPU, in evaluation mode, with the weights as stored.
        codes: of the validation split.
        history: one record per epoch: losses in nats per image, seconds.
        snapshots: float16 (epochs kept, n, d), codes of the first n validation images after those epochs.
        snapshot_epochs: the epochs kept, 1-based.
        metrics: split name -> {"n": sample size, metric: value}.
        provenance: versions, device, precision, seconds, images per second.
    """

    spec: RunSpec
    image_shape: tuple[int, int, int]
    label_names: tuple[str, ...]
    model: nn.Module
    codes: Codes
    history: list[dict[str, float]]
    snapshots: np.ndarray
    snapshot_epochs: list[int]
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The spec's key."""
        return self.spec.key

    @property
    def likelihood(self) -> Likelihood:
        """p(x|z) as the spec names it."""
        return likelihood(self.spec.variance)
