"""What the filters make of the digit that the browser sends when the hand rests."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import numpy as np

from ui.chapters.uses.denoise.methods import setting
from ui.once import once
from vae_core.corruption import CORRUPTIONS
from vae_core.errors import MeasureError
from vae_core.evaluation.filters import FILTERS, cleaned

SIDE = 28
LARGEST = 100.0  # of a damaged pixel's absolute value: σ = 10, ten standard deviations out
LONGEST_TOKEN = 100
BROKEN = "The damaged digit did not arrive whole, so no filter has answered: move the slider again."


def answers(asked: Any) -> dict[str, Any] | None:
    """The filters' images for what a browser sent, which is not trusted.

    Returns:
        ``token``, as it was sent, and ``images``, uint8 pixels in base64 by name of the filter; or ``problem``, a
        sentence, instead of them. None where nothing was sent.
    """
    if not isinstance(asked, dict) or not isinstance(token := asked.get("token"), str) or len(token) > LONGEST_TOKEN:
        return None
    try:
        images = _filtered(*_checked(asked))
    except MeasureError as error:
        return {"token": token, "problem": str(error)}
    return {"token": token, "images": images}


def _checked(asked: dict[str, Any]) -> tuple[str, float, bytes]:
    kind, level, pixels = (asked.get(name) for name in ("kind", "level", "pixels"))
    number = isinstance(level, int | float) and not isinstance(level, bool) and math.isfinite(level)
    if not isinstance(kind, str) or kind not in CORRUPTIONS or not number or not isinstance(pixels, str):
        raise MeasureError(BROKEN)
    try:
        raw = base64.b64decode(pixels[: 8 * SIDE * SIDE], validate=True)
    except (binascii.Error, ValueError) as error:
        raise MeasureError(BROKEN) from error
    if len(raw) != 4 * SIDE * SIDE:
        raise MeasureError(BROKEN)
    return kind, float(level), raw  # type: ignore[arg-type]


@once(maxsize=256)
def _filtered(kind: str, level: float, raw: bytes) -> dict[str, str]:
    seen = np.frombuffer(raw, "<f4").reshape(1, SIDE, SIDE).astype(np.float64)
    if not (np.abs(seen) <= LARGEST).all():  # NaN fails, too
        raise MeasureError(BROKEN)
    found = {}
    for name in FILTERS:
        pixels = np.rint(255.0 * cleaned(name, seen, setting(name, kind, level))).astype(np.uint8)
        found[name] = base64.b64encode(pixels.tobytes()).decode()
    return found
