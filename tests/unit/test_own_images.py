"""Images of one's own: what is read, what is left out and why, and that nothing claimed is believed."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from vae_core import archive, datasets
from vae_core.cli import commands as cli
from vae_core.datasets import own
from vae_core.datasets.limits import FEWEST_IMAGES, MOST_PIXELS, SIZES
from vae_core.datasets.pictures import Preparation, decode
from vae_core.datasets.reading import OwnImages, read_file, read_files, read_path
from vae_core.errors import DatasetUnavailable, SpecError, UnusableImages
from vae_core.models import build
from vae_core.spec import RunSpec
from vae_core.storage.store import Store

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def pictures_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which pictures a test gets does not depend on the tests before it."""
    monkeypatch.setitem(globals(), "RANDOM", np.random.default_rng(0))


def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    """A picture of random blocks, so that it survives being scaled and compressed."""
    blocks = RANDOM.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(blocks, np.ones((10, 10, 1), np.uint8))).resize(size).convert(mode)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return file.getvalue()


def many(count: int = FEWEST_IMAGES, folder: str = "cats/") -> dict[str, bytes]:
    return {f"{folder}{number:05}.png": picture() for number in range(count)}


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG whose head claims a size that its few bytes do not have."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def npy_claiming(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(100)


def npz_of_no_size(kind: str) -> bytes:
    """The head of images of a type of no bytes, "S" letters or "V" anything, and as many bytes: none."""
    file = io.BytesIO()
    np.save(file, np.zeros((30, 28, 28), f"{kind}1"))
    head = file.getvalue()[: -30 * 28 * 28]
    return zipped({"images.npy": head.replace(f"|{kind}1".encode(), f"|{kind}0".encode())})


def misplaced(content: bytes) -> bytes:
    """The archive whose end says that its directory begins beyond it, so that every file begins before the archive."""
    end = content.rindex(b"PK\x05\x06")
    return content[: end + 16] + struct.pack("<I", len(content) + 5_000) + content[end + 20 :]


def encrypted(content: bytes) -> bytes:
    """The archive with the bit set that says so, in every entry's two heads."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(mark, at + 4)
    return bytes(changed)


def directory_of(count: int) -> bytes:
    """A zip with so many empty files as far as its directory says, one after another from the same place."""
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, 6, 0) + b"000000"
    head = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    entries = b"".join(head + b"%06d" % number for number in range(count))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entries), len(local), 0)
    return local + entries + end


@cache
def bomb() -> bytes:
    return zipped({"a/1.png": bytes(40_000_000)})


# What is uploaded, and a piece of the sentence that answers it.
MALFORMED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "text as a picture": ("note.png", lambda: b"hello", "is not a picture that can be read here"),
    "nothing": ("empty.png", lambda: b"", "is empty"),
    "truncated": ("cut.png", lambda: picture()[:60], "damaged or ends too early"),
    "truncated jpeg": ("cut.jpg", lambda: picture("JPEG")[:200], "damaged or ends too early"),
    "claims 100,000 by 100,000": ("huge.png", lambda: claiming(100_000, 100_000), "more than the 50 million pixels"),
    "claims 8,000 by 8,000": ("large.png", lambda: claiming(8_000, 8_000), "more than the 50 million pixels"),
    "claims what it has not": ("thin.png", lambda: claiming(300, 300), "damaged or ends too early"),
    "another format": ("a.jp2", lambda: picture("JPEG2000"), "is a JPEG 2000 picture; save it as PNG"),
    "a photograph of a phone": (
        "a.jpg", lambda: b"\0\0\0\x18ftypheic" + bytes(99), "is a HEIC photograph or a video; export it as JPEG",
    ),
    "a program": ("a.png", lambda: b"\x7fELF" + bytes(500), "is not a picture"),
    "zip bomb": ("bomb.zip", bomb, "holds no pictures"),
    "paths that climb": ("climb.zip", lambda: zipped({"../../etc/x.png": picture()}), "leads out of the archive"),
    "absolute paths": ("root.zip", lambda: zipped({"/etc/x.png": picture()}), "leads out of the archive"),
    "drive letters": ("drive.zip", lambda: zipped({"C:\\x\\y.png": picture()}), "leads out of the archive"),
    "a zip in a zip": ("nest.zip", lambda: zipped({"in.zip": zipped(many(2))}), "archive within an archive"),
    "encrypted zip": ("secret.zip", lambda: encrypted(zipped(many(3))), "is encrypted"),
    "truncated zip": ("half.zip", lambda: zipped(many(3))[:-200], "is damaged or ends too early; send it again"),
    "no zip at all": ("fake.zip", lambda: b"PK nothing", "is not a zip archive, or is damaged"),
    "empty zip": ("none.zip", lambda: zipped({}), "holds no pictures that can be used"),
    "a zip without pictures": ("texts.zip", lambda: zipped({"a.txt": b"x"}), "is not a picture that can be read"),
    "100,000 tiny files": ("tiny.zip", lambda: directory_of(100_000), "holds 100,000 files; at most 50,000"),
    "one image": ("one.png", picture, "holds one picture; at least 20 are needed"),
    "a folder named as a picture": ("z.zip", lambda: zipped({"a.png/": b""}), "holds no pictures"),
    "another archive": ("a.7z", lambda: b"7z\xbc\xaf'\x1c", "is a 7z archive; send a .zip"),
    "npz of text": ("a.npz", lambda: npz(images=np.full((30, 28, 28), "x")), "must be numbers"),
    "npz of one number": ("a.npz", lambda: npz(images=np.array(7)), "must have the shape"),
    "npz of no images": ("a.npz", lambda: npz(images=np.zeros((0, 28, 28))), "holds 0 images"),
    "npz of negative extents": (
        "a.npz", lambda: zipped({"images.npy": npy_claiming("(-30, 28, 28)")}), "which no array has",
    ),
    "npz of records": (
        "a.npz", lambda: npz(images=np.zeros((30, 28, 28), [("a", "u1"), ("b", "u1")])), "must be numbers",
    ),
    "npz with labels as objects": (
        "a.npz", lambda: npz(images=np.zeros((30, 28, 28), np.uint8), labels=np.array([{}] * 30, object)),
        "labels holds Python objects",
    ),
    "npz without images": ("a.npz", lambda: npz(x=np.zeros(3)), "not (3,); it holds x float64 (3,)"),
    "npz of unknown names": (
        "a.npz", lambda: npz(a=np.zeros(3), b=np.zeros((2, 2), np.uint8)),
        "has no array named images; save it with numpy.savez(file, images=…, labels=…). It holds a float64",
    ),
    "eocd_offset.zip": ("a.zip", lambda: misplaced(zipped(many(3))), "is damaged within the archive"),
    "eocd_offset.npz": (
        "a.npz", lambda: misplaced(npz(images=np.zeros((30, 28, 28), np.uint8))), "it cannot be read as a zip archive",
    ),
    "npz_S0.npz": ("a.npz", lambda: npz_of_no_size("S"), "as many numbers as its shape"),
    "npz_zero_itemsize.npz": ("a.npz", lambda: npz_of_no_size("V"), "as many numbers as its shape"),
    "npz with objects": ("a.npz", lambda: npz(images=np.array([{}, []], object)), "holds Python objects"),
    "npz of the wrong shape": ("a.npz", lambda: npz(images=np.zeros((30, 783), np.uint8)), "must have the shape"),
    "npz of channels in doubt": (
        "a.npz", lambda: npz(images=np.zeros((30, 3, 28, 3), np.uint8)), "must have the shape",
    ),
    "npz with NaN": ("a.npz", lambda: npz(images=np.full((30, 28, 28), np.nan)), "not finite"),
    "npz out of range": ("a.npz", lambda: npz(images=np.full((30, 28, 28), 7.5)), "images go from 7.5 to 7.5"),
    "npz of negative numbers": ("a.npz", lambda: npz(images=np.full((30, 28, 28), -5)), "images go from -5 to -5"),
    "npz of few images": ("a.npz", lambda: npz(images=np.zeros((3, 28, 28), np.uint8)), "holds 3 images"),
    "npz that claims more": ("a.npz", lambda: zipped({"images.npy": npy_claiming("(10**9, 28, 28)")}), "not an array"),
    "npz that claims terabytes": (
        "a.npz", lambda: zipped({"images.npy": npy_claiming("(1000000000, 28, 28)")}), "claims 784.0 GB",
    ),
    "npz with less than it says": (
        "a.npz", lambda: zipped({"images.npy": npy_claiming("(30, 28, 28)")}), "not have as many numbers",
    ),
    "npz with wrong labels": (
        "a.npz", lambda: npz(images=np.zeros((30, 28, 28), np.uint8), labels=np.zeros(29, int)), "labels must be 30",
    ),
    "npz with labels as floats": (
        "a.npz", lambda: npz(images=np.zeros((30, 28, 28), np.uint8), labels=np.full(30, 0.5)), "labels must be 30",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_upload_is_answered_by_a_sentence(name: str) -> None:
    file, content, said = MALFORMED[name]
    with pytest.raises(UnusableImages) as refused:
        read_file(file, content())
    text = str(refused.value)
    assert said in text
    assert text.endswith(".") and "\n" not in text and len(text) < 600


def test_a_directory_of_many_files_is_one_that_zipfile_reads_and_is_refused_before_it_does(monkeypatch) -> None:
    with zipfile.ZipFile(io.BytesIO(directory_of(300))) as archive:
        assert archive.namelist() == [f"{number:06}" for number in range(300)]
        assert archive.read("000000") == b""
    with pytest.raises(UnusableImages, match="holds no pictures"):
        read_file("z.zip", directory_of(300))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(UnusableImages, match="holds 50,001 files"):
        read_file("z.zip", directory_of(50_001))


def test_a_bomb_is_not_unpacked() -> None:
    content = bomb()
    tracemalloc.start()
    with pytest.raises(UnusableImages):
        read_file("bomb.zip", content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "kind, mode, options",
    [("PNG", "RGB", {}), ("JPEG", "RGB", {}), ("WEBP", "RGB", {}), ("PNG", "L", {}), ("PNG", "P", {}), ("PNG", "1", {}),
     ("JPEG", "CMYK", {}), ("PNG", "LA", {}), ("PNG", "RGBA", {}), ("WEBP", "RGBA", {"lossless": True})],
)  # fmt: skip
def test_every_usual_kind_of_picture_is_read(kind: str, mode: str, options: dict[str, object]) -> None:
    found = decode(picture(kind, mode, **options), 32)
    assert found.shape == (3, 32, 32) and found.dtype == np.uint8
    assert found.std() > 10


def test_a_picture_is_its_middle_square_scaled_by_averages(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (56, 112, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    middle = pixels[:, 28:84].astype(float)
    expected = middle.reshape(28, 2, 28, 2, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert np.abs(decode(file.getvalue(), 28) - expected).max() <= 1


def test_16_bits_become_8_and_transparency_lies_on_black() -> None:
    deep = np.linspace(0, 65_535, 28 * 28).reshape(28, 28).astype(np.uint16)
    file = io.BytesIO()
    Image.fromarray(deep).save(file, "PNG")
    assert np.abs(decode(file.getvalue(), 28)[0].astype(float) - deep / 257).max() <= 1
    clear = np.full((28, 28, 4), 200, np.uint8)
    clear[:14, :, 3] = 0
    file = io.BytesIO()
    Image.fromarray(clear).save(file, "PNG")
    found = decode(file.getvalue(), 28)
    assert found[:, :14].max() == 0 and abs(int(found[0, 20, 5]) - 157) <= 1


def test_an_animation_is_its_first_picture_and_a_turned_photograph_stands_upright() -> None:
    first, second = (Image.new("RGB", (40, 40), colour) for colour in ("red", "blue"))
    file = io.BytesIO()
    first.save(file, "WEBP", save_all=True, append_images=[second], duration=100, lossless=True)
    assert decode(file.getvalue(), 28)[:, 5, 5].tolist() == [255, 0, 0] or decode(file.getvalue(), 28)[0, 5, 5] > 240
    turned = Image.new("RGB", (40, 40), "black")
    turned.paste("white", (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    file = io.BytesIO()
    turned.save(file, "JPEG", exif=exif, quality=95)
    found = decode(file.getvalue(), 28)
    assert found[:, :10].max() < 20 and found[:, -10:].min() > 235


def test_a_large_picture_that_is_allowed_is_read() -> None:
    side = int(MOST_PIXELS**0.5) // 4
    file = io.BytesIO()
    Image.new("L", (side, side), 128).save(file, "PNG")
    assert np.all(decode(file.getvalue(), 28) == 128)


def test_folders_are_classes_in_any_script_and_what_is_no_picture_is_named(tmp_path: Path) -> None:
    files = many(12, "猫/") | many(11, "Hündin/") | {"猫/readme.txt": b"x", "猫/bad.png": b"y"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for read in (read_path(tmp_path), read_file("z.zip", zipped(files)), read_files(files.items())):
        assert read.label_names == ("Hündin", "猫")
        assert np.bincount(read.labels).tolist() == [11, 12]
        assert read.images.shape == (23, 3, 28, 28)
        assert sorted(Path(name).name for name, _ in read.left_out) == ["bad.png", "readme.txt"]
        assert read.left_out_count == 2


def test_one_class_is_enough_and_grey_pictures_are_grey() -> None:
    grey = {f"{number}.png": picture(mode="L") for number in range(20)}
    read = read_file("z.zip", zipped(grey), Preparation(size=64))
    assert read.images.shape == (20, 1, 64, 64) and read.label_names == ("images",)
    assert read_file("z.zip", zipped(grey), Preparation(colour="colour")).images.shape == (20, 3, 28, 28)
    assert read_file("z.zip", zipped(many()), Preparation(colour="grey")).images.shape == (20, 1, 28, 28)


@pytest.mark.parametrize("options, said", [({"size": 29}, "28, 32, 64"), ({"colour": "blue"}, "auto, grey, colour")])
def test_settings_that_are_not_offered_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(UnusableImages, match=said):
        read_file("z.zip", zipped(many()), Preparation(**options))


def test_an_npz_of_floats_or_colour_with_named_labels_is_read(rng: np.random.Generator) -> None:
    floats = rng.random((30, 28, 28))
    read = read_file("a.npz", npz(images=floats, labels=np.array(["b", "a"] * 15)))
    assert np.array_equal(read.images[:, 0], np.rint(floats * 255).astype(np.uint8))
    assert read.label_names == ("a", "b") and read.labels[:2].tolist() == [1, 0]
    colour = rng.integers(0, 256, (25, 32, 32, 3), dtype=np.uint8)
    for images in (colour, np.asfortranarray(colour)):
        assert np.array_equal(read_file("a.npz", npz(images=images)).images, colour.transpose(0, 3, 1, 2))


# ---- kept under a name made of their content -------------------------------------------------------------------------


def some(count: int = 40, seed: int = 0, channels: int = 3) -> OwnImages:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, channels, 28, 28), dtype=np.uint8)
    return OwnImages("holiday", images, np.arange(count) % 2, ("left", "right"))


def test_the_same_images_have_the_same_name_and_other_ones_another() -> None:
    assert own.name_of(some()) == own.name_of(some())
    assert len({own.name_of(some(seed=seed)) for seed in range(5)}) == 5
    changed = some()
    changed.labels[0] = 1
    assert own.name_of(changed) != own.name_of(some())
    assert own.shape_in(own.name_of(some())) == (3, 28, 28)


@pytest.mark.parametrize("name", ["own-3x28x28-xyz", "own-3x28x28-0123456789ab/../x", "own-3x28x28-0123456789abc", ""])
def test_what_is_not_a_sets_name_is_no_dataset(name: str) -> None:
    with pytest.raises(SpecError, match="there is no dataset"):
        RunSpec(name, "ae")


def test_factors_go_with_their_images_into_every_split(tmp_path: Path) -> None:
    images = np.repeat(np.arange(60, dtype=np.uint8), 28 * 28).reshape(60, 28, 28)
    causes = np.stack([np.arange(60) / 59, np.arange(60) % 7], axis=1)
    read = read_file("a.npz", npz(images=images, factors=causes, factor_names=np.array(["light", "place"])))
    name = own.save(read, tmp_path)
    for split in ("train", "validation"):
        part = datasets.load(name, split, root=tmp_path)
        which = part.images[:, 0, 0, 0]
        assert [(factor.name, factor.low, factor.high) for factor in part.factors] == [("light", 0, 1), ("place", 0, 6)]
        np.testing.assert_array_equal(part.factor_values, causes[which].astype(np.float32))
    # Other factors are another set; without factors, the name is what it always was.
    assert own.name_of(read_file("a.npz", npz(images=images, factors=causes[:, ::-1]))) != name
    plain = read_file("a.npz", npz(images=images))
    assert plain.factors == () and own.name_of(plain) == "own-1x28x28-5dc3e15bb320"
    assert datasets.load(own.save(plain, tmp_path), "train", root=tmp_path).factor_values is None


def test_a_factor_beyond_single_precision_is_refused() -> None:
    images, causes = np.zeros((30, 28, 28), np.uint8), np.arange(30.0)
    for bad, said in ((causes * 1e300, "not finite"), (causes + 1e12, "the same for all")):
        with pytest.raises(UnusableImages, match=said):
            read_file("a.npz", npz(images=images, factors=bad))


def test_a_set_is_split_once_and_for_all(tmp_path: Path) -> None:
    name = own.save(some(400), tmp_path)
    train, held = (datasets.load(name, split, root=tmp_path) for split in ("train", "validation"))
    assert (len(train), len(held)) == (360, 40)
    assert train.label_names == ("left", "right")
    rows = {image.tobytes() for image in np.concatenate([train.images, held.images])}
    assert rows == {image.tobytes() for image in some(400).images}
    again = datasets.load(name, "test", root=tmp_path)
    assert np.array_equal(again.images, held.images)


def test_a_set_of_4000_has_test_images_of_its_own_and_trains_on_what_it_always_did(tmp_path: Path) -> None:
    images = some(4_000, channels=1)
    name = own.save(images, tmp_path)
    train, validation, test = (datasets.load(name, split, root=tmp_path) for split in datasets.SPLITS)
    order = np.random.default_rng(0).permutation(4_000)
    assert np.array_equal(train.images, images.images[order[400:]])
    assert np.array_equal(np.concatenate([validation.images, test.images]), images.images[order[:400]])
    assert (len(validation), len(test)) == (200, 200)


def test_the_counts_of_the_splits_are_those_that_are_loaded(tmp_path: Path) -> None:
    for count in (40, 3_994, 3_996, 4_010):
        name = own.save(some(count, channels=1), tmp_path)
        lengths = [len(datasets.load(name, split, root=tmp_path)) for split in datasets.SPLITS]
        said = own.shares(count)
        assert lengths == [said.training, said.validation, said.test or said.validation]
        assert (said.test > 0) == (count > 3_994) and sum(said) == count


def test_a_damaged_or_missing_set_is_said(tmp_path: Path) -> None:
    name = own.save(some(), tmp_path)
    path = own.folder(tmp_path) / f"{name}{own.SUFFIX}"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetUnavailable, match="damaged"):
        datasets.load(name, "train", root=tmp_path)
    path.unlink()
    with pytest.raises(DatasetUnavailable, match="read them again"):
        datasets.load(name, "train", root=tmp_path)
    assert own.describe(name, tmp_path) is None


def test_the_longest_unused_set_goes_first_and_never_one_in_use(tmp_path: Path) -> None:
    names = [own.save(some(seed=seed), tmp_path) for seed in range(4)]
    for age, name in enumerate(names):
        os.utime(own.folder(tmp_path) / f"{name}{own.SUFFIX}", (1000 - age, 1000 - age))
    sizes = {entry.name: entry.size for entry in own.stored_sets(tmp_path)}
    assert own.make_room(tmp_path, sum(sizes.values()), 4) == []
    gone = own.make_room(tmp_path, 2 * max(sizes.values()), 4, keep=frozenset([names[3]]))
    assert gone == [names[2], names[1]]
    assert sorted(entry.name for entry in own.stored_sets(tmp_path)) == sorted([names[0], names[3]])
    datasets.load(names[3], "train", root=tmp_path)  # now the one used last
    assert [entry.name for entry in own.stored_sets(tmp_path)] == [names[0], names[3]]


def test_where_a_set_cannot_be_kept_it_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(DatasetUnavailable, match=r"could not be kept.*--data-root"):
        own.save(some(), blocked)


def test_colour_photographs_in_a_folder_are_trained_on_from_the_command_line(
    tmp_path: Path, monkeypatch, rng: np.random.Generator
) -> None:
    pictures, root, store = tmp_path / "photos", tmp_path / "data", tmp_path / "store"
    monkeypatch.setenv("VAE_DATA", str(root))
    for folder, hue in (("day", (1.0, 0.8, 0.3)), ("night", (0.1, 0.2, 0.6))):
        (pictures / folder).mkdir(parents=True)
        for number in range(25):
            light = rng.random((6, 8, 1)) * np.array(hue) * 255
            image = Image.fromarray(light.astype(np.uint8)).resize((80, 60), Image.Resampling.BILINEAR)
            image.save(pictures / folder / f"{number}.jpg", quality=90)
    command = ["train", "--images", str(pictures), "--size", "32", "--model", "vae", "--hidden", "16", "--epochs", "2"]
    done = CliRunner().invoke(cli.app, [*command, "--store", str(store)])
    assert done.exit_code == 0, done.output
    key = done.stdout.split()[-1]
    run = Store(store).load(key)
    assert run.image_shape == (3, 32, 32) and run.label_names == ("day", "night")
    assert run.decode(run.codes.mean[:2]).shape == (2, 3 * 32 * 32)
    assert "50 colour images, 2 classes" in done.stderr
    again = CliRunner().invoke(cli.app, [*command, "--store", str(store)])
    assert again.stdout.split()[-1] == key
    tensors, _ = archive.read(own.folder(root) / f"{run.spec.dataset}{own.SUFFIX}")
    assert tensors["images"].shape == (50, 3, 32, 32)


@pytest.mark.parametrize("side", SIZES)
@pytest.mark.parametrize("hidden", [(16, 32, 64), (8, 16), (32, 64, 128)])
def test_convolutional_models_take_and_give_pictures_of_every_size(side, hidden) -> None:
    network = build(RunSpec(f"own-3x{side}x{side}-0123456789ab", "conv_vae", hidden=hidden), (3, side, side))
    pixels = torch.rand(2, 3 * side * side, generator=torch.Generator().manual_seed(0))
    rebuilt = network.decode(network.encode(pixels).mean)
    assert rebuilt.shape == pixels.shape
    rebuilt.sum().backward()  # every pixel's path leads back to the encoder's first layer
    first = next(network.parameters())
    assert first.grad is not None and first.grad.abs().sum() > 0


def looped(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def piped(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def within(folder: Path, make: Callable[[Path], Path]) -> Path:
    """A folder of enough pictures, and one thing that is none."""
    for name, content in many().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    make(folder / "cats").rename(folder / "cats" / "x.png")
    return folder


def made(path: Path, content: bytes | None = None) -> Path:
    path.mkdir() if content is None else path.write_bytes(content)
    return path


UNREADABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda folder: folder / "missing", "there is no .*/missing; name a folder or a zip"),
    "an empty folder": (lambda folder: made(folder / "empty"), "empty holds no pictures that can be used; at least 20"),
    "a folder of folders": (lambda folder: made(made(folder / "out") / "in").parent, "out holds no pictures"),
    "a folder without pictures": (
        lambda folder: made(made(folder / "texts") / "a.txt", b"x").parent, "left out: a.txt is not a picture",
    ),
    "an empty file": (lambda folder: made(folder / "a.zip", b""), "a.zip is not a zip archive, or is damaged"),
    "a link to itself": (looped, "loop cannot be read .*; name pictures that you may read"),
    "a pipe": (piped, "pipe is neither a folder nor a file"),
    "a device": (lambda folder: Path("/dev/zero"), "/dev/zero is neither a folder nor a file"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_from_the_command_line_is_one_sentence(name, tmp_path, monkeypatch, capsys) -> None:
    make, said = UNREADABLE[name]
    command = ["train", "--images", str(make(tmp_path)), "--model", "ae", "--data-root", str(tmp_path / "d")]
    monkeypatch.setattr(sys, "argv", ["vae_core", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ") and line.endswith(".") and re.search(said, line), line
    assert not (tmp_path / "d").exists()


def test_a_folder_within_that_may_not_be_read_is_named(tmp_path, monkeypatch) -> None:
    within(tmp_path, lambda folder: made(folder / "note.txt", b"x"))
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("cats"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnusableImages, match=r"cats cannot be read \(Permission denied\)"):
        read_path(tmp_path)


def test_links_out_of_a_folder_and_what_is_no_file_in_it_are_left_out(tmp_path) -> None:
    outside = made(tmp_path / "secret.png", picture())
    album = within(made(tmp_path / "album"), piped)
    (album / "cats" / "y.png").symlink_to(outside)
    (album / "cats" / "z.png").symlink_to(album / "cats" / "00000.png")
    read = read_path(album)
    assert len(read.images) == FEWEST_IMAGES + 1
    assert dict(read.left_out) == {
        "cats/x.png": "is not a file.", "cats/y.png": "is a link that leads out of the folder.",
    }  # fmt: skip


def test_a_link_to_what_is_read_already_adds_no_copies(tmp_path) -> None:
    album = made(tmp_path / "album")
    for name, content in (many(12, "cats/") | many(12, "dogs/")).items():
        (album / name).parent.mkdir(exist_ok=True)
        (album / name).write_bytes(content)
    (album / "a-latest").symlink_to(album / "cats")
    (album / "cats" / "all").symlink_to(album)
    (album / "cats" / "up").symlink_to(tmp_path)
    (album / "cats" / "self.png").symlink_to(album / "cats" / "self.png")
    read = read_path(album)
    assert len(read.images) == 24 and set(read.label_names) == {"cats", "dogs"}
    already = "is a link to a folder that is read already."
    told = dict(read.left_out)
    assert {told[name] for name in ("a-latest", "cats/all", "cats/up")} == {already}
    assert told["cats/self.png"].startswith("cannot be read")


def test_the_same_pictures_have_the_same_name_however_they_come(tmp_path) -> None:
    files = many(11, "b/") | many(11, "a/") | many(3, "")
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    ways = read_path(tmp_path), read_file("z.zip", zipped(files)), read_files(files.items())
    assert len({own.name_of(read) for read in ways}) == 1


@pytest.mark.parametrize("options", [[], ["--dataset", "digits", "--images", "x"]])
def test_exactly_one_of_dataset_and_images_is_wanted(options: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["train", "--model", "ae", *options])
    assert done.exit_code == 2 and "either --dataset with a name" in " ".join(done.stderr.split())
