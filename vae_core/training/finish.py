"""From the loop's result to a Run: rounded as stored, measured, with its provenance."""

from __future__ import annotations

import platform
import time

import numpy as np
import torch
from torch import nn

from vae_core.datasets import ImageDataset
from vae_core.evaluation import encode, evaluate
from vae_core.models.program import decoder_program
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.training.loop import Trained

LARGEST_HALF = float(np.finfo(np.float16).max)


def stored_weights(model: nn.Module) -> dict[str, np.ndarray]:
    """Half precision, which is what every metric is measured on; float32 where a weight does not fit."""
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    fits = all(np.abs(array).max() < LARGEST_HALF for array in state.values())
    return {name: array.astype(np.float16) for name, array in state.items()} if fits else state


def finish(
    spec: RunSpec,
    trained: Trained,
    training: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset | None,
    start: float,
) -> Run:
    """Round the weights as they will be stored, then measure.

    Args:
        spec, trained: what was asked for, and the loop's result.
        training, validation, test: the splits; without a test split the run carries no test figures.
        start: `time.perf_counter` when this call began.
    """
    weights = stored_weights(trained.model)
    model = trained.model
    model.load_state_dict({name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.items()})
    epochs = sorted(trained.snapshots)
    seconds = sum(record["seconds"] for record in trained.history)
    measured = [validation] + ([test] if test else [])
    return Run(
        spec=spec,
        image_shape=training.image_shape,
        label_names=training.label_names,
        weights=weights,
        decoder=decoder_program(model.decoder),  # type: ignore[arg-type]
        codes=encode(model, validation),
        history=trained.history,
        snapshots=np.stack([trained.snapshots[epoch] for epoch in epochs]),
        snapshot_epochs=epochs,
        metrics={split.split: evaluate(model, spec, split) for split in measured},
        provenance={
            "device": trained.device,
            "precision": trained.precision,
            "threads": torch.get_num_threads(),
            "training_images": len(training),
            "training_seconds": round(seconds, 3),
            "images_per_second": round(len(training) * len(trained.history) / seconds),
            "last_call_seconds": round(time.perf_counter() - start, 3),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
    )
