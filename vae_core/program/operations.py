"""The operations that programs are made of, each defined once: `OPERATIONS`.

A program is a list of records, JSON as a run's file and a payload's header hold it. A record's ``op`` names its
operation; its other fields are attributes (numbers, shapes), parameters (names of tensors, which the weights hold
under these names) and programs nested in it. Other modules get a program's tensors from `tensor_names`, and need not
know the names of parameters. Shapes are those of one example, row-major; every interpreter adds the batch.

``linear``
    ``in``, ``out``; tensors ``weight`` (out, in) and, where there is one, ``bias`` (out,). Takes ``in`` numbers of any
    shape, flattened; gives weight · x + bias.
``relu``, ``tanh``, ``sigmoid``
    No fields. Elementwise.
``continuous_bernoulli_mean``
    No fields. Elementwise: 1 / (1 - exp(-t)) - 1 / t, and 1/2 at 0, for t = 16 tanh(x / 16); the mean of a number in
    [0, 1] whose density is proportional to exp(t · number), see `continuous_bernoulli`.
``reshape``
    ``shape``, with as many numbers as the input.
``permute``
    ``axes``: axis i of the output is axis axes[i] of the input, counted from 0.
``conv``
    ``in``, ``out`` (channels), ``kernel_size``, ``stride``, ``padding`` (two numbers each: down, across); tensors
    ``weight`` (out, in, kh, kw) and, where there is one, ``bias`` (out,). (in, H, W) -> (out, H', W') with
    H' = (H + 2 padding - kernel) // stride + 1; zeros are padded.
``conv_transpose``
    The fields of ``conv`` and ``output_padding``; tensors ``weight`` (in, out, kh, kw) and, where there is one,
    ``bias`` (out,). H' = (H - 1) stride - 2 padding + kernel + output_padding.
``masked_conv2d``
    The fields and tensors of ``conv``, and ``mask``, "A" or "B". The tensor is stored without its mask: weights that
    come after (kh // 2, kw // 2) in reading order count as 0; with "A" that one, too.
``max_pool``
    ``kernel_size``, ``stride`` (two numbers each: down, across). The largest number of each window of each channel:
    (c, H, W) -> (c, H', W') with H' = (H - kernel) // stride + 1.
``upsample``
    ``size`` (two numbers: H', W'). (c, H, W) -> (c, H', W'): each pixel is that of the input nearest to it, the
    one at row (row · H) // H', and likewise across.
``residual``
    ``program``, records as these, whose output has as many numbers as its input x. Gives x + program(x), in x's shape.
``skip``
    ``program``, records as these, which makes of maps (c, H, W) other maps of the same size, (c', H, W). Gives both,
    the input's channels first: (c + c', H, W).
``layer_norm``
    ``shape``, the last axes, over which it normalises (all numbers, flattened, where the input has other last axes),
    and ``eps``; tensors ``weight`` and ``bias``, of that shape, where there are such.
    (x - mean) / sqrt(variance + eps) · weight + bias, the variance divided by the count.
``batch_norm``
    ``count`` (channels, the first axis) and ``eps``; tensors ``mean`` and ``variance`` (count,), as training left
    them, and ``weight`` and ``bias`` (count,) where there are such. By channel the same formula as ``layer_norm``.
``embedding``
    ``count``, ``width``; tensor ``weight`` (count, width). Integers from 0 to count - 1, of any shape ->
    (*shape, width), the rows of these numbers.
``pointwise``
    ``in``, ``out``; tensors as of ``linear``. (*shape, in) -> (*shape, out): weight · row + bias, for each row alone.
``places``
    ``count``, ``width``; tensor ``weight`` (count, width). (T, width), with T at most count, to which the first T rows
    of the tensor are added.
``causal_attention``
    ``heads``. (T, 3C) -> (T, C). Each row holds a query, a key and a value of C numbers, C / heads of them for each
    head. By head, row t gives the mean of the values of the rows up to t, weighted by the softmax of their keys' dot
    products with its query, divided by sqrt(C / heads) (Vaswani et al. 2017).
``nearest``
    ``count``, ``width``; tensor ``weight`` (count, width). (*shape, width) -> (*shape): the index of the row that is
    nearest (Euclidean distance); the lowest one where several are.

Nothing here needs torch; `export` finds an operation by the torch module that it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_core.errors import UnknownName
from vae_core.program import continuous_bernoulli
from vae_core.program.convolutions import (
    causal_mask,
    conv,
    conv_shape,
    conv_transpose,
    conv_transpose_shape,
    max_pool,
    max_pool_shape,
    upsample,
)

Layer = dict[str, Any]
Program = list[Layer]
Weights = Mapping[str, np.ndarray]
MOST_SCORES = 10**7  # of one example in an attention, heads · rows²: more would not fit the memory
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Parameter:
    """A tensor that an operation needs.

    Attributes:
        name: of the record's field that names the tensor.
        source: what the torch module calls it.
        optional: whether the operation can do without.
    """

    name: str
    source: str
    optional: bool = False


WEIGHT = Parameter("weight", "weight")
BIAS = Parameter("bias", "bias", optional=True)
SCALE = Parameter("weight", "weight", optional=True)


def _no_attributes(module: Any) -> Layer:
    return {}


def _same_shape(layer: Layer, shape: Shape) -> Shape:
    return shape


@dataclass(frozen=True)
class Operation:
    """One kind of layer.

    Attributes:
        apply: (record, weights in float32, x (N, *shape) in float32) -> float32 (N, *output shape).
        modules: places, such as ``torch.nn:Linear``, of the torch modules that it is made of.
        parameters: its tensors, in the order in which records and payloads list them.
        nested: fields that hold a program, and what the torch module calls the sequence of its layers.
        export: the torch module -> its attributes, the fields that are neither parameters nor programs; raises
            TypeError where the interpreters cannot do what the module does.
        output_shape: (record, shape) -> shape, without the batch.
        backward: (record, weights, x, output, derivative by the output) -> derivative by x; None if it is not
            implemented.
        multiplications: (record, shape of the input) -> multiplications by a weight, for one example.
    """

    apply: Callable[[Layer, Weights, np.ndarray], np.ndarray]
    modules: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    nested: Mapping[str, str] | None = None
    export: Callable[[Any], Layer] = _no_attributes
    output_shape: Callable[[Layer, Shape], Shape] = _same_shape
    backward: Callable[[Layer, Weights, np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None
    multiplications: Callable[[Layer, Shape], int] = lambda layer, shape: 0


def operation_of(layer: Layer) -> Operation:
    """The operation of a record.

    Raises:
        UnknownName: there is none of this name.
        ValueError: the record does not name a tensor that it needs.
    """
    name = layer["op"]
    if not isinstance(name, str) or name not in OPERATIONS:
        what = f"operation {str(name)[:40]!r}"
        raise UnknownName(f"a program has the unknown {what}", what=what)
    operation = OPERATIONS[name]
    for parameter in operation.parameters:
        if not isinstance(layer.get(parameter.name), str) and not (parameter.optional and parameter.name not in layer):
            raise ValueError(f"the operation {name!r} of a program lacks its parameter {parameter.name!r}")
    return operation


def record(op: str, prefix: str, attributes: Layer, tensors: Container[str]) -> Layer:
    """A record whose parameters are named after the prefix, as a torch module of that name calls them.

    Args:
        op: in `OPERATIONS`.
        prefix: the module's name.
        attributes: the fields other than parameters.
        tensors: the existing names; optional parameters are used if they are among them.

    Raises:
        ValueError: a parameter that is not optional is not among them.
    """
    used = {}
    for parameter in OPERATIONS[op].parameters:
        name = f"{prefix}.{parameter.source}"
        if name in tensors:
            used[parameter.name] = name
        elif not parameter.optional:
            raise ValueError(f"there is no tensor {name}, which the operation {op!r} needs")
    return {"op": op, **attributes, **used}


def linear(inputs: int, outputs: int, weight: str, bias: str) -> Layer:
    """The record of a fully connected layer with tensors of any names."""
    return {"op": "linear", "in": inputs, "out": outputs, WEIGHT.name: weight, BIAS.name: bias}


def tensor_names(program: Program) -> list[str]:
    """The tensors that a program names, those of its nested programs among them: in order, each once.

    Raises:
        ValueError: an unknown operation, or one that lacks a parameter.
    """
    return list(dict.fromkeys(_tensor_names(program)))


def _tensor_names(program: Program) -> Iterator[str]:
    for layer in program:
        operation = operation_of(layer)
        yield from (layer[parameter.name] for parameter in operation.parameters if parameter.name in layer)
        for field in operation.nested or ():
            yield from _tensor_names(layer[field])


def output_shape(program: Program, shape: Shape) -> Shape:
    """The shape of what a program makes of an example of `shape`."""
    for layer in program:
        shape = operation_of(layer).output_shape(layer, shape)
    return shape


def multiplications(program: Program, shape: Shape) -> int:
    """How many times a program multiplies a number by a weight, for one example of `shape`."""
    total = 0
    for layer in program:
        operation = operation_of(layer)
        total += operation.multiplications(layer, shape)
        total += sum(multiplications(layer[field], shape) for field in operation.nested or ())
        shape = operation.output_shape(layer, shape)
    return total


def apply(program: Program, weights: Weights, x: np.ndarray) -> np.ndarray:
    """A program's output, in its own shape: x float32 (N, *shape) -> float32 (N, *output shape)."""
    for layer in program:
        x = operation_of(layer).apply(layer, weights, x)
    return x


def trace(program: Program, weights: Weights, x: np.ndarray) -> list[np.ndarray]:
    """The input, and the output of each operation in turn: all that `pull_back` needs."""
    outputs = [x]
    for layer in program:
        outputs.append(operation_of(layer).apply(layer, weights, outputs[-1]))
    return outputs


def differentiable(program: Program) -> bool:
    """Whether the derivative of every operation is implemented."""
    for layer in program:
        operation = operation_of(layer)
        if operation.backward is None or not all(differentiable(layer[field]) for field in operation.nested or ()):
            return False
    return True


def pull_back(program: Program, weights: Weights, outputs: list[np.ndarray], gradient: np.ndarray) -> np.ndarray:
    """The derivative by a program's output -> that by its input; `outputs` as `trace` gave them."""
    ways = zip(program, outputs[:-1], outputs[1:], strict=True)
    for layer, x, y in reversed(list(ways)):
        backward = operation_of(layer).backward
        assert backward is not None  # the caller asked `differentiable`
        gradient = backward(layer, weights, x, y, gradient)
    return gradient


def flat(x: np.ndarray) -> np.ndarray:
    """(N, *shape) -> (N, numbers)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))  # not -1, which is ambiguous for no rows


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    # As scipy.special.expit within float32's rounding, in a sixth of its time: numpy has a vectorised tanh.
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1.0))


def _linear(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    y = flat(x) @ weights[layer["weight"]].T
    if "bias" in layer:
        y += weights[layer["bias"]]
    return y


def _linear_backward(layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    return (gradient @ weights[layer["weight"]]).reshape(x.shape)


def _activation(
    module: str, function: Callable[[np.ndarray], np.ndarray], slope: Callable[[np.ndarray], np.ndarray]
) -> Operation:
    """Elementwise; `slope` is the derivative as a function of the output."""
    return Operation(
        apply=lambda layer, weights, x: function(x),
        modules=(module,),
        backward=lambda layer, weights, x, y, gradient: gradient * slope(y),
    )


def _continuous_bernoulli_backward(
    layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    logit = continuous_bernoulli.bounded_logit(x)
    return gradient * continuous_bernoulli.variance(logit) * continuous_bernoulli.bounded_slope(logit)


def _geometry(module: Any, *further: str) -> Layer:
    if module.groups != 1 or module.dilation != (1, 1):
        raise TypeError("the interpreters support no convolutions with groups or dilation")
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise TypeError("the interpreters support no convolutions with another padding than a number of zeros")
    extents = {extent: list(getattr(module, extent)) for extent in ("kernel_size", "stride", "padding", *further)}
    return {"in": module.in_channels, "out": module.out_channels, **extents}


def _export_max_pool(module: Any) -> Layer:
    pairs = {
        field: list(value) if isinstance(value, tuple) else [value, value]
        for field in ("kernel_size", "stride", "padding", "dilation")
        for value in [getattr(module, field)]
    }
    if pairs.pop("padding") != [0, 0] or pairs.pop("dilation") != [1, 1] or module.ceil_mode or module.return_indices:
        raise TypeError("the interpreters support no max-pooling with padding, dilation, ceil_mode or indices")
    return pairs


def _export_upsample(module: Any) -> Layer:
    if module.mode != "nearest" or not isinstance(module.size, tuple):
        raise TypeError("the interpreters support up-sampling to the nearest pixel only, to a size of two numbers")
    return {"size": list(module.size)}


def _with_channel_bias(y: np.ndarray, layer: Layer, weights: Weights) -> np.ndarray:
    return y + weights[layer["bias"]][:, None, None] if "bias" in layer else y


def _taps(layer: Layer) -> int:
    return layer["in"] * layer["out"] * math.prod(layer["kernel_size"])


def _conv(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    return _with_channel_bias(conv(x, weights[layer["weight"]], layer), layer, weights)


def _conv_transpose(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    return _with_channel_bias(conv_transpose(x, weights[layer["weight"]], layer), layer, weights)


def _masked_conv(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    weight = weights[layer["weight"]] * causal_mask(layer["kernel_size"], layer["mask"])
    return _with_channel_bias(conv(x, weight, layer), layer, weights)


def _residual(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    return x + apply(layer["program"], weights, x).reshape(x.shape)


def _residual_backward(
    layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    outputs = trace(layer["program"], weights, x)
    return gradient + pull_back(layer["program"], weights, outputs, gradient.reshape(outputs[-1].shape))


def _skip(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, apply(layer["program"], weights, x)], axis=1)


def _skip_shape(layer: Layer, shape: Shape) -> Shape:
    made = output_shape(layer["program"], shape)
    if len(shape) != 3 or len(made) != 3 or shape[1:] != made[1:]:
        raise ValueError(f"maps {made} cannot be put beside maps {shape}")
    return (shape[0] + made[0], *shape[1:])


def _skip_backward(layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    outputs = trace(layer["program"], weights, x)
    own, made = np.split(gradient, [x.shape[1]], axis=1)
    return own + pull_back(layer["program"], weights, outputs, made)


def _rows_to_norm(layer: Layer, x: np.ndarray) -> np.ndarray:
    """(N, rows, *shape): what is normalised together, row by row."""
    shape = tuple(layer["shape"])
    if x.shape[-len(shape) :] == shape:
        return x.reshape(len(x), math.prod(x.shape[1 : -len(shape)]), *shape)
    return x.reshape(len(x), 1, *shape)


def _standardised(layer: Layer, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """(x - mean) / deviation and 1 / deviation, of `_rows_to_norm`; and the axes of the means."""
    rows = _rows_to_norm(layer, x)
    axes = tuple(range(2, rows.ndim))
    scale = 1.0 / np.sqrt(rows.var(axis=axes, keepdims=True) + np.float32(layer["eps"]))
    return (rows - rows.mean(axis=axes, keepdims=True)) * scale, scale, axes


def _layer_norm(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    y, _, _ = _standardised(layer, x)
    if "weight" in layer:
        y = y * weights[layer["weight"]]
    if "bias" in layer:
        y = y + weights[layer["bias"]]
    return y.reshape(x.shape)


def _layer_norm_backward(
    layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    standard, scale, axes = _standardised(layer, x)
    rows = gradient.reshape(standard.shape)
    if "weight" in layer:
        rows = rows * weights[layer["weight"]]
    along = (rows * standard).mean(axis=axes, keepdims=True)
    return (scale * (rows - rows.mean(axis=axes, keepdims=True) - standard * along)).reshape(x.shape)


def _channel_scale(layer: Layer, weights: Weights) -> np.ndarray:
    scale = 1.0 / np.sqrt(weights[layer["variance"]] + np.float32(layer["eps"]))
    return scale * weights[layer["weight"]] if "weight" in layer else scale


def _by_channel(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *[1] * (x.ndim - 2))


def _batch_norm(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    y = (x - _by_channel(weights[layer["mean"]], x)) * _by_channel(_channel_scale(layer, weights), x)
    return y + _by_channel(weights[layer["bias"]], x) if "bias" in layer else y


def _batch_norm_backward(
    layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    return gradient * _by_channel(_channel_scale(layer, weights), x)


def _embedding(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    codes = x.astype(np.int64)
    if not np.array_equal(codes, x) or (codes.size and not 0 <= codes.min() <= codes.max() < layer["count"]):
        raise ValueError(f"codes must be whole numbers from 0 to {layer['count'] - 1}")
    return weights[layer["weight"]][codes]


def _export_embedding(module: Any) -> Layer:
    if module.max_norm is not None:
        raise TypeError("the interpreters support no embedding with a max_norm")
    return {"count": module.num_embeddings, "width": module.embedding_dim}


def _nearest(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist  # takes half a second to import, and only a codebook needs it

    # Each distance from its own differences, in float64: two equal rows are then exactly as far, and the first wins.
    away = cdist(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), weights[layer["weight"]], "sqeuclidean")
    return away.argmin(axis=1).reshape(x.shape[:-1]).astype(np.float32)


def _pointwise_shape(layer: Layer, shape: Shape) -> Shape:
    if not shape or shape[-1] != layer["in"]:
        raise ValueError(f"a linear layer takes rows of {layer['in']} numbers, not {shape}")
    return (*shape[:-1], layer["out"])


def _places_shape(layer: Layer, shape: Shape) -> Shape:
    if len(shape) != 2 or shape[0] > layer["count"] or shape[1] != layer["width"]:
        raise ValueError(f"{layer['count']} places of {layer['width']} numbers do not fit {shape}")
    return shape


def _pointwise(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    y = x @ weights[layer["weight"]].T
    return y + weights[layer["bias"]] if "bias" in layer else y


def _pointwise_backward(
    layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    return gradient @ weights[layer["weight"]]


def _places(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    return x + weights[layer["weight"]][: x.shape[1]]


def _causal_attention(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    count, rows, width = x.shape
    apart = x.reshape(count, rows, 3, layer["heads"], width // 3 // layer["heads"]).transpose(2, 0, 3, 1, 4)
    query, key, value = apart  # (N, heads, T, C / heads)
    scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(query.shape[-1]))
    scores = np.where(np.tri(rows, dtype=bool), scores, np.float32(-np.inf))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return (shares @ value).transpose(0, 2, 1, 3).reshape(count, rows, width // 3)


def _attention_shape(layer: Layer, shape: Shape) -> Shape:
    heads = layer["heads"]
    if len(shape) != 2 or heads < 1 or shape[1] % (3 * heads) or heads * shape[0] ** 2 > MOST_SCORES:
        raise ValueError(f"an attention of {heads} heads does not fit {shape}")
    return shape[0], shape[1] // 3


def _permute(layer: Layer, weights: Weights, x: np.ndarray) -> np.ndarray:
    return x.transpose(0, *(axis + 1 for axis in layer["axes"]))


def _permute_backward(layer: Layer, weights: Weights, x: np.ndarray, y: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    return gradient.transpose(0, *(int(axis) + 1 for axis in np.argsort(layer["axes"])))


OPERATIONS: dict[str, Operation] = {
    "linear": Operation(
        apply=_linear,
        modules=("torch.nn:Linear",),
        parameters=(WEIGHT, BIAS),
        export=lambda module: {"in": module.in_features, "out": module.out_features},
        output_shape=lambda layer, shape: (layer["out"],),
        backward=_linear_backward,
        multiplications=lambda layer, shape: layer["in"] * layer["out"],
    ),
    "relu": _activation("torch.nn:ReLU", lambda x: np.maximum(x, 0.0), lambda y: y > 0.0),
    "tanh": _activation("torch.nn:Tanh", np.tanh, lambda y: 1.0 - y * y),
    "sigmoid": _activation("torch.nn:Sigmoid", sigmoid, lambda y: y * (1.0 - y)),
    "continuous_bernoulli_mean": Operation(
        apply=lambda layer, weights, x: continuous_bernoulli.mean(continuous_bernoulli.bounded_logit(x)),
        modules=("vae_core.program.modules:ContinuousBernoulliMean",),
        backward=_continuous_bernoulli_backward,
    ),
    "reshape": Operation(
        apply=lambda layer, weights, x: x.reshape(len(x), *layer["shape"]),
        modules=("torch.nn:Unflatten",),
        export=lambda module: {"shape": list(module.unflattened_size)},
        output_shape=lambda layer, shape: tuple(layer["shape"]),
        backward=lambda layer, weights, x, y, gradient: gradient.reshape(x.shape),
    ),
    "permute": Operation(
        apply=_permute,
        modules=("vae_core.program.modules:Permute",),
        export=lambda module: {"axes": list(module.axes)},
        output_shape=lambda layer, shape: tuple(shape[axis] for axis in layer["axes"]),
        backward=_permute_backward,
    ),
    "conv": Operation(
        apply=_conv,
        modules=("torch.nn:Conv2d",),
        parameters=(WEIGHT, BIAS),
        export=_geometry,
        output_shape=conv_shape,
        multiplications=lambda layer, shape: _taps(layer) * math.prod(conv_shape(layer, shape)[1:]),
    ),
    "conv_transpose": Operation(
        apply=_conv_transpose,
        modules=("torch.nn:ConvTranspose2d",),
        parameters=(WEIGHT, BIAS),
        export=lambda module: _geometry(module, "output_padding"),
        output_shape=conv_transpose_shape,
        multiplications=lambda layer, shape: _taps(layer) * math.prod(shape[1:]),
    ),
    "masked_conv2d": Operation(
        apply=_masked_conv,
        modules=("vae_core.program.modules:MaskedConv2d",),
        parameters=(WEIGHT, BIAS),
        export=lambda module: {**_geometry(module), "mask": module.kind},
        output_shape=conv_shape,
        multiplications=lambda layer, shape: _taps(layer) * math.prod(conv_shape(layer, shape)[1:]),
    ),
    "max_pool": Operation(
        apply=lambda layer, weights, x: max_pool(x, layer),
        modules=("torch.nn:MaxPool2d",),
        export=_export_max_pool,
        output_shape=max_pool_shape,
    ),
    "upsample": Operation(
        apply=lambda layer, weights, x: upsample(x, layer["size"]),
        modules=("torch.nn:Upsample",),
        export=_export_upsample,
        output_shape=lambda layer, shape: (shape[0], *layer["size"]),
    ),
    "residual": Operation(
        apply=_residual,
        modules=("vae_core.program.modules:Residual",),
        nested={"program": "body"},
        backward=_residual_backward,
    ),
    "skip": Operation(
        apply=_skip,
        modules=("vae_core.program.modules:Skip",),
        nested={"program": "body"},
        output_shape=_skip_shape,
        backward=_skip_backward,
    ),
    "layer_norm": Operation(
        apply=_layer_norm,
        modules=("torch.nn:LayerNorm",),
        parameters=(SCALE, BIAS),
        export=lambda module: {"shape": list(module.normalized_shape), "eps": module.eps},
        backward=_layer_norm_backward,
    ),
    "batch_norm": Operation(
        apply=_batch_norm,
        modules=("torch.nn:BatchNorm1d", "torch.nn:BatchNorm2d"),
        parameters=(Parameter("mean", "running_mean"), Parameter("variance", "running_var"), SCALE, BIAS),
        export=lambda module: {"count": module.num_features, "eps": module.eps},
        backward=_batch_norm_backward,
    ),
    "embedding": Operation(
        apply=_embedding,
        modules=("torch.nn:Embedding",),
        parameters=(WEIGHT,),
        export=_export_embedding,
        output_shape=lambda layer, shape: (*shape, layer["width"]),
    ),
    "pointwise": Operation(
        apply=_pointwise,
        modules=("vae_core.program.modules:Pointwise",),
        parameters=(WEIGHT, BIAS),
        export=lambda module: {"in": module.in_features, "out": module.out_features},
        output_shape=_pointwise_shape,
        backward=_pointwise_backward,
        multiplications=lambda layer, shape: math.prod(shape) * layer["out"],
    ),
    "places": Operation(
        apply=_places,
        modules=("vae_core.program.modules:Places",),
        parameters=(WEIGHT,),
        export=lambda module: {"count": module.weight.shape[0], "width": module.weight.shape[1]},
        output_shape=_places_shape,
        backward=lambda layer, weights, x, y, gradient: gradient,
    ),
    "causal_attention": Operation(
        apply=_causal_attention,
        modules=("vae_core.program.modules:CausalAttention",),
        export=lambda module: {"heads": module.heads},
        output_shape=_attention_shape,
    ),
    "nearest": Operation(
        apply=_nearest,
        modules=("vae_core.program.modules:Nearest",),
        parameters=(WEIGHT,),
        export=lambda module: {"count": module.weight.shape[0], "width": module.weight.shape[1]},
        output_shape=lambda layer, shape: shape[:-1],
    ),
}
