"""A teacher walks through a lesson by one key, and whoever follows goes along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.serving import serve
from ui.classroom import database, store
from ui.classroom.codes import shown

from .test_classroom import DESK, PHONE, newcomer, stop, wait_for

pytestmark = pytest.mark.browser


def number(page: Page, text: str) -> None:
    expect(page.locator(".walk-number")).to_have_text(text)


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def test_one_key_walks_through_a_lesson_and_followers_go_along(browser: Browser, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    database._given_up.clear()
    errors: list[str] = []
    teacher, student = newcomer(browser, errors, DESK), newcomer(browser, errors, PHONE)
    with serve(environment={"VAE_DATA": str(tmp_path)}) as server:
        # By the keyboard alone: begin, lead, and turn.
        teacher.goto(f"{server.url}/classroom")
        teacher.get_by_role("button", name="Start a class").press("Enter")
        expect(teacher.locator(".class-code")).to_contain_text("Class ")
        code = teacher.locator(".class-code").inner_text().removeprefix("Class ")
        teacher.locator(".st-key-lesson-begin-demonstration").get_by_role("button").press("Enter")
        number(teacher, "1 of 4")
        expect(teacher.locator(".walk-left")).to_have_text("4 min left")
        expect(teacher.locator(".walk-asks")).to_have_text(re.compile("^Ask: .* On which plane does it fall .*[?]$"))
        expect(teacher.locator(".walk-do")).to_have_text(re.compile("^Do: Move over both planes"))
        expect(teacher.locator(".walk-next")).to_contain_text("Whose images are closer")
        # The bars of lesson and class are one line where there is room, and hide nothing of each other.
        walk, strip = (teacher.locator(name).bounding_box() for name in (".walk", ".class"))
        assert walk["y"] == strip["y"] and walk["height"] == strip["height"]
        assert walk["x"] + walk["width"] <= strip["x"] and strip["x"] + strip["width"] == DESK["width"]
        teacher.get_by_role("button", name="Follow me").press("Enter")
        student.goto(f"{server.url}/glossary?join={code}")
        student.wait_for_url(lambda url: "/glossary" not in url)
        expect(student.locator(".walk")).to_be_hidden()
        for at, where in ((2, "/regularity"), (3, "/inside"), (4, "/beta")):
            teacher.keyboard.press("PageDown")
            number(teacher, f"{at} of 4")
            for page in (teacher, student):
                page.wait_for_url(lambda url, where=where: where in url)
            settled(teacher)
            if at == 3:  # its own steps and the lesson's have names of their own
                expect(teacher.get_by_role("button", name="One step")).to_be_visible()
                expect(teacher.get_by_role("button", name="Next in the lesson")).to_be_visible()
                expect(teacher.get_by_text("Next step", exact=True)).to_have_count(0)
        assert "lesson=" not in student.url and "lesson=demonstration-4" in teacher.url
        expect(teacher.locator(".walk-on")).to_be_disabled()
        expect(teacher.get_by_role("heading", name="The β dial")).to_be_in_viewport()  # what explains β
        teacher.keyboard.press("PageUp")
        number(teacher, "3 of 4")
        student.wait_for_url(lambda url: "/inside" in url)

        # It outlives a reload, with its time; where it ends, the keys turn slides again.
        settled(teacher)
        teacher.evaluate("""() => {
            const kept = JSON.parse(sessionStorage.getItem('vae-playground.lesson'));
            const began = Date.now() - 20.5 * 60000;
            sessionStorage.setItem('vae-playground.lesson', JSON.stringify({ ...kept, began }));
        }""")
        teacher.reload()
        number(teacher, "3 of 4")
        expect(teacher.locator(".walk-left")).to_have_text("7 min over")
        teacher.get_by_role("button", name="End lesson").press("Enter")
        expect(teacher.locator(".walk")).to_be_hidden()
        teacher.wait_for_url(lambda url: "lesson=" not in url)
        teacher.keyboard.press("PageDown")
        expect(teacher.locator(".slide")).to_contain_text("2 of")
        for page in (teacher, student):
            page.context.close()
    assert errors == []


def test_a_step_of_the_same_page_sets_what_the_browser_alone_shows(browser: Browser, tmp_path: Path) -> None:
    errors: list[str] = []
    page = newcomer(browser, errors, DESK)
    with serve(environment={"VAE_DATA": str(tmp_path)}) as server:
        page.goto(f"{server.url}/beta?d=2&beta=1&lesson=ninety-9")
        number(page, "9 of 12")
        expect(page.locator(".beta-dial")).to_be_visible()
        expect(page.locator(".walk-left")).to_have_text("5 min left")  # entered in its midst, it is on time
        first = stop(page)
        dial = page.locator(".beta-dial input")
        dial.focus()
        page.keyboard.press("ArrowRight")
        wait_for(lambda: stop(page) == first + 1, page)
        page.get_by_role("button", name="Next in the lesson").click()
        number(page, "10 of 12")
        page.wait_for_url(lambda url: "d=16" in url and "ask=collapse" in url)
        settled(page)
        expect(page.locator(".st-key-question-collapse-16")).to_be_in_viewport()
        page.locator(".walk-back").click()
        number(page, "9 of 12")
        wait_for(lambda: stop(page) == first, page)
        page.context.close()
    assert errors == []


@pytest.mark.parametrize("present", ["", "&present=1"])
def test_on_a_phone_the_line_of_a_lesson_has_room_and_leaves_most_of_the_page(
    browser: Browser, tmp_path: Path, present: str
) -> None:
    errors: list[str] = []
    page = newcomer(browser, errors, PHONE)
    with serve(environment={"VAE_DATA": str(tmp_path)}) as server:
        page.goto(f"{server.url}/beta?d=2&beta=1&lesson=ninety-9{present}")
        number(page, "9 of 12")
        for part in (".walk-asks", ".walk-do", ".walk-on", ".walk-end"):
            box = page.locator(part).bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
        assert page.locator(".walk-next").bounding_box()["height"] < 24  # one line
        assert page.locator(".below").bounding_box()["height"] < 0.25 * PHONE["height"]
        page.context.close()
    assert errors == []


def test_a_link_opens_at_the_step_that_it_names_in_a_class_too(browser: Browser, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    database._given_up.clear()
    code = store.start("teacher").code
    errors: list[str] = []
    page = newcomer(browser, errors, PHONE)
    with serve(environment={"VAE_DATA": str(tmp_path)}) as server:
        page.goto(f"{server.url}/faces?begin=seeds&join={shown(code)}")
        expect(page.locator(".class-code")).to_have_text(f"Class {shown(code)}")
        expect(page.locator(".st-key-step-seeds")).to_be_in_viewport()
        page.context.close()
    assert errors == []
