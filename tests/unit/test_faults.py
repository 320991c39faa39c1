"""The store under fire, in the short form of the benchmark that counts it in full."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_nothing_is_read_wrong_lost_or_not_resumed(project: Path, tmp_path: Path) -> None:
    told = tmp_path / "counts.json"
    command = [sys.executable, "benchmarks/faults.py", "--kills", "1", "--copies", "20", "--threads", "3"]
    done = subprocess.run([*command, "--json", str(told)], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {count["fault"]: count for count in json.loads(told.read_text())}
    assert {name: count["tries"] for name, count in counts.items()} == {
        "kill -9": 1, "bit flips and truncations": 20, "two processes asking for one key": 6, "full disk": 1,
        "read-only folder": 1, "clock set back": 1, "stale lock": 1,
    }  # fmt: skip
    assert not any(count["wrong"] for count in counts.values())
