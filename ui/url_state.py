"""State worth sharing lives in the URL. One typed table drives reading and writing; nothing read is trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

MAX_PINS = 8
LARGEST_COORDINATE = 1e4


@dataclass(frozen=True)
class Property:
    """One query parameter.

    Attributes:
        name: in the URL.
        parse: text -> value; raises ValueError on anything that is not one.
        text: value -> text; an empty text removes the parameter.
        meaning: for the sentence that says a value was left out.
    """

    name: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str]
    meaning: str


def _coordinate(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > LARGEST_COORDINATE:
        raise ValueError(f"not a coordinate: {text[:20]}")
    return value


def _points(text: str) -> list[list[float]]:
    points = [[_coordinate(part) for part in pair.split(",")] for pair in text.split(";") if pair]
    if len(points) > MAX_PINS or any(len(point) != 2 for point in points):
        raise ValueError("not a list of points")
    return points


def _view(text: str) -> dict[str, float]:
    values = [_coordinate(part) for part in text.split(",")]
    if len(values) != 3 or values[2] <= 0:
        raise ValueError("not a view")
    return dict(zip(("cx", "cy", "half"), values, strict=True))


def _key(text: str) -> str:
    if len(text) > 200:
        raise ValueError("not a key")
    return text


def _joined(values: Iterable[float]) -> str:
    return ",".join(f"{value:.4g}" for value in values)


RUN = Property("run", _key, str, "the run to show")
PINS = Property("z", _points, lambda pins: ";".join(_joined(pin) for pin in pins), "the pinned points")
VIEW = Property("view", _view, lambda view: _joined(view.values()), "the part of the plane to show")


def read(wanted: Property) -> Any:
    """The value in the URL, or None where there is none. A value that cannot be read is said and left out."""
    text = st.query_params.get(wanted.name)
    if not text:
        return None
    try:
        return wanted.parse(text)
    except ValueError:
        st.warning(f"The link's “{wanted.name}” ({wanted.meaning}) could not be read, so it was left out.")
        return None


def write(changed: Property, value: Any) -> None:
    """Put a value into the URL, or take it out if it is None or empty."""
    text = changed.text(value) if value else ""
    if text:
        st.query_params[changed.name] = text
    elif changed.name in st.query_params:
        del st.query_params[changed.name]
