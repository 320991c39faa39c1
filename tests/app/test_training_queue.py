"""A class that trains, in the short form of the benchmark that measures it: what it counts, not what it times."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from .helpers import ROOT


def test_one_training_for_all_who_ask_for_the_same_and_first_come_for_the_others(tmp_path):
    told = tmp_path / "queue.json"
    short = ["--visitors", "2", "--epochs", "20", "--short-epochs", "1", "--jobs", "1", "--seconds", "1"]
    done = subprocess.run(
        [sys.executable, "benchmarks/training_queue.py", *short, "--json", str(told)],
        cwd=ROOT, env={**os.environ, "VAE_NICE": "0"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert told.exists(), done.stderr
    found = json.loads(told.read_text())
    same, different = found["same"], found["different"]
    assert (same["asked"], same["processes"], same["saw_progress"], same["saw_the_end"]) == (2, 1, 2, 2)
    assert (different["asked"], different["finished"], different["first_come"]) == (2, 2, True)
    assert found["others"]["idle"]["errors"] == found["others"]["training"]["errors"] == 0
    assert found["memory"]["jobs"] == 1
