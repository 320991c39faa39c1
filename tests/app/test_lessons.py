"""The lessons: their links open what they name, docs/teaching.md agrees, and one key walks through them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui.chapters import chapter_at, chapters
from ui.chapters.beta import costs
from ui.chapters.beta.sweep import KL_ONLY, labels_of
from ui.chapters.faces.family import usual
from ui.chapters.links import properties, question_name
from ui.chapters.uses.benches import BENCHES
from ui.classroom import database, store
from ui.classroom.codes import shown
from ui.lessons import paths
from ui.lessons.paths import lesson_named, lessons
from ui.lessons.plan import DOCUMENT, written
from ui.lessons.record import Lesson, Step
from vae_core.errors import RunNotFound

from .helpers import ROOT, open_page, texts

CLASSROOM = "pages/classroom.py"
NINETY = lesson_named("ninety")


def every_step() -> Iterator[Any]:
    seen = set()
    for lesson in lessons():
        for step in lesson.steps:
            if step.link not in seen:
                seen.add(step.link)
                yield pytest.param(step, id=f"{lesson.slug}-{step.link or 'home'}")


def given(at: AppTest) -> dict[str, Any]:
    """What the lesson's line was given."""
    protos = [element.proto for element in at.get("bidi_component")]
    return next(json.loads(one.json)[0] for one in protos if one.component_name.endswith("lesson"))


def keys(at: AppTest, kind: str) -> set[str]:
    """The names of the page's containers of one kind."""
    found = set()

    def look(block: Any) -> None:
        for child in getattr(block, "children", {}).values():
            key = getattr(getattr(child, "proto", None), "id", "")
            if match := re.search(rf"(?:^|-){kind}-([\w-]+)$", str(key)):
                found.add(match[1])
            look(child)

    look(at.main)
    return found


# ---- what they are made of -------------------------------------------------------------------------------------------


def test_there_are_three_and_each_takes_the_time_that_it_says():
    assert [lesson.slug for lesson in lessons()] == ["demonstration", "ninety", "second"]
    assert [lesson.minutes for lesson in lessons()][:2] == [20, 90]
    for lesson in lessons():
        assert lesson.begins()[-1] == lesson.minutes == lesson.stops_begin()[-1]
        assert all(step.minutes > 0 and step.do and bool(step.ask) != bool(step.question) for step in lesson.steps)
        assert all(step.asked.endswith("?") and step.chapter in chapters() for step in lesson.steps)
        assert [lesson.stop_of(number).title for number in range(len(lesson.steps))] == [
            stop.title for stop in lesson.stops for _ in stop.steps
        ]


def test_the_second_lesson_has_the_chapter_on_uses_only_where_it_is():
    names = [step.page for step in lesson_named("second").steps]
    assert ("uses" in names) == (chapter_at("uses") is not None)


def test_the_second_lesson_has_a_step_for_every_bench():
    steps = {
        step.query["bench"]: step.query["ask"] for lesson in lessons() for step in lesson.steps if step.page == "uses"
    }
    assert steps == {bench.slug: bench.predictions[0] for bench in BENCHES}


@pytest.mark.parametrize("step", list(every_step()))
def test_a_link_opens_the_page_the_step_and_the_settings_that_it_names(step: Step):
    known = properties(step.page)
    at = open_page(step.chapter.page, **step.query)
    assert not at.warning and given(at)["page"] == step.page  # all of it could be read
    for name, text in step.query.items():
        value = known[name].parse(text)
        assert value not in (None, [], ""), name
        if name == "ask":
            assert value in {question_name(step.page, key) for key in keys(at, "question")}, keys(at, "question")
        elif name == "begin":
            assert value in keys(at, "step") | keys(at, "widestep"), keys(at, "step")
        elif known[name].in_browser:
            assert given(at)["values"][name] == value
        else:
            assert at.query_params.get(name, text) == text  # what is usual needs no link
    if step.question and "ask" in step.query:
        radios = {tuple(radio.options): radio.label for radio in at.radio}
        assert step.question.options in radios, radios
    elif step.question:
        assert step.question in (paths.TOUCH, paths.FIRST)  # the teacher asks these


def test_questions_are_answered_for_what_their_links_show():
    """Where a link leaves a setting to the page, the page's own is the one that the solution is computed for."""
    assert open_page("pages/regularity.py", ask="prior").session_state["regularity-d"] == 16
    faces = open_page("pages/faces.py", ask="found")
    dimensions = paths.DIMENSIONS[0]
    assert faces.session_state["faces-d"] == dimensions
    assert faces.session_state["faces-model"] == usual(paths.DATASET, dimensions)


@pytest.mark.parametrize("d", [2, 16])
def test_the_question_on_the_loss_has_one_wording_and_names_the_dials_last_beta(d):
    largest = [label for label in labels_of(d) if label != KL_ONLY][-1]
    asked = next(step.question.text for step in NINETY.steps if step.question and step.query.get("ask") == "collapse")
    assert asked == f"At β = {largest}, what is the loss made of?"
    labels = [radio.label for radio in open_page("pages/beta.py", d=str(d)).radio]
    assert any(label.endswith(asked) for label in labels), labels


def test_without_the_runs_a_lesson_names_no_beta(monkeypatch):
    def missing(_dimensions: int) -> str:
        raise RunNotFound("there is no sweep.")

    monkeypatch.setattr(costs, "_largest", missing)
    told = lesson_named("ninety")
    monkeypatch.undo()
    step = next(step for step in told.steps if step.query.get("ask") == "collapse")
    assert step.asked == "At the largest β, what is the loss made of?" and "0 to the largest β" in step.do
    assert [step.asked for step in lesson_named("ninety").steps] == [step.asked for step in NINETY.steps]  # again


def test_every_stop_that_is_to_be_dragged_to_is_on_its_dial():
    found = 0
    for step in (step for lesson in lessons() for step in lesson.steps if step.page == "beta"):
        to = re.search(r"from 0 to (.+?),", step.do)[1].removeprefix("β = ")
        assert to == labels_of(int(step.query["d"]))[-1]
        found += 1
    assert found == 3


def test_a_guest_is_asked_nothing_about_terms_that_the_demonstration_does_not_show():
    for step in lesson_named("demonstration").steps:
        assert not re.search("loss|KL|unit|dimension", step.asked), step.asked


# ---- docs/teaching.md ------------------------------------------------------------------------------------------------


def test_the_document_has_the_tables_and_headings_of_the_lessons():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert written(text) == text, "python -m ui.lessons.plan writes them anew"
    assert all(text.count(f"<!-- lesson: {lesson.slug} -->") == 1 for lesson in lessons())
    headings = re.findall(r"^### (\d+) to (\d+): (.*)$", text, re.M)
    begins = NINETY.stops_begin()
    assert [
        (str(begin), str(end), stop.title)
        for stop, begin, end in zip(NINETY.stops, begins[:-1], begins[1:], strict=True)
    ] == [(begin, end, {"One of their own": "One of your own"}.get(title, title)) for begin, end, title in headings]


def test_the_document_names_the_links_of_the_ninety_minutes_where_it_explains_them():
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    explained = re.sub(r"<!-- lesson.*?<!-- end -->", "", text, flags=re.DOTALL)
    for step in NINETY.steps:
        if step.link not in ("regularity?begin=continuity", "regularity?ask=mixture"):  # on the page of the one beside
            assert f"(http://localhost:8501/{step.link})" in explained, step.link


# ---- walking ---------------------------------------------------------------------------------------------------------


def turned(at: AppTest, by: int) -> AppTest:
    at.session_state["lesson.turn"] = by
    at.run()
    assert not at.exception
    return at


def place(at: AppTest) -> str:
    return "&".join(f"{name}={text}" for name, text in at.query_params.items() if name not in ("lesson", "present"))


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    database._given_up.clear()


@pytest.mark.usefixtures("own_data")
def test_a_lesson_begins_on_the_page_of_a_class_and_goes_through_its_steps_and_back():
    at = open_page(CLASSROOM)
    at.button(key="lesson-begin-ninety").click().run()
    assert not at.exception
    line = given(at)
    assert line["present"] and line["page"] == "" and (line["walk"]["number"], line["walk"]["of"]) == (1, 12)
    run = line["walk"]["run"]
    assert run and "ninety-1" in at.query_params["lesson"]
    for number, step in enumerate(NINETY.steps[1:], 2):
        line = given(turned(at, 1))
        walk = line["walk"]
        assert line["page"] == step.page and walk["number"] == number and walk["here"] and walk["run"] == run
        assert walk["query"] == step.query and line["present"]
        assert walk["ends"] - walk["begins"] == step.minutes
        assert walk["asks"] == step.asked and walk["do"] == step.do
    assert walk["next"] is None
    assert given(turned(at, 1))["walk"]["number"] == 12  # there is nothing further
    assert given(turned(at, -1))["page"] == "mathematics"


@pytest.mark.usefixtures("own_data")
def test_a_step_within_a_page_begins_with_its_own_settings():
    at = open_page("pages/beta.py", lesson="ninety-9", d="2", beta="1")
    assert given(at)["walk"]["title"] == "β" and given(at)["walk"]["begins"] == 60
    line = given(turned(at, 1))
    assert at.query_params["d"] in ("16", ["16"]) and line["ask"] and line["walk"]["number"] == 10
    assert line["walk"]["values"]["d"] == 16
    line = given(turned(at, -1))
    assert line["ask"] is None and "d" not in at.query_params  # 2 is usual


@pytest.mark.usefixtures("own_data")
def test_a_link_into_a_lesson_goes_on_there_in_a_class_too_and_what_is_no_lesson_is_ignored():
    started = store.start("t")
    at = open_page(
        "pages/faces.py", lesson="second-2", begin="causes", join=shown(started.code), teacher=started.secret
    )
    line = given(at)
    assert line["walk"]["number"] == 2 and line["class"]["teaches"] and "causes" in line["at"]
    assert "lesson" in line["class"]["frame"]  # those who follow keep theirs, or none
    for wrong in ("ninety-99", "none-1"):
        other = open_page("pages/beta.py", lesson=wrong)
        assert given(other)["walk"] is None and "lesson" not in other.query_params
    assert open_page("pages/beta.py", lesson="ninety-0").warning


@pytest.mark.usefixtures("own_data")
def test_the_page_of_a_class_lists_every_step_and_students_are_not_bothered():
    at = open_page(CLASSROOM)
    listed = " ".join(one.value for one in at.html)
    for lesson in lessons():
        for number in range(1, len(lesson.steps) + 1):
            assert f"lesson={lesson.slug}-{number}" in listed
    code = store.start("t").code
    student = open_page(CLASSROOM, join=shown(code))
    assert not [button for button in student.button if str(button.key).startswith("lesson-begin")]
    assert "Lessons" not in " ".join(texts(student))


def test_a_lesson_is_a_name_in_links(monkeypatch):
    assert all(re.fullmatch("[a-z]{1,30}", lesson.slug) and len(lesson.steps) < 100 for lesson in lessons())
    assert isinstance(NINETY, Lesson) and lesson_named("other") is None
