"""RunSpec: everything that determines a trained model, and the key it is filed under."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vae_core.errors import SpecError
from vae_core.losses.likelihoods import LIKELIHOODS

if TYPE_CHECKING:
    from vae_core.models import ModelKind

# Raised when the training procedure itself changes its results (initialisation, schedule, noise), so that a
# run of the old procedure is never mistaken for one of the new.
RECIPE = 1

MAX_LATENT_DIM = 1024
MAX_HIDDEN_UNITS = 8192
MAX_HIDDEN_LAYERS = 8
MAX_EPOCHS = 100_000
MAX_BATCH_SIZE = 65_536
DEFAULT_GAUSSIAN_VARIANCE = 0.05
MAX_IMAGES = 10_000_000
MAX_SAMPLES = 1_000
ACTIVATIONS = ("relu", "tanh")
_SILENT = (
    "reconstruction_weight",
    "kl_warm_up",
    "learned_variance",
    "samples",
    "binarised",
    "activation",
    "start_at_mean",
)


@dataclass(frozen=True)
class RunSpec:
    """A complete, validated description of one training run.

    Attributes:
        dataset: a name known to `vae_core.datasets`.
        model: a name known to `vae_core.models`.
        latent_dim: d, the number of latent dimensions, 1 to 1024; left out, the model's usual one.
        hidden: widths of the encoder's hidden layers, input side first; the decoder mirrors them. Convolutional
            models: channels of the convolutions, then the width of one fully connected layer. Linear models have
            none. Left out, the model's usual ones.
        likelihood: ``bernoulli`` (pixels as probabilities) or ``gaussian``, p(x|z) = N(f(z), cI). Left out,
            Bernoulli, and Gaussian for models that only know squared errors.
        beta: weight of the KL term, at least 0 (Higgins et al. 2017). Left out, it is 1 for models with a KL
            term and 0 for those without, where nothing else is allowed.
        variance: c of the Gaussian likelihood, in squared pixel units (pixels in [0, 1]). Left out, it is
            0.05; for the Bernoulli likelihood it must be left out.
        epochs: passes over the training split.
        batch_size: images per step.
        learning_rate: peak of the one-cycle schedule.
        seed: fixes the initial weights, the order of the images and all noise.
        images: learn from the first so many images of the training split only; None for all of them.
        reconstruction_weight: weight of the reconstruction term, at least 0, for models with a KL term; None for the
            usual 1. With 0 the KL alone is trained.
        kl_warm_up: epochs over which the KL term's weight rises in a straight line from 0 to beta (Bowman et al. 2016);
            None for none.
        learned_variance: True to learn c of the Gaussian likelihood, starting from `variance` (sigma-VAE, Rybkin et
            al. 2021); None for a fixed one.
        samples: z drawn for each image in every step, whose reconstructions are averaged; None for the usual 1.
            Held-out images are measured with one.
        binarised: True to draw each pixel as Bernoulli(pixel), 0 or 1, anew in every step (Burda et al. 2016), and
            once for held-out images; Bernoulli likelihood only, which is a density on such pixels. None for grey ones.
        activation: ``tanh`` in the hidden layers of fully connected models; None for the usual ``relu``.
        start_at_mean: True to start the decoder's last bias where it gives the mean training image, as the published
            code of Burda et al. 2016 does; fully connected models. None for a random start.

    A model that is computed rather than trained (PCA, chosen pixels) has one key whatever is said of epochs, batch
    size, learning rate and seed: they are set to fixed values.

    Raises:
        SpecError: on any value out of range, naming the field and the range.
    """

    dataset: str
    model: str
    latent_dim: int = None  # type: ignore[assignment]  # never None once constructed, like the next two
    hidden: tuple[int, ...] = None  # type: ignore[assignment]
    likelihood: str = None  # type: ignore[assignment]
    beta: float | None = None
    variance: float | None = None
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 1.5e-3
    seed: int = 0
    images: int | None = None
    reconstruction_weight: float | None = None
    kl_warm_up: int | None = None
    learned_variance: bool | None = None
    samples: int | None = None
    binarised: bool | None = None
    activation: str | None = None
    start_at_mean: bool | None = None

    def __post_init__(self) -> None:
        # Imported here: the registries import torch or image libraries, and reading a spec must stay cheap.
        from vae_core.datasets import check_name, info
        from vae_core.models import check_architecture, model_kind

        check_name(self.dataset)
        kind = model_kind(self.model)
        _set = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731  frozen dataclass
        for name, usual in (("latent_dim", kind.latent_dim), ("hidden", kind.hidden), ("likelihood", kind.likelihood)):
            if getattr(self, name) is None:
                _set(name, usual)
        if not kind.trained:
            for name in ("epochs", "batch_size", "learning_rate", "seed"):
                _set(name, type(self).__dataclass_fields__[name].default)
            _set("epochs", 1)
        _set("latent_dim", _integer("latent_dim", self.latent_dim, 1, MAX_LATENT_DIM))
        _set("epochs", _integer("epochs", self.epochs, 1, MAX_EPOCHS))
        _set("batch_size", _integer("batch_size", self.batch_size, 1, MAX_BATCH_SIZE))
        _set("seed", _integer("seed", self.seed, 0, 2**31 - 1))
        _set("learning_rate", _number("learning_rate", self.learning_rate, 0.0, 1.0, open_low=True))
        _set("hidden", _widths(self.hidden))
        if not isinstance(self.likelihood, str) or self.likelihood not in LIKELIHOODS:
            raise SpecError(f"likelihood must be one of {', '.join(LIKELIHOODS)}, not {_shown(self.likelihood)}.")
        if kind.bottleneck.divergence:
            _set("beta", _number("beta", 1.0 if self.beta is None else self.beta, 0.0, 1e6))
        elif self.beta is not None and self.beta != 0:
            raise SpecError(f"beta must be left out for model {self.model!r}: it has no KL term to weigh.")
        else:
            _set("beta", 0.0)
        if LIKELIHOODS[self.likelihood].has_variance:
            variance = DEFAULT_GAUSSIAN_VARIANCE if self.variance is None else self.variance
            _set("variance", _number("variance", variance, 0.0, 1e6, open_low=True))
        elif self.variance is not None:
            raise SpecError("variance belongs to the Gaussian likelihood; leave it out for 'bernoulli'.")
        if self.images is not None:
            _set("images", _integer("images", self.images, 2, MAX_IMAGES))
        self._check_weights(kind.bottleneck.divergence is not None)
        self._check_variants(kind)
        check_architecture(self, info(self.dataset).image_shape)

    def _check_weights(self, has_kl: bool) -> None:
        """The fields that change how the two terms are weighed; what says the usual becomes None, so that it has one
        key."""
        _set = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731  frozen dataclass
        for name in ("reconstruction_weight", "kl_warm_up"):
            if getattr(self, name) is not None and not has_kl:
                raise SpecError(f"{name} must be left out for model {self.model!r}: it has no KL term to weigh.")
        if self.reconstruction_weight is not None:
            weight = _number("reconstruction_weight", self.reconstruction_weight, 0.0, 1e6)
            if weight == 0 and self.kl_weight == 0:
                raise SpecError("reconstruction_weight and beta cannot both be 0: nothing would be learned.")
            _set("reconstruction_weight", None if weight == 1 else weight)
        if self.kl_warm_up is not None:
            epochs = _integer("kl_warm_up", self.kl_warm_up, 0, self.epochs)
            _set("kl_warm_up", epochs or None)
        if _yes("learned_variance", self.learned_variance) and not (
            LIKELIHOODS[self.likelihood].has_variance and has_kl
        ):
            raise SpecError("learned_variance belongs to the Gaussian likelihood of a model with a KL term.")
        _set("learned_variance", self.learned_variance or None)

    def _check_variants(self, kind: ModelKind) -> None:
        """The fields that change what is drawn, and what the network is made of; the usual becomes None."""
        _set = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731  frozen dataclass
        autoencodes = kind.bottleneck.continuous and kind.trained
        if self.samples is not None:
            samples = _integer("samples", self.samples, 1, MAX_SAMPLES)
            if samples > 1 and not kind.bottleneck.divergence:
                raise SpecError(f"samples must be left out for model {self.model!r}: it draws none.")
            if samples * self.batch_size > MAX_BATCH_SIZE:
                raise SpecError(f"samples times batch_size must be at most {MAX_BATCH_SIZE:,}: lower one of them.")
            _set("samples", None if samples == 1 else samples)
        if _yes("binarised", self.binarised) and not (LIKELIHOODS[self.likelihood].binary and autoencodes):
            raise SpecError("binarised belongs to the Bernoulli likelihood of an autoencoder.")
        _set("binarised", self.binarised or None)
        connected = autoencodes and kind.family == "mlp"
        if self.activation is not None:
            if self.activation not in ACTIVATIONS:
                raise SpecError(f"activation must be {' or '.join(ACTIVATIONS)}, not {_shown(self.activation)}.")
            if self.activation != "relu" and not connected:
                raise SpecError(f"activation must be left out for model {self.model!r}: it is not fully connected.")
            _set("activation", None if self.activation == "relu" else self.activation)
        if _yes("start_at_mean", self.start_at_mean) and not connected:
            raise SpecError(f"start_at_mean must be left out for model {self.model!r}: it is not fully connected.")
        _set("start_at_mean", self.start_at_mean or None)

    @property
    def kl_weight(self) -> float:
        """beta as a float: 0 for models without a KL term."""
        return float(self.beta or 0.0)

    @property
    def data_weight(self) -> float:
        """reconstruction_weight as a float."""
        return 1.0 if self.reconstruction_weight is None else self.reconstruction_weight

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; every field present but those of later versions that say nothing."""
        values = {**dataclasses.asdict(self), "hidden": list(self.hidden)}
        return {name: value for name, value in values.items() if value is not None or name not in _SILENT}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunSpec:
        """Inverse of `to_dict`.

        Raises:
            SpecError: on unknown fields or values out of range.
        """
        if not isinstance(values, dict):
            raise SpecError(f"a run's specification must be an object of fields, not {_shown(values)}.")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known, key=str):
            raise SpecError(f"unknown field {_shown(unknown[0])} in a run's specification.")
        if missing := sorted({"dataset", "model"} - set(values)):
            raise SpecError(f"a run's specification needs the field {missing[0]!r}.")
        return cls(**values)

    def canonical_json(self) -> str:
        """The text that is hashed. Fields at "not applicable" (None) are left out, so that a field added later
        with default None changes no existing key."""
        values = {name: value for name, value in self.to_dict().items() if value is not None}
        return json.dumps({**values, "recipe": RECIPE}, sort_keys=True, separators=(",", ":"))

    @cached_property
    def key(self) -> str:
        """Readable file name: model, dataset, d, beta where it applies, and 10 hex digits of the SHA-256."""
        digest = hashlib.sha256(self.canonical_json().encode()).hexdigest()[:10]
        beta = [f"b{self.kl_weight:g}"] if self.kl_weight or self.model.endswith("vae") else []
        beta = ["kl"] if self.data_weight == 0 else beta
        count = [f"n{self.images}"] if self.images else []
        return "-".join([self.model, self.dataset, f"d{self.latent_dim}", *beta, *count, digest])


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write out whole numbers of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _integer(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{name} must be a whole number from {low} to {high:,}, not {_shown(value)}.")
    return value


def _number(name: str, value: object, low: float, high: float, *, open_low: bool = False) -> float:
    ok = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN and the infinities fail the comparison; math.isfinite would not take a whole number above 1e308.
    if not ok or not low <= value <= high or (open_low and value == low):  # type: ignore[operator]
        least = f"above {low:g}" if open_low else f"at least {low:g}"
        raise SpecError(f"{name} must be a number {least} and at most {high:g}, not {_shown(value)}.")
    return float(value) + 0.0  # type: ignore[arg-type]  # -0.0 becomes 0.0: equal specs have equal keys


def _yes(name: str, value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise SpecError(f"{name} must be true or false, not {_shown(value)}.")
    return bool(value)


def _widths(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) > MAX_HIDDEN_LAYERS:
        raise SpecError(f"hidden must list at most {MAX_HIDDEN_LAYERS} layer widths, not {_shown(value)}.")
    return tuple(_integer("each hidden width", width, 1, MAX_HIDDEN_UNITS) for width in value)
