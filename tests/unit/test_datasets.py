from __future__ import annotations

import gzip
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from typer.main import get_command

from vae_core import datasets
from vae_core.cli import commands as cli
from vae_core.datasets import (
    DATASETS,
    SPLITS,
    ImageDataset,
    bundled,
    data_root,
    downloaded,
    info,
    load,
    torchvision_private,
)
from vae_core.datasets.bundled import mnist_sample
from vae_core.errors import DatasetUnavailable, SpecError

IMAGES, LABELS = {True: 60_000, False: 10_000}, {True: "train", False: "t10k"}


def raw_folder(root: Path) -> Path:
    return root / "MNIST" / "raw"


def write_mnist(root: Path, *, train: bool, images: int | None = None, fill: int = 0) -> list[Path]:
    """IDX files of MNIST's size, or of another number of images, all pixels alike."""
    count = IMAGES[train] if images is None else images
    folder = raw_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    for part in LABELS.values():  # torchvision wants all four files before it reads two
        for name in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"):
            (folder / name).touch()
    pixels, labels = folder / f"{LABELS[train]}-images-idx3-ubyte", folder / f"{LABELS[train]}-labels-idx1-ubyte"
    pixels.write_bytes(struct.pack(">HBBIII", 0, 8, 3, count, 28, 28) + bytes([fill]) * (count * 784))
    labels.write_bytes(struct.pack(">HBBI", 0, 8, 1, count) + bytes(count))
    return [pixels, labels]


def assert_one_sentence(error: BaseException) -> None:
    assert "\n" not in str(error)
    assert str(error).endswith(".")
    assert len(str(error)) < 500


def test_the_bundled_sample_has_500_of_each_class_and_classes_take_turns() -> None:
    images, labels, positions = mnist_sample()
    assert images.shape == (5_000, 1, 28, 28)
    assert images.dtype == np.uint8
    assert np.array_equal(labels, np.tile(np.arange(10), 500))
    assert len(np.unique(positions)) == 5_000
    assert positions.min() >= 0
    assert positions.max() < 60_000


def test_the_bundled_sample_holds_digits_and_each_only_once() -> None:
    images, _, _ = mnist_sample()
    assert len({image.tobytes() for image in images}) == 5_000
    assert 20 < images.mean() < 50  # MNIST's mean grey is 33
    assert images.max() == 255
    border = np.concatenate([images[..., :1, :].ravel(), images[..., :, :1].ravel()])
    assert (border == 0).mean() > 0.99


def test_shared_arrays_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load("mnist_sample", "train").images[0, 0, 0, 0] = 1


@pytest.mark.parametrize(
    ("name", "split", "count", "shape"),
    [
        ("mnist", "validation", 5_000, (1, 28, 28)),
        ("mnist_sample", "train", 4_500, (1, 28, 28)),
        ("mnist_sample", "validation", 500, (1, 28, 28)),
        ("mnist_sample", "test", 500, (1, 28, 28)),
        ("digits", "train", 1_437, (1, 8, 8)),
        ("digits", "validation", 360, (1, 8, 8)),
        ("digits", "test", 360, (1, 8, 8)),
        ("s_curve", "train", 5_000, (1, 1, 3)),
        ("s_curve", "validation", 1_000, (1, 1, 3)),
        ("s_curve", "test", 1_000, (1, 1, 3)),
        ("heads", "train", 6_400, (1, 32, 32)),
        ("heads", "validation", 800, (1, 32, 32)),
        ("heads", "test", 800, (1, 32, 32)),
    ],
)
def test_splits_have_their_sizes_types_and_every_class(
    name: str, split: str, count: int, shape: tuple[int, int, int]
) -> None:
    part = load(name, split, download=False)
    assert (part.name, part.split) == (name, split)
    assert len(part) == count
    assert part.images.shape == (count, *shape)
    assert part.image_shape == info(name).image_shape == shape
    assert part.images.dtype == np.uint8
    assert part.labels.dtype == np.int64
    assert set(part.labels.tolist()) == set(range(len(part.label_names)))
    assert part.label_names == info(name).label_names


def test_the_samples_held_out_part_is_balanced_and_apart() -> None:
    train, held_out = load("mnist_sample", "train"), load("mnist_sample", "validation")
    assert np.bincount(train.labels).tolist() == [450] * 10
    assert np.bincount(held_out.labels).tolist() == [50] * 10
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in held_out.images}


def test_the_splits_of_digits_together_are_scikit_learns_digits_and_none_is_in_both() -> None:
    from sklearn.datasets import load_digits

    def as_set(images: np.ndarray, labels: np.ndarray) -> set[tuple[bytes, int]]:
        return {(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)}

    train, held_out = load("digits", "train"), load("digits", "validation")
    bunch = load_digits()
    everything = as_set(np.rint(bunch.images * 255 / 16).astype(np.uint8), bunch.target)
    parts = as_set(train.images, train.labels), as_set(held_out.images, held_out.labels)
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == everything
    assert len(train) + len(held_out) == len(everything) == 1_797


def test_the_order_of_digits_never_changes() -> None:
    assert load("digits", "validation").labels[-10:].tolist() == [4, 2, 2, 3, 9, 6, 2, 2, 9, 3]
    assert load("digits", "train").images.max() == 255


def test_a_scikit_learn_that_keeps_its_digits_elsewhere_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    by_file = bundled._digits_table()
    monkeypatch.setattr(bundled, "find_spec", lambda _: None)
    np.testing.assert_array_equal(bundled._digits_table(), by_file)


def test_the_test_split_of_bundled_sets_is_the_validation_split() -> None:
    for name in ("digits", "mnist_sample", "s_curve"):
        assert np.array_equal(load(name, "test").images, load(name, "validation").images)


def test_the_s_curve_is_scikit_learns_scaled_by_one_factor() -> None:
    from sklearn.datasets import make_s_curve

    as_drawn_here = np.random.RandomState(np.random.PCG64(0))  # the numbers of default_rng(0), for scikit-learn
    points, along = make_s_curve(6_000, random_state=as_drawn_here)
    ours = np.concatenate([load("s_curve", split).floats() for split in ("train", "validation")])
    labels = np.concatenate([load("s_curve", split).labels for split in ("train", "validation")])
    # Distances are kept: one factor and one shift by axis lead back, to half a step of 256.
    scale = np.ptp(points, axis=0).max()
    back = (ours - ours.mean(axis=0)) * scale
    np.testing.assert_allclose(back, points - points.mean(axis=0), rtol=0, atol=0.51 * scale / 255)
    assert ours.min() == 0.0
    assert ours.max() == 1.0
    # Bands are in order along the curve, and equally wide.
    edges = np.linspace(-1.5 * np.pi, 1.5 * np.pi, 9)
    assert np.array_equal(labels, np.digitize(along, edges[1:-1]))


@pytest.mark.parametrize(("count", "expected"), [(None, 1_437), (2, 2), (1_437, 1_437), (10**7, 1_437)])
def test_the_first_images_are_the_first_with_their_labels(count: int | None, expected: int) -> None:
    images = load("digits", "train")
    first = images.first(count)
    assert len(first) == expected
    assert np.array_equal(first.images, images.images[:expected])
    assert np.array_equal(first.labels, images.labels[:expected])
    assert (first.name, first.split, first.label_names) == (images.name, images.split, images.label_names)


def test_mnists_validation_split_needs_no_files_and_no_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> ModuleType:
        raise AssertionError("torchvision was asked for")

    monkeypatch.setattr(torchvision_private, "import_torchvision", refuse)
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "nowhere"))
    validation = load("mnist", "validation")
    assert np.array_equal(validation.images, mnist_sample()[0])
    assert np.array_equal(validation.labels, mnist_sample()[1])
    assert not (tmp_path / "nowhere").exists()


def test_pixels_are_floats_from_0_to_1_one_row_per_image() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2) + np.uint8(232)
    rows = ImageDataset("x", "train", images, np.zeros(2, np.int64), ("a",)).floats()
    assert rows.dtype == np.float32
    assert rows.shape == (2, 12)
    np.testing.assert_allclose(rows.ravel() * 255, images.ravel(), rtol=1e-6)
    assert rows.max() == 1.0


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 1, 3, 3), np.float32), np.zeros(2)),
        (np.zeros((2, 9), np.uint8), np.zeros(2)),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(3)),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros((2, 1))),
    ],
    ids=["floats", "flat", "a label too many", "labels in a column"],
)
def test_arrays_that_are_not_images_are_refused(images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^(images|labels) must be"):
        ImageDataset("x", "train", images, labels, ("a",))


@pytest.mark.parametrize("name", ["imagenet", "", "../mnist", "x" * 10_000, None, 5], ids=lambda name: repr(name)[:20])
def test_an_unknown_name_is_refused_with_the_names_there_are(name: object) -> None:
    for ask in (info, lambda wanted: load(wanted, "train")):
        with pytest.raises(SpecError, match=r"there is no dataset .* choose one of mnist, mnist_sample") as refused:
            ask(name)
        assert_one_sentence(refused.value)


@pytest.mark.parametrize("split", ["all", "", "Train", "x" * 10_000, None], ids=lambda split: repr(split)[:20])
@pytest.mark.parametrize("name", DATASETS)
def test_an_unknown_split_is_refused_with_the_splits_there_are(name: str, split: object) -> None:
    with pytest.raises(SpecError, match=f"there is no split .* choose one of {', '.join(SPLITS)}") as refused:
        load(name, split, download=False)  # type: ignore[arg-type]
    assert_one_sentence(refused.value)


def test_the_data_root_is_the_option_else_the_variable_else_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "variable"))
    assert data_root(tmp_path / "option") == tmp_path / "option"
    assert data_root() == tmp_path / "variable"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAE_DATA", "~/images")
    assert data_root() == tmp_path / "images"
    monkeypatch.delenv("VAE_DATA")
    assert data_root() == project / "data"


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_missing_files_without_a_download_are_one_sentence(name: str, split: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=f"is not in {tmp_path}; point VAE_DATA") as missing:
        load(name, split, root=tmp_path, download=False)
    assert_one_sentence(missing.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_a_download_that_fails_is_one_sentence(name: str, tmp_path: Path, no_network: list[str]) -> None:
    with pytest.raises(DatasetUnavailable, match=f"is not in {tmp_path} and could not be downloaded") as failed:
        load(name, "train", root=tmp_path)
    assert_one_sentence(failed.value)
    assert "connect to a network" in str(failed.value)
    assert no_network


def test_a_data_root_that_cannot_be_made_is_one_sentence(tmp_path: Path, no_network: list[str]) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DatasetUnavailable, match="could not be downloaded") as failed:
        load("mnist", "train", root=tmp_path / "file")
    assert_one_sentence(failed.value)
    assert no_network == []


@pytest.mark.parametrize("which", [0, 1], ids=["images", "labels"])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 15, 16, 17, 900, 5_000, -1])
@pytest.mark.parametrize("download", [True, False])
def test_a_truncated_file_is_one_sentence(
    which: int, length: int, download: bool, tmp_path: Path, no_network: list[str]
) -> None:
    path = write_mnist(tmp_path, train=False)[which]
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DatasetUnavailable) as damaged:
        load("mnist", "test", root=tmp_path, download=download)
    assert_one_sentence(damaged.value)
    assert f"the MNIST files in {tmp_path} are damaged" in str(damaged.value)  # and not missing


def test_a_folder_that_lacks_a_file_is_told_from_one_without_any(tmp_path: Path) -> None:
    pixels, _ = write_mnist(tmp_path, train=False)
    pixels.unlink()
    assert not datasets.is_here("mnist", tmp_path)
    with pytest.raises(DatasetUnavailable, match=f"MNIST in {tmp_path} lacks {pixels.name}") as lacking:
        load("mnist", "test", root=tmp_path, download=False)
    assert_one_sentence(lacking.value)


def test_a_foreign_file_is_one_sentence(tmp_path: Path, no_network: list[str]) -> None:
    pixels, _ = write_mnist(tmp_path, train=False)
    for content in (b"<html>404</html>" * 10, gzip.compress(b"x" * 100), b"\xff" * 100, bytes(100)):
        pixels.write_bytes(content)
        with pytest.raises(DatasetUnavailable) as damaged:
            load("mnist", "test", root=tmp_path)
        assert_one_sentence(damaged.value)


def test_files_with_another_number_of_images_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=False, images=10)
    with pytest.raises(DatasetUnavailable, match=r"damaged \(10 images where 10,000 belong\)"):
        load("mnist", "test", root=tmp_path, download=False)


def test_whole_files_are_read(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=False, fill=7)
    test = load("mnist", "test", root=tmp_path, download=False)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.images.min() == test.images.max() == 7


def test_mnist_in_another_order_is_refused_lest_held_out_digits_be_trained_on(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=True)
    with pytest.raises(DatasetUnavailable, match="not in the official order, so the held-out digits") as refused:
        load("mnist", "train", root=tmp_path, download=False)
    assert_one_sentence(refused.value)


def test_fashion_and_kana_hold_out_the_last_5000_of_their_training_set(monkeypatch: pytest.MonkeyPatch) -> None:
    order = {
        train: (np.arange(count, dtype=np.uint32).view(np.uint8).reshape(-1, 1, 2, 2), np.arange(count) % 10)
        for train, count in IMAGES.items()
    }
    monkeypatch.setattr(downloaded, "_official", lambda name, *, train, root, download: order[train])
    for name in ("fashion_mnist", "kmnist"):
        train, validation, test = (load(name, split).images for split in SPLITS)
        assert np.array_equal(np.concatenate([train, validation]), order[True][0])
        assert len(validation) == 5_000
        assert np.array_equal(test, order[False][0])


@pytest.mark.mnist
def test_mnists_train_split_is_the_other_55000_and_holds_none_of_the_bundled(mnist_root: Path) -> None:
    train = load("mnist", "train", root=mnist_root, download=False)
    assert train.images.shape == (55_000, 1, 28, 28)
    assert train.labels.shape == (55_000,)
    sample = {image.tobytes() for image in mnist_sample()[0]}
    assert len(sample) == 5_000
    assert not sample & {image.tobytes() for image in train.images}


@pytest.mark.mnist
def test_train_and_bundled_together_are_the_official_training_set(mnist_root: Path) -> None:
    official = torchvision_private.import_torchvision().datasets.MNIST(str(mnist_root), train=True)
    train, validation = (load("mnist", split, root=mnist_root, download=False) for split in ("train", "validation"))
    images, labels, positions = mnist_sample()
    assert np.array_equal(official.data.numpy()[positions], images[:, 0])
    assert np.array_equal(official.targets.numpy()[positions], labels)
    assert np.array_equal(
        np.bincount(train.labels) + np.bincount(validation.labels), np.bincount(official.targets.numpy())
    )
    ours = sorted(image.tobytes() for part in (train, validation) for image in part.images)
    assert ours == sorted(image.tobytes() for image in official.data.numpy())


@pytest.mark.mnist
def test_mnists_test_split_is_the_official_one(mnist_root: Path) -> None:
    test = load("mnist", "test", root=mnist_root, download=False)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.mnist
def test_a_half_copied_mnist_is_one_sentence(mnist_root: Path, tmp_path: Path, no_network: list[str]) -> None:
    shutil.copytree(raw_folder(mnist_root), raw_folder(tmp_path))
    path = raw_folder(tmp_path) / "train-images-idx3-ubyte"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DatasetUnavailable) as damaged:
        load("mnist", "train", root=tmp_path)
    assert_one_sentence(damaged.value)


def operators(*names: str) -> SimpleNamespace:
    return SimpleNamespace(torchvision=SimpleNamespace(**dict.fromkeys(names)))


@pytest.mark.parametrize(
    ("known", "declared"),
    [((), ["nms", "qnms"]), (("nms",), ["qnms"]), (("nms", "qnms"), [])],
    ids=["none", "one", "all"],
)
def test_only_operators_that_are_missing_are_declared(
    known: tuple[str, ...], declared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    defined: list[str] = []
    monkeypatch.setattr(torch, "ops", operators(*known))
    monkeypatch.setattr(torch.library, "define", lambda name, schema: defined.append(name))
    assert torchvision_private.declare_missing_operators() == declared
    assert defined == [f"torchvision::{name}" for name in declared]


def test_a_torchvision_that_imports_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torchvision")

    def refuse() -> list[str]:
        raise AssertionError("operators were declared")

    monkeypatch.setattr(torchvision_private, "declare_missing_operators", refuse)
    monkeypatch.setattr(torchvision_private.importlib, "import_module", lambda name: module)
    assert torchvision_private.import_torchvision() is module


def test_only_the_missing_operator_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> ModuleType:
        raise RuntimeError("something else is broken")

    monkeypatch.setattr(torchvision_private.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="something else is broken"):
        torchvision_private.import_torchvision()


def test_a_torchvision_whose_operator_is_missing_imports_after_the_declaration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, events = ModuleType("torchvision"), []

    def import_module(name: str) -> ModuleType:
        events.append(f"import {name}")
        if "declare" not in events:
            raise RuntimeError("operator torchvision::nms does not exist")
        return module

    monkeypatch.setattr(torchvision_private.importlib, "import_module", import_module)
    monkeypatch.setattr(torchvision_private, "declare_missing_operators", lambda: events.append("declare"))
    assert torchvision_private.import_torchvision() is module
    assert events == ["import torchvision", "declare", "import torchvision"]


IN_A_FRESH_PROCESS = """
from vae_core.datasets.torchvision_private import declare_missing_operators, import_torchvision
import torch
assert import_torchvision() is import_torchvision()
assert torch.ops.torchvision.nms
print(declare_missing_operators(), import_torchvision().datasets.MNIST.__name__)
"""


def test_torchvision_imports_in_a_fresh_process_and_then_misses_nothing(
    run_python: Callable[..., subprocess.Popen[str]],
) -> None:
    process = run_python("-c", IN_A_FRESH_PROCESS)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert output == "[] MNIST\n"


def test_a_torchvision_that_cannot_be_imported_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> ModuleType:
        raise RuntimeError("no such operator\nand more")

    monkeypatch.setattr(torchvision_private, "import_torchvision", fail)
    with pytest.raises(DatasetUnavailable, match=r"\(no such operator\).*mnist_sample") as failed:
        load("mnist", "test", root=tmp_path)
    assert_one_sentence(failed.value)
    assert len(load("mnist_sample", "train")) == 4_500


@pytest.mark.parametrize("name", sorted(downloaded.READERS.values()))
def test_the_pickled_tensors_of_old_are_where_torchvision_is_told_not_to_look(name: str, tmp_path: Path) -> None:
    theirs = getattr(torchvision_private.import_torchvision().datasets, name)
    for part in (theirs.training_file, theirs.test_file):
        file = tmp_path / name / "processed" / part
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save((torch.zeros(1, 28, 28), torch.zeros(1)), file)
    assert len(theirs(str(tmp_path)).data) == 1  # as long as it reads them, it must be told
    with pytest.raises(RuntimeError, match="not found"):
        torchvision_private.reader(name)(str(tmp_path))


def test_the_registry_says_what_the_command_line_offers() -> None:
    names = [
        "mnist",
        "mnist_sample",
        "digits",
        "fashion_mnist",
        "kmnist",
        "s_curve",
        "heads",
        "heads_64",
        "olivetti",
        "textured",
    ]
    assert list(datasets.DATASETS) == names
    classes = [len(set(known.label_names)) for known in datasets.DATASETS.values()]
    assert classes == [10, 10, 10, 10, 10, 8, 1, 1, 40, 10]
    options = get_command(cli.app).commands["train"].params  # type: ignore[attr-defined]
    (said,) = (option.help for option in options if option.name == "dataset")
    assert re.findall(r"\w+", said) == [*names[:-1], "or", names[-1]]
