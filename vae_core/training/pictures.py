"""The training film: reconstructions of a few held-out images after each kept epoch.

They are in the partial file beside what resuming needs, with the network as a program, so that a page can show a run in
training without torch; the finished run keeps the pictures as its extras.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vae_core import archive
from vae_core.datasets import ImageDataset
from vae_core.errors import DamagedRun
from vae_core.losses.likelihoods import likelihood_of
from vae_core.models import build, model_kind
from vae_core.program.export import Programs
from vae_core.program.forward import run_program
from vae_core.spec import RunSpec
from vae_core.storage.state import TrainingState
from vae_core.training.programs import checked_programs
from vae_core.training.schedule import images_per_epoch, shown_images, snapshot_epochs

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 600_000  # of all pictures of a run
FEWEST, MOST = 2, 10  # images
_REBUILT = "film/rebuilt/"


class Film:
    """Collects the pictures of one run.

    Args:
        spec: of the run.
        programs: of its model, the encoder among them.
        training: what it learns from.
        validation: held-out images; the first few are rebuilt.
        partial: file of the interrupted run, whose pictures are kept.
    """

    @classmethod
    def of(cls, spec: RunSpec, training: ImageDataset, validation: ImageDataset, partial: Path) -> Film | None:
        """The film of a run; None where its model rebuilds no images: codes are no place in a space, or the encoder is
        no program."""
        if not model_kind(spec.model).bottleneck.continuous:
            return None
        programs = checked_programs(spec, build(spec, training.image_shape))
        return cls(spec, programs, training, validation, partial) if programs.encoder else None

    def __init__(
        self, spec: RunSpec, programs: Programs, training: ImageDataset, validation: ImageDataset, partial: Path
    ) -> None:
        self.spec = spec
        self.encoder, self.decoder = programs.encoder, programs.decoder
        self.kept = snapshot_epochs(spec.epochs)
        self.originals = validation.images[: _image_count(len(self.kept), validation.image_shape)]
        self.labels = validation.labels[: shown_images(spec)].astype(np.uint8)
        self.pixels = validation.first(len(self.originals)).floats()
        self.rebuilt = _earlier(partial, self.originals.shape)
        self.document = {
            "image_shape": list(training.image_shape),
            "label_names": list(training.label_names),
            "images_per_epoch": images_per_epoch(len(training)),
            "encoder": self.encoder,
            "decoder": self.decoder,
        }

    def take(self, state: TrainingState) -> dict[str, np.ndarray]:
        """Reconstruct the images if the state's epoch is kept; returns all tensors so far, for the partial file."""
        if state.epoch in self.kept or not self.rebuilt:
            weights = {name: value.numpy() for name, value in state.weights.items()}
            output = run_program(self.decoder, weights, run_program(self.encoder, weights, self.pixels))
            shown = likelihood_of(self.spec, weights).expected_images(output)
            levels = np.rint(np.clip(shown, 0.0, 1.0) * 255.0).astype(np.uint8)
            self.rebuilt[state.epoch] = levels.reshape(self.originals.shape)
        frames = {f"{_REBUILT}{epoch}": images for epoch, images in self.rebuilt.items()}
        return {"film/labels": self.labels, "film/originals": self.originals, **frames}

    def extras(self) -> dict[str, np.ndarray]:
        """For the finished run: ``film/originals`` uint8 (S, C, H, W), ``film/epochs`` int32 (E,) and
        ``film/rebuilt`` uint8 (E, S, C, H, W)."""
        epochs = sorted(epoch for epoch in self.rebuilt if epoch in self.kept)
        if not epochs:
            return {}
        return {
            "film/originals": self.originals,
            "film/epochs": np.array(epochs, dtype=np.int32),
            "film/rebuilt": np.stack([self.rebuilt[epoch] for epoch in epochs]),
        }


def rebuilt_in(tensors: dict[str, np.ndarray]) -> dict[int, np.ndarray]:
    """Epoch -> uint8 (S, C, H, W), from the tensors of a partial file."""
    return {int(name.removeprefix(_REBUILT)): images for name, images in tensors.items() if name.startswith(_REBUILT)}


def _image_count(epochs: int, image_shape: tuple[int, int, int]) -> int:
    return max(FEWEST, min(MOST, MOST_BYTES // (epochs * math.prod(image_shape))))


def _earlier(partial: Path, shape: tuple[int, ...]) -> dict[int, np.ndarray]:
    try:
        tensors, _ = archive.read(partial)
    except (FileNotFoundError, DamagedRun):
        return {}  # a damaged one was set aside when the state to resume from was read
    return {epoch: images for epoch, images in rebuilt_in(tensors).items() if images.shape == shape}
