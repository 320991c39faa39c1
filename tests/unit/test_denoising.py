"""PSNR and SSIM, classical filters and their tuning, and the measurement over levels: against scikit-image."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.denoising import (
    LEVELS,
    damaged,
    filtering,
    measure_denoising,
    over_levels,
    restoring,
    truncated,
    tune_filters,
)
from vae_core.evaluation.filters import FILTERS, Setting, cleaned, filtered, tuned
from vae_core.metrics.restoration import fidelity
from vae_core.run import Run

SIZE = (1, 9, 8)


def pictures(rng: np.random.Generator, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    images = rng.random((count, math.prod(SIZE)))
    return images, np.clip(images + 0.2 * rng.standard_normal(images.shape), 0, 1)


def test_fidelity_is_scikit_images(rng: np.random.Generator) -> None:
    images, restored = pictures(rng)
    found = fidelity(images, restored, SIZE)
    assert found.psnr == pytest.approx(peak_signal_noise_ratio(images, restored, data_range=1.0))
    assert found.psnr == pytest.approx(-10 * math.log10(np.square(images - restored).mean()))
    alike = [
        structural_similarity(one.reshape(9, 8), other.reshape(9, 8), data_range=1.0)
        for one, other in zip(images, restored, strict=True)
    ]
    assert found.ssim == pytest.approx(np.mean(alike))
    assert found.ssim_standard_error == pytest.approx(np.std(alike, ddof=1) / math.sqrt(5))


def test_the_interval_of_psnr_is_that_of_a_bootstrap(rng: np.random.Generator) -> None:
    images = rng.random((200, math.prod(SIZE)))
    restored = images + rng.uniform(0.05, 0.3, (200, 1)) * rng.standard_normal(images.shape)
    errors = np.square(images - restored).mean(axis=1)
    drawn = [-10 * math.log10(rng.choice(errors, 200).mean()) for _ in range(2_000)]
    assert fidelity(images, restored, SIZE).psnr_standard_error == pytest.approx(np.std(drawn), rel=0.1)


def test_fidelity_of_one_exact_image_and_of_none(rng: np.random.Generator) -> None:
    images, restored = pictures(rng, 1)
    assert fidelity(images, images, SIZE) == (math.inf, 0.0, pytest.approx(1.0), 0.0)
    assert fidelity(images, restored, SIZE).psnr_standard_error == 0.0
    with pytest.raises(MeasureError, match="1 or more images are needed"):
        fidelity(images[:0], images[:0], SIZE)
    with pytest.raises(MeasureError, match="infinite or NaN"):
        fidelity(images, np.full_like(images, np.nan), SIZE)


def test_filters_are_those_of_scipy_and_scikit_image(rng: np.random.Generator) -> None:
    images = rng.random((2, 28, 28))
    found = {name: filtered(name, images, one.parameters[1]) for name, one in FILTERS.items()}
    assert np.allclose(found["total_variation"][1], denoise_tv_chambolle(images[1], weight=0.03))
    assert np.allclose(found["non_local_means"][0], denoise_nl_means(images[0], 5, 6, 0.06, fast_mode=True))
    assert found["median"][0][5, 7] == pytest.approx(np.median(images[0][4:7, 6:9]))
    assert np.allclose(found["gaussian_blur"].mean(), images.mean(), atol=1e-2)
    assert np.array_equal(filtered("median", images, 1), images)
    with pytest.raises(MeasureError, match="infinite or NaN"):
        filtered("median", np.full((1, 28, 28), np.nan), 3)


def test_a_setting_is_a_gain_and_an_offset_and_the_result_is_an_image(rng: np.random.Generator) -> None:
    images = rng.random((2, 28, 28))
    found = cleaned("median", images, Setting(3.0, 2.0, -0.4))
    assert np.allclose(found, np.clip(2.0 * filtered("median", images, 3) - 0.4, 0, 1))
    assert found.min() == 0.0 and found.max() == 1.0


def test_the_parameter_with_the_least_error_is_chosen_with_the_levels_of_least_squares(
    rng: np.random.Generator,
) -> None:
    images = rng.uniform(0.3, 0.7, (20, 30))
    candidates = {1.0: rng.random((20, 30)), 2.0: (images - 0.1) / 0.8, 3.0: images + 0.2 * rng.random((20, 30))}
    assert tuned(candidates, images) == (2.0, pytest.approx(0.8), pytest.approx(0.1))
    assert tuned({1.0: np.full((20, 30), 0.5)}, images) == (1.0, 1.0, 0.0)  # one grey: nothing to scale


def test_damage_is_the_same_for_every_method_and_grows_with_the_level(validation: ImageDataset) -> None:
    for kind, levels in LEVELS.items():
        found = [damaged(validation, kind, level, 20) for level in levels]
        assert all(np.array_equal(one[0], validation.floats()[:20]) for one in found)
        assert np.array_equal(found[0][1], damaged(validation, kind, levels[0], 20)[1])
        errors = [float(np.square(images - seen).mean()) for images, seen in found]
        assert errors == sorted(errors)
    with pytest.raises(MeasureError, match="there is no corruption"):
        damaged(validation, "fog", 0.1, 20)


@pytest.mark.parametrize("name", ["ae", "vae", "linear"])
def test_a_run_is_measured_as_torch_restores(name: str, small_runs: dict[str, Run], validation: ImageDataset) -> None:
    run = small_runs[name]
    found = measure_denoising(run, validation, 30)["denoising"]
    assert found["n"] == 30 and found["levels"]["patch"] == list(LEVELS["patch"])
    images, seen = damaged(validation, "gaussian", 0.25, 30)
    with torch.no_grad():
        made = run.model.decode(run.model.encode(torch.from_numpy(seen)).mean).numpy()
    expected = peak_signal_noise_ratio(images, run.likelihood.expected_images(made), data_range=1.0)
    assert found["gaussian"]["psnr"][LEVELS["gaussian"].index(0.25)] == pytest.approx(expected, abs=1e-3)
    assert np.allclose(restoring(run)(seen), run.decode(run.encode(seen)), atol=1e-5)


def test_what_cannot_be_measured_says_why(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    blind = replace(small_runs["ae"], encoder=[])
    with pytest.raises(MeasureError, match="does not rebuild images"):
        measure_denoising(blind, validation)


def test_tuned_filters_lower_the_error_of_what_they_were_tuned_on(
    small_runs: dict[str, Run], validation: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_core.evaluation.denoising.LEVELS", {"gaussian": (0.25,)})
    monkeypatch.setattr("vae_core.evaluation.denoising.VALIDATION_IMAGES", 30)
    settings = tune_filters(validation, {"linear": ((1.0, 2.0), truncated(small_runs["linear"]))})
    assert set(settings) == {*FILTERS, "linear"}
    left = over_levels(lambda kind, level, seen: seen, validation, 30)["gaussian"]["psnr"][0]
    for name in FILTERS:
        restore = filtering(name, settings[name], validation.image_shape)
        assert over_levels(restore, validation, 30)["gaussian"]["psnr"][0] > left
