"""Every input that people have is read or refused as the table in ``docs/inputs.md`` says, and what the table cannot
show: pixels, names and keys."""

from __future__ import annotations

import io
import os
import re
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.support import inputs
from tests.support.inputs import ARRAYS, INPUTS, PICTURES, SETS, TABLE, escaped, outcome, plain
from vae_core import archive, datasets
from vae_core.cli import commands as cli
from vae_core.datasets import own
from vae_core.datasets.doubts import doubts
from vae_core.datasets.names import cleaned
from vae_core.datasets.pictures import Preparation
from vae_core.datasets.reading import OwnImages, read_file, read_files, read_path
from vae_core.errors import UnusableImages

ALL = [(group, name) for group, each in INPUTS.items() for name in each]


@pytest.fixture(scope="module")
def lines() -> set[str]:
    return set(TABLE.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(("group", "name"), ALL, ids=[name for _, name in ALL])
def test_the_table_says_what_becomes_of_each(group: str, name: str, lines: set[str], tmp_path: Path) -> None:
    assert f"| {escaped(name)} | {escaped(outcome(group, name, tmp_path))} |" in lines


def test_the_table_has_nothing_else(lines: set[str]) -> None:
    assert sum(line.startswith("| ") for line in lines) == len(ALL) + 1  # and the heads, which are alike


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., OwnImages]:
    """Read an input with options."""

    def of(write: inputs.Input, **options: object) -> OwnImages:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        write(path)
        return read_path(path, Preparation(**options))

    return of


def differ(one: OwnImages) -> float:
    """How far the mean images of two classes lie apart, in grey levels."""
    first, second = (one.images[one.labels == label].astype(float).mean(axis=0) for label in (0, 1))
    return float(np.abs(first - second).mean())


def test_a_good_set_has_no_note(read) -> None:
    assert read(PICTURES["JPEG"]).notes == () and read(ARRAYS["images and labels"]).notes == ()


@pytest.mark.parametrize("name", ["black ink on transparency", "a palette with transparency, dark ink"])
def test_dark_ink_on_transparency_lies_on_white(name: str, read) -> None:
    found = read(PICTURES[name])
    assert found.images[:, :, 0].min() == 255 and found.images.min() <= 10 and differ(found) > 5


def test_bright_ink_on_transparency_lies_on_black_and_one_dark_picture_among_them_too(read) -> None:
    def made(label: int, seed: int) -> bytes:
        dark = inputs.ink_on_clear(label, seed)
        with inputs.Image.open(io.BytesIO(dark)) as image:
            white = inputs.Image.merge(
                "RGBA", [image.getchannel("A").point(lambda level: 255)] * 3 + [image.split()[3]]
            )
        return dark if (label, seed) == (0, 0) else inputs.encoded(white)

    found = read(inputs.folder(made))
    assert found.images[:, :, 0].max() == 0 and found.images[1:].max(axis=(1, 2, 3)).min() > 200


@pytest.mark.parametrize("name", ["PNG of 12 bits in 16", "masks of 0 and 1", "dark pictures", "little contrast"])
def test_a_narrow_range_is_said_and_stretching_mends_it(name: str, read) -> None:
    (note,) = read(PICTURES[name]).notes
    assert "use only the grey levels" in note
    stretched = read(PICTURES[name], stretch=True)
    assert stretched.notes == () and stretched.images.min() == 0 and stretched.images.max() == 255
    if name == "PNG of 12 bits in 16":  # stretched before it is reduced to 8 bits
        whole = read(PICTURES["PNG of 16 bits"], stretch=True)
        assert np.abs(whole.images.astype(int) - stretched.images).max() <= 1


def test_inverting_exchanges_black_and_white_and_nothing_else(read) -> None:
    write = PICTURES["black on white"]
    assert np.array_equal(read(write, invert=True).images, 255 - read(write).images)


def test_padding_keeps_what_cropping_removes(read) -> None:
    write = PICTURES["objects at the edge of wide pictures"]
    cropped, padded = read(write), read(write, fit="pad")
    assert any("pad to keep all of it" in note for note in cropped.notes)
    assert padded.notes == () and padded.images.max() > 200 and differ(padded) > differ(cropped)


@pytest.mark.parametrize(("cut", "said"), [(0.67, "removed 67%"), (0.994, "removed 99%"), (0.998, "more than 99%")])
def test_never_is_all_of_the_longer_side_said_to_be_removed(cut: float, said: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (24, 1, 28, 28), dtype=np.uint8)
    (note,) = doubts(images, cut)
    assert said in note


def test_padding_continues_the_edge_of_a_picture(read) -> None:
    def made(label: int, seed: int) -> bytes:
        return inputs.encoded(inputs.shape(label, seed, (120, 60), inputs.BLACK, inputs.WHITE))

    assert read(inputs.folder(made), fit="pad").images[:, :, [0, -1]].min() == 255


@pytest.mark.parametrize("name", ["(N, 1, H, W)", "(N, 784)", "truth values", "floats from 0 to 255", "an npy"])
def test_arrays_of_every_form_are_the_same_images(name: str, read) -> None:
    assert np.array_equal(read(ARRAYS[name]).images[:, 0] > 127, inputs.grey() > 127)


def test_parts_of_arrays_keep_their_order_and_labels(read) -> None:
    for name in ("Keras: x_train, y_train, x_test, y_test", "MedMNIST: train_images, …"):
        found = read(ARRAYS[name])
        assert np.array_equal(found.images[:, 0], inputs.grey()) and np.array_equal(found.labels, inputs.KINDS)


def test_size_and_colour_act_on_arrays_or_say_that_they_do_not(read) -> None:
    kept = read(ARRAYS["images and labels"], size=64)
    assert kept.images.shape[2:] == (28, 28) and "keep their size" in kept.notes[0]
    assert read(ARRAYS["96 × 96"], size=64).images.shape == (inputs.COUNT, 1, 64, 64)
    assert read(ARRAYS["(N, 3, H, W)"], colour="grey").images.shape[1] == 1
    assert read(ARRAYS["images and labels"], colour="colour").images.shape[1] == 3
    assert read(ARRAYS["28 × 20"], fit="pad").images.shape == (inputs.COUNT, 1, 28, 28)
    assert read(ARRAYS["standardised floats"], stretch=True).images.max() == 255


def test_what_is_not_offered_is_refused(read) -> None:
    with pytest.raises(UnusableImages, match="fit must be one of crop, pad"):
        read(PICTURES["JPEG"], fit="squeeze")


# ---- names -----------------------------------------------------------------------------------------------------------


def ways(files: dict[str, bytes], place: Path) -> dict[str, OwnImages]:
    """The same pictures as different machines pack them."""

    def packed(names: Callable[[str], str]) -> OwnImages:
        inputs.zipped({names(name): content for name, content in files.items()})(place / "set.zip")
        return read_path(place / "set.zip")

    for name, content in files.items():
        path = place / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {
        "slashes": packed(str),
        "backslashes": packed(lambda name: name.replace("/", "\\")),
        "below a folder": packed(lambda name: f"top/{name}"),
        "decomposed": packed(lambda name: unicodedata.normalize("NFD", name)),
        "a folder": read_path(place / "set"),
        "several files": read_files(reversed(files.items())),
    }


@pytest.mark.parametrize("classes", [("a", "a b"), ("a", "a1"), ("Käfer", "Vögel"), ("É", "e")])
def test_the_same_pictures_have_the_same_key_whatever_packed_them(classes: tuple[str, str], tmp_path: Path) -> None:
    found = ways(inputs.files("{c}/{i}.png", classes), tmp_path)
    assert {own.name_of(each) for each in found.values()} == {own.name_of(found["slashes"])}
    assert found["a folder"].label_names == tuple(sorted(classes))


def test_a_set_keeps_the_key_that_it_had() -> None:
    """Fixed once for all: the keys of everybody's runs on their own images are made of it."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (28, 28), dtype=np.uint8) for _ in range(24)]
    files = {
        f"{'ab'[number % 2]}/{number}.png": inputs.encoded(inputs.Image.fromarray(each))
        for number, each in enumerate(pictures)
    }
    assert own.name_of(read_files(files.items())) == "own-1x28x28-88e0d5c250be"
    file = io.BytesIO()
    np.savez(file, images=np.stack(pictures) / 255, labels=np.arange(24) % 2)
    assert own.name_of(read_file("set.npz", file.getvalue())) == "own-1x28x28-6451ab10c7ef"


def test_bytes_that_are_no_text_become_text_and_stay_out_of_every_file(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / os.fsdecode(b"Stra\xdfe\n<b>")
    SETS["folders named in Latin-1"](folder)
    root, store = tmp_path / "data", tmp_path / "store"
    monkeypatch.setenv("VAE_DATA", str(root))
    command = ["train", "--images", str(folder), "--model", "ae", "--hidden", "8", "--epochs", "1"]
    done = CliRunner().invoke(cli.app, [*command, "--store", str(store)])
    assert done.exit_code == 0, done.output
    (stored,) = own.stored_sets(root)
    assert stored.title == "Straße <b>" and stored.label_names == ("Käfer", "Vögel")
    exported = CliRunner().invoke(
        cli.app, ["export", done.stdout.split()[-1], "--to", str(tmp_path / "out"), "--store", str(store)]
    )
    assert exported.exit_code == 0, exported.output
    assert "Käfer" in (tmp_path / "out" / f"{done.stdout.split()[-1]}-codes.csv").read_text(encoding="utf-8")


def test_a_set_that_an_earlier_version_filed_with_such_a_name_is_shown(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 1, 28, 28), dtype=np.uint8)
    found = OwnImages("K\udce4fer", images, np.arange(30) % 2, ("\udcff", "b"))
    path = own.folder(tmp_path) / "own-1x28x28-0123456789ab.safetensors"
    document = {"title": found.title, "label_names": list(found.label_names)}
    archive.write(path, {"images": images, "labels": found.labels}, document)
    loaded = datasets.load("own-1x28x28-0123456789ab", "train", root=tmp_path)
    (stored,) = own.stored_sets(tmp_path)
    for text in (stored.title, *stored.label_names, *loaded.label_names):
        assert text.encode().decode() == text  # no surrogate
    assert stored.title == "Käfer"


@pytest.mark.parametrize(
    ("name", "clean"),
    [("a\nb\tc", "a b c"), ("Ka\u0308fer", "Käfer"), ("\udce4", "ä"), ("\ud83d!", "?!"), ("猫", "猫")],
)
def test_names_are_cleaned(name: str, clean: str) -> None:
    assert cleaned(name) == clean


# ---- folders ---------------------------------------------------------------------------------------------------------


def test_links_that_go_round_end_and_are_named(tmp_path: Path) -> None:
    for label, name in enumerate("ab"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(12):
            (tmp_path / "set" / name / f"{number}.png").write_bytes(plain(label, number))
    (tmp_path / "set" / "a" / "round").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "broken").symlink_to(tmp_path / "nowhere")
    found = read_path(tmp_path / "set")
    assert found.class_counts() == [("a", 12), ("b", 12)]
    assert dict(found.left_out) == {
        "a/round": "is a link to a folder that is read already.",
        "broken": "is a link that leads out of the folder.",
    }


def test_the_command_names_classes_with_counts_and_says_what_it_doubts(tmp_path: Path) -> None:
    PICTURES["dark pictures"](tmp_path / "set")
    command = ["train", "--images", str(tmp_path / "set"), "--model", "ae", "--hidden", "8", "--epochs", "1"]
    where = ["--data-root", str(tmp_path / "data"), "--store", str(tmp_path / "store")]
    done = CliRunner().invoke(cli.app, [*command, *where])
    assert done.exit_code == 0, done.output
    assert "classes: a 12, b 12" in done.stderr and re.search("note: .*stretch them", done.stderr)
    other = CliRunner().invoke(cli.app, [*command, *where, "--stretch", "--fit", "pad", "--invert"])
    assert other.exit_code == 0 and other.stdout != done.stdout and "note:" not in other.stderr


def test_an_entry_with_an_unreadable_method_among_others_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(24):
            packed.writestr(f"{number:02}.png", plain(0, number), zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.find(mark) + offset] = 93
    found = read_file("set.zip", bytes(content))
    assert found.left_out == (("00.png", "is packed with Zstandard; pack it as an ordinary zip, with Deflate."),)
