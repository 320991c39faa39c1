"""A run's encoder and decoder in plain PyTorch: a ``state_dict``, and a short program that loads it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from vae_core.program.operations import Shape, output_shape
from vae_core.program.to_onnx import Value
from vae_core.run import Run
from vae_core.storage.network_interface import Interface, facts_of, interface_of

if TYPE_CHECKING:
    from vae_core.program.to_torch import Text


def torch_files(run: Run) -> dict[str, bytes]:
    """``<key>-state.safetensors``, a plain ``state_dict`` in float32, and a Python file that loads it.

    The file builds the networks of torch's modules, `network`, and has `encode` (not where the encoder is no sequence
    of layers) and `decode`, or `predict` of a model that gives another image than it sees; it needs PyTorch and
    safetensors, and nothing of this package.

    Raises:
        StoreError: a layer that no constructor is written for, as a plugin's may be.
    """
    from safetensors.numpy import save

    from vae_core.program.to_torch import definitions

    texts, interface, state_file = _texts(run), interface_of(run), f"{run.key}-state.safetensors"
    state = {
        f"{name}.{tensor}": np.ascontiguousarray(array)
        for name, text in texts.items()
        for tensor, array in text.tensors.items()
    }
    parts = [
        definitions({name: value for text in texts.values() for name, value in text.used.items()}),
        "network = nn.ModuleDict({\n" + "".join(map(_sequential, texts, texts.values())) + "})\n"
        f'network.load_state_dict(load_file(Path(__file__).with_name("{state_file}")))\n'
        "network.eval()",
        _encode(interface, texts),
        _last(interface, texts),
    ]
    body = "\n\n\n".join(part for part in parts if part)
    functions = f"{'encode, ' if _encode(interface, texts) else ''}{_function(interface)}"
    module = re.sub(r"\W", "_", run.key)  # a name that Python can import
    facts = "\n".join(f"{name}: {value}" for name, value in facts_of(run).items())
    head = (
        f'"""The networks of {run.key}, in plain PyTorch: pip install torch safetensors\n\n'
        f'    from {module} import network, {functions}\n\n{facts}\n"""'
    )
    return {state_file: save(state), f"{module}.py": f"{head}\n\n{_imports(body)}\n\n{body}\n".encode()}


def _texts(run: Run) -> dict[str, Text]:
    """The networks by name: of a posterior a trunk and its two heads, else an encoder; the last one; and what makes
    expected pixels of natural parameters, where the two differ."""
    from vae_core.program.to_torch import written

    interface, pixels = interface_of(run), (math.prod(run.image_shape),)
    shapes: dict[str, Shape] = {}
    if "trunk" in run.programs:
        features = output_shape(run.programs["trunk"], pixels)
        shapes = {"trunk": pixels, "mean": features, "log_var": features}
    elif run.encoder:
        shapes = {"encoder": pixels}
    shapes[interface.last] = (math.prod(interface.taken.shape),)
    texts = {name: written(run.programs[name], run.weights, shape) for name, shape in shapes.items()}
    if len(interface.outputs) > 1:
        texts["likelihood"] = written(list(run.likelihood.final_operations), run.weights, run.image_shape)
    return texts


def _sequential(name: str, text: Text) -> str:
    layers = "".join(f"        {layer},\n" for layer in text.layers)
    return f'    "{name}": nn.Sequential(\n{layers}    ),\n'


def _imports(body: str) -> str:
    """The imports that a program needs, in order."""
    lines = ["from pathlib import Path", ""]
    if "torch." in body:
        lines.append("import torch")
    lines += ["from safetensors.torch import load_file", f"from torch import {'Tensor, ' * ('Tensor' in body)}nn"]
    if "functional." in body:
        lines.append("from torch.nn import functional")
    return "\n".join(lines)


def _encode(interface: Interface, texts: dict[str, Text]) -> str:
    image, codes = _described((interface.pixels,)), _described(interface.codes)
    head = f'def encode(pixels):\n    """{image} from 0 to 1 -> {codes}."""\n'
    if "trunk" in texts:
        return (
            f'{head}    features = network["trunk"](pixels.flatten(1))\n'
            '    return network["mean"](features), network["log_var"](features)'
        )
    flat = ".flatten(1)" if len(interface.code.shape) == 1 else ""  # also of a code that is made as rows of one number
    return f'{head}    return network["encoder"](pixels.flatten(1)){flat}' if "encoder" in texts else ""


def _function(interface: Interface) -> str:
    """What the last network's function is called."""
    return "predict" if interface.last == "predict" else "decode"


def _last(interface: Interface, texts: dict[str, Text]) -> str:
    code, first = interface.taken, interface.outputs[0]
    meanings = "".join(f"    {value.name}: {value.meaning}\n" for value in (code, *interface.outputs))
    further = f', network["likelihood"]({first.name})' if "likelihood" in texts else ""
    return (
        f"def {_function(interface)}({code.name}):\n"
        f'    """{_described((code,))} -> {_described(interface.outputs)}.\n\n{meanings}    """\n'
        f'    {first.name} = network["{interface.last}"]({code.name}.flatten(1)).reshape{(-1, *first.shape)}\n'
        f"    return {first.name}{further}"
    )


def _described(values: tuple[Value, ...]) -> str:
    """Names with shapes, such as ``z (N, 2)``."""
    return ", ".join(f"{value.name} ({', '.join(['N', *map(str, value.shape)])})" for value in values)
