"""A class that trains: thirty visitors on one server, one training process.

Sessions are those of sessions.py: WebSockets without a browser, which press buttons as a browser would.

1. ``same``: all press Train on the same new run; then each looks once a second. Counted: training processes started,
   and sessions that saw its progress, and its end.
2. ``different``: each presses Train on a different run (another seed). Counted: runs that finished, in which order.
3. ``others``: as many sessions on another page rerun once a second, first while nothing trains, then while the queue
   works. Measured: p95 of both.
4. ``memory``: the server's resident memory before and after ``--jobs`` runs, one after another.

Run, with nothing else running on the machine (about ten minutes)::

    python benchmarks/training_queue.py

    python benchmarks/training_queue.py --visitors 4 --jobs 5 --seconds 5     # the short form

Goals on two cores: a run that all request is trained once; all different runs finish in the order of the requests; p95
of the others' reruns at most 2 times that while idle; memory grows by less than 5% over 50 jobs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from serving import Server, serve
from sessions import Act, Phase, RunFailed, Session, rerun
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from training import BUSY, processor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from vae_core.spec import RunSpec  # noqa: E402
from vae_core.storage.manifest import SHIPPED  # noqa: E402
from vae_core.storage.store import Store  # noqa: E402

PAGE = "train"
SLOWER = 2.0  # goal: others' p95 while training, times that while idle
GROWTH = 0.05
LONGEST = 900.0  # seconds for one part


def spec_of(seed: int, epochs: int) -> RunSpec:
    """A short run on the small digits, as the page's form specifies it."""
    return RunSpec("digits", "vae", hidden=(128,), epochs=epochs, batch_size=256, learning_rate=1.5e-3, seed=seed)


class Trainer(Session):
    """A session on the page that can press its buttons.

    Attributes:
        shown: text of the page's last progress bar, empty without one.
        fragment: the part of the page that reruns by itself, empty without one.
        pace: seconds between its reruns.
        buttons: label -> id.
        done: whether the page offers the downloads of a finished run.
    """

    def __init__(self, url: str, seed: int, epochs: int) -> None:
        super().__init__(url, PAGE)
        self.query = f"dataset=digits&depth=128&batch=256&epochs={epochs}&seed={seed}"
        self.shown, self.done = "", False
        self.fragment, self.pace, self.looks = "", 1.0, False
        self.buttons: dict[str, str] = {}
        self.pressed: str | None = None
        keep = self.cache.see
        self.cache.see = lambda message: (keep(message), self.note(message))  # type: ignore[method-assign]

    async def press(self, label: str) -> None:
        """Click a button and read until the page has run again.

        Raises:
            RunFailed: there is no such button.
        """
        if label not in self.buttons:
            raise RunFailed(f"the page has no button {label}, only {list(self.buttons)}")
        self.pressed = self.buttons[label]
        await self.run()

    async def look(self) -> int:
        """Rerun as the front end does while a run is in training: that part of the page, or else all of it."""
        self.looks = True
        return await self.run()

    def request(self, act: Act | None) -> BackMsg:
        """As of `Session.request`, with a click if one is due, or for a part of the page; forgets what was shown
        before."""
        self.shown, self.done = "", False
        request = super().request(act)
        if self.pressed:
            request.rerun_script.widget_states.widgets.add(id=self.pressed, trigger_value=True)
            self.pressed = None
        if self.looks:
            request.rerun_script.fragment_id, request.rerun_script.is_auto_rerun = self.fragment, bool(self.fragment)
            self.looks = False
        return request

    def note(self, message: ForwardMsg) -> None:
        """Record what is shown."""
        kind = message.WhichOneof("type")
        if kind == "new_session" and not message.metadata.run.fragment_ids:
            self.fragment = ""  # the whole page runs: it announces again what reruns by itself
        if kind == "auto_rerun":
            self.fragment, self.pace = message.auto_rerun.fragment_id, message.auto_rerun.interval
        if kind != "delta":
            return
        element = message.delta.new_element
        if element.WhichOneof("type") == "progress":
            self.shown = element.progress.text
        elif element.WhichOneof("type") == "button":
            self.buttons[element.button.label] = element.button.id
        elif element.WhichOneof("type") == "download_button":
            self.done = True


async def pressed(url: str, seeds: list[int], epochs: int) -> list[Trainer]:
    """Sessions that have opened the page and pressed Train, one after another."""
    sessions = []
    for seed in seeds:
        session = Trainer(url, seed, epochs)
        await session.open()
        await session.press("Train")
        sessions.append(session)
    return sessions


async def watch(server: Server, sessions: list[Trainer]) -> tuple[set[int], list[int], set[int]]:
    """Let all look, as often as the page says, until all runs are done; returns who saw progress, the order in which
    they saw the end, and the training processes meanwhile."""
    saw: set[int] = set()
    processes: set[int] = set()
    order: list[int] = []
    end = time.monotonic() + LONGEST

    async def one(index: int, session: Trainer) -> None:
        await asyncio.sleep(session.pace * index / len(sessions))
        while not session.done and time.monotonic() < end:
            began = time.monotonic()
            await session.look()
            if session.shown.startswith("Epoch "):
                saw.add(index)
            if session.done:
                order.append(index)
            await asyncio.sleep(max(0.0, session.pace - (time.monotonic() - began)))

    async def count() -> None:
        while len(order) < len(sessions) and time.monotonic() < end:
            processes.update(trainers_of(server))
            await asyncio.sleep(0.5)

    await asyncio.gather(count(), *(one(index, session) for index, session in enumerate(sessions)))
    return saw, order, processes


async def hang_up(sessions: list[Trainer]) -> None:
    await asyncio.gather(*(session.close() for session in sessions))


def trainers_of(server: Server) -> set[int]:
    """Ids of the server's processes that train: those that hold a run's lock. One that only waits holds none."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent != server.process.pid or b"vae_core.training.worker" not in (folder / "cmdline").read_bytes():
                continue
            if any(file.readlink().suffix == ".lock" for file in (folder / "fd").iterdir()):
                found.add(int(folder.name))
        except OSError:
            continue  # ended meanwhile
    return found


async def others(server: Server, page: str, count: int, seconds: int) -> Phase:
    """Sessions on another page that rerun once a second."""
    phase, sessions = Phase(), [Session(server.url, page) for _ in range(count)]
    for session in sessions:
        await session.open()
    start = time.perf_counter() + 0.5
    await asyncio.gather(*(rerun(phase, each, start + i / count, seconds, 1.0) for i, each in enumerate(sessions)))
    await asyncio.gather(*(session.close() for session in sessions))
    return phase


async def measure(server: Server, store: Store, chosen: argparse.Namespace) -> dict[str, object]:
    """All four parts."""
    found: dict[str, object] = {}
    first = Session(server.url, PAGE)
    await first.open()
    await first.close()
    count = chosen.visitors

    same = await pressed(server.url, [0] * count, chosen.epochs)
    saw, order, processes = await watch(server, same)
    await hang_up(same)
    found["same"] = {
        "asked": count, "processes": len(processes), "saw_progress": len(saw), "saw_the_end": len(order),
        "trained": spec_of(0, chosen.epochs).key in store,
    }  # fmt: skip

    idle = await others(server, chosen.page, count, chosen.seconds)
    seeds = list(range(1, count + 1))
    different = await pressed(server.url, seeds, chosen.short_epochs)
    watching = asyncio.create_task(watch(server, different))
    busy = await others(server, chosen.page, count, chosen.seconds)
    _, order, _ = await watching
    await hang_up(different)
    keys = [spec_of(seed, chosen.short_epochs).key for seed in seeds]
    ended = sorted((store.path(key).stat().st_mtime_ns, key) for key in keys if key in store)
    found["different"] = {
        "asked": count, "finished": len(ended), "first_come": [key for _, key in ended] == keys,
        "saw_the_end": len(order),
    }  # fmt: skip
    found["others"] = {
        name: {"p50": phase.quantiles()[0], "p95": phase.quantiles()[1], "errors": len(phase.errors)}
        for name, phase in (("idle", idle), ("training", busy))
    }

    before = server.resident_megabytes()
    for number in range(chosen.jobs):
        one = await pressed(server.url, [1_000 + number], 1)
        await watch(server, one)
        await hang_up(one)
    found["memory"] = {"jobs": chosen.jobs, "before": before, "after": server.resident_megabytes()}
    return found


def verdicts(found: dict) -> list[str]:
    """Each goal, met or not."""
    same, different, memory = found["same"], found["different"], found["memory"]
    idle, training = (found["others"][name] for name in ("idle", "training"))
    ratio = training["p95"] / idle["p95"]
    growth = memory["after"] / memory["before"] - 1 if memory["before"] else float("nan")
    seen = same["saw_progress"] == same["saw_the_end"] == same["asked"]
    goals = [
        (same["processes"] == 1 and seen, f"{same['asked']} asked for the same: {same['processes']} training process, "
         f"{same['saw_progress']} saw its progress, {same['saw_the_end']} its end."),
        (different["finished"] == different["asked"] and different["first_come"],
         f"{different['asked']} asked for different runs: {different['finished']} finished, "
         f"{'in' if different['first_come'] else 'NOT in'} the order asked."),
        (ratio <= SLOWER and not idle["errors"] + training["errors"],
         f"others' reruns p95 {1000 * idle['p95']:.0f} ms idle, {1000 * training['p95']:.0f} ms while the queue works: "
         f"{ratio:.2f} times; {idle['errors'] + training['errors']} errors."),
        (growth < GROWTH, f"memory {memory['before']:.0f} MB before {memory['jobs']} jobs, {memory['after']:.0f} MB "
         f"after: {growth:+.1%}."),
    ]  # fmt: skip
    return [f"- {'met' if met else 'NOT met'}: {text}" for met, text in goals]


def main() -> int:
    """Measure and print; 1 if a goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=30, metavar="N", help="how many (30)")
    parser.add_argument("--epochs", type=int, default=60, metavar="N", help="of the run that all request (60)")
    parser.add_argument("--short-epochs", type=int, default=3, metavar="N", help="of the different runs (3)")
    parser.add_argument("--jobs", type=int, default=50, metavar="N", help="runs over which memory is watched (50)")
    parser.add_argument("--seconds", type=int, default=30, metavar="N", help="of the others' reruns, each time (30)")
    parser.add_argument("--page", default="", help="the others' page (Home)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs")
        # The others' page shows shipped runs.
        store.root.mkdir()
        for shipped in SHIPPED.glob("*.safetensors"):
            (store.root / shipped.name).symlink_to(shipped)
        kept = {"VAE_STORE": str(store.root), "VAE_NICE": os.environ.get("VAE_NICE", "")}
        with serve(environment=kept) as server:
            found = asyncio.run(measure(server, store, chosen))
    print(f"Machine: {processor()}, {os.cpu_count()} cores, sessions beside the server.\n")
    print(json.dumps(found, indent=1))
    lines = verdicts(found)
    print("\n" + "\n".join(lines))
    if load > BUSY:
        print(f"- Note: the machine was busy at the start (load average {load:.1f}): repeat before quoting.")
    if chosen.json:
        chosen.json.write_text(json.dumps({"load_at_start": load, **found}, indent=1) + "\n", encoding="utf-8")
    return int(any("NOT met" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
