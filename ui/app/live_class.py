"""A WebSocket for each page that is in a class: what the class shows now, and again whenever it has changed.

Where nothing happens nothing is sent: one task of the process asks the database every `LOOKED_EVERY` seconds whether
anybody has written to it, which takes microseconds, however many pages are open and whichever process wrote. A page
says with its first message who it is (`ui.classroom.tickets`). What a teacher's page says after that is where it is. A
student's page says what is answered, and says it again until it hears what is kept: the process that it told first may
have died.

A socket beside Streamlit's own, because an answer to a rerun costs milliseconds, and a rerun every second of thirty
students a tenth of a core; and because a rerun is lost with its process, an answer in the database is not. A request
that waits for its answer would take one of the six that a browser allows itself, so that ten tabs would block each
other.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.chapters import chapter_at, links
from ui.classroom import database, store
from ui.classroom.limits import MEMBERS, PURGED_EVERY
from ui.classroom.store import ClassesUnavailable, ClassRefused, Classroom, Place
from ui.classroom.tickets import Wording, question_of, shown_by
from ui.links.frame import of_frame

CLASS = "class"  # the first part of the address
LOOKED_EVERY = 0.2  # seconds between two looks at whether anybody has written
READ_ANYWAY = 60.0  # seconds after which a class is read all the same: it may have come of age
AGAIN_AFTER = 2.0  # seconds, where it could not be read
TOLD_WITHIN = 20.0  # seconds in which a page must say who it is
BETWEEN_MESSAGES = 0.05  # seconds between two that are taken from one page
LONGEST_MESSAGE = 10_000  # characters
PAGES_OF_ONE = 20  # open at a time
PAGES_OF_CLASS = 4 * MEMBERS
NOT_OURS, TOO_MANY = 4001, 4002  # the reason with which a socket is closed: the page does not try again

LATEST = 2**53  # milliseconds: what a browser's numbers hold

_STEP = re.compile(r"[\w-]{0,60}", re.ASCII)
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Page:
    """An open page.

    Attributes:
        code: its class.
        person: the digest of its visitor.
        teaches: whether the visitor holds the class.
        news: what it is to be told next; None if it knows all.
        last: what it was told last.
        changed: set when there are news.
    """

    code: str
    person: str
    teaches: bool
    news: str | None = None
    last: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, text: str) -> None:
        if text not in (self.last, self.news):
            self.news = text
            self.changed.set()
        elif text == self.last:
            self.news = None


class _Watch:
    """The open pages of this process, and the task that looks for them while there are any."""

    def __init__(self) -> None:
        self.pages: set[_Page] = set()
        self.task: asyncio.Task[None] | None = None
        self.asked = asyncio.Event()

    def add(self, page: _Page) -> None:
        self.pages.add(page)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._look())
        self.asked.set()

    def remove(self, page: _Page) -> None:
        self.pages.discard(page)

    async def _look(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while self.pages:
                try:
                    if connection is None:
                        connection = await asyncio.to_thread(database.connect, database.place(), 0.0, any_thread=True)
                    await self._tell_changes(connection)
                except (sqlite3.Error, OSError, ClassesUnavailable) as error:
                    if connection is not None:
                        connection.close()
                    connection = None
                    said = database.in_words(error) if isinstance(error, sqlite3.Error) else error
                    for page in self.pages:
                        page.tell(json.dumps({"problem": str(said)}))
                    await asyncio.sleep(AGAIN_AFTER)
        finally:
            if connection is not None:
                connection.close()

    async def _tell_changes(self, connection: sqlite3.Connection) -> None:
        """Tell all pages what is, and then what changes, until no page is left."""
        while self.pages:
            self.asked.clear()
            known, until = database.version_of_data(connection), time.monotonic() + READ_ANYWAY
            await self._tell()
            while self.pages and not self.asked.is_set() and time.monotonic() < until:
                await asyncio.sleep(LOOKED_EVERY)
                if database.version_of_data(connection) != known:
                    break

    async def _tell(self) -> None:
        codes = {page.code for page in self.pages}
        found = await asyncio.to_thread(lambda: {code: _views_or_problem(code) for code in codes})
        for page in self.pages:
            if views := found.get(page.code):  # else it came meanwhile, and `asked` is set
                page.tell(views[page.teaches])


_watch = _Watch()


def live_route() -> WebSocketRoute:
    """Answers ``/live``, below `CLASS`."""
    return WebSocketRoute("/live", _live)


async def keep_tidy() -> None:
    """Remove old classes, for as long as the server runs."""
    while True:
        try:
            await asyncio.to_thread(store.purge)
        except ClassesUnavailable as error:
            _log.warning("Old classes could not be removed: %s", error)
        await asyncio.sleep(PURGED_EVERY)


# ---- what pages are told ---------------------------------------------------------------------------------------------


def _views_or_problem(code: str) -> dict[bool, str]:
    """The same as `_views`; what is wrong with one class is its own pages' problem alone."""
    try:
        return _views(code)
    except (sqlite3.Error, OSError, ClassesUnavailable):
        raise  # concerns them all
    except Exception:  # noqa: BLE001  whatever is wrong with one class, the others go on; it is in the log
        _log.exception("What is stored of a class cannot be shown.")
        problem = json.dumps(
            {"problem": "What is stored of this class cannot be shown. If it stays so, start a new one."}
        )
        return {True: problem, False: problem}


def _views(code: str) -> dict[bool, str]:
    """What the pages of teachers (True) and of students (False) are told of a class."""
    found = store.classroom(code)
    if found is None:
        over = json.dumps({"over": True})
        return {True: over, False: over}
    return {teaches: json.dumps(view(found, teaches=teaches)) for teaches in (True, False)}


def view(found: Classroom, *, teaches: bool) -> dict[str, Any]:
    """What a page is told: students nothing of what is not yet revealed."""
    questions = {
        one.name: {"answered": one.answered, "counts": list(one.counts) if one.revealed else None}
        for one in found.questions
        if teaches or one.revealed
    }
    to = found.place
    place = to and {
        "move": found.moves,
        "page": to.page,
        "query": to.query,
        "values": _values(to.page, tuple(to.query.items())),
        "step": to.step,
    }
    for_teachers = {"students": found.students, "leader": found.leader} if teaches else {}
    return {"questions": questions, "place": place, "holds": found.holds, **for_teachers}


@lru_cache(maxsize=256)
def _values(page: str, query: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What a link says, as components in the browser take it."""
    known = links.properties(page)
    return {name: known[name].parse(text) for name, text in query if name in known}


# ---- what pages say --------------------------------------------------------------------------------------------------


async def _live(socket: WebSocket) -> None:
    await socket.accept()
    page = await _shown_in(socket)
    if page is None:
        return
    telling = asyncio.create_task(_tell(socket, page))
    _watch.add(page)
    try:
        while True:
            message = await socket.receive_text()
            if len(message) > LONGEST_MESSAGE:
                break
            if page.teaches:
                told = await asyncio.to_thread(_take_move, page.code, message)
            else:
                answer = Answer.read(message)
                if answer is None:
                    break
                told = await asyncio.to_thread(_take_answer, page, answer)
            if told:
                await socket.send_text(json.dumps(told))
            await asyncio.sleep(BETWEEN_MESSAGES)
        await socket.close(NOT_OURS)
    except WebSocketDisconnect:
        pass
    finally:
        _watch.remove(page)
        telling.cancel()


async def _shown_in(socket: WebSocket) -> _Page | None:
    """The page behind a socket, once it has shown its ticket; None if it was sent away."""
    try:
        async with asyncio.timeout(TOLD_WITHIN):
            shown = shown_by((await socket.receive_text())[:200])
    except (WebSocketDisconnect, TimeoutError, KeyError):  # KeyError: bytes instead of text
        shown = None
    reason = NOT_OURS
    if shown:
        code, person = shown
        here = [page for page in _watch.pages if page.code == code]
        if len(here) < PAGES_OF_CLASS and sum(page.person == person for page in here) < PAGES_OF_ONE:
            try:
                member = await asyncio.to_thread(store.membership_of, person)
            except ClassesUnavailable as error:
                member, reason = None, 1013  # try again later
                with suppress(WebSocketDisconnect, RuntimeError):
                    await socket.send_text(json.dumps({"problem": str(error)}))
            if member is not None and member.code == code:
                return _Page(code, person, member.teaches)
        else:
            reason = TOO_MANY
    with suppress(WebSocketDisconnect, RuntimeError):  # it has gone
        await socket.close(reason)
    return None


async def _tell(socket: WebSocket, page: _Page) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # the page has gone: its reader notices, too
        while True:
            await page.changed.wait()
            page.changed.clear()
            if page.news is not None:
                page.last, page.news = page.news, None
                await socket.send_text(page.last)


@dataclass(frozen=True)
class Answer:
    """What a student's page says.

    Attributes:
        question: as it was asked.
        option: which one was chosen.
        sent: when, in milliseconds by the browser's clock.
    """

    question: Wording
    option: int
    sent: int

    @classmethod
    def read(cls, message: str) -> Answer | None:
        """The answer in a message; None if there is none, or one to a question that the app has not asked."""
        try:
            said = json.loads(message)
            sealed, option, sent = said["question"], said["option"], said["sent"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        question = question_of(sealed) if isinstance(sealed, str) else None
        if question is None or type(option) is not int or type(sent) is not int:
            return None
        return cls(question, option, sent) if 0 <= option < len(question.options) and 0 <= sent < LATEST else None


def _take_answer(page: _Page, given: Answer) -> dict[str, Any]:
    """Store an answer; what its page is told: what is kept, or why nothing could be, and whether to try again."""
    asked = given.question
    told: dict[str, Any] = {"name": asked.name, "of": given.sent}
    try:
        kept = store.answer(page.code, asked.name, asked.text, asked.options, page.person, given.option, given.sent)
    except (ClassRefused, ClassesUnavailable) as error:
        return {"answer": {**told, "refused": str(error), "again": isinstance(error, ClassesUnavailable)}}
    return {"answer": {**told, "option": kept.option, "sent": kept.sent, "final": kept.final}}


def _take_move(code: str, message: str) -> dict[str, Any] | None:
    """Take what a teacher's page says; what it is told if that was not possible."""
    try:
        _take(code, message)
    except (ClassRefused, ClassesUnavailable) as error:
        return {"refused": str(error), "again": isinstance(error, ClassesUnavailable)}
    return None


def _take(code: str, message: str) -> None:
    """What a teacher's page says: that it leads from now on, where it is, or that it no longer leads.

    Raises:
        ClassRefused: the message is none of these, or another page leads.
    """
    try:
        said = json.loads(message)
        screen, what = said["screen"], said["what"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ClassRefused("The page sent something that is not understood. Reload it.") from error
    if not isinstance(screen, str) or not _STEP.fullmatch(screen):
        raise ClassRefused("The page sent something that is not understood. Reload it.")
    if what == "lead":
        store.take_the_lead(code, screen)
    elif what == "stop":
        store.lead(code, screen, None)
    else:
        store.lead(code, screen, place_of(said.get("place")))


def place_of(said: object) -> Place:
    """A place as a teacher's page says it, with those parts alone that a link to its page may have.

    Raises:
        ClassRefused: it is none.
    """
    wrong = ClassRefused("The page sent something that is not understood. Reload it.")
    if not isinstance(said, dict):
        raise wrong
    page, query, step = said.get("page"), said.get("query"), said.get("step")
    if not isinstance(page, str) or chapter_at(page) is None or not isinstance(query, dict):
        raise wrong
    if not isinstance(step, str) or not _STEP.fullmatch(step):
        raise wrong
    known, kept = links.properties(page), {}
    for name, text in query.items():
        if name in known and not of_frame(name) and isinstance(text, str):
            with suppress(ValueError):
                known[name].parse(text)
                kept[name] = text
    return replace(Place(page, kept), step=step)
