"""Pictures, archives and arrays as people have them, after public bug reports: small ones of our own making.

Each is a function that writes one file or folder; `INPUTS` lists them by what they are. ``python -m
tests.support.inputs`` reads all of them and writes ``docs/inputs.md``, a table of what becomes of each.
"""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vae_core.datasets.classes import counted
from vae_core.datasets.reading import read_path
from vae_core.errors import UnusableImages

TABLE = Path(__file__).resolve().parents[2] / "docs" / "inputs.md"
EACH = 12  # pictures of a class
Colour = tuple[int, int, int]
Made = Callable[[int, int], bytes]  # (class, number) -> a picture file
Input = Callable[[Path], None]  # writes a file or a folder at this path

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def shape(
    kind: int, seed: int, size: tuple[int, int] = (60, 60), ink: Colour = WHITE, ground: Colour = BLACK
) -> Image.Image:
    """A disc (kind 0) or a square (kind 1), somewhere near the middle."""
    draw = np.random.default_rng((seed, kind))
    image = Image.new("RGB", size, ground)
    least = min(size)
    x, y = (extent / 2 + draw.uniform(-0.1, 0.1) * least for extent in size)
    radius = least * draw.uniform(0.18, 0.3)
    pen = ImageDraw.Draw(image)
    (pen.ellipse if kind == 0 else pen.rectangle)([x - radius, y - radius, x + radius, y + radius], fill=ink)
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def plain(kind: int, seed: int) -> bytes:
    """A PNG of a shape."""
    return encoded(shape(kind, seed))


def saved(kind: str, mode: str = "RGB", **options: Any) -> Made:
    """Shapes saved in a format."""
    return lambda label, seed: encoded(shape(label, seed).convert(mode), kind, **options)


def folder(made: Made, suffix: str = ".png") -> Input:
    """Two folders of pictures, a and b."""

    def write(path: Path) -> None:
        for label, name in enumerate("ab"):
            (path / name).mkdir(parents=True)
            for number in range(EACH):
                (path / name / f"{number:02}{suffix}").write_bytes(made(label, number))

    return write


def files(
    names: str = "{c}/{i}.png", classes: tuple[str, ...] = ("cats", "dogs"), each: int = EACH
) -> dict[str, bytes]:
    """Names of pictures, and their contents."""
    return {names.format(c=c, i=i): plain(label % 2, i) for label, c in enumerate(classes) for i in range(each)}


def zipped(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Input:
    """A zip of files."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, each in content.items():
                archive.writestr(name, each)

    return write


def written(content: Callable[[], bytes]) -> Input:
    """A file."""

    def write(path: Path) -> None:
        path.write_bytes(content())

    return write


# ---- pictures --------------------------------------------------------------------------------------------------------


def animated(kind: str) -> Made:
    return lambda label, seed: encoded(
        shape(label, seed), kind, save_all=True, append_images=[shape(1 - label, seed)], duration=50
    )


def turned(label: int, seed: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(shape(label, seed).rotate(90), "JPEG", exif=exif)


def ink_on_clear(label: int, seed: int) -> bytes:
    ink = shape(label, seed, ink=BLACK, ground=WHITE).convert("L").point(lambda level: 255 - level)
    return encoded(Image.merge("RGBA", [Image.new("L", ink.size)] * 3 + [ink]))


def palette_on_clear(label: int, seed: int) -> bytes:
    image = shape(label, seed, ink=(10, 10, 10), ground=(255, 0, 255)).quantize(8)
    return encoded(image, transparency=image.getpixel((0, 0)))


def deep(most: int) -> Made:
    """16 bits a pixel, of which the values use a part."""

    def made(label: int, seed: int) -> bytes:
        levels = np.asarray(shape(label, seed).convert("L"), np.float64) / 255 * most
        return encoded(Image.fromarray(levels.astype(np.uint16)))

    return made


def floating(label: int, seed: int) -> bytes:
    return encoded(Image.fromarray(np.asarray(shape(label, seed).convert("L"), np.float32) / 255), "TIFF")


def at_the_edge(label: int, seed: int) -> bytes:
    image = Image.new("RGB", (180, 60))
    left = 5 + seed if label == 0 else 115 + seed
    ImageDraw.Draw(image).ellipse([left, 5, left + 45, 50], fill="white")
    return encoded(image)


def cut_in_half(label: int, seed: int) -> bytes:
    content = encoded(shape(label, seed, (400, 400)), "JPEG")
    return content[: len(content) // 2] if seed % 6 == 0 else content


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)

PICTURES: dict[str, Input] = {
    "JPEG": folder(saved("JPEG"), ".jpg"),
    "JPEG, suffix .jfif": folder(saved("JPEG"), ".jfif"),
    "JPEG, suffix .JPG": folder(saved("JPEG"), ".JPG"),
    "JPEG in CMYK": folder(saved("JPEG", "CMYK"), ".jpg"),
    "JPEG turned by its EXIF": folder(turned, ".jpg"),
    "PNG without a suffix": folder(plain, ""),
    "WebP named .jpg": folder(saved("WEBP"), ".jpg"),
    "BMP": folder(saved("BMP"), ".bmp"),
    "BMP named .png": folder(saved("BMP"), ".png"),
    "GIF": folder(saved("GIF"), ".gif"),
    "GIF, animated": folder(animated("GIF"), ".gif"),
    "WebP, animated": folder(animated("WEBP"), ".webp"),
    "PNG, animated": folder(animated("PNG")),
    "TIFF": folder(saved("TIFF"), ".tif"),
    "TIFF of floating-point numbers": folder(floating, ".tif"),
    "AVIF": folder(saved("AVIF"), ".avif"),
    "PGM": folder(saved("PPM", "L"), ".pgm"),
    "JPEG 2000": folder(saved("JPEG2000"), ".jp2"),
    "HEIC of a phone": folder(lambda label, seed: HEIC, ".HEIC"),
    "HEIC named .jpg": folder(lambda label, seed: HEIC, ".jpg"),
    "PNG of 1 bit": folder(saved("PNG", "1")),
    "PNG of 16 bits": folder(deep(60_000)),
    "PNG of 12 bits in 16": folder(deep(4_095)),
    "black ink on transparency": folder(ink_on_clear),
    "a palette with transparency, dark ink": folder(palette_on_clear),
    "masks of 0 and 1": folder(lambda label, seed: encoded(shape(label, seed, ink=(1, 1, 1)).convert("L"))),
    "dark pictures": folder(lambda label, seed: encoded(shape(label, seed, ink=(6, 6, 6)))),
    "little contrast": folder(
        lambda label, seed: encoded(shape(label, seed, ink=(132, 132, 132), ground=(126, 126, 126)))
    ),
    "black on white": folder(lambda label, seed: encoded(shape(label, seed, ink=BLACK, ground=WHITE))),
    "objects at the edge of wide pictures": folder(at_the_edge),
    "one grey level": folder(lambda label, seed: encoded(Image.new("L", (28, 28), 128))),
    "copies of one picture": folder(lambda label, seed: plain(0, 0)),
    "some cut in half": folder(cut_in_half, ".jpg"),
}

# ---- folders and archives --------------------------------------------------------------------------------------------


def with_names(encoding: str, classes: tuple[str, str]) -> Input:
    """A zip whose names are bytes of an encoding that it does not state."""

    def write(path: Path) -> None:
        names = [f"{c}/{i:03}.png".encode(encoding) for c in classes for i in range(EACH)]
        stand_ins = [f"{number:08}".ljust(len(name), "x") for number, name in enumerate(names)]
        zipped({name: plain(number // EACH, number % EACH) for number, name in enumerate(stand_ins)})(path)
        content = path.read_bytes()
        for stand_in, name in zip(stand_ins, names, strict=True):
            content = content.replace(stand_in.encode(), name)
        path.write_bytes(content)

    return write


def packed_by_windows(path: Path) -> None:
    """A zip that says it is packed with Deflate64."""
    zipped(files())(path)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset : at + offset + 2] = struct.pack("<H", 9)
            at = content.find(mark, at + 4)
    path.write_bytes(content)


def tarred(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files().items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def linked(path: Path) -> None:
    """A class that is a folder and a class that is a link to one elsewhere."""
    elsewhere = path.with_name(f"{path.name}, elsewhere")
    for place, label in ((path / "cats", 0), (elsewhere, 1)):
        place.mkdir(parents=True)
        for number in range(EACH):
            (place / f"{number}.png").write_bytes(plain(label, number))
    (path / "dogs").symlink_to(elsewhere)


def in_latin_1(path: Path) -> None:
    """Folders whose names are not UTF-8."""
    for label, name in enumerate((b"K\xe4fer", b"V\xf6gel")):
        place = path / os.fsdecode(name)
        place.mkdir(parents=True)
        for number in range(EACH):
            (place / f"{number}.png").write_bytes(plain(label, number))


HALF = EACH // 2
SETS: dict[str, Input] = {
    "a zip of two folders": zipped(files()),
    "the same below another folder": zipped(files("my set/{c}/{i}.png")),
    "a zip from macOS": zipped(
        files("pets/{c}/{i}.png")
        | {"__MACOSX/pets/cats/._1.png": b"\0\5\x16\7", "pets/.DS_Store": b"Bud1", "pets/cats/Icon\r": b""}
    ),
    "a zip from Windows, with backslashes": zipped(files("pets\\{c}\\{i}.png") | {"pets\\Thumbs.db": b"x"}),
    "hidden folders of Jupyter": zipped(
        files("d/{c}/{i}.png") | {f"d/cats/.ipynb_checkpoints/{i}-checkpoint.png": plain(0, i) for i in range(5)}
    ),
    "thumbnails of a Synology NAS": zipped(
        files("d/{c}/{i}.png") | {f"d/cats/@eaDir/{i}.png/THUMB_M.jpg": plain(0, i) for i in range(5)}
    ),
    "class/images/1.png": zipped(files("tiny/train/{c}/images/{i}.png")),
    "train/class and test/class": zipped(files("d/train/{c}/{i}.png") | files("d/test/{c}/{i}.png", each=HALF)),
    "train and test without classes": zipped(
        {f"{split}/{i}.png": plain(k, i) for k, split in enumerate(("train", "test")) for i in range(EACH)}
    ),
    "a folder of the same name at two sites": zipped(files("{c}/round/{i}.png", ("site1", "site2"))),
    "loose pictures beside folders": zipped(files() | {"cover.png": plain(0, 39)}),
    "pictures in no folder": zipped(files("{c}{i}.png")),
    "a class in two Unicode forms": zipped(
        {f"{unicodedata.normalize('NFC' if i % 2 else 'NFD', 'Käfer')}/{i}.png": plain(0, i) for i in range(2 * EACH)}
    ),
    "names with a colon": zipped(files("{c}/{i}.png", ("12:30 walk", ":smile:"))),
    "names that mean something elsewhere": zipped(files("{c}/{i}.png", ("$x^2$ [a](b)", "=1+1"))),
    "names in UTF-8 that is not stated": with_names("utf-8", ("猫", "狗")),
    "names in GBK": with_names("gbk", ("猫猫", "狗狗")),
    "names in code page 437": with_names("cp437", ("Käfer", "Vögel")),
    "names in code page 866": with_names("cp866", ("кошки", "собаки")),
    "names in Windows-1252": with_names("cp1252", ("Käfer", "Vögel")),
    "folders named in Latin-1": in_latin_1,
    "a class that is a link to a folder elsewhere": linked,
    "a zip packed with bzip2": zipped(files(), zipfile.ZIP_BZIP2),
    "a zip packed with LZMA": zipped(files(), zipfile.ZIP_LZMA),
    "a zip packed with Deflate64": packed_by_windows,
    "a zip cut in half": written(lambda: in_memory(zipped(files()))[:5_000]),
    "a tar": tarred,
    "a picture named .zip": written(lambda: plain(0, 0)),
    "five pictures": zipped(files("{i}.png", ("c",), 5)),
    "300 classes": zipped({f"{number}/1.png": plain(0, number) for number in range(300)}),
}


def in_memory(write: Input) -> bytes:
    """What an input writes, as bytes."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "file"
        write(path)
        return path.read_bytes()


# ---- arrays ----------------------------------------------------------------------------------------------------------

COUNT = 2 * EACH
KINDS = np.arange(COUNT) % 2


@cache
def grey(side: int = 28) -> np.ndarray:
    """uint8 (N, S, S)."""
    return np.stack([np.asarray(shape(i % 2, i, (side, side)).convert("L")) for i in range(COUNT)])


@cache
def colour() -> np.ndarray:
    """uint8 (N, 32, 32, 3)."""
    return np.stack([np.asarray(shape(i % 2, i, (32, 32), ink=(255, 90, 0))) for i in range(COUNT)])


def npz(**arrays: Callable[[], np.ndarray]) -> Input:
    """An npz of arrays."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **{name: array() for name, array in arrays.items()})

    return write


def values(change: Callable[[np.ndarray], np.ndarray]) -> Input:
    """An npz of the grey images, changed."""
    return npz(images=lambda: change(grey()))


def labelled(labels: np.ndarray) -> Input:
    """An npz of the grey images with labels."""
    return npz(images=grey, labels=lambda: labels)


def by_position(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, grey(), KINDS)


def single(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, grey())


def part(array: np.ndarray, start: int, stop: int | None) -> Callable[[], np.ndarray]:
    return lambda: array[start:stop]


CATS = np.array(["cat", "dog"])[KINDS]
CAUSES = np.random.default_rng(0).random((COUNT, 2))


def factored(factors: np.ndarray, names: np.ndarray | None = None) -> Input:
    """An npz of the grey images with factors, and perhaps their names."""
    called = {} if names is None else {"factor_names": lambda: names}
    return npz(images=grey, factors=lambda: factors, **called)


ARRAYS: dict[str, Input] = {
    "images and labels": labelled(KINDS),
    "Keras: x_train, y_train, x_test, y_test": lambda path: npz(
        x_train=part(grey(), 0, 18),
        y_train=part(KINDS, 0, 18),
        x_test=part(grey(), 18, None),
        y_test=part(KINDS, 18, None),
    )(path),
    "MedMNIST: train_images, …": lambda path: npz(
        train_images=part(grey(), 0, 10),
        train_labels=part(KINDS[:, None], 0, 10),
        val_images=part(grey(), 10, 16),
        val_labels=part(KINDS[:, None], 10, 16),
        test_images=part(grey(), 16, None),
        test_labels=part(KINDS[:, None], 16, None),
    )(path),
    "without names: arr_0, arr_1": by_position,
    "X and y": npz(X=grey, y=lambda: KINDS),
    "data and target": npz(data=grey, target=lambda: KINDS),
    "Images and Labels": npz(Images=grey, Labels=lambda: KINDS),
    "one array of any name": npz(faces=grey),
    "two arrays of other names": npz(faces=grey, names=lambda: KINDS),
    "an npy": single,
    "(N, 1, H, W)": values(lambda images: images[:, None]),
    "(N, 3, H, W)": npz(images=lambda: colour().transpose(0, 3, 1, 2)),
    "(N, H, W, 4), transparent": npz(
        images=lambda: np.concatenate([colour() // 9, colour().max(axis=3, keepdims=True)], axis=3)
    ),
    "(N, 784)": values(lambda images: images.reshape(COUNT, -1)),
    "(H, W, N)": values(lambda images: images.transpose(1, 2, 0)),
    "96 × 96": npz(images=partial(grey, 96)),
    "28 × 20": values(lambda images: images[:, :, 4:24]),
    "truth values": values(lambda images: images > 127),
    "bytes of 0 and 1": values(lambda images: (images > 127).astype(np.uint8)),
    "int64 from 0 to 255": values(lambda images: images.astype(np.int64)),
    "uint16 up to 65,535": values(lambda images: images.astype(np.uint16) * 257),
    "uint16 up to 4,095": values(lambda images: images.astype(np.uint16) * 16),
    "floats from 0 to 1.0000001": values(lambda images: images / 255 * 1.0000001),
    "floats from 0 to 255": values(lambda images: images.astype(np.float32)),
    "floats from −1 to 1": values(lambda images: images / 127.5 - 1),
    "standardised floats": values(lambda images: (images - images.mean()) / images.std()),
    "NaN": values(lambda images: np.where(images > 127, np.nan, 0.0)),
    "labels one-hot": labelled(np.eye(2)[KINDS]),
    "labels (N, 1)": labelled(KINDS[:, None]),
    "labels as floats": labelled(KINDS.astype(float)),
    "labels as text": labelled(CATS),
    "labels as bytes": labelled(CATS.astype("S")),
    "labels as Python objects": labelled(CATS.astype(object)),
    "labels of NaN": labelled(np.where(KINDS == 1, np.nan, 0.0)),
    "factors with names": factored(CAUSES, np.array(["light", "place"])),
    "factors without names": factored(CAUSES),
    "one factor (N,)": factored(CAUSES[:, 0]),
    "factors of NaN": factored(np.where(CAUSES > 0.9, np.nan, CAUSES), np.array(["light", "place"])),
    "a factor that never changes": factored(np.ones((COUNT, 1)), np.array(["light"])),
    "more factors than images": factored(np.ones((COUNT, COUNT + 1))),
    "factors of too few images": factored(CAUSES[1:]),
    "factors as text": factored(np.full((COUNT, 2), "dark")),
    "one name for two factors": factored(CAUSES, np.array(["light"])),
    "two factors of one name": factored(CAUSES, np.array(["light", "light"])),
    "names of factors that are missing": npz(images=grey, factor_names=lambda: np.array(["light"])),
    "labels and factors": npz(images=grey, labels=lambda: KINDS, factors=lambda: CAUSES),
    "an npz named .zip": labelled(KINDS),
    "a gzipped pickle": written(lambda: gzip.compress(pickle.dumps(grey()), mtime=0)),
}

INPUTS = {"Pictures, two folders of them": PICTURES, "Folders and archives": SETS, "Arrays, in an npz": ARRAYS}
SUFFIXES = {
    "a tar": ".tar", "an npy": ".npy", "a gzipped pickle": ".pkl.gz", "folders named in Latin-1": "",
    "a class that is a link to a folder elsewhere": "", "an npz named .zip": ".zip",
}  # fmt: skip
KIND_SUFFIX = {"Pictures, two folders of them": "", "Folders and archives": ".zip", "Arrays, in an npz": ".npz"}


def outcome(group: str, name: str, place: Path) -> str:
    """What becomes of an input, in words.

    Args:
        group, name: of `INPUTS`.
        place: an empty folder to write it to.
    """
    path = place / f"set{SUFFIXES.get(name, KIND_SUFFIX[group])}"
    INPUTS[group][name](path)
    try:
        read = read_path(path)
    except UnusableImages as error:
        return f"Refused: {error}"
    count, channels, height, width = read.images.shape
    kind = "grey" if channels == 1 else "colour"
    said = [f"{count} {kind} images of {height} × {width}: {counted(read.class_counts())}."]
    if read.left_out_count:
        said.append(f"Left out, {read.left_out_count}: {read.left_out[0][0]} {read.left_out[0][1]}")
    return " ".join([*said, *read.notes])


def table() -> str:
    """The whole of ``docs/inputs.md``."""
    lines = [
        "# What becomes of an input",
        "",
        "Small inputs of our own making, after public bug reports, as `train --images` reads them without further",
        "options (`tests/support/inputs.py`). Made by `python -m tests.support.inputs`; a test holds every line.",
    ]
    for group, inputs in INPUTS.items():
        lines += ["", f"## {group}", "", "| input | outcome |", "|---|---|"]
        for name in inputs:
            with tempfile.TemporaryDirectory() as place:
                lines.append(f"| {escaped(name)} | {escaped(outcome(group, name, Path(place)))} |")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text as a cell of a table in markdown."""
    for mark in "\\|$[]*_<>`":
        text = text.replace(mark, f"\\{mark}")
    return text


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(TABLE, file=sys.stderr)
