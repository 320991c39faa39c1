"""A small convolutional classifier, in whose feature space generated images are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from vae_core.models.bottleneck import Point
from vae_core.models.conv import conv_trunk
from vae_core.models.network import Network

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

SHIFT_SHARE = 14


class Classifier(Network):
    """Convolutions, one fully connected layer, then `latent_dim` features (the penultimate layer) and the classes.

    Trained with Gaussian dropout on the features (Srivastava et al. 2014, section 10): each is multiplied by a sample
    of N(1, 1). Batches are shifted by up to a fourteenth of the image's side, so that position does not matter: two
    pixels of 28, within the black margin of the digits.
    """

    def __init__(self, trunk: nn.Sequential, width: int, features: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.features = nn.Sequential(nn.Linear(width, features), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(features, classes))  # features -> logits

    def logits(self, x: Tensor, noise: Tensor) -> Tensor:
        """Images (B, D) -> logits (B, classes); `noise` (B, features) is used in training only."""
        if not self.training:
            return self.decoder(self.features(self.trunk(x))).float()
        features = self.features(self.trunk(self._shifted(x, noise)))
        return self.decoder(features * (1.0 + noise)).float()

    def _shifted(self, x: Tensor, noise: Tensor) -> Tensor:
        shape: tuple[int, ...] = self.trunk[0].unflattened_size  # type: ignore[assignment]
        reach = shape[-1] // SHIFT_SHARE
        # Two uniform shifts from the normal noise: the maximum of a column is equally likely at each position.
        down, across = (int(column[: 2 * reach + 1].argmax()) - reach for column in (noise[:, 0], noise[:, 1]))
        return x.view(-1, *shape).roll((down, across), dims=(2, 3)).flatten(1)

    def encode(self, x: Tensor) -> Point:
        """Features (B, f)."""
        return Point(self.features(self.trunk(x)))

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to its features, in order."""
        parts = (("trunk", self.trunk), ("features", self.features))
        return [(f"{part}.{name}", layer) for part, module in parts for name, layer in module.named_children()]


def build_classifier(spec: RunSpec, image_shape: tuple[int, int, int]) -> Classifier:
    """A classifier of the spec's dataset."""
    from vae_core.datasets import info

    classes = len(info(spec.dataset).label_names)
    return Classifier(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, classes)
