"""What is taken away of a run makes it again."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from vae_core.cli import commands as cli
from vae_core.errors import RunNotFound, StoreError
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.export import as_csv, codes_csv, command_line, export_run, history_csv, script
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    store = Store(tmp_path_factory.mktemp("store"))
    spec = RunSpec("digits", "vae", latent_dim=3, hidden=(16,), epochs=2, likelihood="gaussian", kl_warm_up=1)
    return store, get_or_train(store, spec, execution=Execution(device="cpu", precision="float32"))


def test_the_exported_script_makes_the_same_run_in_a_clean_process(kept, tmp_path: Path, project: Path) -> None:
    store, run = kept
    files = export_run(store, run.key, tmp_path / "out")
    program = next(path for path in files if path.suffix == ".py")
    environment = {
        **os.environ,
        "PYTHONPATH": str(project),
        "VAE_STORE": str(tmp_path / "again"),
    }
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    key, _, metrics = done.stdout.partition("\n")
    assert key == run.key
    again = json.loads(metrics)["test"]
    for name in ("reconstruction", "kl", "mse", "n"):
        assert again[name] == pytest.approx(run.metrics["test"][name], rel=1e-6)
    said = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in said] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert said[-1].endswith(", 0 s left")
    repeated = Store(tmp_path / "again").load(key)
    assert repeated.provenance["threads"] == 1
    loss = float(said[-1].split("held-out loss ")[1].split(",")[0])
    last = repeated.history[-1]
    assert loss == pytest.approx(last["validation_reconstruction"] + last["validation_kl"], abs=0.0051)


def test_the_command_line_names_the_same_run(kept, monkeypatch) -> None:
    asked: list[RunSpec] = []
    monkeypatch.setattr(cli, "_get_or_train", lambda spec, *_: asked.append(spec) or sys.exit(0))
    words = shlex.split(command_line(kept[1].spec))
    assert words[:4] == ["python", "-m", "vae_core", "train"]
    CliRunner().invoke(cli.app, words[3:])
    assert asked == [kept[1].spec]


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec("digits", "vq_vae", options={"entries": 12, "restart": False, "learn_by": "loss"}),
        RunSpec("digits", "fsq", options={"levels": (5, 3)}),
    ],
    ids=["vq_vae", "fsq"],
)
def test_the_command_line_names_a_models_own_options(spec: RunSpec, monkeypatch) -> None:
    asked: list[RunSpec] = []
    monkeypatch.setattr(cli, "_get_or_train", lambda spec, *_: asked.append(spec) or sys.exit(0))
    CliRunner().invoke(cli.app, shlex.split(command_line(spec))[3:])
    assert asked == [spec]


def test_widths_among_a_models_own_options_are_written_as_hidden_is(monkeypatch) -> None:
    asked: list[RunSpec] = []
    monkeypatch.setattr(cli, "_get_or_train", lambda spec, *_: asked.append(spec) or sys.exit(0))
    given = "train --dataset digits --model gan --latent-dim 2 --hidden 4,8 --option discriminator=4,8"
    CliRunner().invoke(cli.app, given.split())
    assert asked[0].options.discriminator == (4, 8)


def test_the_script_of_a_set_of_ones_own_says_what_it_needs() -> None:
    text = script(RunSpec("own-3x32x32-0123456789ab", "ae", hidden=(8,)))
    assert "python -m vae_core train --images PATH" in text
    compile(text, "script", "exec")


def test_the_tables_have_every_epoch_and_every_code(kept) -> None:
    _, run = kept
    history = list(csv.DictReader(io.StringIO(history_csv(run))))
    assert [float(row["validation_kl"]) for row in history] == [record["validation_kl"] for record in run.history]
    codes = list(csv.DictReader(io.StringIO(codes_csv(run))))
    assert np.allclose([float(row["mean_2"]) for row in codes], run.codes.mean[:, 1], rtol=1e-5)
    assert codes[5]["class"] == run.label_names[run.codes.labels[5]]
    assert as_csv([]) == "" and as_csv([{"a": 1}, {"b": 2}]).split() == ["a,b", "1,", ",2"]


def test_what_is_not_there_or_cannot_be_written_is_said(kept, tmp_path: Path) -> None:
    store, run = kept
    with pytest.raises(RunNotFound):
        export_run(store, "nothing", tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match="--to"):
        export_run(store, run.key, blocked)


def test_the_command_prints_the_files(kept, tmp_path: Path) -> None:
    store, run = kept
    done = CliRunner().invoke(cli.app, ["export", run.key, "--to", str(tmp_path), "--store", str(store.root)])
    assert done.exit_code == 0
    assert sorted(map(str, tmp_path.iterdir())) == sorted(done.stdout.split())
    assert Store(tmp_path).load(run.key).key == run.key


def test_csv_with_others_class_names():
    hostile = ['=HYPERLINK("https://evil.example")', "+1+2", "-1-2", "@SUM(A1)", "\tx", "\r=1"]
    rows = [{"class": name, "value": "-0.5", "count": -3, "rest": "3 - 1"} for name in hostile]
    read = list(csv.DictReader(io.StringIO(as_csv(rows), newline="")))
    assert [row["class"] for row in read] == [f"'{name}" for name in hostile]
    assert {(row["value"], row["count"], row["rest"]) for row in read} == {("-0.5", "-3", "3 - 1")}
