"""What a page shows to the server, sealed, so that no other site and no visitor can make it up.

A ticket says who the visitor is and in which class; a sealed question is one that the app has really asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ui.classroom.codes import digest
from ui.training.visitor import seal, sealed


def ticket(code: str, visitor: str) -> str:
    """For a page of a visitor who is in a class."""
    return _with_seal(f"{code}.{digest(visitor)}")


def shown_by(text: str) -> tuple[str, str] | None:
    """The class, and the digest of the visitor, of a ticket; None if it is not one of ours."""
    code, _, person = (_sealed_part(text) or "").partition(".")
    return (code, person) if person else None


@dataclass(frozen=True)
class Wording:
    """A question as a page asks it: its name in a class, its text, its options."""

    name: str
    text: str
    options: tuple[str, ...]


def sealed_question(wording: Wording) -> str:
    """What a student's page sends along with an answer: whichever process gets it knows what was asked."""
    return _with_seal(json.dumps([wording.name, wording.text, wording.options], ensure_ascii=False))


def question_of(text: str) -> Wording | None:
    """The question of a sealed one; None if it is not one of ours."""
    said = _sealed_part(text)
    if not said or not said.startswith("["):  # a ticket is sealed, too
        return None
    name, asked, options = json.loads(said)
    return Wording(name, asked, tuple(options))


def _with_seal(said: str) -> str:
    return f"{said}.{seal(said)}"


def _sealed_part(text: str) -> str | None:
    said, _, seal_of_it = text.rpartition(".")
    return said if sealed(said, seal_of_it) else None
