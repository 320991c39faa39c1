"""A file of tensors and a JSON document, with a checksum and atomic writes.

It is a safetensors file (reading it runs no code). Its metadata contains the document and a SHA-256 over the
document and every tensor's name, type, shape and bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from vae_core.errors import DamagedRun, OtherFormat, StoreError

FORMAT = "vae-playground-1"
_MAX_HEADER_BYTES = 32 * 2**20  # the history of the longest run that a specification may ask for
_MAX_FILE_BYTES = 2 * 10**9  # far more than a run or a set of images has; a sparse file may claim anything
_WAITS_FOR_READERS = os.name == "nt"
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between attempts to replace a file that is being read
_FORMATS = re.compile(r"vae-playground-\d+")
_OF_A_TENSOR = {"dtype", "shape", "data_offsets"}
_OURS = {"format", "document", "sha256"}  # what every file of this program has in its metadata


def write(path: Path, tensors: Mapping[str, np.ndarray], document: dict[str, Any]) -> None:
    """Write atomically, see `put`."""
    text = json.dumps(document, sort_keys=True, allow_nan=False)
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    metadata = {"format": FORMAT, "document": text, "sha256": _digest(text, arrays)}
    put(path, safetensors.numpy.save(arrays, metadata=metadata))


def put(path: Path, content: bytes) -> None:
    """Write a whole file atomically: a temporary file in the same folder, flushed, synced, renamed.

    Raises:
        StoreError: the folder is not writable or the disk is full; `path` is then unchanged.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes it private; the store is shared
        _replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"could not write {path.name} in {path.parent} ({error.strerror or error}); free some space or choose "
            "a folder you can write to with --store."
        ) from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)  # still there only after an error or an interrupt


def _replace(new: Path, path: Path) -> None:
    """Rename; on Windows, where a file that somebody reads cannot be replaced, after waiting for the reader."""
    for pause in _PAUSES if _WAITS_FOR_READERS else ():
        try:
            new.replace(path)
            return
        except PermissionError:
            time.sleep(pause)
    new.replace(path)


def read(path: Path, *, of_any_size: bool = False) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the tensors and the document, and verify the SHA-256.

    Args:
        path: of the file.
        of_any_size: read also what is larger than a run may be: for files that only this program writes.

    Raises:
        OtherFormat: of another version of this program.
        DamagedRun: truncated, altered, or not one of ours.
        FileNotFoundError: no such file.
    """
    with _opened(path, of_any_size=of_any_size) as file:
        return parsed(file.read(), path.name)


def parsed(content: bytes, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """As `read`, of the bytes of a file; `name` is for messages."""
    metadata = _metadata(content, name)
    try:
        tensors = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedRun(f"{name} is damaged: its tensors cannot be read ({error}).") from error
    if _digest(metadata["document"], tensors) != metadata["sha256"]:
        raise DamagedRun(f"{name} is damaged: its content does not match its SHA-256.")
    return tensors, json.loads(metadata["document"])


def read_document(path: Path) -> dict[str, Any]:
    """Read only the JSON document, from the file's header, for listings. The SHA-256 is not checked.

    Raises:
        DamagedRun: the header cannot be read.
    """
    head = _head(path)
    document = json.loads(_metadata(head, path.name)["document"])
    if not isinstance(document, dict):
        raise DamagedRun(f"{path.name} is damaged: its header holds no document.")
    return document


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Tensor name -> shape, from the file's header. The SHA-256 is not checked.

    Raises:
        DamagedRun: the header cannot be read.
    """
    head = _head(path)
    _metadata(head, path.name)
    entries = json.loads(head[8:])
    return {name: tuple(entry["shape"]) for name, entry in entries.items() if name != "__metadata__"}


def _opened(path: Path, *, of_any_size: bool = False) -> BinaryIO:
    """A file to read, once it is known to be one, and no larger than ours are.

    Raises:
        StoreError: a folder, a device or a pipe, which may never end.
        OtherFormat: it is too large.
        FileNotFoundError: no such file.
    """
    # Without O_NONBLOCK, to open a pipe waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise StoreError(f"could not read {path.name}: it is not a file.")
        if state.st_size > _MAX_FILE_BYTES and not of_any_size:
            raise OtherFormat(f"{path.name} has {state.st_size / 1e9:,.1f} GB: at most 2 are read.")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _head(path: Path) -> bytes:
    """The file's bytes up to its tensors; the file may have any size, for these are bounded."""
    with _opened(path, of_any_size=True) as file:
        size = int.from_bytes(file.read(8), "little")
        return size.to_bytes(8, "little") + file.read(min(size, _MAX_HEADER_BYTES))


def _metadata(content: bytes, name: str) -> dict[str, str]:
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > len(content) - 8:
        raise DamagedRun(f"{name} is damaged: it ends too early.")
    if size > _MAX_HEADER_BYTES:
        raise DamagedRun(f"{name} has a header of {size / 1e6:,.0f} MB: it was not written by this program.")
    try:
        header = json.loads(content[8 : 8 + size])
        metadata = header.get("__metadata__")
        # One flipped bit can hide one of ours, and where it hides all of them, what is left is no list of tensors.
        tensors = [entry for each, entry in header.items() if each != "__metadata__"]
        if not _OURS & set(metadata or ()) and all(set(entry) == _OF_A_TENSOR for entry in tensors):
            raise OtherFormat(f"{name} is a safetensors file that another program wrote.")
        json.loads(metadata["document"])
        digest, version = metadata["sha256"], metadata["format"]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise DamagedRun(f"{name} is damaged, or was not written by this program.") from error
    if not _FORMATS.fullmatch(str(version)):
        raise DamagedRun(f"{name} is damaged: it names no format of this program.")
    if version != FORMAT:
        raise OtherFormat(
            f"{name} has format {str(version)[:40]!r}; this program reads {FORMAT!r}: update it to read the file."
        )
    return {"document": metadata["document"], "sha256": digest}


def _digest(document: str, tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
