"""A run's networks leave for other tools: onnxruntime and plain PyTorch compute what the model does."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from tests.support.operation_examples import ALL, Example, made
from vae_core.cli import commands as cli
from vae_core.errors import MissingPackage, SpecError, StoreError
from vae_core.losses.likelihoods import likelihood
from vae_core.models import MODELS, model_kind
from vae_core.program import to_torch
from vae_core.program.operations import OPERATIONS, output_shape
from vae_core.program.to_onnx import WRITERS, Graph, Value
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.export import export_run
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.onnx_files import onnx_files
from vae_core.storage.store import Store
from vae_core.storage.torch_files import torch_files

NEAR = {"rtol": 1e-5, "atol": 1e-5}
OTHERS = {
    "gaussian": RunSpec("digits", "vae", hidden=(16,), likelihood="gaussian", epochs=1),
    "continuous Bernoulli": RunSpec("digits", "conv_vae", hidden=(4, 8), likelihood="continuous_bernoulli", epochs=1),
}
SHIPPED_KINDS = ("vae", "conv_vae", "vq_vae", "gan")


@pytest.fixture(params=[*MODELS, *OTHERS, *(f"shipped {model}" for model in SHIPPED_KINDS)])
def run(request: pytest.FixtureRequest, every_kind: dict[str, Run], untrained_run) -> Run:
    """One of every kind of model, of the likelihoods, and of what is shipped."""
    name: str = request.param
    if name in OTHERS:
        return untrained_run(OTHERS[name])
    if name.startswith("shipped "):
        return Store(SHIPPED).load(shipped_run(model=name.removeprefix("shipped "), dataset="mnist").key)
    return every_kind[name]


def expected(run: Run, pixels: torch.Tensor) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What the torch model makes of flat images, and of their codes: by the names of the files' outputs."""
    kind, shape = model_kind(run.spec.model), (-1, *run.image_shape)
    with torch.no_grad():
        code = run.model.encode(pixels)
        output = run.model.decode(code.mean) if run.spec.target is None else run.model.predict(pixels)
        if run.spec.target is not None:
            made = {"logits": output.reshape(shape).numpy(), "target": output.sigmoid().reshape(shape).numpy()}
        elif kind.bottleneck.decodes:
            pixels_made = likelihood(run.spec, run.model).expected_pixels(output).reshape(shape).numpy()
            made = {"pixels": pixels_made}
            if run.spec.likelihood != "gaussian":
                made["logits"] = output.reshape(shape).numpy()
        else:
            made = {"logits": output.numpy()}
    if code.log_var is not None:
        return {"mean": code.mean.numpy(), "log_var": code.log_var.numpy()}, made
    return {{"codebook": "indices", "features": "features"}.get(kind.code, "z"): code.mean.numpy()}, made


def images_for(run: Run, count: int = 5) -> torch.Tensor:
    return torch.rand(count, int(np.prod(run.image_shape)), generator=torch.Generator().manual_seed(0))


def agree(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name].reshape(array.shape), array, **NEAR, err_msg=name)


def test_onnxruntime_computes_what_the_model_does(run: Run) -> None:
    images = images_for(run)
    codes, made_of_them = expected(run, images)
    files = onnx_files(run)
    last = "decoder" if run.spec.target is None else "predict"
    assert set(files) == {f"{run.key}-{part}.onnx" for part in ("encoder", last) if run.encoder or part != "encoder"}
    for name, content in files.items():
        facts = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
        assert facts["key"] == run.key and facts["pixel_range"] == "0 to 1"
        assert facts.get("likelihood", "bernoulli") == run.spec.likelihood
        session = onnxruntime.InferenceSession(content)
        (taken,), given = session.get_inputs(), [value.name for value in session.get_outputs()]
        assert taken.shape[0] == "batch"
        if name.endswith("encoder.onnx"):
            assert taken.name == "pixels" and tuple(taken.shape[1:]) == run.image_shape
            x, wanted = images.numpy().reshape(-1, *run.image_shape), codes
        elif last == "predict":
            x, wanted = images.numpy().reshape(-1, *run.image_shape), made_of_them
        else:
            x, wanted = next(iter(codes.values())).reshape(-1, *taken.shape[1:]), made_of_them
            assert taken.name == {"mean": "z"}.get(next(iter(codes)), next(iter(codes)))
            x = x.astype(np.int64 if "int64" in taken.type else np.float32)
        for rows in (len(x), 1):  # the batch is free
            found = dict(zip(given, session.run(None, {taken.name: x[:rows]}), strict=True))
            agree(found, {output: array[:rows] for output, array in wanted.items()})


def test_plain_pytorch_computes_what_the_model_does(run: Run, tmp_path: Path) -> None:
    images = images_for(run)
    codes, made_of_them = expected(run, images)
    for name, content in torch_files(run).items():
        (tmp_path / name).write_bytes(content)
    (program,) = tmp_path.glob("*.py")
    assert program.stem.isidentifier()
    text = program.read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {each.name for each in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    assert imported <= {"pathlib", "torch", "torch.nn", "safetensors.torch"} and run.key in text
    loaded = runpy.run_path(str(program))
    with torch.no_grad():
        if run.encoder:
            given = loaded["encode"](images.reshape(-1, *run.image_shape))
            agree(_named(codes, given), codes)
        if run.spec.target is None:
            found = loaded["decode"](torch.from_numpy(next(iter(codes.values()))))
        else:
            found = loaded["predict"](images.reshape(-1, *run.image_shape))
    order = {name: made_of_them[name] for name in ("logits", "pixels", "target") if name in made_of_them}
    agree(_named(order, found), order)


def _named(names: dict[str, Any], given: Any) -> dict[str, np.ndarray]:
    values = given if isinstance(given, tuple) else (given,)
    return {name: value.numpy() for name, value in zip(names, values, strict=True)}


def test_every_operation_can_be_written() -> None:
    assert WRITERS.keys() == to_torch.CONSTRUCTORS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize(("op", "example"), ALL.values(), ids=ALL.keys())
def test_every_operation_is_written_as_torch_computes_it(op: str, example: Example) -> None:
    one = made(example)
    with torch.no_grad():
        wanted = one.by_torch(torch.from_numpy(one.x)).numpy()
    graph = Graph(Value("x", example.shape, "any"))
    y, shape = graph.program(one.program, one.weights, "x", example.shape)
    assert shape == output_shape(one.program, example.shape)
    graph.named(y, "y")
    content = graph.model((Value("y", shape, "any", whole=op == "nearest"),), {}, op).SerializeToString()
    (found,) = onnxruntime.InferenceSession(content).run(None, {"x": one.x})
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)

    text = to_torch.written(one.program, one.weights, example.shape)
    names: dict[str, Any] = {"nn": nn, "torch": torch, "Tensor": torch.Tensor, "functional": nn.functional}
    exec(f"{to_torch.definitions(text.used)}\n\nlayers = nn.Sequential({', '.join(text.layers)})", names)
    layers = names["layers"].eval()
    layers.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in text.tensors.items()})
    with torch.no_grad():
        rebuilt = layers(torch.from_numpy(one.x)).numpy()
    np.testing.assert_allclose(rebuilt.reshape(wanted.shape), wanted, rtol=0, atol=1e-6)


def test_the_command_writes_them_and_says_what_it_cannot(
    every_kind: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    for model in ("vae", "memoriser"):
        store.save(every_kind[model])
    vae, memoriser = every_kind["vae"].key, every_kind["memoriser"].key

    def export(key: str, form: str) -> Any:
        arguments = ["export", key, "--format", form, "--to", str(tmp_path / form), "--store", str(store.root)]
        return CliRunner().invoke(cli.app, arguments)

    done = export(vae, "onnx")
    assert sorted(map(str, (tmp_path / "onnx").iterdir())) == sorted(done.stdout.split()) and not done.stderr
    assert "the decoder alone" in export(memoriser, "torch").stderr
    assert isinstance(export(vae, "gguf").exception, SpecError)
    monkeypatch.setitem(sys.modules, "onnx", None)  # as where it is not installed
    with pytest.raises(MissingPackage, match="pip install onnx"):
        export_run(store, vae, tmp_path / "without", "onnx")
    assert not (tmp_path / "without").exists()


@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_a_layer_of_a_plugin_is_named(form: str, monkeypatch: pytest.MonkeyPatch, every_kind: dict[str, Run]) -> None:
    table = WRITERS if form == "onnx" else to_torch.CONSTRUCTORS
    monkeypatch.delitem(table, "relu")
    with pytest.raises(StoreError, match="layer 'relu'"):
        (onnx_files if form == "onnx" else torch_files)(every_kind["vae"])
