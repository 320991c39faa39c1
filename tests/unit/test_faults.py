"""The store under fire, in the short form of the benchmark that counts it in full."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import faults


def test_nothing_is_read_wrong_lost_or_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "counts.json"
    short = ["--kills", "1", "--copies", "20", "--threads", "3", "--json", str(told)]
    monkeypatch.setattr(sys, "argv", ["benchmarks/faults.py", *short])
    with pytest.raises(SystemExit) as end:
        faults.main()
    assert not end.value.code
    counts = {count["fault"]: count for count in json.loads(told.read_text())}
    assert {name: count["tries"] for name, count in counts.items()} == {
        "kill -9": 1, "bit flips and truncations": 20, "two processes asking for one key": 6, "full disk": 1,
        "read-only folder": 1, "clock set back": 1, "stale lock": 1,
    }  # fmt: skip
    assert not any(count["wrong"] for count in counts.values())
