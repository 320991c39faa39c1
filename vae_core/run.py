"""Run: a trained model with its recorded history, measurements and provenance."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_core.errors import DamagedRun, MeasureError
from vae_core.losses.gaussian import reparameterise
from vae_core.losses.likelihoods import Likelihood, likelihood_of
from vae_core.metrics.latent import active_dimensions, sigma_over_spread
from vae_core.models import model_kind
from vae_core.program.forward import run_program
from vae_core.program.operations import Program
from vae_core.sampling import Mixture
from vae_core.spec import RunSpec

if TYPE_CHECKING:
    from vae_core.models.network import Network


# Figures that differ between two sets of images, if there are two.
_TELLING = ("n", "negative_elbo", "reconstruction", "kl", "bernoulli_floor", "mse", "active_units", "cross_entropy")


@dataclass(frozen=True)
class Codes:
    """The codes of the held-out images: of the grey images, even if the model was trained on binarised ones.

    Attributes:
        mean: float32 (N, d), codes or posterior means.
        log_var: float32 (N, d), or None for a model without a posterior.
        labels: uint8 (N,).
    """

    mean: np.ndarray
    log_var: np.ndarray | None
    labels: np.ndarray

    @property
    def has_posterior(self) -> bool:
        """Whether each code is a distribution rather than a point."""
        return self.log_var is not None

    def posterior(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and log-variances, float32 (N, d) each.

        Raises:
            MeasureError: the model encodes images as points.
        """
        if self.log_var is None:
            raise MeasureError("These codes are points without a posterior: choose a variational autoencoder.")
        return self.mean, self.log_var

    def used(self) -> np.ndarray:
        """Which dimensions tell something of the image: bool (d,).

        Of distributions, the active ones; the codes of a model without a prior have no scale, so all that vary.
        """
        return active_dimensions(self.mean) if self.has_posterior else np.ptp(self.mean, axis=0) > 0.0

    def sigma_over_spread(self) -> float | None:
        """Median σ over the spread of μ, over images and the dimensions in use, see `metrics.sigma_over_spread`.

        A dimension that is off has σ = 1 and hardly a spread: with those counted in, codes that say much look like
        noise.

        Returns:
            None if no dimension is in use.

        Raises:
            MeasureError: the model encodes images as points.
        """
        means, log_var = self.posterior()
        used = self.used()
        return sigma_over_spread(means[:, used], log_var[:, used]) if used.any() else None

    def parts(self) -> dict[str, np.ndarray]:
        """What describes each code, by name: ``mean``, and ``log_var`` if it is a distribution; float32 (N, d)."""
        return {"mean": self.mean} if self.log_var is None else {"mean": self.mean, "log_var": self.log_var}

    def part(self, which: slice) -> Codes:
        """The codes of some of the images."""
        return Codes(self.mean[which], None if self.log_var is None else self.log_var[which], self.labels[which])

    def mean_variance(self) -> np.ndarray:
        """The posteriors' variances averaged over the images, float64 (d,); 0 for points."""
        if self.log_var is None:
            return np.zeros(self.mean.shape[1])
        return np.exp(self.log_var.astype(np.float64)).mean(axis=0)

    def drawn(self, generator: np.random.Generator) -> np.ndarray:
        """One sample z of each image's posterior, float32 (N, d); the codes themselves if there is no posterior."""
        if self.log_var is None:
            return self.mean
        noise = generator.standard_normal(self.mean.shape, dtype=np.float32)
        return reparameterise(self.mean, self.log_var, noise)


@dataclass(frozen=True)
class Run:
    """A trained model.

    Weights are plain arrays, so that pages need not import torch; `model` builds the network.

    Attributes:
        spec: its specification.
        image_shape: (C, H, W).
        label_names: class names.
        weights: the model's ``state_dict`` as stored: half precision, or float32 if a weight exceeds its range.
        decoder: the decoder as a program, see `program.operations`; it names entries of `weights`. A classifier's goes
            from features to logits.
        codes: of the validation split.
        history: one record per epoch: losses in nats per image, seconds.
        snapshots: float16 (epochs kept, n, d), codes of the first n validation images after those epochs.
        snapshot_epochs: the epochs kept, 1-based.
        metrics: split name -> {"n": sample size, metric: value}.
        provenance: versions, device, precision, seconds, images per second.
        encoder: from a flat image to its code (the mean of its posterior, a classifier's features), as a program;
            empty in older files, and if the encoder cannot be written as a program.
        extras: further arrays by name: ``mixture/weights``, ``mixture/means`` and ``mixture/covariances``, fitted to
            the codes of training images; a classifier's ``reference``, its features of training images,
            and ``threshold``, see `evaluation.features.FeatureSpace`.
        further_programs: programs other than encoder and decoder, by name, such as ``codebook`` and ``prior``.
    """

    spec: RunSpec
    image_shape: tuple[int, int, int]
    label_names: tuple[str, ...]
    weights: dict[str, np.ndarray]
    decoder: Program
    codes: Codes
    history: list[dict[str, float]]
    snapshots: np.ndarray
    snapshot_epochs: list[int]
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    encoder: Program = field(default_factory=list)
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    further_programs: dict[str, Program] = field(default_factory=dict)

    @property
    def one_held_out_set(self) -> bool:
        """Whether the validation and the test set are the same images, as of small sets: then all figures agree."""
        if not {"test", "validation"} <= self.metrics.keys():
            return False
        test, validation = self.metrics["test"], self.metrics["validation"]
        return all(test.get(name) == validation.get(name) for name in _TELLING)

    @property
    def key(self) -> str:
        """The spec's key."""
        return self.spec.key

    @cached_property
    def model(self) -> Network:
        """The network with the stored weights, on the CPU, in evaluation mode.

        Raises:
            DamagedRun: the weights do not fit the spec's architecture.
        """
        import torch

        from vae_core.models import build

        model = build(self.spec, self.image_shape)
        weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in self.weights.items()}
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise DamagedRun(f"the weights in {self.key} do not fit its specification; train it again.") from error
        return model.eval()

    @cached_property
    def programs(self) -> dict[str, Program]:
        """All programs by name: ``encoder`` and ``decoder``, the encoder's parts if it has a posterior (``trunk``,
        ``mean`` and ``log_var``), and the further ones.

        Raises:
            DamagedRun: the encoder or the weights do not fit the model's bottleneck.
        """
        declared = model_kind(self.spec.model).bottleneck.programs
        try:
            return {**declared(self.encoder, self.decoder, self.weights), **self.further_programs}
        except ValueError as error:
            raise DamagedRun(f"the programs in {self.key} do not fit its model ({error}).") from error

    def run_program(self, name: str, x: np.ndarray) -> np.ndarray:
        """Apply the named program to x: (N, inputs) -> float32 (N, outputs), without torch.

        Raises:
            ValueError: there is no such program.
        """
        if name not in self.programs:
            raise ValueError(f"{self.key} does not hold its {name} as a program")
        return run_program(self.programs[name], self.weights, x)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N, d) -> expected pixels, float32 (N, C*H*W), without torch; outside [0, 1] possible if Gaussian."""
        return self.likelihood.expected_images(run_program(self.decoder, self.weights, codes))

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Flat images (N, C*H*W) in [0, 1] -> codes or posterior means, float32 (N, d), without torch."""
        if not self.encoder:
            raise ValueError(f"{self.key} does not hold its encoder as a program")
        return run_program(self.encoder, self.weights, pixels)

    def posterior(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log-variance of q(z|x): flat images (N, C*H*W) in [0, 1] -> float32 (N, d) each, without torch.

        Raises:
            MeasureError: a model without a posterior.
        """
        if not self.codes.has_posterior:
            raise MeasureError(f"{self.key} has no posterior: choose a variational autoencoder.")
        features = self.run_program("trunk", pixels)  # computed once for both heads
        return self.run_program("mean", features), self.run_program("log_var", features)

    @property
    def mixture(self) -> Mixture | None:
        """The mixture fitted to the codes of training images, or None if none was."""
        parts = [self.extras.get(f"mixture/{name}") for name in Mixture._fields]
        return None if any(part is None for part in parts) else Mixture(*parts)  # type: ignore[arg-type]

    @property
    def likelihood(self) -> Likelihood:
        """p(x|z) for arrays, with the variance that was chosen or learned."""
        return likelihood_of(self.spec, self.weights)
