"""The lessons on paper: their solutions come from the runs, and the papers tell none of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.requests import Request

from ui.app import server
from ui.chapters.classroom import address
from ui.chapters.reduction.comparison import error_of
from ui.lessons import worksheet
from ui.lessons.paths import lesson_named, lessons
from ui.lessons.record import Lesson
from ui.lessons.worksheet import WORKSHEET, Address, as_html, document, file_of
from vae_core.errors import RunNotFound

from .helpers import ROOT

HERE = Address("http://here:8501", "here:8501")
NINETY = lesson_named("ninety")
assert NINETY is not None


def answered(name: str, host: str = "class.example:8501", path: str = "") -> tuple[int, str]:
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "query_string": b"", "path": f"{path}/{WORKSHEET}/{name}",
        "headers": [(b"host", host.encode())], "path_params": {"name": name}, "server": ("127.0.0.1", 8501),
    }  # fmt: skip
    response = worksheet._answer(Request(scope))
    return response.status_code, bytes(response.body).decode()


def solved_questions(lesson: Lesson) -> list:
    return [step.question for step in lesson.steps if step.question]


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)
def test_the_worksheet_tells_no_answer_and_the_solutions_tell_all(lesson):
    paper, solved = (document(lesson, HERE, solved=solved) for solved in (False, True))
    questions = solved_questions(lesson)
    options = [option for one in questions for option in one.options]
    assert paper.count("☐") == len(options) and "☑" not in paper and 'class="why"' not in paper
    assert solved.count("☑") == solved.count('class="why"') == len(questions) > 0
    assert solved.count("☐") == len(options) - len(questions) and "cannot be answered" not in solved
    for one in questions:
        right, reason = one.answer()
        assert f"☑ {worksheet.html.escape(one.options[right])}" in solved and as_html(reason) in solved
    for step in lesson.steps:
        assert f'href="http://here:8501/{worksheet.html.escape(step.link)}"' in paper
        assert all(worksheet.html.escape(step.asked) in text for text in (paper, solved))
    assert "[[" not in solved and "**" not in solved
    assert f"{lesson.minutes} minutes</h1>" in paper and f'href="{file_of(lesson.slug)}"' in solved


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)
def test_no_way_leads_from_a_students_paper_to_the_answers(lesson):
    assert "solutions" not in document(lesson, HERE, solved=False).lower()
    assert "Print this page.</p>" in document(lesson, HERE, solved=False)


def test_a_solution_has_the_figures_of_the_pages():
    paper, solved = (document(NINETY, HERE, solved=solved) for solved in (False, True))
    assert f"Autoencoder {error_of('ae', 16):.4f}" in solved and f"{error_of('ae', 16):.4f}" not in paper
    assert ">here:8501/reduction?n=10&amp;z=3.5&amp;ask=line</a>" in paper


def test_what_cannot_be_answered_is_said():
    def missing() -> tuple[int, str]:
        raise RunNotFound(f"there is no run 'x' in {ROOT}/checkpoints <b>.")

    stop = NINETY.stops[1]
    step = replace(stop.steps[0], question=replace(stop.steps[0].question, answer=missing))
    told = document(replace(NINETY, stops=(replace(stop, steps=(step,)),)), HERE, solved=True)
    assert "cannot be answered here: there is no run" in told and "☑" not in told
    assert str(ROOT) not in told and "&lt;b&gt;" in told


def test_the_server_answers_with_all_of_them_and_with_nothing_else():
    assert WORKSHEET in server.ROUTES
    status, paper = answered("ninety.html", path="/vae")
    assert status == 200 and ">class.example:8501/vae/beta?d=16&amp;ask=collapse</a>" in paper
    assert 'href="../beta?d=16' in paper
    for lesson in lessons():
        assert answered(file_of(lesson.slug, solved=True))[1].count("☑") == len(solved_questions(lesson))
    assert "<script" not in answered("second.html", host="<script>x")[1]
    for other in ("../secret", "other.html", "ninety", "ninety-solutions.html.html", "-solutions.html", "Ninety.html"):
        assert answered(other)[0] == 404


@pytest.mark.parametrize(
    ("host", "printed"),
    [
        ("localhost:8611", "10.1.2.3:8611"),
        ("127.0.0.1", "10.1.2.3"),
        ("[::1]:8501", "10.1.2.3:8501"),
        ("school.example:8501", "school.example:8501"),
    ],
)
def test_paper_has_the_address_that_others_in_the_room_open(monkeypatch, host, printed):
    monkeypatch.setattr(address, "_own_address", lambda: "10.1.2.3")
    for name in ("demonstration.html", "demonstration-solutions.html"):
        status, paper = answered(name, host=host, path="/vae")
        assert status == 200 and f">{printed}/vae/inside?d=2" in paper
        assert "localhost" not in paper and "127.0.0.1" not in paper and "only on this machine" not in paper
        assert 'href="../inside?d=2' in paper  # whoever reads it on the screen stays where they are


def test_where_the_machine_has_no_other_address_whoever_prints_is_warned_and_the_paper_is_not(monkeypatch):
    monkeypatch.setattr(address, "_own_address", lambda: "")
    paper = answered("ninety.html", host="localhost:8501")[1]
    assert '<p class="screen warning"><strong>These links work only on this machine' in paper
    assert "only on this machine" not in answered("ninety.html", host="school.example")[1]


def test_the_command_prints_the_rooms_address_where_none_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "_own_address", lambda: "10.1.2.3")
    monkeypatch.setattr("sys.argv", ["worksheet", "--to", str(tmp_path)])
    worksheet.main()
    paper = (tmp_path / "ninety.html").read_text(encoding="utf-8")
    assert 'href="http://10.1.2.3:8501/reduction?d=16' in paper and "localhost" not in paper


def test_the_machines_address_is_looked_up_anew_when_its_network_has_changed(monkeypatch):
    class Probe:
        found = "10.0.0.1"

        def __init__(self, *_args: int) -> None: ...

        def __enter__(self) -> Probe:
            return self

        def __exit__(self, *_error: object) -> None: ...

        def connect(self, _to: tuple[str, int]) -> None: ...

        def getsockname(self) -> tuple[str, int]:
            return self.found, 1

    monkeypatch.setattr(address.socket, "socket", Probe)
    assert address.in_the_room("http://localhost:8501/") == "http://10.0.0.1:8501/"
    Probe.found = "10.0.0.2"
    assert address.in_the_room("http://localhost:8501/") == "http://10.0.0.2:8501/"


def test_the_command_writes_them_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["worksheet", "--to", str(tmp_path), "--address", "https://x.example/"])
    worksheet.main()
    names = [file_of(lesson.slug, solved=solved) for lesson in lessons() for solved in (False, True)]
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in names]
    assert ">x.example/reduction?d=16" in (tmp_path / "ninety.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**20%** of [[coverage|Coverage]] & [[KL]]", "<strong>20%</strong> of Coverage &amp; KL"),
        ("2 * 3 * 4 and *q* fits", "2 * 3 * 4 and <em>q</em> fits"),
    ],
)
def test_answers_are_shown_as_the_pages_show_them(markdown, shown):
    assert as_html(markdown) == shown
