"""Training speed: `vae_core`'s loop against pythae and against the tutorial's DataLoader loop.

Images per second, and the loss on the MNIST test set at equal epochs, of three ways to train one model:

- ``vae_core``: `vae_core.training.loop.train`, as the app and the command line call it.
- ``pythae``: `BaseTrainer` with `VAE` (pythae 0.1.2), encoder and decoder replaced by the architecture below.
- ``tutorial``: the loop of pytorch/examples' VAE: `DataLoader` over torchvision's MNIST with `ToTensor`, plain
  Adam, ``loss.item()`` at every step.

Run, with MNIST in ``$VAE_DATA`` (torchvision's layout) and nothing else running on the machine::

    pip install pythae          # or into a separate environment, named by --pythae-python
    python benchmarks/training.py --json training.json

    python benchmarks/training.py --limit 2000 --epochs 1 --rounds 1 --rates 2e-3    # a check, not a measurement

The defaults should take twenty minutes on two cores, two thirds of them for the choice of the rates. A separate
environment for pythae needs the same torch, torchvision and numpy, and safetensors and scikit-learn for the evaluation.

What is equal: the 55,000 images of the ``mnist`` training split; 784-400-20 with ReLU (the example's
architecture), Bernoulli likelihood, batch size, epochs, seed, number of threads, PyTorch's default initialisation;
Adam. All on the CPU. Each measurement is a fresh process, and the three alternate; speed-ups are
ratios within one round, and their median over the rounds is reported. The weights of all three are copied into
`vae_core`'s model and evaluated by the same `vae_core.evaluation.evaluate` with the same noise.

What differs, on purpose, because it is what is compared: how data reaches the model, the optimiser's
implementation, and the schedule of the learning rate. The other two keep a constant rate, as published; ours has a
one-cycle schedule, whose mean is about half its peak. So that the losses compare loops rather than luck with a
rate, every loop gets its own, for each batch size: the best of ``--rates`` (for ours the peak) by the loss on the 5,000
validation images, with a seed that the rounds do not use. The test images choose nothing. ``--rates`` with a single
number leaves the choice out. If the processor has bfloat16 units, ours uses them (unless ``--precision float32``); the
table names the precision.

Only passes over the training images are timed: no start-up, no evaluation. In favour of the others,
pythae's progress bars and logging are off, it gets no evaluation set, and the tutorial's prints are left out. Its
images are in memory before the clock starts, converted by pythae's own `DataProcessor`. No part of pythae is changed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from vae_core.datasets import ImageDataset
    from vae_core.spec import RunSpec

ROOT = Path(__file__).resolve().parents[1]
OURS, PYTHAE, TUTORIAL = "vae_core", "pythae", "tutorial"
GOALS = {PYTHAE: 3.0, TUTORIAL: 4.0}  # times faster
LOSS_GOAL = 0.5  # nats per image
PIXELS, HIDDEN, LATENT = 784, 400, 20
RATES = (1e-3, 2e-3, 3e-3, 4e-3, 6e-3)  # of which each loop gets the best
TUNING_SEED = 1_000  # of the runs that choose one; rounds count from 0
BUSY = 0.3  # load average from which other work is likely to disturb the figures
PACKAGES = ("torch", "torchvision", "numpy", "pythae")


@dataclass(frozen=True)
class Task:
    """One measurement, as passed to its process.

    Attributes:
        loop: which of the three.
        batch_size: images per step.
        epochs: passes over the images.
        seed: of weights, order and noise; the number of the round.
        learning_rate: constant, or for ours the peak of the schedule.
        limit: number of training images to use; 0 for all.
        threads: torch's threads; 0 for its own choice.
        precision: ours only.
    """

    loop: str
    batch_size: int
    epochs: int
    seed: int
    learning_rate: float
    limit: int
    threads: int
    precision: str


@dataclass(frozen=True)
class Measurement:
    """The result of a measuring process.

    Attributes:
        images: trained on per epoch.
        epoch_seconds: each epoch's training pass.
        call_seconds: the whole call. Not comparable: ours validates on 5,000 images after every epoch, pythae
            saves a model at the end.
        negative_elbo: nats per image on the official test set, z sampled with fixed noise.
        validation_negative_elbo: on the 5,000 validation images, by which a learning rate is chosen.
        learning_rate: constant, or for ours the peak.
        precision: of the matrix products.
        threads: torch's.
        capability: of torch's kernels on this processor, such as AVX2.
    """

    images: int
    epoch_seconds: list[float]
    call_seconds: float
    negative_elbo: float
    validation_negative_elbo: float
    learning_rate: float
    precision: str
    threads: int
    capability: str

    @property
    def images_per_second(self) -> float:
        """Over all epochs, the first included."""
        return self.images * len(self.epoch_seconds) / sum(self.epoch_seconds)


Trained = tuple["nn.Module", list[float], str]
"""A model of `vae_core`, seconds of each epoch, precision."""


# ---------------------------------------------------------------------------------------------------------------
# In a child process: one measurement.


def measure(task: Task) -> Measurement:
    """Train once and evaluate."""
    from vae_core.datasets.torchvision_private import import_torchvision

    import_torchvision()  # before pythae, which imports it plainly

    import torch

    from vae_core.datasets import ImageDataset, load
    from vae_core.evaluation.losses import evaluate
    from vae_core.spec import RunSpec

    if task.threads:
        torch.set_num_threads(task.threads)
    spec = RunSpec(
        dataset="mnist",
        model="vae",
        latent_dim=LATENT,
        hidden=(HIDDEN,),
        epochs=task.epochs,
        batch_size=task.batch_size,
        learning_rate=task.learning_rate,
        seed=task.seed,
    )
    training = load("mnist", "train", download=False)
    if task.limit:
        count = task.limit
        training = ImageDataset("mnist", "train", training.images[:count], training.labels[:count], ())
    torch.manual_seed(task.seed)
    loop = {OURS: train_ours, PYTHAE: train_pythae, TUTORIAL: train_tutorial}[task.loop]
    start = time.perf_counter()
    model, epoch_seconds, precision = loop(spec, training, task.precision)
    call_seconds = time.perf_counter() - start
    losses = {
        split: evaluate(model.eval(), spec, load("mnist", split, download=False))["negative_elbo"]
        for split in ("validation", "test")
    }
    return Measurement(
        images=len(training),
        epoch_seconds=epoch_seconds,
        call_seconds=call_seconds,
        negative_elbo=losses["test"],
        validation_negative_elbo=losses["validation"],
        learning_rate=task.learning_rate,
        precision=precision,
        threads=torch.get_num_threads(),
        capability=torch.backends.cpu.get_cpu_capability(),
    )


def train_ours(spec: RunSpec, training: ImageDataset, precision: str) -> Trained:
    """The public function, as the command line calls it; epochs timed by the loop itself, validation left out."""
    from vae_core.datasets import load
    from vae_core.execution import Execution
    from vae_core.training.loop import train

    trained = train(spec, training, load("mnist", "validation"), execution=Execution(device="cpu", precision=precision))
    return trained.model, [record["seconds"] for record in trained.history], trained.precision


def train_pythae(spec: RunSpec, training: ImageDataset, precision: str) -> Trained:
    """pythae's unmodified trainer, on images that its `DataProcessor` has put into memory."""
    del precision  # pythae has mixed precision for CUDA only, and not for this loss
    import logging

    import torch
    from pythae.data.preprocessors import DataProcessor
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback
    from torch import Tensor, nn

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(PIXELS, HIDDEN)
            self.mean = nn.Linear(HIDDEN, LATENT)
            self.log_var = nn.Linear(HIDDEN, LATENT)

        def forward(self, x: Tensor) -> ModelOutput:
            features = torch.relu(self.hidden(x.reshape(len(x), -1)))
            return ModelOutput(embedding=self.mean(features), log_covariance=self.log_var(features))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(LATENT, HIDDEN)
            self.pixels = nn.Linear(HIDDEN, PIXELS)

        def forward(self, z: Tensor) -> ModelOutput:
            pixels = torch.sigmoid(self.pixels(torch.relu(self.hidden(z))))
            return ModelOutput(reconstruction=pixels.reshape(-1, *training.image_shape))

    class Clock(TrainingCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            self.seconds.append(time.perf_counter() - self.start)

    logging.disable(logging.WARNING)  # its progress bars are switched off by TQDM_DISABLE, see `environment`
    encoder, decoder, clock = Encoder(), Decoder(), Clock()
    config = VAEConfig(input_dim=training.image_shape, latent_dim=LATENT, reconstruction_loss="bce")
    processor = DataProcessor()
    images = torch.from_numpy(training.floats()).reshape(len(training), *training.image_shape)
    dataset = processor.to_dataset(processor.process_data(images))
    with tempfile.TemporaryDirectory() as folder:
        trainer = BaseTrainer(
            model=VAE(config, encoder=encoder, decoder=decoder),
            train_dataset=dataset,
            training_config=BaseTrainerConfig(
                output_dir=folder,
                num_epochs=spec.epochs,
                per_device_train_batch_size=spec.batch_size,
                learning_rate=spec.learning_rate,
                seed=spec.seed,
                no_cuda=True,
            ),
            callbacks=[clock],
        )
        trainer.train()
    layers = [encoder.hidden, encoder.mean, encoder.log_var, decoder.hidden, decoder.pixels]
    return as_ours(spec, training, layers), clock.seconds, "float32"


def train_tutorial(spec: RunSpec, training: ImageDataset, precision: str) -> Trained:
    """The loop of https://github.com/pytorch/examples/blob/main/vae/main.py, without its prints and its testing."""
    del precision
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    from vae_core.datasets import data_root

    class Example(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(PIXELS, HIDDEN)
            self.fc21 = nn.Linear(HIDDEN, LATENT)
            self.fc22 = nn.Linear(HIDDEN, LATENT)
            self.fc3 = nn.Linear(LATENT, HIDDEN)
            self.fc4 = nn.Linear(HIDDEN, PIXELS)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            h1 = functional.relu(self.fc1(x.view(-1, PIXELS)))
            mu, logvar = self.fc21(h1), self.fc22(h1)
            std = torch.exp(0.5 * logvar)
            z = mu + torch.randn_like(std) * std
            return torch.sigmoid(self.fc4(functional.relu(self.fc3(z)))), mu, logvar

    def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        bce = functional.binary_cross_entropy(recon_x, x.view(-1, PIXELS), reduction="sum")
        return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())

    mnist = datasets.MNIST(str(data_root()), train=True, transform=transforms.ToTensor())
    # The same images as the other two, at no cost per step (a Subset would add a look-up to each image).
    mnist.data, mnist.targets = torch.from_numpy(training.images[:, 0]), torch.from_numpy(training.labels)
    loader = DataLoader(mnist, batch_size=spec.batch_size, shuffle=True)
    model = Example()
    optimizer = torch.optim.Adam(model.parameters(), lr=spec.learning_rate)
    seconds = []
    for _ in range(spec.epochs):
        start = time.perf_counter()
        model.train()
        train_loss = 0.0
        for data, _labels in loader:
            optimizer.zero_grad()
            recon_batch, mu, logvar = model(data)
            loss = loss_function(recon_batch, data, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return as_ours(spec, training, [model.fc1, model.fc21, model.fc22, model.fc3, model.fc4]), seconds, "float32"


def as_ours(spec: RunSpec, training: ImageDataset, layers: list[nn.Linear]) -> nn.Module:
    """The same weights in `vae_core`'s model: hidden, mean, log-variance, decoder's hidden, pixels."""
    from torch import nn

    from vae_core.models import build

    model = build(spec, training.image_shape)
    targets = [module for module in model.modules() if isinstance(module, nn.Linear)]
    for target, source in zip(targets, layers, strict=True):
        target.load_state_dict(source.state_dict())
    return model


# ---------------------------------------------------------------------------------------------------------------
# In the parent process: the schedule of measurements, and the table.


def environment(threads: int) -> dict[str, str]:
    """For the measuring processes: `vae_core` importable, no progress bars, no GPU, the chosen number of threads."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    chosen = {"PYTHONPATH": os.pathsep.join(paths), "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}
    if threads:
        chosen["OMP_NUM_THREADS"] = str(threads)
    return {**os.environ, **chosen}


def run_apart(python: str, task: Task) -> Measurement:
    """One measurement in a fresh process of the interpreter `python`."""
    command = [python, str(Path(__file__).resolve()), "--task", json.dumps(asdict(task))]
    done = subprocess.run(command, env=environment(task.threads), capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise SystemExit(f"measuring {task.loop} with {python} failed: {''.join(last)}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def task_of(loop: str, batch: int, seed: int, rate: float, chosen: argparse.Namespace) -> Task:
    """A measurement with the options of the command line."""
    return Task(loop, batch, chosen.epochs, seed, rate, chosen.limit, chosen.threads, chosen.precision)


def best_rate(python: str, loop: str, batch: int, chosen: argparse.Namespace) -> float:
    """The learning rate with the least loss on validation images."""
    if len(chosen.rates) == 1:
        return float(chosen.rates[0])
    losses = {}
    for rate in chosen.rates:
        one = run_apart(python, task_of(loop, batch, TUNING_SEED, rate, chosen))
        losses[rate] = one.validation_negative_elbo
        print(f"batch {batch}, {loop} at {rate:g}: {losses[rate]:.2f} nats, validation", file=sys.stderr, flush=True)
    return float(min(losses, key=losses.__getitem__))


def versions(python: str) -> dict[str, str | None]:
    """Versions of `PACKAGES` in that interpreter's environment; None if one is not installed."""
    command = [python, str(Path(__file__).resolve()), "--versions"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise SystemExit(f"the interpreter {python} does not run this file: {failed}") from failed
    return json.loads(done.stdout)


def installed_versions() -> dict[str, str | None]:
    """`versions` of this interpreter."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


Results = dict[int, dict[str, list[Measurement]]]
"""batch size -> loop -> one measurement per round."""


def speedups(by_loop: dict[str, list[Measurement]], other: str) -> list[float]:
    """How many times faster ours was, round by round."""
    pairs = zip(by_loop[OURS], by_loop[other], strict=True)
    return [ours.images_per_second / theirs.images_per_second for ours, theirs in pairs]


def loss_differences(by_loop: dict[str, list[Measurement]], other: str) -> list[float]:
    """Our loss minus theirs, round by round, nats per image: negative if ours is better."""
    pairs = zip(by_loop[OURS], by_loop[other], strict=True)
    return [ours.negative_elbo - theirs.negative_elbo for ours, theirs in pairs]


def table(results: Results) -> str:
    """One row per batch size and loop, in Markdown."""
    lines = [
        "| batch | loop | rate | precision | images/s | s/epoch | test loss (nats) | speed-up of ours "
        "| our loss − theirs |",
        "|---:|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for batch, by_loop in results.items():
        for loop, measured in by_loop.items():
            rate = statistics.median(one.images_per_second for one in measured)
            epoch = statistics.median(sum(one.epoch_seconds) / len(one.epoch_seconds) for one in measured)
            loss = statistics.median(one.negative_elbo for one in measured)
            faster = difference = ""
            if loop != OURS:
                ratios, gaps = speedups(by_loop, loop), loss_differences(by_loop, loop)
                faster = f"{statistics.median(ratios):.2f}× ({min(ratios):.2f} to {max(ratios):.2f})"
                difference = f"{statistics.median(gaps):+.2f} ({min(gaps):+.2f} to {max(gaps):+.2f})"
            lines.append(
                f"| {batch} | {loop} | {measured[0].learning_rate:g} | {measured[0].precision} | {rate:,.0f} "
                f"| {epoch:.2f} | {loss:.2f} | {faster} | {difference} |"
            )
    return "\n".join(lines)


def verdicts(results: Results) -> list[str]:
    """Each goal, met or not, by its worst batch size."""
    lines = []
    for other, goal in GOALS.items():
        measured = {batch: by_loop for batch, by_loop in results.items() if other in by_loop}
        if not measured:
            continue
        ratios = {batch: statistics.median(speedups(by_loop, other)) for batch, by_loop in measured.items()}
        gaps = {batch: statistics.median(loss_differences(by_loop, other)) for batch, by_loop in measured.items()}
        slow, off = min(ratios, key=lambda batch: ratios[batch]), max(gaps, key=lambda batch: gaps[batch])
        lines.append(
            f"- {_met(ratios[slow] >= goal)}: at least {goal:g} times {other}; "
            f"least {ratios[slow]:.2f} at batch {slow}."
        )
        lines.append(
            f"- {_met(gaps[off] <= LOSS_GOAL)}: loss no more than {LOSS_GOAL:g} nats above {other}'s; "
            f"most {gaps[off]:+.2f} at batch {off}."
        )
    return lines


def _met(yes: bool) -> str:
    return "met" if yes else "NOT met"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Training speed of vae_core, pythae and the tutorial loop.")
    parser.add_argument("--epochs", type=_positive, default=3, help="passes over the images (3)")
    parser.add_argument("--rounds", type=_positive, default=3, help="measurements of each loop at each batch size (3)")
    parser.add_argument("--batch-sizes", type=_positive, nargs="+", default=[128, 256, 512], metavar="B")
    parser.add_argument(
        "--rates", type=float, nargs="+", default=RATES, metavar="R",
        help="learning rates of which each loop gets the best on validation images; ours as the peak of its schedule",
    )  # fmt: skip
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="ours only")
    parser.add_argument("--threads", type=int, default=0, help="of torch, for all three (torch's choice)")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="use only N training images, as a check")
    parser.add_argument("--pythae-python", default=sys.executable, metavar="PATH", help="interpreter that has pythae")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--versions", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    if chosen.versions:
        print(json.dumps(installed_versions()))
        return
    if chosen.task:
        print(json.dumps(asdict(measure(Task(**json.loads(chosen.task))))))
        return

    notes = []
    here, there = installed_versions(), versions(chosen.pythae_python)
    loops = {OURS: sys.executable, PYTHAE: chosen.pythae_python, TUTORIAL: sys.executable}
    if there["pythae"] is None:
        del loops[PYTHAE]
        notes.append(f"pythae is not installed in {chosen.pythae_python}: row left out (see --pythae-python).")
    elif differing := [name for name in ("torch", "torchvision", "numpy") if here[name] != there[name]]:
        pairs = ", ".join(f"{name} {there[name]} instead of {here[name]}" for name in differing)
        notes.append(f"pythae ran with {pairs}.")
    load = os.getloadavg()[0]
    if load > BUSY:
        notes.append(f"the machine was busy at the start (load average {load:.1f}): repeat before quoting.")
    if chosen.limit:
        notes.append(f"only {chosen.limit:,} training images: a check, not a measurement.")

    began = time.perf_counter()
    results: Results = {}
    for batch in chosen.batch_sizes:
        by_loop = results[batch] = {loop: [] for loop in loops}
        rates = {loop: best_rate(python, loop, batch, chosen) for loop, python in loops.items()}
        for seed in range(chosen.rounds):
            for loop, python in loops.items():
                one = run_apart(python, task_of(loop, batch, seed, rates[loop], chosen))
                by_loop[loop].append(one)
                print(
                    f"batch {batch}, round {seed + 1}, {loop}: {one.images_per_second:,.0f} images/s, "
                    f"{one.negative_elbo:.2f} nats",
                    file=sys.stderr,
                    flush=True,
                )
    minutes = (time.perf_counter() - began) / 60.0

    any_run = results[chosen.batch_sizes[0]][OURS][0]
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "capability": any_run.capability,
        "threads": any_run.threads,
        "python": platform.python_version(),
        **{name: here[name] for name in ("torch", "torchvision", "numpy")},
        "pythae": there["pythae"],
        "load_at_start": load,
    }
    print(
        f"MNIST, {any_run.images:,} images, {PIXELS}-{HIDDEN}-{LATENT}, Bernoulli, Adam, {chosen.epochs} epochs; "
        f"medians of {chosen.rounds} rounds (lowest to highest).\n"
        f"Learning rate, constant, for ours the peak of one cycle: the best of "
        f"{', '.join(f'{rate:g}' for rate in chosen.rates)} on 5,000 validation images.\n"
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['capability']}; "
        f"torch {machine['torch']}, {machine['threads']} threads; Python {machine['python']}; "
        f"pythae {machine['pythae'] or 'not installed'}.\n"
    )
    print(table(results))
    print("\n" + "\n".join(verdicts(results)))
    for note in notes:
        print(f"- Note: {note}")
    print(f"\n{minutes:.1f} minutes in all.")
    if chosen.json:
        document = {
            "machine": machine,
            "options": {name: getattr(chosen, name) for name in ("epochs", "rounds", "rates", "precision", "limit")},
            "notes": notes,
            "minutes": minutes,
            "results": [
                {
                    "batch_size": batch,
                    "loop": loop,
                    "images_per_second": statistics.median(one.images_per_second for one in measured),
                    "negative_elbo": statistics.median(one.negative_elbo for one in measured),
                    "speedups_of_ours": speedups(by_loop, loop),
                    "loss_differences_of_ours": loss_differences(by_loop, loop),
                    "rounds": [asdict(one) for one in measured],
                }
                for batch, by_loop in results.items()
                for loop, measured in by_loop.items()
            ],
        }
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
