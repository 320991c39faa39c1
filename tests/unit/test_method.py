"""docs/method.md names every measurement, and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from vae_core import metrics

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def test_every_test_that_it_names_is_there() -> None:
    there = {name for file in (ROOT / "tests").rglob("test_*.py") for name in _tests_in(file)}
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(named) > 40 and not named - there


def test_every_function_that_measures_has_its_place() -> None:
    functions = {name for name in metrics.__all__ if name[0].islower()}
    assert not functions - set(re.findall(r"`(\w+)`", TEXT))


def _tests_in(file: Path) -> list[str]:
    return re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
