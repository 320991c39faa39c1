"""Read a user's own images, from a folder, a zip, several files or an npz, and list what was skipped and why.

Files are read in memory only: nothing is unpacked to a disk, no name from an archive is used as a path, and the sizes
that an archive declares are checked before and enforced while it is read.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from vae_core.datasets.arrays import NO_FOLDER, read_npz
from vae_core.datasets.limits import (
    FEWEST_IMAGES,
    LISTED,
    MOST_BYTES,
    MOST_CLASSES,
    MOST_ENTRIES,
    MOST_IMAGES,
    MOST_UNPACKED,
    SIZES,
)
from vae_core.datasets.pictures import COLOURS, SUFFIXES, all_grey, decode, to_grey
from vae_core.errors import UnusableImages

_ENTRY = b"PK\x01\x02"  # signature of an entry in a zip's directory
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class OwnImages:
    """A set that was read.

    Attributes:
        title: what it was read from, to display.
        images: uint8 (N, C, H, W).
        labels: int64 (N,), indices into `label_names`.
        label_names: class names: the pictures' folders.
        left_out: (name, reason) of skipped files, at most `LISTED` of them.
        left_out_count: the number of skipped files.
    """

    title: str
    images: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    left_out_count: int = 0


Entry = tuple[str, str, bytes | str]  # name to display, class, content or the reason why it cannot be read


def read_path(path: Path, *, size: int = 28, colour: str = "auto") -> OwnImages:
    """Read a folder, a zip, an npz or a single picture.

    Args:
        path: of the folder or file.
        size: side length, one of `SIZES`; an npz keeps its own, which must be one of them.
        colour: ``grey``, ``colour``, or ``auto``: grey if all pictures are.

    Raises:
        UnusableImages: with a message for the user.
    """
    _check(size, colour)
    try:
        if path.is_dir():
            return _gathered(path.name or str(path), _of_folder(path), size, colour)
        return read_file(path.name, _content(path), size=size, colour=colour)
    except FileNotFoundError as error:
        raise UnusableImages(
            f"there is no {path}; name a folder or a zip of pictures, a picture, or an npz that is there."
        ) from error
    except OSError as error:
        raise UnusableImages(
            f"{error.filename or path} cannot be read ({error.strerror or error}); name pictures that you may read."
        ) from error


def read_file(name: str, content: bytes, *, size: int = 28, colour: str = "auto") -> OwnImages:
    """Read one uploaded file; a zip is recognised by its content. Arguments and errors as of `read_path`."""
    _check(size, colour)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        if name.lower().endswith((".npz", *_ARCHIVES)):
            raise UnusableImages(f"{name} is not a zip archive, or is damaged; send a .zip, an .npz or pictures.")
        return read_files([(name, content)], size=size, colour=colour)
    # Counted before zipfile creates an object for each, of about a kilobyte.
    if (count := content.count(_ENTRY)) > MOST_ENTRIES:
        raise UnusableImages(f"{name} holds {count:,} files; at most {MOST_ENTRIES:,} can be looked at.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if name.lower().endswith(".npz"):
                return OwnImages(name, *read_npz(name, archive))
            return _gathered(name, _of_zip(archive), size, colour)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise UnusableImages(f"{name} is damaged: it cannot be read as a zip archive.") from error


def read_files(files: Iterable[tuple[str, bytes]], *, size: int = 28, colour: str = "auto") -> OwnImages:
    """Read several pictures, (name, content) each; folders in the names are the classes. Otherwise as `read_path`."""
    _check(size, colour)
    entries = [(name, _class_of(PurePosixPath(name.replace("\\", "/"))), content) for name, content in sorted(files)]
    return _gathered("own pictures", iter(entries), size, colour)


def _check(size: int, colour: str) -> None:
    if colour not in COLOURS:
        raise UnusableImages(f"colour must be one of {', '.join(COLOURS)}, not {colour[:40]!r}.")
    if size not in SIZES:
        raise UnusableImages(f"images can be made {', '.join(map(str, SIZES))} pixels wide and high, not {size}.")


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a device or a pipe may never end
        raise UnusableImages(f"{path} is neither a folder nor a file; name a folder or a zip of pictures.")
    if path.stat().st_size > MOST_UNPACKED:
        raise UnusableImages(f"{path.name} has {path.stat().st_size / 1e9:.1f} GB; at most 2 can be read.")
    return path.read_bytes()


# ---- where pictures come from ----------------------------------------------------------------------------------------


def _of_folder(folder: Path) -> Iterator[Entry]:
    """Pictures below a folder, sorted by name; links that lead out of it are not followed.

    Raises:
        OSError: the folder, or one in it, cannot be read.
    """
    found: list[str] = []
    for parent, _, names in os.walk(folder, onerror=_raised):
        found += [(Path(parent) / name).relative_to(folder).as_posix() for name in names if not name.startswith(".")]
        if len(found) > MOST_ENTRIES:
            raise UnusableImages(f"{folder.name} holds more than {MOST_ENTRIES:,} files; choose a smaller folder.")
    inside = folder.resolve()
    for name in sorted(found):
        yield name, _class_of(PurePosixPath(name)), _file_content(folder / name, inside)


def _raised(error: OSError) -> None:
    raise error


def _file_content(file: Path, inside: Path) -> bytes | str:
    if file.suffix.lower() not in SUFFIXES:
        return _no_picture(file.name)
    try:
        if file.is_symlink() and not file.resolve().is_relative_to(inside):
            return "is a link that leads out of the folder."
        if file.exists() and not file.is_file():
            return "is not a file."
        return "is larger than a picture may be." if file.stat().st_size > MOST_BYTES else file.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror or error})."


def _of_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if entries and all(entry.flag_bits & 1 for entry in entries):
        raise UnusableImages("the archive is encrypted; send one without a password.")
    for entry in sorted(entries, key=lambda entry: entry.filename):
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.name.startswith(".") or "__MACOSX" in name.parts:
            continue
        yield entry.filename, _class_of(name), _entry_content(archive, entry, name)


def _entry_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: PurePosixPath) -> bytes | str:
    if ".." in name.parts or name.is_absolute() or ":" in name.parts[0]:
        return "has a name that leads out of the archive."
    if entry.flag_bits & 1:
        return "is encrypted."
    if name.suffix.lower() not in SUFFIXES:
        return _no_picture(name.name)
    if entry.file_size > MOST_BYTES:
        return f"unpacks to {entry.file_size / 1e6:,.0f} MB, more than a picture may have."
    try:
        with archive.open(entry) as file:
            content = file.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError):
        return "is damaged within the archive."
    return content if len(content) <= MOST_BYTES else "unpacks to more than it says."


def _no_picture(name: str) -> str:
    if name.lower().endswith(_ARCHIVES):
        return "is an archive within an archive; pack the pictures themselves."
    return "is not a PNG, JPEG or WebP picture."


def _class_of(name: PurePosixPath) -> str:
    """The name of the folder that a picture is in."""
    return name.parent.name or NO_FOLDER


# ---- putting them together -------------------------------------------------------------------------------------------


def _gathered(title: str, entries: Iterator[Entry], size: int, colour: str) -> OwnImages:
    images: list[np.ndarray] = []
    classes: list[str] = []
    left_out: list[tuple[str, str]] = []
    refused = unpacked = 0
    for name, label, content in entries:
        try:
            if isinstance(content, str):
                raise UnusableImages(content)
            unpacked += len(content)
            if unpacked > MOST_UNPACKED:
                raise UnusableImages(f"{title} unpacks to more than {MOST_UNPACKED / 1e9:.0f} GB.", whole=True)
            picture = decode(content, size)
        except UnusableImages as error:
            if error.whole:
                raise
            refused += 1
            if len(left_out) < LISTED:
                left_out.append((name[-120:], str(error)))
            continue
        images.append(picture)
        classes.append(label)
        if len(images) > MOST_IMAGES:
            raise UnusableImages(f"{title} holds more than {MOST_IMAGES:,} pictures; choose some of them.")
    if len(images) < FEWEST_IMAGES:
        raise UnusableImages(_too_few(title, len(images), left_out))
    names = tuple(sorted(set(classes)))
    if len(names) > MOST_CLASSES:
        raise UnusableImages(
            f"{title} has {len(names):,} folders of pictures; at most {MOST_CLASSES:,} can be classes."
        )
    stacked = np.stack(images)
    grey = colour == "grey" or (colour == "auto" and all_grey(stacked))
    labels = np.array([names.index(label) for label in classes], dtype=np.int64)
    return OwnImages(title, to_grey(stacked) if grey else stacked, labels, names, tuple(left_out), refused)


def _too_few(title: str, count: int, left_out: list[tuple[str, str]]) -> str:
    found = {0: "no pictures that can be used", 1: "one picture"}.get(count, f"{count} pictures")
    first = f" The first that was left out: {left_out[0][0]} {left_out[0][1]}" if left_out else ""
    return f"{title} holds {found}; at least {FEWEST_IMAGES} are needed.{first}"
