"""The speed-up from training K models together instead of one after the other.

The methods, each timed from the first epoch to the measured run in a store, in a fresh process after its imports and
after the images are in memory:

- ``one after the other``: `jobs.get_or_train` for each, with torch's usual threads (one per core).
- ``processes``: `run_sweep(engine="processes")`, what ``python -m vae_core sweep`` does without a GPU: one process per
  core with one thread each. Starting Python and torch in each is part of its time.
- ``stacked``: `run_sweep(engine="stacked")`: one program for all, what ``sweep`` does on a GPU.
- ``ray, n workers``: `run_sweep(engine="ray", workers=n)`, a cluster started and stopped on this machine.

Run, with MNIST in ``$VAE_DATA`` and nothing else running on the machine::

    python benchmarks/sweep.py

    python benchmarks/sweep.py --epochs 1 --members 1 2 --rounds 1    # a quick check, not a measurement

The members are those of the shipped sweep at d = 2 (784-96-48-2, batch 256) with fewer epochs; every method measures
each of them as `train` does, on 5,000 validation and 10,000 test images, including samples. The methods alternate, and
ratios are within one round.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BETAS = (1.0, 0.1, 4.0, 16.0, 0.01, 0.3, 2.0, 8.0, 0.03, 0.5, 1.5, 3.0, 6.0)
SOLO, PROCESSES, STACKED = "one after the other", "processes", "stacked"
CPU_GOAL, GPU_GOAL = 1.1, 2.0


class Result(NamedTuple):
    """One measurement."""

    seconds: float
    training_seconds: float
    device: str


def measure(way: str, members: int, epochs: int) -> Result:
    """Train `members` models by one method into an empty store."""
    sys.path.insert(0, str(ROOT))
    from vae_core.datasets import load
    from vae_core.spec import RunSpec
    from vae_core.storage.store import Store
    from vae_core.sweep.engines import run_sweep
    from vae_core.sweep.plan import Weights, plan
    from vae_core.training.jobs import get_or_train

    base = RunSpec("mnist", "vae", latent_dim=2, hidden=(96, 48), epochs=epochs, batch_size=256, learning_rate=2e-3)
    planned = plan(base, [Weights(beta) for beta in BETAS[:members]], [0])
    for split in ("train", "validation", "test"):
        load("mnist", split, download=False)
    import torch

    torch.nn.Linear(2, 2)(torch.zeros(1, 2)).sum().backward()  # torch's first call of each kind loads code
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        start = time.perf_counter()
        if way == SOLO:
            for spec in planned.specs:
                get_or_train(store, spec)
            failures: dict[str, str] = {}
        elif way.startswith("ray"):
            failures = run_sweep(planned, store, engine="ray", workers=int(way.split()[1]))
        else:
            failures = run_sweep(planned, store, engine=way)
        seconds = time.perf_counter() - start
        if failures:
            raise SystemExit(f"{way}: {failures}")
        made = [line.provenance for line in store.listing() if line.provenance]
    assert len(made) == members
    return Result(seconds, sum(record["training_seconds"] for record in made), str(made[0]["device"]))


def apart(way: str, members: int, epochs: int) -> Result:
    """`measure` in a fresh process."""
    command = [sys.executable, __file__, "--measure", json.dumps([way, members, epochs])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{way}, {members} members, failed:\n{done.stderr[-2000:]}")
    return Result(*json.loads(done.stdout.splitlines()[-1]))


def ways_for(members: int, stacked: bool) -> list[str]:
    """The methods to compare for this number of members."""
    ways = [SOLO, PROCESSES, *([STACKED] if stacked else [])]
    return [*ways, "ray, 1 workers", "ray, 2 workers"] if members == 4 and importlib.util.find_spec("ray") else ways


def table(results: dict[int, dict[str, list[Result]]]) -> str:
    """Markdown: medians in seconds, and how many times faster than one after the other, of one round each."""
    lines = [
        "| members | way | seconds | of a member | times faster than one after the other |",
        "|---:|---|---:|---:|---:|",
    ]
    for members, by_way in results.items():
        for way, rounds in by_way.items():
            ratios = sorted(solo.seconds / one.seconds for solo, one in zip(by_way[SOLO], rounds, strict=True))
            median = statistics.median(one.seconds for one in rounds)
            speedup = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})" if way != SOLO else ""
            lines.append(f"| {members} | {way} | {median:.1f} | {median / members:.1f} | {speedup} |")
    return "\n".join(lines)


def verdicts(results: dict[int, dict[str, list[Result]]]) -> list[str]:
    """The goals, each met or not."""
    most = max(results)
    lines = []
    ratios = [
        solo.seconds / one.seconds for solo, one in zip(results[most][SOLO], results[most][PROCESSES], strict=True)
    ]
    met = "met" if statistics.median(ratios) >= CPU_GOAL else "NOT met"
    lines.append(
        f"{met}: {most} members in processes at least {CPU_GOAL} times faster: {statistics.median(ratios):.2f}"
    )
    if STACKED not in results[most]:
        return lines
    device = results[most][STACKED][0].device
    if device == "cpu":
        return [*lines, f"open: {most} members stacked on a GPU in at most {GPU_GOAL:g} times one's time; no GPU here"]
    least = min(results)
    times = [
        k.training_seconds / one.training_seconds
        for k, one in zip(results[most][STACKED], results[least][STACKED], strict=True)
    ]
    met = "met" if statistics.median(times) <= GPU_GOAL else "NOT met"
    return [
        *lines,
        f"{met}: {most} members stacked on {device} in at most {GPU_GOAL:g} times the time of {least}: "
        f"{statistics.median(times):.2f}",
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--members", type=int, nargs="+", default=[1, 4, 13])
    parser.add_argument("--without-stacked", action="store_true", help="leave the stacked program out")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(*json.loads(chosen.measure))))
        return
    if not set(chosen.members) <= set(range(1, len(BETAS) + 1)):
        raise SystemExit(f"--members: integers from 1 to {len(BETAS)}")
    if os.getloadavg()[0] > 0.5:
        print(f"The machine is busy (load {os.getloadavg()[0]:.1f}): the figures will be off.", file=sys.stderr)
    results: dict[int, dict[str, list[Result]]] = {}
    for number in range(chosen.rounds):
        for members in sorted(chosen.members):
            by_way = results.setdefault(members, {way: [] for way in ways_for(members, not chosen.without_stacked)})
            for way, rounds in by_way.items():
                rounds.append(apart(way, members, chosen.epochs))
                print(f"round {number + 1}: {members} {way}: {rounds[-1].seconds:.1f} s", file=sys.stderr)
    print(f"{chosen.epochs} epochs, {chosen.rounds} rounds, {os.cpu_count()} cores.\n")
    print(table(results), "", *verdicts(results), sep="\n")


if __name__ == "__main__":
    main()
