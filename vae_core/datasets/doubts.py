"""What may be wrong with a set of images although every one of them could be read."""

from __future__ import annotations

import hashlib

import numpy as np

_NARROW = 26  # grey levels: a tenth of the range
_FEW_LEFT = 0.5  # share of different images below which copies are said
_HARDLY = 1.0  # grey levels by which images differ from their mean
_MUCH_CUT = 1 / 3
_COMPARED = 1_000  # images whose spread is measured


def doubts(images: np.ndarray, cut: float = 0.0) -> tuple[str, ...]:
    """What should be said before anything is trained: one sentence each, with what can be done.

    Args:
        images: uint8 (N, C, H, W).
        cut: median share of the pictures' longer sides that cropping removed.
    """
    said = []
    low, high = int(images.min()), int(images.max())
    count = len(images)
    different = len({hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images})
    if different == 1:
        said.append("All pictures are the same after scaling: there is nothing to learn from them.")
    elif different < _FEW_LEFT * count:
        said.append(f"Only {different:,} of the {count:,} pictures are different; the others are copies.")
    if high - low < _NARROW and high > low:
        said.append(
            f"The pictures use only the grey levels {low} to {high} of 0 to 255, so that they look alike: stretch them."
        )
    elif different > 1 and images[:: -(-count // _COMPARED)].std(axis=0).mean() < _HARDLY:
        said.append("The pictures hardly differ from their mean: a model will learn that mean.")
    if cut > _MUCH_CUT:
        share = f"{cut:.0%}" if cut < 0.995 else "more than 99%"
        said.append(f"Cropping to the middle square removed {share} of the longer side: pad to keep all of it.")
    return tuple(said)
