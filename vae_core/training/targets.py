"""The step of a model that gives another image than it sees: pictures and targets are turned over together."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core.datasets import info
from vae_core.datasets.images import PICTURE
from vae_core.losses.objectives import Terms
from vae_core.training.step import Batch, GradientStep


class TargetStep(GradientStep):
    """As `GradientStep`, on pairs, uint8 (B, 2D), each shown in one of eight ways, anew in every step.

    Mirrored across, mirrored down, and inverted, each with probability one half: few targets are enough to learn from
    when each is seen in many ways (Ronneberger et al. 2015, section 3.1). Only the picture is inverted; a target that
    says where the figure is, or what, stays.
    """

    def update(self, batch: Batch) -> Terms:
        """One step of Adam."""
        return super().update(batch._replace(pixels=self.varied(batch.pixels, batch.generator)))

    def varied(self, pairs: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures and targets side by side, uint8 (B, 2D) -> the same, each in one of eight ways."""
        shown = pairs.unflatten(1, (2, *info(self.spec.dataset).image_shape))  # (B, 2, C, H, W)
        across, down, inverted = torch.rand(3, len(pairs), 1, 1, 1, 1, generator=generator, device=pairs.device) < 0.5
        shown = torch.where(across, shown.flip(-1), shown)
        shown = torch.where(down, shown.flip(-2), shown)
        changed = slice(None) if self.spec.target == PICTURE else slice(1)
        shown[:, changed] = torch.where(inverted, 255 - shown[:, changed], shown[:, changed])
        return shown.flatten(1)
