"""A field of a specification, described as data: its kind, its range, its help, and the models it applies to.

`RunSpec` validates itself with it, the command line takes help and defaults from it, and an external model declares
its own fields with it: a frozen dataclass whose fields are made by `option`, named by `ModelKind.options`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vae_core.errors import SpecError, UnknownName


class Kind(Protocol):
    """A kind of value."""

    def check(self, name: str, value: object) -> Any:
        """The value in its stored form.

        Raises:
            SpecError: it is not of this kind; the message names the field and the range.
        """
        ...


@dataclass(frozen=True)
class Whole:
    """An integer from `low` to `high`."""

    low: int
    high: int

    def check(self, name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise SpecError(f"{name} must be an integer from {self.low} to {self.high:,}, not {shown(value)}.")
        return value


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`, without `low` itself if `open_low`."""

    low: float
    high: float
    open_low: bool = False

    def check(self, name: str, value: object) -> float:
        ok = isinstance(value, int | float) and not isinstance(value, bool)
        # NaN and the infinities fail the comparison; math.isfinite raises on an integer above 1e308.
        if not ok or not self.low <= value <= self.high or (self.open_low and value == self.low):  # type: ignore[operator]
            least = f"above {self.low:g}" if self.open_low else f"at least {self.low:g}"
            raise SpecError(f"{name} must be a number {least} and at most {self.high:g}, not {shown(value)}.")
        return float(value) + 0.0  # type: ignore[arg-type]  # -0.0 becomes 0.0: equal specs have equal keys


@dataclass(frozen=True)
class OneOf:
    """One of some names."""

    names: tuple[str, ...]

    def check(self, name: str, value: object) -> str:
        if not isinstance(value, str) or value not in self.names:
            message = f"{name} must be {self.listed()}, not {shown(value)}."
            raise UnknownName(message, what=f"{name.replace('_', ' ')} {shown(value)}")
        return value

    def listed(self) -> str:
        """The names as text for a message."""
        return " or ".join(self.names) if len(self.names) == 2 else f"one of {', '.join(self.names)}"


@dataclass(frozen=True)
class Key:
    """The key of another run, or nothing."""

    def check(self, name: str, value: object) -> str:
        plain = isinstance(value, str) and len(value) <= 200 and value.isascii()
        if not plain or not all(c.isalnum() or c in "-_.+" for c in value):  # type: ignore[attr-defined]
            raise SpecError(f"{name} must be the key of a run, as 'list' prints it, not {shown(value)}.")
        return value  # type: ignore[return-value]


@dataclass(frozen=True)
class YesNo:
    """True or false."""

    def check(self, name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise SpecError(f"{name} must be true or false, not {shown(value)}.")
        return value


@dataclass(frozen=True)
class Widths:
    """At most `count` integers from 1 to `high`."""

    count: int
    high: int

    def check(self, name: str, value: object) -> tuple[int, ...]:
        if not isinstance(value, tuple | list) or len(value) > self.count:
            raise SpecError(f"{name} must list at most {self.count} layer widths, not {shown(value)}.")
        return tuple(Whole(1, self.high).check(f"each {name} width", width) for width in value)


@dataclass(frozen=True)
class Option:
    """One field.

    Attributes:
        kind: of its values, or a function specification -> kind if the range depends on another field.
        help: one sentence for the command line.
        usual: the default, stored as None: stating it and leaving it out give the same key.
        belongs: (specification, model kind) -> whether the field applies.
        refusal: the error message if it does not apply; ``{name}`` and ``{model}`` are filled in.
        strict: whether even the default is refused then.
    """

    kind: Kind | Callable[[Any], Kind]
    help: str = ""
    usual: Any = None
    belongs: Callable[[Any, Any], bool] = lambda spec, kind: True  # noqa: ARG005
    refusal: str = ""
    strict: bool = False

    def checked(self, name: str, spec: Any, kind: Any) -> Any:
        """The validated value as a specification stores it.

        Raises:
            SpecError: out of range, or the field does not apply.
        """
        value = getattr(spec, name)
        belongs = self.belongs(spec, kind)
        if self.strict and not belongs:
            raise SpecError(self.refusal.format(name=name, model=spec.model))
        value = (self.kind(spec) if callable(self.kind) else self.kind).check(name, value)
        if self.usual is not None and value == self.usual:
            return None
        if not belongs:
            raise SpecError(self.refusal.format(name=name, model=spec.model))
        return value


def option(default: Any, kind: Kind | Callable[[Any], Kind], help: str = "", **more: Any) -> Any:
    """A dataclass field with its `Option`."""
    return dataclasses.field(default=default, metadata={"option": Option(kind, help, **more)})


def options_of(record: type) -> dict[str, Option]:
    """Name -> `Option`, for the fields of a dataclass that have one."""
    fields = dataclasses.fields(record)
    return {field.name: field.metadata["option"] for field in fields if "option" in field.metadata}


def check_declaration(record: type) -> None:
    """Whether a class can be a model's own record: asked when the model is registered.

    Raises:
        ValueError: it is no frozen dataclass, or a field of it lacks its kind, its help, or a default of that kind.
    """
    name = getattr(record, "__name__", shown(record))
    if not isinstance(record, type) or not dataclasses.is_dataclass(record):
        raise ValueError(f"the options {name} must be a frozen dataclass")
    if not record.__dataclass_params__.frozen or not record.__dataclass_params__.eq:  # type: ignore[attr-defined]
        raise ValueError(f"the options {name} must be a frozen dataclass, which is compared by its fields")
    declared = options_of(record)
    for field in dataclasses.fields(record):
        if field.name not in declared or not declared[field.name].help:
            raise ValueError(
                f"the field {field.name} of the options {name} needs its kind and help: make it by 'option'"
            )
    try:
        check_record(record())
    except SpecError as error:
        raise ValueError(f"a default of the options {name} is out of its own range: {error}") from error


def check_record(record: Any) -> None:
    """Check the fields of a model's own frozen record, whoever made it.

    Raises:
        SpecError: the message names the field and its range.
    """
    for name, each in options_of(type(record)).items():
        kind = each.kind(record) if callable(each.kind) else each.kind
        object.__setattr__(record, name, kind.check(name, getattr(record, name)))


def record_from(record: type, values: object, model: str) -> Any:
    """A model's own record, checked, from the JSON of a specification; None is the record of all its defaults.

    Raises:
        SpecError: no object, a field that it does not have, or a value out of its field's range.
    """
    if not isinstance(values, record):
        values = {} if values is None else values
        if not isinstance(values, Mapping):
            raise SpecError(f"options of model {model!r} must be an object of fields, not {shown(values)}.")
        known = [field.name for field in dataclasses.fields(record)]
        if unknown := sorted(set(values) - set(known), key=str):
            message = f"model {model!r} has no option {shown(unknown[0])}; it has {', '.join(known)}."
            raise UnknownName(message, what=f"option {shown(unknown[0])} of model {model!r}")
        values = record(**values)
    check_record(values)
    return values


def unusual(record: Any) -> dict[str, Any]:
    """The fields of a record that differ from their defaults; only these are stored."""
    return {
        field.name: getattr(record, field.name)
        for field in dataclasses.fields(record)
        if getattr(record, field.name) != field.default
    }


def shown(value: object) -> str:
    """A value as text for a message, at most 60 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to format integers of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
