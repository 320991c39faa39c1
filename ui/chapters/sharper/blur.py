"""Why a VAE's images are blurred: one code, the digits that it may stand for, and their mean."""

from __future__ import annotations

import numpy as np

from ui.chapters.sharper.family import FOUR, spec_of
from ui.links.url_state import Property, number, point
from ui.runs.resources import held_out, image_set
from ui.runs.selection import per_shelf
from ui.runs.shown import Shown, stored
from vae_core.metrics import laplacian_variance
from vae_core.payloads.plane import Payload

MOST, COUNT = 50, 20  # digits that are averaged: at most, and as it opens
START = [-1.75, -0.3]  # between 4 and 9
NAMES = {"z": "blur-z", "count": "blur-digits"}  # what a link calls them
CODES = 500  # that the question is answered from
NEARER = ("For about half", "For about three of four", "For nearly all")
_SHARES = (0.625, 0.9)  # where one of these answers ends and the next begins


def blur_links() -> tuple[Property, ...]:
    """What a link may say of it."""
    return (
        point(NAMES["z"], "the code whose likely digits are averaged"),
        number(NAMES["count"], 1, MOST, "how many digits near that code are averaged", example=COUNT),
    )


def averaging() -> Shown:
    """The VAE whose codes are looked at: of two dimensions.

    Raises:
        RunNotFound: it is not in the store.
    """
    return stored(spec_of(FOUR["vae"], 2).key)


def _sharpness(pixels: np.ndarray, shape: tuple[int, int, int]) -> float:
    """The mean variance of the Laplacian of images (N, pixels)."""
    return float(laplacian_variance(pixels.clip(0.0, 1.0).reshape(-1, *shape)).mean())


@per_shelf
def blur_payload() -> Payload:
    """The VAE's plane, with what the step needs.

    Raises:
        RunNotFound: the VAE is not in the store.
        DatasetUnavailable: its digits are not on this machine.
    """
    shown = averaging()
    digits = held_out(shown.run.spec.dataset)
    return shown.plane.with_header(
        kind="blur",
        title="What may this z stand for?",
        subtitle=f"A VAE of d = 2. Move over its plane; a click keeps a z. {len(digits):,} held-out digits.",
        images=image_set(shown.run),
        sharpness=_sharpness(digits.floats(), digits.image_shape),
        most=MOST,
        count=COUNT,
        start=START,
        names=NAMES,
    )


@per_shelf
def nearer_to_the_mean() -> tuple[int, str]:
    """For how many codes the decoded image is nearer to the mean of the nearest digits than to the nearest one.

    Raises:
        RunNotFound: the VAE is not in the store.
        DatasetUnavailable: its digits are not on this machine.
    """
    run = averaging().run
    digits = held_out(run.spec.dataset)
    pixels, codes = digits.floats(), run.codes.mean.astype(np.float64)
    count = min(CODES, len(codes))
    made = run.decode(run.codes.mean[:count])
    nearer, errors, means = 0, [], []
    for index, image in enumerate(made):
        away = np.square(codes - codes[index]).sum(axis=1)
        away[index] = np.inf  # the digit itself
        near = pixels[np.argsort(away, kind="stable")[:COUNT]]
        mean = near.mean(axis=0)
        to_mean, to_single = np.square(image - mean).mean(), np.square(image - near).mean(axis=1)
        nearer += bool(to_mean < to_single[0])
        errors.append((to_mean, to_single.mean()))
        means.append(mean)
    to_mean, to_single = np.mean(errors, axis=0)
    real, of_made, of_means = (_sharpness(one, digits.image_shape) for one in (pixels, made, np.stack(means)))
    right = int(np.searchsorted(_SHARES, nearer / count, side="right"))
    return right, (
        f"For **{nearer} of {count}**; the digit itself is left out of its neighbours. The mean squared error per "
        f"pixel is **{to_mean:.4f}** to the mean of {COUNT}, and {to_single:.4f} to one of them. With the sharpness of "
        f"real digits as 1, the means have {of_means / real:.2f}, and the decoded images {of_made / real:.2f}."
    )
