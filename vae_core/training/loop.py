"""The training loop: pixels resident on the device, one fused optimiser, nothing read back inside an epoch.

Determinism and resuming rest on one rule: **the epoch number is the state of the random numbers.** Each epoch's
order of images and all its noise come from a generator seeded by (seed, epoch), and the learning rate is a
function of the step, so weights and Adam's moments after epoch e are all that is needed to continue at e + 1 and
arrive where an uninterrupted run arrives.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from vae_core.datasets import ImageDataset
from vae_core.errors import TrainingDiverged
from vae_core.evaluation.losses import observed
from vae_core.models import build, model_kind
from vae_core.objectives import OBJECTIVES, Likelihood, Objective, beta_loss, likelihood, warmed_up
from vae_core.spec import RunSpec
from vae_core.training.device import choose_device, choose_precision

EVALUATION_BATCH = 2_000
SNAPSHOT_NUMBERS = 1_000  # of one epoch's snapshot: 500 images for d = 2
# A few images are gone through several times in an epoch: an epoch's bookkeeping would cost more than its steps.
FEW_IMAGES, FEWEST_PER_EPOCH = 1_000, 5_000
MAX_SNAPSHOTS = 60
WARM_UP_SHARE = 0.1
START_DIVISOR, END_DIVISOR = 25.0, 1e4
MEAN_BOUNDS = (0.001, 0.999)  # of the mean pixels that a model starts at
_VALIDATION_STREAM = 2**31  # seeds of the validation noise, apart from every training epoch's


@dataclass(frozen=True)
class Progress:
    """What a terminal bar and a web page are told after each epoch.

    Attributes:
        epoch: epochs finished, 1-based.
        epochs: epochs in all.
        record: this epoch's entry of the history.
        images_per_second: over this epoch, validation left out.
        seconds_left: estimate from the epochs of this call.
    """

    epoch: int
    epochs: int
    record: dict[str, float]
    images_per_second: float
    seconds_left: float


@dataclass
class TrainingState:
    """All that a run in progress consists of; the store writes it after every epoch.

    Attributes:
        epoch: finished epochs.
        weights: the model's state.
        moments: Adam's first and second moments, by parameter index.
        history: one record per finished epoch.
        snapshots: epoch -> float16 (n, d).
        precision: fixed for the whole run by its first part.
    """

    epoch: int
    weights: dict[str, Tensor]
    moments: dict[str, Tensor]
    history: list[dict[str, float]]
    precision: str
    snapshots: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """The loop's result: a model on the CPU, with its history and snapshots."""

    model: nn.Module
    history: list[dict[str, float]]
    snapshots: dict[int, np.ndarray]
    device: str
    precision: str


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """One-cycle schedule (Smith and Topin 2018): cosine up over the first tenth, cosine down to peak / 10^4."""
    warm_up = max(1.0, WARM_UP_SHARE * steps)
    if step < warm_up:
        low, share = peak / START_DIVISOR, step / warm_up
        return low + (peak - low) * 0.5 * (1.0 - math.cos(math.pi * share))
    low, share = peak / END_DIVISOR, (step - warm_up) / max(1.0, steps - warm_up)
    return low + (peak - low) * 0.5 * (1.0 + math.cos(math.pi * share))


def snapshot_epochs(epochs: int) -> set[int]:
    """The epochs whose latent plane is kept: all up to `MAX_SNAPSHOTS`, else the first ten and an even spread."""
    if epochs <= MAX_SNAPSHOTS:
        return set(range(1, epochs + 1))
    spread = np.linspace(10, epochs, MAX_SNAPSHOTS - 9)
    return set(range(1, 10)) | {round(epoch) for epoch in spread}


def train(
    spec: RunSpec,
    training: ImageDataset,
    validation: ImageDataset,
    *,
    device: str = "auto",
    precision: str = "auto",
    resume: TrainingState | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    save_state: Callable[[TrainingState], None] | None = None,
) -> Trained:
    """Train one model.

    Args:
        spec: what to train.
        training: images to learn from.
        validation: held-out images for the validation columns of the history and the snapshots.
        device: ``auto``, or a torch device name.
        precision: ``auto`` (measured), ``float32`` or ``bfloat16`` for the network's matrix products; losses, KL
            and Adam are float32 always. A resumed run keeps the precision it began with.
        resume: the state to continue from.
        on_epoch: called after each epoch.
        save_state: called after each epoch, before `on_epoch`, with all that resuming needs.

    Raises:
        TrainingDiverged: the loss became infinite or NaN; names the epoch and the run.
    """
    where = choose_device(device)
    exact = resume.precision if resume else choose_precision(precision, where)
    model = new_model(spec, training)
    if resume:
        model.load_state_dict(resume.weights)
    model.to(where)
    parameters = list(model.parameters())
    # lr is set before every step. fused: one kernel for all parameters, where the device has it.
    fused = where.type in ("cpu", "cuda")
    optimizer = torch.optim.Adam(parameters, lr=spec.learning_rate, fused=fused)
    if resume:
        _restore_moments(optimizer, parameters, resume)
    p_x_given_z, objective = likelihood(spec, model), OBJECTIVES[model_kind(spec.model).objective]

    pixels, targets = resident(training, where)
    held_out, held_targets = resident(observed(spec, validation), where)
    if objective.targets == "number":
        targets, held_targets = torch.arange(len(pixels), device=where), torch.full_like(held_targets, -1)
    shown, _ = resident(validation.first(shown_images(spec)), where)  # as the pages show them, grey
    keep = snapshot_epochs(spec.epochs)
    history = list(resume.history) if resume else []
    snapshots = dict(resume.snapshots) if resume else {}
    first, began = (resume.epoch if resume else 0) + 1, time.perf_counter()

    for epoch in range(first, spec.epochs + 1):
        start = time.perf_counter()
        images, losses = _one_epoch(model, optimizer, pixels, targets, spec, objective, p_x_given_z, epoch, exact)
        seconds = time.perf_counter() - start
        held_losses = _validate(model, held_out, held_targets, spec, objective, p_x_given_z)
        record = dict(zip(objective.names, losses, strict=True))
        record |= {f"validation_{name}": loss for name, loss in zip(objective.names, held_losses, strict=True)}
        # The held-out losses too: they are the first to show what the epoch's last step did to the weights.
        if not all(map(math.isfinite, record.values())):
            raise diverged(spec, epoch, record)
        record = {"epoch": epoch, **record, "seconds": seconds}
        history.append(record)
        if epoch in keep:
            codes, _ = model.describe(floats(shown))  # type: ignore[operator]
            snapshots[epoch] = codes.cpu().numpy().astype(np.float16)
        if save_state:
            save_state(_state(epoch, model, optimizer, parameters, history, snapshots, exact))
        if on_epoch:
            per_epoch = (time.perf_counter() - began) / (epoch - first + 1)
            on_epoch(Progress(epoch, spec.epochs, record, images / seconds, per_epoch * (spec.epochs - epoch)))

    return Trained(model.cpu().eval(), history, snapshots, device_name(where), exact)


def diverged(spec: RunSpec, epoch: int, record: dict[str, float]) -> TrainingDiverged:
    """What to raise when an epoch's losses are no longer finite."""
    values = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in record.items())
    return TrainingDiverged(
        f"training {spec.key} stopped in epoch {epoch}: the loss is no longer a finite number ({values}); "
        f"try a smaller learning rate than {spec.learning_rate:g}."
    )


def new_model(spec: RunSpec, training: ImageDataset) -> nn.Module:
    """An untrained model, on the CPU; its last bias as the images say where `start_at_mean` asks for it."""
    model = build(spec, training.image_shape)
    if spec.start_at_mean:
        mean = torch.from_numpy(training.images.mean(axis=0).ravel() / 255.0)
        # The bounds keep pixels that are always black in reach: no image is impossible at first.
        start = torch.logit(mean.clamp(*MEAN_BOUNDS)) if spec.likelihood == "bernoulli" else mean
        with torch.no_grad():
            model.decoder[-1].bias.copy_(start)  # type: ignore[index, union-attr]
    return model


def draws(spec: RunSpec, pixels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One step's random numbers: what is seen of the pixels, and the noise of the samples.

    Args:
        spec: says how many samples, and whether pixels are drawn.
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
        # In place, into the same floats: 1 where the draw is below the pixel.
        x = torch.rand(x.shape, generator=generator, device=device).lt_(x)
    return x, noise


def shown_images(spec: RunSpec) -> int:
    """How many held-out images an epoch's snapshot of the latent plane has."""
    return SNAPSHOT_NUMBERS // spec.latent_dim or 1


def epoch_generator(spec: RunSpec, epoch: int, device: torch.device) -> torch.Generator:
    """All randomness of one epoch."""
    return torch.Generator(device).manual_seed(spec.seed * 1_000_003 + epoch)


def validation_generator(spec: RunSpec, device: torch.device) -> torch.Generator:
    """The noise of every epoch's validation: the same each time."""
    return torch.Generator(device).manual_seed(spec.seed + _VALIDATION_STREAM)


def images_per_epoch(count: int) -> int:
    """How many images an epoch shows when there are `count` to learn from: whole passes, several over a few."""
    return count * math.ceil(FEWEST_PER_EPOCH / count) if count < FEW_IMAGES else count


def resident(images: ImageDataset, device: torch.device) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(images.images.reshape(len(images), -1).copy()).to(device)
    return pixels, torch.from_numpy(images.labels.copy()).to(device)


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Adam's moments decay into denormal numbers, on which a CPU takes several times as long; they are far below
    Adam's epsilon, so the weights come out the same. The caller's thread gets its arithmetic back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@denormals_as_zero()
def _one_epoch(
    model: nn.Module,
    optimizer: torch.optim.Adam,
    pixels: Tensor,
    targets: Tensor,
    spec: RunSpec,
    objective: Objective,
    p_x_given_z: Likelihood,
    epoch: int,
    precision: str,
) -> tuple[int, list[float]]:
    """One pass over the images; how many were shown, and both terms' means per image as the weights moved."""
    device, weight = pixels.device, objective.weight(spec)
    count = images_per_epoch(len(pixels))
    generator = epoch_generator(spec, epoch, device)
    order = torch.randperm(count, generator=generator, device=device).remainder(len(pixels))
    steps_per_epoch = math.ceil(count / spec.batch_size)
    step, steps = (epoch - 1) * steps_per_epoch, spec.epochs * steps_per_epoch
    sums = torch.zeros(2, device=device)
    model.train()
    for chosen in order.split(spec.batch_size):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, steps, spec.learning_rate)
        # index_select is several times faster than pixels[chosen].
        x, noise = draws(spec, pixels.index_select(0, chosen), generator)  # (B, D), (B, d)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            first, second = objective.terms(model, x, noise, targets.index_select(0, chosen), p_x_given_z)
        now = warmed_up(weight, spec.kl_warm_up, (step + 1) / steps_per_epoch)
        beta_loss(first, second, now, spec.data_weight).mean().backward()
        if spec.data_weight == 0:  # the decoder is not in the loss: Adam is to count its steps all the same
            for parameter in model.parameters():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        optimizer.zero_grad()
        sums += torch.stack([first.detach().sum(), second.detach().sum()])
        step += 1
    return count, (sums / count).tolist()  # the epoch's only read from the device


@torch.no_grad()
def _validate(
    model: nn.Module, pixels: Tensor, targets: Tensor, spec: RunSpec, objective: Objective, p_x_given_z: Likelihood
) -> list[float]:
    """Both terms' means over held-out images, the same noise each epoch so that epochs compare."""
    model.eval()
    generator = validation_generator(spec, pixels.device)
    sums = torch.zeros(2, device=pixels.device)
    for part, wanted in zip(pixels.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True):
        noise = torch.randn(len(part), spec.latent_dim, generator=generator, device=pixels.device)
        first, second = objective.terms(model, floats(part), noise, wanted, p_x_given_z)
        sums += torch.stack([first.sum(), second.sum()])
    return (sums / len(pixels)).tolist()


def floats(pixels: Tensor) -> Tensor:
    """uint8 -> float32 in [0, 1]. Converted per batch: as fast as resident floats, in a quarter of the memory."""
    return pixels.float().div_(255.0)


def _state(
    epoch: int,
    model: nn.Module,
    optimizer: torch.optim.Adam,
    parameters: list[nn.Parameter],
    history: list[dict[str, float]],
    snapshots: dict[int, np.ndarray],
    precision: str,
) -> TrainingState:
    moments = {}
    for index, parameter in enumerate(parameters):
        state = optimizer.state[parameter]
        moments[f"{index}.exp_avg"] = state["exp_avg"].to("cpu", copy=True)
        moments[f"{index}.exp_avg_sq"] = state["exp_avg_sq"].to("cpu", copy=True)
        moments[f"{index}.step"] = state["step"].to("cpu", copy=True).reshape(1)
    # Copies: on the CPU these would otherwise be the tensors that training goes on changing.
    weights = {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}
    return TrainingState(epoch, weights, moments, list(history), precision, dict(snapshots))


def _restore_moments(optimizer: torch.optim.Adam, parameters: list[nn.Parameter], resume: TrainingState) -> None:
    for index, parameter in enumerate(parameters):
        # Copies: Adam changes its moments in place, and `resume` belongs to the caller.
        on_device = {
            name: resume.moments[f"{index}.{name}"].to(parameter.device, copy=True)
            for name in ("exp_avg", "exp_avg_sq")
        }
        step = resume.moments[f"{index}.step"].reshape(()).to(parameter.device, copy=True)
        optimizer.state[parameter] = {"step": step, **on_device}


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
