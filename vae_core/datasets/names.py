"""Names of pictures, folders and classes, as text that can be shown, stored and compared.

A name may come from a disk or an archive in bytes of any encoding, in either of Unicode's normal forms, and with
separators of either kind. The same names must give the same set, see `own.name_of`.
"""

from __future__ import annotations

import os
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath

_UTF8_FLAG = 0x800
# Tried in this order for archives whose names do not say their encoding: UTF-8 from Linux, then what the German,
# Chinese, Russian and western Windows write.
_ENCODINGS = ("utf-8", "cp437", "gb2312", "cp866", "cp1252")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "icon\r")
_SYSTEM_FOLDERS = ("__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found")


def cleaned(text: str) -> str:
    """Composed (NFC), without control characters; bytes that Python could not decode are read as Windows-1252."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        try:
            text = os.fsencode(text).decode("cp1252", "replace")
        except UnicodeEncodeError:  # a surrogate that stands for no byte
            text = text.encode("utf-8", "replace").decode()
    text = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    return unicodedata.normalize("NFC", text)


def as_path(name: str) -> PurePosixPath:
    """A name from anywhere as a path with forward slashes. It is compared and split, never opened."""
    return PurePosixPath(cleaned(name.replace("\\", "/")))


def is_system(path: PurePosixPath) -> bool:
    """Whether a file is hidden, or belongs to an operating system, a NAS or a notebook rather than to the set."""
    folders = [part.lower() for part in path.parts[:-1]]
    if any((part.startswith(".") and part not in (".", "..")) or part in _SYSTEM_FOLDERS for part in folders):
        return True
    return path.name.startswith(".") or path.name.lower().strip() in {name.strip() for name in _SYSTEM_FILES}


def names_in(entries: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The names of a zip's entries, decoded together: an archive is written by one machine."""
    listed = list(entries)
    raw = [
        None if entry.flag_bits & _UTF8_FLAG or entry.orig_filename.isascii() else _bytes(entry.orig_filename)
        for entry in listed
    ]
    encoding = _encoding_of([name for name in raw if name])
    return [name.decode(encoding) if name else entry.orig_filename for entry, name in zip(listed, raw, strict=True)]


def _bytes(name: str) -> bytes | None:
    """What `zipfile` decoded as cp437; None if it was not that."""
    try:
        return name.encode("cp437")
    except UnicodeEncodeError:
        return None  # decoded from the archive's own Unicode field


def _encoding_of(names: list[bytes]) -> str:
    for encoding in _ENCODINGS:
        try:
            decoded = [name.decode(encoding) for name in names]
            if encoding == "utf-8" or all(map(_is_plausible, decoded)):  # nothing else happens to be valid UTF-8
                return encoding
        except UnicodeDecodeError:
            continue
    return "cp437"  # decodes every byte; what the zip format says


def _is_plausible(name: str) -> bool:
    """Whether the letters beyond ASCII are letters, and no word mixes two scripts."""
    scripts: set[str] = set()
    for character in name:
        if not character.isalpha():
            if not character.isascii():
                return False
            scripts.clear()
            continue
        scripts.add(unicodedata.name(character, "").split()[0])
        if len(scripts) > 1:
            return False
    return True
