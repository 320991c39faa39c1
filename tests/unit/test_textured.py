"""Digits on textures: the same every time, each split of other digits and other ground, masks that are the ink."""

from __future__ import annotations

import numpy as np
import pytest

from vae_core.datasets import ImageDataset, info, load, textured
from vae_core.datasets.bundled import mnist_sample
from vae_core.datasets.textured import GROUND, INK, TEXTURES, ground, picture, texture
from vae_core.errors import SpecError

SPLITS = ("train", "validation", "test")


def test_splits_have_as_many_pictures_as_they_say_and_no_digit_twice() -> None:
    sets = [load("textured", split, download=False) for split in SPLITS]
    assert [len(one) for one in sets] == [4_000, 500, 500]
    assert info("textured").training_images == 4_000
    together = np.concatenate([one.target("clean") for one in sets])
    assert np.array_equal(together, mnist_sample()[0])
    assert np.array_equal(np.concatenate([one.labels for one in sets]), mnist_sample()[1])


def test_a_picture_depends_on_its_number_alone() -> None:
    digits = mnist_sample()[0]
    made = load("textured", "validation").images[:, 0]
    for number in (4_499, 4_000, 4_123):  # in any order
        assert np.array_equal(picture(digits[number, 0], number, "validation"), made[number - 4_000])
    assert not np.array_equal(picture(digits[0, 0], 1, "train"), picture(digits[0, 0], 0, "train"))


def test_grounds_of_splits_come_from_columns_that_no_other_split_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = np.tile(np.arange(256, dtype=np.float32), (256, 1)) / 255.0
    monkeypatch.setattr(textured, "texture", lambda name: marked)
    monkeypatch.setattr(textured, "GROUND", (0.0, 1.0))
    seen: dict[str, set[int]] = {}

    class First:
        """Mirrors nothing, and draws as numpy does."""

        def __init__(self, seed: int) -> None:
            self.own = np.random.default_rng(seed)

        def integers(self, *bounds: int) -> int:
            self.last = int(self.own.integers(*bounds))
            return self.last

        def random(self) -> float:
            return 1.0

    for split in SPLITS:
        seen[split] = set()
        for seed in range(400):
            generator = First(seed)
            ground("brick", split, generator)  # type: ignore[arg-type]
            seen[split] |= set(range(generator.last, generator.last + 28))
    assert not seen["train"] & seen["validation"]
    assert not seen["validation"] & seen["test"]
    assert not seen["train"] & seen["test"]
    assert max(seen["test"]) == 255 and min(seen["train"]) == 0


def test_grounds_are_stretched_and_ink_is_brighter_before_half_of_all_are_inverted() -> None:
    one = ground("gravel", "train", np.random.default_rng(0))
    assert (one.min(), one.max()) == pytest.approx(GROUND)
    dataset = load("textured", "train")
    pictures, clean = dataset.images / 255.0, dataset.target("clean") / 255.0
    full, none = clean > 0.99, clean == 0.0
    bright = np.array([one[ink].mean() > one[bare].mean() for one, ink, bare in zip(pictures, full, none, strict=True)])
    assert 0.45 < bright.mean() < 0.55
    upright = np.where(bright[:, None, None, None], pictures, 1.0 - pictures)
    assert upright[none].min() >= GROUND[0] - 0.003 and upright[none].max() <= GROUND[1] + 0.003
    assert upright[full].min() >= INK[0] - 0.01 and upright[full].max() <= INK[1] + 0.003


def test_textures_are_the_means_of_two_by_two_pixels() -> None:
    from skimage import data

    for name in TEXTURES:
        whole = getattr(data, name)() / 255.0
        assert texture(name).shape == (256, 256)
        assert texture(name)[3, 5] == pytest.approx(whole[6:8, 10:12].mean(), abs=1e-6)


def test_a_mask_is_where_more_than_half_is_ink() -> None:
    dataset = load("textured", "test")
    assert np.array_equal(dataset.target("mask") == 255, dataset.target("clean") / 255.0 > 0.5)
    assert set(np.unique(dataset.target("mask"))) == {0, 255}
    assert dataset.target("picture") is dataset.images


def test_targets_go_where_their_pictures_go() -> None:
    dataset = load("textured", "validation")
    assert np.array_equal(dataset.first(7).target("mask"), dataset.target("mask")[:7])
    others = dataset.without(3)
    assert np.array_equal(others.target("clean"), dataset.target("clean")[dataset.labels != 3])


def test_what_is_no_target_is_refused() -> None:
    with pytest.raises(SpecError, match="mnist_sample has no target 'mask'"):
        load("mnist_sample", "test").target("mask")
    images, labels = np.zeros((2, 1, 3, 3), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="the target mask must be uint8"):
        ImageDataset("own", "train", images, labels, ("one",), targets={"mask": np.zeros((2, 1, 3, 2), np.uint8)})
