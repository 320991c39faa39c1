"""An album: a sheet of photographs that the visitor marks by a click, each mark for one purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_album = component(
    "album",
    html="album/album.html",
    styles=("engine/base.css", "engine/plane.css", "album/album.css"),
    module="album/album.js",
)

Marks = dict[str, list[int]]


@dataclass(frozen=True)
class Purpose:
    """What photographs are marked for.

    Attributes:
        name: in marks.
        title: on its button.
        badge: on the photographs: a letter or two; if empty, they are numbered in the order of the marks.
        most: how many may be marked; where it is 1, another one takes its place.
    """

    name: str
    title: str
    badge: str
    most: int


def album(sheet: Payload, purposes: Sequence[Purpose], start: Mapping[str, Sequence[int]], *, key: str) -> Marks:
    """Mount an album; the photographs marked for each purpose, by number from 0.

    Args:
        sheet: made by `vae_core.payloads.plane.thumbnails_payload`; its header entry ``names`` may name each of them.
        purposes: at least one; a click marks for the one that is chosen above the sheet.
        start: the marks that it begins with. They stay the same until the page begins anew: other ones replace what the
            visitor has marked.
        key: the element's identity across reruns; other photographs need another one.
    """
    begun = {name: list(numbers) for name, numbers in start.items()}
    payload = sheet.with_header(kind="album", purposes=[asdict(one) for one in purposes], start=begun)
    chosen = mount(_album, payload, key=key, commits=("marks",)).marks
    return checked(start if chosen is None else chosen, purposes, sheet.header["count"])


def checked(marks: Any, purposes: Sequence[Purpose], count: int) -> Marks:
    """Marks as a browser sends them, without whatever does not belong there."""
    given = marks if isinstance(marks, Mapping) else {}
    found: Marks = {}
    for one in purposes:
        numbers = given.get(one.name)
        numbers = numbers[:count] if isinstance(numbers, list | tuple) else []  # each once: more say nothing
        fit = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < count]
        found[one.name] = list(dict.fromkeys(fit))[: one.most]
    return found
