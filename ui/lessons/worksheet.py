"""The lesson of 90 minutes on paper: a worksheet, and its solutions from the runs that the pages show::

    python -m ui.lessons.worksheet --to FOLDER --address http://NAME-OF-THE-MACHINE:8501

The app serves the same two pages at ``/worksheet/lesson.html`` and ``/worksheet/solutions.html``.
"""

from __future__ import annotations

import argparse
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ui.figures.messages import without_places
from vae_core.errors import VaeCoreError

if TYPE_CHECKING:
    from ui.lessons.ninety_minutes import Question, Stop

WORKSHEET = "worksheet"  # the first part of the address
LESSON, SOLUTIONS = "lesson.html", "solutions.html"
_STYLE = Path(__file__).with_name("worksheet.css")
_LINK = re.compile(r"\b[a-z]+\?[\w&=.\-]+")  # of the app, within a sentence


@dataclass(frozen=True)
class Address:
    """Where the app is.

    Attributes:
        linked: what links of the page begin with.
        printed: what a reader of the paper types, without the scheme.
    """

    linked: str
    printed: str


def document(stops: Sequence[Stop], address: Address, *, solved: bool) -> str:
    """A whole page: every stop with its time, link and questions, and room to write; or with the right answers.

    Args:
        stops: of the lesson.
        address: of the app, with no slash at its end.
        solved: whether it has the answers, which are computed from the runs.
    """
    minutes = stops[-1].end
    title = f"{'Solutions: ' if solved else ''}Variational autoencoders in {minutes} minutes"
    other = (LESSON, "the worksheet") if solved else (SOLUTIONS, "its solutions")
    about = (
        "Computed from the models that the pages show."
        if solved
        else "Choose an answer before you open the page. Then do what it says, and write down what you saw."
    )
    name = "" if solved else '<p class="name">Name <span class="blank"></span></p>'
    sections = "".join(_section(stop, address, solved) for stop in stops)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<header><h1>{title}</h1><p>{about}</p>"
        f'<p class="screen">Print this page, or see <a href="{other[0]}">{other[1]}</a>.</p>{name}</header>'
        f"<main>{sections}</main></body></html>\n"
    )


def _section(stop: Stop, address: Address, solved: bool) -> str:
    questions = "".join(_question(one, solved) for one in stop.questions)
    room = "" if solved else f'<p>{html.escape(stop.note)}:</p><div class="lines"></div>'
    return (
        f"<section><h2><small>{stop.begin} to {stop.end} min</small>{html.escape(stop.title)}</h2>"
        f"{questions}<p>Open {_anchor(stop.link, address)}</p>"
        f"<p>{_with_links(stop.do, address)}</p>{room}</section>"
    )


def _question(question: Question, solved: bool) -> str:
    right, why = -1, ""
    if solved:
        try:
            right, reason = question.answer()
            why = f'<p class="why">{as_html(reason)}</p>'
        except VaeCoreError as error:
            why = f'<p class="why">It cannot be answered here: {html.escape(without_places(str(error)))}</p>'
    options = "".join(
        f'<li class="right">☑ {html.escape(option)}</li>' if place == right else f"<li>☐ {html.escape(option)}</li>"
        for place, option in enumerate(question.options)
    )
    return f"<p><strong>{html.escape(question.text)}</strong></p><ul>{options}</ul>{why}"


def _anchor(link: str, address: Address) -> str:
    linked, printed = (html.escape(f"{begin}/{link}") for begin in (address.linked, address.printed))
    return f'<a href="{linked}">{printed}</a>'


def _with_links(sentence: str, address: Address) -> str:
    """A sentence in which links of the app lead there."""
    parts, at = [], 0
    for found in _LINK.finditer(sentence):
        parts += [html.escape(sentence[at : found.start()]), _anchor(found[0], address)]
        at = found.end()
    return "".join([*parts, html.escape(sentence[at:])])


def as_html(markdown: str) -> str:
    """The little markdown that answers are written in: bold, italics, and terms of the glossary, shown as words."""
    text = html.escape(re.sub(r"\[\[(?:[^|\]]*\|)?([^\]]*)\]\]", r"\1", markdown))
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"(?<![*\w])\*([^*\s][^*]*)\*", r"<em>\1</em>", text)


@cache
def _lesson() -> tuple[Stop, ...]:
    """Imported when it is first asked for: it needs what several chapters compute with."""
    from ui.lessons.ninety_minutes import LESSON as stops

    return stops


def worksheet_route() -> Route:
    """Answers ``/{name}``, below `WORKSHEET`."""
    return Route("/{name}", _answer, methods=["GET"])


def _answer(request: Request) -> Response:  # not async: answers are computed beside the server's loop
    name = request.path_params["name"]
    if name not in (LESSON, SOLUTIONS):
        return PlainTextResponse("Not Found", 404)
    printed = f"{request.url.netloc}{request.url.path.rpartition(f'/{WORKSHEET}/')[0]}"
    text = document(_lesson(), Address("..", printed), solved=name == SOLUTIONS)
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


def main() -> None:
    """Write both pages to a folder, and print where they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("::")[0])
    parser.add_argument("--to", type=Path, default=Path("lesson"), help="folder of the pages")
    parser.add_argument("--address", default="http://localhost:8501", help="of the app, as the class opens it")
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    linked = chosen.address.rstrip("/")
    address = Address(linked, linked.rpartition("://")[2])
    for name in (LESSON, SOLUTIONS):
        text = document(_lesson(), address, solved=name == SOLUTIONS)
        (chosen.to / name).write_text(text, encoding="utf-8")
        print(chosen.to / name)


if __name__ == "__main__":
    main()
