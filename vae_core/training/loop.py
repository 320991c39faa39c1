"""The training loop: pixels resident on the device, one fused optimiser, nothing read back inside an epoch.

Determinism and resuming rest on one rule: **the epoch number is the state of the random numbers.** Each epoch's
order of images and all its noise come from a generator seeded by (seed, epoch), and the learning rate is a
function of the step, so weights and Adam's moments after epoch e are all that is needed to continue at e + 1 and
end exactly as an uninterrupted run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vae_core.datasets import ImageDataset
from vae_core.errors import TrainingDiverged
from vae_core.evaluation.losses import observed
from vae_core.execution import DEFAULT_EXECUTION, Execution
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.terms import Term, weighted_sum, weights_at
from vae_core.models import build
from vae_core.models.network import Network
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.state import TrainingState
from vae_core.training.device import choose_device, choose_precision
from vae_core.training.optimisers import optimiser_state, restore_optimisers
from vae_core.training.programs import checked_programs
from vae_core.training.schedule import images_per_epoch, learning_rate_at, shown_images, snapshot_epochs
from vae_core.training.step import Batch, Step, floats, new_step

EVALUATION_BATCH = 2_000
_VALIDATION_STREAM = 2**31  # seeds of the validation noise, apart from every training epoch's


@dataclass(frozen=True)
class Progress:
    """Progress after an epoch, for a terminal bar or a web page.

    Attributes:
        epoch: epochs finished, 1-based.
        epochs: epochs in all.
        record: this epoch's entry of the history.
        held_out_loss: weighted sum of this epoch's terms on held-out images, at the weights that the run ends with.
        images_per_second: over this epoch, validation left out.
        seconds_left: estimate from the epochs of this call.
    """

    epoch: int
    epochs: int
    record: dict[str, float]
    held_out_loss: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Trained:
    """The loop's result: a model on the CPU, with its history and snapshots."""

    model: Network
    history: list[dict[str, float]]
    snapshots: dict[int, np.ndarray]
    device: str
    precision: str


def train(
    spec: RunSpec,
    training: ImageDataset,
    validation: ImageDataset,
    *,
    execution: Execution = DEFAULT_EXECUTION,
    resume: TrainingState | None = None,
    base: Run | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    save_state: Callable[[TrainingState], None] | None = None,
    before: Callable[[TrainingState], None] | None = None,
) -> Trained:
    """Train one model.

    Args:
        spec: what to train.
        training: images to learn from.
        validation: held-out images for the snapshots and, without those of a class left out, for the validation columns
            of the history.
        execution: device, precision and data root; a resumed run keeps the precision it began with.
        resume: the state to continue from.
        base: the run that it begins with, of a model that needs one, see `Store.base`.
        on_epoch: called after each epoch.
        save_state: called after each epoch, before `on_epoch`, with all that resuming needs.
        before: called before the first epoch, unless resumed, with the untrained model as epoch 0 and the codes that it
            gives: to be looked at, not to resume from.

    Raises:
        SpecError: a network that pages could not run, see `new_model`: before the first epoch.
        TrainingDiverged: the loss became infinite or NaN; names the epoch and the run.
    """
    where = choose_device(execution.device)
    model = new_model(spec, training, base)
    if resume:
        model.load_state_dict(resume.weights)
    model.to(where)
    shown, _ = resident(validation.first(shown_images(spec)), where)  # as the pages show them, grey
    if before and not resume:
        model.eval()
        before(TrainingState(0, copy_of_weights(model), {}, [], "", {0: _codes_of(model, shown)}))
    exact = resume.precision if resume else choose_precision(execution.precision, where)
    step = new_step(spec, model, exact)
    exact = getattr(step, "precision", exact)  # a step may know only one
    if resume:
        restore_optimisers(step.optimisers, resume.moments)

    pixels, targets = resident(training, where, spec.target)
    held_out, held_targets = resident(observed(spec, spec.usual_of(validation)), where, spec.target)
    if survey := getattr(step, "survey", None):
        survey(pixels, targets)
    if step.targets != "label":
        targets = torch.arange(len(pixels), device=where)
    if step.targets == "number":
        held_targets = torch.full_like(held_targets, -1)
    keep = snapshot_epochs(spec.epochs)
    history = list(resume.history) if resume else []
    snapshots = dict(resume.snapshots) if resume else {}
    first, began = (resume.epoch if resume else 0) + 1, time.perf_counter()

    for epoch in range(first, spec.epochs + 1):
        start = time.perf_counter()
        model.train()
        images, losses = _one_epoch(step, spec, pixels, targets, epoch)
        seconds = time.perf_counter() - start
        model.eval()
        held_losses = _validate(step, spec, held_out, held_targets)
        record = losses | {f"validation_{name}": loss for name, loss in held_losses.items()}
        # The held-out losses too: they are the first to show what the epoch's last step did to the weights.
        if not all(map(math.isfinite, record.values())):
            raise diverged(spec, epoch, record)
        record = {"epoch": epoch, **record, "seconds": seconds}
        history.append(record)
        if epoch in keep:
            snapshots[epoch] = _codes_of(model, shown)
        if save_state:
            moments = optimiser_state(step.optimisers)
            save_state(TrainingState(epoch, copy_of_weights(model), moments, list(history), exact, dict(snapshots)))
        if on_epoch:
            per_epoch = (time.perf_counter() - began) / (epoch - first + 1)
            left = per_epoch * (spec.epochs - epoch)
            loss = final_loss(spec, step.terms, held_losses)
            on_epoch(Progress(epoch, spec.epochs, record, loss, images / seconds, left))

    return Trained(model.cpu().eval(), history, snapshots, device_name(where), exact)


def _codes_of(model: Network, shown: Tensor) -> np.ndarray:
    """A snapshot: the mean codes of held-out images, float16 (n, d)."""
    return model.encode_mean(floats(shown)).cpu().numpy().astype(np.float16)


def final_loss(spec: RunSpec, terms: Sequence[Term], means: Mapping[str, float]) -> float:
    """The weighted sum of the terms' means, with the weights after every warm-up."""
    return weighted_sum(means, weights_at(terms, spec, math.inf))


def diverged(spec: RunSpec, epoch: int, record: dict[str, float]) -> TrainingDiverged:
    """The error for an epoch whose losses are no longer finite."""
    values = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in record.items())
    return TrainingDiverged(
        f"{TrainingDiverged.opening(spec.key)}{epoch}: the loss is no longer a finite number ({values}); "
        f"try a smaller learning rate than {spec.learning_rate:g}."
    )


def new_model(spec: RunSpec, training: ImageDataset, base: Run | None = None) -> Network:
    """An untrained model, on the CPU; its last bias as the images say where `start_at_mean` asks for it, and with the
    weights of the run that it begins with, if any.

    Raises:
        SpecError: pages could not run it, see `checked_programs`: said here rather than once it is trained.
    """
    model = build(spec, training.image_shape)
    if base:
        model.take_over(base.model)  # type: ignore[operator]  # models with a base have it
    checked_programs(spec, model)
    if spec.start_at_mean:
        mean = torch.from_numpy(training.images.mean(axis=0).ravel() / 255.0)
        start = likelihood(spec, model).natural_parameters(mean)
        with torch.no_grad():
            model.decoder[-1].bias.copy_(start)  # type: ignore[operator]
    return model


def epoch_generator(spec: RunSpec, epoch: int, device: torch.device) -> torch.Generator:
    """All randomness of one epoch."""
    return torch.Generator(device).manual_seed(spec.seed * 1_000_003 + epoch)


def validation_generator(spec: RunSpec, device: torch.device) -> torch.Generator:
    """The noise of every epoch's validation: the same each time."""
    return torch.Generator(device).manual_seed(spec.seed + _VALIDATION_STREAM)


def resident(images: ImageDataset, device: torch.device, target: str | None = None) -> tuple[Tensor, Tensor]:
    """All images, uint8 (N, C*H*W), and labels, (N,), on the device; beside each image the target of this name, if one
    is given, (N, 2*C*H*W)."""
    shown = [images.images, *([] if target is None else [images.target(target)])]
    pixels = torch.from_numpy(np.concatenate([part.reshape(len(images), -1) for part in shown], axis=1)).to(device)
    return pixels, torch.from_numpy(images.labels.copy()).to(device)


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Adam's moments decay into denormal numbers, on which a CPU takes several times as long; they are far below
    Adam's epsilon, so the weights come out the same. The setting of the thread is restored afterwards."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@denormals_as_zero()
def _one_epoch(step: Step, spec: RunSpec, pixels: Tensor, targets: Tensor, epoch: int) -> tuple[int, dict[str, float]]:
    """One pass over the images; how many were shown, and the terms' means per image as the weights moved."""
    device = pixels.device
    count = images_per_epoch(len(pixels))
    generator = epoch_generator(spec, epoch, device)
    order = torch.randperm(count, generator=generator, device=device).remainder(len(pixels))
    per_epoch = math.ceil(count / spec.batch_size)
    done, steps = (epoch - 1) * per_epoch, spec.epochs * per_epoch
    sums = torch.zeros(len(step.terms), device=device)
    for chosen in order.split(spec.batch_size):
        # index_select is several times faster than pixels[chosen].
        seen, wanted = pixels.index_select(0, chosen), targets.index_select(0, chosen)
        rate = learning_rate_at(done, steps, spec.learning_rate)
        terms = step.update(Batch(seen, wanted, generator, (done + 1) / per_epoch, rate))
        sums += torch.stack([terms[term.name].sum() for term in step.terms])
        done += 1
    return count, means(step.terms, sums, count)


@torch.no_grad()
def _validate(step: Step, spec: RunSpec, pixels: Tensor, targets: Tensor) -> dict[str, float]:
    """The terms' means over held-out images, the same noise each epoch so that epochs compare."""
    generator = validation_generator(spec, pixels.device)
    sums = torch.zeros(len(step.terms), device=pixels.device)
    for part, wanted in zip(pixels.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True):
        noise = torch.randn(len(part), spec.latent_dim, generator=generator, device=pixels.device)
        terms = step.measure(floats(part), noise, wanted)
        sums += torch.stack([terms[term.name].sum() for term in step.terms])
    return means(step.terms, sums, len(pixels))


def means(terms: Sequence[Term], sums: Tensor, count: int) -> dict[str, float]:
    """Sums over images, (terms,), as means by name: the only read from the device in an epoch."""
    return dict(zip((term.name for term in terms), (sums / count).tolist(), strict=True))


def copy_of_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the model's state on the CPU, which further training does not change."""
    return {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
