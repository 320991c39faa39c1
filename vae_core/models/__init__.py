"""The registry of models: a new one is a module in this package and an entry in `MODELS`."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_core import plugins
from vae_core.errors import SpecError, UnknownName
from vae_core.models.adversarial_options import (
    GANOptions,
    PerceptualOptions,
    VAEGANOptions,
    check_adversarial,
    check_perceptual,
    feature_fields,
    warm_start_fields,
)
from vae_core.models.bottleneck import BOTTLENECKS, Bottleneck
from vae_core.models.conv_sizes import cells
from vae_core.models.factorising_options import FactorOptions, TCOptions, check_factor, check_tc
from vae_core.models.quantised_options import (
    FlatFSQOptions,
    FSQOptions,
    PriorOptions,
    VQOptions,
    check_fsq,
    check_prior,
    prior_fields,
)
from vae_core.models.semi_supervised_options import M2Options, check_m2, m2_fields
from vae_core.models.unet_options import UNetOptions, check_unet
from vae_core.options import check_declaration

if TYPE_CHECKING:
    from vae_core.models.network import Network
    from vae_core.spec import RunSpec


@dataclass(frozen=True)
class ModelKind:
    """Properties of a model that are known without importing torch.

    Attributes:
        title: name to display.
        place: module and function (spec, image_shape) -> network, imported on first use so that listing runs does
            not wait for torch.
        code: what stands between encoder and decoder, a name in `bottleneck.BOTTLENECKS`.
        trained: by the training loop; otherwise computed directly, by `training.fitted`.
        objective: module and name of the `losses.objectives.Objective` that it is trained on.
        other_units: the terms of its loss whose `losses.terms.Term.unit` is not nats, by name: said here too, so that
            a page that draws the others need not wait for torch.
        step: module and class of what one batch does to its weights, see `training.step`.
        family: ``mlp``, ``conv`` or ``linear``: what `hidden` means.
        options: the frozen dataclass of the fields that this model alone has, see `vae_core.options`; None for none.
        base: the name of the option that names another run, by its key, whose weights it begins with; empty for none.
        base_optional: whether it may begin with untrained weights instead.
        base_fields: (specification of that run) -> the fields that both must share, by name; raises SpecError where it
            cannot be begun with.
        check: (spec, image shape) -> None: validates a specification beyond the ranges of its fields; raises
            SpecError.
        latent_dim, hidden, likelihood: the defaults of a RunSpec.
        latent_dim_of: (hidden, image shape) -> the only possible latent_dim, where the network leaves no choice; None
            where one chooses.
        likelihoods: those it can be trained with.
    """

    title: str
    place: str
    code: str = "point"
    trained: bool = True
    objective: str = "vae_core.losses.objectives:ELBO"
    other_units: tuple[str, ...] = ()
    step: str = "vae_core.training.step:GradientStep"
    family: str = "mlp"
    options: type | None = None
    base: str = ""
    base_optional: bool = False
    base_fields: Callable[[RunSpec], dict[str, Any]] = lambda base: {}  # noqa: ARG005
    check: Callable[[RunSpec, tuple[int, int, int]], None] = lambda spec, image_shape: None  # noqa: ARG005
    latent_dim: int = 2
    latent_dim_of: Callable[[tuple[int, ...], tuple[int, int, int]], int] | None = None
    hidden: tuple[int, ...] = (512, 256)
    likelihood: str = "bernoulli"
    likelihoods: tuple[str, ...] = ("bernoulli", "gaussian", "continuous_bernoulli")

    @property
    def bottleneck(self) -> Bottleneck:
        """What is known of its codes."""
        return BOTTLENECKS[self.code]


def _check_classifier(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    del image_shape
    if spec.latent_dim < 2:
        raise SpecError("latent_dim must be at least 2 for a classifier: it is the number of its features.")


def _check_memoriser(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    del image_shape
    if spec.latent_dim != 1 or spec.images is None or not spec.hidden:
        raise SpecError("a memoriser needs latent_dim 1, at least one hidden layer, and images: how many to memorise.")


_CONV = {"family": "conv", "hidden": (16, 32, 64)}
_POOLED = {"family": "conv", "hidden": (16, 32, 66)}  # a little wider: as many weights, though kernels are smaller
_GRID = {
    "family": "conv",
    "code": "codebook",
    "hidden": (32, 32, 32),
    "latent_dim_of": cells,
}
_ADVERSARIAL = {**_CONV, "latent_dim": 16, "likelihoods": ("bernoulli",)}
_SIX = {**_CONV, "latent_dim": 6}  # fewer have little to keep apart
_LINEAR = {"family": "linear", "hidden": (), "likelihood": "gaussian", "likelihoods": ("gaussian",)}

MODELS = {
    "ae": ModelKind("Autoencoder", "vae_core.models.autoencoder:build_ae"),
    "vae": ModelKind("Variational autoencoder", "vae_core.models.vae:build_vae", code="gaussian"),
    "conv_ae": ModelKind("Convolutional autoencoder", "vae_core.models.autoencoder:build_conv_ae", **_CONV),  # type: ignore[arg-type]
    "conv_vae": ModelKind("Convolutional VAE", "vae_core.models.vae:build_conv_vae", code="gaussian", **_CONV),  # type: ignore[arg-type]
    "pooled_ae": ModelKind("Max-pooled autoencoder", "vae_core.models.autoencoder:build_pooled_ae", **_POOLED),  # type: ignore[arg-type]
    "linear_ae": ModelKind("Linear autoencoder", "vae_core.models.autoencoder:build_ae", **_LINEAR),  # type: ignore[arg-type]
    "pca": ModelKind("PCA", "vae_core.models.autoencoder:build_ae", trained=False, **_LINEAR),  # type: ignore[arg-type]
    "pixels": ModelKind("Chosen pixels", "vae_core.models.autoencoder:build_ae", trained=False, **_LINEAR),  # type: ignore[arg-type]
    "memoriser": ModelKind(
        "Memoriser",
        "vae_core.models.memoriser:build_memoriser",
        code="number",
        objective="vae_core.losses.objectives:MEMORISE",
        other_units=("code_error",),
        check=_check_memoriser,
        latent_dim=1,
        hidden=(256, 256),
        likelihood="gaussian",
        likelihoods=("gaussian",),
    ),
    "vq_vae": ModelKind(
        "VQ-VAE",
        "vae_core.models.quantised:build_vq_vae",
        step="vae_core.training.quantising:VQStep",
        other_units=("commitment", "codebook"),
        options=VQOptions,
        **_GRID,  # type: ignore[arg-type]
    ),
    "fsq": ModelKind(
        "FSQ",
        "vae_core.models.quantised:build_fsq",
        step="vae_core.training.quantising:QuantisingStep",
        options=FSQOptions,
        check=check_fsq,
        **_GRID,  # type: ignore[arg-type]
    ),
    "vq_prior": ModelKind(
        "Prior over codes",
        "vae_core.models.prior:build_vq_prior",
        objective="vae_core.losses.objectives:CODES",
        options=PriorOptions,
        base="of",
        base_fields=prior_fields,
        check=check_prior,
        **_GRID,  # type: ignore[arg-type]
    ),
    "gan": ModelKind(
        "GAN",
        "vae_core.models.adversarial:build_gan",
        code="inverse",
        step="vae_core.training.adversarial:GANStep",
        other_units=("r1", "inversion"),
        options=GANOptions,
        check=check_adversarial,
        **_ADVERSARIAL,  # type: ignore[arg-type]
    ),
    "vae_gan": ModelKind(
        "VAE-GAN",
        "vae_core.models.adversarial:build_vae_gan",
        code="gaussian",
        step="vae_core.training.adversarial:VAEGANStep",
        other_units=("similarity", "r1"),
        options=VAEGANOptions,
        base="of",
        base_optional=True,
        base_fields=warm_start_fields,
        check=check_adversarial,
        **_ADVERSARIAL,  # type: ignore[arg-type]
    ),
    "perceptual_vae": ModelKind(
        "Perceptual VAE",
        "vae_core.models.perceptual:build_perceptual_vae",
        code="gaussian",
        objective="vae_core.losses.objectives:PERCEPTUAL",
        other_units=("features",),
        options=PerceptualOptions,
        base="of",
        base_fields=feature_fields,
        check=check_perceptual,
        **_ADVERSARIAL,  # type: ignore[arg-type]
    ),
    "tc_vae": ModelKind(
        "β-TCVAE",
        "vae_core.models.factorising:build_tc_vae",
        code="gaussian",
        objective="vae_core.losses.objectives:TOTAL_CORRELATION",
        options=TCOptions,
        check=check_tc,
        **_SIX,  # type: ignore[arg-type]
    ),
    "factor_vae": ModelKind(
        "FactorVAE",
        "vae_core.models.factorising:build_factor_vae",
        code="gaussian",
        step="vae_core.training.factorising:FactorStep",
        options=FactorOptions,
        check=check_factor,
        **_SIX,  # type: ignore[arg-type]
    ),
    "flat_fsq": ModelKind(
        "Flat FSQ",
        "vae_core.models.levels:build_flat_fsq",
        options=FlatFSQOptions,
        **_SIX,  # type: ignore[arg-type]
    ),
    "m2": ModelKind(
        "M1+M2",
        "vae_core.models.semi_supervised:build_m2",
        code="frozen",
        step="vae_core.training.semi_supervised:M2Step",
        other_units=("error",),
        options=M2Options,
        base="of",
        base_fields=m2_fields,
        check=check_m2,
        **{**_CONV, "latent_dim": 32},  # type: ignore[arg-type]
    ),
    "unet": ModelKind(
        "U-Net",
        "vae_core.models.unet:build_unet",
        code="connected",
        objective="vae_core.losses.objectives:TARGET",
        step="vae_core.training.targets:TargetStep",
        family="conv",
        options=UNetOptions,
        check=check_unet,
        latent_dim=32,
        hidden=(8, 16, 32, 32),
        likelihoods=("bernoulli",),
    ),
    "classifier": ModelKind(
        "Classifier",
        "vae_core.models.classifier:build_classifier",
        code="features",
        objective="vae_core.losses.objectives:CROSS_ENTROPY",
        other_units=("error",),
        family="conv",
        check=_check_classifier,
        latent_dim=64,
        hidden=(32, 64, 64),
    ),
}


# By Train your own, in the order of its menu.
OFFERED = (
    *("vae", "ae", "conv_vae", "conv_ae", "linear_ae", "tc_vae", "factor_vae", "flat_fsq", "vq_vae", "fsq", "vq_prior"),
    *("gan", "vae_gan", "perceptual_vae"),
)


def register_model(name: str, kind: ModelKind) -> None:
    """Register a model defined outside this package.

    Raises:
        ValueError: another model has this name, or its options are not declared as `vae_core.options` asks for.
    """
    if kind.options is not None:
        check_declaration(kind.options)
    if MODELS.get(name, kind) != kind:
        raise ValueError(f"there is a model {name} already: {MODELS[name].title}")
    MODELS[name] = kind


def named(place: str) -> Any:
    """Import what a text such as ``package.module:name`` names."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def model_kind(name: object) -> ModelKind:
    """The registry entry called `name`.

    Raises:
        UnknownName: naming the models there are.
    """
    plugins.load()
    if not isinstance(name, str) or name not in MODELS:
        what = f"model {repr(name)[:60]}"
        raise UnknownName(f"there is no {what}; choose one of {', '.join(MODELS)}.", what=what)
    return MODELS[name]


def check_architecture(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """Validate a specification against its model, beyond the ranges of its fields.

    Raises:
        SpecError: naming the field and what it must be.
    """
    kind = model_kind(spec.model)
    pixels = math.prod(image_shape)
    if spec.likelihood not in kind.likelihoods:
        allowed = " or ".join(", ".join(kind.likelihoods).rsplit(", ", 1))
        raise SpecError(f"likelihood must be {allowed} for model {spec.model!r}.")
    if kind.family == "linear":
        if spec.hidden:
            raise SpecError(f"hidden must be left out for model {spec.model!r}: it has no hidden layers.")
        most = min(pixels, spec.images or pixels)
        if spec.latent_dim > most:
            what = "pixels" if most == pixels else "images to learn from"
            raise SpecError(f"latent_dim must be at most {most} for model {spec.model!r}: there are {most} {what}.")
    if kind.family == "conv":
        halvings = int(math.log2(min(image_shape[1:])))
        if halvings == 0:
            raise SpecError(f"model {spec.model!r} needs images of at least 2 by 2 pixels; {spec.dataset} has none.")
        if not 2 <= len(spec.hidden) <= halvings + 1:
            raise SpecError(
                f"hidden must list 1 to {halvings} numbers of channels and one width for model {spec.model!r} on "
                f"{spec.dataset}, such as 16,32,64."
            )
    kind.check(spec, image_shape)


def check_base(spec: RunSpec, base: RunSpec) -> None:
    """Whether a run can begin with this one.

    Raises:
        SpecError: naming the first field that differs, or the sizes of their images.
    """
    from vae_core.datasets import info

    mine, theirs = info(spec.dataset).image_shape, info(base.dataset).image_shape
    if mine != theirs:
        sizes = [" by ".join(map(str, shape)) for shape in (theirs, mine)]
        raise SpecError(f"{base.key} saw images of {sizes[0]} and cannot be begun with on images of {sizes[1]}.")
    for name, wanted in model_kind(spec.model).base_fields(base).items():
        fields = wanted.items() if name == "options" else [(name, wanted)]
        for field, value in fields:
            found = getattr(spec.options if name == "options" else spec, field)
            if found != value:
                raise SpecError(f"{field} must be {value!r}, as of {base.key}, which it begins with, not {found!r}.")


def build(spec: RunSpec, image_shape: tuple[int, int, int]) -> Network:
    """An untrained model on the CPU, its weights fixed by ``spec.seed``.

    Layers start as PyTorch's default does, uniform in +-1/sqrt(fan_in), and N(0, 1) for the rows of an embedding, but
    from a generator of their own: the global random state has no say, so threads cannot disturb each other's runs.
    """
    import torch
    from torch import nn

    model: Network = named(model_kind(spec.model).place)(spec, image_shape)
    if spec.learned_variance:
        assert spec.variance is not None  # a Gaussian likelihood has one
        model.log_variance = nn.Parameter(torch.tensor(math.log(spec.variance)))
    generator = torch.Generator().manual_seed(spec.seed)
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            # As in PyTorch, the fan-in of a transposed convolution counts its output channels.
            bound = 1.0 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, generator=generator)
            if layer.padding_idx is not None:
                nn.init.zeros_(layer.weight[layer.padding_idx])
    if start := getattr(model, "start", None):
        start(generator)
    return model
