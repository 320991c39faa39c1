"""The store of classes: codes, limits, answers, reveals, following, and a file in trouble."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

from ui.classroom import database, limits, store
from ui.classroom.codes import ALPHABET, LENGTH, digest, new_code, read_code, shown
from ui.classroom.store import ClassesUnavailable, ClassRefused, Membership, Place
from ui.classroom.tickets import Wording, question_of, sealed_question, shown_by, ticket
from vae_core.storage.manifest import PROJECT

_sent = itertools.count(1)
ASKED = ("beta/collapse-2", "what is left?", ("Both", "One", "None"))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    database._given_up.clear()
    return tmp_path


@pytest.fixture
def clock(monkeypatch):
    """Seconds that have passed, in a list, to be changed."""
    passed = [0.0]
    now = store.time.time
    monkeypatch.setattr(store.time, "time", lambda: now() + passed[0])
    return passed


def answer(code: str, name: str, text: str, options: tuple[str, ...], visitor: str, option: int, sent: int = 0) -> bool:
    """Answer, after all answers before; whether it counts."""
    kept = store.answer(code, name, text, options, digest(visitor), option, sent or next(_sent))
    return kept.option == option


def counts(code: str, name: str = ASKED[0]) -> tuple[int, ...]:
    asked = store.asked(code, name, "nobody")
    assert asked is not None and asked.question is not None
    return asked.question.counts


# ---- codes and tickets -----------------------------------------------------------------------------------------------


def test_a_code_is_read_however_it_is_written():
    code = new_code()
    assert len(code) == LENGTH and set(code) <= set(ALPHABET) and len(ALPHABET) ** LENGTH > 1e12
    for written in (code, shown(code), code.lower(), f" {code[:4]} {code[4:]} "):
        assert read_code(written) == code
    assert read_code("O1IL-o000") == "01110000"
    for wrong in ("", "ABC", "ABCD-EFGHJ", "ABCD_EFGH", "UUUU-UUUU", "ＡＢＣＤ-EFGH", "ABCD-EFG\n"):
        assert read_code(wrong) is None, wrong


def test_a_question_is_sealed_and_cannot_be_made_up():
    asked = Wording(*ASKED)
    text = sealed_question(asked)
    assert question_of(text) == asked and shown_by(text) is None
    for wrong in ("", ".", "x" * 5000, text[:-1], text.replace("None", "Nine"), ticket("ABCD2345", "a"), "[1].2"):
        assert question_of(wrong) is None, wrong


def test_a_ticket_is_of_one_class_and_visitor_and_cannot_be_made_up():
    one = ticket("ABCD2345", "a")
    assert shown_by(one) != shown_by(ticket("ABCD2345", "b")) and shown_by(one)[0] == "ABCD2345"
    said, _, seal = one.rpartition(".")
    for wrong in (
        "",
        ".",
        "..",
        said,
        f"{said}.{seal[:-1]}0x",
        one.replace("ABCD", "ABCE"),
        f"ABCD2345..{seal}",
        "é.é.é",
    ):
        assert shown_by(wrong) is None


# ---- who is in a class -----------------------------------------------------------------------------------------------


def test_a_visitor_is_in_one_class_at_a_time_and_a_teacher_comes_back_as_one():
    assert store.membership("t") is None and not database.exists()  # nothing is stored before a class is started
    first, second = store.start("t"), store.start("u")
    assert store.membership("t") == Membership(first.code, True)
    assert store.join(first.code, "s") == store.membership("s") == Membership(first.code, False)
    assert store.join(first.code, "s") == Membership(first.code, False)  # ten tabs are one
    assert store.classroom(first.code).students == 1
    assert store.join(second.code, "s").code == second.code
    assert store.classroom(first.code).students == 0
    store.join(second.code, "t")
    assert store.membership("t") == Membership(second.code, False)
    assert store.join(first.code, "t") == Membership(first.code, True)  # by the students' link
    store.leave("t")
    assert store.membership("t") is None
    assert store.join(first.code, "phone", secret=first.secret) == Membership(first.code, True)


def test_the_secret_is_stored_nowhere_and_a_new_one_ends_it(folder):
    started = store.start("t")
    assert started.secret.encode() not in (folder / database.FILE).read_bytes()
    newer = store.renew_secret(started.code)
    with pytest.raises(ClassRefused, match="teacher's link"):
        store.join(started.code, "x", secret=started.secret)
    assert store.join(started.code, "x", secret=newer).teaches
    assert store.membership("t").teaches


def test_wrong_codes_are_limited_for_a_visitor_an_address_and_all(clock, monkeypatch):
    monkeypatch.setattr(limits, "TRIES_OF_ADDRESS", limits.TRIES_OF_ONE + 3)
    with pytest.raises(ClassRefused, match="no class"):
        store.join("AAAAAAAA", "x")
    started = store.start("t")

    fresh = (f"AAAA{number:04d}" for number in itertools.count())

    def wrong(visitor: str, near: str, code: str = "") -> str:
        with pytest.raises(ClassRefused) as refused:
            store.join(code or next(fresh), visitor, near)
        return str(refused.value)

    for number in range(limits.TRIES_OF_ADDRESS + 5):
        assert "no class" in wrong(f"cookie {number}", "school with an old link", "BBBBBBBB")
    assert store.join(started.code, "cookie 0", "school with an old link")  # one wrong code that many have is one try
    for _ in range(limits.TRIES_OF_ONE):
        assert "no class" in wrong("guesser", "school")
    assert "Too many" in wrong("guesser", "school")
    with pytest.raises(ClassRefused, match="Too many"):
        store.join(started.code, "guesser", "school")  # nor the right one: else the limit would tell
    assert store.join(started.code, "neighbour", "school").code == started.code
    for number in range(limits.TRIES_OF_ADDRESS - limits.TRIES_OF_ONE):
        assert "no class" in wrong(f"other cookie {number}", "school")
    assert "Too many" in wrong("yet another cookie", "school")
    assert store.membership("neighbour").code == started.code  # who is in it stays
    assert store.join(started.code, "neighbour", "school").code == started.code  # and comes back by the link
    assert store.join(started.code, "desk", "school", secret=started.secret).teaches  # nobody guesses a secret
    monkeypatch.setattr(limits, "TRIES_OF_ALL", limits.TRIES_OF_ADDRESS + 2)
    assert "no class" in wrong("elsewhere", "elsewhere")
    assert "Too many" in wrong("anywhere", "anywhere")
    clock[0] += limits.TRIES_WITHIN + 1
    assert store.join(started.code, "guesser", "school").code == started.code
    wrong("guesser", "school")
    with database.reading_now() as connection:
        assert connection.execute("SELECT count(*) FROM tries").fetchone() == (1,)  # the old ones are gone


def test_a_million_tries_are_hopeless():
    tries_a_day = limits.TRIES_OF_ALL * limits.LIFE / limits.TRIES_WITHIN
    assert tries_a_day < 1e6 and 100 * tries_a_day / len(ALPHABET) ** LENGTH < 1e-4  # with a hundred classes


def test_numbers_of_classes_members_and_questions_are_bounded(monkeypatch):
    for name, most in (("MEMBERS", 3), ("QUESTIONS", 2), ("CLASSES_OF_ONE", 3), ("CLASSES_OF_ADDRESS", 4)):
        monkeypatch.setattr(limits, name, most)
    mine = [store.start("t", "school") for _ in range(limits.CLASSES_OF_ONE)]
    with pytest.raises(ClassRefused, match="started 3 classes"):
        store.start("t", "school")
    assert all(store.classroom(one.code) for one in mine)  # none gives way
    store.end(mine[0].code)
    store.start("t", "school")
    store.start("u", "school")
    with pytest.raises(ClassRefused, match="as many classes"):
        store.start("v", "school")
    code = store.start("w", "elsewhere").code
    store.join(code, "a")
    store.join(code, "b")
    with pytest.raises(ClassRefused, match="full"):
        store.join(code, "c")
    assert store.join(code, "a").code == code
    for name in "xy":
        assert answer(code, name, *ASKED[1:], "a", 0)
    with pytest.raises(ClassRefused, match="as many questions"):
        answer(code, "z", *ASKED[1:], "a", 0)


def test_everything_of_a_class_is_gone_after_a_day(clock):
    started = store.start("t")
    store.join(started.code, "s")
    answer(started.code, *ASKED, "s", 1)
    clock[0] += limits.LIFE - 10
    assert store.classroom(started.code) is not None
    clock[0] += 20
    assert store.classroom(started.code) is None and store.membership("s") is None
    assert store.asked(started.code, ASKED[0], "s") is None
    for act in (lambda: store.join(started.code, "s"), lambda: answer(started.code, "new", *ASKED[1:], "s", 1)):
        with pytest.raises(ClassRefused):
            act()
    store.purge()
    with database.reading_now() as connection:
        for table in ("classes", "members", "teachers", "questions", "answers"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_the_last_answer_counts_until_the_reveal_and_none_after_it():
    code = store.start("t").code
    for option in (0, 2, 1):
        assert answer(code, *ASKED, "s", option)
    for _ in range(20):
        assert answer(code, *ASKED, "busy", 2)
    assert not answer(code, *ASKED, "t", 0)  # the teacher does not vote
    assert counts(code) == (0, 1, 1) and store.asked(code, ASKED[0], "s").mine.option == 1
    with pytest.raises(ValueError, match="option 3"):
        answer(code, *ASKED, "s", 3)
    store.reveal(code, *ASKED, 1)
    assert not answer(code, *ASKED, "late", 1) and not answer(code, *ASKED, "s", 2)
    found = store.asked(code, ASKED[0], "late").question
    assert (found.counts, found.revealed, found.right, found.answered) == ((0, 1, 1), True, 1, 2)
    assert store.asked(code, "beta/other", "s").question is None


def test_where_answers_are_not_held_the_first_one_counts():
    code = store.start("t").code
    store.hold(code, False)
    assert answer(code, *ASKED, "s", 0) and answer(code, *ASKED, "s", 0)  # in a second tab
    assert not answer(code, *ASKED, "s", 1)  # after the verdict
    assert counts(code) == (1, 0, 0) and store.asked(code, ASKED[0], "s").mine.option == 0


def test_an_answer_that_was_seen_stays_whatever_the_teacher_holds_afterwards():
    code = store.start("t").code
    assert answer(code, *ASKED, "before", 0) and answer(code, "held", *ASKED[1:], "other", 0)
    store.hold(code, False)
    assert answer(code, *ASKED, "while", 2)
    store.hold(code, True)
    for visitor, option in (("before", 0), ("while", 2)):
        assert not answer(code, *ASKED, visitor, 1)
        mine = store.asked(code, ASKED[0], visitor).mine
        assert (mine.option, mine.final) == (option, True)
    assert answer(code, *ASKED, "after", 1) and answer(code, *ASKED, "after", 0)  # has seen nothing
    assert not store.asked(code, ASKED[0], "after").mine.final and counts(code) == (2, 0, 1)


def test_an_answer_may_be_sent_again_and_counts_once_in_the_order_in_which_it_was_given():
    code = store.start("t").code
    person = digest("s")
    first = [store.answer(code, *ASKED, person, 0, sent=10) for _ in range(3)]
    assert set(first) == {store.Kept(0, 10)} and counts(code) == (1, 0, 0)
    store.answer(code, *ASKED, person, 2, sent=20)
    assert store.answer(code, *ASKED, person, 0, sent=10) == store.Kept(2, 20)  # by a process that was slow
    store.answer(code, *ASKED, person, 2, sent=40)
    assert store.answer(code, *ASKED, person, 1, sent=30) == store.Kept(2, 40)
    store.reveal(code, *ASKED, 1)
    assert store.answer(code, *ASKED, person, 2, sent=40) == store.Kept(2, 40, True)  # it counts, though it is repeated
    assert store.answer(code, *ASKED, person, 1, sent=50).option == 2 and counts(code) == (0, 0, 1)


def test_a_question_may_be_revealed_that_nobody_has_answered_and_answers_to_other_options_mean_nothing():
    code = store.start("t").code
    store.reveal(code, *ASKED, 0)
    assert store.classroom(code).questions[0].answered == 0
    answer(code, "q", "?", ("a", "b"), "s", 1)
    answer(code, "q", "?", ("a", "b", "c"), "u", 2)  # another version of the app
    assert counts(code, "q") == (0, 0, 1)


def test_rows_number_students_and_say_nothing_else_of_them():
    code = store.start("t").code
    answer(code, *ASKED, "first student", 1)
    answer(code, *ASKED, "second student", 0)
    answer(code, "beta/best-2", "which?", ("1", "2"), "first student", 1)
    store.reveal(code, *ASKED, 1)
    rows = store.rows(code)
    assert [(row["student"], row["question"], row["answer"], row["right"]) for row in rows] == [
        (1, "beta/collapse-2", "One", "yes"), (2, "beta/collapse-2", "Both", "no"), (1, "beta/best-2", "2", ""),
    ]  # fmt: skip
    assert "first student" not in str(rows)


def test_students_keep_their_number_when_they_change_an_answer():
    code = store.start("t").code
    for student, option in (("first", 1), ("second", 0), ("first", 0)):
        answer(code, *ASKED, student, option)
    store.reveal(code, *ASKED, 1)
    assert [row["student"] for row in store.rows(code)] == [2, 1]  # by the time of what counts


def test_two_hundred_at_once_are_counted_once_each():
    code = store.start("t").code
    go, failed = threading.Barrier(8), []

    def some(first: int) -> None:
        go.wait()
        try:
            for number in range(first, 200, 8):
                assert answer(code, *ASKED, f"student {number}", number % 3)
        except Exception as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=some, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and counts(code) == (67, 67, 66)


def test_another_process_sees_it_and_it_survives_the_end_of_a_process():
    given = f"s = store.start('t'); store.answer(s.code, *{ASKED!r}, 's', 2, 1); print(s.code)"
    script = f"from ui.classroom import store; {given}"
    kill = "; import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run(
        [sys.executable, "-u", "-c", script + kill], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    code = done.stdout.strip()
    assert done.returncode < 0 and counts(code) == (0, 0, 1)


# ---- following -------------------------------------------------------------------------------------------------------


def test_of_two_screens_the_one_that_began_last_leads():
    code = store.start("t").code
    here, there = Place("beta", {"beta": "4"}, "st-key-step-costs"), Place("", {})
    with pytest.raises(ClassRefused, match="Another"):
        store.lead(code, "laptop", here)  # nobody leads who did not say so
    store.take_the_lead(code, "laptop")
    store.lead(code, "laptop", here)
    store.lead(code, "laptop", here)
    found = store.classroom(code)
    assert (found.place, found.moves, found.leader) == (here, 1, "laptop")
    store.take_the_lead(code, "phone")
    with pytest.raises(ClassRefused, match="Another"):
        store.lead(code, "laptop", there)
    store.lead(code, "laptop", None)  # it cannot stop what it does not lead
    assert store.classroom(code).place == here
    store.lead(code, "phone", there)
    assert store.classroom(code).place == there
    store.lead(code, "phone", None)
    assert (store.classroom(code).place, store.classroom(code).leader) == (None, "")
    with pytest.raises(ClassRefused, match="too long"):
        store.lead(code, "phone", Place("beta", {"drawing": "x" * limits.LONGEST_PLACE}))


# ---- trouble ---------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_said_and_a_new_class_sets_it_aside(folder):
    started = store.start("t")
    file = folder / database.FILE
    file.write_bytes(b"this is no database" * 1000)
    for act in (lambda: store.membership("t"), lambda: answer(started.code, *ASKED, "s", 0)):
        with pytest.raises(ClassesUnavailable, match="damaged") as error:
            act()
        assert error.value.damaged
    again = store.start("t")
    assert store.membership("t") == Membership(again.code, True)
    assert [kept.name.startswith(f"{database.FILE}.damaged-") for kept in folder.glob("*damaged*")] == [True]


def test_a_file_with_one_damaged_table_is_set_aside_with_what_is_not_yet_in_it(folder):
    code = store.start("t").code
    for number in range(20):
        answer(code, f"q{number}", "x" * 500, ("a", "b"), "s", 0)
    file = folder / database.FILE
    database.set_aside()
    assert store.classroom(code).questions  # nothing is wrong with it
    reader = sqlite3.connect(file)
    root = reader.execute("SELECT rootpage FROM sqlite_master WHERE name = 'questions'").fetchone()[0]
    size = reader.execute("PRAGMA page_size").fetchone()[0]
    reader.close()
    with file.open("r+b") as written:
        written.seek((root - 1) * size)
        written.write(b"\xff" * size)
    wal = file.with_name(f"{database.FILE}-wal")
    wal.write_bytes(b"not yet in it")
    database.set_aside()
    assert not file.exists() and not wal.exists()
    assert store.start("t") and file.exists()


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_a_version_before_is_taken_over(folder, version):
    code, open_code = store.start("t").code, store.start("u").code
    store.hold(open_code, False)
    answer(code, *ASKED, "s", 1)
    answer(open_code, *ASKED, "s", 1)
    file = sqlite3.connect(folder / database.FILE)
    file.executescript("ALTER TABLE answers DROP COLUMN sent; ALTER TABLE answers DROP COLUMN final")
    if version == 1:
        file.executescript(
            "ALTER TABLE answers DROP COLUMN first; DROP TABLE tries;"
            " CREATE TABLE tries (at REAL NOT NULL, visitor TEXT NOT NULL, near TEXT NOT NULL);"
            " CREATE INDEX tries_at ON tries (at);"
        )
    file.execute(f"PRAGMA user_version = {version}")
    file.close()
    assert store.membership("t") == Membership(code, True) and counts(code) == (0, 1, 0)
    with pytest.raises(ClassRefused, match="no class"):
        store.join("AAAAAAAA", "x")
    assert answer(code, *ASKED, "s", 2) and [row["student"] for row in store.rows(code)] == [1]
    assert not answer(open_code, *ASKED, "s", 2)


def test_a_file_cut_short_is_said(folder):
    code = store.start("t").code
    for number in range(20):
        answer(code, f"q{number}", "x" * 500, ("a", "b"), "s", 0)
    file = folder / database.FILE
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ClassesUnavailable):
        store.classroom(code)
    assert store.start("t")


def test_a_locked_file_is_said_soon_and_pages_do_not_wait_for_it_again(monkeypatch):
    code = store.start("t").code
    monkeypatch.setattr(database, "READ_WAITS", 0.05)
    monkeypatch.setattr(database, "WRITE_WAITS", 0.05)
    other = sqlite3.connect(database.place(), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        assert store.membership("t").code == code  # readers do not wait for a writer
        with pytest.raises(ClassesUnavailable, match="locked"):
            answer(code, *ASKED, "s", 0)
        other.execute("ROLLBACK")
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ClassesUnavailable, match="locked"):
            store.membership("t")
        monkeypatch.setattr(database, "connect", None)
        with pytest.raises(ClassesUnavailable, match="locked"):
            store.membership("t")  # the file was not even opened
    finally:
        other.close()
    monkeypatch.undo()


def test_a_full_disk_is_said_and_what_was_there_stays(monkeypatch):
    code = store.start("t").code
    assert answer(code, *ASKED, "s", 0)
    opened = database.connect

    def on_full_disk(*args, **options):
        connection = opened(*args, **options)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(database, "connect", on_full_disk)
    with pytest.raises(ClassesUnavailable, match="disk is full"):
        for number in range(1000):
            answer(code, f"q{number}", "x" * 3000, ("a", "b"), "s", 0)
    monkeypatch.setattr(database, "connect", opened)
    assert counts(code) == (1, 0, 0) and answer(code, *ASKED, "u", 1)


def test_a_folder_that_may_not_be_written_to_is_said(folder, monkeypatch):
    shutil.rmtree(folder)
    folder.write_text("a file in the folder's place")
    with pytest.raises(ClassesUnavailable, match=r"may not|cannot be"):
        store.start("t")
    assert store.membership("t") is None
