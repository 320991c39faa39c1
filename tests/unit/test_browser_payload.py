"""The payload is read here by an independent interpreter, from its bytes alone, as the browser reads it."""

from __future__ import annotations

import dataclasses
import io
import json
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.support.payloads import tensor_in
from vae_core.datasets import ImageDataset, load
from vae_core.payloads.plane import LatentPlane, Payload, line_payload, plane_payload, thumbnails_payload
from vae_core.program.export import decoder_program
from vae_core.run import Codes, Run
from vae_core.spec import RunSpec
from vae_core.training.finish import stored_weights

RUNS = ["ae", "vae", "vae d=1", "vae d=5", "ae d=5", "gaussian", "linear"]


class Parsed(NamedTuple):
    header: dict[str, Any]
    tensors: dict[str, np.ndarray]


def parse(content: bytes) -> Parsed:
    """Read a payload as the documentation of the format says."""
    (length,) = struct.unpack_from("<I", content)
    header = json.loads(content[4 : 4 + length].decode("utf-8"))
    tensors = {}
    for name, entry in header["tensors"].items():
        assert entry["dtype"] in ("float16", "float32", "uint8")
        tensors[name] = tensor_in(content[4 + length :], entry)
    return Parsed(header, tensors)


def interpret(layers: list[dict[str, Any]], tensors: dict[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """Evaluate a program of layers: (N, inputs) -> (N, pixels)."""
    x = points.astype(np.float64)
    for layer in layers:
        if layer["op"] in ("linear", "conv_transpose"):
            weight = tensors[layer["weight"]].astype(np.float64)
            bias = tensors[layer["bias"]].astype(np.float64) if "bias" in layer else np.zeros(layer["out"])
        if layer["op"] == "linear":
            assert weight.shape == (layer["out"], layer["in"])
            x = x @ weight.T + bias
        elif layer["op"] == "relu":
            x = np.maximum(x, 0.0)
        elif layer["op"] == "tanh":
            x = np.tanh(x)
        elif layer["op"] == "sigmoid":
            x = 1.0 / (1.0 + np.exp(-x))
        elif layer["op"] == "reshape":
            x = x.reshape(len(x), *layer["shape"])
        elif layer["op"] == "conv_transpose":
            x = conv_transpose(x, weight, bias, layer)
        else:
            raise AssertionError(f"unknown layer {layer}")
    return x.reshape(len(x), -1)


def conv_transpose(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """Each input pixel stamps the kernel, scaled, onto a canvas; `padding` is then cut off."""
    (kh, kw), (sh, sw), (ph, pw) = layer["kernel_size"], layer["stride"], layer["padding"]
    (oh, ow), (count, _, height, width) = layer["output_padding"], x.shape
    canvas = np.zeros((count, layer["out"], (height - 1) * sh + kh + oh, (width - 1) * sw + kw + ow))
    for row in range(height):
        for column in range(width):
            stamp = np.einsum("nc,cokl->nokl", x[:, :, row, column], weight)
            canvas[:, :, row * sh : row * sh + kh, column * sw : column * sw + kw] += stamp
    canvas = canvas[:, :, ph : canvas.shape[2] - ph, pw : canvas.shape[3] - pw]
    return canvas + bias[:, None, None]


def some_points(payload: Parsed, count: int = 64) -> np.ndarray:
    (left, right), (bottom, top) = payload.header["range"]["x"], payload.header["range"]["y"]
    return np.random.default_rng(0).uniform((left, bottom), (right, top), (count, 2))


def pixels_by_torch(run: Run, codes: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.from_numpy(codes).float())).numpy()


@pytest.mark.parametrize("name", RUNS)
def test_the_bytes_decode_to_what_torch_decodes(name: str, small_runs: dict[str, Run]) -> None:
    run = small_runs[name]
    payload = parse(plane_payload(run).to_bytes())
    points = some_points(payload)
    dimensions = run.spec.latent_dim
    if dimensions == 1:
        codes = points[:, :1]
    elif dimensions == 2:
        codes = points
    else:
        codes = np.array(payload.header["plane_origin"]) + points @ np.array(payload.header["plane_axes"])
    decoded = interpret(payload.header["layers"], payload.tensors, points)
    assert decoded.shape == (64, 64)
    assert decoded.std(axis=0).max() > 1e-4  # the points do not all decode to one image
    np.testing.assert_allclose(decoded, pixels_by_torch(run, codes), rtol=0, atol=1e-3)


def test_each_held_out_point_decodes_to_its_own_reconstruction(small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    payload = parse(plane_payload(run).to_bytes())
    decoded = interpret(payload.header["layers"], payload.tensors, payload.tensors["points"][:50])
    # The points travel in half precision: 2^-11 of a code of about 1.
    np.testing.assert_allclose(decoded, pixels_by_torch(run, run.codes.mean[:50]), rtol=0, atol=5e-3)


@pytest.mark.parametrize("name", RUNS)
def test_the_header_is_padded_and_every_tensor_is_aligned_and_apart(name: str, small_runs: dict[str, Run]) -> None:
    content = plane_payload(small_runs[name], title="Ein Titel – mit Strich").to_bytes()
    (length,) = struct.unpack_from("<I", content)
    assert (4 + length) % 8 == 0
    assert content[4:5] == b"{"
    assert content[4 : 4 + length].rstrip(b" ").endswith(b"}")
    header, tensors = parse(content)
    end = 0
    for key, entry in sorted(header["tensors"].items(), key=lambda item: item[1]["offset"]):
        assert entry["offset"] % 8 == 0
        assert entry["offset"] >= end
        end = entry["offset"] + tensors[key].nbytes
    assert 0 <= len(content) - (4 + length) - end < 8


@pytest.mark.parametrize("length", range(9))
def test_a_header_of_any_length_keeps_the_tensors_aligned(length: int) -> None:
    table = {"a": {"dtype": "uint8", "shape": [3], "offset": 0}}
    content = Payload({"tensors": table, "pad": "x" * length}, b"\1\2\3").to_bytes()
    assert struct.unpack_from("<I", content)[0] % 8 == 4
    assert parse(content).tensors["a"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", RUNS)
def test_the_header_says_what_the_canvas_draws(name: str, small_runs: dict[str, Run]) -> None:
    run = small_runs[name]
    header, tensors = parse(plane_payload(run).to_bytes())
    whole, vae = run.spec.latent_dim <= 2, run.spec.model == "vae"
    assert (header["format"], header["kind"], header["key"]) == (2, "plane", run.key)
    assert header["image"] == {"channels": 1, "height": 8, "width": 8}
    assert header["labels"] == [str(digit) for digit in range(10)]
    assert header["rings"] == ([1, 2, 3] if whole else [])
    assert header["prior"] is vae
    assert header["prior_dimension"] == run.spec.latent_dim
    assert (header["axes"] == ["z₁", "z₂"]) is whole
    assert (header["variance_share"] == 1.0) is whole
    assert 0 < header["variance_share"] <= 1
    assert header["empty_beyond"] > 0
    assert tensors["points"].shape == (360, 2)
    assert tensors["points"].dtype == np.float16
    assert np.array_equal(tensors["classes"], run.codes.labels)
    assert ("posteriors" in tensors) is vae
    ops = [layer["op"] for layer in header["layers"]]
    assert (ops[-1] == "sigmoid") is (run.spec.likelihood == "bernoulli")
    assert set(ops) <= {"linear", "relu", "sigmoid"}


def test_points_are_the_codes_themselves_in_two_dimensions(small_runs: dict[str, Run]) -> None:
    for name in ("ae", "vae"):
        run = small_runs[name]
        points = parse(plane_payload(run).to_bytes()).tensors["points"]
        assert np.array_equal(points, run.codes.mean.astype(np.float16))


@pytest.mark.parametrize("name", RUNS)
def test_the_range_is_a_square_that_holds_nearly_all_points(name: str, small_runs: dict[str, Run]) -> None:
    header, tensors = parse(plane_payload(small_runs[name]).to_bytes())
    (left, right), (bottom, top) = header["range"]["x"], header["range"]["y"]
    assert right - left == pytest.approx(top - bottom)
    x, y = tensors["points"].astype(np.float64).T
    assert ((left <= x) & (x <= right) & (bottom <= y) & (y <= top)).mean() > 0.98
    if header["prior"] and header["rings"]:
        assert (left, bottom) == (-right, -top)
        assert right >= 3.15  # the outermost ring fits


def test_codes_in_one_point_still_have_a_range(small_runs: dict[str, Run]) -> None:
    run = small_runs["ae"]
    same = dataclasses.replace(run, codes=Codes(np.ones((5, 2), np.float32), None, np.zeros(5, np.uint8)))
    span = parse(plane_payload(same).to_bytes()).header["range"]["x"]
    assert span[0] < 1 < span[1]


def test_entries_can_be_added_to_a_header_without_touching_the_body(small_runs: dict[str, Run]) -> None:
    payload = plane_payload(small_runs["vae"], title="one")
    other = payload.with_header(title="two", palette=["#fff"])
    assert (payload.header["title"], other.header["title"]) == ("one", "two")
    assert "palette" not in payload.header
    assert other.body is payload.body
    before, after = parse(payload.to_bytes()), parse(other.to_bytes())
    assert all(np.array_equal(before.tensors[name], after.tensors[name]) for name in before.tensors)


def test_the_same_tensors_have_the_same_id_whatever_the_header_says(small_runs: dict[str, Run]) -> None:
    one, other = plane_payload(small_runs["vae"], title="one"), plane_payload(small_runs["vae"], title="two")
    different = plane_payload(small_runs["ae"], title="one")
    assert one.header["body"] == other.header["body"]
    assert one.header["body"]["id"] != different.header["body"]["id"]
    assert one.header["body"]["size"] == len(one.body)
    assert one.to_bytes() == one.head + one.body


def test_a_number_that_json_cannot_hold_never_travels() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Payload({"tensors": {}, "beta": float("nan")}, b"").to_bytes()


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_the_standard_mnist_payload_is_under_1_and_a_half_megabytes(
    model: str, untrained_run: Callable[..., Run]
) -> None:
    run = untrained_run(RunSpec("mnist", model))
    content = plane_payload(run).to_bytes()
    assert len(content) < 1_500_000
    assert parse(content).tensors["points"].shape == (5_000, 2)


DECODERS: dict[str, Callable[[], list[nn.Module]]] = {
    "perceptron": lambda: [nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 12), nn.Sigmoid()],
    "without bias": lambda: [nn.Linear(2, 12, bias=False), nn.ReLU(), nn.Flatten()],
    "convolutions": lambda: [
        nn.Linear(2, 4 * 3 * 3),
        nn.ReLU(),
        nn.Unflatten(1, (4, 3, 3)),
        nn.ConvTranspose2d(4, 3, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(3, 2, kernel_size=3, stride=2, padding=1, output_padding=1),
        nn.Sigmoid(),
    ],
    "uneven convolution": lambda: [
        nn.Linear(2, 2 * 2 * 3),
        nn.Unflatten(1, (2, 2, 3)),
        nn.ConvTranspose2d(2, 1, (3, 2), stride=(1, 3), padding=(1, 0), output_padding=(0, 2), bias=False),
        nn.Flatten(),
    ],
}


@pytest.mark.parametrize("make", DECODERS.values(), ids=DECODERS.keys())
def test_every_kind_of_layer_is_interpreted_as_torch_computes_it(make: Callable[[], list[nn.Module]]) -> None:
    generator = torch.Generator().manual_seed(0)
    decoder = nn.Sequential(*make())
    for parameter in decoder.parameters():
        nn.init.uniform_(parameter, -0.7, 0.7, generator=generator)
    layers = json.loads(json.dumps(decoder_program(decoder, prefix="")))
    tensors = stored_weights(decoder)
    assert {array.dtype for array in tensors.values()} == {np.dtype(np.float16)}
    points = torch.randn(10, 2, generator=generator)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.copy_(parameter.half())  # what travels is rounded; the layers' arithmetic is compared here
        expected = decoder(points).reshape(10, -1).numpy()
    np.testing.assert_allclose(interpret(layers, tensors, points.numpy()), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(1, 1, 3, dilation=2),
        nn.GroupNorm(1, 4),
        nn.Softmax(dim=1),
        nn.ConvTranspose2d(2, 2, 3, groups=2),
        nn.ConvTranspose2d(1, 1, 3, dilation=2),
    ],
    ids=str,
)
def test_a_layer_that_no_interpreter_knows_is_refused(layer: nn.Module) -> None:
    with pytest.raises(TypeError, match="the interpreters"):
        decoder_program(nn.Sequential(layer))


def some_codes(dimensions: int, count: int = 300) -> np.ndarray:
    draw = np.random.default_rng(dimensions)
    return (draw.standard_normal((count, dimensions)) * np.linspace(2, 0.5, dimensions) + 1).astype(np.float32)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 20])
def test_a_point_of_the_plane_projects_back_to_itself(dimensions: int) -> None:
    plane = LatentPlane.of_codes(some_codes(dimensions))
    points = np.random.default_rng(0).standard_normal((50, 2))
    if dimensions == 1:
        points[:, 1] = 0.0
    np.testing.assert_allclose(plane.project(plane.embed(points)), points, atol=1e-5)
    if dimensions > 1:
        np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_small_latent_spaces_are_drawn_whole_and_as_they_are(dimensions: int) -> None:
    codes = some_codes(dimensions)
    plane = LatentPlane.of_codes(codes)
    assert plane.whole
    assert plane.variance_share == 1.0
    assert np.array_equal(plane.project(codes)[:, :dimensions], codes)
    assert np.array_equal(plane.embed(plane.project(codes)), codes)


def test_the_plane_holds_as_much_variance_as_any_plane_can() -> None:
    codes = some_codes(5)
    plane = LatentPlane.of_codes(codes)
    eigenvalues = np.linalg.eigvalsh(np.cov(codes.T))
    assert plane.variance_share == pytest.approx(eigenvalues[-2:].sum() / eigenvalues.sum(), rel=1e-4)
    assert np.var(plane.project(codes), axis=0, ddof=1) == pytest.approx(eigenvalues[:-3:-1], rel=1e-3)
    assert not plane.whole
    np.testing.assert_allclose(plane.origin, codes.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 20])
def test_posterior_factors_give_back_the_projected_covariance(dimensions: int) -> None:
    plane = LatentPlane.of_codes(some_codes(dimensions))
    log_var = np.random.default_rng(1).standard_normal((40, dimensions)).astype(np.float32) - 1
    factors = plane.posterior_factors(log_var)
    assert factors.shape == (40, 3)
    axes = plane.axes.astype(np.float64)
    for (l_uu, l_vu, l_vv), entry in zip(factors, log_var, strict=True):
        lower = np.array([[l_uu, 0.0], [l_vu, l_vv]])
        expected = axes @ np.diag(np.exp(entry.astype(np.float64))) @ axes.T
        np.testing.assert_allclose(lower @ lower.T, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("log_var", [-200.0, -30.0, 0.0, 80.0])
def test_posterior_factors_stay_numbers_for_extreme_posteriors(log_var: float) -> None:
    plane = LatentPlane.of_codes(some_codes(5))
    assert np.isfinite(plane.posterior_factors(np.full((2, 5), log_var, np.float32))).all()


def some_images(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 1, 8, 8)).astype(np.uint8)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_a_line_decodes_to_what_torch_decodes(likelihood: str, untrained_run: Callable[..., Run]) -> None:
    run = untrained_run(RunSpec("digits", "vae", latent_dim=1, hidden=(16,), likelihood=likelihood))
    payload = parse(line_payload(run, some_images(5), list("abcde")).to_bytes())
    z = np.linspace(*payload.header["range"], 30)[:, None]
    decoded = interpret(payload.header["layers"], payload.tensors, z)
    assert decoded.std(axis=0).max() > 1e-2  # the places do not all decode to one image
    np.testing.assert_allclose(decoded, pixels_by_torch(run, z), rtol=0, atol=1e-3)
    ops = [layer["op"] for layer in payload.header["layers"]]
    assert (ops[-1] == "sigmoid") is (likelihood == "bernoulli")


def test_a_line_holds_the_known_images_at_the_whole_numbers(small_runs: dict[str, Run]) -> None:
    run, images, labels = small_runs["vae d=1"], some_images(7), [f"number {n}" for n in range(7)]
    header, tensors = parse(line_payload(run, images, labels, title="A line").to_bytes())
    assert (header["format"], header["kind"], header["key"]) == (2, "line", run.key)
    assert (header["inputs"], header["range"], header["labels"]) == (1, [0, 6], labels)
    assert header["image"] == {"channels": 1, "height": 8, "width": 8}
    assert header["title"] == "A line"
    assert header["layers"][0]["in"] == 1
    assert np.array_equal(tensors["images"], images)


@pytest.mark.parametrize(
    "name, images, labels, said",
    [
        ("vae", some_images(3), 3, "needs one latent dimension"),
        ("vae d=5", some_images(3), 3, "needs one latent dimension"),
        ("vae d=1", some_images(1), 1, "two or more uint8 images"),
        ("vae d=1", some_images(3) / 255, 3, "not float64"),
        ("vae d=1", some_images(3)[:, :, :7], 3, r"of shape \(1, 8, 8\), not uint8 \(3, 1, 7, 8\)"),
        ("vae d=1", some_images(3)[:, 0], 3, "of shape"),
        ("vae d=1", some_images(3), 2, "each of its 3 images, not 2"),
    ],
)
def test_what_makes_no_line_is_refused(
    name: str, images: np.ndarray, labels: int, said: str, small_runs: dict[str, Run]
) -> None:
    with pytest.raises(ValueError, match=said):
        line_payload(small_runs[name], images, ["x"] * labels)


def sheet_of(content: bytes) -> tuple[dict[str, Any], np.ndarray]:
    header, tensors = parse(content)
    with Image.open(io.BytesIO(tensors["png"].tobytes())) as image:
        return header, np.asarray(image)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 7, 50, 51, 120])
def test_thumbnails_come_back_exactly(count: int, channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, channels, 5, 4)).astype(np.uint8)
    dataset = ImageDataset("drawn", "test", images, np.zeros(count, np.int64), ("a",))
    header, sheet = sheet_of(thumbnails_payload(dataset, note="x").to_bytes())
    assert (header["kind"], header["images"], header["count"], header["note"]) == (
        "thumbnails",
        "drawn:test",
        count,
        "x",
    )
    assert header["image"] == {"channels": channels, "height": 5, "width": 4}
    assert sheet.shape[1] == 4 * header["columns"]
    sheet = sheet.reshape(*sheet.shape[:2], channels)
    for index in range(count):
        row, column = divmod(index, header["columns"])
        tile = sheet[5 * row : 5 * row + 5, 4 * column : 4 * column + 4]
        assert np.array_equal(tile.transpose(2, 0, 1), images[index])


def test_thumbnails_of_the_bundled_digits_are_the_bundled_digits() -> None:
    dataset = load("mnist_sample", "validation")
    header, sheet = sheet_of(thumbnails_payload(dataset).to_bytes())
    tiles = sheet.reshape(-1, 28, header["columns"], 28).transpose(0, 2, 1, 3).reshape(-1, 28, 28)
    assert np.array_equal(tiles[: len(dataset)], dataset.images[:, 0])


def test_other_codes_can_be_drawn_and_then_have_no_ellipses(small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    z = run.codes.drawn(np.random.default_rng(0))
    header, tensors = parse(plane_payload(run, codes=z).to_bytes())
    np.testing.assert_array_equal(tensors["points"], z.astype(np.float16))
    assert "posteriors" not in tensors
    assert header["prior"] and header["rings"]
