"""What is known of the classes: who holds them, who is in them, their answers, what is revealed, where the teacher is.

Everything is in the database (`ui.classroom.database`); nothing that matters is in a process. Visitors are stored as
digests of their random names (`ui.training.visitor`): no names, no accounts, and ten tabs of a browser are one of them.

Until its question is revealed an answer may be changed, and the last one counts. Afterwards none is taken: whoever has
seen the right one no longer predicts. For the same reason an answer is final that was given while answers were not
held, or before they no longer were.

A browser repeats an answer until it hears what is kept, perhaps to another process. So every answer has the time at
which it was sent, by the browser's own clock: a repetition changes nothing, nor does one that is overtaken.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ui.classroom import limits
from ui.classroom.codes import digest, new_code, new_secret
from ui.classroom.database import ClassesUnavailable, exists, reading, set_aside, writing
from vae_core.errors import VaeCoreError

__all__ = ["ClassRefused", "ClassesUnavailable", "Kept", "Membership", "Question", "Started"]


_STUDENTS = (
    "(SELECT count(*) FROM members WHERE members.code = classes.code AND NOT EXISTS"
    " (SELECT 1 FROM teachers WHERE teachers.code = members.code AND teachers.visitor = members.visitor))"
)


class ClassRefused(VaeCoreError):
    """What was asked of a class is not possible; the message says why and what to do."""


@dataclass(frozen=True)
class Membership:
    """A visitor's class.

    Attributes:
        code: of the class.
        teaches: whether the visitor holds it.
    """

    code: str
    teaches: bool


@dataclass(frozen=True)
class Started:
    """A new class: its code, and the secret of the teacher's link, which is stored nowhere."""

    code: str
    secret: str


@dataclass(frozen=True)
class Question:
    """A question as a class has answered it.

    Attributes:
        name: the chapter and the prediction, ``beta/collapse-2``.
        text: as it is asked.
        options: the possible answers.
        counts: how many chose each of them.
        revealed: whether the teacher has shown the answer.
        right: the right option; None before it was revealed.
    """

    name: str
    text: str
    options: tuple[str, ...]
    counts: tuple[int, ...]
    revealed: bool
    right: int | None

    @property
    def answered(self) -> int:
        """How many have answered."""
        return sum(self.counts)


@dataclass(frozen=True)
class Place:
    """Where the teacher is, for those who follow.

    Attributes:
        page: its name in the URL.
        query: what its link says.
        step: the step of the page that is in view; empty if it is not known.
    """

    page: str
    query: dict[str, str]
    step: str = ""


@dataclass(frozen=True)
class Classroom:
    """All of a class that pages show.

    Attributes:
        code: of the class.
        students: how many are in it, without those who hold it.
        holds: whether answers stay hidden until the teacher reveals them.
        questions: in the order in which they were first asked.
        place: where the teacher leads; None while nobody does.
        moves: counts the changes of `place`.
        leader: the screen that leads.
    """

    code: str
    students: int
    holds: bool
    questions: tuple[Question, ...]
    place: Place | None
    moves: int
    leader: str


# ---- beginning and ending --------------------------------------------------------------------------------------------


def start(visitor: str, near: str = "") -> Started:
    """A new class, which the visitor holds.

    Args:
        visitor: who starts it.
        near: the address, as far as limits tell addresses apart.

    Raises:
        ClassRefused: there are too many.
        ClassesUnavailable: it cannot be stored.
    """
    try:
        return _start(visitor, near)
    except ClassesUnavailable as error:
        if not error.damaged:
            raise
    set_aside()
    return _start(visitor, near)


def _start(visitor: str, near: str) -> Started:
    secret, person, where = new_secret(), digest(visitor), digest(near or visitor)
    with writing() as database:
        _purge(database)
        mine, of_address, of_all = database.execute(
            "SELECT count(*) FILTER (WHERE by = ?), count(*) FILTER (WHERE near = ?), count(*) FROM classes",
            (person, where),
        ).fetchone()
        if mine >= limits.CLASSES_OF_ONE:
            raise ClassRefused(
                f"You have started {mine} classes within 24 hours, and no more are possible. Open one of them by its "
                "link and end it; then start the new one."
            )
        if of_address >= limits.CLASSES_OF_ADDRESS or of_all >= limits.CLASSES_OF_ALL:
            raise ClassRefused("There are as many classes here as there may be. End one of yours, or try again later.")
        code = new_code()
        while database.execute("SELECT 1 FROM classes WHERE code = ?", (code,)).fetchone():
            code = new_code()
        database.execute(
            "INSERT INTO classes (code, secret, made, by, near) VALUES (?, ?, ?, ?, ?)",
            (code, digest(secret), time.time(), person, where),
        )
        _enter(database, code, person, teaches=True)
    return Started(code, secret)


def join(code: str, visitor: str, near: str = "", secret: str = "") -> Membership:
    """Enter a class: as a student, or with the secret as a teacher. A visitor is in one class at a time.

    Raises:
        ClassRefused: there is no such class, or the secret is not its own, or too many wrong ones were tried from here,
            or the class is full.
        ClassesUnavailable: it cannot be stored.
    """
    person, where, refused = digest(visitor), digest(near or visitor), ""
    if not exists():
        raise ClassRefused(_no_such_class(secret))
    with writing() as database:
        now = time.time()
        found = database.execute(
            "SELECT secret, (SELECT count(*) FROM members WHERE members.code = classes.code) FROM classes"
            " WHERE code = ? AND made > ?", (code, now - limits.LIFE),
        ).fetchone()  # fmt: skip
        known = found is not None and (not secret or digest(secret) == found[0])
        inside = known and (bool(secret) or _code_of(database, person) == code or _holds(database, code, person))
        if not inside and _tried_too_much(database, person, where, now):
            raise ClassRefused("Too many wrong codes were tried. Wait ten minutes, and ask your teacher for the link.")
        if not known:
            _note_try(database, person, where, digest(f"{code}.{secret}"), now)
            refused = _no_such_class(secret)  # said outside: the try is to be kept
        elif found[1] >= limits.MEMBERS and not inside:
            refused = "This class is full."
        else:
            teaches = bool(secret) or _holds(database, code, person)
            _enter(database, code, person, teaches=teaches)
    if refused:
        raise ClassRefused(refused)
    return Membership(code, teaches)


def _tried_too_much(database: sqlite3.Connection, person: str, where: str, now: float) -> bool:
    """Whether so many different wrong codes came lately from a visitor, an address or all, that no further one counts.

    One wrong code that many have, as an old link's, is one try: nobody learns more by it.
    """
    tried = database.execute(
        "SELECT count(DISTINCT tried) FILTER (WHERE visitor = ?), count(DISTINCT tried) FILTER (WHERE near = ?),"
        " count(DISTINCT tried) FROM tries WHERE at > ?", (person, where, now - limits.TRIES_WITHIN),
    ).fetchone()  # fmt: skip
    most = (limits.TRIES_OF_ONE, limits.TRIES_OF_ADDRESS, limits.TRIES_OF_ALL)
    return any(count >= limit for count, limit in zip(tried, most, strict=True))


def _note_try(database: sqlite3.Connection, person: str, where: str, tried: str, now: float) -> None:
    """Note a wrong code: once for an address, as the try of whoever had it first."""
    database.execute("DELETE FROM tries WHERE at <= ?", (now - limits.TRIES_WITHIN,))
    database.execute(
        "INSERT INTO tries (at, visitor, near, tried) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
        (now, person, where, tried),
    )


def _no_such_class(secret: str) -> str:
    if secret:
        return "This teacher's link is not, or no longer, one of a class. Start a new class, or use the newest link."
    return "There is no class with this code: it is mistyped, or the class has ended. Ask your teacher for the link."


def _enter(database: sqlite3.Connection, code: str, person: str, *, teaches: bool) -> None:
    database.execute(
        "INSERT INTO members VALUES (?, ?, ?) ON CONFLICT (visitor) DO UPDATE SET code = excluded.code, joined ="
        " excluded.joined WHERE code <> excluded.code", (person, code, time.time()),
    )  # fmt: skip
    if teaches:
        database.execute("INSERT OR IGNORE INTO teachers VALUES (?, ?)", (code, person))


def leave(visitor: str) -> None:
    """Leave the class; the answers given stay. Who holds the class can come back by its link."""
    if exists():
        with writing() as database:
            database.execute("DELETE FROM members WHERE visitor = ?", (digest(visitor),))


def end(code: str) -> None:
    """End a class, with everything that is known of it."""
    with writing() as database:
        database.execute("DELETE FROM classes WHERE code = ?", (code,))


def renew_secret(code: str) -> str:
    """Another secret for the teacher's link; the one before no longer opens the class. Who holds it still does."""
    secret = new_secret()
    with writing() as database:
        database.execute("UPDATE classes SET secret = ? WHERE code = ?", (digest(secret), code))
    return secret


def purge() -> None:
    """Remove what is older than a day."""
    if exists():
        with writing() as database:
            _purge(database)


def _purge(database: sqlite3.Connection) -> None:
    now = time.time()
    database.execute("DELETE FROM classes WHERE made <= ?", (now - limits.LIFE,))
    database.execute("DELETE FROM tries WHERE at <= ?", (now - limits.TRIES_WITHIN,))


# ---- who is in it ----------------------------------------------------------------------------------------------------


def membership(visitor: str) -> Membership | None:
    """The class that a visitor is in; None for none, and for one that is over."""
    return membership_of(digest(visitor)) if exists() else None


def membership_of(person: str) -> Membership | None:
    """The same, of a visitor's digest."""
    with reading() as database:
        found = database.execute(
            "SELECT code, EXISTS (SELECT 1 FROM teachers WHERE teachers.code = members.code AND teachers.visitor ="
            " members.visitor) FROM members JOIN classes USING (code) WHERE members.visitor = ? AND made > ?",
            (person, time.time() - limits.LIFE),
        ).fetchone()
    return Membership(found[0], bool(found[1])) if found else None


def _code_of(database: sqlite3.Connection, person: str) -> str | None:
    found = database.execute("SELECT code FROM members WHERE visitor = ?", (person,)).fetchone()
    return found[0] if found else None


def _holds(database: sqlite3.Connection, code: str, person: str) -> bool:
    found = database.execute("SELECT 1 FROM teachers WHERE code = ? AND visitor = ?", (code, person)).fetchone()
    return found is not None


# ---- questions and answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """What counts as a student's answer to a question.

    Attributes:
        option: the one that is stored; None if none is.
        sent: when the browser sent it, in milliseconds by its own clock.
        final: whether the student may no longer change it.
    """

    option: int | None
    sent: int = 0
    final: bool = False


def answer(code: str, name: str, text: str, options: Sequence[str], person: str, option: int, sent: int) -> Kept:
    """Take an answer in the place of one that was sent before it, unless that is final. May be asked again and again.

    Args:
        code: of the class.
        name: of the question.
        text: the question.
        options: its possible answers.
        person: the digest of the student.
        option: which one.
        sent: when the browser sent it, in milliseconds by its own clock.

    Returns:
        What counts now, which is something else where this one came too late, or is a teacher's.

    Raises:
        ValueError: there is no such option.
        ClassRefused: the class is over.
        ClassesUnavailable: it cannot be stored.
    """
    if not 0 <= option < len(options):
        raise ValueError(f"option {option} of {len(options)}")
    with writing() as database:
        revealed = _ask(database, code, name, text, options)
        if not revealed and not _holds(database, code, person):
            now = time.time()
            database.execute(
                "INSERT INTO answers (code, question, visitor, option, at, first, sent, final)"
                " SELECT code, ?, ?, ?, ?, ?, ?, NOT holds FROM classes WHERE code = ?"
                " ON CONFLICT DO UPDATE SET option = excluded.option, sent = excluded.sent,"
                " at = iif(excluded.option = answers.option, answers.at, excluded.at)"
                " WHERE excluded.sent > answers.sent AND NOT answers.final",
                (name, person, option, now, now, sent, code),
            )
        kept = _kept(database, code, name, person)
    return Kept(kept.option, kept.sent, kept.final or revealed)


def _kept(database: sqlite3.Connection, code: str, name: str, person: str) -> Kept:
    found = database.execute(
        "SELECT option, sent, final FROM answers WHERE code = ? AND question = ? AND visitor = ?", (code, name, person)
    ).fetchone()
    return Kept(found[0], found[1], bool(found[2])) if found else Kept(None)


def reveal(code: str, name: str, text: str, options: Sequence[str], right: int) -> None:
    """Show the answer to a question, with what the class has said. It stays shown.

    Raises:
        ClassRefused: the class is over.
    """
    with writing() as database:
        _ask(database, code, name, text, options)
        database.execute(
            'UPDATE questions SET revealed = 1, "right" = ? WHERE code = ? AND question = ?', (right, code, name)
        )


def _ask(database: sqlite3.Connection, code: str, name: str, text: str, options: Sequence[str]) -> bool:
    """Note that a question is asked; whether it was revealed before."""
    found = database.execute(
        "SELECT revealed, options FROM questions WHERE code = ? AND question = ?", (code, name)
    ).fetchone()
    written = json.dumps(list(options), ensure_ascii=False)
    if found and found[1] == written:
        return bool(found[0])
    alive = database.execute(
        "SELECT (SELECT count(*) FROM questions WHERE questions.code = classes.code) FROM classes WHERE code = ? AND"
        " made > ?", (code, time.time() - limits.LIFE),
    ).fetchone()  # fmt: skip
    if alive is None:
        raise ClassRefused("The class has ended.")
    if alive[0] >= limits.QUESTIONS:
        raise ClassRefused("The class has answered as many questions as it may.")
    # Other options, after the app was changed: answers to the former ones mean nothing.
    database.execute("DELETE FROM questions WHERE code = ? AND question = ?", (code, name))
    database.execute(
        "INSERT INTO questions (code, question, text, options, asked) VALUES (?, ?, ?, ?, ?)",
        (code, name, text, written, time.time()),
    )
    return False


def hold(code: str, holds: bool) -> None:
    """Whether answers stay hidden until the teacher reveals them. If not, whoever has answered sees the right one."""
    with writing() as database:
        database.execute("UPDATE classes SET holds = ? WHERE code = ?", (int(holds), code))
        if not holds:
            database.execute("UPDATE answers SET final = 1 WHERE code = ?", (code,))


@dataclass(frozen=True)
class Asked:
    """What a page needs to know of one question.

    Attributes:
        question: as the class has answered it; None if nobody has.
        mine: what this visitor has answered.
        holds: whether answers stay hidden until the teacher reveals them.
        students: how many are in the class.
    """

    question: Question | None
    mine: Kept
    holds: bool
    students: int


def asked(code: str, name: str, visitor: str) -> Asked | None:
    """A question for a visitor; None once the class is over."""
    with reading() as database:
        found = database.execute(
            f"SELECT holds, {_STUDENTS} FROM classes WHERE code = ? AND made > ?", (code, time.time() - limits.LIFE)
        ).fetchone()
        if found is None:
            return None
        mine = _kept(database, code, name, digest(visitor))
        return Asked(next(iter(_questions(database, code, name)), None), mine, bool(found[0]), found[1])


def _questions(database: sqlite3.Connection, code: str, name: str = "") -> list[Question]:
    which, values = ("code = ? AND question = ?", (code, name)) if name else ("code = ?", (code,))
    counts: dict[str, dict[int, int]] = {}
    for one, option, count in database.execute(
        f"SELECT question, option, count(*) FROM answers WHERE {which} GROUP BY question, option", values
    ):
        counts.setdefault(one, {})[option] = count
    found = []
    for one, text, options, revealed, right in database.execute(
        f'SELECT question, text, options, revealed, "right" FROM questions WHERE {which} ORDER BY asked', values
    ):
        names = tuple(json.loads(options))
        chosen = counts.get(one, {})
        found.append(
            Question(one, text, names, tuple(chosen.get(at, 0) for at in range(len(names))), bool(revealed), right)
        )
    return found


# ---- following -------------------------------------------------------------------------------------------------------


def lead(code: str, leader: str, to: Place | None) -> None:
    """Note where the teacher is; None ends leading, for the screen that leads alone.

    Args:
        code: of the class.
        leader: names the teacher's screen: of two that lead, the one that began last does, and the other's moves are
            not taken.
        to: the place.

    Raises:
        ClassRefused: another screen leads, or the place is too long.
    """
    written = None if to is None else json.dumps({"page": to.page, "query": to.query, "step": to.step})
    if written and len(written) > limits.LONGEST_PLACE:
        raise ClassRefused("What is on this screen is too long for a link, so nobody can follow it.")
    with writing() as database:
        changed = database.execute(
            "UPDATE classes SET place = ?, moves = moves + 1, leader = iif(? IS NULL, NULL, leader) WHERE code = ? AND"
            " leader = ? AND place IS NOT ?", (written, written, code, leader, written),
        )  # fmt: skip
        if not changed.rowcount and to is not None:
            found = database.execute("SELECT leader FROM classes WHERE code = ?", (code,)).fetchone()
            if not found or found[0] != leader:
                raise ClassRefused("Another of the teacher's screens leads now.")


def take_the_lead(code: str, leader: str) -> None:
    """From now on this screen leads, and no other one."""
    with writing() as database:
        database.execute("UPDATE classes SET leader = ? WHERE code = ?", (leader, code))


# ---- all of it -------------------------------------------------------------------------------------------------------


def classroom(code: str) -> Classroom | None:
    """All that pages show of a class; None once it is over."""
    with reading() as database:
        return classroom_in(database, code)


def classroom_in(database: sqlite3.Connection, code: str) -> Classroom | None:
    """The same, by a connection that is there."""
    found = database.execute(
        f"SELECT holds, place, moves, leader, {_STUDENTS} FROM classes WHERE code = ? AND made > ?",
        (code, time.time() - limits.LIFE),
    ).fetchone()  # fmt: skip
    if found is None:
        return None
    holds, place, moves, leader, students = found
    to = Place(**json.loads(place)) if place else None
    return Classroom(code, students, bool(holds), tuple(_questions(database, code)), to, moves, leader or "")


def rows(code: str) -> list[dict[str, Any]]:
    """Every answer, for a file: students are numbered in the order of their first answer."""
    with reading() as database:
        questions = {one.name: one for one in _questions(database, code)}
        given = database.execute(
            "SELECT question, visitor, option, at FROM answers WHERE code = ? ORDER BY at", (code,)
        ).fetchall()
        came = database.execute(
            "SELECT visitor FROM answers WHERE code = ? GROUP BY visitor ORDER BY min(first)", (code,)
        ).fetchall()
    numbers = {visitor: number for number, (visitor,) in enumerate(came, 1)}
    found = []
    for name, visitor, option, at in given:
        one = questions[name]
        right = "" if one.right is None else "yes" if one.right == option else "no"
        found.append({
            "student": numbers[visitor],
            "question": name,
            "asked": one.text,
            "answer": one.options[option],
            "right": right,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
        })  # fmt: skip
    return found
