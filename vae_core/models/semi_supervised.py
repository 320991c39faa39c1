"""M1+M2: a class-conditional VAE with a classifier in it, on the codes of a trained, frozen autoencoder."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.datasets import info
from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.models.bottleneck import Point
from vae_core.models.conv import conv_decoder, conv_trunk
from vae_core.models.network import Network

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

START = -1.0  # ln of the variance of p(u|y, z)


class ByClass(NamedTuple):
    """What M2 says of a batch under the assumption of each class.

    Attributes:
        bound: (B, K), nats: -L(u, y), the negative lower bound of ln p(u, y) (Kingma et al. 2014, eq. 6).
        logits: (B, K), of q(y|u).
    """

    bound: Tensor
    logits: Tensor

    def part(self, which: slice) -> ByClass:
        """Of some of the images."""
        return ByClass(self.bound[which], self.logits[which])

    def unlabelled(self) -> Tensor:
        """-U(u): the bound of ln p(u), with y summed out exactly: Σ_y q(y|u) (bound + ln q(y|u)) (eq. 7); (B,)."""
        log_q = torch.log_softmax(self.logits, dim=1)
        return (log_q.exp() * (self.bound + log_q)).sum(dim=1)

    def labelled(self, labels: Tensor) -> Tensor:
        """-L(u, y) of the labels (B,); (B,)."""
        return self.bound.gather(1, labels[:, None]).squeeze(1)

    def cross_entropy(self, labels: Tensor) -> Tensor:
        """-ln q(y|u) of the labels (B,), nats; (B,)."""
        return functional.cross_entropy(self.logits, labels, reduction="none")


class M2(Network):
    """Kingma et al. 2014, "Semi-supervised learning with deep generative models", section 2.3 (M1+M2).

    M1, a convolutional autoencoder or VAE trained without labels, is frozen and part of the file. M2 is a VAE on its
    code u, whose coordinates are standardised, with a class y beside the code z: p(y) uniform, p(z) = N(0, I),
    p(u|y, z) Gaussian with one learned variance, q(z|u, y) Gaussian with a diagonal covariance, q(y|u) a classifier.
    The code of the run is M1's.

    Attributes:
        standard, restore: M1's code (B, d) -> u (B, d), and back; set from the training images, never learned.
        classifier: u -> logits of q(y|u), (B, K).
        posterior: u and y, one-hot, side by side (B, d + K) -> mean and log-variance of q(z|u, y), (B, 2 style).
        conditional: z and y side by side (B, style + K) -> the mean of p(u|y, z), (B, d).
        log_variance_of_codes: (), ln of the variance of p(u|y, z).
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        options, d = spec.options, spec.latent_dim
        self.classes, self.style = len(info(spec.dataset).label_names), options.style
        self.trunk = conv_trunk(image_shape, spec.hidden)
        self.head = "mean" if options.codes == "conv_vae" else "code"
        self.add_module(self.head, nn.Linear(spec.hidden[-1], d))
        if options.codes == "conv_vae":
            self.log_var = nn.Linear(spec.hidden[-1], d)
        self.decoder = conv_decoder(d, spec.hidden, image_shape)
        self.standard, self.restore = nn.Linear(d, d), nn.Linear(d, d)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        width, classes, style = options.width, self.classes, self.style
        self.classifier = _layers(d, width, width, classes)
        self.posterior = _layers(d + classes, width, 2 * style)
        self.conditional = _layers(style + classes, width, width, d)
        self.log_variance_of_codes = nn.Parameter(torch.tensor(START))

    def start(self, generator: torch.Generator) -> None:
        """Codes as they are, until `standardise`."""
        del generator
        for layer in (self.standard, self.restore):
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)

    def take_over(self, base: nn.Module) -> None:
        """Copy the weights of M1."""
        self.load_state_dict(base.state_dict(), strict=False)

    @property
    def standardised(self) -> bool:
        """Whether `standardise` has been called, in this process or before the weights were stored."""
        return bool((self.standard.weight.diagonal() != 1.0).any())

    @torch.no_grad()
    def standardise(self, codes: Tensor) -> None:
        """Let u have mean 0 and variance 1 over these codes of M1, (N, d), coordinate by coordinate."""
        mean, deviation = codes.mean(dim=0), codes.std(dim=0).clamp_min(1e-6)
        self.standard.weight.copy_(torch.diag(1.0 / deviation))
        self.standard.bias.copy_(-mean / deviation)
        self.restore.weight.copy_(torch.diag(deviation))
        self.restore.bias.copy_(mean)

    def raw(self, features: Tensor) -> Tensor:
        """M1's codes, (B, d), of what its trunk makes of images; the means, if M1 is a VAE."""
        codes: Tensor = getattr(self, self.head)(features)
        return codes

    def encode(self, x: Tensor) -> Point:
        """Images (B, D) in [0, 1] -> M1's codes (B, d)."""
        return Point(self.raw(self.trunk(x)))

    def logits(self, x: Tensor, noise: Tensor) -> Tensor:
        """Of q(y|u): images (B, D) in [0, 1] -> (B, K); `noise` is not used."""
        del noise
        found: Tensor = self.classifier(self.standard(self.raw(self.trunk(x))))
        return found

    @torch.no_grad()
    def standard_codes(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The trunk's output -> u and its standard deviation under M1's posterior, 1 where it has none; (B, d) each."""
        u: Tensor = self.standard(self.raw(features))
        if self.head == "code":
            return u, torch.ones_like(u)
        return u, (0.5 * self.log_var(features)).exp() * self.standard.weight.diagonal()

    def by_class(self, u: Tensor, noise: Tensor) -> ByClass:
        """Standardised codes u (B, d), noise (B, K, style), standard normal -> `ByClass`."""
        moments = _for_every_class(self.posterior, u[:, None], self.classes)  # (B, K, 2 style)
        mean, log_var = moments.chunk(2, dim=-1)
        z = mean + (0.5 * log_var).exp() * noise
        predicted = _for_every_class(self.conditional, z, self.classes)  # (B, K, d)
        log_variance = self.log_variance_of_codes
        squared = (u[:, None] - predicted).square().sum(dim=-1)
        reconstruction = 0.5 * (squared / log_variance.exp() + u.shape[1] * (math.log(2 * math.pi) + log_variance))
        kl = kl_to_standard_normal(mean, log_var).sum(dim=-1)  # (B, K)
        return ByClass(reconstruction + kl + math.log(self.classes), self.classifier(u))

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to M1's code, in order."""
        return [*_named("trunk", self.trunk), (self.head, getattr(self, self.head))]

    def further_layers(self) -> dict[str, list[tuple[str, nn.Module]]]:
        """``features``: an image -> u; ``classify``: u -> logits of q(y|u); ``posterior``: u and y -> mean and
        log-variance of z; ``conditional``: z and y -> natural parameters of the image, through M1's decoder."""
        whole = [*_named("conditional", self.conditional), ("restore", self.restore), *_named("decoder", self.decoder)]
        return {
            "features": [*self.encoder_layers(), ("standard", self.standard)],
            "classify": _named("classifier", self.classifier),
            "posterior": _named("posterior", self.posterior),
            "conditional": whole,
        }


def _layers(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for start, end in pairwise(widths):
        layers += [nn.Linear(start, end), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _for_every_class(network: nn.Sequential, x: Tensor, classes: int) -> Tensor:
    """A network of x and a one-hot class side by side, for every class: x (B, 1 or K, n) -> (B, K, outputs).

    The first layer's product with x is computed once: of the one-hot part it needs a column.
    """
    first: nn.Linear = network[0]  # type: ignore[assignment]
    own, by_class = first.weight.split([x.shape[-1], classes], dim=1)
    found: Tensor = network[1:](functional.linear(x, own, first.bias) + by_class.T)
    return found


def _named(prefix: str, layers: nn.Sequential) -> list[tuple[str, nn.Module]]:
    return [(f"{prefix}.{name}", layer) for name, layer in layers.named_children()]


def build_m2(spec: RunSpec, image_shape: tuple[int, int, int]) -> M2:
    """As the options say."""
    return M2(spec, image_shape)
