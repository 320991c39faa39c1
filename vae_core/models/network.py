"""The base class of all networks."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from vae_core.models.bottleneck import Code


class Network(nn.Module, ABC):
    """An encoder and a decoder around a bottleneck. A model defines how it encodes, and the layers of its programs."""

    decoder: nn.Sequential

    @abstractmethod
    def encode(self, x: Tensor) -> Code:
        """Images (B, D) in [0, 1] -> their codes, see `bottleneck.Code`."""

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to the mean of its code, in order; empty if they are not a program."""
        return []

    def further_layers(self) -> dict[str, list[tuple[str, nn.Module]]]:
        """Layers of further programs, such as a codebook or a prior, by name; each as in `encoder_layers`."""
        return {}

    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, d) -> natural parameters of p(x|z), (B, D)."""
        return self.decoder(z)

    def sample_latent(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Code]:
        """The decoder's input in training, from `noise` (B, d), or S samples from (S, B, d); and the code itself."""
        code = self.encode(x)
        return code.sample(noise), code

    @torch.no_grad()
    def encode_mean(self, x: Tensor) -> Tensor:
        """Images (B, D) -> codes or posterior means (B, d), for metrics and pictures."""
        return self.encode(x).mean
