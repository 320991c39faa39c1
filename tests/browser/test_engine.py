"""The JavaScript engine against torch, without the app: its modules are loaded into an empty page."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import nn

from tests.support.operation_examples import EXAMPLES, Made, made, with_shape
from tests.support.shipped_kinds import one_of_each_kind
from vae_core.datasets import load
from vae_core.datasets.heads import STEP
from vae_core.losses.likelihoods import LIKELIHOODS
from vae_core.models import model_kind
from vae_core.payloads.codes import codes_payload
from vae_core.payloads.head import head_model, head_payload
from vae_core.payloads.inside import inside_payload
from vae_core.payloads.plane import FORMAT, LatentPlane, Payload, Tensors, plane_payload
from vae_core.program.export import decoder_program
from vae_core.program.operations import OPERATIONS
from vae_core.run import Run
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Store
from vae_core.training.finish import stored_weights

from .conftest import load_modules, watch

pytestmark = pytest.mark.browser

DECODE = """([data, points]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const padded = new Uint8Array(bytes.length + 3);
  padded.set(bytes, 3);  // an odd offset, as the bytes really arrive
  const decoder = new Decoder(parsePayload(padded.subarray(3)));
  return packed(decoder.decode(unpacked(points)));
}"""
PACKED = """() => {
  window.packed = (values) => {
    let text = "";
    for (const byte of new Uint8Array(Float32Array.from(values).buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  window.parsePayload = (data) => {
    const { header, rest } = parseHead(data);
    return payloadOf(header, rest.slice().buffer);
  };
  window.unpacked = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}"""


@pytest.fixture(scope="module")
def bare_page(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """An empty page with the engine's modules, for all tests of this file: nothing here changes it."""
    context, errors = browser.new_context(), []
    page = context.new_page()
    watch(page, errors)
    load_modules(
        page, "engine/payload.js", "engine/interpreter.js", "engine/view.js", "engine/head.js", "codes/quantiser.js"
    )
    page.evaluate(PACKED)
    yield page, errors
    context.close()


@pytest.fixture
def engine(bare_page: tuple[Page, list[str]]) -> Iterator[Page]:
    page, errors = bare_page
    yield page
    assert not errors, errors


def floats(text: str) -> np.ndarray:
    """Numbers that travelled as bytes: as a list they take ten times as long."""
    return np.frombuffer(base64.b64decode(text), dtype=np.float32)


def packed(values: np.ndarray) -> str:
    return base64.b64encode(values.astype(np.float32).tobytes()).decode()


def decode(page: Page, payload: bytes, points: np.ndarray) -> np.ndarray:
    values = page.evaluate(DECODE, [base64.b64encode(payload).decode(), packed(points)])
    return floats(values).reshape(len(points), -1)


def torch_pixels(run: Run, points: np.ndarray) -> np.ndarray:
    codes = LatentPlane.of_codes(run.codes.mean).embed(points)
    with torch.no_grad():
        output = run.model.decode(torch.from_numpy(codes.astype(np.float32)))
        return run.likelihood.expected_pixels(output).numpy()


# Of a grid of entries there is no plane: those are tested below.
BOTTLENECKS = {spec: model_kind(spec.model).bottleneck for spec in one_of_each_kind()}
DECODERS = [spec.key for spec, between in BOTTLENECKS.items() if between.decodes and not between.discrete]


@pytest.mark.parametrize("key", DECODERS)
def test_every_kind_of_shipped_run_decodes_as_torch_does(engine, key):
    run = Store(SHIPPED).load(key)
    payload = plane_payload(run)
    bounds = payload.header["range"]
    draw = np.random.default_rng(0)
    points = np.stack([draw.uniform(*bounds[axis], size=40) for axis in ("x", "y")], axis=1)
    # A batch and one point at a time take the same path; both are asked.
    batch = decode(engine, payload.to_bytes(), points)
    assert np.abs(batch - torch_pixels(run, points)).max() < 1e-3
    single = decode(engine, payload.to_bytes(), points[:1])
    assert np.abs(single - batch[:1]).max() < 1e-6


def small_payload(decoder: nn.Sequential, image: tuple[int, int, int]) -> bytes:
    tensors = Tensors()
    layers = decoder_program(decoder, prefix="")
    for name, array in stored_weights(decoder).items():
        tensors.add(name, array)
    channels, height, width = image
    size = {"channels": channels, "height": height, "width": width}
    header = {"format": FORMAT, "kind": "plane", "image": size, "layers": layers, "tensors": tensors.table}
    return Payload(header, b"".join(tensors.parts)).to_bytes()


def drawn_weights(network: nn.Sequential) -> nn.Sequential:
    """The network with weights from a generator of its own."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.3, 0.3, generator=generator)
    return network


@pytest.mark.parametrize("stride, padding, output_padding", [(1, 0, 0), (2, 1, 1), (2, 1, 0), (3, 2, 1)])
def test_every_layer_of_the_list_matches_torch(engine, stride, padding, output_padding):
    convolution = nn.ConvTranspose2d(3, 2, 4, stride, padding, output_padding)
    side = (4 - 1) * stride - 2 * padding + 4 + output_padding
    decoder = nn.Sequential(
        nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 48), nn.ReLU(), nn.Unflatten(1, (3, 4, 4)), convolution, nn.Sigmoid()
    )
    decoder = drawn_weights(decoder).half().float()  # the payload carries half precision
    points = np.random.default_rng(1).normal(size=(7, 2))
    with torch.no_grad():
        expected = decoder(torch.from_numpy(points).float()).flatten(1).numpy()
    assert np.abs(decode(engine, small_payload(decoder, (2, side, side)), points) - expected).max() < 1e-5


ENCODE = """([data, images]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const { mean, logVar } = new Encoder(parsePayload(bytes)).encode(unpacked(images));
  return [packed(mean), packed(logVar)];
}"""


def encode(page, payload: Payload, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    data = base64.b64encode(payload.to_bytes()).decode()
    mean, log_var = map(floats, page.evaluate(ENCODE, [data, packed(pixels)]))
    return mean.reshape(len(pixels), -1), log_var.reshape(len(pixels), -1)


# Only pages that take a VAE apart send an encoder: those show the Bernoulli likelihood's terms.
ENCODERS = [
    spec.key
    for spec, between in BOTTLENECKS.items()
    if spec.dataset == "mnist" and between.has_posterior and LIKELIHOODS[spec.likelihood].browser_loss is not None
]


@pytest.mark.parametrize("key", ENCODERS)
def test_every_kind_of_shipped_encoder_encodes_as_torch_does(engine, key):
    run, held_out = Store(SHIPPED).load(key), load("mnist", "validation", download=False)
    payload = inside_payload(run, held_out, {})
    pixels = held_out.floats()[:20]
    pixels[0], pixels[1] = 0.0, 1.0  # nothing drawn, all of it drawn
    with torch.no_grad():
        expected = run.model.encode(torch.from_numpy(pixels))
    for shown, truth in zip(encode(engine, payload, pixels), expected, strict=True):
        assert np.allclose(shown, truth, rtol=1e-3, atol=1e-3)
    assert np.allclose(encode(engine, payload, pixels[:1])[0], expected.mean[:1], rtol=1e-3, atol=1e-3)


QUANTISE = """([data, images]) => {
  const model = new Quantiser(parsePayload(Uint8Array.from(atob(data), (c) => c.charCodeAt(0))));
  const pixels = unpacked(images);
  const size = model.encoder.inputs;
  const image = (n) => pixels.slice(n * size, (n + 1) * size);
  const found = Array.from({ length: pixels.length / size }, (_, n) => model.encode(image(n)));
  const joined = (name) => packed(found.flatMap((one) => Array.from(one[name])));
  return [joined("vectors"), joined("codes"), packed(found.flatMap(({ codes }) => Array.from(model.decode(codes))))];
}"""
CODEBOOKS = [spec.key for spec in read_manifest() if model_kind(spec.model).bottleneck.discrete]


@pytest.mark.parametrize("key", CODEBOOKS)
def test_every_shipped_codebook_encodes_and_decodes_as_torch_does(engine, key):
    run = Store(SHIPPED).load(key)
    held_out = load(run.spec.dataset, "validation", download=False)
    pixels = held_out.floats()[:20]
    pixels[0], pixels[1] = 0.0, 1.0  # nothing drawn, all of it drawn
    data = base64.b64encode(codes_payload(run, held_out).to_bytes()).decode()
    vectors, codes, images = map(floats, engine.evaluate(QUANTISE, [data, packed(pixels)]))
    with torch.no_grad():
        truth = run.model.vectors(torch.from_numpy(pixels))
        expected = run.model.encode(torch.from_numpy(pixels)).mean.numpy()
        decoded = run.model.decode(torch.from_numpy(codes.reshape(expected.shape).copy())).sigmoid().numpy()
    assert np.allclose(vectors.reshape(truth.shape), truth, rtol=1e-3, atol=1e-3)
    assert np.abs(images.reshape(decoded.shape) - decoded).max() < 1e-3
    # The same entries, but where two are equally near up to float32.
    rows, book = truth.flatten(0, 2).double(), run.model.codebook.detach().double()
    distances = torch.cdist(rows, book).numpy()
    chosen = np.take_along_axis(distances, codes.astype(int)[:, None], axis=1)[:, 0]
    assert np.allclose(chosen, distances.min(axis=1), rtol=1e-4, atol=1e-5)
    assert (codes != expected.ravel()).mean() < 0.01


@pytest.mark.parametrize(
    "kernel, stride, padding", [((4, 4), 2, 1), ((3, 3), 1, 1), ((3, 2), (2, 3), (0, 1)), ((5, 5), 3, 2)]
)
def test_a_convolution_is_torchs(engine, kernel, stride, padding):
    convolution = nn.Conv2d(3, 2, kernel, stride, padding)
    height, width = convolution(torch.zeros(1, 3, 9, 7)).shape[2:]
    network = nn.Sequential(nn.Linear(2, 189), nn.ReLU(), nn.Unflatten(1, (3, 9, 7)), convolution, nn.Sigmoid())
    network = drawn_weights(network).half().float()  # the payload carries half precision
    points = np.random.default_rng(1).normal(size=(7, 2))
    with torch.no_grad():
        expected = network(torch.from_numpy(points).float()).flatten(1).numpy()
    shown = decode(engine, small_payload(network, (2, height, width)), points)
    assert np.abs(shown - expected).max() < 1e-5


RUN = """([data, inputs]) => {
  const { header, tensor } = parsePayload(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
  const numbers = unpacked(inputs);
  return packed(new Network(header.layers, numbers.length / header.examples, tensor).run(numbers));
}"""


def run_program(page: Page, one: Made) -> np.ndarray:
    """An example's program in the browser: (N, numbers)."""
    tensors = Tensors()
    for name, array in one.weights.items():
        tensors.add(name, array)
    payload = tensors.payload({"layers": with_shape(one.program, one.x.shape[1:]), "examples": len(one.x)})
    values = page.evaluate(RUN, [base64.b64encode(payload.to_bytes()).decode(), packed(one.x)])
    return floats(values).reshape(len(one.x), -1)


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_operation_is_torchs(engine, op):
    for what, example in EXAMPLES[op].items():
        one = made(example)
        with torch.no_grad():
            expected = one.by_torch(torch.from_numpy(one.x)).numpy().reshape(len(one.x), -1)
        np.testing.assert_allclose(run_program(engine, one), expected, rtol=0, atol=1e-5, err_msg=what)


def test_half_precision_is_read_exactly(engine):
    bits = np.arange(65536, dtype=np.uint16)
    split = [*(bits >> 8).tolist(), *(bits & 255).tolist()]
    values = np.array(engine.evaluate("(split) => Array.from(halvesToFloats(Uint8Array.from(split)), String)", split))
    expected = bits.view(np.float16).astype(np.float32)
    finite = np.isfinite(expected)
    assert np.array_equal(values[finite].astype(np.float32), expected[finite])
    assert (values[np.isnan(expected)] == "NaN").all()
    assert set(values[np.isinf(expected)]) == {"Infinity", "-Infinity"}


@pytest.mark.parametrize("length", [0, 3, 40])
def test_a_truncated_payload_is_refused(engine, length):
    run = Store(SHIPPED).load(Store(SHIPPED).keys()[0])
    payload = plane_payload(run).to_bytes()[:length]
    with pytest.raises(Exception, match=r"ends too early|no data arrived"):
        decode(engine, payload, np.zeros((1, 2)))


def test_layers_that_do_not_fit_each_other_are_refused(engine):
    payload = small_payload(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 1)), (1, 1, 1))
    with pytest.raises(Exception, match="takes 4 numbers and gets 3"):
        decode(engine, payload, np.zeros((1, 2)))


def test_stops_along_a_path_are_equally_far_apart(engine):
    stops = np.array(engine.evaluate("() => alongPath([[0, 0], [3, 0], [3, 4]], 8)"))
    assert np.allclose(stops[0], [0, 0]) and np.allclose(stops[-1], [3, 4])
    arc = np.where(stops[:, 1] > 0, 3 + stops[:, 1], stops[:, 0])
    assert np.allclose(np.diff(arc), 1.0)


def test_zooming_keeps_the_point_under_the_pointer(engine):
    before, after = engine.evaluate(
        """() => { const view = new View({x: [-3, 3], y: [-3, 3]}); const before = view.toLatent(0.7, 0.2);
        view.zoom(2.5, 0.7, 0.2); return [before, view.toLatent(0.7, 0.2)]; }"""
    )
    assert np.allclose(before, after)


def test_plane_and_latent_coordinates_are_inverse_and_latent_y_points_up(engine):
    there, back, top = engine.evaluate(
        """() => { const view = new View({x: [-2, 6], y: [-4, 4]}); const z = view.toLatent(0.3, 0.9);
        return [z, view.toPlane(...z), view.toLatent(0.5, 0)]; }"""
    )
    assert np.allclose(back, [0.3, 0.9])
    assert np.allclose(there, [0.4, -3.2])
    assert np.allclose(top, [2, 4])


DRAW_HEADS = """([data, values]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const draw = headArtist(parsePayload(bytes));
  return values.map((row) => [...draw(row, 32)]);
}"""


def test_heads_are_drawn_as_the_data_set_was(engine):
    model = head_model()
    data = base64.b64encode(head_payload().to_bytes()).decode()
    pictures = np.array(engine.evaluate(DRAW_HEADS, [data, model["example_values"].tolist()])).reshape(-1, 32, 32)
    apart = np.abs(pictures - model["example_pictures"].astype(int))
    # The browser's mesh is rounded: rarely a pixel is another step of grey, more so at an outline.
    assert (apart > 0).mean() < 0.005
    assert apart.max() <= 8 * STEP
