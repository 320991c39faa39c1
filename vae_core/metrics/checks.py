"""Checks of the measurements' inputs. The user can fix a MeasureError; a ValueError is a bug in the caller."""

from __future__ import annotations

import numpy as np

from vae_core.errors import MeasureError


def finite_rows(what: str, array: np.ndarray, *, least: int = 1) -> np.ndarray:
    """The array as float64 (N, k), one row per image, code or path.

    Args:
        what: what the rows are, in the plural, for the message.
        array: (N, k), any real type.
        least: the minimum number of rows.

    Raises:
        MeasureError: fewer rows than `least`, rows of length 0, or an infinite or NaN value.
        ValueError: not two-dimensional.
    """
    if np.ndim(array) != 2:
        raise ValueError(f"{what} must have shape (N, k), not {np.shape(array)}")
    values = np.asarray(array, dtype=np.float64)
    if len(values) < least:
        raise MeasureError(f"{least} or more {what} are needed and there are {len(values)}: measure more of them")
    if values.shape[1] == 0:
        raise MeasureError(f"the {what} hold no numbers: give each at least one")
    if not np.isfinite(values).all():
        raise MeasureError(f"some {what} are infinite or NaN: train the model that made them again")
    return values


def equal_width(one: np.ndarray, other: np.ndarray) -> None:
    """Raises ValueError unless the rows of both, (N, d) and (M, d), have the same length."""
    if one.shape[1] != other.shape[1]:
        raise ValueError(f"rows of {one.shape[1]} and of {other.shape[1]} numbers cannot be compared")


def equal_shape(one: np.ndarray, other: np.ndarray) -> None:
    """Raises ValueError unless both have the same shape, so that rows correspond one to one."""
    if one.shape != other.shape:
        raise ValueError(f"shapes {one.shape} and {other.shape} differ")


def positive_count(name: str, count: int) -> None:
    """Raises ValueError unless there is at least one."""
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")


def distinct(what: str, rows: np.ndarray) -> None:
    """Raises MeasureError if all rows, (N, d), are the same: nearest neighbours are then undefined."""
    if not np.ptp(rows, axis=0).any():
        raise MeasureError(f"all {what} are the same, so none has nearest neighbours: measure ones that differ")
