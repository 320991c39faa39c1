"""A whole class: a teacher and five students, each in a browser of their own."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.serving import serve
from tests.app.helpers import wait_until
from ui.classroom import database

from .conftest import PATIENCE, patient, watch

pytestmark = pytest.mark.browser

QUESTION = ".st-key-question-collapse-2"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ANSWERS = (0, 1, 1, 2)  # of the first four; the fifth does not answer
RIGHT = 1


def newcomer(browser: Browser, errors: list[str], size: dict[str, int]) -> Page:
    """A visitor with a browser of their own."""
    context = patient(browser.new_context(viewport=size, accept_downloads=True))
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    watch(page, errors)
    return page


def said(page: Page) -> str:
    return page.locator(".class-said").inner_text()


def rows(page: Page) -> list[str]:
    """The options of the question as the class has answered them."""
    return page.locator(f"{QUESTION} .rows li").evaluate_all("list => list.map((one) => one.innerText)")


def stop(page: Page) -> int:
    """Where the dial stands, at rest."""
    state = page.locator(".beta-dial").evaluate("root => root.betaDial.state()")
    return -1 if state["position"] != state["committed"] else int(state["committed"])


def wait_for(condition, page: Page, seconds: float = 240) -> None:
    """As `wait_until`, while the browser goes on."""

    def looked() -> bool:
        page.wait_for_timeout(50)
        return bool(condition())

    wait_until(looked, seconds)


def test_a_class_from_its_first_minute_to_its_file(browser: Browser, tmp_path: Path) -> None:
    errors: list[str] = []
    data = {"VAE_DATA": str(tmp_path)}
    teacher = newcomer(browser, errors, DESK)
    students = [newcomer(browser, errors, PHONE if number % 2 else DESK) for number in range(5)]
    with serve(environment=data) as server:
        # The teacher starts a class, students come by its link, and the link's code and secret leave the address line.
        teacher.goto(f"{server.url}/classroom")
        teacher.get_by_role("button", name="Start a class").click()
        expect(teacher.locator(".class-code")).to_have_text(re.compile("^Class ....-....$"))
        code = teacher.locator(".class-code").inner_text().removeprefix("Class ")
        expect(teacher.get_by_role("img", name="QR code of the link that students open")).to_be_visible()
        for name in ("Answers as CSV", "End the class"):  # without a search for them
            expect(teacher.get_by_role("button", name=name)).to_be_in_viewport()
        expect(teacher.get_by_role("heading", name="Lessons")).to_be_in_viewport()
        expect(teacher.get_by_test_id("stCode").first).to_contain_text(f"/?join={code}")
        for page in students:
            page.goto(f"{server.url}/classroom?join={code}")
            expect(page.locator(".class-code")).to_have_text(f"Class {code}")
            page.wait_for_url(lambda url: "join" not in url)
            expect(page.locator(".class-follow")).to_be_hidden()  # nobody leads yet
        wait_for(lambda: said(teacher) == "5 students", teacher)
        assert teacher.evaluate("document.documentElement.scrollWidth <= innerWidth")

        # Follow me: all come to the teacher's page, at the teacher's stop.
        teacher.goto(f"{server.url}/beta?beta=4&present=1")
        expect(teacher.locator(".beta-dial")).to_be_visible()
        teacher.get_by_role("button", name="Follow me").click()
        for page in students:
            page.wait_for_url(lambda url: "/beta" in url and "beta=4" in url and "present" not in url)
            expect(page.locator(f"{QUESTION} [role=radiogroup]")).to_be_visible()
            expect(page.locator(".class-follow")).to_have_text("Let go")

        # Four predict, one of them after a change of mind; nobody is told the answer, nor what the others said.
        for page, option in zip(students, ANSWERS, strict=False):
            choice = page.locator(f"{QUESTION} .choice")
            if option == 2:
                choice.nth(0).click()
                expect(page.locator(f"{QUESTION} .tally-said")).to_contain_text("Wait for your teacher")
            choice.nth(option).click()
            expect(page.locator(f"{QUESTION} .tally-said")).to_contain_text("Wait for your teacher")
        expect(teacher.locator(f"{QUESTION} .tally-said")).to_have_text("4 of 5 students have answered.")
        for page in (*students, teacher):
            expect(page.get_by_text("The result is shown here").first).to_be_attached()
            assert page.locator(f"{QUESTION} .right").count() == 0 and "(" not in "".join(rows(page))
        assert students[0].locator(f"{QUESTION} .tally").evaluate("root => root.tally.data.counts") is None
        students[0].reload()  # what was answered is there again
        expect(students[0].locator(f"{QUESTION} .tally-said")).to_contain_text("Wait for your teacher")

        options = students[4].locator(f"{QUESTION} .choice").all_inner_texts()

        # The reveal: the right one, and how the class has answered, on every screen.
        teacher.get_by_role("button", name="Reveal the answer").first.click()
        counts = [Counter(ANSWERS)[option] for option in range(3)]
        for page in (teacher, *students):
            right = page.locator(f"{QUESTION} .rows li.right")
            expect(right).to_contain_text("✓ right")
            shares = [f"{count} ({25 * count}%)" for count in counts]
            wait_for(lambda page=page, shares=shares: all(map(str.__contains__, rows(page), shares)), page)
            assert right.locator(".option").inner_text() == page.locator(f"{QUESTION} .option").nth(RIGHT).inner_text()
            expect(page.locator(QUESTION)).to_contain_text("KL is 0.00 nats")
        expect(students[1].locator(QUESTION)).to_contain_text("Yes.")
        expect(students[0].locator(QUESTION)).to_contain_text("No:")
        expect(students[4].locator(QUESTION).get_by_role("radio")).to_have_count(0)  # too late

        # One lets go and one leaves: the teacher's next move concerns the others alone.
        students[2].get_by_role("button", name="Let go").click()
        students[3].get_by_role("button", name="Leave class").click()
        expect(students[3].locator(".class")).to_be_hidden()
        wait_for(lambda: said(teacher).startswith("4 students"), teacher)
        before = stop(teacher)
        dial = teacher.locator(".beta-dial input")
        dial.focus()
        teacher.keyboard.press("ArrowRight")
        teacher.keyboard.press("ArrowRight")
        for page in (teacher, students[0], students[1], students[4]):
            wait_for(lambda page=page: stop(page) == before + 2, page)
        assert stop(students[2]) == stop(students[3]) == before
        students[2].get_by_role("button", name="Follow the teacher").click()
        wait_for(lambda: stop(students[2]) == before + 2, students[2])
        assert stop(students[3]) == before

        # A page whose state the browser alone has.
        teacher.keyboard.press("Escape")
        teacher.get_by_test_id("stTopNavLink").filter(has_text="The mathematics").click()
        there, here = (
            page.locator(".derivation").get_by_role("slider", name="μ", exact=True)  # no question covers it
            for page in (teacher, students[1])
        )
        expect(there).to_be_visible()
        there.focus()
        teacher.keyboard.press("ArrowLeft")
        teacher.wait_for_url(lambda url: "mu=" in url)
        wait_for(lambda: here.count() and here.input_value() == there.input_value(), students[1])
        teacher.get_by_role("button", name="Follow me").click()
        expect(students[1].locator(".class-follow")).to_be_hidden()
        teacher.get_by_role("button", name="Follow me").click()  # and leads again
        expect(students[1].locator(".class-follow")).to_have_text("Let go")
        there.focus()
        teacher.keyboard.press("ArrowLeft")
        wait_for(lambda: here.count() and here.input_value() == there.input_value(), students[1])
        teacher.get_by_role("button", name="Follow me").click()
        expect(students[1].locator(".class-follow")).to_be_hidden()

        # The file to keep.
        teacher.locator(".class-code").click()
        with teacher.expect_download() as download:
            teacher.get_by_role("button", name="Answers as CSV").click()
        answers = list(csv.DictReader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
        assert Counter(row["answer"] for row in answers) == {
            options[at]: count for at, count in Counter(ANSWERS).items()
        }
        assert [row["right"] for row in answers].count("yes") == 2 and len({row["student"] for row in answers}) == 4
        expected = [*errors]
        for page in students[2:]:
            page.context.close()
    assert expected == []

    # The server ends and starts again: the class is there. Its end reaches the students.
    with serve(environment=data) as server:
        teacher.goto(f"{server.url}/classroom")
        expect(teacher.locator(".class-code")).to_have_text(f"Class {code}")
        expect(teacher.get_by_test_id("stMain")).to_contain_text("what is the loss made of?")
        # While the file cannot be used the page goes on without the class, and it comes back by itself.
        with closing(sqlite3.connect(tmp_path / database.FILE)) as file:
            file.execute(f"PRAGMA user_version = {database.VERSION + 1}")
            students[0].goto(f"{server.url}/glossary")
            expect(students[0].locator(".class-said")).to_contain_text("go on without a class")
            expect(students[0].locator(".class-code")).to_be_hidden()
            file.execute(f"PRAGMA user_version = {database.VERSION}")
        expect(students[0].locator(".class-code")).to_have_text(f"Class {code}")
        teacher.get_by_role("button", name="End the class").click()
        teacher.get_by_role("button", name="End it and delete its answers").click()
        expect(students[0].locator(".class-said")).to_contain_text("The class has ended.")
        for page in (teacher, *students[:2]):
            page.context.close()
