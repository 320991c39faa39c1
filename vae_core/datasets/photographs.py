"""The Olivetti faces: 400 photographs of 40 people, 64 x 64 (AT&T Laboratories Cambridge; Samaria and Harter 1994).

They have no formal licence, only the wish to be credited, so that they are fetched and never shipped. scikit-learn
fetches them and keeps a pickle; what is kept here is a verified file without one.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from vae_core import archive
from vae_core.errors import DamagedRun, DatasetUnavailable, OtherFormat, StoreError

PEOPLE, EACH, SIDE = 40, 10, 64
HELD_OUT = 4  # people in each of validation and test
NAMES = tuple(f"person {number}" for number in range(1, PEOPLE + 1))
_PARTS = {
    "train": (0, PEOPLE - 2 * HELD_OUT),
    "validation": (PEOPLE - 2 * HELD_OUT, PEOPLE - HELD_OUT),
    "test": (PEOPLE - HELD_OUT, PEOPLE),
}


def file_in(root: Path) -> Path:
    """Where they lie below a data root, once they have been fetched."""
    return root / "olivetti" / "olivetti.safetensors"


def is_here(root: Path) -> bool:
    """Whether they have been fetched."""
    return file_in(root).is_file()


def load_olivetti(split: str, root: Path, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """32 people to train on, 4 others to validate on, 4 others to test on: uint8 (N, 1, 64, 64), and who it is (N,).

    Raises:
        DatasetUnavailable: they are not here and cannot be fetched, or the file is damaged.
    """
    path = file_in(root)
    if not path.is_file():
        if not download:
            raise DatasetUnavailable(
                f"the Olivetti faces are not in {path.parent}; fetch them with 'python -m vae_core train --dataset "
                "olivetti' on a machine with a network, or copy that folder from one that has it."
            )
        _fetch(path)
    try:
        tensors, _ = archive.read(path)
    except (DamagedRun, OtherFormat, OSError) as error:
        raise DatasetUnavailable(f"{path} is damaged; delete it and let it be fetched again.") from error
    images, people = tensors["images"], tensors["people"].astype(np.int64)
    first, end = _PARTS[split]
    part = (people >= first) & (people < end)
    return images[part][:, None], people[part]


def _fetch(path: Path) -> None:
    """Fetch the photographs and keep them in a file of our own."""
    from sklearn.datasets import fetch_olivetti_faces

    try:
        # An empty folder: no pickle is read but the one that scikit-learn has just written. It prints to the output.
        with tempfile.TemporaryDirectory() as place, redirect_stdout(sys.stderr):
            faces = fetch_olivetti_faces(data_home=place)
    except (OSError, ValueError) as failed:  # no network, or not the file that was expected
        said = (str(failed).strip().splitlines() or [type(failed).__name__])[0][:120]
        raise DatasetUnavailable(
            f"the Olivetti faces are not in {path.parent} and could not be fetched ({said}); connect to a network, or "
            "use heads, which needs none."
        ) from failed
    images = np.rint(np.asarray(faces.images) * 255).astype(np.uint8)
    people = np.asarray(faces.target).astype(np.uint8)
    if images.shape != (PEOPLE * EACH, SIDE, SIDE) or not np.array_equal(np.bincount(people), [EACH] * PEOPLE):
        raise DatasetUnavailable(
            "what was fetched are not the Olivetti faces, 400 photographs of 40 people; try again later."
        )
    try:
        archive.write(path, {"images": images, "people": people}, {"title": "Olivetti faces"})
    except StoreError as error:
        raise DatasetUnavailable(
            f"the Olivetti faces could not be kept in {path.parent} ({error.__cause__})."
        ) from error
