"""The step of a FactorVAE: a VAE and a discriminator of its codes, each with its own Adam (Kim and Mnih 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core.losses.adversarial import discriminator_loss
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import Terms
from vae_core.losses.terms import Term, warmed_up, weighted_sum, weights_at
from vae_core.models.adversarial import frozen
from vae_core.models.factorising import FactorVAE, shuffled
from vae_core.spec import RunSpec
from vae_core.training.step import Batch, draws, new_adam

BETAS = (0.5, 0.9)  # of the discriminator, as in appendix A of the paper


class FactorStep:
    """Algorithm 2 of the paper: the VAE moves, through the discriminator as it is; then the discriminator, on the same
    codes and on codes of that batch whose dimensions were shuffled (the paper takes a second batch for those).

    β weighs the total correlation in the whole of the loss, as it does in a β-TCVAE: 1 is a VAE, and the paper's γ, the
    weight beside the KL term, is β - 1.

    Args: as of `step.GradientStep`. Products are float32 always.
    """

    terms = (
        Term("reconstruction"),
        Term("kl", weight=lambda spec, epochs_done: warmed_up(1.0, spec.kl_warm_up, epochs_done)),
        Term(
            "total_correlation",
            weight=lambda spec, epochs_done: warmed_up(spec.kl_weight - 1.0, spec.kl_warm_up, epochs_done),
        ),
        Term("discriminator", weight=lambda spec, _: 0.0),  # noqa: ARG005  # another network's loss
    )
    targets = "label"
    precision = "float32"  # whatever is asked for: the logit is the total correlation

    def __init__(self, spec: RunSpec, model: FactorVAE, precision: str) -> None:
        del precision
        self.spec, self.model, self.p_x_given_z = spec, model, likelihood(spec, model)
        judging = list(model.discriminator.parameters())
        mine = {id(parameter) for parameter in judging}
        coding = [one for one in model.parameters() if one.requires_grad and id(one) not in mine]
        self.optimisers = {
            "vae": new_adam(coding, spec.learning_rate), "discriminator": new_adam(judging, spec.learning_rate, BETAS)
        }  # fmt: skip

    def update(self, batch: Batch) -> Terms:
        """One step of each network, the VAE first."""
        model = self.model
        x, noise = draws(self.spec, batch.pixels, batch.generator)  # (B, D), (B, d)
        with frozen(model.discriminator):
            terms, z = self._coding(x, noise)
            loss = weighted_sum(terms, weights_at(self.terms[:-1], self.spec, batch.epochs_done))
            self._descend("vae", loss, batch.learning_rate)
        z = z.detach()
        terms["discriminator"] = discriminator_loss(model.logit(z), model.logit(shuffled(z, batch.generator)))
        self._descend("discriminator", terms["discriminator"], batch.learning_rate * self.spec.options.rate_ratio)
        return {term.name: terms[term.name].detach() for term in self.terms}

    def _descend(self, name: str, loss: Tensor, learning_rate: float) -> None:
        optimiser = self.optimisers[name]
        loss.mean().backward()
        optimiser.param_groups[0]["lr"] = learning_rate
        optimiser.step()
        optimiser.zero_grad()

    def _coding(self, x: Tensor, noise: Tensor) -> tuple[Terms, Tensor]:
        """The VAE's terms, (B,) each, and z (B, d)."""
        z, code = self.model.sample_latent(x, noise)
        terms = {
            "reconstruction": self.p_x_given_z.negative_log_likelihood(self.model.decode(z), x),
            "kl": code.divergence(),
            "total_correlation": self.model.logit(z),
        }
        return terms, z

    @torch.no_grad()
    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """The same terms; the codes are shuffled in an order that is the same each time."""
        del targets
        terms, z = self._coding(x, noise)
        others = shuffled(z, torch.Generator(z.device).manual_seed(len(z)))
        return terms | {"discriminator": discriminator_loss(self.model.logit(z), self.model.logit(others))}
