"""A face and the numbers of its code: sliders that it answers, known features that move it, and what found what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ui.components.mount import component, mount
from vae_core.payloads.numbers import Number
from vae_core.payloads.plane import Payload

_BASE = ("engine/base.css", "engine/plane.css")
_face = component("face", html="faces/face.html", styles=(*_BASE, "faces/faces.css"), module="faces/face.js")
_causes = component("causes", html="faces/causes.html", styles=(*_BASE, "faces/causes.css"), module="faces/causes.js")
_matrix = component(
    "matrix", html="faces/matrix.html", styles=(*_BASE, "faces/matrix.css"), module="faces/matrix.js"
)  # fmt: skip

_walk = component("walk", html="faces/walk.html", styles=(*_BASE, "faces/walk.css"), module="faces/walk.js")
_analogy = component(
    "analogy", html="faces/analogy.html", styles=(*_BASE, "faces/analogy.css"), module="faces/analogy.js"
)  # fmt: skip


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


def causes(payload: Payload, numbers: Sequence[Number], artist: Payload, *, key: str) -> None:
    """Mount the true features, with what draws heads.

    Args:
        payload: as of `face`.
        numbers: as of `face`.
        artist: made by `vae_core.payloads.head.head_payload`.
        key: the element's identity across reruns.
    """
    told, factors = [asdict(number) for number in numbers], artist.header["factors"]
    shown = payload.with_header(kind="causes", numbers=told, factors=factors)
    mount(_causes, shown, key=key, later=(artist,))


def walk(payload: Payload, artist: Payload | None, *, key: str) -> None:
    """Mount the way from one head to another.

    Args:
        payload: made by `ui.chapters.faces.between.heads_payload`; with ``values`` where there is an `artist`.
        artist: as of `causes`; None where nothing draws such images.
        key: the element's identity across reruns.
    """
    _mount_with(_walk, "walk", payload, artist, key)


def analogy(payload: Payload, artist: Payload | None, *, key: str) -> None:
    """Mount "A is to B as C is to ?".

    Args: as of `walk`.
    """
    _mount_with(_analogy, "analogy", payload, artist, key)


def _mount_with(one: Any, kind: str, payload: Payload, artist: Payload | None, key: str) -> None:
    if artist is None:
        mount(one, payload.with_header(kind=kind), key=key)
    else:
        mount(one, payload.with_header(kind=kind, factors=artist.header["factors"]), key=key, later=(artist,))


def matrix(
    payload: Payload,
    numbers: Sequence[Number],
    factors: Sequence[str],
    values: np.ndarray,
    told: Sequence[Sequence[str]],
    *,
    measure: str,
    key: str,
) -> None:
    """Mount the table of numbers and features.

    Args:
        payload: as of `face`.
        numbers: as of `face`; the rows come in this order.
        factors: names of the features.
        values: (d, F), from 0 to 1, by the number's place in the code.
        told: (d, F), a sentence for each cell.
        measure: what the values are, in a few words.
        key: the element's identity across reruns.
    """
    shown = payload.with_header(
        kind="matrix", numbers=[asdict(number) for number in numbers], factors=list(factors),
        values=np.round(values, 4).tolist(), told=[list(row) for row in told], measure=measure,
    )  # fmt: skip
    mount(_matrix, shown, key=key)
