"""The lessons on paper: a worksheet for each, and its solutions from the runs that the pages show::

    python -m ui.lessons.worksheet --to FOLDER --address http://NAME-OF-THE-MACHINE:8501

The app serves the same pages as ``/worksheet/ninety.html``, ``/worksheet/ninety-solutions.html`` and so on.
"""

from __future__ import annotations

import argparse
import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ui.chapters.classroom.address import in_the_room
from ui.figures.messages import without_places
from vae_core.errors import VaeCoreError

if TYPE_CHECKING:
    from ui.lessons.record import Lesson, Question, Step, Stop

WORKSHEET = "worksheet"  # the first part of the address
_STYLE = Path(__file__).with_name("worksheet.css")
_FILE = re.compile(r"([a-z]+)(-solutions)?\.html", re.ASCII)


def file_of(slug: str, *, solved: bool = False) -> str:
    """The name of a lesson's worksheet, or of its solutions, below `WORKSHEET`."""
    return f"{slug}{'-solutions' if solved else ''}.html"


@dataclass(frozen=True)
class Address:
    """Where the app is.

    Attributes:
        linked: what links of the page begin with.
        printed: what a reader of the paper types, without the scheme.
        alone: whether that means only the machine which opens it, so that it is of no use on paper.
    """

    linked: str
    printed: str
    alone: bool = False

    @staticmethod
    def of(url: str, linked: str = "") -> Address:
        """From the app's address as whoever asks for the paper has it, with no slash at its end.

        Args:
            linked: what links begin with; else the address that is printed.
        """
        outside = in_the_room(url)
        found = outside or url
        return Address(linked or found, found.partition("://")[2], alone=not outside)


def document(lesson: Lesson, address: Address, *, solved: bool) -> str:
    """A whole page: every step with its time, link and question, and room to write; or with the right answers.

    Args:
        lesson: the lesson.
        address: of the app, with no slash at its end.
        solved: whether it has the answers, which are computed from the runs.
    """
    title = f"{'Solutions: ' if solved else ''}{lesson.title}, {lesson.minutes} minutes"
    # Students open the worksheet on the screen too: the way to the solutions is on the page of a class alone.
    other = f', or see <a href="{file_of(lesson.slug)}">the worksheet</a>' if solved else ""
    about = (
        "Computed from the models that the pages show."
        if solved
        else "Choose an answer before you open the page. Then do what it says, and write down what you saw."
    )
    name = "" if solved else '<p class="name">Name <span class="blank"></span></p>'
    begins = lesson.stops_begin()
    sections = "".join(
        _section(stop, begin, begin + stop.minutes, address, solved)
        for stop, begin in zip(lesson.stops, begins[:-1], strict=True)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<header><h1>{html.escape(title)}</h1><p>{about}</p>"
        f'<p class="screen">Print this page{other}.</p>{_warning(address)}{name}</header>'
        f"<main>{sections}</main></body></html>\n"
    )


def _warning(address: Address) -> str:
    """For whoever is about to print addresses that no other device can open."""
    if not address.alone:
        return ""
    return (
        '<p class="screen warning"><strong>These links work only on this machine</strong>, which has no other address. '
        "Connect it to the network of your students, and open this page anew.</p>"
    )


def _section(stop: Stop, begin: int, end: int, address: Address, solved: bool) -> str:
    lines = '<div class="line"></div>' * 2
    room = "" if solved else f'<div class="room"><p>{html.escape(stop.note)}:</p>{lines}</div>'
    return (
        f"<section><h2><small>{begin} to {end} min</small>{html.escape(stop.title)}</h2>"
        f"{''.join(_step(step, address, solved) for step in stop.steps)}{room}</section>"
    )


def _step(step: Step, address: Address, solved: bool) -> str:
    if step.question:
        asked = _question(step.question, solved)
    else:
        room = '<p class="aloud">Asked aloud: the page shows it.</p>' if solved else '<div class="line"></div>'
        asked = f"<p><strong>{html.escape(step.ask)}</strong></p>{room}" if step.ask else ""
    return f'<div class="step">{asked}<p>Open {_anchor(step.link, address)}<br>{html.escape(step.do)}</p></div>'


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


def as_html(markdown: str) -> str:
    """The little markdown that answers are written in: bold, italics, and terms of the glossary, shown as words."""
    text = html.escape(re.sub(r"\[\[(?:[^|\]]*\|)?([^\]]*)\]\]", r"\1", markdown))
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"(?<![*\w])\*([^*\s][^*]*)\*", r"<em>\1</em>", text)


def _lesson(slug: str) -> Lesson | None:
    """Imported when it is first asked for: it needs what several chapters compute with."""
    from ui.lessons.paths import lesson_named

    return lesson_named(slug)


def worksheet_route() -> Route:
    """Answers ``/{name}``, below `WORKSHEET`."""
    return Route("/{name}", _answer, methods=["GET"])


def _answer(request: Request) -> Response:  # not async: answers are computed beside the server's loop
    found = _FILE.fullmatch(request.path_params["name"])
    lesson = _lesson(found[1]) if found else None
    if found is None or lesson is None:
        return PlainTextResponse("Not Found", 404)
    here = f"{request.url.scheme}://{request.url.netloc}{request.url.path.rpartition(f'/{WORKSHEET}/')[0]}"
    text = document(lesson, Address.of(here, linked=".."), solved=bool(found[2]))
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


def main() -> None:
    """Write all pages to a folder, and print where they are."""
    from ui.lessons.paths import lessons

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("::")[0])
    parser.add_argument("--to", type=Path, default=Path("lesson"), help="folder of the pages")
    parser.add_argument(
        "--address", default="http://localhost:8501",
        help="of the app; of an address that means only this machine its own in the network is printed",
    )  # fmt: skip
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    address = Address.of(chosen.address.rstrip("/"))
    for lesson in lessons():
        for solved in (False, True):
            file = chosen.to / file_of(lesson.slug, solved=solved)
            file.write_text(document(lesson, address, solved=solved), encoding="utf-8")
            print(file)


if __name__ == "__main__":
    main()
