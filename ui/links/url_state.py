"""State worth sharing is in the URL: kinds of properties, and how they are read and written. Nothing read is trusted.

A chapter's record lists the properties of its page (`ui.chapters`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

MAX_PINS = 8
MENU_WIDTH, NUMBER_WIDTH = 280, 150  # pixels
LARGEST_COORDINATE = 1e4
LONGEST_NUMBER, LONGEST_KEY, LONGEST_TEXT = 25, 200, 4_000  # characters

_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"\w[\w.-]*", re.ASCII)
_WHOLE = re.compile(r"-?\d+", re.ASCII)


@dataclass(frozen=True)
class Property:
    """One query parameter.

    Attributes:
        name: in the URL.
        parse: text -> value; raises ValueError on anything that is not one.
        text: value -> text; an empty text removes the parameter.
        meaning: for the message that a value was ignored, and for the list of links for teachers.
        values: the possible ones, for the same list.
        example: a valid text, for the same list.
        in_browser: whether a component in the browser reads and writes its value; the server then only validates it
            (see ui/components/engine/link.js).
        check: what a component commits -> value, with the bounds of `parse`; raises ValueError as it does. None for
            what no component commits.
    """

    name: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str]
    meaning: str
    values: str
    example: str
    in_browser: bool = False
    check: Callable[[Any], Any] | None = None


def in_browser(*some: Property) -> tuple[Property, ...]:
    """The same properties, kept by components in the browser."""
    return tuple(replace(one, in_browser=True) for one in some)


# ---- kinds -----------------------------------------------------------------------------------------------------------


def _number(text: str) -> float:
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    return float(text)


def _coordinate(text: str) -> float:
    return _checked_coordinate(_number(text))


def _checked_coordinate(value: Any) -> float:
    # A whole number may be longer than any float: compared before it is made one.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_COORDINATE:
        raise ValueError("not a coordinate")
    return float(value)


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError("too long")
    return text


def _points(text: str) -> list[list[float]]:
    return _checked_points([[_number(part) for part in pair.split(",")] for pair in _short(text).split(";") if pair])


def _checked_points(value: Any) -> list[list[float]]:
    # The length first: a component may commit any number of them.
    if not isinstance(value, list) or len(value) > MAX_PINS:
        raise ValueError("not a list of points")
    if any(not isinstance(point, list) or len(point) != 2 for point in value):
        raise ValueError("not a list of points")
    return [[_checked_coordinate(part) for part in point] for point in value]


def _view(text: str) -> dict[str, float]:
    return _checked_view([_number(part) for part in _short(text).split(",")])


def _checked_view(value: Any) -> dict[str, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError("not a view")
    cx, cy, half = map(_checked_coordinate, value)
    if half <= 0:
        raise ValueError("not a view")
    return {"cx": cx, "cy": cy, "half": half}


def _key(text: str) -> str:
    if len(text) > LONGEST_KEY or not _KEY.fullmatch(text):
        raise ValueError("not a key")
    return text


def _joined(values: Iterable[float]) -> str:
    return ",".join(f"{value:.4g}" for value in values)


def _exact(value: float) -> str:
    """The shorter of two texts that are both read as this number."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(float(value))


def _text(value: Any) -> str:
    """A value as a link writes it; JavaScript writes numbers the same way."""
    return _exact(value) if isinstance(value, float) else str(value)


def _pick(text: str, by_text: dict[str, Any]) -> Any:
    if text not in by_text:
        raise ValueError(f"not one of the values: {text[:20]}")
    return by_text[text]


def _described(by_text: dict[str, Any]) -> str:
    """The possible values, in words."""
    few = len(by_text) <= 20
    return ", ".join(by_text) if few else f"{next(iter(by_text))} to {next(reversed(by_text))}"


def one_of(name: str, values: Iterable[Any], meaning: str) -> Property:
    """A parameter that takes one of a few values, written as their text."""
    by_text = {_text(value): value for value in values}
    example = next(reversed(by_text))
    return Property(name, lambda text: _pick(text, by_text), _text, meaning, _described(by_text), example)


def several_of(name: str, values: Iterable[Any], meaning: str) -> Property:
    """A parameter that takes some of a few values, each once, separated by commas."""
    by_text = {str(value): value for value in values}

    def parse(text: str) -> list[Any]:
        found = [_pick(part, by_text) for part in _short(text).split(",")]
        if len(set(map(str, found))) < len(found):
            raise ValueError("a value twice")
        return found

    described = f"some of {_described(by_text)}, with commas between them"
    return Property(
        name, parse, lambda some: ",".join(map(str, some)), meaning, described, ",".join(list(by_text)[1:3])
    )


def number(
    name: str, low: float, high: float, meaning: str, *, whole: bool = True, example: float | None = None
) -> Property:
    """A parameter that is a number from `low` to `high`."""

    def parse(text: str) -> float:
        if whole and not (len(text) <= LONGEST_NUMBER and _WHOLE.fullmatch(text)):
            raise ValueError("not a whole number")
        value = int(text) if whole else _number(text)
        if not low <= value <= high:  # nan compares as false
            raise ValueError(f"not from {low:g} to {high:g}: {text}")
        return value

    shown = (low + 1 if whole else (low + high) / 2) if example is None else example
    described = f"a {'whole ' if whole else ''}number from {_exact(low)} to {_exact(high)}"
    return Property(name, parse, str if whole else _exact, meaning, described, _exact(shown))


def numbers(name: str, most: int, meaning: str) -> Property:
    """A parameter that is a list of at most so many coordinates."""

    def parse(text: str) -> list[float]:
        found = [_coordinate(part) for part in _short(text).split(",")]
        if len(found) > most:
            raise ValueError(f"more than {most} numbers")
        return found

    return Property(name, parse, _joined, meaning, f"up to {most} numbers with commas between them", "0.5,-1.25")


def flag(name: str, meaning: str) -> Property:
    """A parameter that is 1 or absent."""
    return Property(name, lambda text: _pick(text, {"1": True}), lambda on: "1" if on else "", meaning, "1", "1")


def switch(name: str, meaning: str) -> Property:
    """A parameter that is 1 or 0; absent where the page's own default holds."""
    return Property(
        name, lambda text: _pick(text, {"1": True, "0": False}), lambda on: str(int(on)), meaning, "0, 1", "1"
    )


def key(name: str, meaning: str, example: str = "vae-mnist-d2-b1-6dc7bd31b7") -> Property:
    """A parameter that names a run; the page checks whether it exists."""
    return Property(name, _key, str, meaning, "a run's key, as the latent explorer shows it", example)


def word(name: str, pattern: str, meaning: str, values: str, example: str) -> Property:
    """A parameter whose possible values are not known in advance, only their pattern.

    A page restricts it with `narrowed`.
    """
    form = re.compile(pattern, re.ASCII)

    def parse(text: str) -> str:
        if len(text) > LONGEST_KEY or not form.fullmatch(text):
            raise ValueError(f"not such a value: {text[:20]}")
        return text

    return Property(name, parse, str, meaning, values, example)


def narrowed(wide: Property, values: Iterable[Any]) -> Property:
    """A property made by `word`, restricted to the values that exist."""
    return one_of(wide.name, values, wide.meaning)


def point(name: str, meaning: str) -> Property:
    """A parameter that is one point of a plane; written to four digits."""

    def parse(text: str) -> list[float]:
        found = [_coordinate(part) for part in _short(text).split(",")]
        if len(found) != 2:
            raise ValueError("not a point")
        return found

    return Property(name, parse, _joined, meaning, "a point x,y of the plane", "0.5,-1.25")


def points(name: str, meaning: str) -> Property:
    """A parameter that is a list of points of a plane; written to four digits."""
    described = f"up to {MAX_PINS} points x,y of the plane with semicolons between them"
    return Property(
        name, _points, lambda pins: ";".join(map(_joined, pins)), meaning, described, "0.5,-1;1,2",
        check=_checked_points,
    )  # fmt: skip


def view(name: str, meaning: str) -> Property:
    """A parameter that is a square part of a plane; written to four digits."""
    described = "x,y of the middle and half of the side"
    return Property(
        name, _view, lambda seen: _joined(seen.values()), meaning, described, "0,0,1.5", check=_checked_view
    )


def choices(name: str, names: Sequence[str], most: int, meaning: str) -> Property:
    """A parameter that gives some names a number each, from 0 to `most`: name:number, separated by commas."""

    def parse(text: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for part in _short(text).split(","):
            one, _, index = part.partition(":")
            if one not in names or one in found or not _WHOLE.fullmatch(index) or not 0 <= int(index) <= most:
                raise ValueError(f"not such a choice: {part[:20]}")
            found[one] = int(index)
        return found

    def text(chosen: dict[str, int]) -> str:
        return ",".join(f"{one}:{index}" for one, index in chosen.items())

    described = f"name:number with commas between them; names {', '.join(names)}, the first option is 0"
    return Property(name, parse, text, meaning, described, f"{names[-1]}:1")


def plane(prefix: str, what: str) -> tuple[Property, ...]:
    """The parameters of a latent canvas, with names that begin with `prefix`."""
    return in_browser(
        points(f"{prefix}z", f"the pinned points of {what}"),
        view(f"{prefix}view", f"the part of {what} to show"),
        several_of(f"{prefix}off", range(100), f"the classes, counted from 0, that {what} hides"),
        switch(f"{prefix}heat", f"whether the distances are shown on {what}"),
    )


# ---- reading and writing ---------------------------------------------------------------------------------------------


def left_out(properties: Sequence[Property]) -> str:
    """The sentence that says which parameters of a link could not be read."""
    described = " and ".join(f"“{one.name}” ({one.meaning})" for one in properties)
    were = "was" if len(properties) == 1 else "were"
    return f"The link's {described} could not be read, so {'it' if were == 'was' else 'they'} {were} left out."


def read(wanted: Property) -> Any:
    """The value in the URL, or None if there is none. A value that cannot be read is reported and ignored."""
    text = st.query_params.get(wanted.name)
    if not text:
        return None
    try:
        return wanted.parse(text)
    except ValueError:
        st.warning(left_out([wanted]))
        return None


def committed(wanted: Property, value: Any) -> Any:
    """What a component committed, with the bounds that its link has; None for nothing, and for what is out of them.

    The browser of a visitor sends it: it may be anything.
    """
    if value is None or wanted.check is None:
        return None
    try:
        return wanted.check(value)
    except ValueError:
        return None


def write(changed: Property, value: Any) -> None:
    """Put a value into the URL, or remove it if it is None or empty.

    Nothing is sent if nothing changes: after every message Streamlit writes the whole query string again, without what
    components store there.
    """
    text = "" if value is None else changed.text(value)
    if text == st.query_params.get(changed.name, ""):
        return
    if text:
        st.query_params[changed.name] = text
    else:
        del st.query_params[changed.name]


def begin(wanted: Property, default: Any, *, key: str) -> Any:
    """Initialise a control, or an entry of the session's state: with the link's value, else the default.

    Returns:
        The current value.
    """
    if key not in st.session_state:
        linked = read(wanted)
        st.session_state[key] = default if linked is None else linked
    return st.session_state[key]


def keep(wanted: Property, value: Any, default: Any) -> None:
    """Put a value into the URL, unless it is the default."""
    write(wanted, value if value != default else None)


def choose(
    wanted: Property,
    label: str,
    options: Sequence[Any],
    default: Any,
    *,
    key: str,
    format_func: Callable[[Any], str] = str,
    menu: bool = False,
    help: str | None = None,
    width: int = MENU_WIDTH,
) -> Any:
    """A control whose choice is in the URL; a link's choice takes precedence.

    Args:
        wanted: made by `one_of` from the same options.
        label: of the control.
        options: the choices.
        default: without a link, or with one that cannot be read.
        key: unique on the page.
        format_func: option -> its text.
        menu: a menu, for many or long options, instead of a segmented control.
        help: beside the label.
        width: of the menu, in pixels.
    """
    begin(wanted, default, key=key)
    if menu:
        chosen = st.selectbox(label, options, key=key, format_func=format_func, help=help, width=width)
    else:
        chosen = st.segmented_control(label, options, key=key, format_func=format_func, help=help)
    chosen = default if chosen is None else chosen  # a second click clears the choice
    keep(wanted, chosen, default)
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
    """A number whose value is in the URL; a link's takes precedence. An integer if `low`, `high` and `default` are.

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
    begin(wanted, default, key=key)
    chosen = st.number_input(label, low, high, key=key, step=step, format=format, help=help, width=width)
    chosen = default if chosen is None else chosen
    keep(wanted, chosen, default)
    return chosen
