"""The payload of the page "Codes you can count", read from its bytes alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.conftest import FLOAT32, no_classifier_is_shipped
from tests.unit.test_browser_payload import parse
from vae_core.datasets import ImageDataset
from vae_core.payloads.codes import codebook_of, codes_payload, patches, usage_of
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train


@pytest.mark.parametrize("model", ["vq_vae", "fsq"])
def test_vectors_codes_and_image_run_from_the_bytes_as_torch_runs(
    model: str, grid_runs: dict[str, Run], validation: ImageDataset
) -> None:
    run = grid_runs[model]
    header, tensors = parse(codes_payload(run, validation).to_bytes())
    pixels = validation.floats()[:30]
    vectors = run_program(header["vectors"], tensors, pixels)
    with torch.no_grad():
        expected = run.model.vectors(torch.from_numpy(pixels)).flatten(1)  # type: ignore[attr-defined]
        codes = run.model.encode(torch.from_numpy(pixels)).mean
        image = torch.sigmoid(run.model.decode(codes)).numpy()
    assert np.allclose(vectors, expected, atol=1e-5)
    book = tensors[header["codebook"]].astype(np.float32)
    assert book.shape == (header["entries"], header["dimensions"])
    rows = vectors.reshape(len(pixels), -1, header["dimensions"])
    nearest = ((rows[:, :, None] - book) ** 2).sum(axis=3).argmin(axis=2)
    assert np.array_equal(nearest, codes)
    assert header["grid"] == [2, 2] and nearest.shape[1] == 4
    assert np.allclose(run_program(header["layers"], tensors, codes.numpy()), image, atol=1e-5)


def test_uses_are_counted_over_all_held_out_images(grid_runs: dict[str, Run], validation: ImageDataset) -> None:
    run = grid_runs["vq_vae"]
    header = codes_payload(run, validation).header
    counted = [int((run.codes.mean == entry).sum()) for entry in range(12)]
    assert (
        header["uses"] == counted and sum(counted) == 4 * len(validation.images) and header["n"] == len(run.codes.mean)
    )
    assert header["perplexity"] == usage_of(run).perplexity


def test_the_plane_is_the_entries_principal_one(grid_runs: dict[str, Run], validation: ImageDataset) -> None:
    from sklearn.decomposition import PCA

    run = grid_runs["vq_vae"]
    header, tensors = parse(codes_payload(run, validation).to_bytes())
    book = codebook_of(run)
    reference = PCA(2).fit(book)
    assert header["variance_share"] == pytest.approx(reference.explained_variance_ratio_.sum(), rel=1e-5)
    places = tensors["entry_points"]
    assert np.allclose(np.abs(places), np.abs(reference.transform(book)), atol=1e-4)
    axes, origin = np.array(header["plane_axes"]), np.array(header["plane_origin"])
    assert np.allclose((book - origin) @ axes.T, places, atol=1e-4)
    (left, right), (bottom, top) = header["range"]["x"], header["range"]["y"]
    assert left < places[:, 0].min() and places[:, 0].max() < right and right - left == pytest.approx(top - bottom)
    reach = np.abs(places[:, 1] - (bottom + top) / 2).max() / (top - bottom) * 2
    assert reach < header["band"] <= 1


def test_a_patch_is_the_mean_of_what_images_show_there(rng: np.random.Generator) -> None:
    numbers = rng.integers(0, 3, (20, 4))
    images = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8)
    found = patches(numbers, images[:, None], (2, 2), 4)[:, 0]
    wide = np.zeros((20, 16, 16))
    wide[:, 4:12, 4:12] = images
    windows = [
        wide[image, 4 * (cell // 2) : 4 * (cell // 2) + 12, 4 * (cell % 2) : 4 * (cell % 2) + 12]
        for image in range(20)
        for cell in range(4)
        if numbers[image, cell] == 1
    ]
    assert np.allclose(found[1], np.mean(windows, axis=0)) and found.shape == (4, 12, 12)
    assert not found[3].any()  # stands nowhere


def test_patches_of_colours_and_of_grids_that_do_not_divide_the_image(rng: np.random.Generator) -> None:
    numbers = rng.integers(0, 2, (9, 4))
    images = rng.integers(0, 256, (9, 3, 7, 6), dtype=np.uint8)
    found = patches(numbers, images, (2, 2), 2)
    assert found.shape == (2, 3, 9, 9)
    wide = np.zeros((9, 3, 13, 12))
    wide[:, :, 3:10, 3:9] = images
    tops = {0: 0, 1: 3}  # 7 // 2 = 3 pixels below the first row of cells lies the second
    windows = [
        wide[image, :, tops[cell // 2] : tops[cell // 2] + 9, 3 * (cell % 2) : 3 * (cell % 2) + 9]
        for image in range(9)
        for cell in range(4)
        if numbers[image, cell] == 1
    ]
    assert np.allclose(found[1], np.mean(windows, axis=0))


def test_many_entries_of_large_cells_are_shown_without_what_is_around_them(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    found = patches(np.zeros((4, 1), int), images, (1, 1), 1_024)
    assert found.shape == (1_024, 3, 32, 32) and np.allclose(found[0], images.mean(axis=0))


@pytest.mark.parametrize("likelihood", ["gaussian", "continuous_bernoulli"])
def test_other_likelihoods_and_codebooks_of_one_entry_run_from_the_bytes(
    likelihood: str, tmp_path: Path, validation: ImageDataset
) -> None:
    spec = RunSpec(
        "digits", "vq_vae", hidden=(8, 8), likelihood=likelihood, epochs=1, options={"entries": 1, "dimensions": 1}
    )
    with no_classifier_is_shipped():
        run = get_or_train(Store(tmp_path), spec, execution=FLOAT32)
    header, tensors = parse(codes_payload(run, validation, most=7).to_bytes())
    assert len(tensors["presets"]) == 7 and header["grid"] == [4, 4]
    expected = run.decode(run.codes.mean[:3])
    assert np.allclose(run_program(header["layers"], tensors, run.codes.mean[:3]), expected, atol=1e-5)
    assert len(header["layers"]) - header["decoder_layers"] == (likelihood == "continuous_bernoulli")


def test_runs_it_does_not_fit_are_refused(
    grid_runs: dict[str, Run], small_runs: dict[str, Run], validation: ImageDataset
) -> None:
    with pytest.raises(ValueError, match="no codebook"):
        codes_payload(small_runs["vae"], validation)
    run = grid_runs["vq_vae"]
    with pytest.raises(ValueError, match=r"images of shape \(1, 4, 16\), not \(1, 8, 8\)"):
        codes_payload(dataclasses.replace(run, image_shape=(1, 4, 16)), validation)
    with pytest.raises(ValueError, match="not of these 5"):
        codes_payload(run, validation.first(5))


@pytest.mark.parametrize("model, said", [("vq_vae", (0.25, "averages")), ("fsq", (None, None))])
def test_what_was_trained_is_said(
    model: str, said: tuple[object, object], grid_runs: dict[str, Run], validation: ImageDataset
) -> None:
    header = codes_payload(grid_runs[model], validation).header
    assert (header["commitment"], header["learn_by"]) == said
