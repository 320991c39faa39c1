"""What the tests of the pages share: opening one, and reading what it says."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from ui.app.server import MAIN as MAIN_SCRIPT
from ui.training.queue import Ended
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store

ROOT = Path(__file__).resolve().parents[2]
MAIN = str(MAIN_SCRIPT)
TIMEOUT = 60


def open_page(page: str | None = None, **query: str) -> AppTest:
    """The app at a page, with a link's parameters, for a visitor who comes by that link."""
    at = AppTest.from_file(MAIN, default_timeout=TIMEOUT)
    if page:
        at.switch_page(str(ROOT / page))
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception
    return at


@cache
def seen(page: str | None = None, **query: str) -> AppTest:
    """A page as it opens on the shipped runs, for tests that only look at it: opened once in a process."""
    assert "VAE_STORE" not in os.environ, "a test with a store of its own opens its own page"
    return open_page(page, **query)


def payloads(at: AppTest) -> list[bytes]:
    """What the page's components were given, in the order of the page: headers; the lesson's line takes no bytes."""
    return [element.proto.bytes for element in at.get("bidi_component") if element.proto.bytes]


def later_kinds(header: dict[str, Any]) -> list[str]:
    """What a component fetches after its own payload."""
    return [later["kind"] for later in header.get("later", ())]


def payload_headers(at: AppTest) -> list[dict[str, Any]]:
    """Headers of what the page's components were given, in the order of the page."""
    headers = []
    for raw in payloads(at):
        size = int.from_bytes(raw[:4], "little")
        headers.append(json.loads(raw[4 : 4 + size]))
    return headers


def charts(at: AppTest) -> list[dict[str, Any]]:
    """The Plotly figures on the page."""
    return [json.loads(element.proto.spec) for element in at.get("plotly_chart")]


def words(at: AppTest) -> list[str]:
    """The text alternatives of the Plotly figures on the page."""
    return [element.proto.alt for element in at.get("plotly_chart")]


def plotted(values: list[float] | dict[str, str]) -> np.ndarray:
    """A column of a figure, which Plotly writes as a list or packed."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return np.asarray(values)


class Shown(HTMLParser):
    """What HTML shows.

    Attributes:
        parts: texts, and pictures as PNG files, in its order.
        notes: the small print.
        alternatives: what is read to those who do not see the pictures.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str | bytes] = []
        self.notes: list[str] = []
        self.in_note = False
        self.alternatives: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        (self.notes if self.in_note else self.parts).append(data)

    def handle_endtag(self, tag: str) -> None:
        self.in_note = self.in_note and tag != "p"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_note = self.in_note or tag == "p"
        if tag == "img":
            image = {name: value or "" for name, value in attrs}
            if image["src"].startswith("pictures/"):
                return  # of a card: the server gives it, not the page
            kind, _, data = image["src"].partition(",")
            assert kind == "data:image/png;base64"
            self.parts.append(base64.b64decode(data))
            self.alternatives.append(image["alt"])


def shown(at: AppTest) -> Shown:
    """What the page's HTML shows."""
    return Shown("".join(element.value for element in at.get("html")))


def pictured(at: AppTest) -> list[str | bytes]:
    """The pictures of the page, as PNG files, and the texts that go with them, in its order."""
    return shown(at).parts


def pictures(at: AppTest) -> list[bytes]:
    """The pictures of the page, as PNG files."""
    return [part for part in pictured(at) if isinstance(part, bytes)]


def texts(at: AppTest) -> list[str]:
    """All running text, captions, what stands beside pictures and small print, in four lots."""
    html = shown(at)
    beside = [part for part in html.parts if isinstance(part, str)]
    return [*(element.value for element in (*at.markdown, *at.caption)), *beside, *html.notes]


class Table(HTMLParser):
    """The tables of some HTML.

    Attributes:
        found: heading -> cells, of each.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, list[str]]] = []
        self.lines: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.lines = []
        elif tag == "tr":
            self.lines.append([])
        elif tag in ("td", "th"):
            self.lines[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.lines and self.lines[-1]:
            self.lines[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            head, *rows = self.lines
            self.found.append({name: [row[column] for row in rows] for column, name in enumerate(head)})
            self.lines = []


def tables(at: AppTest) -> list[dict[str, list[str]]]:
    """The tables on the page: heading -> cells."""
    return Table("".join(element.value for element in at.get("html"))).found


def said(at: AppTest, pattern: str) -> re.Match[str]:
    """The one place in the page's texts that has the pattern, which stays within a line."""
    found = list(re.finditer(pattern, "\n".join(texts(at)), re.MULTILINE))
    assert len(found) == 1, f"{len(found)} places say {pattern!r}"
    return found[0]


def tells(at: AppTest, *values: str) -> None:
    """Some line of the page's texts has all these numbers, whole, in whatever words."""
    whole = [re.compile(rf"(?<![\d.,]){re.escape(value)}(?![\d]|[.,]\d)") for value in values]
    lines = "\n".join(texts(at)).splitlines()
    assert any(all(one.search(line) for one in whole) for line in lines), f"no line tells {values}"


def numbers_left(text: str, passages: Iterable[str]) -> tuple[str, set[str]]:
    """What is left of a document without some passages, and the numbers in it."""
    for passage in sorted((one.strip() for one in passages), key=len, reverse=True):
        text = text.replace(passage, " … ")
    return text, set(re.findall(r"\d(?:[\d.,]*[\d%])?", text))


def subheaders(at: AppTest) -> list[str]:
    """Headings of the passages."""
    return [heading for element in at.markdown for heading in re.findall(r"^## (.*)$", element.value, re.MULTILINE)]


def boxes(at: AppTest) -> list[str]:
    """Titles of the boxes that open."""
    return [title for element in at.markdown for title in re.findall("<summary[^>]*>(.*?)</summary>", element.value)]


def revealed(at: AppTest) -> list[str]:
    """What the predictions have said so far."""
    return [text for text in texts(at) if ":material/check:" in text or ":material/close:" in text]


def predict(at: AppTest, question: str, option: int) -> str:
    """Choose an option of the prediction whose question has this text; gives what is then revealed about it."""
    before = revealed(at)
    radio = next(radio for radio in at.radio if question in radio.label)
    radio.set_value(radio.options[option]).run()
    assert not at.exception, at.exception
    new = [text for text in revealed(at) if text not in before]
    assert len(new) == 1, new
    return new[0]


def copy_runs(
    source: Store, target: Store, keys: Iterable[str], change: Callable[[Run], dict[str, Any]] | None = None
) -> None:
    """Put runs into another store, with fields replaced if asked for."""
    for key in keys:
        run = source.load(key)
        target.save(replace(run, **change(run)) if change else run)


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Until something that happens elsewhere has happened."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Bench:
    """In the place of training processes: notes who comes, and holds each until it is let go or stopped.

    Attributes:
        came: specs in the order in which they were begun.
        stopped: those that were stopped.
        ends: how the next ones end; once it is empty, well.
    """

    def __init__(self) -> None:
        self.came: list[RunSpec] = []
        self.stopped: list[RunSpec] = []
        self.ends: list[Ended] = []
        self.go = threading.Semaphore(0)

    def __call__(self, spec: RunSpec) -> BenchWorker:
        self.came.append(spec)
        return BenchWorker(self, spec)

    def let_go(self, count: int = 1) -> None:
        for _ in range(count):
            self.go.release()


class BenchWorker:
    """One place on the bench."""

    def __init__(self, bench: Bench, spec: RunSpec) -> None:
        self.bench, self.spec, self.ended = bench, spec, threading.Event()

    def wait(self) -> Ended:
        end = time.monotonic() + 30
        while not self.bench.go.acquire(timeout=0.01):
            assert time.monotonic() < end
            if self.ended.is_set():
                return Ended("stopped", killed=True)
        return self.bench.ends.pop(0) if self.bench.ends else Ended()

    def stop(self) -> None:
        self.bench.stopped.append(self.spec)
        self.ended.set()
