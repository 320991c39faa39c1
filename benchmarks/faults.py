"""Fault injection for the store: counts of files read wrongly, lost, or not resumed. All of them should be 0.

- ``kills``: a training process is killed (SIGKILL) at random moments and restarted until its run is done; the weights
  must equal those of an undisturbed run, and no kill may cost more than the epoch in progress.
- ``damage``: copies of a run's file with one bit flipped, or truncated: none may be read as a run.
- ``crowd``: processes with several threads each request one key: it is trained once, and all get the same weights.
- ``full``: a store on a full disk: one error message, and existing files stay intact.
- ``read-only``: a store that cannot be written to: one error message; existing runs can be read.
- ``clock``: training continues while the clock is set back.
- ``stale lock``: a lock file left behind by a dead process does not block anyone.

Run (about six minutes)::

    python benchmarks/faults.py

    python benchmarks/faults.py --kills 4 --copies 10    # the short form that the tests run
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from vae_core.errors import DamagedRun, StoreError  # noqa: E402
from vae_core.execution import Execution  # noqa: E402
from vae_core.run import Run  # noqa: E402
from vae_core.spec import RunSpec  # noqa: E402
from vae_core.storage.export import arguments  # noqa: E402
from vae_core.storage.store import SUFFIX, Store  # noqa: E402
from vae_core.training.jobs import get_or_train  # noqa: E402

SPEC = RunSpec("digits", "vae", latent_dim=2, hidden=(64,), epochs=100, batch_size=128)
EXACT = {"execution": Execution(device="cpu", precision="float32")}
LONGEST = 600.0


@dataclass(frozen=True)
class Count:
    """The result for one kind of fault.

    Attributes:
        fault: its name.
        tries: number of attempts.
        wrong: number of failures.
        told: a remark for the table.
    """

    fault: str
    tries: int
    wrong: int
    told: str


def main() -> None:
    """Inject the faults and print the table; exit status 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--threads", type=int, default=8, help="of each of two processes that ask for one key")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.ask:
        print(json.dumps(ask(Path(chosen.ask[0]), int(chosen.ask[1]))))
        return
    chance = random.Random(chosen.seed)
    faults: list[Callable[[Path], Count]] = [
        lambda folder: kills(folder, chosen.kills, chance),
        lambda folder: damage(folder, chosen.copies, chance),
        lambda folder: crowd(folder, chosen.threads),
        full_disk,
        read_only,
        clock_set_back,
        stale_lock,
    ]
    counts = []
    print("| fault | tries | went wrong | |\n|---|---:|---:|---|")
    for fault in faults:
        with tempfile.TemporaryDirectory() as folder:
            counts.append(fault(Path(folder)))
        found = counts[-1]
        print(f"| {found.fault} | {found.tries} | {found.wrong} | {found.told} |", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in counts], indent=1) + "\n", encoding="utf-8")
    sys.exit(any(one.wrong for one in counts))


def same_weights(one: Run, other: Run) -> bool:
    """Whether they are equal, bit for bit."""
    return all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def child(command: list[str]) -> subprocess.Popen[str]:
    """Start this Python with one thread in the project's folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kills(folder: Path, tries: int, chance: random.Random) -> Count:
    """Kill and restart; a run that finishes is followed by one with the next seed."""
    store, seed, made, wrong, resumed, further = Store(folder / "killed"), 0, 0, 0, 0, 0
    finished: list[RunSpec] = []
    end = time.monotonic() + LONGEST
    while made < tries and time.monotonic() < end:
        spec = replace(SPEC, seed=seed)
        before = store.epochs_done(spec.key)
        options = ["--store", str(store.root), "--device", "cpu", "--precision", "float32"]
        process = child([*arguments(spec), *options])
        # One in five is killed before it trains; the others within the first second of training, at random.
        if chance.random() < 0.8:
            while process.poll() is None and store.epochs_done(spec.key) <= before:
                time.sleep(0.01)
        try:
            process.communicate(timeout=chance.uniform(0.0, 1.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            made += 1
            wrong += _unsound(store)
            after = store.epochs_done(spec.key)
            wrong += spec.key not in store and after < before
            further += after > before
            resumed += before > 0
        if spec.key in store:
            finished.append(spec)
            seed += 1
    last = replace(SPEC, seed=seed)
    if last not in finished:
        get_or_train(store, last, **EXACT)
        finished.append(last)
    undisturbed = Store(folder / "undisturbed")
    wrong += sum(not same_weights(store.load(one.key), get_or_train(undisturbed, one, **EXACT)) for one in finished)
    remark = f"{further} after some epochs, {resumed} in a run resumed before; {len(finished)} runs as if undisturbed"
    return Count("kill -9", made, wrong, remark)


def _unsound(store: Store) -> int:
    """Number of damaged files in the store, whether set aside or not."""
    bad = 0
    for key in store.keys():
        try:
            store.verify(key)
        except DamagedRun:
            bad += 1
    return bad + len(list(store.root.glob("*.damaged-*")))


def damage(folder: Path, copies: int, chance: random.Random) -> Count:
    """Half of the copies get a bit flipped, half are truncated."""
    spec = replace(SPEC, epochs=2)
    run = get_or_train(Store(folder / "intact"), spec, **EXACT)
    content = Store(folder / "intact").path(run.key).read_bytes()
    store = Store(folder / "damaged")
    store.root.mkdir()
    misread = lost = 0
    for number in range(copies):
        changed = bytearray(content)
        if number % 2:
            changed = changed[: chance.randrange(len(content))]
        else:
            changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        store.path(run.key).write_bytes(changed)
        try:
            store.load(run.key)
            misread += 1
        except DamagedRun:
            lost += not any(path.read_bytes() == bytes(changed) for path in store.root.glob("*.damaged-*"))
    return Count("bit flips and truncations", copies, misread + lost, "every damaged file set aside, none read")


def ask(folder: Path, threads: int) -> dict[str, object]:
    """In a child process: request a run from several threads; returns the epochs trained here and sums of weights."""
    epochs: list[int] = []
    sums: list[float] = []

    def one() -> None:
        run = get_or_train(Store(folder), SPEC, on_epoch=lambda progress: epochs.append(progress.epoch), **EXACT)
        sums.append(float(sum(array.astype(np.float64).sum() for array in run.weights.values())))

    asking = [threading.Thread(target=one) for _ in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return {"epochs": len(epochs), "sums": sums}


def crowd(folder: Path, threads: int) -> Count:
    """Two processes, several threads each."""
    asking = [child([__file__, "--ask", str(folder / "one"), str(threads)]) for _ in range(2)]
    answers = [json.loads(process.communicate()[0].splitlines()[-1]) for process in asking]
    trained = sum(answer["epochs"] for answer in answers) / SPEC.epochs
    sums = [value for answer in answers for value in answer["sums"]]
    wrong = int(trained != 1) + int(len(set(sums)) != 1) + (2 * threads - len(sums))
    return Count("two processes asking for one key", 2 * threads, wrong, f"trained {trained:g} times")


def full_disk(folder: Path) -> Count:
    """A small tmpfs if one may be mounted, else a limit on the size of files that this process writes."""
    store = Store(folder / "full")
    store.root.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(store.root)]
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    try:
        small = get_or_train(store, replace(SPEC, epochs=1, hidden=(4,)), **EXACT)
        with _limited_files(None if mounted else 60_000):
            wrong = _refused(store, replace(SPEC, hidden=(512, 256), epochs=1))
        wrong += not same_weights(store.load(small.key), small)
        wrong += len(list(store.root.rglob(".*.tmp")))
    finally:
        if mounted:
            subprocess.run(["umount", str(store.root)], check=True)
    return Count("full disk", 1, wrong, "a tmpfs of 256 kB" if mounted else "a limit of 60 kB a file")


@contextlib.contextmanager
def _limited_files(size: int | None):
    if size is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def _refused(store: Store, spec: RunSpec) -> int:
    """0 if training into the store ends with a one-sentence error."""
    try:
        get_or_train(store, spec, **EXACT)
    except StoreError as error:
        return int("\n" in str(error) or not str(error).endswith("."))
    return 1


def read_only(folder: Path) -> Count:
    """As another user if this one is root, who may write everywhere."""
    store = Store(folder / "fixed")
    run = get_or_train(store, replace(SPEC, epochs=1), **EXACT)
    for path in (folder, store.root):
        path.chmod(0o555)
    before = os.geteuid()
    try:
        if before == 0:
            os.seteuid(65_534)
        wrong = _refused(store, replace(SPEC, epochs=3)) + (not same_weights(store.load(run.key), run))
    finally:
        if before == 0:
            os.seteuid(before)
        for path in (folder, store.root):
            path.chmod(0o755)
    return Count("read-only folder", 1, wrong, "one sentence; the run that was there is read")


def clock_set_back(folder: Path) -> Count:
    """Every reading of the clock is a day earlier than the one before."""
    store, moment = Store(folder / "clock"), iter(range(2_000_000_000, 0, -86_400))
    with mock.patch("time.time", lambda: float(next(moment))):
        run = get_or_train(store, replace(SPEC, epochs=3), **EXACT)
    undisturbed = get_or_train(Store(folder / "undisturbed"), replace(SPEC, epochs=3), **EXACT)
    return Count("clock set back", 1, int(not same_weights(run, undisturbed)), "same weights as without")


def stale_lock(folder: Path) -> Count:
    """A lock file of a process that was killed while holding the lock."""
    store, spec = Store(folder / "lock"), replace(SPEC, epochs=1)
    code = (
        "import os, signal, sys; from vae_core.storage.store import Store\n"
        f"with Store({str(store.root)!r}).locked({spec.key!r}):\n"
        "    print('held', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = child(["-c", code])
    held = process.communicate()[0].startswith("held")
    left = (store.root / ".locks" / f"{spec.key}.lock").exists()
    waited: list[bool] = []
    get_or_train(store, spec, on_wait=lambda: waited.append(True), **EXACT)
    wrong = int(not held or not left or bool(waited) or not store.path(spec.key).name.endswith(SUFFIX))
    return Count("stale lock", 1, wrong, "nobody waited")


if __name__ == "__main__":
    main()
