"""RunSpec: everything that determines a trained model, and the key under which it is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vae_core.corruption import CORRUPTIONS, NONE
from vae_core.errors import SpecError, UnknownName
from vae_core.losses.likelihoods import LIKELIHOODS
from vae_core.options import OneOf, Real, Whole, Widths, YesNo, option, options_of, record_from, shown, unusual

if TYPE_CHECKING:
    from vae_core.datasets import ImageDataset
    from vae_core.models import ModelKind

# Increased when a change of the training procedure (initialisation, schedule, noise) changes its results, so that
# runs of the old and the new procedure have different keys.
RECIPE = 1

MAX_LATENT_DIM = 1024
MAX_HIDDEN_UNITS = 8192
MAX_HIDDEN_LAYERS = 8
MAX_EPOCHS = 100_000
MAX_BATCH_SIZE = 65_536
DEFAULT_GAUSSIAN_VARIANCE = 0.05
MAX_IMAGES = 10_000_000
MAX_SAMPLES = 1_000
MAX_CLASSES = 256
ACTIVATIONS = ("relu", "tanh")


def _has_divergence(_spec: RunSpec, kind: ModelKind) -> bool:
    return kind.bottleneck.divergence is not None


def _class_of(spec: RunSpec) -> Whole:
    """The classes of a specification's dataset; of a user's set that is not on this machine they are not known."""
    from vae_core.datasets import info

    known = info(spec.dataset)
    if known.label_names and not known.classified:
        raise SpecError(f"without must be left out for {spec.dataset}: it has no classes that could be missing.")
    return Whole(0, (len(known.label_names) or MAX_CLASSES) - 1)


def _autoencodes(kind: ModelKind) -> bool:
    return kind.bottleneck.continuous and kind.trained


def _fully_connected(_spec: RunSpec, kind: ModelKind) -> bool:
    return _autoencodes(kind) and kind.family == "mlp"


def _rebuilds(_spec: RunSpec, kind: ModelKind) -> bool:
    """Trained to rebuild its input, and by nothing else: what it rebuilds can be another image than what it sees."""
    usual = type(kind)
    return _autoencodes(kind) and (kind.objective, kind.step) == (usual.objective, usual.step)


def _levels(spec: RunSpec) -> Real:
    return Real(0.0, CORRUPTIONS[spec.corruption].most if spec.corruption else 1.0, open_low=True)


_NO_KL = "{name} must be left out for model {model!r}: it has no KL term to weigh."
_NOT_CONNECTED = "{name} must be left out for model {model!r}: it is not fully connected."


@dataclass(frozen=True)
class RunSpec:
    """A complete, validated description of one training run.

    Attributes:
        dataset: a name known to `vae_core.datasets`.
        model: a name known to `vae_core.models`.
        latent_dim: d, the number of latent dimensions, 1 to 1024; default: the model's.
        hidden: widths of the encoder's hidden layers, input side first; the decoder mirrors them. Convolutional
            models: channels of the convolutions, then the width of one fully connected layer. Linear models have
            none. Default: the model's.
        likelihood: ``bernoulli`` (pixels as probabilities), ``gaussian``, p(x|z) = N(f(z), cI), or
            ``continuous_bernoulli``, a density on grey pixels (Loaiza-Ganem and Cunningham 2019). Left out,
            Bernoulli, and Gaussian for models that only know squared errors.
        beta: weight of the KL term, at least 0 (Higgins et al. 2017). Left out, it is 1 for models with a KL
            term and 0 for those without, where nothing else is allowed.
        variance: c of the Gaussian likelihood, in squared pixel units (pixels in [0, 1]). Left out, it is
            0.05; for the other likelihoods it must be left out.
        epochs: passes over the training split.
        batch_size: images per step.
        learning_rate: peak of the one-cycle schedule.
        seed: fixes the initial weights, the order of the images and all noise.
        images: train on only this many images, the first of the training split; None for all of them.
        reconstruction_weight: weight of the reconstruction term, at least 0, for models with a KL term; None for the
            default of 1. With 0, only the KL is trained.
        kl_warm_up: epochs over which the KL term's weight rises linearly from 0 to beta (Bowman et al. 2016);
            None for none.
        learned_variance: True to learn c of the Gaussian likelihood, starting from `variance` (sigma-VAE, Rybkin et
            al. 2021); None for a fixed one.
        samples: samples of z per image in every step, whose reconstruction losses are averaged; None for 1.
            Held-out images are measured with one.
        binarised: True to sample each pixel from Bernoulli(pixel), anew in every step (Burda et al. 2016), and once
            for held-out images; Bernoulli likelihood only, which is a probability of such pixels. None for grey ones.
        activation: ``tanh`` in the hidden layers of fully connected models; None for ``relu``.
        without: train on no image of this class, an index into the dataset's classes, to see later whether such images
            are found odd; None to leave out none. With `images`, these are the first of the others.
        start_at_mean: True to initialise the decoder's last bias to give the mean training image, as in the published
            code of Burda et al. 2016; fully connected models. None for a random initialisation.
        corruption: a name in `corruption.CORRUPTIONS`: the encoder sees images damaged in this way, anew in every step,
            and the loss is that of the undamaged ones (Vincent et al. 2008); autoencoders trained to rebuild their
            input. None for none.
        corruption_level: how strongly, in that corruption's unit; None for 0.5.
        options: fields specific to the model, as its own frozen record (`ModelKind.options`) or an object of its
            fields; None if the model has none, or for their defaults.

    For a model that is computed rather than trained (PCA, chosen pixels), epochs, batch size, learning rate and seed
    are set to fixed values, so that it has a single key.

    Raises:
        SpecError: on any value out of range, naming the field and the range.
    """

    dataset: str
    model: str
    # Never None once constructed, like the next two.
    latent_dim: int = option(None, Whole(1, MAX_LATENT_DIM), "Number of latent dimensions; usually 2.")
    hidden: tuple[int, ...] = option(
        None,
        Widths(MAX_HIDDEN_LAYERS, MAX_HIDDEN_UNITS),
        "Widths of the encoder's hidden layers, such as 512,256; conv: channels, width.",
    )
    likelihood: str = option(
        None, OneOf(tuple(LIKELIHOODS)), "bernoulli, gaussian, or continuous_bernoulli for grey pixels."
    )
    beta: float | None = option(None, Real(0.0, 1e6), "Weight of the KL term; 1 if left out.")
    variance: float | None = option(None, Real(0.0, 1e6, open_low=True), "c of the Gaussian likelihood.")
    epochs: int = option(30, Whole(1, MAX_EPOCHS), "Passes over the training images.")
    batch_size: int = option(128, Whole(1, MAX_BATCH_SIZE), "Images per step.")
    learning_rate: float = option(1.5e-3, Real(0.0, 1.0, open_low=True), "Peak of the one-cycle schedule.")
    seed: int = option(0, Whole(0, 2**31 - 1), "Fixes weights, order and noise.")
    images: int | None = option(None, Whole(2, MAX_IMAGES), "Learn from the first so many images only.")
    # Later fields, for some families of models: None at their defaults, so that earlier keys stay the same.
    reconstruction_weight: float | None = option(
        None,
        Real(0.0, 1e6),
        "1 if left out; 0 trains the KL alone.",
        usual=1.0,
        belongs=_has_divergence,
        refusal=_NO_KL,
        strict=True,
    )
    kl_warm_up: int | None = option(
        None,
        lambda spec: Whole(0, spec.epochs),
        "Epochs over which the KL's weight rises from 0.",
        usual=0,
        belongs=_has_divergence,
        refusal=_NO_KL,
        strict=True,
    )
    learned_variance: bool | None = option(
        None,
        YesNo(),
        "Learn c, from --variance on.",
        usual=False,
        belongs=lambda spec, kind: LIKELIHOODS[spec.likelihood].has_variance and _has_divergence(spec, kind),
        refusal="{name} belongs to the Gaussian likelihood of a model with a KL term.",
    )
    samples: int | None = option(
        None,
        Whole(1, MAX_SAMPLES),
        "z sampled for each image in every step; 1 if left out.",
        usual=1,
        belongs=_has_divergence,
        refusal="{name} must be left out for model {model!r}: it samples none.",
    )
    binarised: bool | None = option(
        None,
        YesNo(),
        "Sample each pixel as Bernoulli(pixel), anew in every step.",
        usual=False,
        belongs=lambda spec, kind: LIKELIHOODS[spec.likelihood].binary and _autoencodes(kind),
        refusal="{name} belongs to the Bernoulli likelihood of an autoencoder.",
    )
    activation: str | None = option(
        None,
        OneOf(ACTIVATIONS),
        "relu or tanh, in fully connected models.",
        usual="relu",
        belongs=_fully_connected,
        refusal=_NOT_CONNECTED,
    )
    start_at_mean: bool | None = option(
        None,
        YesNo(),
        "Start the decoder's last bias at the mean training image.",
        usual=False,
        belongs=_fully_connected,
        refusal=_NOT_CONNECTED,
    )
    corruption: str | None = option(
        None,
        OneOf((NONE, *CORRUPTIONS)),
        f"The encoder sees damaged images: {', '.join(CORRUPTIONS)}.",
        usual=NONE,
        belongs=_rebuilds,
        refusal="{name} must be left out for model {model!r}: it is not trained to rebuild its input alone.",
    )
    corruption_level: float | None = option(
        None,
        _levels,
        "How strongly, in the corruption's unit; 0.5 if left out.",
        usual=0.5,
        belongs=lambda spec, kind: spec.corruption is not None,  # noqa: ARG005
        refusal="{name} needs a corruption.",
    )
    without: int | None = option(
        None,
        _class_of,
        "Learn from no image of this class, by its number; evaluate then says whether such images are found odd.",
        belongs=lambda spec, kind: kind.bottleneck.continuous,  # noqa: ARG005
        refusal="{name} must be left out for model {model!r}: it has no codes in which a class could be missing.",
        strict=True,
    )
    options: Any = None

    def __post_init__(self) -> None:
        # Imported here: the registries import torch or image libraries, and reading a spec must stay cheap.
        from vae_core.datasets import check_name, info
        from vae_core.models import check_architecture, model_kind

        check_name(self.dataset)
        kind = model_kind(self.model)
        for name in ("hidden", "likelihood"):
            if getattr(self, name) is None:
                self._set(name, getattr(kind, name))
        self._settle_latent_dim(kind, info(self.dataset).image_shape)
        if not kind.trained:
            for field in dataclasses.fields(self):
                if field.name in ("batch_size", "learning_rate", "seed"):
                    self._set(field.name, field.default)
            self._set("epochs", 1)
        for name in ("latent_dim", "epochs", "batch_size", "seed", "learning_rate", "hidden", "likelihood"):
            self._set(name, OPTIONS[name].checked(name, self, kind))
        self._settle_weights(kind)
        for name in ("images", *LATER_FIELDS):
            if getattr(self, name) is not None:
                self._set(name, OPTIONS[name].checked(name, self, kind))
        if self.data_weight == 0 and self.kl_weight == 0:
            raise SpecError("reconstruction_weight and beta cannot both be 0: nothing would be learned.")
        if (self.samples or 1) * self.batch_size > MAX_BATCH_SIZE:
            raise SpecError(f"samples times batch_size must be at most {MAX_BATCH_SIZE:,}: lower one of them.")
        if kind.options is not None:
            self._set("options", record_from(kind.options, self.options, self.model))
        elif self.options is not None:
            raise SpecError(f"options must be left out for model {self.model!r}: it has none.")
        check_architecture(self, info(self.dataset).image_shape)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen; only used during construction

    def _settle_latent_dim(self, kind: ModelKind, image_shape: tuple[int, int, int]) -> None:
        """latent_dim, whose default depends on the model, and on the image where the network leaves no choice."""
        if kind.latent_dim_of is None:
            if self.latent_dim is None:
                self._set("latent_dim", kind.latent_dim)
            return
        hidden = OPTIONS["hidden"].checked("hidden", self, kind) or kind.hidden
        # Too few layers, or too many for the image: refused below, by what says how many there may be.
        only = max(1, kind.latent_dim_of(hidden, image_shape))
        if self.latent_dim not in (None, only):
            raise SpecError(f"latent_dim must be left out for model {self.model!r}: it is {only}, one for each cell.")
        self._set("latent_dim", only)

    def _settle_weights(self, kind: ModelKind) -> None:
        """beta and the variance, whose defaults depend on the model and the likelihood."""
        if _has_divergence(self, kind):
            self._set("beta", 1.0 if self.beta is None else OPTIONS["beta"].checked("beta", self, kind))
        elif self.beta is not None and self.beta != 0:
            raise SpecError(_NO_KL.format(name="beta", model=self.model))
        else:
            self._set("beta", 0.0)
        if LIKELIHOODS[self.likelihood].has_variance:
            if self.variance is None:
                self._set("variance", DEFAULT_GAUSSIAN_VARIANCE)
            self._set("variance", OPTIONS["variance"].checked("variance", self, kind))
        elif self.variance is not None:
            raise SpecError(f"variance belongs to the Gaussian likelihood; leave it out for {self.likelihood!r}.")

    def usual_of(self, dataset: ImageDataset) -> ImageDataset:
        """The images of a split that belong: those that are not of the class left out.

        Raises:
            SpecError: all are of that class.
        """
        return dataset.without(self.without)

    def learned_of(self, training: ImageDataset) -> ImageDataset:
        """The images of the training split that it learns from: the first `images` of those that belong.

        Raises:
            SpecError: all are of the class left out.
        """
        return self.usual_of(training).first(self.images)

    @property
    def base(self) -> str:
        """The key of the run that it begins with; empty for none."""
        from vae_core.models import model_kind

        name = model_kind(self.model).base
        return str(getattr(self.options, name)) if name else ""

    @property
    def target(self) -> str | None:
        """The images that it learns to give, see `ImageDataset.target`; None for a model that has no such choice."""
        return getattr(self.options, "target", None)

    @property
    def kl_weight(self) -> float:
        """beta as a float: 0 for models without a KL term."""
        return float(self.beta or 0.0)

    @property
    def data_weight(self) -> float:
        """reconstruction_weight as a float."""
        return 1.0 if self.reconstruction_weight is None else self.reconstruction_weight

    @property
    def damage(self) -> tuple[str, float] | None:
        """The corruption and its level; None for a model that sees what it rebuilds."""
        level = 0.5 if self.corruption_level is None else self.corruption_level
        return None if self.corruption is None else (self.corruption, level)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types. Fields added in later versions are left out if they are None."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {"hidden": list(self.hidden), "options": unusual(self.options) or None if self.options else None}
        silent = (*LATER_FIELDS, "options")
        return {name: value for name, value in values.items() if value is not None or name not in silent}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunSpec:
        """Inverse of `to_dict`.

        Raises:
            UnknownName: a field, a model, a dataset or an option that is not known here.
            SpecError: values out of range.
        """
        if not isinstance(values, dict):
            raise SpecError(f"a run's specification must be an object of fields, not {shown(values)}.")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known, key=str):
            what = f"field {shown(unknown[0])}"
            raise UnknownName(f"unknown {what} in a run's specification.", what=what)
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
        from vae_core.models import model_kind

        grid = model_kind(self.model).bottleneck.discrete  # by its name it would have a β; other keys must stay
        beta = [f"b{self.kl_weight:g}"] if self.kl_weight or (self.model.endswith("vae") and not grid) else []
        beta = ["kl"] if self.data_weight == 0 else beta
        count = [f"n{self.images}"] if self.images else []
        missing = [] if self.without is None else [f"no{self.without}"]
        return "-".join([self.model, self.dataset, f"d{self.latent_dim}", *beta, *count, *missing, digest])


OPTIONS = options_of(RunSpec)
LATER_FIELDS = (*(name for name, each in OPTIONS.items() if each.usual is not None), "without")
