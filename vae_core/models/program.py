"""A network as a short program that something other than torch can run: a browser, or `vae_core.forward`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

LAYER_OPS = ("linear", "relu", "tanh", "sigmoid", "reshape", "conv", "conv_transpose")


def program(layers: Iterable[tuple[str, nn.Module]]) -> list[dict[str, Any]]:
    """A sequence of torch modules as a list of operations, one of `LAYER_OPS` each.

    Args:
        layers: names in the model's ``state_dict``, and Linear, ReLU, Tanh, Sigmoid, Unflatten, Flatten, Conv2d or
            ConvTranspose2d modules, in order.

    Returns:
        JSON-compatible records; ``weight`` and ``bias`` are names of parameters.

    Raises:
        TypeError: a module that no interpreter knows.
    """
    records: list[dict[str, Any]] = []
    for name, layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            entry: dict[str, Any] = {"weight": f"{name}.weight"}
            if layer.bias is not None:
                entry["bias"] = f"{name}.bias"
            if isinstance(layer, nn.Linear):
                records.append({"op": "linear", "in": layer.in_features, "out": layer.out_features, **entry})
                continue
            if layer.groups != 1 or layer.dilation != (1, 1):
                raise TypeError("the interpreters know no convolutions with groups or dilation")
            transposed = isinstance(layer, nn.ConvTranspose2d)
            extents = ("kernel_size", "stride", "padding", *(("output_padding",) if transposed else ()))
            geometry = {extent: list(getattr(layer, extent)) for extent in extents}
            op = "conv_transpose" if transposed else "conv"
            records.append({"op": op, "in": layer.in_channels, "out": layer.out_channels, **geometry, **entry})
        elif isinstance(layer, nn.Unflatten):
            records.append({"op": "reshape", "shape": list(layer.unflattened_size)})
        elif isinstance(layer, nn.ReLU | nn.Tanh | nn.Sigmoid):
            records.append({"op": type(layer).__name__.lower()})
        elif not isinstance(layer, nn.Flatten):
            raise TypeError(f"the interpreters do not know the layer {type(layer).__name__}")
    return records


def decoder_program(decoder: nn.Sequential, prefix: str = "decoder.") -> list[dict[str, Any]]:
    """`program` of a decoder whose parameters are named after `prefix` and the layer's number."""
    return program((f"{prefix}{name}", layer) for name, layer in decoder.named_children())
