"""An autoregressive prior over the codes of a trained VQ-VAE or FSQ: a causal transformer over the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.models.quantised import Quantised
from vae_core.program.modules import CausalAttention, Lookup, Places, Pointwise, Residual, one_by_one

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

WIDER = 4  # times the width, between the two layers that follow an attention


class VQPrior(Quantised):
    """A trained autoencoder, frozen, and p(codes) = Π p(code i | the codes before it, row by row, and the class).

    van den Oord et al. 2017, section 3.3, with the transformer of Vaswani et al. 2017 in the place of a PixelCNN. The
    autoencoder's weights are part of it, so that the run can be used without the one that it was made from.

    Attributes:
        prior: (B, cells) whole numbers -> logits (B, cells, K). The first number says how to begin: K, or K + class
            where it is told the class. Then come all codes but the last; output i is of code i.
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        options = spec.options
        codebook = nn.Parameter(torch.zeros(options.entries, options.dimensions), requires_grad=False)
        super().__init__(image_shape, spec.hidden, codebook, bounded=options.bounded)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.entries, self.classes, width = options.entries, options.classes, options.width
        layers: list[nn.Module] = []
        for _ in range(options.layers):
            layers += [
                Residual(
                    nn.LayerNorm(width),
                    Pointwise(width, 3 * width),
                    CausalAttention(options.heads),
                    Pointwise(width, width),
                ),
                Residual(
                    nn.LayerNorm(width),
                    Pointwise(width, WIDER * width),
                    nn.ReLU(),
                    Pointwise(WIDER * width, width),
                ),
            ]
        self.prior = nn.Sequential(
            Lookup(self.entries + max(self.classes, 1), width),
            Places(spec.latent_dim, width),
            *layers,
            nn.LayerNorm(width),
            Pointwise(width, self.entries),
        )

    def start(self, generator: torch.Generator) -> None:
        """Small embeddings, so that places and codes begin alike in size (Radford et al. 2019)."""
        for layer in self.prior:
            if isinstance(layer, Lookup | Places):
                nn.init.normal_(layer.weight, std=0.02, generator=generator)

    def take_over(self, base: nn.Module) -> None:
        """Copy the weights of the run whose codes are learned."""
        held = base.state_dict()
        own = [name for name in self.state_dict() if not name.startswith("prior.")]
        self.load_state_dict({name: held[name] for name in own}, strict=False)

    def further_layers(self) -> dict[str, list[tuple[str, nn.Module]]]:
        """``vectors``, as of `Quantised`, and ``prior``."""
        layers = [(f"prior.{name}", layer) for name, layer in self.prior.named_children()]
        return {**super().further_layers(), "prior": layers}

    def beginnings(self, labels: Tensor) -> Tensor:
        """The first number of each sequence: labels (B,) -> (B, 1); without classes it is the same for all."""
        if not self.classes:
            return torch.full_like(labels, self.entries)[:, None]
        return self.entries + labels.remainder(self.classes)[:, None]

    def logits(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Of every code given those before it: codes (B, cells), labels (B,) -> (B, cells, K)."""
        found: Tensor = self.prior(torch.cat([self.beginnings(labels), codes.long()[:, :-1]], dim=1))
        return found

    def negative_log_probability(self, codes: Tensor, labels: Tensor) -> Tensor:
        """-ln p(codes), nats per image, summed over cells: codes (B, cells), labels (B,) -> (B,)."""
        logits = self.logits(codes, labels)
        nats = functional.cross_entropy(logits.float().transpose(1, 2), codes.long(), reduction="none")
        return nats.sum(dim=1)

    @torch.no_grad()
    def write(
        self, labels: Tensor, generator: torch.Generator, temperature: float = 1.0, given: Tensor | None = None
    ) -> Tensor:
        """Draw codes, one cell after the other.

        Args:
            labels: (B,), the class of each image; only their number counts without classes.
            generator: of the draws.
            temperature: divides the logits; 1 for the prior itself. Above 0.
            given: (B, n), the first n codes, which stay.

        Returns:
            (B, cells), whole numbers.

        Raises:
            ValueError: a temperature that is not above 0.
        """
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        kept = 0 if given is None else given.shape[1]
        number, codes = self.beginnings(labels), []
        with one_by_one(self.prior) as step:
            for cell in range(self.prior[1].weight.shape[0]):  # type: ignore[index]
                logits = step(number)[:, 0]
                if cell < kept:
                    number = given[:, cell : cell + 1].long()  # type: ignore[index]
                else:
                    shares = torch.softmax(logits.double() / temperature, dim=1)
                    number = torch.multinomial(shares, 1, generator=generator)
                codes.append(number)
        return torch.cat(codes, dim=1)


def build_vq_prior(spec: RunSpec, image_shape: tuple[int, int, int]) -> VQPrior:
    """As the options say."""
    return VQPrior(spec, image_shape)
