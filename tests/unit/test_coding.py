"""Streams that are really written: they read back to the bit, take the bits that the theory says, and break loudly."""

from __future__ import annotations

import math
import warnings
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_core.coding import stream
from vae_core.coding.bits_back import CELL, BitsBack
from vae_core.coding.files import PNG, WEBP_LOSSLESS, from_mosaic, jpeg, mosaic, webp
from vae_core.coding.files import two_tone as two_tone_file
from vae_core.coding.grid import GridCoder
from vae_core.coding.linear import LinearCoder, fit
from vae_core.datasets import load
from vae_core.datasets.images import binarise
from vae_core.errors import CorruptStream, MeasureError
from vae_core.evaluation.importance import gaussian_log_weights
from vae_core.models.prior import VQPrior
from vae_core.program.modules import one_by_one
from vae_core.program.sequence import Sequence
from vae_core.run import Run
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Store

FAST = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def shipped(model: str, **fields: object) -> Run:
    for spec in read_manifest():
        fits = all(getattr(spec, name) == value for name, value in fields.items())
        if spec.model == model and fits and not getattr(spec.options, "classes", 0):
            return Store(SHIPPED).load(spec.key)
    raise LookupError(model)


@cache
def pixels(count: int = 200) -> np.ndarray:
    return load("mnist_sample", "test").floats()[:count]


@cache
def two_tone(count: int = 200) -> np.ndarray:
    return binarise(pixels(count), np.random.default_rng(5)).astype(np.uint8)


@cache
def vae() -> BitsBack:
    return BitsBack(shipped("vae", binarised=True, latent_dim=16))


@cache
def grid() -> GridCoder:
    return GridCoder(shipped("vq_prior"))


@cache
def linear() -> LinearCoder:
    training = load("mnist_sample", "train").floats()
    return fit(training, 40, 0.8)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_bits_back_reads_images_back_to_the_bit_and_takes_the_negative_elbo():
    images = two_tone()
    chain = vae().encode(images)
    assert np.array_equal(vae().decode(chain.data), images)
    run, log2 = vae().run, math.log(2)
    nats = [
        -gaussian_log_weights(run, image, *(part[0] for part in run.posterior(image[None])), 200, seed).mean()
        for seed, image in enumerate(images)
    ]
    assert chain.net_bits / len(images) == pytest.approx(np.mean(nats) / log2, rel=0.02)
    # What is written is the stack: what was there before, the images, the head, and less than a byte.
    assert 0 <= 8 * len(chain.data) - 8 * 3 - chain.stack_bits[-1] < 8
    assert chain.initial_bits > chain.borrowed.max() and chain.borrowed.min() > 50


def test_the_borrowed_bits_come_out_again():
    chain = vae().encode(two_tone()[:3], seed=11)
    coder, count = stream.unpack(chain.data, "bits-back")
    gaussian, bernoulli = vae()._models
    for place in reversed(range(count)):
        numbers = coder.decode(gaussian, *vae()._prior(16))
        image = coder.decode(bernoulli, vae()._pixels(numbers)).astype(np.uint8)
        assert np.array_equal(image, two_tone()[place])
        coder.encode_reverse(numbers, gaussian, *vae()._posterior(image))
    words = stream.end(coder)
    assert np.array_equal(words[1:], chain.words)
    assert np.array_equal(words[1:], np.random.default_rng(11).integers(2**32, size=8, dtype=np.uint32))


def test_a_cells_width_cancels():
    """z is coded with cells far below any posterior's deviation, so that coding it costs the KL and no more."""
    _, log_var = vae().run.posterior(two_tone().astype(np.float32))
    assert np.exp(0.5 * log_var).min() / CELL > 10


def test_grid_codes_read_back_and_take_the_priors_cross_entropy():
    coder = grid()
    codes, cells, data = coder.compress(pixels())
    assert np.array_equal(coder.decode(data), codes) and np.array_equal(codes, coder.run.encode(pixels()))
    assert coder.write(codes).data == data
    model = coder.run.model
    assert isinstance(model, VQPrior)
    with torch.no_grad():
        nats = model.negative_log_probability(torch.from_numpy(codes), torch.zeros(len(codes), dtype=torch.long))
    bits = nats.numpy() / math.log(2)
    np.testing.assert_allclose(cells.sum(axis=1), bits, rtol=1e-4)
    assert 8 * len(data) == pytest.approx(bits.sum(), rel=0.02)
    decoded = coder.images(codes)
    with torch.no_grad():
        np.testing.assert_allclose(
            decoded, torch.sigmoid(model.decoder(torch.from_numpy(codes).float())).numpy(), atol=1e-4
        )


def test_one_image_alone_costs_its_codes_a_checksum_and_a_head():
    coder = grid()
    for image in pixels(5):
        codes, bits, data = coder.compress(image[None])
        expected = bits.sum() + stream.CHECKSUM_BITS + 16
        assert expected - 1 < 8 * len(data) < expected + 9
        assert np.array_equal(coder.decode(data), codes)


def test_a_penalty_saves_bits_and_costs_error():
    coder, images = grid(), pixels(60)
    found = []
    for penalty in (0.0, 0.05, 0.2):
        codes, cells, data = coder.compress(images, penalty)
        assert np.array_equal(coder.decode(data), codes)
        found.append((cells.sum(), np.square(coder.images(codes) - images).sum()))
    bits, errors = zip(*found, strict=True)
    assert bits[0] > bits[1] > bits[2] and errors[0] < errors[2]
    assert np.array_equal(coder.compress(images, 1e-12).codes, coder.compress(images).codes)


@given(data=st.data())
@FAST
def test_any_codes_read_back(data):
    coder = grid()
    codes = data.draw(
        arrays(np.int32, (data.draw(st.integers(0, 3)), coder.cells), elements=st.integers(0, coder.entries - 1))
    )
    assert np.array_equal(coder.decode(coder.write(codes).data), codes)


@given(images=arrays(np.uint8, st.tuples(st.integers(0, 3), st.just(784)), elements=st.integers(0, 1)))
@FAST
def test_any_two_tone_images_read_back(images):
    assert np.array_equal(vae().decode(vae().encode(images).data), images)


@given(count=st.sampled_from([0, 1, 2, 127, 128, 16_383, 16_384, 100_000]))
def test_the_head_says_how_many_images_there_are(count):
    content = np.zeros(3)
    data = stream.finish(stream.begin("grid", "key", content), "grid", count)
    coder, found = stream.unpack(data, "grid")
    assert found == count
    stream.check(stream.end(coder), "grid", "key", content)


def test_pca_reads_back_and_takes_the_entropy_of_its_frequencies():
    coder = linear()
    numbers = coder.numbers(pixels())
    data = coder.encode(numbers)
    assert np.array_equal(coder.decode(data), numbers)
    assert 8 * len(data) == pytest.approx(coder.bits(numbers).sum(), rel=0.02)
    assert np.array_equal(coder.decode(coder.encode(numbers[:1])), numbers[:1])
    assert coder.decode(coder.encode(numbers[:0])).shape == (0, 40)
    stored = LinearCoder.of_arrays(coder.arrays())
    assert stored.key == coder.key and np.array_equal(stored.images(numbers), coder.images(numbers))


def test_pcas_error_is_that_of_scikit_learns_components_and_of_rounding():
    from sklearn.decomposition import PCA

    training, images = load("mnist_sample", "train").floats(), pixels()
    coder = fit(training, 40, 0.3)
    own = np.square(coder.images(coder.numbers(images)) - images).mean()
    reference = PCA(40, svd_solver="full").fit(training)
    lost = np.square(np.clip(reference.inverse_transform(reference.transform(images)), 0, 1) - images).mean()
    assert own == pytest.approx(lost + 40 / 784 * 0.3**2 / 12, rel=0.03)


@pytest.mark.parametrize("coder", ["bits-back", "grid", "linear"])
def test_every_flipped_bit_and_every_cut_is_noticed(coder):
    if coder == "bits-back":
        data, decode = vae().encode(two_tone()[:2]).data, vae().decode
    elif coder == "grid":
        data, decode = grid().compress(pixels(1)).data, grid().decode
    else:
        data, decode = linear().encode(linear().numbers(pixels(3))), linear().decode
    step = 1 if coder == "linear" else 13
    for bit in range(0, 8 * len(data), step):
        if bit in range(8, 24):
            continue  # how many images there are: see below
        with pytest.raises(CorruptStream):
            decode(flipped(data, bit))
    for length in range(0, len(data), step):
        with pytest.raises(CorruptStream):
            decode(data[:length])
    with pytest.raises(CorruptStream):
        decode(data + b"\1")
    with pytest.raises(CorruptStream):
        decode(bytes([data[0], data[1] + 1]) + data[2:])  # one image too many
    with pytest.raises(CorruptStream, match="holds more than"):
        decode(bytes([data[0], 255, 255, 127]) + data[2:])


def test_another_model_is_noticed():
    codes = linear().numbers(pixels(3))
    other = fit(load("mnist_sample", "train").floats(), 40, 0.81)
    with pytest.raises(CorruptStream):
        other.decode(linear().encode(codes))
    small = BitsBack(shipped("vae", binarised=True, latent_dim=2))
    with pytest.raises(CorruptStream):
        small.decode(vae().encode(two_tone()[:1]).data)
    with pytest.raises(CorruptStream, match="no stream of the coder 'grid'"):
        grid().decode(vae().encode(two_tone()[:1]).data)


def test_what_cannot_be_coded_is_said():
    with pytest.raises(MeasureError, match="0 or 1"):
        vae().encode(pixels(1))
    with pytest.raises(MeasureError, match="needs a VAE"):
        BitsBack(shipped("ae", latent_dim=2))
    with pytest.raises(MeasureError, match="no prior"):
        GridCoder(shipped("vq_vae"))
    with pytest.raises(MeasureError, match="whole numbers from 0 to"):
        grid().write(np.full((1, grid().cells), grid().entries))
    with pytest.raises(MeasureError, match="whole numbers from 0 to"):
        grid().write(np.zeros((1, 3)))
    with pytest.raises(MeasureError, match="outside the range"):
        linear().encode(np.full((1, 40), 10_000))
    with pytest.raises(ValueError, match="at most"):
        stream.finish(stream.begin("grid", "", np.zeros(0)), "grid", stream.MOST_IMAGES + 1)


def test_a_sequence_is_torchs_row_by_row():
    run = grid().run
    sequence = Sequence(run.further_programs["prior"], run.weights)
    codes = grid().compress(pixels(4)).codes
    rows = np.concatenate([np.full((4, 1), grid().entries), codes[:, :-1]], axis=1)
    with one_by_one(run.model.prior) as step, torch.no_grad():
        for cell in range(grid().cells):
            number = rows[:, cell : cell + 1]
            np.testing.assert_allclose(sequence.next(number), step(torch.from_numpy(number)).numpy(), atol=2e-4)


@pytest.mark.parametrize("kind", [PNG, WEBP_LOSSLESS, two_tone_file(PNG)])
def test_lossless_files_read_back(kind):
    images = (255 * two_tone(9)).reshape(-1, 28, 28)
    for image in images:
        assert np.array_equal(kind.decode(kind.encode(image)), image)
    assert np.array_equal(from_mosaic(kind.decode(kind.encode(mosaic(images))), 9, 28, 28), images)


@pytest.mark.parametrize("make", [jpeg, webp])
def test_lossy_files_lose_less_at_a_higher_quality(make):
    image = np.rint(255 * pixels(1)).astype(np.uint8).reshape(28, 28)
    errors, sizes = [], []
    for quality in (5, 50, 95):
        data = make(quality).encode(image)
        errors.append(np.square(make(quality).decode(data).astype(float) - image).mean())
        sizes.append(len(data))
    assert errors == sorted(errors, reverse=True) and sizes == sorted(sizes)


def test_a_cut_file_is_noticed():
    image = np.rint(255 * pixels(1)).astype(np.uint8).reshape(28, 28)
    for kind in (PNG, WEBP_LOSSLESS, jpeg(50), webp(50)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(CorruptStream, match="cannot read it"):
                kind.decode(kind.encode(image)[:20])


@given(count=st.integers(1, 20))
def test_a_mosaic_gives_its_images_back(count):
    images = np.arange(count * 6, dtype=np.uint8).reshape(count, 3, 2)
    assert np.array_equal(from_mosaic(mosaic(images), count, 3, 2), images)
