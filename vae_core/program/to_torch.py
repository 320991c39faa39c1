"""Programs as Python text that builds them of torch's modules, and the tensors to load into those.

The text needs PyTorch and nothing of this package: modules that torch lacks are written out, from `modules`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from vae_core.errors import StoreError
from vae_core.program import modules
from vae_core.program.continuous_bernoulli import LARGEST_LOGIT, NEAR
from vae_core.program.convolutions import causal_mask
from vae_core.program.forward import float_weights
from vae_core.program.operations import Layer, Program, Shape, Weights, operation_of


class Text(NamedTuple):
    """A program as text.

    Attributes:
        layers: one constructor each, for an ``nn.Sequential``.
        tensors: float32, by the names of such a Sequential's ``state_dict``.
        used: what the constructors name beside torch's own modules.
    """

    layers: list[str]
    tensors: dict[str, np.ndarray]
    used: dict[str, Any]


def written(program: Program, weights: Weights, shape: Shape) -> Text:
    """A program as text.

    Args:
        program: see `operations`.
        weights: arrays by the names that the records use.
        shape: of one example of its input.

    Raises:
        StoreError: an operation that is not written here, as a plugin's may be.
    """
    floats = float_weights(program, weights)
    text = Text([], {}, {})
    for layer in program:
        operation, op = operation_of(layer), layer["op"]
        if op not in CONSTRUCTORS:
            raise StoreError(f"the layer {op!r} cannot be written as plain PyTorch; --format onnx can be tried.")
        if op == "linear" and len(shape) != 1:
            text.layers.append("nn.Flatten()")
        place = str(len(text.layers))
        for parameter in operation.parameters:
            if parameter.name in layer:
                text.tensors[f"{place}.{parameter.source}"] = floats[layer[parameter.name]]
        if op == "masked_conv2d":
            text.tensors[f"{place}.weight"] = floats[layer["weight"]] * causal_mask(layer["kernel_size"], layer["mask"])
        if op == "batch_norm":
            text.tensors[f"{place}.num_batches_tracked"] = np.zeros((), np.int64)  # torch's, which nothing here needs
        bodies = []
        for field, part in (operation.nested or {}).items():
            body = written(layer[field], weights, shape)
            bodies.append(", ".join(body.layers))
            text.tensors.update({f"{place}.{part}.{name}": tensor for name, tensor in body.tensors.items()})
            text.used.update(body.used)
        text.layers.append(CONSTRUCTORS[op](layer, shape, *bodies))
        text.used.update(USED.get(op, {}))
        shape = operation.output_shape(layer, shape)
    return text


def definitions(used: dict[str, Any]) -> str:
    """Python text that defines what `Text.used` names: numbers in one line each, functions and classes as they are."""
    numbers = [f"{name} = {value}" for name, value in used.items() if isinstance(value, float)]
    sources = [inspect.getsource(value).strip() for value in used.values() if not isinstance(value, float)]
    return "\n\n\n".join(part for part in ("\n".join(numbers), *sources) if part)


def _bias(layer: Layer) -> str:
    return "" if "bias" in layer else ", bias=False"


def _convolution(kind: str, *further: str) -> Callable[..., str]:
    extents = ("stride", "padding", *further)

    def text(layer: Layer, shape: Shape) -> str:
        given = "".join(f", {extent}={tuple(layer[extent])}" for extent in extents)
        return f"nn.{kind}({layer['in']}, {layer['out']}, {tuple(layer['kernel_size'])}{given}{_bias(layer)})"

    return text


def _layer_norm(layer: Layer, shape: Shape) -> str:
    affine = _bias(layer) if "weight" in layer else ", elementwise_affine=False"
    return f"nn.LayerNorm({tuple(layer['shape'])}, eps={layer['eps']}{affine})"


def _batch_norm(layer: Layer, shape: Shape) -> str:
    affine = "" if "weight" in layer else ", affine=False"
    return f"nn.BatchNorm{1 if len(shape) == 1 else 2}d({layer['count']}, eps={layer['eps']}{affine})"


def _constant(text: str) -> Callable[..., str]:
    return lambda layer, shape: text


CONSTRUCTORS: dict[str, Callable[..., str]] = {
    "linear": lambda layer, shape: f"nn.Linear({layer['in']}, {layer['out']}{_bias(layer)})",
    "relu": _constant("nn.ReLU()"),
    "tanh": _constant("nn.Tanh()"),
    "sigmoid": _constant("nn.Sigmoid()"),
    "continuous_bernoulli_mean": _constant("ContinuousBernoulliMean()"),
    "reshape": lambda layer, shape: f"nn.Unflatten(1, {tuple(layer['shape'])})",
    "permute": lambda layer, shape: f"Permute({', '.join(map(str, layer['axes']))})",
    "conv": _convolution("Conv2d"),
    "conv_transpose": _convolution("ConvTranspose2d", "output_padding"),
    "masked_conv2d": _convolution("Conv2d"),
    "max_pool": lambda layer, shape: f"nn.MaxPool2d({tuple(layer['kernel_size'])}, stride={tuple(layer['stride'])})",
    "upsample": lambda layer, shape: f"nn.Upsample(size={tuple(layer['size'])})",
    "residual": lambda layer, shape, body: f"Residual({body})",
    "skip": lambda layer, shape, body: f"Skip({body})",
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "embedding": lambda layer, shape: f"Lookup({layer['count']}, {layer['width']})",
    "pointwise": lambda layer, shape: f"nn.Linear({layer['in']}, {layer['out']}{_bias(layer)})",
    "places": lambda layer, shape: f"Places({layer['count']}, {layer['width']})",
    "causal_attention": lambda layer, shape: f"CausalAttention({layer['heads']})",
    "nearest": lambda layer, shape: f"Nearest(nn.Parameter(torch.empty({layer['count']}, {layer['width']})))",
}

USED: dict[str, dict[str, Any]] = {
    "continuous_bernoulli_mean": {
        "LARGEST_LOGIT": LARGEST_LOGIT,
        "NEAR": NEAR,
        "bounded_logit": modules.bounded_logit,
        "continuous_bernoulli_mean": modules.continuous_bernoulli_mean,
        "ContinuousBernoulliMean": modules.ContinuousBernoulliMean,
    },
    **{
        op: {kind.__name__: kind}
        for op, kind in {
            "permute": modules.Permute,
            "residual": modules.Residual,
            "skip": modules.Skip,
            "embedding": modules.Lookup,
            "places": modules.Places,
            "causal_attention": modules.CausalAttention,
            "nearest": modules.Nearest,
        }.items()
    },
}
