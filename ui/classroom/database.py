"""The classes' file: one SQLite database below the data root, which all processes of the app on a machine share.

It is opened anew for every use, so that a file that was replaced, or a disk that is writable again, is simply there.
SQLite in WAL mode lets one process write while others read, and what was committed survives the end of any of them. (A
power cut may take the last second: without `synchronous=FULL` nothing waits for the disk.) Like every database in this
mode it needs a disk of the machine, not one over a network.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ui.classroom.limits import GIVEN_UP, READ_WAITS, WRITE_WAITS
from vae_core import datasets
from vae_core.errors import VaeCoreError

FILE = "classes.sqlite3"
VERSION = 3
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)

_TRIES = """
CREATE TABLE tries (
    at REAL NOT NULL, visitor TEXT NOT NULL, near TEXT NOT NULL, tried TEXT NOT NULL, PRIMARY KEY (near, tried)
) WITHOUT ROWID;
CREATE INDEX tries_at ON tries (at);
"""
_SCHEMA = f"""
CREATE TABLE classes (
    code TEXT PRIMARY KEY, secret TEXT NOT NULL, made REAL NOT NULL, by TEXT NOT NULL, near TEXT NOT NULL,
    holds INTEGER NOT NULL DEFAULT 1, place TEXT, moves INTEGER NOT NULL DEFAULT 0, leader TEXT
) WITHOUT ROWID;
CREATE TABLE members (
    visitor TEXT PRIMARY KEY, code TEXT NOT NULL REFERENCES classes ON DELETE CASCADE, joined REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX members_of ON members (code);
CREATE TABLE teachers (
    code TEXT NOT NULL REFERENCES classes ON DELETE CASCADE, visitor TEXT NOT NULL, PRIMARY KEY (code, visitor)
) WITHOUT ROWID;
CREATE TABLE questions (
    code TEXT NOT NULL REFERENCES classes ON DELETE CASCADE, question TEXT NOT NULL, text TEXT NOT NULL,
    options TEXT NOT NULL, asked REAL NOT NULL, revealed INTEGER NOT NULL DEFAULT 0, "right" INTEGER,
    PRIMARY KEY (code, question)
) WITHOUT ROWID;
CREATE TABLE answers (
    code TEXT NOT NULL, question TEXT NOT NULL, visitor TEXT NOT NULL, option INTEGER NOT NULL, at REAL NOT NULL,
    first REAL NOT NULL, sent INTEGER NOT NULL DEFAULT 0, final INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (code, question, visitor),
    FOREIGN KEY (code, question) REFERENCES questions ON DELETE CASCADE
) WITHOUT ROWID;
{_TRIES}
PRAGMA user_version = {VERSION};
"""
# Of a file of version 1, whose tries did not say which code was tried, nor its answers when they were first given.
_FROM_1 = f"""
DROP TABLE tries;
{_TRIES}
ALTER TABLE answers ADD COLUMN first REAL NOT NULL DEFAULT 0;
UPDATE answers SET first = at;
"""
# Of one of version 2, which did not say when an answer was sent, nor whether it may be changed.
_FROM_2 = f"""
ALTER TABLE answers ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN final INTEGER NOT NULL DEFAULT 0;
UPDATE answers SET final = 1 WHERE code IN (SELECT code FROM classes WHERE NOT holds);
PRAGMA user_version = {VERSION};
"""
_FROM = {0: _SCHEMA, 1: _FROM_1 + _FROM_2, 2: _FROM_2}


class ClassesUnavailable(VaeCoreError):
    """The classes cannot be read or written just now; the message says why. Pages go on without."""

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


_given_up: dict[Path, tuple[float, ClassesUnavailable]] = {}  # a file that could not be read -> until when, and why


def place() -> Path:
    """The file."""
    return datasets.data_root() / FILE


def exists() -> bool:
    """Whether anybody has ever started a class here."""
    return place().exists()


@contextmanager
def reading() -> Iterator[sqlite3.Connection]:
    """The database, for `SELECT` alone; all that is asked within one use is of the same moment.

    Raises:
        ClassesUnavailable: it is locked or damaged, or was so a few seconds ago: a page must not wait for it each time.
    """
    path = place()
    until, error = _given_up.get(path, (0.0, None))
    if error and time.monotonic() < until:
        raise error
    try:
        with _translated(), _opened(path, READ_WAITS) as connection:
            connection.execute("BEGIN")
            yield connection
    except ClassesUnavailable as unavailable:
        _given_up[path] = time.monotonic() + GIVEN_UP, unavailable
        raise
    _given_up.pop(path, None)


@contextmanager
def writing() -> Iterator[sqlite3.Connection]:
    """The database within one transaction, which is undone if anything fails.

    Raises:
        ClassesUnavailable: it is locked or damaged, the disk is full, or it may not be written to.
    """
    path = place()
    with _translated():
        with suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(path, WRITE_WAITS) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has undone it already
                    connection.execute("ROLLBACK")
                raise
    _given_up.pop(path, None)


def set_aside() -> None:
    """Give a damaged file another name, so that a new one can begin. Several processes may try it at once."""
    path = place()
    try:
        with FileLock(path.with_suffix(".lock"), timeout=WRITE_WAITS):
            if _is_damaged():
                kept = f"{FILE}.damaged-{int(time.time())}"
                for end in (
                    "-wal",
                    "-shm",
                    "",
                ):  # what is not yet in the file first: a new file would take it for its own
                    with suppress(FileNotFoundError):
                        path.with_name(FILE + end).replace(path.with_name(kept + end))
    except (OSError, Timeout) as error:
        raise ClassesUnavailable("The file of classes is damaged and could not be set aside.", damaged=True) from error
    _given_up.pop(path, None)


def _is_damaged() -> bool:
    """Whether SQLite finds anything wrong in the file, in whichever table."""
    try:
        with reading_now() as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except ClassesUnavailable as error:
        if not error.damaged:
            raise
        return True


@contextmanager
def reading_now() -> Iterator[sqlite3.Connection]:
    """As `reading`, also right after it failed."""
    with _translated(), _opened(place(), READ_WAITS) as connection:
        yield connection


def version_of_data(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection has committed something."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def connect(path: Path, waits: float, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection to the file, which is made if there is none."""
    new = not path.exists()
    connection = sqlite3.connect(path, timeout=waits, isolation_level=None, check_same_thread=not any_thread)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")  # what is gone after a day is gone
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            if new:
                with suppress(OSError):
                    os.chmod(path, 0o600)  # noqa: PTH101 - of a file that may be gone again
            _lay_out(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    for statement in filter(str.strip, _FROM.get(found, "").split(";")):
        connection.execute(statement)  # there is none if another process has been first
    connection.execute("COMMIT")
    if found not in (*_FROM, VERSION):
        raise sqlite3.DatabaseError(f"the file of classes has version {found}, not {VERSION}")


@contextmanager
def _opened(path: Path, waits: float) -> Iterator[sqlite3.Connection]:
    connection = connect(path, waits)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's errors as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        raise in_words(error) from error
    except OSError as error:
        raise ClassesUnavailable(f"The folder of the classes cannot be written to ({error.strerror}).") from error


def in_words(error: sqlite3.Error) -> ClassesUnavailable:
    """What an error of SQLite's means for a class."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the kind, without its details
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ClassesUnavailable("The file of classes is locked by another program. Try again in a few seconds.")
    if code == sqlite3.SQLITE_FULL:
        return ClassesUnavailable("The server's disk is full, so nothing of a class can be stored.")
    if code in _DAMAGED:
        return ClassesUnavailable("The file of classes is damaged. Start the class again.", damaged=True)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return ClassesUnavailable("The server may not write the file of classes.")
    return ClassesUnavailable("The file of classes cannot be used just now.")
