"""What a page shows to the server to be told of its class: made for one visitor, and of no use to another site."""

from __future__ import annotations

from ui.classroom.codes import digest
from ui.training.visitor import seal, sealed


def ticket(code: str, visitor: str) -> str:
    """For a page of a visitor who is in a class."""
    said = f"{code}.{digest(visitor)}"
    return f"{said}.{seal(said)}"


def shown_by(text: str) -> tuple[str, str] | None:
    """The class, and the digest of the visitor, of a ticket; None if it is not one of ours."""
    said, _, seal_of_it = text.rpartition(".")
    code, _, person = said.partition(".")
    return (code, person) if person and sealed(said, seal_of_it) else None
