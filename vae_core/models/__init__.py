"""The registry of models: a new one is a file beside this one, and a line in `MODELS`."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vae_core.errors import SpecError

if TYPE_CHECKING:
    from torch import nn

    from vae_core.spec import RunSpec


@dataclass(frozen=True)
class ModelKind:
    """What is known of a model before torch is imported.

    Attributes:
        title: name for people.
        place: module and class, imported on first use so that listing runs does not wait for torch.
        has_kl: whether its objective has a KL term (and so beta has a meaning).
    """

    title: str
    place: str
    has_kl: bool


MODELS = {
    "ae": ModelKind("Autoencoder", "vae_core.models.autoencoder:Autoencoder", has_kl=False),
    "vae": ModelKind("Variational autoencoder", "vae_core.models.vae:VAE", has_kl=True),
}


def model_kind(name: object) -> ModelKind:
    """The registry entry called `name`.

    Raises:
        SpecError: naming the models there are.
    """
    if not isinstance(name, str) or name not in MODELS:
        raise SpecError(f"there is no model {repr(name)[:60]}; choose one of {', '.join(MODELS)}.")
    return MODELS[name]


def build(spec: RunSpec, image_shape: tuple[int, int, int]) -> nn.Module:
    """An untrained model on the CPU, its weights fixed by ``spec.seed``.

    Linear layers start as PyTorch's default does, uniform in +-1/sqrt(fan_in), but from a generator of their own:
    the global random state has no say, so threads cannot disturb each other's runs.
    """
    import torch
    from torch import nn

    module_name, class_name = model_kind(spec.model).place.split(":")
    model_class = getattr(importlib.import_module(module_name), class_name)
    model = model_class(math.prod(image_shape), spec.hidden, spec.latent_dim)
    generator = torch.Generator().manual_seed(spec.seed)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            bound = 1.0 / math.sqrt(layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return model
