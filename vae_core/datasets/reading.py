"""Read a user's own images, from a folder, a zip, several files or arrays, and list what was skipped and why.

What a file is shows in its content, not in its name. Files are read in memory only: nothing is unpacked to a disk, no
name from an archive is used as a path, and the sizes that an archive declares are checked before and enforced while it
is read.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from vae_core.datasets.arrays import NPY, Arrays, read_arrays
from vae_core.datasets.classes import classes_of
from vae_core.datasets.doubts import doubts
from vae_core.datasets.images import Factor
from vae_core.datasets.limits import (
    FEWEST_IMAGES,
    LISTED,
    MOST_BYTES,
    MOST_CLASSES,
    MOST_ENTRIES,
    MOST_IMAGES,
    MOST_UNPACKED,
)
from vae_core.datasets.names import as_path, cleaned, is_system, names_in
from vae_core.datasets.pictures import (
    HEAD,
    Decoded,
    Preparation,
    all_grey,
    kind_of,
    layers,
    on_background,
    to_grey,
)
from vae_core.errors import UnusableImages

_ENTRY = b"PK\x01\x02"  # signature of an entry in a zip's directory
_DRIVE = re.compile(r"[A-Za-z]:")
_UNPACKED_HERE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_METHODS = {9: "Deflate64, as Windows does beyond 2 GB", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_OTHER_ARCHIVES = (
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive"),
    (b"Rar!\x1a\x07", 0, "a rar archive"),
    (b"\x1f\x8b", 0, "packed with gzip"),
    (b"BZh", 0, "packed with bzip2"),
    (b"\xfd7zXZ\0", 0, "packed with xz"),
    (b"ustar", 257, "a tar archive"),
)
AS_USUAL = Preparation()  # nothing but cut and scaled
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)


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
        notes: what the user should know about how it was read, or doubt, in sentences.
        factors: known factors, which only arrays have.
        factor_values: float32 (N, F) of these; None if there are none.
    """

    title: str
    images: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    left_out_count: int = 0
    notes: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    factor_values: np.ndarray | None = None

    def class_counts(self) -> list[tuple[str, int]]:
        """Each class and how many images it has."""
        counts = np.bincount(self.labels, minlength=len(self.label_names))
        return [(name, int(count)) for name, count in zip(self.label_names, counts, strict=True)]


@dataclass(frozen=True)
class Entry:
    """A file that may be a picture.

    Attributes:
        name: its path, cleaned.
        content: its bytes, or the reason why it cannot be read.
    """

    name: PurePosixPath
    content: bytes | str


def read_path(path: Path, prepared: Preparation = AS_USUAL) -> OwnImages:
    """Read a folder, a zip, arrays or a single picture.

    Args:
        path: of the folder or file.
        prepared: how pictures become images of one size.

    Raises:
        UnusableImages: with a message for the user.
    """
    title = cleaned(path.name or str(path))
    try:
        if path.is_dir():
            return _gathered(title, _of_folder(path), prepared)
        return _of_file(title, _content(path), prepared)
    except FileNotFoundError as error:
        raise UnusableImages(
            f"there is no {cleaned(str(path))}; name a folder or a zip of pictures, a picture, or an npz that is there."
        ) from error
    except OSError as error:
        raise UnusableImages(
            f"{cleaned(str(error.filename or path))} cannot be read ({error.strerror or error}); name pictures that "
            "you may read."
        ) from error


def read_file(name: str, content: bytes, prepared: Preparation = AS_USUAL) -> OwnImages:
    """Read one uploaded file, of any kind. Arguments and errors as of `read_path`."""
    return _of_file(cleaned(name), content, prepared)


def read_files(files: Iterable[tuple[str, bytes]], prepared: Preparation = AS_USUAL) -> OwnImages:
    """Read several pictures, (name, content) each; folders in the names are the classes. Otherwise as `read_path`."""
    entries = sorted((Entry(as_path(name), content) for name, content in files), key=_by_name)
    return _gathered("own pictures", iter(entries), prepared)


def _of_file(name: str, content: bytes, prepared: Preparation) -> OwnImages:
    if content.startswith(NPY):
        return _of_arrays(Arrays(name, content), prepared)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        if kind_of(content[:HEAD]) is None:
            return read_files([(name, content)], prepared)
        raise UnusableImages(_no_archive(name, content))
    # Counted before zipfile creates an object for each, of about a kilobyte.
    if (count := content.count(_ENTRY)) > MOST_ENTRIES:
        raise UnusableImages(f"{name} holds {count:,} files; at most {MOST_ENTRIES:,} can be looked at.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry for entry in archive.namelist() if not entry.endswith("/")]
            if names and all(entry.endswith(".npy") for entry in names):
                return _of_arrays(Arrays(name, archive), prepared)
            if name.lower().endswith(".npz"):
                raise UnusableImages(
                    f"{name} holds files that are no arrays; save it with numpy.savez(file, images=…)."
                )
            return _gathered(name, _of_zip(archive), prepared)
    except NotImplementedError as error:
        raise UnusableImages(f"{name} uses a feature of zip archives that cannot be read here ({error}).") from error
    except (*_BROKEN, ValueError) as error:
        if isinstance(error, UnusableImages):
            raise
        raise UnusableImages(f"{name} is damaged: it cannot be read as a zip archive.") from error


def _of_arrays(arrays: Arrays, prepared: Preparation) -> OwnImages:
    read = read_arrays(arrays, prepared)
    notes = (*read.notes, *doubts(read.images))
    return OwnImages(
        arrays.title,
        read.images,
        read.labels,
        read.label_names,
        notes=notes,
        factors=read.factors,
        factor_values=read.factor_values,
    )


def _no_archive(name: str, content: bytes) -> str:
    """Why a file is neither a picture nor an archive that can be read."""
    for mark, offset, what in _OTHER_ARCHIVES:
        if content[offset : offset + len(mark)] == mark:
            return f"{name} is {what}; send a .zip, an .npz or pictures."
    if content.startswith(b"PK\x03\x04"):
        return f"{name} is a zip archive that is damaged or ends too early; send it again."
    if name.lower().endswith((".zip", ".npz")):
        return f"{name} is not a zip archive, or is damaged; send a .zip, an .npz or pictures."
    return f"{name} {kind_of(content[:HEAD])}"


def _by_name(entry: Entry) -> str:
    return str(entry.name)


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a device or a pipe may never end
        raise UnusableImages(f"{path} is neither a folder nor a file; name a folder or a zip of pictures.")
    if path.stat().st_size > MOST_UNPACKED:
        raise UnusableImages(f"{path.name} has {path.stat().st_size / 1e9:.1f} GB; at most 2 can be read.")
    return path.read_bytes()


# ---- where pictures come from ----------------------------------------------------------------------------------------


def _of_folder(folder: Path) -> Iterator[Entry]:
    """Files below a folder, sorted by name. Links to folders are followed, each folder once; a link to a single file
    must lead into one of them.

    A link to a folder that is read in its own place, or that holds one of those, is left out.

    Raises:
        OSError: the folder, or one in it, cannot be read.
    """
    found: list[tuple[PurePosixPath, Path]] = []
    seen = _folders_in(folder)
    for parent, folders, names in os.walk(folder, onerror=_raised, followlinks=True):
        for name in sorted(folders):
            below = Path(parent) / name
            if is_system(_within(below / "x", folder)):
                folders.remove(name)
            elif below.is_symlink():
                target = below.resolve()
                if any(one.is_relative_to(target) for one in seen):
                    folders.remove(name)
                    yield Entry(_within(below, folder), "is a link to a folder that is read already.")
                else:
                    seen |= _folders_in(target)
        found += [(_within(Path(parent) / name, folder), Path(parent) / name) for name in names]
        if len(found) > MOST_ENTRIES:
            raise UnusableImages(f"{folder.name} holds more than {MOST_ENTRIES:,} files; choose a smaller folder.")
    for within, path in sorted(found, key=lambda each: str(each[0])):
        if not is_system(within):
            yield Entry(within, _file_content(path, seen))


def _folders_in(top: Path) -> set[Path]:
    """A folder and those below it that are not links, by their real names."""
    top = top.resolve()
    found = set()
    for parent, folders, _ in os.walk(top, onerror=_raised):
        folders[:] = [name for name in folders if not is_system(_within(Path(parent) / name / "x", top))]
        found.add(Path(parent))
    return found


def _within(path: Path, folder: Path) -> PurePosixPath:
    return as_path(path.relative_to(folder).as_posix())


def _raised(error: OSError) -> None:
    raise error


def _file_content(file: Path, inside: set[Path]) -> bytes | str:
    try:
        if file.is_symlink() and not any(file.resolve().is_relative_to(folder) for folder in inside):
            return "is a link that leads out of the folder."
        if file.exists() and not file.is_file():
            return "is not a file."
        if file.stat().st_size > MOST_BYTES:
            return "is larger than a picture may be."
        with file.open("rb") as opened:
            head = opened.read(HEAD)
            return kind_of(head) or head + opened.read(MOST_BYTES)
    except (OSError, RuntimeError) as error:  # a link to itself is a RuntimeError before Python 3.13
        return f"cannot be read ({getattr(error, 'strerror', None) or error})."


def _of_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if entries and all(entry.flag_bits & 1 for entry in entries):
        raise UnusableImages("the archive is encrypted; send one without a password.", whole=True)
    if entries and all(entry.compress_type not in _UNPACKED_HERE for entry in entries):
        raise UnusableImages(f"the archive {_packed_with(entries[0].compress_type)}", whole=True)
    named = [(as_path(name), entry) for name, entry in zip(names_in(entries), entries, strict=True)]
    for name, entry in sorted(named, key=lambda each: str(each[0])):
        if not is_system(name):
            yield Entry(name, _entry_content(archive, entry, name))


def _packed_with(method: int) -> str:
    return f"is packed with {_METHODS.get(method, f'method {method}')}; pack it as an ordinary zip, with Deflate."


def _entry_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: PurePosixPath) -> bytes | str:
    if ".." in name.parts or name.is_absolute() or _DRIVE.fullmatch(name.parts[0]):
        return "has a name that leads out of the archive."
    if entry.flag_bits & 1:
        return "is encrypted."
    if entry.compress_type not in _UNPACKED_HERE:
        return _packed_with(entry.compress_type)
    try:
        with archive.open(entry) as file:
            head = file.read(HEAD)
            if why := kind_of(head):
                return why
            if entry.file_size > MOST_BYTES:
                return f"unpacks to {entry.file_size / 1e6:,.0f} MB, more than a picture may have."
            content = head + file.read(MOST_BYTES + 1 - len(head))
    except (*_BROKEN, NotImplementedError, OSError, RuntimeError, ValueError):
        return "is damaged within the archive."
    return content if len(content) <= MOST_BYTES else "unpacks to more than it says."


# ---- putting them together -------------------------------------------------------------------------------------------


def _gathered(title: str, entries: Iterator[Entry], prepared: Preparation) -> OwnImages:
    pictures: list[Decoded] = []
    paths: list[PurePosixPath] = []
    left_out: list[tuple[str, str]] = []
    refused = unpacked = 0
    for entry in entries:
        try:
            if isinstance(entry.content, str):
                raise UnusableImages(entry.content)
            unpacked += len(entry.content)
            if unpacked > MOST_UNPACKED:
                raise UnusableImages(f"{title} unpacks to more than {MOST_UNPACKED / 1e9:.0f} GB.", whole=True)
            picture = layers(entry.content, prepared)
        except UnusableImages as error:
            if error.whole:
                raise
            refused += 1
            if len(left_out) < LISTED:
                left_out.append((str(entry.name)[-120:], str(error)))
            continue
        pictures.append(picture)
        paths.append(entry.name)
        if len(pictures) > MOST_IMAGES:
            raise UnusableImages(f"{title} holds more than {MOST_IMAGES:,} pictures; choose some of them.")
    if len(pictures) < FEWEST_IMAGES:
        raise UnusableImages(_too_few(title, len(pictures), left_out))
    classes, notes = classes_of(paths)
    names = tuple(sorted(set(classes)))
    if len(names) > MOST_CLASSES:
        raise UnusableImages(
            f"{title} has {len(names):,} folders of pictures; at most {MOST_CLASSES:,} can be classes."
        )
    stacked = on_background(pictures)
    grey = prepared.colour == "grey" or (prepared.colour == "auto" and all_grey(stacked))
    images = prepared.toned(to_grey(stacked) if grey else stacked)
    indices = {name: index for index, name in enumerate(names)}
    labels = np.array([indices[label] for label in classes], dtype=np.int64)
    cut = float(np.median([picture.cut for picture in pictures]))
    return OwnImages(title, images, labels, names, tuple(left_out), refused, (*notes, *doubts(images, cut)))


def _too_few(title: str, count: int, left_out: list[tuple[str, str]]) -> str:
    found = {0: "no pictures that can be used", 1: "one picture"}.get(count, f"{count} pictures")
    first = f" The first that was left out: {left_out[0][0]} {left_out[0][1]}" if left_out else ""
    return f"{title} holds {found}; at least {FEWEST_IMAGES} are needed.{first}"
