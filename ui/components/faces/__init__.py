"""A face and the numbers of its code: sliders that it answers, and known causes that move the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_face = component(
    "face",
    html="faces/face.html",
    styles=("engine/base.css", "engine/plane.css", "faces/faces.css"),
    module="faces/face.js",
)


@dataclass(frozen=True)
class Number:
    """One number of a code.

    Attributes:
        index: its place in the code, from 0.
        centre: its mean over held-out images.
        low, high: the ends of its slider.
        used: whether the model uses it.
        about: what is said of it, in a few words.
        levels: how many values it can have, evenly spaced from `low` to `high`; None for any real number.
    """

    index: int
    centre: float
    low: float
    high: float
    used: bool
    about: str
    levels: int | None = None


def face(payload: Payload, numbers: Sequence[Number], *, sorted_by: str, key: str) -> None:
    """Mount the sliders.

    Args:
        payload: made by `vae_core.payloads.inversion.inversion_payload`, with ``title``, ``subtitle`` and ``heads``,
            how many held-out images it has.
        numbers: of the code, the one that says most first.
        sorted_by: what they are sorted by, in a few words.
        key: the element's identity across reruns.
    """
    told = [asdict(number) for number in numbers]
    mount(_face, payload.with_header(kind="face", numbers=told, sorted_by=sorted_by), key=key)
