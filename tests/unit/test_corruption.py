"""Damaged images: what each kind does, that only the given numbers decide, and the training that sees them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from vae_core.corruption import CORRUPTIONS, check, corrupt, kernel, numbers_for
from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.losses.likelihoods import Bernoulli
from vae_core.losses.objectives import elbo
from vae_core.models import build
from vae_core.spec import RunSpec
from vae_core.training.stacked import can_stack
from vae_core.training.step import Batch, GradientStep

SIZE = (1, 12, 10)


def images(count: int = 4, size: tuple[int, int, int] = SIZE) -> torch.Tensor:
    return torch.rand(count, math.prod(size), generator=torch.Generator().manual_seed(1))


def damaged(kind: str, level: float, x: torch.Tensor, seed: int = 0, size: tuple[int, int, int] = SIZE) -> torch.Tensor:
    numbers = numbers_for(kind, len(x), size, torch.Generator().manual_seed(seed))
    return corrupt(kind, level, x, numbers, size)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_level_of_0_changes_nothing_and_the_images_given_stay_as_they_are(kind: str) -> None:
    x = images()
    before = x.clone()
    assert torch.equal(damaged(kind, 0.0, x), x)
    assert not torch.equal(damaged(kind, 0.6, x), x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_numbers_alone_decide(kind: str) -> None:
    x = images()
    assert torch.equal(damaged(kind, 0.5, x, seed=3), damaged(kind, 0.5, x, seed=3))
    if kind != "blur":
        assert not torch.equal(damaged(kind, 0.5, x, seed=3), damaged(kind, 0.5, x, seed=4))


@given(st.sampled_from([kind for kind in CORRUPTIONS if kind != "unclipped"]), st.floats(0.0, 1.0), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_pixels_stay_in_their_range(kind: str, level: float, seed: int) -> None:
    found = damaged(kind, level, images(), seed)
    assert found.min() >= 0.0 and found.max() <= 1.0 + 1e-6


def test_gaussian_noise_has_its_deviation_and_is_clipped_or_not() -> None:
    grey = torch.full((1, 100_000), 0.5)
    noise = damaged("unclipped", 0.1, grey, size=(1, 100, 1_000)) - grey
    assert abs(noise.mean()) < 1e-3 and abs(noise.std() - 0.1) < 1e-3
    black = torch.zeros(1, 100_000)
    clipped = damaged("gaussian", 0.5, black, size=(1, 100, 1_000))
    assert clipped.min() == 0.0
    # The mean of the brighter half of N(0, σ²): σ / √(2π).
    assert abs(clipped.mean() - 0.5 / math.sqrt(2 * math.pi)) < 5e-3  # five standard errors
    assert torch.equal(clipped, damaged("unclipped", 0.5, black, size=(1, 100, 1_000)).clamp(0, 1))


def test_salt_and_pepper_replace_their_share_by_either_as_often() -> None:
    grey = torch.full((1, 100_000), 0.5)
    found = damaged("salt_and_pepper", 0.3, grey, size=(1, 100, 1_000))
    for value, share in ((0.0, 0.15), (1.0, 0.15), (0.5, 0.7)):
        assert abs((found == value).float().mean() - share) < 5e-3
    assert set(damaged("salt_and_pepper", 1.0, grey, size=(1, 100, 1_000)).unique().tolist()) == {0.0, 1.0}


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.999), st.floats(0.0, 0.999))
@settings(max_examples=60, deadline=None)
def test_a_patch_is_one_rectangle_inside_of_its_size(level: float, row: float, column: float) -> None:
    white = torch.ones(1, math.prod(SIZE))
    hidden = corrupt("patch", level, white, torch.tensor([[row, column]]), SIZE).reshape(SIZE)[0] == 0
    tall, wide = (math.floor(level * length + 0.5) for length in SIZE[1:])
    assert int(hidden.sum()) == tall * wide
    if tall and wide:
        rows, columns = hidden.any(dim=1).nonzero(), hidden.any(dim=0).nonzero()
        assert rows.max() - rows.min() + 1 == tall and columns.max() - columns.min() + 1 == wide


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.4])
def test_a_blur_is_scipys_with_black_beyond_the_edge(sigma: float) -> None:
    x = images()
    expected = [gaussian_filter(one, sigma, mode="constant") for one in x.reshape(-1, *SIZE[1:]).double().numpy()]
    assert np.allclose(damaged("blur", sigma, x).reshape(-1, *SIZE[1:]), np.stack(expected), atol=1e-5)
    assert sum(kernel(sigma)) == pytest.approx(1.0)


def test_colours_are_damaged_alike_by_a_patch_and_a_blur() -> None:
    size = (3, 12, 10)
    grey = images(2).repeat(1, 3)
    for kind in ("patch", "blur"):
        channels = damaged(kind, 0.5, grey, size=size).reshape(2, 3, -1)
        assert torch.allclose(channels[:, 0], channels[:, 2])


@pytest.mark.parametrize(
    ("kind", "level", "sentence"),
    [
        ("fog", 0.5, "there is no corruption 'fog'; choose one of gaussian"),
        ("gaussian", 10.5, "the level of gaussian must be a number from 0 to 10, not 10.5"),
        ("patch", 1.1, "from 0 to 1, not 1.1"),
        ("blur", -0.1, "from 0 to 10, not -0.1"),
        ("blur", math.nan, "from 0 to 10, not nan"),
    ],
)
def test_what_is_out_of_range_is_refused_in_a_sentence(kind: str, level: float, sentence: str) -> None:
    with pytest.raises(MeasureError, match=sentence):
        check(kind, level)


def test_a_level_of_10_is_noise_alone() -> None:
    x = images()
    found = damaged("gaussian", 10.0, x)
    assert ((found == 0) | (found == 1)).float().mean() > 0.9


def batch(pixels: torch.Tensor) -> Batch:
    return Batch(pixels, torch.zeros(len(pixels)), torch.Generator().manual_seed(7), 0.0, 1e-3)


def test_the_encoder_sees_damage_and_the_loss_is_of_the_undamaged_image(small_spec: Callable[..., RunSpec]) -> None:
    spec = small_spec(model="ae", corruption="gaussian", corruption_level=0.4)
    model = build(spec, (1, 8, 8))
    pixels = torch.randint(0, 256, (5, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    found = GradientStep(spec, build(spec, (1, 8, 8)), "float32").update(batch(pixels))
    x, generator = pixels.float() / 255, torch.Generator().manual_seed(7)
    torch.randn(5, spec.latent_dim, generator=generator)  # the codes' noise comes first
    seen = (x + 0.4 * torch.randn(5, 64, generator=generator)).clamp(0, 1)
    expected = Bernoulli().negative_log_likelihood(model.decode(model.encode(seen).mean), x)
    assert torch.allclose(found["reconstruction"], expected, atol=1e-5)
    again = elbo(model, x, torch.zeros(5, spec.latent_dim), Bernoulli(), seen)["reconstruction"]
    assert torch.allclose(again, expected)


def test_held_out_images_are_damaged_the_same_way_each_time(small_spec: Callable[..., RunSpec]) -> None:
    spec = small_spec(model="vae", corruption="salt_and_pepper", corruption_level=0.3)
    step = GradientStep(spec, build(spec, (1, 8, 8)), "float32")
    x, noise = images(6, (1, 8, 8)), torch.zeros(6, spec.latent_dim)
    with torch.no_grad():
        one, other = (step.measure(x, noise, torch.zeros(6)) for _ in range(2))
        undamaged = elbo(step.model, x, noise, step.p_x_given_z)  # type: ignore[arg-type]
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.allclose(one["reconstruction"], undamaged["reconstruction"])


def test_a_denoiser_is_no_part_of_a_stack(small_spec: Callable[..., RunSpec]) -> None:
    assert can_stack(small_spec())
    assert not can_stack(small_spec(corruption="gaussian"))


def test_training_on_noise_helps_with_noise(
    small_spec: Callable[..., RunSpec], training: ImageDataset, validation: ImageDataset
) -> None:
    from vae_core.training.loop import train

    errors = {}
    x = torch.from_numpy(validation.floats())
    seen = corrupt(
        "gaussian", 0.4, x, numbers_for("gaussian", len(x), (1, 8, 8), torch.Generator().manual_seed(5)), (1, 8, 8)
    )
    for kind in ("none", "gaussian"):
        level = {"corruption_level": 0.4} if kind != "none" else {}
        spec = small_spec(
            model="ae",
            latent_dim=8,
            hidden=(64,),
            epochs=15,
            learning_rate=1e-2,
            batch_size=64,
            corruption=kind,
            **level,
        )
        model = train(spec, training, validation).model
        with torch.no_grad():
            errors[kind] = float((model.decode(model.encode_mean(seen)).sigmoid() - x).square().mean())
    assert errors["gaussian"] < 0.9 * errors["none"]
