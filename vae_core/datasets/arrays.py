"""Read a user's own images from an npz file, without pickle and without trusting the sizes that it declares."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO, NamedTuple

import numpy as np

from vae_core.datasets.causes import read_factors
from vae_core.datasets.classes import NO_FOLDER
from vae_core.datasets.images import Factor
from vae_core.datasets.limits import FEWEST_IMAGES, MOST_ARRAY, MOST_CLASSES, MOST_IMAGES, SIZES
from vae_core.datasets.names import cleaned
from vae_core.datasets.pictures import Decoded, Preparation, on_background, resized, to_grey
from vae_core.errors import UnusableImages

NPY = b"\x93NUMPY"  # the first bytes of an array's file
# What people call their arrays: pairs of images and labels, tried in this order.
_PAIRS = (("images", "labels"), ("image", "label"), ("data", "target"), ("x", "y"), ("arr_0", "arr_1"))
# Sets that come in parts, which are read one after another: Keras' names and MedMNIST's.
_PARTED = (
    (("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test")),
    (("train_images", "train_labels"), ("val_images", "val_labels"), ("test_images", "test_labels")),
)
_HALF_A_LEVEL = 0.5 / 255  # by which rounding may leave [0, 1]
_LISTED = 8  # arrays that an error message names


class Arrays:
    """The arrays of an npz file, or of a single npy; each is read when it is asked for.

    Args:
        title: the file's name, for error messages.
        archive: the npz, opened as a zip file; or the content of an npy.
    """

    def __init__(self, title: str, archive: zipfile.ZipFile | bytes) -> None:
        self.title = title
        self._archive = archive
        stored = ["arr_0.npy"] if isinstance(archive, bytes) else archive.namelist()
        self._files = {name.removesuffix(".npy").lower(): name for name in stored if name.endswith(".npy")}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __len__(self) -> int:
        return len(self._files)

    @property
    def only(self) -> str:
        """The name of the first array."""
        return next(iter(self._files), "")

    def _open(self, name: str) -> BinaryIO:
        if isinstance(self._archive, bytes):
            return io.BytesIO(self._archive)
        return self._archive.open(self._files[name])  # type: ignore[return-value]  # it reads bytes

    def described(self) -> str:
        """Names, types and shapes, for an error message; nothing but the heads is read."""
        found = []
        for name in list(self._files)[:_LISTED]:
            with self._open(name) as file:
                try:
                    shape, _, kind = _header(file)
                    found.append(f"{cleaned(name)[:40]} {kind} {shape}")
                except (ValueError, TypeError, SyntaxError, EOFError):
                    found.append(f"{cleaned(name)[:40]}, which is no array")
        more = len(self._files) - len(found)
        return "; ".join(found) + (f"; and {more} more" if more else "")

    def read(self, name: str) -> np.ndarray:
        """One array.

        Raises:
            UnusableImages: it holds objects, or is larger or smaller than allowed or declared.
        """
        title = self.title
        with self._open(name) as file:
            try:
                shape, fortran, kind = _header(file)
                if kind.hasobject:
                    raise UnusableImages(f"{title}: {name} holds Python objects; save plain numbers.")
                if min(shape, default=0) < 0:  # numpy accepts it, and read() of a negative size reads to the end
                    raise UnusableImages(f"{title}: {name} claims the shape {shape}, which no array has.")
                size = kind.itemsize * int(np.prod([int(extent) for extent in shape], dtype=object))
                if size > MOST_ARRAY:
                    raise UnusableImages(f"{title}: {name} claims {size / 1e9:,.1f} GB; at most 1 can be read.")
                content = file.read(size + 1)
            except (ValueError, TypeError, SyntaxError, EOFError) as error:
                raise UnusableImages(f"{title}: {name} is not an array that numpy can read without pickle.") from error
        if len(content) != size or kind.itemsize == 0:
            raise UnusableImages(f"{title}: {name} does not have as many numbers as its shape {shape} says.")
        flat = np.frombuffer(content, dtype=kind) if size else np.zeros(0, kind)
        return flat.reshape(shape, order="F" if fortran else "C")


class ReadArrays(NamedTuple):
    """What was read.

    Attributes:
        images: uint8 (N, C, H, W).
        labels: int64 (N,).
        label_names: class names.
        notes: what the user should know, in sentences.
        factors: known factors, if there are any.
        factor_values: float32 (N, F) of these.
    """

    images: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    notes: tuple[str, ...]
    factors: tuple[Factor, ...] = ()
    factor_values: np.ndarray | None = None


def read_arrays(arrays: Arrays, prepared: Preparation) -> ReadArrays:
    """Images and perhaps labels, whatever they are called where that is unambiguous; or images and their factors.

    Images have the shape (N, H, W), (N, H, W, C), (N, C, H, W) with 1 or 3 channels, (N, H, W, 4) with transparency,
    or (N, H·H); they are bytes, whole numbers up to 255 or 65,535, truth values, or floats in [0, 1] or [-1, 1].
    Labels are whole numbers, names, or one-hot. Images whose sides are all 28, 32 or 64 keep their size. Factors are
    called ``factors``, and their names ``factor_names``, see `causes.read_factors`; a set has labels or factors.

    Raises:
        UnusableImages: with a message for the user; where nothing is unambiguous, it lists the arrays.
    """
    title = arrays.title
    notes: list[str] = []
    pairs = _chosen(arrays)
    if len(pairs) > 1:
        notes.append(f"{len(pairs)} parts are read together: a tenth of all images is held out anew.")
    parts = [arrays.read(images) for images, _ in pairs]
    given = [arrays.read(labels) for _, labels in pairs if labels in arrays]
    if len(parts) > 1 and ({part.shape[1:] for part in parts} != {parts[0].shape[1:]} or len(given) % len(parts)):
        raise UnusableImages(f"{title}: its parts do not fit together: {arrays.described()}.")
    if parts[0].ndim < 2:
        raise UnusableImages(
            f"{title}: images must have the shape (N, H, W), not {parts[0].shape}; it holds {arrays.described()}."
        )
    count = sum(map(len, parts))
    if not FEWEST_IMAGES <= count <= MOST_IMAGES:
        raise UnusableImages(f"{title} holds {count:,} images; {FEWEST_IMAGES} to {MOST_IMAGES:,} can be used.")
    images = _pixels(title, np.concatenate(parts) if len(parts) > 1 else parts[0], prepared, notes)
    labels, names = _labels(title, [_flat_labels(title, each, len(p)) for each, p in zip(given, parts, strict=False)])
    if labels is None:
        labels = np.zeros(count, dtype=np.int64)
    elif len(labels) != count:
        raise UnusableImages(f"{title}: there are {len(labels):,} labels for {count:,} images.")
    factors, values = _factors(arrays, count, bool(given))
    if factors:
        notes.append(f"Known factors: {', '.join(factor.name for factor in factors)}.")
    return ReadArrays(images, labels, names, tuple(notes), factors, values)


def _factors(arrays: Arrays, count: int, labelled: bool) -> tuple[tuple[Factor, ...], np.ndarray | None]:
    if "factors" not in arrays:
        if "factor_names" in arrays:
            raise UnusableImages(f"{arrays.title} has factor_names without factors; add an array factors (N, F).")
        return (), None
    if labelled:
        raise UnusableImages(
            f"{arrays.title} has both labels and factors; leave out one of them, as a set has classes or known factors."
        )
    names = arrays.read("factor_names") if "factor_names" in arrays else None
    return read_factors(arrays.title, arrays.read("factors"), names, count)


def _chosen(arrays: Arrays) -> list[tuple[str, str]]:
    """Names of images and labels, a pair for each part."""
    for images, labels in _PAIRS:
        if images in arrays:
            return [(images, labels)]
    for parted in _PARTED:
        if parted[0][0] in arrays:
            return [pair for pair in parted if pair[0] in arrays]
    if len(arrays) == 1:
        return [(arrays.only, "")]
    raise UnusableImages(
        f"{arrays.title} has no array named images; save it with numpy.savez(file, images=…, labels=…). "
        f"It holds {arrays.described() or 'no array'}."
    )


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return reader(file)


def _pixels(title: str, images: np.ndarray, prepared: Preparation, notes: list[str]) -> np.ndarray:
    """uint8 (N, C, S, S)."""
    images = _channels_first(title, images)
    channels, height, width = images.shape[1:]
    levels = _levels(title, images, prepared, notes)
    if channels == 4:
        levels = _opaque(levels)
    if height == width and height in SIZES:
        if prepared.size not in (None, height):
            notes.append(f"The arrays keep their size of {height} × {width} pixels.")
    else:
        levels = resized(levels, prepared)
        if prepared.fit == "crop" and height != width:
            notes.append(f"Of {height} × {width} pixels, the middle square is used.")
    if prepared.colour == "grey" and levels.shape[1] == 3:
        levels = to_grey(levels)
    if prepared.colour == "colour" and levels.shape[1] == 1:
        levels = np.repeat(levels, 3, axis=1)
    return np.ascontiguousarray(prepared.toned(levels))


def _channels_first(title: str, images: np.ndarray) -> np.ndarray:
    """(N, C, H, W), whatever the order was."""
    shape = images.shape
    if images.ndim == 2 and (side := round(shape[1] ** 0.5)) ** 2 == shape[1] and side > 2:
        return images.reshape(len(images), 1, side, side)
    if images.ndim == 3 and not shape[0] == shape[1] != shape[2]:  # which would rather be (H, W, N)
        return images[:, None]
    if images.ndim == 4 and shape[3] in (1, 3, 4) and shape[1] not in (1, 3):
        return images.transpose(0, 3, 1, 2)
    if images.ndim == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        return images
    raise UnusableImages(
        f"{title}: images must have the shape (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels, not "
        f"{shape}."
    )


def _levels(title: str, images: np.ndarray, prepared: Preparation, notes: list[str]) -> np.ndarray:
    """uint8, 0 black and 255 white."""
    if images.dtype == np.uint8:
        return images
    if images.dtype == bool:
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind not in "fiu" or not images.size:
        raise UnusableImages(f"{title}: images must be numbers, not {images.dtype} {images.shape}.")
    low, high = images.min(), images.max()
    if not (np.isfinite(low) and np.isfinite(high)):  # min, max keep NaN
        raise UnusableImages(f"{title}: images hold values that are not finite numbers.")
    black, white = _range(title, images, float(low), float(high), prepared, notes)
    levels = np.empty(images.shape, np.uint8)
    for image, level in zip(images, levels, strict=True):  # one at a time: all at once would take twice the memory
        values = image if (black, white) == (0.0, 1.0) else (image - black) / (white - black)
        level[...] = np.rint(np.clip(values, 0, 1) * 255)
    return levels


def _range(
    title: str, images: np.ndarray, low: float, high: float, prepared: Preparation, notes: list[str]
) -> tuple[float, float]:
    """Which values are black and white."""
    if prepared.stretch:
        return low, high if high > low else low + 1
    floating = images.dtype.kind == "f"
    if floating and low >= -_HALF_A_LEVEL and high <= 1 + _HALF_A_LEVEL:
        return 0.0, 1.0
    if floating and -1 - _HALF_A_LEVEL <= low < 0 and high <= 1 + _HALF_A_LEVEL:
        notes.append("Values from −1 to 1 are read as black to white.")
        return -1.0, 1.0
    if low >= 0 and high <= 255 and (not floating or all(np.array_equal(image, np.rint(image)) for image in images)):
        return 0.0, 255.0
    if images.dtype == np.uint16 or (not floating and low >= 0 and high <= 65_535):
        notes.append("Values up to 65,535 are read as black to white.")
        return 0.0, 65_535.0
    raise UnusableImages(
        f"{title}: images go from {low:.6g} to {high:.6g}; save bytes or numbers from 0 to 1, or have them stretched "
        "to black and white."
    )


def _opaque(levels: np.ndarray) -> np.ndarray:
    """RGBA (N, 4, H, W) on one background: (N, 3, H, W)."""
    pictures = []
    for image in levels:
        weights = image[3].astype(np.float32) / 255
        grey = image[:3].mean(axis=0)
        ink = float((grey * weights).sum() / weights.sum()) if weights.any() else 255.0
        opacity = image[3] if weights.min() < 1 else None
        pictures.append(Decoded(np.rint(image[:3] * weights).astype(np.uint8), opacity, ink))
    return on_background(pictures)


def _flat_labels(title: str, labels: np.ndarray, count: int) -> np.ndarray:
    """(N,), of whole numbers or names."""
    refused = UnusableImages(f"{title}: labels must be {count:,} integers or names, not {labels.dtype} {labels.shape}.")
    if labels.shape == (count, 1):
        labels = labels[:, 0]
    elif labels.ndim == 2 and len(labels) == count and labels.dtype.kind in "fiub":
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise refused
        return labels.argmax(axis=1)
    if labels.shape != (count,):
        raise refused
    if labels.dtype.kind == "S":
        return np.array([cleaned(label.decode("utf-8", "surrogateescape")) for label in labels.tolist()])
    if labels.dtype.kind == "U":
        return np.array([cleaned(label) for label in labels.tolist()])
    if labels.dtype.kind == "b":
        return labels.astype(np.int64)
    if labels.dtype.kind == "f":
        if not np.array_equal(labels, np.rint(labels)) or np.abs(labels).max(initial=0) > 2**53:
            raise refused
        return labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise refused
    return labels


def _labels(title: str, parts: list[np.ndarray]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if not parts:
        return None, (NO_FOLDER,)
    names, indices = np.unique(np.concatenate(parts), return_inverse=True)
    if len(names) > MOST_CLASSES:
        raise UnusableImages(f"{title}: labels name {len(names):,} classes; at most {MOST_CLASSES:,} are supported.")
    return indices.astype(np.int64), tuple(str(name)[:60] for name in names)
