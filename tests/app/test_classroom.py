"""A class on the pages: starting and joining, questions that wait for the reveal, and pages that go on without it."""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import subprocess
import sys
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui.app import live_class
from ui.app.live_class import place_of, view
from ui.chapters.classroom.address import base_of, is_loopback, link, qr_picture
from ui.chapters.classroom.answers import as_csv, table_of
from ui.classroom import database, store
from ui.classroom.codes import digest, shown
from ui.classroom.store import ClassesUnavailable, ClassRefused, Place
from ui.classroom.tickets import Wording, question_of, sealed_question, ticket
from ui.lessons.paths import lessons

from .helpers import ROOT, open_page, revealed, texts

PAGE, BETA = "pages/classroom.py", "pages/beta.py"
COLLAPSE = "beta/collapse-2"


@pytest.fixture(autouse=True)
def folder(tmp_path):
    """A data root of each test's own; nothing else of the app is changed, so what pages have computed is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA", str(tmp_path))
        database._given_up.clear()
        yield tmp_path


def mounted(at: AppTest, name: str) -> list[dict[str, Any]]:
    """What the components of one kind on the page were given."""
    found = [element.proto for element in at.get("bidi_component")]
    given = [json.loads(proto.json) for proto in found if proto.component_name.endswith(name) and proto.json]
    return [one[0] for one in given]


def line(at: AppTest) -> dict[str, Any] | None:
    """What the line at the bottom was given."""
    return mounted(at, "lesson")[0]["class"]


def tally(at: AppTest, name: str = COLLAPSE) -> dict[str, Any]:
    return next(one for one in mounted(at, "tally") if one["name"] == name)


_sent = itertools.count(1)


def says(question: str, option: int) -> str:
    """What a student's page says who has chosen an option."""
    return json.dumps({"question": question, "option": option, "sent": next(_sent)})


def answers(at: AppTest, option: int, name: str = COLLAPSE) -> dict[str, Any]:
    """A student chooses, their browser says so, and the page runs again; what the browser was told."""
    code, person, _ = line(at)["ticket"].split(".")
    given = live_class.Answer.read(says(tally(at, name)["question"], option))
    told = live_class._take_answer(live_class._Page(code, person, teaches=False), given)["answer"]
    at.run()
    return told


def answer(code: str, name: str, text: str, options: tuple[str, ...], visitor: str, option: int) -> None:
    """Somebody else does."""
    store.answer(code, name, text, options, digest(visitor), option, next(_sent))


def question(at: AppTest):
    """Outside of a class."""
    return next(radio for radio in at.radio if "what is the loss made of" in radio.label)


def test_a_teacher_starts_a_class_and_gets_its_code_link_picture_and_own_link():
    at = open_page(PAGE)
    assert line(at) is None
    at.button(key="class-start").click().run()
    assert not at.exception
    given = line(at)
    code = given["code"]
    assert given["teaches"] and given["ticket"].startswith(code) and not given["problem"]
    links = [one.value for one in at.code]
    assert any(one.endswith(f"/?join={shown(code)}") for one in links)
    own = next(one for one in links if "teacher=" in one)
    assert "QR code" in "".join(one.value for one in at.html)
    secret = own.partition("teacher=")[2]
    assert at.query_params["join"] == code and at.query_params["teacher"] == secret  # no cookie would know the visitor
    assert "teacher" in mounted(at, "lesson")[0]["uncopied"]
    other = open_page(PAGE, join=shown(code), teacher=secret)
    assert line(other)["teaches"]
    at.button(key="class-end").click().run()
    assert line(at) is None and store.classroom(code) is None
    at.run()
    other.run()
    assert "has ended" in line(other)["problem"]


def test_a_teacher_is_told_what_comes_next_and_the_lessons_are_folded():
    at = open_page(PAGE)
    at.button(key="class-start").click().run()
    told = " ".join(one.value for one in at.markdown)
    assert "**Next**: choose a lesson below and press **Begin**" in told and "**Follow me**" in told
    assert "scan the QR code" in told and "QR picture" not in told
    lists = [one.value for one in at.html if "lesson=" in one.value]
    assert len(lists) == len(lessons()) and all(one.startswith("<details") and " open" not in one[:60] for one in lists)


def test_the_number_of_students_is_a_sentence():
    code = store.start("t").code
    for number, said in enumerate(("0 students are", "1 student is", "2 students are")):
        assert f"{said} in the class now." in table_of(store.classroom(code))
        store.join(code, f"s{number}")


def test_students_join_by_link_or_by_typing_and_wrong_codes_are_answered_with_one_sentence():
    code = store.start("t").code
    at = open_page(BETA, join=shown(code).lower())
    assert line(at)["code"] == code and not line(at)["teaches"] and len(at.warning) == 0
    typed = open_page(PAGE)
    typed.text_input(key="class-code").input("nonsense").run()
    typed.button[1].click().run()
    assert [one.value for one in typed.warning] and "eight letters" in typed.warning[0].value
    typed.text_input(key="class-code").input("AAAA-AAAA")
    typed.button[1].click().run()
    assert "no class with this code" in typed.warning[0].value
    typed.text_input(key="class-code").input(f" {code.lower()} ")
    typed.button[1].click().run()
    assert line(typed)["code"] == code and not typed.warning
    assert store.classroom(code).students == 2
    old = open_page(BETA, join="AAAA-AAAA")
    assert "no class with this code" in line(old)["problem"] and question(old).options and not line(old)["retry"]
    hostile = open_page(BETA, join="<script>alert(1)</script>", teacher="'; DROP TABLE classes; --")
    assert line(hostile) is None and "could not be read" in hostile.warning[0].value
    typed.button(key="class-leave").click().run()
    assert line(typed) is None and store.classroom(code).students == 1


def test_a_student_waits_for_the_reveal_and_then_sees_what_the_class_has_said():
    code = store.start("t").code
    at = open_page(BETA, join=shown(code), answers="collapse:0")
    assert not [radio for radio in at.radio if "what is the loss made of" in radio.label]  # the component asks
    assert tally(at)["mine"]["option"] is None and tally(at)["right"] is None  # a link answers for nobody
    options = tuple(tally(at)["options"])
    asked = question_of(tally(at)["question"])
    assert (asked.name, asked.options) == (COLLAPSE, options) and asked.text == tally(at)["text"]
    answers(at, 2)
    told = answers(at, 1)
    assert (told["name"], told["option"], told["final"]) == (COLLAPSE, 1, False) and told["of"] == told["sent"]
    assert not revealed(at) and "KL is 0.00" not in " ".join(texts(at))
    assert tally(at)["mine"] == {name: told[name] for name in ("option", "sent", "final")}
    assert tally(at)["right"] is None and tally(at)["counts"] is None
    assert store.asked(code, COLLAPSE, "?").question.counts == (0, 1, 0)
    assert any("when the answer is revealed" in one for one in texts(at))
    answer(code, COLLAPSE, "?", options, "another", 0)
    again = open_page(BETA, join=shown(code))
    assert tally(again)["mine"]["option"] is None  # another visitor
    store.reveal(code, COLLAPSE, "?", options, 1)
    at.run()
    assert [text.count("Yes.") for text in revealed(at)] == [1]
    assert tally(at)["counts"] == [1, 1, 0] and tally(at)["right"] == 1 and tally(at)["mine"]["option"] == 1
    assert as_csv(code).startswith(b"\xef\xbb\xbfstudent,question")


def test_a_class_predicts_for_each_setting_on_which_the_right_answer_depends():
    code = store.start("t").code
    at = open_page("pages/reduction.py", join=shown(code), n="10")
    answers(at, 1, "reduction/line-10")
    assert tally(at, "reduction/line-10")["mine"]["option"] == 1
    at.segmented_control(key="reduction-n").set_value(50).run()
    assert tally(at, "reduction/line-50")["mine"]["option"] is None
    assert [one.name for one in store.classroom(code).questions] == ["reduction/line-10"]


def test_an_answer_that_comes_after_the_reveal_is_not_counted_and_told_so():
    code = store.start("t").code
    at = open_page(BETA, join=shown(code))
    store.reveal(code, COLLAPSE, "?", tuple(tally(at)["options"]), 1)
    told = answers(at, 0)
    assert told["option"] is None and told["final"]  # the component says that it is not counted
    assert store.asked(code, COLLAPSE, "?").question.counts == (0, 0, 0) and tally(at)["right"] == 1


def test_the_teacher_sees_how_many_have_answered_and_reveals_what_the_page_computes():
    started = store.start("t")
    code = started.code
    for number in range(3):
        store.join(code, f"s{number}")
    at = open_page(BETA, join=shown(code), teacher=started.secret)
    asked = tally(at)
    options = tuple(asked["options"])
    assert asked["teaches"] and asked["students"] == 3
    assert asked["question"] is None  # a teacher does not answer
    for number, option in enumerate((0, 1, 1)):
        answer(code, COLLAPSE, asked["text"], options, f"s{number}", option)
    at.run()
    assert tally(at)["answered"] == 3 and tally(at)["counts"] is None and tally(at)["right"] is None
    at.session_state[f"class.reveal-{COLLAPSE}"] = True
    at.run()
    assert tally(at)["counts"] == [1, 2, 0] and tally(at)["right"] == 1 and tally(at)["revealed"]
    rows = list(csv.DictReader(as_csv(code).decode("utf-8-sig").splitlines()))
    assert [(row["student"], row["right"]) for row in rows] == [("1", "no"), ("2", "yes"), ("3", "yes")]


def test_where_the_teacher_does_not_hold_answers_each_student_sees_them_at_once():
    code = store.start("t").code
    store.hold(code, False)
    at = open_page(BETA, join=shown(code))
    assert answers(at, 1)["final"] and len(revealed(at)) == 1
    assert store.asked(code, COLLAPSE, "?").question.counts == (0, 1, 0) and tally(at)["right"] == 1
    store.hold(code, True)  # whoever has seen the answer goes on to see it, and no longer predicts
    assert answers(at, 0)["option"] == 1 and len(revealed(at)) == 1
    assert store.asked(code, COLLAPSE, "?").question.counts == (0, 1, 0)
    other = open_page(BETA, join=shown(code))
    assert not answers(other, 0)["final"] and not revealed(other)


def test_a_file_in_trouble_is_said_and_the_page_goes_on_without_a_class(folder):
    code = store.start("t").code
    at = open_page(BETA, join=shown(code))
    (folder / database.FILE).write_bytes(b"damaged" * 2000)
    at.run()
    assert not at.exception and "damaged" in line(at)["problem"] and "go on without" in line(at)["problem"]
    assert line(at)["retry"]
    question(at).set_value(question(at).options[1]).run()
    assert len(revealed(at)) == 1  # as without a class
    fresh = open_page(PAGE)
    assert "damaged" in line(fresh)["problem"]
    fresh.button(key="class-start").click().run()
    assert line(fresh)["teaches"] and not fresh.exception  # a new file


def test_who_follows_gets_the_teachers_page_and_settings_and_keeps_what_is_their_own():
    code = store.start("t").code
    store.take_the_lead(code, "screen")
    at = open_page(BETA, join=shown(code), present="1")
    answers(at, 2)
    store.lead(code, "screen", Place("beta", {"d": "16", "beta": "4"}))
    at.session_state["class.follow"] = True
    at.run()
    assert not at.exception and at.query_params["d"] == "16" and at.query_params["beta"] == "4"
    assert at.query_params["present"] == "1" and tally(at, "beta/collapse-16")
    assert store.asked(code, COLLAPSE, "?").question.counts == (0, 0, 1)
    store.lead(code, "screen", Place("beta", {}))
    at.session_state["class.follow"] = True
    at.run()
    assert "d" not in at.query_params and tally(at)["mine"]["option"] == 2


# ---- what pages are told, and what they say --------------------------------------------------------------------------


def test_students_are_told_nothing_that_is_not_revealed():
    code = store.start("t").code
    answer(code, "beta/a", "?", ("x", "y"), "s", 1)
    answer(code, "beta/b", "?", ("x", "y"), "s", 1)
    store.reveal(code, "beta/b", "?", ("x", "y"), 0)
    found = store.classroom(code)
    assert view(found, teaches=False)["questions"] == {"beta/b": {"answered": 1, "counts": [0, 1]}}
    teacher = view(found, teaches=True)
    assert teacher["questions"]["beta/a"] == {"answered": 1, "counts": None} and teacher["students"] == 0


def test_a_place_has_what_a_link_to_its_page_may_say_and_nothing_else():
    query = {"beta": "4", "ask": "best"}
    not_taken = {"d": "99", "answers": "collapse:1", "present": "1", "join": "AAAA-AAAA", "x": "<script>"}
    said = {"page": "beta", "step": "st-key-step-costs", "query": {**query, **not_taken}}
    assert place_of(said) == Place("beta", query, "st-key-step-costs")
    good = {"page": "", "query": {"ae-z": "1,2"}, "step": ""}
    assert place_of(good).query == {"ae-z": "1,2"}
    for wrong in (
        None,
        [],
        {},
        {**good, "page": "../etc"},
        {**good, "step": "a b"},
        {**good, "query": []},
        {**good, "page": 3},
    ):
        with pytest.raises(ClassRefused):
            place_of(wrong)
    for wrong in ("", "[]", "{}", '{"screen": "a b", "what": "lead"}', '{"screen": 1, "what": "lead"}', "x" * 50):
        with pytest.raises(ClassRefused):
            live_class._take("AAAAAAAA", wrong)


class Socket:
    """A WebSocket's other end."""

    def __init__(self, *says: str) -> None:
        self.says = list(says)
        self.told: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.heard = asyncio.Event()
        self.more: asyncio.Queue[str] = asyncio.Queue()

    async def accept(self) -> None:
        for one in self.says:
            await self.more.put(one)

    async def receive_text(self) -> str:
        return await self.more.get()

    async def send_text(self, text: str) -> None:
        self.told.append(json.loads(text))
        self.heard.set()

    async def close(self, code: int = 1000) -> None:
        self.closed = code

    async def until(self, condition) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.heard.clear()
                await self.heard.wait()


def test_pages_are_told_of_a_class_and_of_every_change_and_without_a_ticket_of_nothing():
    started = store.start("t")
    code = started.code
    store.join(code, "s")
    asked = ("beta/x", "?", ("a", "b"))

    async def lesson() -> None:
        teacher, student = Socket(ticket(code, "t")), Socket(ticket(code, "s"))
        tasks = [asyncio.create_task(live_class._live(one)) for one in (teacher, student)]  # type: ignore[arg-type]
        await teacher.until(lambda: teacher.told)
        await student.until(lambda: student.told)
        assert teacher.told[-1]["students"] == 1 and "students" not in student.told[-1]
        sealed = sealed_question(Wording(*asked))
        await student.more.put(says(sealed, 1))
        await student.until(lambda: "answer" in student.told[-1])
        assert student.told[-1]["answer"]["option"] == 1 and not student.told[-1]["answer"]["final"]
        await teacher.until(lambda: teacher.told[-1]["questions"].get("beta/x", {}).get("answered") == 1)
        assert len(student.told) == 2  # nothing else to be said to students
        store.reveal(code, *asked, 0)
        await student.until(lambda: student.told[-1].get("questions"))
        assert student.told[-1]["questions"]["beta/x"]["counts"] == [0, 1]
        place = {"page": "beta", "query": {"beta": "4"}, "step": ""}
        for message in ({"what": "lead"}, {"what": "place", "place": place}, {"what": "place", "place": 3}):
            await teacher.more.put(json.dumps({"screen": "one", **message}))
        await student.until(lambda: student.told[-1]["place"])
        assert student.told[-1]["place"] == {**place, "move": 1, "values": {"beta": "4"}}
        await teacher.until(lambda: any("refused" in one for one in teacher.told))
        await student.more.put(json.dumps({"screen": "one", "what": "place", "place": place}))  # students do not lead
        await tasks[1]
        assert student.closed == live_class.NOT_OURS

        async def sent_away(*wrong: str) -> None:
            for one in wrong:
                stranger = Socket(one)
                async with asyncio.timeout(20):
                    await live_class._live(stranger)  # type: ignore[arg-type]
                assert stranger.closed == live_class.NOT_OURS and not stranger.told

        forged = ticket(code, "s").replace(digest("s"), digest("t"))  # the teacher's, by a student
        await sent_away("", "x" * 10_000, forged, ticket(code, "in no class"))
        # One class of which something is stored that cannot be shown leaves the others alone.
        broken = store.start("u").code
        store.take_the_lead(broken, "x")
        with database.writing() as written:
            written.execute("UPDATE classes SET place = '[1]' WHERE code = ?", (broken,))
        unlucky = Socket(ticket(broken, "u"))
        tasks.append(asyncio.create_task(live_class._live(unlucky)))  # type: ignore[arg-type]
        await unlucky.until(lambda: unlucky.told)
        assert "cannot be shown" in unlucky.told[-1]["problem"]
        store.end(code)
        await teacher.until(lambda: teacher.told[-1].get("over"))
        for task in tasks:
            task.cancel()
        await sent_away(ticket(code, "s"), ticket(code, "t"))

    asyncio.run(lesson())


def test_an_answer_is_read_from_what_a_page_says_and_nothing_else_is():
    sealed = sealed_question(Wording("beta/x", "?", ("a", "b")))
    good = {"question": sealed, "option": 1, "sent": 7}
    assert live_class.Answer.read(json.dumps(good)) == live_class.Answer(Wording("beta/x", "?", ("a", "b")), 1, 7)
    forged = sealed.replace('"b"', '"c"')
    for wrong in (
        {"question": forged}, {"question": ticket("AAAAAAAA", "s")}, {"question": 3}, {"option": 2}, {"option": -1},
        {"option": True}, {"option": "1"}, {"option": 1.0},
        {"sent": -1}, {"sent": 2**53}, {"sent": None}, {"sent": 1.5},
    ):  # fmt: skip
        assert live_class.Answer.read(json.dumps({**good, **wrong})) is None, wrong
    for wrong in ("", "[]", "{}", "null", "3", '"x"', "[" * 9000):
        assert live_class.Answer.read(wrong) is None, wrong


def test_a_page_is_told_why_an_answer_was_not_stored_and_whether_to_try_again(monkeypatch):
    page = live_class._Page(store.start("t").code, digest("s"), teaches=False)
    given = live_class.Answer(Wording("beta/x", "?", ("a", "b")), 1, 7)

    def fails(error: Exception) -> dict[str, Any]:
        def failing(*_given: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(store, "answer", failing)
            return live_class._take_answer(page, given)["answer"]

    said = {"name": "beta/x", "of": 7}
    assert fails(ClassesUnavailable("The disk is full.")) == {**said, "refused": "The disk is full.", "again": True}
    assert fails(ClassRefused("The class has ended.")) == {**said, "refused": "The class has ended.", "again": False}


def test_an_answer_is_taken_by_another_process_where_the_first_died_before_it_said_so():
    code = store.start("t").code
    store.join(code, "s")
    message = says(sealed_question(Wording("beta/x", "?", ("a", "b"))), 1)
    given = f"from ui.app import live_class as live; given = live.Answer.read({message!r})"
    page = f"page = live._Page({code!r}, {digest('s')!r}, False)"
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run(
        [sys.executable, "-c", f"{given}; {page}; live._take_answer(page, given); {kill}"], cwd=ROOT, check=False
    )
    assert done.returncode < 0 and store.asked(code, "beta/x", "s").question.counts == (0, 1)

    async def repeated() -> dict[str, Any]:
        socket = Socket(ticket(code, "s"), message)  # over the next connection
        task = asyncio.create_task(live_class._live(socket))  # type: ignore[arg-type]
        await socket.until(lambda: any("answer" in one for one in socket.told))
        task.cancel()
        return next(one["answer"] for one in socket.told if "answer" in one)

    assert asyncio.run(repeated())["option"] == 1
    assert store.asked(code, "beta/x", "s").question.counts == (0, 1)


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_the_link_for_students_is_the_apps_own_address():
    assert base_of("https://school.example/vae/classroom?x=1#y") == "https://school.example/vae/"
    assert base_of("http://localhost:8501/") == "http://localhost:8501/"
    assert link("http://a/", "beta", join="AAAA-AAAA") == "http://a/beta?join=AAAA-AAAA"
    assert all(is_loopback(f"http://{host}:1/") for host in ("localhost", "127.0.0.1", "[::1]"))
    assert not any(is_loopback(f"http://{host}:1/") for host in ("10.0.0.1", "school.example"))
    assert 'alt="QR code' in qr_picture("http://a/?join=AAAA-AAAA")
