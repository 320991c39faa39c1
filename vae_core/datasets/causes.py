"""Known factors that come with a user's own images."""

from __future__ import annotations

import numpy as np

from vae_core.datasets.images import Factor
from vae_core.datasets.limits import LONGEST_FACTOR, MOST_FACTORS
from vae_core.datasets.names import cleaned
from vae_core.errors import UnusableImages


def read_factors(
    title: str, values: np.ndarray, names: np.ndarray | None, count: int
) -> tuple[tuple[Factor, ...], np.ndarray]:
    """Check the factors of so many images: continuous all, with the range that they have here.

    Args:
        title: the file's name, for messages.
        values: (N, F), or (N,) for one factor; any numbers.
        names: (F,) of text; None for "factor 1", "factor 2" and so on.
        count: images, N.

    Returns:
        the factors, and their values, float32 (N, F).

    Raises:
        UnusableImages: with a message for the user.
    """
    if values.dtype.kind not in "fiub" or values.ndim not in (1, 2):
        raise UnusableImages(
            f"{title}: factors must be numbers of the shape (N, F), a row for each image, not {values.dtype} "
            f"{values.shape}."
        )
    columns = values[:, None] if values.ndim == 1 else values
    if len(columns) != count:
        raise UnusableImages(f"{title}: there are {len(columns):,} rows of factors for {count:,} images.")
    if not 0 < columns.shape[1] <= MOST_FACTORS or columns.shape[1] >= count:
        raise UnusableImages(
            f"{title}: there are {columns.shape[1]:,} columns of factors for {count:,} images; 1 to {MOST_FACTORS} "
            "can be used, and fewer than there are images."
        )
    called = _names(title, names, columns.shape[1])
    with np.errstate(over="ignore"):  # becomes infinite, which is said next
        single = columns.astype(np.float32)
    for name, column in zip(called, single.T, strict=True):
        if not np.isfinite(column).all():
            raise UnusableImages(
                f"{title}: the factor {name} holds values that are not finite numbers; leave out its images, or the "
                "factor."
            )
        if column.min() == column.max():
            raise UnusableImages(f"{title}: the factor {name} is the same for all images; leave it out.")
    ranges = zip(called, single.min(axis=0).tolist(), single.max(axis=0).tolist(), strict=True)
    return tuple(Factor(name, low=low, high=high) for name, low, high in ranges), single


def _names(title: str, names: np.ndarray | None, count: int) -> list[str]:
    if names is None:
        return [f"factor {number}" for number in range(1, count + 1)]
    if names.shape != (count,) or names.dtype.kind not in "US":
        raise UnusableImages(
            f"{title}: factor_names must be {count} names, one for each column of factors, not {names.dtype} "
            f"{names.shape}."
        )
    given = [name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name for name in names.tolist()]
    called = [cleaned(name).strip()[:LONGEST_FACTOR] for name in given]
    if not all(called) or len(set(called)) < count:
        raise UnusableImages(f"{title}: factor_names must be different from each other, and none empty.")
    return called
