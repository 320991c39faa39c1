"""The numbers of a code, as components that move them are told of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """One number of a code.

    Attributes:
        index: its place in the code, from 0.
        centre: its mean over held-out images.
        low, high: the ends of its slider.
        used: whether the model uses it.
        size: how much it says of an image, in words.
        found: what it found, in a few words; empty where nobody knows what there is to find.
        levels: how many values it can have, evenly spaced from `low` to `high`; None for any real number.
    """

    index: int
    centre: float
    low: float
    high: float
    used: bool
    size: str
    found: str
    levels: int | None = None
