"""A class opens the β dial over one link that all share: how long until the last one's first position answers.

    .venv/bin/python -m benchmarks.shared_link                 # 30 students, 20 Mbit/s each way, 10 ms
    .venv/bin/python -m benchmarks.shared_link --browsers 2    # two of them in Chromium: is the simulation honest?
    .venv/bin/python -m benchmarks.shared_link --cold          # and nobody has Streamlit's own files yet

The link is simulated on the loopback (`narrow.py`). A student is a session of `sessions.py` that also fetches what the
browser fetches, over six connections: the document; each component's modules as it is mounted; then the dial's tensors
in its order, one by one; then those of planes below the window. Nobody stops after the
first position: later stops of some compete with first positions of others. A student's first position could answer
when the dial's modules, its own tensors and those of the first stop are there; the clock begins when the class does.
What the browser's processor takes is not part of it, which is why a few of them may be real ones.

Streamlit's own scripts, styles and fonts are the same for every page and every visit of this version. By default all
have them; with ``--cold`` nobody has, and each fetches what a Chromium was seen to fetch.

Goal: 30 students, 20 Mbit/s, at most 10 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from groups import served
from narrow import Link, narrow
from serving import CHROMIUM_FLAGS, installed_chromium
from sessions import Session

PAGE, DIAL = "beta", "dial/dial.js"
GOAL = 10.0  # seconds
STEPS = {
    "document": "the document is there, and what it loads",
    "mounted": "the dial is mounted through the WebSocket",
    "modules": "its modules are there",
    "first": "the first position answers",
    "all": "all stops are there",
}
CONNECTIONS = 6  # of a browser to one host
PATIENCE = 300.0  # seconds
_MODULE = re.compile(r'"(modules/[0-9a-f]+/[^"]+)"')
KEEP = "names => Promise.all(names.map(async (name) => (await fetch(`/${name}`)).arrayBuffer()))"
FETCHED = "() => performance.getEntriesByType('resource').map(({ name }) => name)"


class Fetcher:
    """A browser's HTTP: few connections that are used again, and each address fetched once."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.host, self.port = host, int(port)
        self.received = 0
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def get(self, path: str) -> None:
        """Fetch an address, unless it was fetched."""
        if path not in self._under_way:
            self._under_way[path] = asyncio.create_task(self._fetch(path))
        await self._under_way[path]

    async def get_all(self, paths: Iterable[str]) -> None:
        """Fetch several at the same time."""
        await asyncio.gather(*(self.get(path) for path in paths))

    def close(self) -> None:
        """End all connections."""
        for _, writer in self._idle:
            writer.transport.abort()

    async def _fetch(self, path: str) -> None:
        async with self._turns:
            if self._idle:
                reader, writer = self._idle.pop()
            else:
                reader, writer = await asyncio.open_connection(self.host, self.port)
            accepted = "text/html" if path == PAGE else "*/*"
            lines = f"GET /{path} HTTP/1.1", f"Host: {self.host}:{self.port}", "Accept-Encoding: gzip"
            writer.write("\r\n".join([*lines, f"Accept: {accepted}", "\r\n"]).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status, _, told = head.decode("latin-1").partition("\r\n")
            if status.split()[1] != "200":
                raise RuntimeError(f"/{path}: {status}")
            headers = dict(line.lower().split(": ", 1) for line in told.strip().split("\r\n"))
            body = await _body(reader, headers)
            self.received += len(head) + body
            self._idle.append((reader, writer))


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> int:
    """Read a body; how long it was."""
    if "content-length" in headers:
        return len(await reader.readexactly(int(headers["content-length"])))
    size = 0
    while chunk := int(await reader.readline(), 16):
        await reader.readexactly(chunk + 2)
        size += chunk
    await reader.readline()
    return size


class Student(Session):
    """A session that fetches what its page's components need."""

    def __init__(self, url: str, static: Iterable[str]) -> None:
        super().__init__(url, PAGE)
        self.static = list(static)
        self.fetcher = Fetcher(url)
        self.at: dict[str, float] = {}  # seconds after the class began
        self._components: list[asyncio.Task[None]] = []
        self._below: list[dict[str, Any]] = []  # headers of what is further down

    async def attend(self, began: float, after: float) -> None:
        """Open the page `after` seconds; `at` is set."""
        self.began = began
        await asyncio.sleep(began + after - time.perf_counter())
        await self.fetcher.get(PAGE)
        await self.fetcher.get_all(self.static)
        self._note("document")
        self.through_socket = await self.open()
        await asyncio.gather(*self._components)
        for header in self._below:
            await self._tensors(header)
        self.fetcher.close()
        await self.close()

    def _note_component(self, message: Any) -> None:
        super()._note_component(message)
        element = message.delta.new_element
        if element.WhichOneof("type") == "bidi_component":
            self._components.append(asyncio.create_task(self._mount(element.bidi_component)))

    async def _mount(self, component: Any) -> None:
        modules = list(dict.fromkeys(_MODULE.findall(component.js_content)))
        if any(path.endswith(DIAL) for path in modules):
            self._note("mounted")
        await self.fetcher.get_all(modules)
        if not component.bytes:
            return
        header = json.loads(component.bytes[4 : 4 + int.from_bytes(component.bytes[:4], "little")])
        if any(path.endswith(DIAL) for path in modules):
            self._note("modules")
            await self._dial(header)
        else:
            self._below.append(header)

    async def _dial(self, header: dict[str, Any]) -> None:
        await self._tensors(header)
        start, *others = header["later"]
        await self._tensors(start)
        self._note("first")
        for stop in others:
            await self._tensors(stop)
        self._note("all")

    def _note(self, step: str) -> None:
        self.at[step] = time.perf_counter() - self.began

    async def _tensors(self, header: dict[str, Any]) -> None:
        if header.get("body", {}).get("size"):
            await self.fetcher.get(f"tensors/{header['body']['id']}")


@asynccontextmanager
async def chromium() -> Any:
    """A headless Chromium."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed_chromium(), args=list(CHROMIUM_FLAGS))
        yield browser
        await browser.close()


async def visit(page: Any, url: str) -> tuple[float, float]:
    """When the first position answered and when all stops were there (`time.perf_counter`)."""
    await page.goto(f"{url}/{PAGE}", wait_until="commit", timeout=PATIENCE * 1000)
    root = page.locator(".beta-dial")
    await root.wait_for(state="attached", timeout=PATIENCE * 1000)
    handle, found = await root.element_handle(), []
    for condition in ("dial.reach", "dial.reach?.[1] - dial.reach?.[0] === dial.header.stops.length - 1"):
        script = f"root => {{ const dial = root.betaDial; return dial && ({condition}); }}"
        await page.wait_for_function(script, arg=handle, timeout=PATIENCE * 1000)
        found.append(time.perf_counter())
    return found[0], found[1]


async def static_files(browser: Any, url: str) -> list[str]:
    """What a browser fetches of Streamlit's own for the page."""
    context = await browser.new_context()
    page = await context.new_page()
    await visit(page, url)
    names = [name.removeprefix(f"{url}/") for name in await page.evaluate(FETCHED)]
    await context.close()
    return [name for name in dict.fromkeys(names) if name.startswith("static/")]


async def real(browser: Any, url: str, static: Iterable[str]) -> Any:
    """A page of a browser that has these files."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(f"{url}/favicon.png")
    await page.evaluate(
        "names => Promise.all(names.map(async (name) => (await fetch(`/${name}`)).arrayBuffer()))", static
    )
    return page


async def lesson(direct: str, link: Link, asked: argparse.Namespace) -> dict[str, Any]:
    """The class, once."""
    async with chromium() as browser:
        static = await static_files(browser, direct)  # and the server has run the page
        pages = [await real(browser, link.url, [] if asked.cold else static) for _ in range(asked.browsers)]
        link.up.rate = link.down.rate = asked.megabits * 1e6 / 8
        students = [Student(link.url, static if asked.cold else ()) for _ in range(asked.students - asked.browsers)]
        began, sent = time.perf_counter() + 0.5, link.down.sent

        async def browse(page: Any, after: float) -> tuple[float, float]:
            await asyncio.sleep(began + after - time.perf_counter())
            first, whole = await visit(page, link.url)
            return first - began, whole - began

        afters = np.linspace(0, asked.within, asked.students)
        there = [student.attend(began, after) for student, after in zip(students, afters, strict=False)]
        others = [browse(page, after) for page, after in zip(pages, afters[len(students) :], strict=True)]
        async with asyncio.timeout(PATIENCE):
            (*_,) = await asyncio.gather(*there)
            seen = await asyncio.gather(*others)
    return {
        **{step: [student.at[step] for student in students] for step in STEPS},
        "browsers": seen,
        "megabytes": (link.down.sent - sent) / 1e6,
        "each": students[0].fetcher.received + students[0].through_socket,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--browsers", type=int, default=0, help="how many of them are real (0)")
    parser.add_argument("--megabits", type=float, default=20.0, help="of the link, each way (20)")
    parser.add_argument("--latency", type=float, default=0.01, help="seconds, each way (0.01)")
    parser.add_argument("--within", type=float, default=1.0, help="seconds in which all open the page (1)")
    parser.add_argument("--replicas", type=int, default=2, help="behind nginx; 0 is one process without (2)")
    parser.add_argument("--cold", action="store_true", help="nobody has Streamlit's own files")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    with served(asked.replicas) as group, narrow(group.url, latency=asked.latency) as link:
        found = asyncio.run(lesson(group.url, link, asked))
    print("| seconds from the beginning to … | median | last |\n|---|---:|---:|")
    for name, what in STEPS.items():
        print(f"| {what} | {np.median(found[name]):.1f} | {max(found[name]):.1f} |")
    for first, whole in found["browsers"]:
        print(f"| Chromium: the first position answers, all stops | {first:.1f} | {whole:.1f} |")
    print(
        f"\n{found['megabytes']:.1f} MB through the link, {found['each'] / 1e6:.2f} MB for one student; "
        f"load average at the start {load:.1f}."
    )
    last = max([*found["first"], *(first for first, _ in found["browsers"])])
    verdict = "met" if last <= GOAL else "NOT met"
    print(f"- {verdict}: at most {GOAL:g} s until the last one's first position answers; {last:.1f} s.")


if __name__ == "__main__":
    main()
