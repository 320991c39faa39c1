"""Read a user's own images from an npz file, without pickle and without trusting the sizes that it declares."""

from __future__ import annotations

import zipfile

import numpy as np

from vae_core.datasets.limits import FEWEST_IMAGES, MOST_ARRAY, MOST_CLASSES, MOST_IMAGES, SIZES
from vae_core.errors import UnusableImages

NO_FOLDER = "images"  # the class of images without a folder


def read_npz(title: str, archive: zipfile.ZipFile) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """``images`` (N, H, W), (N, H, W, 1) or (N, H, W, 3), uint8 or floats in [0, 1], and perhaps ``labels`` (N,).

    Args:
        title: the file's name, for error messages.
        archive: the npz, opened as a zip file.

    Returns:
        images uint8 (N, C, H, W), labels int64 (N,), and class names.

    Raises:
        UnusableImages: with a message for the user.
    """
    arrays = {
        name: _array(title, archive, name) for name in ("images", "labels") if f"{name}.npy" in archive.namelist()
    }
    if "images" not in arrays:
        raise UnusableImages(f"{title} has no array named images; save it with numpy.savez(file, images=…).")
    images = _pixels(title, arrays["images"])
    if not FEWEST_IMAGES <= len(images) <= MOST_IMAGES:
        raise UnusableImages(f"{title} holds {len(images):,} images; {FEWEST_IMAGES} to {MOST_IMAGES:,} can be used.")
    labels, names = _labels(title, arrays.get("labels"), len(images))
    return images, labels, names


def _array(title: str, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        try:
            version = np.lib.format.read_magic(file)
            reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, kind = reader(file)
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
    if len(content) != size:
        raise UnusableImages(f"{title}: {name} does not have as many numbers as its shape {shape} says.")
    return np.frombuffer(content, dtype=kind).reshape(shape, order="F" if fortran else "C")


def _pixels(title: str, images: np.ndarray) -> np.ndarray:
    """uint8 (N, C, H, W)."""
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise UnusableImages(
            f"{title}: images must have the shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), not {images.shape}."
        )
    if images.shape[1] not in SIZES or images.shape[2] != images.shape[1]:
        allowed = ", ".join(f"{size} × {size}" for size in SIZES)
        raise UnusableImages(
            f"{title}: images may be {allowed} pixels large, not {images.shape[1]} × {images.shape[2]}."
        )
    if images.dtype.kind == "f":
        if not (np.isfinite(images.min(initial=0)) and np.isfinite(images.max(initial=0))):  # min, max keep NaN
            raise UnusableImages(f"{title}: images hold values that are not finite numbers.")
        if len(images) and (images.min() < 0 or images.max() > 1):
            raise UnusableImages(
                f"{title}: images of floating-point numbers must lie in [0, 1], not {images.min():g} to "
                f"{images.max():g}."
            )
        levels = np.empty(images.shape, np.uint8)
        for image, level in zip(images, levels, strict=True):  # one at a time: all at once would take twice the memory
            level[...] = np.rint(image * 255)
        images = levels
    elif images.dtype != np.uint8:
        raise UnusableImages(f"{title}: images must be uint8, or floating-point numbers in [0, 1], not {images.dtype}.")
    return np.ascontiguousarray(images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2))


def _labels(title: str, labels: np.ndarray | None, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    if labels is None:
        return np.zeros(count, dtype=np.int64), (NO_FOLDER,)
    if labels.shape != (count,) or labels.dtype.kind not in "iuU":
        raise UnusableImages(f"{title}: labels must be {count:,} integers or names, not {labels.dtype} {labels.shape}.")
    names, indices = np.unique(labels, return_inverse=True)
    if len(names) > MOST_CLASSES:
        raise UnusableImages(f"{title}: labels name {len(names):,} classes; at most {MOST_CLASSES:,} are supported.")
    return indices.astype(np.int64), tuple(str(name)[:60] for name in names)
