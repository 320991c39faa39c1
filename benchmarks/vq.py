"""Training speed of a VQ-VAE: `vae_core`'s step against the quantising layer of vector-quantize-pytorch.

Both train the same network (the encoder and decoder of `vq_vae`) on the same MNIST batches, with the same Adam at the
same rate, the same terms, moving averages of the same decay, and no restarts. What differs is the layer between encoder
and decoder and its bookkeeping. Milliseconds per step, of the whole step and of the layer alone (distances, choice,
straight-through gradient backwards, moving averages); speed-ups are ratios within one round, and their median over the
rounds is reported. The loss of both on the validation images after training says that nothing was left out.

Run, with MNIST in ``$VAE_DATA`` and nothing else running on the machine::

    pip install vector-quantize-pytorch      # or with --target into a folder, named in PYTHONPATH
    python -m benchmarks.vq --json vq.json

    python -m benchmarks.vq --steps 10 --rounds 1     # a check, not a measurement
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_core.datasets import load
from vae_core.losses.objectives import Terms
from vae_core.models import build
from vae_core.models.quantised import VQVAE
from vae_core.spec import RunSpec
from vae_core.training.quantising import VQStep, nearest, straight_through
from vae_core.training.step import Batch, floats

GOAL = 2.0  # times faster
SHAPE = (1, 28, 28)


class TheirStep(VQStep):
    """The same step with their layer in the middle."""

    def __init__(self, spec: RunSpec, model: VQVAE, precision: str) -> None:
        super().__init__(spec, model, precision)
        self.layer = their_layer(spec)

    def before(self, vectors: Tensor, batch: Batch) -> None:
        """Their layer starts from the data by itself."""

    def after(self, rows: Tensor, numbers: Tensor, batch: Batch) -> None:
        """Their layer moves its averages as it runs."""

    def _terms(self, x: Tensor, vectors: Tensor) -> tuple[Terms, Tensor]:
        entries, numbers, commitment = self.layer(vectors.flatten(1, 2))
        output = self.model.images(entries.view_as(vectors))
        each = torch.zeros(len(x))  # theirs is a mean over the batch, already weighted
        weight = self.spec.options.commitment
        terms = {
            "reconstruction": self.p_x_given_z.negative_log_likelihood(output, x),
            "commitment": each + commitment / weight,
            "codebook": each,
        }
        return terms, numbers


def their_layer(spec: RunSpec) -> Any:
    """With our decay, start from data, and their commitment, a mean over cells and numbers, brought to our sum."""
    from vector_quantize_pytorch import VectorQuantize

    options = spec.options
    cells = spec.latent_dim * options.dimensions
    return VectorQuantize(
        dim=options.dimensions,
        codebook_size=options.entries,
        decay=options.decay,
        kmeans_init=True,
        rotation_trick=False,
        commitment_weight=options.commitment * cells,
    )


def batches(spec: RunSpec, steps: int, seed: int) -> list[Batch]:
    """The same for both."""
    images = load("mnist", "train").images.reshape(-1, 784)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(images), generator=generator)
    pixels = [
        torch.from_numpy(images[part.numpy()]) for part in order[: steps * spec.batch_size].split(spec.batch_size)
    ]
    labels = torch.zeros(spec.batch_size, dtype=torch.long)
    return [Batch(one, labels, generator, 0.5, spec.learning_rate) for one in pixels]


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return 1e3 * (time.perf_counter() - began)


def whole_steps(spec: RunSpec, kind: type[VQStep], steps: int, seed: int) -> tuple[float, float]:
    """Median milliseconds of a step, and the reconstruction on validation images after the last, in nats per image."""
    model = build(spec, SHAPE)
    assert isinstance(model, VQVAE)
    step = kind(spec, model, "float32")
    times = [timed(lambda one=one: step.update(one)) for one in batches(spec, steps, seed)]  # type: ignore[misc]
    x = floats(torch.from_numpy(load("mnist", "validation").images[:2_000].reshape(2_000, -1).copy()))
    if isinstance(step, TheirStep):
        step.layer.eval()
    with torch.no_grad():
        held_out = step._terms(x, model.vectors(x))[0]["reconstruction"].mean().item()
    return statistics.median(times[len(times) // 10 :]), held_out  # the first start things up


def layers_alone(spec: RunSpec, steps: int, seed: int) -> tuple[float, float]:
    """Median milliseconds of our layer and of theirs, forwards and backwards, on the same random vectors."""
    generator = torch.Generator().manual_seed(seed)
    grid = (spec.batch_size, spec.latent_dim, spec.options.dimensions)
    model, theirs = build(spec, SHAPE), their_layer(spec)
    assert isinstance(model, VQVAE)
    ours = VQStep(spec, model, "float32")
    batch = Batch(torch.empty(0), torch.empty(0), generator, 0.5, spec.learning_rate)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(steps):
        vectors = torch.randn(grid, generator=generator, requires_grad=True)
        wanted = torch.randn(grid, generator=generator)

        def by_us(vectors: Tensor = vectors, wanted: Tensor = wanted) -> None:
            numbers = nearest(vectors.detach().flatten(0, -2), model.codebook.detach())
            entries = model.codebook.detach()[numbers].view_as(vectors)
            commitment = (vectors - entries).square().flatten(1).sum(dim=1).mean()
            (commitment + (straight_through(vectors, entries) * wanted).sum()).backward()
            ours.after(vectors.detach().flatten(0, -2), numbers, batch)

        def by_them(vectors: Tensor = vectors, wanted: Tensor = wanted) -> None:
            entries, _, commitment = theirs(vectors)
            (commitment + (entries * wanted).sum()).backward()

        times[0].append(timed(by_us))
        times[1].append(timed(by_them))
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Measure, print a table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--entries", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    options = {"entries": given.entries, "restart": False}
    rounds: list[dict[str, float]] = []
    for seed in range(given.rounds):
        spec = RunSpec("mnist", "vq_vae", batch_size=128, learning_rate=2e-3, seed=seed, options=options)
        torch.manual_seed(seed)  # their layer draws from torch's own state
        ours, our_loss = whole_steps(spec, VQStep, given.steps, seed)
        theirs, their_loss = whole_steps(spec, TheirStep, given.steps, seed)
        our_layer, their_layer_ms = layers_alone(spec, given.steps, seed)
        rounds.append(
            {
                "step_ms": ours, "their_step_ms": theirs, "layer_ms": our_layer, "their_layer_ms": their_layer_ms,
                "validation": our_loss, "their_validation": their_loss,
            }
        )  # fmt: skip
        print({name: round(value, 2) for name, value in rounds[-1].items()})
    faster = {
        what: statistics.median(one[f"their_{what}_ms"] / one[f"{what}_ms"] for one in rounds)
        for what in ("step", "layer")
    }
    version = importlib.metadata.version("vector-quantize-pytorch")
    print(f"vector-quantize-pytorch {version}, torch {torch.__version__}, {given.threads} threads, K = {given.entries}")
    print(f"whole step {faster['step']:.2f} times as fast, the layer alone {faster['layer']:.2f} (goal {GOAL:g})")
    if given.json:
        given.json.write_text(json.dumps({"rounds": rounds, "faster": faster, "version": version}))


if __name__ == "__main__":
    main()
