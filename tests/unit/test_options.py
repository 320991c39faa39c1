"""Fields that one model alone has: checked, written where they say something, and part of the key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from vae_core import models
from vae_core.errors import SpecError
from vae_core.models import MODELS, register_model
from vae_core.options import OneOf, Real, Whole, option
from vae_core.spec import OPTIONS, RunSpec


@dataclass(frozen=True)
class Levels:
    count: int = option(8, Whole(2, 64), "Levels of a code.")
    width: float = option(1.0, Real(0.0, 4.0, open_low=True), "Between two of them.")
    kind: str = option("even", OneOf(("even", "log")), "How they lie.")


@pytest.fixture(autouse=True)
def levelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.MODELS, "levelled", replace(MODELS["ae"], options=Levels))


def made(**options: Any) -> RunSpec:
    return RunSpec("digits", "levelled", options=options)


def test_usual_values_are_not_written_and_have_one_key() -> None:
    plain = RunSpec("digits", "levelled")
    assert plain.options == Levels()
    assert "options" not in plain.to_dict()
    assert plain.key == made(count=8).key == RunSpec("digits", "levelled", options=Levels(width=1)).key


def test_a_value_of_its_own_is_in_the_key_and_comes_back_from_json() -> None:
    spec = made(count=16, kind="log")
    assert spec.to_dict()["options"] == {"count": 16, "kind": "log"}
    assert spec.key != RunSpec("digits", "levelled").key
    again = RunSpec.from_dict(spec.to_dict())
    assert again == spec and again.options.count == 16


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 1}, "count must be an integer from 2 to 64, not 1"),
        ({"count": True}, "count must be an integer"),
        ({"width": 0.0}, "width must be a number above 0 and at most 4"),
        ({"kind": "odd"}, "kind must be even or log, not 'odd'"),
        ({"depth": 3}, "no option 'depth'; it has count, width, kind"),
    ],
)
def test_what_is_wrong_is_said_with_its_range(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        made(**options)


@pytest.mark.parametrize("width", [0.0, float("nan"), "1", None])
def test_a_record_that_a_caller_made_is_checked_too(width: Any) -> None:
    with pytest.raises(SpecError, match="width must be a number above 0 and at most 4"):
        RunSpec("digits", "levelled", options=Levels(width=width))


@dataclass
class Thawed:
    count: int = option(8, Whole(2, 64), "Levels of a code.")


@dataclass(frozen=True, eq=False)
class Unlike:
    count: int = option(8, Whole(2, 64), "Levels of a code.")


@dataclass(frozen=True)
class Undeclared:
    count: int = 8


@dataclass(frozen=True)
class Helpless:
    count: int = option(8, Whole(2, 64))


@dataclass(frozen=True)
class Beyond:
    count: int = option(1, Whole(2, 64), "Levels of a code.")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (dict, "the options dict must be a frozen dataclass"),
        (Thawed, "Thawed must be a frozen dataclass"),
        (Unlike, "Unlike must be a frozen dataclass, which is compared by its fields"),
        (Undeclared, "the field count of the options Undeclared needs its kind and help"),
        (Helpless, "the field count of the options Helpless needs its kind and help"),
        (Beyond, "a default of the options Beyond is out of its own range: count must be an integer from 2 to 64"),
    ],
)
def test_a_record_that_is_not_declared_is_refused_when_its_model_is_registered(record: type, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        register_model("undeclared", replace(MODELS["ae"], options=record))
    assert "undeclared" not in MODELS


def test_a_declared_record_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MODELS", dict(MODELS))
    register_model("another", replace(MODELS["ae"], options=Levels))
    assert models.model_kind("another").options is Levels


@pytest.mark.parametrize("value", [3, [], "count=3"])
def test_options_are_an_object(value: object) -> None:
    with pytest.raises(SpecError, match="must be an object of fields"):
        RunSpec("digits", "levelled", options=value)


def test_a_model_without_options_takes_none() -> None:
    with pytest.raises(SpecError, match="options must be left out for model 'vae'"):
        RunSpec("digits", "vae", options={"count": 3})


def test_every_field_that_a_person_sets_has_its_help() -> None:
    assert {name for name, each in OPTIONS.items() if not each.help} == set()
    assert set(RunSpec.__dataclass_fields__) - set(OPTIONS) == {"dataset", "model", "options"}
