"""What the classifier is given: pixels, or what a shipped model that saw no label makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ui.chapters.uses.runs import DATASET
from vae_core.datasets import load
from vae_core.metrics.latent import active_dimensions
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest

SCALED_BY = 1_000  # held-out images
Read = Callable[[Run, np.ndarray], np.ndarray]


def _codes(run: Run, pixels: np.ndarray) -> np.ndarray:
    """The code, or the posterior's mean."""
    return run.encode(pixels)


def _layer_before(run: Run, pixels: np.ndarray) -> np.ndarray:
    """What the encoder's last layer is given."""
    return run_program(run.encoder[:-1], run.weights, pixels)


def _standardised(run: Run, pixels: np.ndarray) -> np.ndarray:
    """Every dimension of the posterior's mean with variance 1 over the held-out images."""
    known = run.codes.mean
    found: np.ndarray = (run.encode(pixels) - known.mean(axis=0)) / known.std(axis=0)
    return found


def _active(run: Run, pixels: np.ndarray) -> np.ndarray:
    """Of those the ones whose mean depends on the image."""
    return _standardised(run, pixels)[:, active_dimensions(run.codes.mean)]


def _entries(run: Run, pixels: np.ndarray) -> np.ndarray:
    """The codebook's entries in the place of their numbers, cell after cell."""
    codebook = run.weights["decoder.1.weight"].astype(np.float32)
    return codebook[run.encode(pixels).astype(np.int64)].reshape(len(pixels), -1)


@dataclass(frozen=True)
class Features:
    """One kind of features.

    Attributes:
        title: in the figure.
        about: what they are, in a few words.
        fits: for each model that they come from, whether a specification is its own; none for pixels.
        read: (run, flat images (N, D) in [0, 1]) -> (N, d).
    """

    title: str
    about: str
    fits: tuple[Callable[[RunSpec], bool], ...] = ()
    read: Read = _codes

    def specs(self) -> list[RunSpec]:
        """Of each model the first specification of the manifest that fits."""
        known = [spec for spec in read_manifest() if spec.dataset == DATASET]
        return [next(spec for spec in known if fits(spec)) for fits in self.fits]

    def of(self, runs: Sequence[Run], pixels: np.ndarray) -> np.ndarray:
        """Flat images (N, D) in [0, 1] -> float32 (N, d).

        Args:
            runs: of `specs`; the features of several stand side by side, each brought to a total variance of 1.
            pixels: the images.
        """
        parts = [self.read(run, pixels) for run in runs] or [pixels]
        if len(parts) > 1:
            parts = [part / _spread(run.key, self.read, run) for part, run in zip(parts, runs, strict=True)]
        return np.concatenate(parts, axis=1, dtype=np.float32)


_spreads: dict[tuple[str, Read], float] = {}


def _spread(key: str, read: Read, run: Run) -> float:
    """The square root of the total variance of a model's features over some held-out images; computed once."""
    if (key, read) not in _spreads:
        images = load(DATASET, "validation").first(SCALED_BY).floats()
        _spreads[key, read] = float(np.sqrt(read(run, images).var(axis=0).sum()))
    return _spreads[key, read]


def _is(model: str, d: int, hidden: tuple[int, ...] | None = None) -> Callable[[RunSpec], bool]:
    def fits(spec: RunSpec) -> bool:
        plain = spec.beta in (0.0, 1.0) and spec.likelihood != "continuous_bernoulli" and not spec.binarised
        plain = plain and getattr(spec, "corruption", None) is None
        return (spec.model, spec.latent_dim) == (model, d) and plain and hidden in (None, spec.hidden)

    return fits


def _usual_codebook(spec: RunSpec) -> bool:
    return spec.model == "vq_vae" and spec.options.entries == 64 and spec.epochs == 20


# By their name in links and in the figures, in the order of the table.
FEATURES = {
    "pixels": Features("Pixels", "784 numbers as they are"),
    "pca": Features("PCA, d = 32", "the projections on 32 directions", (_is("pca", 32),)),
    "ae": Features("Autoencoder, d = 32", "fully connected", (_is("ae", 32),)),
    "conv_ae": Features("Convolutional AE, d = 32", "its code", (_is("conv_ae", 32),)),
    "hidden": Features(
        "Convolutional AE, layer before the code",
        "64 numbers; of the one with d = 8",
        (_is("conv_ae", 8),),
        _layer_before,
    ),
    "both": Features(
        "Two convolutional AEs, layers before their codes",
        "128 numbers; d = 8 and d = 16",
        (_is("conv_ae", 8), _is("conv_ae", 16)),
        _layer_before,
    ),
    "vae": Features("VAE, d = 16", "the posterior's mean, fully connected", (_is("vae", 16, (128, 64)),)),
    "vae_all": Features(
        "VAE, d = 32, all units", "means of unit variance, collapsed units too", (_is("vae", 32),), _standardised
    ),
    "vae_active": Features("VAE, d = 32, active units", "the same without collapsed units", (_is("vae", 32),), _active),
    "vq": Features("VQ-VAE", "49 entries of 16 numbers", (_usual_codebook,), _entries),
}
