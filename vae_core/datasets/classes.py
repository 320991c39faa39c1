"""Which class a picture belongs to: told by the folders it lies in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

_SHOWN, _SHOWN_NAME = 12, 40  # classes that are named in a summary, and characters of a name
NO_FOLDER = "images"  # the class of images without a folder
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"}


def classes_of(paths: Sequence[PurePosixPath]) -> tuple[list[str], tuple[str, ...]]:
    """A class for each picture, and what the user should know about it, in sentences.

    The class is the name of the folder that the picture is in. Where that is the same for all, as in
    ``cats/images/1.png``, or says only what was held out, as in ``cats/test/1.png``, it is the deepest folder above
    that tells the pictures apart.
    """
    deepest = max((len(path.parts) for path in paths), default=1) - 1
    level = next((above for above in range(1, deepest + 1) if _divides(_names(paths, above))), 0)
    notes = []
    for above in range(1, deepest + 1):
        splits = _names(paths, above) - {NO_FOLDER}
        if len(splits) > 1 and _are_splits(splits):
            notes.append(
                f"The folders {_listed(sorted(splits))} are read together: a tenth of all pictures is held out anew."
            )
    if level:
        return [_name(path, level) for path in paths], tuple(notes)
    names = _names(paths, 1)
    only = names.pop() if len(names) == 1 else NO_FOLDER
    return [only] * len(paths), tuple(notes)


def counted(classes: Sequence[tuple[str, int]]) -> str:
    """Names with their counts: "cats 24, dogs 20"; the first dozen of many."""
    shown = [f"{name[:_SHOWN_NAME]} {count:,}" for name, count in classes[:_SHOWN]]
    more = len(classes) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _divides(names: set[str]) -> bool:
    return len(names) > 1 and not _are_splits(names - {NO_FOLDER})


def _are_splits(names: set[str]) -> bool:
    return {name.lower() for name in names} <= _SPLITS


def _names(paths: Sequence[PurePosixPath], above: int) -> set[str]:
    return {_name(path, above) for path in paths}


def _name(path: PurePosixPath, above: int) -> str:
    """The name of the folder so many levels above a file."""
    return path.parts[-1 - above] if len(path.parts) > above else NO_FOLDER


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
