from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from vae_core.datasets import ImageDataset, load
from vae_core.errors import SpecError
from vae_core.execution import Execution
from vae_core.metrics import mean_squared_error, orthonormality_error, principal_angles
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.fitted import FITS, Linear, best_pixels, fit, principal_components
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress, train

EPS = 1e-9


def there_and_back(arrays: Linear, x: np.ndarray) -> np.ndarray:
    directions, offsets, columns, mean = arrays
    return (x @ directions.T + offsets) @ columns.T + mean


def error(arrays: Linear, x: np.ndarray) -> float:
    return mean_squared_error(x, there_and_back(arrays, x))


def by_torch(run: Run, pixels: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return run.model.decode(run.model.encode_mean(torch.from_numpy(pixels))).numpy()


def kept(arrays: Linear) -> list[int]:
    """The pixels that a selection keeps, in the order in which they were chosen."""
    directions, offsets, _, mean = arrays
    assert set(np.unique(directions)) <= {0.0, 1.0}
    assert directions.sum(axis=1).tolist() == [1.0] * len(directions)
    pixels = directions.argmax(axis=1)
    np.testing.assert_allclose(offsets, -mean[pixels])
    return pixels.tolist()


def of_rank(rank: int, pixels: int, images: int = 200) -> np.ndarray:
    """Images (N, D) all of whose pixels are combinations of `rank` random ones."""
    random = np.random.default_rng(rank)
    return 0.5 + 0.1 * random.standard_normal((images, rank)) @ random.standard_normal((rank, pixels))


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load("digits", "train").floats()


@pytest.mark.parametrize("dimensions", [1, 2, 10, 61])
def test_pca_is_scikit_learns_up_to_the_sign_of_each_component(dimensions: int, digits: np.ndarray) -> None:
    directions, offsets, columns, mean = principal_components(digits, dimensions)
    expected = PCA(dimensions, svd_solver="full").fit(digits.astype(np.float64))
    signs = np.sign((directions * expected.components_).sum(axis=1))
    np.testing.assert_allclose(directions, signs[:, None] * expected.components_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(mean, expected.mean_, rtol=0, atol=1e-12)
    assert np.array_equal(columns, directions.T)
    codes = digits @ directions.T + offsets
    np.testing.assert_allclose(codes, signs * expected.transform(digits), rtol=0, atol=1e-5)


def test_pca_of_fewer_images_than_pixels_gives_each_of_them_back(digits: np.ndarray) -> None:
    few = digits[:10].astype(np.float64)
    arrays = principal_components(few, 10)
    np.testing.assert_allclose(there_and_back(arrays, few), few, rtol=0, atol=1e-9)
    np.testing.assert_allclose(arrays[0] @ arrays[0].T, np.eye(10), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dimensions", [1, 2, 16])
def test_a_pca_runs_error_is_scikit_learns(dimensions: int, digits: np.ndarray, tmp_path: Path) -> None:
    run = get_or_train(Store(tmp_path), RunSpec("digits", "pca", dimensions))
    test = load("digits", "test").floats()
    expected = PCA(dimensions, svd_solver="full").fit(digits)
    its_error = mean_squared_error(test, expected.inverse_transform(expected.transform(test)))
    assert error(principal_components(digits, dimensions), test) == pytest.approx(its_error, rel=1e-5)
    assert run.metrics["test"]["mse"] == pytest.approx(its_error, rel=1e-4)  # weights in half precision
    np.testing.assert_allclose(np.abs(run.encode(test)), np.abs(expected.transform(test)), rtol=0, atol=5e-3)
    np.testing.assert_allclose(run.decode(run.encode(test)), by_torch(run, test), rtol=0, atol=1e-5)


@pytest.mark.parametrize("model", ["pca", "pixels"])
def test_a_computed_run_has_a_history_of_one_epoch_in_nats(
    model: str, training: ImageDataset, validation: ImageDataset
) -> None:
    told: list[Progress] = []
    spec = RunSpec("digits", model, variance=0.1)
    trained = fit(spec, training, validation, on_epoch=told.append)
    (record,) = trained.history
    assert list(record) == ["epoch", "reconstruction", "kl", "validation_reconstruction", "validation_kl", "seconds"]
    for prefix, images in (("", training), ("validation_", validation)):
        squared = 64 * error(FITS[model](training.floats(), 2), images.floats())
        # -log N(x; f(z), cI), Gaussian of variance c = 0.1 on 64 pixels
        assert record[f"{prefix}reconstruction"] == pytest.approx(
            squared / 0.2 + 32 * math.log(2 * math.pi * 0.1), rel=1e-4
        )
        assert record[f"{prefix}kl"] == 0.0
    assert [(progress.epoch, progress.epochs, progress.record) for progress in told] == [(1, 1, record)]
    assert told[0].seconds_left == 0.0
    codes = trained.model.encode_mean(torch.from_numpy(validation.floats()))
    assert trained.snapshots.keys() == {1}
    assert np.array_equal(trained.snapshots[1], codes.numpy().astype(np.float16))


@pytest.mark.parametrize("model", ["pca", "pixels"])
def test_more_dimensions_than_images_are_refused(model: str, training: ImageDataset, validation: ImageDataset) -> None:
    with pytest.raises(SpecError, match=r"latent_dim must be at most 3 .*: there are 3 images to learn from"):
        RunSpec("digits", model, 4, images=3)
    # Where a dataset turns out to hold fewer than the specification could know.
    with pytest.raises(SpecError, match=f"latent_dim must be at most 3 for model '{model}': there are 3 images"):
        fit(RunSpec("digits", model, 4), training.first(3), validation)
    assert fit(RunSpec("digits", model, 3, images=3), training.first(3), validation).history


def test_a_linear_autoencoder_finds_the_subspace_of_pca_but_not_its_axes(
    training: ImageDataset, validation: ImageDataset
) -> None:
    """Baldi and Hornik 1989: the best linear autoencoder spans what PCA spans, in any basis."""
    spec = RunSpec("digits", "linear_ae", epochs=200, learning_rate=0.05, seed=1)
    network = train(spec, training, validation, execution=Execution(device="cpu", precision="float32")).model
    directions = network.decoder[0].weight.detach().numpy()  # (64, 2)
    pca = principal_components(training.floats(), 2)
    for images in (training.floats(), validation.floats()):
        with torch.no_grad():
            back = network.decode(network.encode_mean(torch.from_numpy(images))).numpy()
        assert mean_squared_error(images, back) == pytest.approx(error(pca, images), rel=0.01)
    assert principal_angles(directions, pca[2]).max() < 5.0
    assert orthonormality_error(directions) > 0.05
    assert orthonormality_error(pca[2]) < 1e-9
    # No direction of its own is one of PCA's.
    cosines = np.abs(directions.T @ pca[2]) / np.linalg.norm(directions, axis=0)[:, None]
    assert cosines.max() < 0.99


@pytest.mark.parametrize(("rank", "pixels"), [(1, 5), (3, 12), (6, 40)])
def test_as_many_pixels_as_explain_all_give_every_image_back(rank: int, pixels: int) -> None:
    x = of_rank(rank, pixels)
    arrays = best_pixels(x, rank)
    assert len(set(kept(arrays))) == rank
    np.testing.assert_allclose(there_and_back(arrays, x), x, rtol=0, atol=1e-7)
    assert error(best_pixels(x, rank - 1), x) > 1e-4 if rank > 1 else x.var() > 1e-4


def test_the_other_pixels_are_predicted_by_least_squares(digits: np.ndarray) -> None:
    arrays = best_pixels(digits, 5)
    chosen = kept(arrays)
    x = digits.astype(np.float64)
    with_constant = np.hstack([x[:, chosen], np.ones((len(x), 1))])
    best = with_constant @ np.linalg.lstsq(with_constant, x, rcond=None)[0]
    np.testing.assert_allclose(there_and_back(arrays, x), best, rtol=0, atol=1e-8)
    # Kept pixels come back as they are.
    np.testing.assert_allclose(there_and_back(arrays, x)[:, chosen], x[:, chosen], rtol=0, atol=1e-8)


def test_each_pixel_is_the_one_that_helps_most() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((300, 9)) @ random.standard_normal((9, 9))
    chosen: list[int] = []
    for _ in range(9):

        def left_over(pixel: int) -> float:
            columns = np.hstack([x[:, [*chosen, pixel]], np.ones((300, 1))])
            return float(np.square(columns @ np.linalg.lstsq(columns, x, rcond=None)[0] - x).sum())

        chosen.append(min(set(range(9)) - set(chosen), key=left_over))
        assert kept(best_pixels(x, len(chosen))) == chosen


def test_more_pixels_are_never_worse_and_never_better_than_pca(digits: np.ndarray) -> None:
    counts = [1, 2, 3, 5, 10, 20, 40, 55, 60, 61, 62, 64]
    selected = [error(best_pixels(digits, count), digits) for count in counts]
    extracted = [error(principal_components(digits, count), digits) for count in counts]
    assert all(later <= earlier + EPS for earlier, later in pairwise(selected))
    assert all(best <= chosen + EPS for best, chosen in zip(extracted, selected, strict=True))
    assert selected[1] > 1.05 * extracted[1]  # and clearly worse where it has to choose
    assert selected[-1] == pytest.approx(0.0, abs=1e-9)


def test_pixels_that_are_copies_are_chosen_once_while_others_help() -> None:
    x = of_rank(4, 8)
    doubled = np.repeat(x, 2, axis=1)
    chosen = kept(best_pixels(doubled, 4))
    assert len({pixel // 2 for pixel in chosen}) == 4
    assert error(best_pixels(doubled, 4), doubled) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-7, 1e-6, 1e-5, 1e-3])
def test_more_pixels_than_there_is_to_say_do_no_harm(noise: float) -> None:
    x = np.repeat(of_rank(3, 6), 2, axis=1)
    x = x + noise * np.random.default_rng(0).standard_normal(x.shape)
    arrays = best_pixels(x, 10)
    assert len(set(kept(arrays))) == 10
    assert error(arrays, x) < 1e-6
    halved: Any = tuple(array.astype(np.float16).astype(np.float64) for array in arrays)
    assert error(halved, x) < 1e-4  # as it is stored


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", ["pca", "pixels"])
@pytest.mark.parametrize("dimensions", [1, 2, 64])
def test_images_that_are_all_the_same_come_back(
    dimensions: int, model: str, training: ImageDataset, validation: ImageDataset
) -> None:
    same = dataclasses.replace(training, images=np.repeat(training.images[:1], len(training), axis=0))
    network = fit(RunSpec("digits", model, dimensions), same, validation).model
    x = torch.from_numpy(same.first(5).floats())
    with torch.no_grad():
        torch.testing.assert_close(network.decode(network.encode_mean(x)), x, rtol=0, atol=1e-6)
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_training_images_are_all_that_counts(training: ImageDataset, validation: ImageDataset) -> None:
    for model in FITS:
        one = fit(RunSpec("digits", model, 3), training.first(200), validation).model
        other = fit(RunSpec("digits", model, 3), training.first(200), training).model
        rest = fit(RunSpec("digits", model, 3), training, validation).model
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name])
        assert not torch.equal(one.decoder[0].weight, rest.decoder[0].weight)


@pytest.mark.mnist
def test_pca_of_mnist_has_the_known_errors(mnist_root: Path) -> None:
    train_images = load("mnist", "train", root=mnist_root, download=False).floats()
    test_images = load("mnist", "test", root=mnist_root, download=False).floats()
    directions, offsets, columns, mean = principal_components(train_images, 32)
    for dimensions, known in ((2, 0.0557), (8, 0.0374), (16, 0.0269), (32, 0.0168)):
        first = slice(dimensions)  # the first d of 32 components are the d components
        arrays = directions[first], offsets[first], columns[:, first], mean
        assert round(error(arrays, test_images), 4) == known
