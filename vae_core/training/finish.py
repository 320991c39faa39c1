"""Make a Run of the training loop's result: round its weights as stored, measure it, add its provenance."""

from __future__ import annotations

import platform
import time
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.features import REFERENCE_IMAGES, FeatureSpace, reference_extras
from vae_core.evaluation.losses import encode
from vae_core.evaluation.measure import measure
from vae_core.models import model_kind
from vae_core.models.network import Network
from vae_core.program.export import programs_of
from vae_core.run import Codes, Run
from vae_core.sampling import MOST_TO_FIT, fit_mixture
from vae_core.spec import RunSpec
from vae_core.training.loop import Trained
from vae_core.training.schedule import images_per_epoch

LARGEST_HALF = float(np.finfo(np.float16).max)


def stored_weights(model: nn.Module) -> dict[str, np.ndarray]:
    """In half precision, on which every metric is measured; in float32 if a weight exceeds its range."""
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    fits = all(np.abs(array).max() < LARGEST_HALF for array in state.values())
    return {name: array.astype(np.float16) for name, array in state.items()} if fits else state


def finish(
    spec: RunSpec,
    trained: Trained,
    training: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset | None,
    features: FeatureSpace | None,
    start: float,
) -> Run:
    """Round the weights as they will be stored, then measure.

    Args:
        spec, trained: the specification, and the loop's result.
        training, validation, test: the splits; without a test split the run has no test figures.
        features: of the dataset's classifier; without it the run has no figures of generated images.
        start: `time.perf_counter` when this call began.
    """
    weights = stored_weights(trained.model)
    model = trained.model
    model.load_state_dict({name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.items()})
    epochs = sorted(trained.snapshots)
    seconds = sum(record["seconds"] for record in trained.history)
    shown = images_per_epoch(len(training)) if model_kind(spec.model).trained else len(training)
    codes = _as_stored(encode(model, validation))
    programs = programs_of(model)
    run = Run(
        spec=spec,
        image_shape=training.image_shape,
        label_names=training.label_names,
        weights=weights,
        decoder=programs.decoder,
        encoder=programs.encoder,
        further_programs=programs.further,
        codes=codes,
        history=trained.history,
        snapshots=_stacked([trained.snapshots[epoch] for epoch in epochs]),
        snapshot_epochs=epochs,
        extras=_extras(spec, model, training, codes),
        provenance={
            "device": trained.device,
            "precision": trained.precision,
            "threads": torch.get_num_threads(),
            "training_images": len(training),
            "training_seconds": round(seconds, 3),
            "images_per_second": round(shown * len(trained.history) / max(seconds, 1e-9)),
            "last_call_seconds": round(time.perf_counter() - start, 3),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
    )
    # A run on few images is there to show what it does with just those.
    measured = [validation, *([test] if test else []), *([training] if spec.images else [])]
    return replace(run, metrics={split.split: measure(run, split, features, training) for split in measured})


def _stacked(snapshots: list[np.ndarray]) -> np.ndarray:
    """Of the images that all have: a run may have begun when more of a set were to validate on, the first the same."""
    common = min(map(len, snapshots))
    return np.stack([codes[:common] for codes in snapshots])


def _as_stored(codes: Codes) -> Codes:
    """Rounded to half precision, if they are within its range."""
    parts = codes.parts()
    if any(np.abs(array).max() >= LARGEST_HALF for array in parts.values()):
        return codes
    return replace(codes, **{name: array.astype(np.float16).astype(np.float32) for name, array in parts.items()})


def _extras(spec: RunSpec, model: Network, training: ImageDataset, held_out: Codes) -> dict[str, np.ndarray]:
    """What is stored of the training images: a mixture over their codes, or a classifier's features of them."""
    bottleneck = model_kind(spec.model).bottleneck
    if spec.target is None and not bottleneck.decodes:
        return reference_extras(encode(model, training.first(REFERENCE_IMAGES)).mean, held_out.mean)
    if not bottleneck.continuous:
        return {}
    try:
        mixture = fit_mixture(encode(model, training.first(MOST_TO_FIT)).mean)
    except MeasureError:
        return {}  # too few images; sampling from the mixture reports it
    return {f"mixture/{name}": array.astype(np.float32) for name, array in mixture._asdict().items()}
