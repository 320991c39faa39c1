"""A decoder as a short program that something other than torch can run, such as a browser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

LAYER_OPS = ("linear", "relu", "tanh", "sigmoid", "reshape", "conv_transpose")


def decoder_program(decoder: Iterable[nn.Module], prefix: str = "decoder.") -> list[dict[str, Any]]:
    """A sequence of torch modules as a list of operations, one of `LAYER_OPS` each.

    Args:
        decoder: Linear, ReLU, Tanh, Sigmoid, Unflatten, Flatten or ConvTranspose2d modules in order.
        prefix: put before the parameters' names, as in the model's ``state_dict``.

    Returns:
        JSON-compatible records; ``weight`` and ``bias`` are names of parameters.

    Raises:
        TypeError: a module that the browser cannot interpret.
    """
    program: list[dict[str, Any]] = []
    for index, layer in enumerate(decoder):
        if isinstance(layer, nn.Linear | nn.ConvTranspose2d):
            entry: dict[str, Any] = {"weight": f"{prefix}{index}.weight"}
            if layer.bias is not None:
                entry["bias"] = f"{prefix}{index}.bias"
            if isinstance(layer, nn.Linear):
                program.append({"op": "linear", "in": layer.in_features, "out": layer.out_features, **entry})
                continue
            if layer.groups != 1 or layer.dilation != (1, 1):
                raise TypeError("the browser decodes transposed convolutions without groups or dilation")
            geometry = {
                name: list(getattr(layer, name)) for name in ("kernel_size", "stride", "padding", "output_padding")
            }
            program.append(
                {"op": "conv_transpose", "in": layer.in_channels, "out": layer.out_channels, **geometry, **entry}
            )
        elif isinstance(layer, nn.Unflatten):
            program.append({"op": "reshape", "shape": list(layer.unflattened_size)})
        elif isinstance(layer, nn.ReLU | nn.Tanh | nn.Sigmoid):
            program.append({"op": type(layer).__name__.lower()})
        elif not isinstance(layer, nn.Flatten):
            raise TypeError(f"the browser cannot interpret the layer {type(layer).__name__}")
    return program
