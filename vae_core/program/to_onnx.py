"""Programs as an ONNX graph, for tools that know nothing of this package. Building one needs the package onnx."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vae_core.errors import MissingPackage, StoreError
from vae_core.program.continuous_bernoulli import LARGEST_LOGIT, NEAR
from vae_core.program.convolutions import causal_mask
from vae_core.program.forward import float_weights
from vae_core.program.operations import Layer, Program, Shape, Weights, operation_of

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, FORMAT = 17, 8  # the oldest that have all that is used here, so that older readers can read it
BATCH = "batch"  # the name of the free first dimension


class Value(NamedTuple):
    """An input or an output of a graph.

    Attributes:
        name: in the field's standard terms.
        shape: of one example; the graph adds the batch.
        meaning: one sentence, with units.
        whole: whether its numbers are int64; otherwise they are float32.
    """

    name: str
    shape: Shape
    meaning: str
    whole: bool = False


class Graph:
    """A graph in the making.

    Args:
        inputs: what it takes.
    """

    def __init__(self, *inputs: Value) -> None:
        self._inputs = inputs
        self._nodes: list[dict[str, Any]] = []
        self._tensors: dict[str, np.ndarray] = {}

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation of ONNX; returns the name of its output."""
        output = f"{kind}_{len(self._nodes)}"
        self._nodes.append({"op_type": kind, "inputs": inputs, "outputs": [output], "name": output, **attributes})
        return output

    def tensor(self, array: Any, name: str = "") -> str:
        """Add an array, once under each name; returns its name."""
        name = name or f"constant_{len(self._tensors)}"
        self._tensors.setdefault(name, np.asarray(array, order="C"))
        return name

    def program(self, program: Program, weights: Weights, x: str, shape: Shape) -> tuple[str, Shape]:
        """Add a program.

        Args:
            program: see `operations`.
            weights: arrays by the names that the records use.
            x: the name of its input.
            shape: of one example of that.

        Returns:
            The name of its output and the shape of one example of that.

        Raises:
            StoreError: an operation that is not written here, as a plugin's may be.
        """
        floats = float_weights(program, weights)
        for layer in program:
            x = self._layer(layer, floats, x, shape)
            shape = operation_of(layer).output_shape(layer, shape)
        return x, shape

    def _layer(self, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
        if layer["op"] not in WRITERS:
            raise StoreError(f"the layer {layer['op']!r} cannot be written as ONNX; --format torch can be tried.")
        return WRITERS[layer["op"]](self, layer, weights, x, shape)

    def named(self, x: str, name: str) -> None:
        """Give a value the name under which it leaves the graph."""
        self.node("Identity", x)
        self._nodes[-1]["outputs"] = [name]

    def model(self, outputs: tuple[Value, ...], metadata: Mapping[str, str], title: str) -> ModelProto:
        """The checked model.

        Args:
            outputs: values that were `named`.
            metadata: further properties, by name.
            title: of the graph.

        Raises:
            MissingPackage: the package onnx is not installed.
        """
        try:
            import onnx
        except ImportError as error:
            raise MissingPackage(
                "writing ONNX needs the package onnx: install it, with 'pip install onnx' or the extra onnx of this "
                "package, and try again."
            ) from error
        from onnx import TensorProto, helper, numpy_helper

        def described(value: Value) -> Any:
            kind = TensorProto.INT64 if value.whole else TensorProto.FLOAT
            return helper.make_tensor_value_info(value.name, kind, [BATCH, *value.shape], value.meaning)

        graph = helper.make_graph(
            [helper.make_node(**node) for node in self._nodes],
            title,
            [described(value) for value in self._inputs],
            [described(value) for value in outputs],
            [numpy_helper.from_array(array, name) for name, array in self._tensors.items()],
        )
        model = helper.make_model(
            graph, producer_name="vae_core", ir_version=FORMAT, opset_imports=[helper.make_opsetid("", OPSET)]
        )
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        return model


Writer = Callable[[Graph, Layer, Weights, str, Shape], str]


def _shaped(graph: Graph, x: str, shape: Shape) -> str:
    return graph.node("Reshape", x, graph.tensor(np.array([0, *shape], np.int64)))  # 0: the batch, as it is


def _held(graph: Graph, layer: Layer, weights: Weights, *fields: str) -> list[str]:
    """The tensors of a record; those that it lacks are left out."""
    return [graph.tensor(weights[layer[field]], layer[field]) for field in fields if field in layer]


def _linear(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    if len(shape) != 1:
        x = graph.node("Flatten", x, axis=1)
    return graph.node("Gemm", x, *_held(graph, layer, weights, "weight", "bias"), transB=1)


def _elementwise(kind: str) -> Writer:
    return lambda graph, layer, weights, x, shape: graph.node(kind, x)


def _continuous_bernoulli_mean(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    """`continuous_bernoulli.mean` of the bounded logit: by its series near 0, where the formula loses its figures."""
    constant = {name: graph.tensor(np.float32(value), name) for name, value in _CONTINUOUS_BERNOULLI.items()}
    logit = graph.node("Div", x, constant["largest"])
    logit = graph.node("Mul", graph.node("Tanh", logit), constant["largest"])
    size = graph.node("Abs", logit)
    near = graph.node("Less", size, constant["near"])
    u = graph.node("Mul", logit, logit)
    series = constant["c3"]
    for name in ("c2", "c1", "c0"):
        series = graph.node("Add", graph.node("Mul", series, u), constant[name])
    series = graph.node("Mul", logit, series)
    far = graph.node("Max", size, constant["near"])
    away = graph.node("Sub", constant["one"], graph.node("Exp", graph.node("Neg", far)))
    mean = graph.node("Sub", graph.node("Reciprocal", away), graph.node("Reciprocal", far))
    mean = graph.node("Mul", graph.node("Sub", mean, constant["half"]), graph.node("Sign", logit))
    return graph.node("Add", graph.node("Where", near, series, mean), constant["half"])


_CONTINUOUS_BERNOULLI = {
    "largest": LARGEST_LOGIT, "near": NEAR, "one": 1.0, "half": 0.5,
    "c0": 1 / 12, "c1": -1 / 720, "c2": 1 / 30240, "c3": -1 / 1209600,
}  # fmt: skip


def _reshape(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    return _shaped(graph, x, tuple(layer["shape"]))


def _permute(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    return graph.node("Transpose", x, perm=[0, *(axis + 1 for axis in layer["axes"])])


def _geometry(layer: Layer) -> dict[str, Any]:
    return {"kernel_shape": layer["kernel_size"], "strides": layer["stride"], "pads": [*layer["padding"]] * 2}


def _conv(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    return graph.node("Conv", x, *_held(graph, layer, weights, "weight", "bias"), **_geometry(layer))


def _masked_conv(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    masked = weights[layer["weight"]] * causal_mask(layer["kernel_size"], layer["mask"])
    return _conv(graph, layer, {**weights, layer["weight"]: masked}, x, shape)


def _conv_transpose(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    further = {"output_padding": layer["output_padding"]}
    held = _held(graph, layer, weights, "weight", "bias")
    return graph.node("ConvTranspose", x, *held, **_geometry(layer), **further)


def _max_pool(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    return graph.node("MaxPool", x, kernel_shape=layer["kernel_size"], strides=layer["stride"])


def _upsample(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    """Rows, then columns, by whole numbers: ONNX's own resizing would round a scale."""
    for axis, (low, high) in enumerate(zip(shape[1:], layer["size"], strict=True), start=2):
        x = graph.node("Gather", x, graph.tensor(np.arange(high, dtype=np.int64) * low // high), axis=axis)
    return x


def _residual(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    y, found = graph.program(layer["program"], weights, x, shape)
    return graph.node("Add", x, y if found == shape else _shaped(graph, y, shape))


def _skip(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    made, _ = graph.program(layer["program"], weights, x, shape)
    return graph.node("Concat", x, made, axis=1)


def _layer_norm(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    normed = tuple(layer["shape"])
    other = shape[-len(normed) :] != normed
    scale = _held(graph, layer, weights, "weight") or [graph.tensor(np.ones(normed, np.float32))]
    y = _shaped(graph, x, normed) if other else x
    y = graph.node(
        "LayerNormalization", y, *scale, *_held(graph, layer, weights, "bias"), axis=-len(normed), epsilon=layer["eps"]
    )
    return _shaped(graph, y, shape) if other else y


def _batch_norm(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    scale = _held(graph, layer, weights, "weight") or [graph.tensor(np.ones(layer["count"], np.float32))]
    bias = _held(graph, layer, weights, "bias") or [graph.tensor(np.zeros(layer["count"], np.float32))]
    moments = _held(graph, layer, weights, "mean", "variance")
    return graph.node("BatchNormalization", x, *scale, *bias, *moments, epsilon=layer["eps"])


def _embedding(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    (rows,) = _held(graph, layer, weights, "weight")
    return graph.node("Gather", rows, graph.node("Cast", x, to=_INT64), axis=0)


def _pointwise(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    y = graph.node("MatMul", x, graph.tensor(weights[layer["weight"]].T, layer["weight"]))
    return graph.node("Add", y, *_held(graph, layer, weights, "bias")) if "bias" in layer else y


def _places(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    return graph.node("Add", x, graph.tensor(weights[layer["weight"]][: shape[0]], layer["weight"]))


def _causal_attention(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    rows, width, heads = shape[0], shape[1] // 3, layer["heads"]
    apart = graph.node("Transpose", _shaped(graph, x, (rows, 3, heads, width // heads)), perm=[2, 0, 3, 1, 4])
    query, key, value = (graph.node("Gather", apart, graph.tensor(np.int64(i)), axis=0) for i in range(3))
    # (N, heads, T, C / heads)
    scores = graph.node("MatMul", query, graph.node("Transpose", key, perm=[0, 1, 3, 2]))
    scores = graph.node("Mul", scores, graph.tensor(np.float32(1.0 / math.sqrt(width // heads))))
    later = np.where(np.tri(rows, dtype=bool), np.float32(0.0), np.float32(-np.inf))
    shares = graph.node("Softmax", graph.node("Add", scores, graph.tensor(later)), axis=-1)
    found = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    return _shaped(graph, found, (rows, width))


def _nearest(graph: Graph, layer: Layer, weights: Weights, x: str, shape: Shape) -> str:
    """By distances from their own differences in float64, as numpy and torch do it; int64."""
    rows = graph.tensor(weights[layer["weight"]].astype(np.float64), f"{layer['weight']}.float64")
    x = graph.node("Cast", x, to=_DOUBLE)
    apart = graph.node("Sub", graph.node("Unsqueeze", x, graph.tensor(np.array([-2], np.int64))), rows)
    away = graph.node("ReduceSum", graph.node("Mul", apart, apart), graph.tensor(np.array([-1], np.int64)), keepdims=0)
    return graph.node("ArgMin", away, axis=-1, keepdims=0)


_INT64, _DOUBLE = 7, 11  # as onnx.TensorProto numbers them

WRITERS: dict[str, Writer] = {
    "linear": _linear,
    "relu": _elementwise("Relu"),
    "tanh": _elementwise("Tanh"),
    "sigmoid": _elementwise("Sigmoid"),
    "continuous_bernoulli_mean": _continuous_bernoulli_mean,
    "reshape": _reshape,
    "permute": _permute,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "masked_conv2d": _masked_conv,
    "max_pool": _max_pool,
    "upsample": _upsample,
    "residual": _residual,
    "skip": _skip,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "embedding": _embedding,
    "pointwise": _pointwise,
    "places": _places,
    "causal_attention": _causal_attention,
    "nearest": _nearest,
}
