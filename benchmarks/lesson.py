"""A class that predicts and follows: 200 students answer one question within seconds, 30 follow their teacher.

Students are simulated tabs (`sessions.py`) with the cookies of browsers of their own, and with the WebSocket that tells
a page of its class (`ui/app/live_class.py`). Nothing is drawn. All run in one process, beside the server on the same
machine. The classes' database is a file of its own in a temporary folder, which this process reads to count what was
stored. Run, with nothing else running on the machine, and nginx installed for the second::

    python benchmarks/lesson.py                                   # answers, rest and following, one process
    python benchmarks/lesson.py --replicas 2 --kill --only answers

Answers: all join and open the β dial within ``--open-within`` seconds, then each answers its first question at a moment
of its own within ``--within`` seconds, over the class's WebSocket. Measured from then until the page has been told what
is kept. With ``--kill`` one of the replicas is killed in the middle; whoever was connected to it connects again after
the same time as a browser (`ui/components/classroom/live.js`), and sends again what was not answered. Lost are answers
that the database does not have; the tally is compared with what was sent.

Rest: students with an open page, who do nothing, for ``--rest`` seconds: the server's processor time with the class's
WebSockets and without.

Following: the teacher's page says ``--moves`` times that it is elsewhere, in turn another stop of the dial, another
setting of the page, and another page. Measured from then until the run of each follower's page has ended. Where a move
concerns a component in the browser alone (a pin, a drawing), a page needs no run: until it was told.

Goals: p95 of an answer at most 1 s, none lost, the tally right; following p95 at most 1.5 s; at rest at most 1 % of a
core for 30 students.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from groups import DIRECT, Group, served
from sessions import Act, Control, RunFailed, Session
from training import BUSY, processor
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.protocol import State

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ui.chapters.beta.sweep import labels_of
from ui.classroom import store
from ui.classroom.codes import shown
from ui.classroom.tickets import ticket
from ui.training.visitor import COOKIE, issue, read

QUESTION, OPTIONS = "beta/collapse-2", 3
ANSWER_GOAL, FOLLOW_GOAL, REST_GOAL = 1.0, 1.5, 0.01
AGAIN_AFTER = 0.2  # seconds, until a page connects again whose connection to Streamlit has ended
LIVE_AGAIN, SPREAD = (0.3, 1.0, 2.0, 5.0, 10.0), 0.5  # and its class's, as in live.js
PATIENCE = 60.0  # seconds
MOVES = (
    ("stop", "beta", {"beta": "4"}),
    ("setting", "beta", {"d": "16"}),
    ("page", "glossary", {}),
    ("page", "beta", {}),
    ("stop", "beta", {"beta": "8"}),
    ("told", "beta", {"beta": "8"}),  # the same place at another step: nothing runs
    ("page", "glossary", {}),
    ("page", "beta", {}),
)
KINDS = {
    "stop": "another stop of the dial", "setting": "another setting of the page", "page": "another page",
    "told": "what no run is needed for",
}  # fmt: skip
PARTS = ("answers", "rest", "following")
chance = random.Random(0)


@dataclass
class Student:
    """One tab in a browser of its own."""

    server: Group
    code: str
    page: str = "beta"
    cookie: str = field(default_factory=issue)

    def __post_init__(self) -> None:
        seat = self.server.replica_cookie()
        self.session = Session(self.server.url, self.page, "; ".join(filter(None, (f"{COOKIE}={self.cookie}", seat))))
        self.session.query = f"join={shown(self.code)}"
        self.live: ClientConnection | None = None

    @property
    def name(self) -> str:
        """The visitor, as the server knows them."""
        return read(self.cookie)

    def says(self, option: int) -> str:
        """What the page's question says to the server once an option is chosen."""
        asked = json.loads(self.session.controls["tally-collapse-2"].data)[0]
        return json.dumps({"question": asked["question"], "option": option, "sent": int(1000 * time.time())})

    async def answer(self, option: int) -> None:
        """Choose an option; until the server has said what it keeps, over as many connections as it takes."""
        message, attempts = self.says(option), 0
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    if self.live is None:
                        await self.listen()
                    assert self.live is not None
                    await self.live.send(message)
                    while "answer" not in (said := json.loads(await self.live.recv())):
                        pass
                    if "refused" in said["answer"]:
                        raise RunFailed(said["answer"]["refused"])
                    return
                except (WebSocketException, OSError):
                    self.live = None
                    wait = LIVE_AGAIN[min(attempts, len(LIVE_AGAIN) - 1)]
                    attempts += 1
                    await asyncio.sleep(wait * (1 + SPREAD * chance.random()))

    async def mend(self) -> None:
        """Connect to Streamlit again, if the connection has ended: a browser does, though it asks for nothing."""
        if self.session.socket is not None and self.session.socket.state is State.CLOSED:
            await self.session.connect()

    async def listen(self) -> dict[str, Any]:
        """Open the class's WebSocket; what it says first."""
        self.live = await connect(
            self.server.url.replace("http", "ws", 1) + "/class/live",
            additional_headers={"Cookie": self.session.cookie},
            proxy=None,
            max_queue=None,  # see `following`
        )
        await self.live.send(ticket(self.code, self.name))
        return json.loads(await self.live.recv())

    async def close(self) -> None:
        """Close both connections."""
        await self.session.close()
        if self.live is not None:
            await self.live.close()


def quantiles(seconds: list[float]) -> str:
    """Median, 95th percentile and longest."""
    middle, high, longest = np.percentile(seconds, [50, 95, 100])
    return f"p50 {middle:.2f} s, p95 {high:.2f} s, longest {longest:.2f} s"


def verdict(met: bool, text: str) -> bool:
    """Print a goal and whether it is met."""
    print(f"- {'met' if met else 'NOT met'}: {text}")
    return met


async def opened(server: Group, code: str, count: int, within: float) -> list[Student]:
    """Students who have joined and opened the page."""
    for cookie in server.every_replica_cookie():  # the first run of each process imports what all later ones share
        first = Session(server.url, "beta", cookie)
        await first.open()
        await first.close()
    students = [Student(server, code) for _ in range(count)]

    async def come(student: Student, after: float) -> None:
        await asyncio.sleep(after)
        await student.session.open()
        student.session.query = ""
        await student.listen()

    await asyncio.gather(*(come(one, number * within / count) for number, one in enumerate(students)))
    return students


async def answers(server: Group, chosen: argparse.Namespace, kill: int | None) -> bool:
    """All answer one question."""
    code = store.start("teacher").code
    students = await opened(server, code, chosen.students, chosen.open_within)
    seconds: list[float] = []
    options = [chance.randrange(OPTIONS) for _ in students]
    begin = time.perf_counter() + 0.5

    async def answer(student: Student, option: int, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await student.answer(option)
        seconds.append(time.perf_counter() - due)

    async def kill_one() -> None:
        await asyncio.sleep(max(0.0, begin + chosen.within / 2 - time.perf_counter()))
        if kill is not None:
            os.kill(kill, signal.SIGKILL)
            await asyncio.sleep(AGAIN_AFTER)
            await asyncio.gather(*(student.mend() for student in students))

    spent = server.cpu_seconds()
    dues = [begin + chance.random() * chosen.within for _ in students]
    await asyncio.gather(kill_one(), *map(answer, students, options, dues))
    each = "" if kill else f"; {1000 * (server.cpu_seconds() - spent) / len(students):.0f} ms of the server for each"
    await asyncio.gather(*(student.close() for student in students), return_exceptions=True)
    found = store.asked(code, QUESTION, "teacher")
    counts = found.question.counts if found and found.question else (0,) * OPTIONS
    sent = tuple(options.count(option) for option in range(OPTIONS))
    high = float(np.percentile(seconds, 95))
    print(f"\n{len(students)} students answer within {chosen.within:g} s: {quantiles(seconds)}{each}")
    print(f"Sent {sent}, counted {counts}.")
    return all([
        verdict(high <= ANSWER_GOAL, f"p95 of an answer at most {ANSWER_GOAL:g} s; {high:.2f} s."),
        verdict(sum(counts) == len(students), f"none lost; {len(students) - sum(counts)} of {len(students)}."),
        verdict(counts == sent, "the tally is right."),
    ])  # fmt: skip


async def rest(server: Group, chosen: argparse.Namespace) -> bool:
    """Students who do nothing."""
    code = store.start("teacher").code
    store.take_the_lead(code, "screen")
    students = await opened(server, code, chosen.followers, 3.0)

    async def load() -> float:
        await asyncio.sleep(2)
        before, began = server.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(chosen.rest)
        return (server.cpu_seconds() - before) / (time.perf_counter() - began)

    listening = await load()
    for student in students:
        if student.live is not None:
            await student.live.close()
    without = await load()
    await asyncio.gather(*(student.close() for student in students))
    more = listening - without
    print(
        f"\n{len(students)} students at rest, {chosen.rest:g} s: {listening:.2%} of a core, in no class {without:.2%}"
    )
    return verdict(more <= REST_GOAL, f"at most {REST_GOAL:.0%} of a core; {more:.2%}.")


async def following(server: Group, chosen: argparse.Namespace) -> bool:
    """Students who follow."""
    code, stops = store.start("teacher").code, labels_of(2)
    students = await opened(server, code, chosen.followers, 3.0)
    # Nothing here reads what the server tells the teacher. Once 16 messages wait, `websockets` would read no more, not
    # even the answers to its own pings, and end the connection.
    teacher = await connect(server.url.replace("http", "ws", 1) + "/class/live", proxy=None, max_queue=None)
    await teacher.send(ticket(code, "teacher"))
    await teacher.send(json.dumps({"screen": "one", "what": "lead"}))
    seconds: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}  # the server's processor time for each follower
    for _, page, query in MOVES:  # as the teacher's own page has done before they follow
        shows = Session(server.url, page, server.replica_cookie())
        shows.query = urlencode(query)
        await shows.open()
        await shows.close()

    async def follow(student: Student, kind: str, query: dict[str, str], step: str, sent: float) -> None:
        assert student.live is not None
        async with asyncio.timeout(PATIENCE):
            while (json.loads(await student.live.recv()).get("place") or {}).get("step") != step:
                pass
            if kind == "stop":  # the dial glides there, and tells its stop
                state = json.dumps({"beta": stops.index(query["beta"])})
                await student.session.run(Act(student.session.controls["beta-dial-2"], "json_value", state))
            elif kind in ("setting", "page"):  # the server brings the page there
                lesson = student.session.controls["lesson"]
                asks = Control(f"$$STREAMLIT_INTERNAL_KEY_{lesson.id}__events", component=True)
                await student.session.run(
                    Act(asks, "json_trigger_value", json.dumps([{"event": "follow", "value": True}]))
                )
                del student.session.states[asks.id]
        seconds.setdefault(kind, []).append(time.perf_counter() - sent)

    for number in range(chosen.moves):
        kind, page, query = MOVES[number % len(MOVES)]
        step = f"step-{number}"
        sent, before = time.perf_counter(), server.cpu_seconds()
        await teacher.send(
            json.dumps({"screen": "one", "what": "place", "place": {"page": page, "query": query, "step": step}})
        )
        await asyncio.gather(*(follow(student, kind, query, step, sent) for student in students))
        costs.setdefault(kind, []).append((server.cpu_seconds() - before) / len(students))
        where = {student.session.query for student in students}
        wanted = {"&".join(f"{name}={text}" for name, text in query.items())}
        if {one.partition("join=")[0].rstrip("&") for one in where} != wanted:
            raise RunFailed(f"after a move to {page} {query}, pages say {where}")
        await asyncio.sleep(chance.random() + 0.5)
    await teacher.close()
    await asyncio.gather(*(student.close() for student in students))
    print(f"\n{len(students)} followers, {chosen.moves} moves of their teacher:")
    for kind, some in seconds.items():
        print(f"  {KINDS[kind]}: {quantiles(some)}; {1000 * float(np.mean(costs[kind])):.0f} ms of the server for each")
    high = float(np.percentile([one for some in seconds.values() for one in some], 95))
    return verdict(high <= FOLLOW_GOAL, f"p95 of all at most {FOLLOW_GOAL:g} s; {high:.2f} s.")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="A class that predicts and follows.")
    parser.add_argument("--students", type=int, default=200, metavar="N", help="who answer (200)")
    parser.add_argument("--followers", type=int, default=30, metavar="N", help="who follow, and who rest (30)")
    parser.add_argument("--open-within", type=float, default=20.0, metavar="S", help="seconds in which they come (20)")
    parser.add_argument("--within", type=float, default=5.0, metavar="S", help="seconds in which all answer (5)")
    parser.add_argument("--rest", type=float, default=30.0, metavar="S", help="seconds of rest (30)")
    parser.add_argument("--moves", type=int, default=30, metavar="N", help="of the teacher (30)")
    parser.add_argument("--replicas", type=int, default=DIRECT, metavar="N", help="processes behind nginx (none)")
    parser.add_argument("--kill", action="store_true", help="kill a replica in the middle of the answers")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be given again")
    chosen = parser.parse_args()
    if chosen.kill and chosen.replicas < 2:
        parser.error("--kill needs at least two replicas")
    return chosen


def main() -> int:
    """Measure and print; 1 if a goal is not met."""
    chosen, at_start = arguments(), os.getloadavg()[0]
    print(f"Machine: {processor()}, {os.cpu_count()} cores, students beside the server.")
    good = True
    with tempfile.TemporaryDirectory(prefix="vae-playground-") as folder:
        os.environ["VAE_DATA"] = folder  # the database, and the secret that signs cookies
        with served(chosen.replicas, {"VAE_DATA": folder}) as server:
            for part in chosen.only or PARTS:
                if part == "answers":
                    good &= asyncio.run(answers(server, chosen, server.processes[-1] if chosen.kill else None))
                else:
                    good &= asyncio.run((rest if part == "rest" else following)(server, chosen))
    if at_start > BUSY:
        print(f"- Note: the machine was busy at the start (load average {at_start:.1f}): repeat before quoting.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
