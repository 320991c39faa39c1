"""State worth sharing lives in the URL. One typed table drives reading and writing; nothing read is trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

MAX_PINS = 8
MENU_WIDTH, NUMBER_WIDTH = 280, 150  # pixels
LARGEST_COORDINATE = 1e4
LONGEST_NUMBER = 20  # characters


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


def one_of(name: str, values: Iterable[Any], meaning: str) -> Property:
    """A parameter that takes one of a few values, written as their text."""
    by_text = {str(value): value for value in values}

    def parse(text: str) -> Any:
        if text not in by_text:
            raise ValueError(f"not one of the values: {text[:20]}")
        return by_text[text]

    return Property(name, parse, str, meaning)


def number(name: str, low: float, high: float, meaning: str, *, whole: bool = True) -> Property:
    """A parameter that is a number from `low` to `high`."""

    def parse(text: str) -> float:
        if len(text) > LONGEST_NUMBER:
            raise ValueError("not a number")
        value = int(text) if whole else float(text)
        if not low <= value <= high:  # nan compares as false
            raise ValueError(f"not from {low:g} to {high:g}: {text}")
        return value

    return Property(name, parse, str if whole else lambda value: f"{value:g}", meaning)


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
    text = "" if value is None else changed.text(value)
    if text:
        st.query_params[changed.name] = text
    elif changed.name in st.query_params:
        del st.query_params[changed.name]


def choose(
    wanted: Property,
    label: str,
    options: Sequence[Any],
    default: Any,
    *,
    key: str,
    format_func: Callable[[Any], str] = str,
    menu: bool = False,
    width: int = MENU_WIDTH,
) -> Any:
    """A control whose choice is in the URL; a link's choice comes first.

    Args:
        wanted: made by `one_of` from the same options.
        label: of the control.
        options: the choices.
        default: without a link, or with one that cannot be read.
        key: unique on the page.
        format_func: option -> its text.
        menu: a menu, for many or long options, instead of a segmented control.
        width: of the menu, in pixels.
    """
    if key not in st.session_state:
        linked = read(wanted)
        st.session_state[key] = default if linked is None else linked
    if menu:
        chosen = st.selectbox(label, options, key=key, format_func=format_func, width=width)
    else:
        chosen = st.segmented_control(label, options, key=key, format_func=format_func)
    chosen = default if chosen is None else chosen  # a second click takes the choice away
    write(wanted, chosen if chosen != default else None)
    return chosen


def choose_number(
    wanted: Property,
    label: str,
    low: float,
    high: float,
    default: float,
    *,
    key: str,
    step: float | None = None,
    format: str | None = None,
    help: str | None = None,
    width: int = NUMBER_WIDTH,
) -> Any:
    """A number whose value is in the URL; a link's comes first. Whole where all of `low`, `high`, `default` are.

    Args:
        wanted: made by `number` with the same limits.
        label: of the field.
        low, high, default: its limits, and its value without a link or with one that cannot be read.
        key: unique on the page.
        step: of its buttons.
        format: of what it shows, as of `st.number_input`.
        help: beside the label.
        width: in pixels.
    """
    if key not in st.session_state:
        linked = read(wanted)
        st.session_state[key] = default if linked is None else linked
    chosen = st.number_input(label, low, high, key=key, step=step, format=format, help=help, width=width)
    chosen = default if chosen is None else chosen
    write(wanted, chosen if chosen != default else None)
    return chosen
