"""A class on one server: how long simulated sessions wait for a page to open and to rerun.

To the server, each session looks like a browser tab (`sessions.py`). All run in one process, beside the server on the
same machine; nothing leaves it. Run, with nothing else running on the machine::

    python benchmarks/classroom.py                                  # 30 sessions on Home
    python benchmarks/classroom.py --page explorer --sessions 30 --reruns 20 --every 1 --json classroom.json
    python benchmarks/classroom.py --table --json table.json        # every page, 1 to 200 sessions: 15 minutes
    python benchmarks/classroom.py --table --replicas 2 --pages beta,reduction  # several processes behind nginx
    python benchmarks/classroom.py --soak 600 --sessions 200 --every 10

1. One session opens the page and leaves: the server's first run imports and reads what all later ones share.
2. ``--sessions`` open it, evenly spread over ``--open-within`` seconds. Measured: from connecting to
   `script_finished`.
3. Each acts ``--reruns`` times, once every ``--every`` seconds, sessions evenly spread. Measured: from when it was due
   (not from when it could be sent: a slow server must not slow down its own test) to `script_finished`.
   Visitors of the β dial release it at another stop, those of the explorer pin another point; elsewhere they answer one
   question of the page after another, then each again with another option. As in a browser, that reruns the part of the
   page that the control belongs to. Where a page has none of these, and with ``--whole-page``, all of it runs again.

A soak test repeats step 3 for a given time with its sessions spread over all pages; each moves to the next page after
every tenth rerun, as if by its link in a new tab. A script that does not finish successfully, or that shows an
exception or an error box, is an error.

Goals on two cores: 30 sessions opening a page within 3 s, p95 at most 0.5 s; one rerun a second each, p95 at most 0.1
s; 100 sessions at one rerun in 3 s, p95 at most 0.2 s; 200 of them, p95 at most 1 s; on every page. 200 open sessions
in at most 700 MB; a soak without errors in which memory grows by less than 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from groups import DIRECT, Group, served
from sessions import Act, Clock, Phase, RunFailed, Session, rerun, timed
from training import BUSY, processor

from ui.chapters import chapters

PAGES = tuple(chapter.url for chapter in chapters())
SETTLE = 1.0  # seconds between the phases
PAGE_AFTER = 10  # reruns, in a soak test


@dataclass(frozen=True)
class Lesson:
    """The load of a class.

    Attributes:
        page: its name in the URL.
        sessions: how many.
        open_within: seconds within which all of them open the page.
        reruns: per session.
        every: seconds between a session's reruns.
        goal: seconds, the 95th percentile of reruns.
        whole_page: whether all of the page runs again each time, instead of what the visitor acts on.
    """

    page: str
    sessions: int = 30
    open_within: float = 3.0
    reruns: int = 20
    every: float = 1.0
    goal: float = 0.1
    whole_page: bool = False


CLASSES = (
    {"sessions": 1, "reruns": 6},
    {"sessions": 10, "reruns": 6},
    {"sessions": 30, "reruns": 10},
    {"sessions": 100, "open_within": 10.0, "reruns": 4, "every": 3.0, "goal": 0.2},
    {"sessions": 200, "open_within": 20.0, "reruns": 4, "every": 3.0, "goal": 1.0},
)
OPENING_GOAL = 0.5  # seconds, p95
IDLE_GOAL = 700.0  # megabytes, 200 sessions


@dataclass
class Seen:
    """The measurements of a lesson: its phases, and the server's megabytes before, with all open, and at the end."""

    lesson: Lesson
    phases: dict[str, Phase]
    megabytes: list[float | None]

    @property
    def errors(self) -> list[str]:
        """The errors of all phases."""
        return [error for phase in self.phases.values() for error in phase.errors]


def act_on(session: Session, number: int) -> Act | None:
    """What a visitor does for the n-th rerun; None where nothing on the page can be done, which reruns all of it."""
    for key, control in session.controls.items():
        if session.page == "beta" and key == "beta-dial-2":
            return Act(control, "json_value", json.dumps({"beta": number % 11}))
        if session.page == "explorer" and key.startswith("explorer-vae-mnist"):
            return Act(control, "json_value", json.dumps({"pins": [[0.1 * (number % 20) - 1, 0.5]]}))
        if session.page == "train" and key == "train-seed":
            return Act(control, "double_value", float(number + 1))
    questions = [control for control in session.controls.values() if control.options]
    if not questions:
        return None
    again, which = divmod(number, len(questions))
    return Act(questions[which], "string_value", questions[which].options[again % len(questions[which].options)])


def nothing(_session: Session, _number: int) -> None:
    """All of the page runs again."""


async def warm_up(server: Group, page: str) -> float:
    """Open a page once in each process; returns the longest waiting time in seconds."""
    waits = []
    for cookie in server.every_replica_cookie():
        session = Session(server.url, page, cookie)
        began = time.perf_counter()
        try:
            await session.open()
        finally:
            await session.close()
        waits.append(time.perf_counter() - began)
    await asyncio.sleep(SETTLE)
    return max(waits)


async def attend(server: Group, lesson: Lesson) -> Seen:
    """Steps 2 and 3 of the module's docstring."""
    sessions = [Session(server.url, lesson.page, server.replica_cookie()) for _ in range(lesson.sessions)]
    seen = Seen(lesson, {"opening": Phase(), "rerun": Phase()}, [server.resident_megabytes()])
    opening, again = seen.phases.values()
    act = nothing if lesson.whole_page else act_on
    try:
        with Clock(opening, server):
            start, gap = time.perf_counter() + 0.1, lesson.open_within / lesson.sessions
            opened = await asyncio.gather(
                *(timed(opening, start + i * gap, each.open) for i, each in enumerate(sessions))
            )
        await asyncio.sleep(SETTLE)
        seen.megabytes.append(server.resident_megabytes())
        with Clock(again, server):
            start, gap = time.perf_counter() + 0.1, lesson.every / lesson.sessions
            await asyncio.gather(
                *(
                    rerun(again, each, start + i * gap, lesson.reruns, lesson.every, act)
                    for i, each in enumerate(sessions)
                    if opened[i]
                )
            )
        seen.megabytes.append(server.resident_megabytes())
    finally:
        await asyncio.gather(*(each.close() for each in sessions))
        await asyncio.sleep(SETTLE)
    return seen


async def visit(phase: Phase, server: Group, number: int, first: float, until: float, every: float) -> None:
    """One session of a soak test."""
    cookie = server.replica_cookie()
    session, due, runs = Session(server.url, PAGES[number % len(PAGES)], cookie), first, 0
    try:
        if not await timed(phase, due, session.open):
            return
        while (due := due + every) < until:
            runs += 1
            if runs % PAGE_AFTER == 0:
                await session.close()
                session = Session(server.url, PAGES[(number + runs // PAGE_AFTER) % len(PAGES)], cookie)
                good = await timed(phase, due, session.open)
            else:
                good = await timed(phase, due, partial(session.run, act_on(session, runs)))
            if not good:
                return
    finally:
        await session.close()


async def soak(server: Group, seconds: float, sessions: int, every: float) -> tuple[Phase, list[float | None]]:
    """Load all pages for a while; returns the measurements, and the server's megabytes at every tenth of the time."""
    for page in PAGES:
        await warm_up(server, page)
    phase, start = Phase(), time.perf_counter() + 0.1
    memory: list[float | None] = []

    async def sample_memory() -> None:
        for _ in range(10):
            await asyncio.sleep(seconds / 10)
            memory.append(server.resident_megabytes())

    with Clock(phase, server):
        visits = (
            visit(phase, server, number, start + number * every / sessions, start + seconds, every)
            for number in range(sessions)
        )
        await asyncio.gather(sample_memory(), *visits)
    return phase, memory


def milliseconds(phase: Phase) -> list[str]:
    """Median, 95th percentile and longest."""
    return [f"{1000 * value:.0f} ms" for value in phase.quantiles()]


def cpu_per_run(phase: Phase) -> str:
    """The server's processor time per run, in milliseconds; empty if it is not known."""
    runs = len(phase.seconds) + len(phase.errors)
    return "" if phase.server_cpu is None else f"{1000 * phase.server_cpu / max(runs, 1):.0f} ms"


def table(phases: dict[str, Phase]) -> str:
    """One row per phase, in Markdown."""
    lines = [
        "| phase | runs | errors | p50 | p95 | longest | received per run | server CPU per run | server CPU | ours |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, phase in phases.items():
        runs = len(phase.seconds) + len(phase.errors)
        size = f"{sum(phase.received) / len(phase.received) / 1000:,.0f} kB" if phase.received else ""
        load = "" if phase.server_cpu is None else f"{phase.server_cpu / phase.wall:.0%}"
        cells = [name, runs, len(phase.errors), *milliseconds(phase), size, cpu_per_run(phase), load]
        lines.append(f"| {' | '.join(map(str, cells))} | {phase.own_cpu / phase.wall:.0%} |")
    return "\n".join(lines)


def class_table(all_seen: list[Seen]) -> str:
    """One row per page and class, in Markdown."""
    lines = [
        "| page | sessions | a rerun every | opening p95 | rerun p50 | rerun p95 | goal | errors "
        "| server CPU per rerun | server CPU | memory with all open |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for seen in all_seen:
        lesson, again = seen.lesson, seen.phases["rerun"]
        load = "" if again.server_cpu is None else f"{again.server_cpu / again.wall:.0%}"
        megabytes = seen.megabytes[1] if len(seen.megabytes) > 1 else None
        cells = [
            lesson.page or "Home", lesson.sessions, f"{lesson.every:g} s", milliseconds(seen.phases["opening"])[1],
            *milliseconds(again)[:2], f"{1000 * lesson.goal:.0f} ms", len(seen.errors), cpu_per_run(again), load,
            "" if megabytes is None else f"{megabytes:.0f} MB",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def verdicts(seen: Seen) -> list[str]:
    """Each goal of a lesson, met or not."""
    lines = []
    for name, goal in (("opening", OPENING_GOAL), ("rerun", seen.lesson.goal)):
        phase = seen.phases[name]
        if not phase.seconds and not phase.errors:
            continue
        high = phase.quantiles()[1]
        met = "met" if high <= goal and not phase.errors else "NOT met"
        lines.append(
            f"- {met}: {seen.lesson.page or 'Home'}, {seen.lesson.sessions} sessions, {name} p95 at most "
            f"{1000 * goal:.0f} ms without errors; {1000 * high:.0f} ms."
        )
    return lines


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Waiting times of a class of simulated sessions on one server.")
    parser.add_argument("--sessions", type=int, default=30, metavar="N", help="how many (30)")
    parser.add_argument(
        "--open-within", type=float, default=3.0, metavar="S", help="seconds within which they open (3)"
    )
    parser.add_argument("--reruns", type=int, default=20, metavar="N", help="of each session (20)")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="seconds between a session's reruns (1)")
    parser.add_argument("--page", default="", help="the page's name in the URL (Home)")
    parser.add_argument("--table", action="store_true", help="every page with 1, 10, 30, 100 and 200 sessions")
    parser.add_argument("--pages", default=",".join(PAGES), help="for --table: some pages, separated by commas")
    parser.add_argument(
        "--whole-page", action="store_true", help="all of the page runs again each time, not what the visitor acts on"
    )
    parser.add_argument("--soak", type=float, metavar="S", help="soak test: load all pages for so many seconds")
    parser.add_argument(
        "--replicas", type=int, default=DIRECT, metavar="N", help="processes behind nginx (one, without)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args()
    if (
        chosen.sessions < 1
        or min(chosen.reruns, chosen.open_within, chosen.every, chosen.soak or 0, chosen.replicas) < 0
    ):
        parser.error("numbers must not be negative, and there must be a session")
    return chosen


def lessons(chosen: argparse.Namespace) -> dict[str, list[Lesson]]:
    """What to measure, by page: each page has its own server."""
    whole = chosen.whole_page
    if chosen.table:
        return {page: [Lesson(page, **each, whole_page=whole) for each in CLASSES] for page in chosen.pages.split(",")}  # type: ignore[arg-type]
    goal = CLASSES[-1]["goal"] if chosen.sessions > 100 else 0.1
    one = Lesson(chosen.page, chosen.sessions, chosen.open_within, chosen.reruns, chosen.every, goal, whole)  # type: ignore[arg-type]
    return {chosen.page: [one]}


def teach(chosen: argparse.Namespace) -> tuple[list[Seen], dict[str, float]]:
    """Measure all lessons; returns the results, and the first visitor's waiting time on each page."""
    all_seen, first = [], {}
    for page, planned in lessons(chosen).items():
        with served(chosen.replicas) as server:
            try:
                first[page] = asyncio.run(warm_up(server, page))
            except RunFailed as error:
                sys.exit(f"The page {page or 'Home'} does not work even for one session: {error}")
            for lesson in planned:
                all_seen.append(asyncio.run(attend(server, lesson)))
                if chosen.table:
                    print("\n".join(class_table(all_seen[-1:]).splitlines()[2:]), file=sys.stderr, flush=True)
    return all_seen, first


def report_soak(chosen: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Run a soak test and print its results; returns what to write as JSON, and the errors."""
    with served(chosen.replicas) as server:
        phase, memory = asyncio.run(soak(server, chosen.soak, chosen.sessions, chosen.every))
    print(table({"soak": phase}))
    known = [megabytes for megabytes in memory if megabytes is not None]
    print("\nServer's megabytes at every tenth of the time: " + ", ".join(f"{megabytes:.0f}" for megabytes in known))
    if len(known) > 4:  # the first quarter still fills caches
        growth = known[-1] / known[len(known) // 4] - 1
        met = "met" if growth < 0.05 and not phase.errors else "NOT met"
        print(f"- {met}: no errors, and less than 5 % more memory from the first quarter to the end; {growth:+.1%}.")
    return {"phase": asdict(phase), "megabytes": memory}, phase.errors


def main() -> int:
    """Measure and print; 1 if any run went wrong."""
    chosen = arguments()
    load = os.getloadavg()[0]
    names = ("streamlit", "starlette", "uvicorn", "websockets", "torch")
    machine = {
        "processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names}, "load_at_start": load,
    }  # fmt: skip
    print(
        f"Machine: {machine['processor']}, {machine['cores']} cores, sessions beside the server; "
        f"streamlit {machine['streamlit']}, Python {machine['python']}. CPU: 100 % is one core busy; ours: the "
        f"sessions'.{f' Served by {chosen.replicas} processes behind nginx.' if chosen.replicas else ''}\n"
    )
    document: dict[str, Any] = {"machine": machine}
    if chosen.soak:
        print(
            f"{chosen.sessions} sessions over all pages for {chosen.soak:g} s, a run every {chosen.every:g} s each.\n"
        )
        document["soak"], errors = report_soak(chosen)
    else:
        all_seen, first = teach(chosen)
        print(class_table(all_seen))
        if not chosen.table:
            print("\n" + table(all_seen[0].phases))
        print(
            "\nThe first visitor of a page waited " + ", ".join(f"{s:.2f} s ({p or 'Home'})" for p, s in first.items())
        )
        print("\n" + "\n".join(line for seen in all_seen for line in verdicts(seen)))
        large = [seen for seen in all_seen if seen.lesson.sessions >= 200 and seen.megabytes[1] is not None]
        for seen in large:
            met = "met" if seen.megabytes[1] <= IDLE_GOAL else "NOT met"  # type: ignore[operator]
            print(f"- {met}: {seen.lesson.page or 'Home'}, 200 open sessions in at most {IDLE_GOAL:.0f} MB.")
        errors = [error for seen in all_seen for error in seen.errors]
        document["first_visitor_seconds"] = first
        document["lessons"] = [
            {
                **asdict(seen.lesson),
                "megabytes": seen.megabytes,
                "phases": {
                    name: {**dict(zip(("p50", "p95", "max"), phase.quantiles(), strict=True)), **asdict(phase)}
                    for name, phase in seen.phases.items()
                },
            }
            for seen in all_seen
        ]
    if load > BUSY:
        print(f"- Note: the machine was busy at the start (load average {load:.1f}): repeat before quoting.")
    for error in dict.fromkeys(errors):
        print(f"- Error, {errors.count(error)} times: {error}")
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
