"""Steps of two networks that learn against each other, each network with its own Adam.

Within a step the discriminator moves first, on images that have no gradient; then what makes the images moves, through
the discriminator as it now is, which gets nothing from it.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vae_core.losses.adversarial import GENERATOR_LOSSES, discriminator_loss, non_saturating, squared_slope
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import Terms
from vae_core.losses.terms import Term
from vae_core.models.adversarial import GAN, VAEGAN, Discriminator, frozen
from vae_core.spec import RunSpec
from vae_core.training.step import Batch, draws, new_adam

BETAS = (0.0, 0.99)  # no momentum: the other network is another one soon (Karras et al. 2018)
# Steps between penalties, each then counted as often (Karras et al. 2020, section 3.1): the history's mean over the
# steps of an epoch is the slope's where an epoch has many times as many.
SLOPE_EVERY = 16
SQUARED_SLOPE = "squared nats per squared pixel"


class _Adversarial:
    """What both steps share: the optimisers, the discriminator's turn, and how many steps were made."""

    targets = "label"
    precision = "float32"  # whatever is asked for: the penalty is a derivative of a derivative

    def __init__(self, spec: RunSpec, model: nn.Module, networks: dict[str, Iterable[nn.Parameter]]) -> None:
        self.spec, self.p_x_given_z = spec, likelihood(spec, model)
        self.ratio = {"discriminator": spec.options.rate_ratio}
        self.optimisers = {
            name: new_adam(list(parameters), spec.learning_rate, BETAS) for name, parameters in networks.items()
        }
        self._made: int | None = None

    def begin(self, learning_rate: float) -> int:
        """Set the learning rates; returns how many steps were made before, those of earlier processes among them."""
        for name, optimiser in self.optimisers.items():
            optimiser.param_groups[0]["lr"] = learning_rate * self.ratio.get(name, 1.0)
        if self._made is None:
            state = self.optimisers["discriminator"].state
            self._made = int(next(iter(state.values()))["step"]) if state else 0
        else:
            self._made += 1
        return self._made

    def descend(self, name: str, loss: Tensor) -> None:
        """One step of a network on the mean of its loss."""
        loss.mean().backward()
        self.move(name)

    def move(self, name: str) -> None:
        """One step of a network along the gradients that it has."""
        self.optimisers[name].step()
        self.optimisers[name].zero_grad()

    def discriminate(self, network: Discriminator, steps: int, x: Tensor, *made: Tensor) -> Terms:
        """The discriminator's turn: real images (B, D), and as many of each sort of made ones."""
        terms = self.judged(network, x, *(one.detach() for one in made))
        loss, weight = terms["discriminator"], self.slope_weight
        if steps % SLOPE_EVERY == 0:
            terms["r1"] = SLOPE_EVERY * squared_slope(network, x)  # its mean over steps is that of every step
            loss = loss + weight * terms["r1"] if weight else loss
        self.descend("discriminator", loss)
        return terms

    @property
    def slope_weight(self) -> float:
        """Of the squared slope in the discriminator's loss."""
        options = self.spec.options
        return float(options.r1 / 2) if options.regulariser == "r1" else 0.0

    @staticmethod
    def judged(network: Discriminator, x: Tensor, *made: Tensor) -> Terms:
        """``discriminator``, and ``r1`` still 0; (B,) each. Each sort of made images is a batch of its own, (B, D); all
        of them together count as much as the real ones."""
        on_real = network(x)
        loss = torch.stack([discriminator_loss(on_real, network(one)) for one in made]).mean(dim=0)
        return {"discriminator": loss, "r1": torch.zeros_like(loss)}


class GANStep(_Adversarial):
    """Discriminator, generator, the generator's average, and the network that finds z from its images.

    Args: as of `step.GradientStep`.
    """

    terms = (
        Term("generator"),
        # Weights are those of what makes the images: the other terms are other networks' losses.
        Term("discriminator", weight=lambda spec, _: 0.0),  # noqa: ARG005
        Term("r1", SQUARED_SLOPE, lambda spec, _: 0.0),  # noqa: ARG005
        Term("inversion", "squared latent units", lambda spec, _: 0.0),  # noqa: ARG005
    )

    def __init__(self, spec: RunSpec, model: GAN, precision: str) -> None:
        del precision
        self.model = model
        inverse = [*model.trunk.parameters(), *model.code.parameters()]
        networks = {
            "generator": model.generator.parameters(),
            "discriminator": model.discriminator.parameters(),
            "inverse": inverse,
        }
        super().__init__(spec, model, networks)
        self.generator_loss = GENERATOR_LOSSES[spec.options.loss]

    def update(self, batch: Batch) -> Terms:
        """One step of each network, the discriminator first."""
        model, steps = self.model, self.begin(batch.learning_rate)
        x, noise = draws(self.spec, batch.pixels, batch.generator)  # (B, D), (B, d)
        made = self.p_x_given_z.expected_pixels(model.generator(noise))
        terms = self.discriminate(model.discriminator, steps, x, made)
        with frozen(model.discriminator):
            terms["generator"] = self.generator_loss(model.discriminator(made))
            self.descend("generator", terms["generator"])
        self.follow(steps)
        terms["inversion"] = self.inversion(noise)
        self.descend("inverse", terms["inversion"])
        return {term.name: terms[term.name].detach() for term in self.terms}

    @torch.no_grad()
    def follow(self, steps: int) -> None:
        """The average moves towards the generator; at first faster, so that it forgets the untrained one."""
        decay = min(self.spec.options.average, (1 + steps) / (10 + steps))
        pairs = zip(self.model.decoder.parameters(), self.model.generator.parameters(), strict=True)
        for average, parameter in pairs:
            average.lerp_(parameter, 1.0 - decay)

    def inversion(self, noise: Tensor) -> Tensor:
        """‖E(G(z)) - z‖², summed over dimensions: noise (B, d) -> (B,)."""
        with torch.no_grad():
            made = self.p_x_given_z.expected_pixels(self.model.decode(noise))
        return (self.model.encode(made).mean - noise).square().sum(dim=1)

    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """The same terms, of the averaged generator's images."""
        del targets
        model = self.model
        made = self.p_x_given_z.expected_pixels(model.decode(noise))
        return {
            "generator": self.generator_loss(model.discriminator(made)),
            **self.judged(model.discriminator, x, made),
            "r1": squared_slope(model.discriminator, x).detach(),
            "inversion": self.inversion(noise),
        }


class VAEGANStep(_Adversarial):
    """Algorithm 1 of Larsen et al. 2016: discriminator, decoder, encoder.

    The discriminator judges data, reconstructions and samples of the prior, and learns nothing from the similarity; the
    encoder learns nothing from being judged. The features' likelihood is a Gaussian of variance 1 / `similarity`, which
    is 1 in the paper; its gamma, the weight of the likelihood in the decoder's loss, is `similarity` / `judged`. As in
    the paper's code the generator's loss is the non-saturating one.
    """

    terms = (
        Term("similarity", "squared features", lambda spec, _: spec.options.similarity),
        Term("kl", weight=lambda spec, _: spec.kl_weight),
        Term("generator", weight=lambda spec, _: spec.options.judged),
        Term("reconstruction", weight=lambda spec, _: 0.0),  # noqa: ARG005  # of pixels: to compare with a VAE
        Term("discriminator", weight=lambda spec, _: 0.0),  # noqa: ARG005
        Term("r1", SQUARED_SLOPE, lambda spec, _: 0.0),  # noqa: ARG005
    )

    def __init__(self, spec: RunSpec, model: VAEGAN, precision: str) -> None:
        del precision
        self.model = model
        self.encoder = [*model.trunk.parameters(), *model.mean.parameters(), *model.log_var.parameters()]
        self.decoder = list(model.decoder.parameters())
        networks = {
            "encoder": self.encoder, "decoder": self.decoder, "discriminator": model.discriminator.parameters()
        }  # fmt: skip
        super().__init__(spec, model, networks)

    def update(self, batch: Batch) -> Terms:
        """One step of each network, the discriminator first."""
        model, steps = self.model, self.begin(batch.learning_rate)
        x, noise = draws(self.spec, batch.pixels, batch.generator)
        drawn = torch.randn(noise.shape, generator=batch.generator, device=noise.device)  # of the prior
        terms, made = self._images(x, noise, drawn)
        judged = self.discriminate(model.discriminator, steps, x, *made)
        with frozen(model.discriminator):
            terms |= self._seen(x, *made)
            alike = self.spec.options.similarity * terms["similarity"]
            encoding = (alike + self.spec.kl_weight * terms["kl"]).mean()
            decoding = (alike + self.spec.options.judged * terms["generator"]).mean()
            for loss, parameters in ((encoding, self.encoder), (decoding, self.decoder)):
                slopes = torch.autograd.grad(loss, parameters, retain_graph=True)
                for parameter, slope in zip(parameters, slopes, strict=True):
                    parameter.grad = slope
        self.move("encoder")
        self.move("decoder")
        terms |= judged
        return {term.name: terms[term.name].detach() for term in self.terms}

    def _images(self, x: Tensor, noise: Tensor, drawn: Tensor) -> tuple[Terms, tuple[Tensor, ...]]:
        """``kl`` and ``reconstruction``; and the images made, (B, D) each: reconstructions, samples of the prior."""
        z, code = self.model.sample_latent(x, noise)
        output = self.model.decode(torch.cat([z, drawn]))
        terms = {
            "kl": code.divergence(),
            "reconstruction": self.p_x_given_z.negative_log_likelihood(output[: len(x)], x),
        }
        return terms, self.p_x_given_z.expected_pixels(output).chunk(2)

    def _seen(self, x: Tensor, rebuilt: Tensor, drawn: Tensor) -> Terms:
        """``similarity``, ½‖f(x) - f(reconstruction)‖² of the discriminator's features, and ``generator``."""
        network = self.model.discriminator
        features = network.features(rebuilt)
        with torch.no_grad():
            wanted = network.features(x)
        similarity = 0.5 * (features - wanted).square().sum(dim=1)
        verdicts = 0.5 * (non_saturating(network.judge(features)) + non_saturating(network(drawn)))
        return {"similarity": similarity, "generator": verdicts}

    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """The same terms; the prior's samples are of the noise."""
        del targets
        terms, made = self._images(x, noise, noise)
        judged = self.judged(self.model.discriminator, x, *made)
        slope = squared_slope(self.model.discriminator, x).detach()
        return terms | self._seen(x, *made) | judged | {"r1": slope}
