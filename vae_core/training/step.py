"""What one batch does to the weights. A step owns its optimisers and the update; the loop knows neither.

`GradientStep` descends on one weighted sum of terms with one Adam, which is all that an autoencoder or a VAE needs. A
model with another update (two networks against each other, a codebook of moving averages) brings a step of its own:
`ModelKind.step` names it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from vae_core.corruption import corrupt, numbers_for
from vae_core.datasets import info
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import Objective, Terms
from vae_core.losses.terms import Term, weighted_sum, weights_at
from vae_core.models import model_kind, named
from vae_core.spec import RunSpec

HELD_OUT_SEED = 2_008  # of the damage to held-out images: the same each time


class Batch(NamedTuple):
    """What one step sees.

    Attributes:
        pixels: uint8 (B, D).
        targets: int64 (B,).
        generator: of all random numbers of the step, on the pixels' device.
        epochs_done: once this step is made, a fraction within an epoch.
        learning_rate: of this step.
    """

    pixels: Tensor
    targets: Tensor
    generator: torch.Generator
    epochs_done: float
    learning_rate: float


class Step(Protocol):
    """Made for one run, on its device.

    A step that must know all images before the first of them has a method ``survey``: pixels uint8 (N, D), labels (N,).

    Attributes:
        terms: what it reports, in order.
        targets: as of `Objective.targets`.
        optimisers: by name; their state is saved and restored. The only one has the empty name.
    """

    terms: tuple[Term, ...]
    targets: str
    optimisers: dict[str, torch.optim.Adam]

    def __init__(self, spec: RunSpec, model: nn.Module, precision: str) -> None: ...

    def update(self, batch: Batch) -> Terms:
        """Update the weights; returns the terms before the update, (B,) each, without gradients."""
        ...

    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """The terms of held-out images, (B,) each: x (B, D) in [0, 1], noise (B, d); in float32, without an update."""
        ...


class GradientStep:
    """Gradient descent by one Adam on the weighted sum of an objective's terms (Kingma and Ba 2015).

    Args:
        spec: of the run.
        model: its network, on its device.
        precision: ``float32``, or ``bfloat16`` for the network's matrix products; terms and Adam are float32 always.
    """

    def __init__(self, spec: RunSpec, model: nn.Module, precision: str) -> None:
        self.spec, self.model, self.precision = spec, model, precision
        self.objective: Objective = named(model_kind(spec.model).objective)
        self.terms, self.targets = self.objective.terms, self.objective.targets
        self.p_x_given_z = likelihood(spec, model)
        self.parameters = [one for one in model.parameters() if one.requires_grad]
        self.optimisers = {"": new_adam(self.parameters, spec.learning_rate)}

    def update(self, batch: Batch) -> Terms:
        """One step of Adam."""
        optimiser = self.optimisers[""]
        optimiser.param_groups[0]["lr"] = batch.learning_rate
        x, noise = draws(self.spec, batch.pixels, batch.generator)  # (B, D), (B, d)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            terms = self.objective.compute(
                self.model, x, noise, batch.targets, self.p_x_given_z, **self.seen(x, batch.generator)
            )
        weighted_sum(terms, weights_at(self.terms, self.spec, batch.epochs_done)).mean().backward()
        for parameter in self.parameters:
            if parameter.grad is None:  # its term has weight 0; Adam must still count the step
                parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
        optimiser.zero_grad()
        return {name: term.detach() for name, term in terms.items()}

    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """As the objective has them; damaged, where training images are."""
        seen = self.seen(x, torch.Generator(x.device).manual_seed(HELD_OUT_SEED))
        return self.objective.compute(self.model, x, noise, targets, self.p_x_given_z, **seen)

    def seen(self, x: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``seen``, what the encoder sees of images x (B, D), where that is something else; a step whose images come in
        pairs overrides this."""
        if not self.spec.damage:
            return {}
        kind, level = self.spec.damage
        size = info(self.spec.dataset).image_shape
        return {"seen": corrupt(kind, level, x, numbers_for(kind, len(x), size, generator, x.device), size)}


def new_step(spec: RunSpec, model: nn.Module, precision: str) -> Step:
    """The step of a run's model."""
    step: Step = named(model_kind(spec.model).step)(spec, model, precision)
    return step


def new_adam(
    parameters: list[nn.Parameter] | list[Tensor], learning_rate: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Adam:
    """Adam over some parameters; fused, one kernel for all of them, if the device supports it."""
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, lr=learning_rate, betas=betas, fused=fused)


def draws(spec: RunSpec, pixels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One step's random inputs: the pixels, binarised if the spec says so, and the noise of the samples.

    Args:
        spec: says how many samples, and whether pixels are binarised.
        pixels: uint8 (B, D).
        generator: on the pixels' device.

    Returns:
        x: float32 (B, D) in [0, 1].
        noise: (B, d), or (S, B, d) for S samples per image.
    """
    x, device = floats(pixels), pixels.device
    several = () if spec.samples is None else (spec.samples,)
    noise = torch.randn(*several, len(x), spec.latent_dim, generator=generator, device=device)
    if spec.binarised:
        # In place, into the same floats: 1 where the random number is below the pixel.
        x = torch.rand(x.shape, generator=generator, device=device).lt_(x)
    return x, noise


def floats(pixels: Tensor) -> Tensor:
    """uint8 (B, D) -> float32 (B, D) in [0, 1]. Converted per batch: as fast as resident floats, in a quarter of the
    memory."""
    return pixels.float().div_(255.0)
