"""A run's networks as ONNX."""

from __future__ import annotations

import math

import numpy as np

from vae_core.program.operations import Shape
from vae_core.program.to_onnx import Graph
from vae_core.run import Run
from vae_core.storage.network_interface import facts_of, interface_of


def onnx_files(run: Run) -> dict[str, bytes]:
    """``<key>-encoder.onnx`` (not where the encoder is no sequence of layers) and ``<key>-decoder.onnx``; of a model
    that gives another image than it sees, ``<key>-predict.onnx`` for the decoder.

    The first dimension of each input is free; `interface_of` says the others. Weights are float32, the stored ones.

    Raises:
        MissingPackage: the package onnx is not installed.
        StoreError: a layer that ONNX has no operation for, as a plugin's may be.
    """
    interface, facts = interface_of(run), facts_of(run)
    files = {}
    if run.encoder:
        graph = Graph(interface.pixels)
        shape: Shape = (math.prod(run.image_shape),)
        x = graph.node("Flatten", "pixels", axis=1)
        if "trunk" in run.programs:
            x, shape = graph.program(run.programs["trunk"], run.weights, x, shape)
            for value in interface.codes:
                graph.named(graph.program(run.programs[value.name], run.weights, x, shape)[0], value.name)
        else:
            x, shape = graph.program(run.encoder, run.weights, x, shape)
            if shape != interface.code.shape:  # a flat code, made as rows of one number
                x = graph.node("Flatten", x, axis=1)
            graph.named(x, interface.code.name)
        files["encoder"] = graph.model(interface.codes, facts, f"encoder of {run.key}")
    graph = Graph(interface.taken)
    x = interface.taken.name
    if len(interface.taken.shape) != 1:
        x = graph.node("Flatten", x, axis=1)
    x, shape = graph.program(run.programs[interface.last], run.weights, x, (math.prod(interface.taken.shape),))
    first, *further = interface.outputs
    if shape != first.shape:
        x = graph.node("Reshape", x, graph.tensor(np.array([0, *first.shape], np.int64)))
    graph.named(x, first.name)
    for value in further:
        y, _ = graph.program(list(run.likelihood.final_operations), run.weights, first.name, first.shape)
        graph.named(y, value.name)
    files[interface.last] = graph.model(interface.outputs, facts, f"{interface.last} of {run.key}")
    return {f"{run.key}-{name}.onnx": model.SerializeToString(deterministic=True) for name, model in files.items()}
