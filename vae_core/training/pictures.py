"""The training film: what the network makes after each kept epoch, and before the first one.

Reconstructions of a few held-out images, and, where codes are places in a space, one picture of what the decoder makes
(`payloads.decoded`). They are in
the partial file beside what resuming needs, with the network as a program, so that a page can show a run in training
without torch. The finished run keeps the reconstructions as its extras; the pictures lie beside it (`Store.save_film`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vae_core import archive
from vae_core.datasets import ImageDataset
from vae_core.errors import DamagedRun
from vae_core.losses.likelihoods import likelihood_of
from vae_core.models import build, model_kind
from vae_core.payloads.decoded import decoded, from_tensors, is_picture, to_tensors
from vae_core.program.export import Programs
from vae_core.program.forward import run_program
from vae_core.spec import RunSpec
from vae_core.storage.state import TrainingState
from vae_core.training.programs import checked_programs
from vae_core.training.schedule import images_per_epoch, rebuilt_images, shown_images, snapshot_epochs

if TYPE_CHECKING:
    from pathlib import Path

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
        """The film of a run; None where its model rebuilds no images: codes are neither places in a space nor a grid of
        entries, the encoder is no program, or all that rebuilds is another run's and does not learn."""
        bottleneck = model_kind(spec.model).bottleneck
        if not (bottleneck.continuous or (bottleneck.discrete and not spec.base)):
            return None
        programs = checked_programs(spec, build(spec, training.image_shape))
        return cls(spec, programs, training, validation, partial) if programs.encoder else None

    def __init__(
        self, spec: RunSpec, programs: Programs, training: ImageDataset, validation: ImageDataset, partial: Path
    ) -> None:
        self.spec = spec
        self.encoder, self.decoder = programs.encoder, programs.decoder
        self.image_shape = training.image_shape
        bottleneck = model_kind(spec.model).bottleneck
        self.prior = bottleneck.has_prior
        self.pictured = bottleneck.continuous and is_picture(training.image_shape)
        self.kept = snapshot_epochs(spec.epochs)
        self.originals = validation.images[: rebuilt_images(spec, validation.image_shape)]
        self.labels = validation.labels[: shown_images(spec)].astype(np.uint8)
        self.pixels = validation.first(len(self.originals)).floats()
        earlier = _earlier(partial)
        shape = self.originals.shape
        self.rebuilt = {epoch: images for epoch, images in rebuilt_in(earlier).items() if images.shape == shape}
        self.decoded = from_tensors(earlier)
        self.document = {
            "image_shape": list(training.image_shape),
            "label_names": list(training.label_names),
            "images_per_epoch": images_per_epoch(len(training)),
            "encoder": self.encoder,
            "decoder": self.decoder,
        }

    def take(self, state: TrainingState) -> dict[str, np.ndarray]:
        """Make the pictures if the state's epoch is kept; returns all tensors so far, for the partial file."""
        codes = state.snapshots.get(state.epoch)
        if codes is not None or not self.rebuilt:
            weights = {name: value.numpy() for name, value in state.weights.items()}
            shown = self._decode(weights, run_program(self.encoder, weights, self.pixels))
            levels = np.rint(np.clip(shown, 0.0, 1.0) * 255.0).astype(np.uint8)
            self.rebuilt[state.epoch] = levels.reshape(self.originals.shape)
            # Where codes are beyond half precision there is no plane to draw.
            if codes is not None and np.isfinite(codes).all() and self.pictured:
                self.decoded[state.epoch] = decoded(
                    lambda z: self._decode(weights, z), codes.astype(np.float32), self.image_shape, prior=self.prior
                )
        frames = {f"{_REBUILT}{epoch}": images for epoch, images in self.rebuilt.items()}
        return {"film/labels": self.labels, "film/originals": self.originals, **frames, **self.pictures()}

    def _decode(self, weights: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        return likelihood_of(self.spec, weights).expected_images(run_program(self.decoder, weights, z))

    def pictures(self) -> dict[str, np.ndarray]:
        """What the decoder made in all epochs so far, for `Store.save_film`."""
        return to_tensors(self.decoded)

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


def _earlier(partial: Path) -> dict[str, np.ndarray]:
    try:
        tensors, _ = archive.read(partial)
    except (FileNotFoundError, DamagedRun):
        return {}  # a damaged one was set aside when the state to resume from was read
    return tensors
