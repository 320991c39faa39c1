"""The lesson on paper: its links, questions and times are those of the pages, its solutions come from the runs."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from starlette.requests import Request

from ui.app import server
from ui.chapters import chapter_at
from ui.chapters.links import properties
from ui.chapters.reduction.comparison import error_of
from ui.lessons import worksheet
from ui.lessons.ninety_minutes import LESSON
from ui.lessons.worksheet import LESSON as PAPER
from ui.lessons.worksheet import SOLUTIONS, WORKSHEET, Address, as_html, document
from vae_core.errors import RunNotFound

from .helpers import ROOT

HERE = Address("http://here:8501", "here:8501")


def source(link: str) -> str:
    """The page's file and its chapter's modules: where its questions stand."""
    chapter = chapter_at(link.partition("?")[0])
    folder = ROOT / "ui" / "chapters" / (chapter.slug if chapter else "")
    files = [ROOT / chapter.page, *folder.glob("*.py")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def answered(name: str, host: str = "class.example:8501", path: str = "") -> tuple[int, str]:
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "query_string": b"", "path": f"{path}/{WORKSHEET}/{name}",
        "headers": [(b"host", host.encode())], "path_params": {"name": name}, "server": ("127.0.0.1", 8501),
    }  # fmt: skip
    response = worksheet._answer(Request(scope))
    return response.status_code, bytes(response.body).decode()


def test_its_stops_follow_each_other_as_in_the_lesson_plan():
    assert [stop.begin for stop in LESSON[1:]] == [stop.end for stop in LESSON[:-1]]
    plan = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (\d+) to (\d+): (.*)$", plan, re.M)
    assert [(str(stop.begin), str(stop.end), stop.title) for stop in LESSON] == [
        (begin, end, {"One of their own": "One of your own"}.get(title, title)) for begin, end, title in headings
    ]


@pytest.mark.parametrize("stop", LESSON, ids=lambda stop: stop.title)
def test_its_links_mean_something_and_its_questions_are_the_pages(stop):
    for link in [stop.link, *worksheet._LINK.findall(stop.do)]:
        page, _, query = link.partition("?")
        assert chapter_at(page) is not None
        for name, value in parse_qsl(query, strict_parsing=True) if query else ():
            assert properties(page)[name].parse(value) not in (None, [], ""), (page, name)
    if stop.link:  # Home asks nothing
        assert not [
            option for one in stop.questions for option in one.options if f'"{option}"' not in source(stop.link)
        ]


def test_the_worksheet_tells_no_answer_and_the_solutions_tell_all():
    paper, solved = (document(LESSON, HERE, solved=solved) for solved in (False, True))
    questions = [one for stop in LESSON for one in stop.questions]
    options = [option for one in questions for option in one.options]
    assert paper.count("☐") == len(options) and "☑" not in paper and 'class="why"' not in paper
    assert solved.count("☑") == solved.count('class="why"') == len(questions)
    assert solved.count("☐") == len(options) - len(questions) and "cannot be answered" not in solved
    for one in questions:
        right, reason = one.answer()
        assert f"☑ {worksheet.html.escape(one.options[right])}" in solved and as_html(reason) in solved
    assert f"Autoencoder {error_of('ae', 16):.4f}" in solved and f"{error_of('ae', 16):.4f}" not in paper
    assert all(f'href="http://here:8501/{worksheet.html.escape(stop.link)}"' in paper for stop in LESSON)
    assert ">here:8501/reduction?n=10&amp;z=3.5&amp;ask=line</a>" in paper
    assert "[[" not in solved and "**" not in solved


def test_what_cannot_be_answered_is_said():
    def missing() -> tuple[int, str]:
        raise RunNotFound(f"there is no run 'x' in {ROOT}/checkpoints <b>.")

    stop = LESSON[1]
    told = document([replace(stop, questions=(replace(stop.questions[0], answer=missing),))], HERE, solved=True)
    assert "cannot be answered here: there is no run" in told and "☑" not in told
    assert str(ROOT) not in told and "&lt;b&gt;" in told


def test_the_server_answers_with_both_and_with_nothing_else():
    assert WORKSHEET in server.ROUTES
    status, paper = answered(PAPER, path="/vae")
    assert status == 200 and ">class.example:8501/vae/beta?d=16&amp;ask=collapse</a>" in paper
    assert 'href="../beta?d=16' in paper
    assert answered(SOLUTIONS)[1].count("☑") == sum(len(stop.questions) for stop in LESSON)
    assert "<script" not in answered(PAPER, host="<script>x")[1]
    assert answered("../secret")[0] == answered("other.html")[0] == 404


def test_the_command_writes_both(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["worksheet", "--to", str(tmp_path), "--address", "https://x.example/"])
    worksheet.main()
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in (PAPER, SOLUTIONS)]
    assert ">x.example/reduction?d=16" in (tmp_path / PAPER).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**20%** of [[coverage|Coverage]] & [[KL]]", "<strong>20%</strong> of Coverage &amp; KL"),
        ("2 * 3 * 4 and *q* fits", "2 * 3 * 4 and <em>q</em> fits"),
    ],
)
def test_answers_are_shown_as_the_pages_show_them(markdown, shown):
    assert as_html(markdown) == shown
