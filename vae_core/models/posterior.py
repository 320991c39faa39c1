"""The encoder's answer, by name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Posterior(NamedTuple):
    """A diagonal Gaussian q(z|x) = N(mean, diag exp(log_var)) per image (Kingma and Welling 2014, eq. 9).

    Attributes:
        mean: (B, d), latent units.
        log_var: (B, d), natural logarithm of the variance.
    """

    mean: Tensor
    log_var: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """z = mean + sigma * noise, noise ~ N(0, I) of shape (B, d) or (S, B, d): the reparameterisation trick."""
        return self.mean + (0.5 * self.log_var).exp() * noise
