"""Many models trained as one program: their weights stacked, one optimiser, the same images and noise for all.

For models that differ only in the weights of their loss terms. On a GPU, where one small network leaves most of the
device idle, K of them take little longer than one. Each follows `loop.train`, but sums are added in another
order, and training magnifies rounding: after 12 epochs weights were up to 0.15 apart, and losses up to 0.07 nats.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from vae_core.datasets import ImageDataset, info
from vae_core.errors import SpecError, TrainingDiverged
from vae_core.evaluation.losses import observed
from vae_core.execution import DEFAULT_EXECUTION, Execution
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import Objective, Terms
from vae_core.losses.terms import weights_at
from vae_core.models import ModelKind, build, model_kind, named
from vae_core.models.network import Network
from vae_core.spec import RunSpec
from vae_core.storage.state import TrainingState
from vae_core.training.device import choose_device, choose_precision
from vae_core.training.loop import (
    EVALUATION_BATCH,
    Progress,
    Trained,
    denormals_as_zero,
    device_name,
    diverged,
    epoch_generator,
    final_loss,
    new_model,
    resident,
    validation_generator,
)
from vae_core.training.optimisers import ADAM_STATE
from vae_core.training.schedule import images_per_epoch, learning_rate_at, shown_images, snapshot_epochs
from vae_core.training.step import draws, floats, new_adam

TOTAL_CORRELATION = "vae_core.losses.objectives:TOTAL_CORRELATION"
VARYING = ("beta", "reconstruction_weight", "kl_warm_up")  # what members of one stack may differ in


@dataclass(frozen=True)
class Member:
    """The state of one member of a stack after an epoch.

    Attributes:
        index: its position in the list of specs.
        state: all that resuming needs.
        progress: as of `loop.train`.
    """

    index: int
    state: TrainingState
    progress: Progress


def same_program(spec: RunSpec) -> RunSpec:
    """The spec without the fields that may vary in a stack: equal for specs that can be stacked."""
    beta = 1.0 if model_kind(spec.model).bottleneck.divergence else None
    return replace(spec, beta=beta, reconstruction_weight=None, kl_warm_up=None)


def can_stack(spec: RunSpec) -> bool:
    """Whether runs that differ from `spec` in `VARYING` only can be trained as one program.

    They are trained on the ELBO's terms, or those of a β-TCVAE, by the usual step, on undamaged images, and their
    network has parameters alone: a buffer that training changes, such as the moving averages of batch norm, is nothing
    that one call can change for all of them.
    """
    kind, usual = model_kind(spec.model), ModelKind("", "")
    if spec.damage:
        return False
    if not kind.trained or kind.step != usual.step or kind.objective not in (usual.objective, TOTAL_CORRELATION):
        return False
    return not list(build(spec, info(spec.dataset).image_shape).buffers())


class _Terms(nn.Module):
    """A model with its loss: the terms' values per image, so that one call can be mapped over stacked weights."""

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        super().__init__()
        self.model, self.spec = model, spec
        self.objective: Objective = named(model_kind(spec.model).objective)

    def forward(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        return self.objective.compute(self.model, x, noise, targets, likelihood(self.spec, self.model))


class Stack:
    """K models in one.

    Args:
        specs: alike but for `VARYING`, and `can_stack`.
        training: the images that they will learn from.
        device: where.
        precision: ``float32`` or ``bfloat16``.
    """

    def __init__(self, specs: Sequence[RunSpec], training: ImageDataset, device: torch.device, precision: str) -> None:
        self.specs, self.device, self.precision = list(specs), device, precision
        # All start from the same weights, as they would alone: the seed is the same.
        self.models = [new_model(spec, training) for spec in specs]
        self._settled: dict[str, Tensor] | None = None
        self.terms = _Terms(self.models[0], specs[0]).to(device)
        self._stack()

    def _stack(self) -> None:
        parameters, _ = stack_module_state([_Terms(m, self.specs[0]).to(self.device) for m in self.models])
        self.parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        self.optimizer = new_adam(list(self.parameters.values()), self.specs[0].learning_rate)

    def losses(self, x: Tensor, noise: Tensor, targets: Tensor, *, exact: bool = False) -> Terms:
        """The terms, (K, B) each, of every model on the same images and noise; exact: in float32 whatever the rest."""

        def one(parameters: dict[str, Tensor]) -> Terms:
            return functional_call(self.terms, parameters, (x, noise, targets))

        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16" and not exact):
            return vmap(one)(self.parameters)

    def weigh(self, terms: Terms, epochs_done: float) -> Tensor:
        """The sum over models of their mean losses; a term of weight 0 leaves its model alone, even if infinite."""
        weights = self.term_weights(epochs_done)
        parts = [torch.where(weights[name] == 0, 0.0, term) * weights[name] for name, term in terms.items()]
        return sum(parts[1:], start=parts[0]).mean(dim=1).sum()

    def term_weights(self, epochs_done: float) -> dict[str, Tensor]:
        """Of every term, (K, 1) each; made once where no warm-up is left to change them."""
        if self._settled is None or any(spec.kl_warm_up for spec in self.specs):
            terms = self.terms.objective.terms
            by_model = [list(weights_at(terms, spec, epochs_done).values()) for spec in self.specs]
            columns = torch.tensor(by_model, device=self.device).T  # (terms, K)
            self._settled = {term.name: column[:, None] for term, column in zip(terms, columns, strict=True)}
        return self._settled

    def sums(self, terms: Terms) -> Tensor:
        """Over images, by model: (K, terms)."""
        return torch.stack([terms[term.name].detach().sum(dim=1) for term in self.terms.objective.terms], dim=1)

    def means(self, sums: Tensor, count: int) -> list[dict[str, float]]:
        """`sums` as means by name, of every model: the only read from the device in an epoch."""
        names = [term.name for term in self.terms.objective.terms]
        return [dict(zip(names, row, strict=True)) for row in (sums / count).tolist()]

    def weights(self, index: int) -> dict[str, Tensor]:
        """One model's ``state_dict``, copied to the CPU."""
        return {
            name.removeprefix("model."): value[index].detach().to("cpu", copy=True)
            for name, value in self.parameters.items()
        }

    def moments(self, index: int) -> dict[str, Tensor]:
        """Adam's state of one model, as `TrainingState` has it."""
        result = {}
        for number, parameter in enumerate(self.parameters.values()):
            state = self.optimizer.state[parameter]
            for name in ADAM_STATE:
                result[f"{number}.{name}"] = state[name][index].to("cpu", copy=True)
            result[f"{number}.step"] = state["step"].to("cpu", copy=True).reshape(1)
        return result

    def restore(self, states: Sequence[TrainingState]) -> None:
        """Continue from the states of all members, after the same epoch."""
        for number, (name, parameter) in enumerate(self.parameters.items()):
            weights = torch.stack([state.weights[name.removeprefix("model.")] for state in states])
            with torch.no_grad():
                parameter.copy_(weights)
            moments = {
                part: torch.stack([state.moments[f"{number}.{part}"] for state in states]).to(self.device)
                for part in ADAM_STATE
            }
            step = states[0].moments[f"{number}.step"].reshape(()).to(self.device, copy=True)
            self.optimizer.state[parameter] = {"step": step, **moments}

    def keep(self, indices: Sequence[int]) -> None:
        """Go on with some of the models only."""
        chosen = torch.tensor(list(indices), device=self.device)
        kept = {}
        for name, parameter in self.parameters.items():
            fewer = parameter.detach().index_select(0, chosen).requires_grad_()
            state = self.optimizer.state.pop(parameter)
            state |= {part: state[part].index_select(0, chosen) for part in ADAM_STATE}
            self.optimizer.state[fewer] = state
            kept[name] = fewer
        self.parameters = kept
        self.optimizer.param_groups[0]["params"] = list(kept.values())
        self.specs = [self.specs[index] for index in indices]
        self.models = [self.models[index] for index in indices]
        self._settled = None

    def model(self, index: int) -> Network:
        """One of the models, on the CPU, with its current weights."""
        model = self.models[index].cpu()
        model.load_state_dict(self.weights(index))
        return model


def train_stack(
    specs: Sequence[RunSpec],
    training: ImageDataset,
    validation: ImageDataset,
    *,
    execution: Execution = DEFAULT_EXECUTION,
    resume: Sequence[TrainingState] | None = None,
    on_epoch: Callable[[Member], None] | None = None,
) -> dict[int, Trained | TrainingDiverged]:
    """Train models that differ only in `VARYING`.

    Args:
        specs: what to train; see `same_program`.
        training, validation, execution: as of `loop.train`.
        resume: the states to continue from, all after the same epoch, in the order of the specs.
        on_epoch: called after each epoch for every model that is still in training.

    Returns:
        Index of the spec -> the model, or why it could not be trained. One that diverges does not touch the others.

    Raises:
        SpecError: the specs cannot be trained as one program.
    """
    first_spec = specs[0]
    if any(same_program(spec) != same_program(first_spec) for spec in specs):
        raise SpecError(f"models of one stack may differ in {', '.join(VARYING)} only.")
    if not can_stack(first_spec):
        raise SpecError(f"model {first_spec.model!r} cannot be trained as one program with others.")
    where = choose_device(execution.device)
    exact = resume[0].precision if resume else choose_precision(execution.precision, where)
    stack = Stack(specs, training, where, exact)
    if resume:
        stack.restore(resume)
    pixels, targets = resident(training, where)
    held_out, held_targets = resident(observed(first_spec, first_spec.usual_of(validation)), where)
    shown, keep = validation.first(shown_images(first_spec)).floats(), snapshot_epochs(first_spec.epochs)
    places = list(range(len(specs)))  # of the models that are still in the stack
    histories = [list(state.history) for state in resume] if resume else [[] for _ in specs]
    snapshots = [dict(state.snapshots) for state in resume] if resume else [{} for _ in specs]
    results: dict[int, Trained | TrainingDiverged] = {}
    first, began = (resume[0].epoch if resume else 0) + 1, time.perf_counter()

    for epoch in range(first, first_spec.epochs + 1):
        start = time.perf_counter()
        images, losses = _one_epoch(stack, pixels, targets, epoch)
        seconds = time.perf_counter() - start
        held_losses = _validate(stack, held_out, held_targets)
        held_by_place = dict(zip(places, held_losses, strict=True))
        good = []
        for row, place in enumerate(places):
            record = losses[row] | {f"validation_{name}": loss for name, loss in held_losses[row].items()}
            if not all(map(math.isfinite, record.values())):
                results[place] = diverged(specs[place], epoch, record)
                continue
            # Each model gets its share of the stack's time.
            histories[place].append({"epoch": epoch, **record, "seconds": seconds / len(places)})
            good.append(row)
        if not good:
            return results
        if len(good) < len(places):
            stack.keep(good)
            places = [places[row] for row in good]
        for row, place in enumerate(places):
            if epoch in keep:
                codes = stack.model(row).encode_mean(torch.from_numpy(shown))
                snapshots[place][epoch] = codes.numpy().astype(np.float16)
            if on_epoch:
                state = TrainingState(
                    epoch, stack.weights(row), stack.moments(row), list(histories[place]), exact, dict(snapshots[place])
                )
                per_epoch = (time.perf_counter() - began) / (epoch - first + 1)
                left = per_epoch * (first_spec.epochs - epoch)
                loss = final_loss(specs[place], stack.terms.objective.terms, held_by_place[place])
                progress = Progress(epoch, first_spec.epochs, histories[place][-1], loss, images / seconds, left)
                on_epoch(Member(place, state, progress))
    for row, place in enumerate(places):
        results[place] = Trained(stack.model(row).eval(), histories[place], snapshots[place], device_name(where), exact)
    return results


@denormals_as_zero()
def _one_epoch(stack: Stack, pixels: Tensor, targets: Tensor, epoch: int) -> tuple[int, list[dict[str, float]]]:
    """One pass over the images; how many were shown, and the terms' means per image, by model."""
    spec, device = stack.specs[0], stack.device
    count = images_per_epoch(len(pixels))
    generator = epoch_generator(spec, epoch, device)
    order = torch.randperm(count, generator=generator, device=device).remainder(len(pixels))
    steps_per_epoch = math.ceil(count / spec.batch_size)
    step, steps = (epoch - 1) * steps_per_epoch, spec.epochs * steps_per_epoch
    sums = torch.zeros(len(stack.specs), len(stack.terms.objective.terms), device=device)
    for chosen in order.split(spec.batch_size):
        stack.optimizer.param_groups[0]["lr"] = learning_rate_at(step, steps, spec.learning_rate)
        x, noise = draws(spec, pixels.index_select(0, chosen), generator)
        terms = stack.losses(x, noise, targets.index_select(0, chosen))
        stack.weigh(terms, (step + 1) / steps_per_epoch).backward()
        stack.optimizer.step()
        stack.optimizer.zero_grad()
        sums += stack.sums(terms)
        step += 1
    return count, stack.means(sums, count)


@torch.no_grad()
def _validate(stack: Stack, pixels: Tensor, targets: Tensor) -> list[dict[str, float]]:
    """The terms' means over held-out images, by model, with the noise that `loop` validates with."""
    generator = validation_generator(stack.specs[0], stack.device)
    sums = torch.zeros(len(stack.specs), len(stack.terms.objective.terms), device=stack.device)
    for part, wanted in zip(pixels.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True):
        noise = torch.randn(len(part), stack.specs[0].latent_dim, generator=generator, device=stack.device)
        sums += stack.sums(stack.losses(floats(part), noise, wanted, exact=True))
    return stack.means(sums, len(pixels))
