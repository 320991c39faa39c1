"""A class whose connections end and whose server dies: what is answered, revealed and followed arrives all the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from benchmarks import serving
from benchmarks.serving import serve
from ui.classroom import database, store

from .test_classroom import DESK, QUESTION, newcomer, wait_for

pytestmark = pytest.mark.browser

NAME = "beta/collapse-2"
ANSWERED = "Wait for your teacher"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    """The data root of the servers, which this process reads, too."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    database._given_up.clear()
    return tmp_path


def choose(page: Page, option: int) -> None:
    page.locator(f"{QUESTION} .choice").nth(option).click()


def said(page: Page):
    return page.locator(f"{QUESTION} .tally-said")


def counts(code: str) -> tuple[int, ...]:
    found = store.asked(code, NAME, "nobody")
    return found.question.counts if found and found.question else ()


class Cut:
    """The class's connections of a page, cut at a message."""

    def __init__(self, page: Page) -> None:
        self.at = ""  # a part of the message at which they end, once
        self.opened, self.cut = 0, 0
        self.dead = 0  # the connections up to this one: nothing comes through any more, and nobody is told
        page.route_web_socket("**/class/live", self.open)

    def open(self, there: WebSocketRoute) -> None:
        self.opened += 1
        number, server = self.opened, there.connect_to_server()

        def pass_on(way: WebSocketRoute):
            def message(text: str) -> None:
                if number <= self.dead:
                    return
                if self.at and self.at in text:
                    self.at, self.cut = "", self.cut + 1
                    there.close(code=1012)
                    return
                way.send(text)

            return message

        there.on_message(pass_on(server))
        server.on_message(pass_on(there))


def test_an_answer_arrives_once_whenever_its_connection_ends(browser: Browser, folder: Path) -> None:
    errors: list[str] = []
    page = newcomer(browser, errors, DESK)
    cut = Cut(page)
    with serve(environment={"VAE_DATA": str(folder)}) as server:
        code = store.start("teacher").code
        page.goto(f"{server.url}/beta?join={code}")
        expect(page.locator(f"{QUESTION} .choice")).to_have_count(3)
        wait_for(lambda: cut.opened == 1, page)

        cut.at = '"question":"['  # on the way there: the server has heard nothing
        choose(page, 0)
        expect(said(page)).to_contain_text(ANSWERED)
        assert cut.cut == 1 and cut.opened >= 2 and counts(code) == (1, 0, 0)

        cut.at = '{"answer"'  # on the way back: it is stored, and nobody knows
        choose(page, 2)
        wait_for(lambda: cut.cut == 2, page)
        assert counts(code) == (0, 0, 1)
        wait_for(lambda: cut.opened >= 3, page)
        expect(said(page)).to_contain_text(ANSWERED)
        assert counts(code) == (0, 0, 1)
        expect(page.locator(f"{QUESTION} .choice").nth(2).get_by_role("radio")).to_be_checked()

        # Loaded anew before it was sent.
        cut.dead = cut.opened
        choose(page, 1)
        expect(said(page)).to_contain_text("has not arrived yet")
        assert counts(code) == (0, 0, 1)
        page.reload()
        wait_for(lambda: counts(code) == (0, 1, 0), page)
        expect(said(page)).to_contain_text(ANSWERED)
        expect(page.locator(f"{QUESTION} .choice").nth(1).get_by_role("radio")).to_be_checked()
        page.context.close()
    assert errors == []


def test_a_connection_that_says_nothing_is_replaced(browser: Browser, folder: Path) -> None:
    errors: list[str] = []
    page = newcomer(browser, errors, DESK)
    cut = Cut(page)
    with serve(environment={"VAE_DATA": str(folder)}) as server:
        code = store.start("teacher").code
        page.goto(f"{server.url}/beta?join={code}")
        expect(page.locator(f"{QUESTION} .choice")).to_have_count(3)
        wait_for(lambda: cut.opened == 1, page)
        cut.dead = 1  # the one that is open
        choose(page, 1)
        expect(said(page)).to_contain_text("has not arrived yet")
        expect(said(page)).to_contain_text(ANSWERED)
        assert cut.opened >= 2 and counts(code) == (0, 1, 0)
        page.context.close()
    assert errors == []


def test_the_server_dies_and_everybody_goes_on_where_they_were(browser: Browser, folder: Path, monkeypatch) -> None:
    data = {"VAE_DATA": str(folder)}
    port = serving.free_port()
    monkeypatch.setattr(serving, "free_port", lambda: port)
    teacher, early, late = (newcomer(browser, [], DESK) for _ in range(3))
    cuts = [Cut(early), Cut(late)]
    with serve(environment=data) as server:
        teacher.goto(f"{server.url}/classroom")
        teacher.get_by_role("button", name="Start a class").click()
        expect(teacher.locator(".class-code")).to_contain_text("Class")
        code = teacher.locator(".class-code").inner_text().removeprefix("Class ").replace("-", "")
        for page in (teacher, early, late):
            page.goto(f"{server.url}/beta?join={code}")
            expect(page.locator(QUESTION)).to_be_visible()
        choose(early, 0)
        expect(said(early)).to_contain_text(ANSWERED)
        # What is answered now, the server never hears. Once it is dead Streamlit's own window is before the page.
        for cut in cuts:
            wait_for(lambda cut=cut: cut.opened > 0, early)
            cut.dead = cut.opened
        choose(late, 1)
        choose(early, 1)
        expect(said(late)).to_contain_text("has not arrived yet")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    assert counts(code) == (1, 0, 0)
    with serve(environment=data):
        for page in (early, late):
            expect(said(page)).to_contain_text(ANSWERED)
        assert counts(code) == (0, 2, 0)
        expect(said(teacher)).to_have_text("2 of 2 students have answered.")
        # The new process knows nothing of the pages: what they ask of it is done all the same, by one press.
        teacher.get_by_role("button", name="Reveal the answer").first.click()
        for page in (teacher, early, late):
            expect(page.locator(f"{QUESTION} .rows li.right")).to_contain_text("2 (100%)")
        expect(late.locator(QUESTION)).to_contain_text("Yes.")
        for page in (teacher, early, late):
            page.context.close()


def test_who_follows_goes_on_following_by_another_process(browser: Browser, folder: Path, monkeypatch) -> None:
    data = {"VAE_DATA": str(folder)}
    port = serving.free_port()
    monkeypatch.setattr(serving, "free_port", lambda: port)
    started = store.start("teacher")
    store.take_the_lead(started.code, "screen")
    page = newcomer(browser, [], DESK)
    with serve(environment=data) as server:
        page.goto(f"{server.url}/glossary?join={started.code}")
        expect(page.locator(".class-code")).to_contain_text("Class")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with serve(environment=data):
        store.lead(started.code, "screen", store.Place("beta", {"beta": "4"}))
        page.wait_for_url(lambda url: "/beta" in url and "beta=4" in url)
        expect(page.locator(QUESTION)).to_be_visible()
        page.context.close()
