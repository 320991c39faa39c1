"""A checkpoint that somebody sent: read whatever its name, refused unless every part of it fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from typer.testing import CliRunner

from vae_core import archive
from vae_core.cli import commands as cli
from vae_core.errors import DamagedRun, UnknownRun, UnreadableRun
from vae_core.run import Run
from vae_core.storage.received import read_sent, receive
from vae_core.storage.store import Store


@pytest.mark.parametrize("model", ["vae", "conv_vae", "memoriser", "classifier", "pca"])
def test_a_checkpoint_of_every_kind_is_read_from_its_bytes(
    model: str, every_kind: dict[str, Run], tmp_path: Path
) -> None:
    store, run = Store(tmp_path), every_kind[model]
    store.save(run)
    sent = read_sent("from a friend (2).safetensors", store.path(run.key).read_bytes())
    assert sent.spec == run.spec and sent.metrics == run.metrics


Change = Callable[[dict[str, np.ndarray], dict[str, Any]], None]

FORGED: dict[str, Change] = {
    "a weight of another shape": lambda tensors, document: tensors.update({"model/mean.bias": np.zeros(3)}),
    "a weight too many": lambda tensors, document: tensors.update({"model/extra": np.zeros(3)}),
    "a weight too few": lambda tensors, document: tensors.__delitem__("model/log_var.bias"),
    "a weight that is no number": lambda tensors, document: tensors["model/mean.bias"].fill(np.nan),
    "another architecture": lambda tensors, document: document["spec"].update(hidden=[8192, 8192]),
    "a decoder of half its layers": lambda tensors, document: document.update(decoder=document["decoder"][:1]),
    "an encoder that is the decoder": lambda tensors, document: document.update(encoder=document["decoder"]),
    "no specification": lambda tensors, document: document.pop("spec"),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED.keys())
def test_a_forged_checkpoint_with_a_right_hash_is_refused(
    change: Change, small_runs: dict[str, Run], tmp_path: Path
) -> None:
    store, run = Store(tmp_path), small_runs["vae"]
    store.save(run)
    tensors, document = archive.read(store.path(run.key))
    tensors = {name: array.copy() for name, array in tensors.items()}
    change(tensors, document)
    archive.write(tmp_path / "forged", tensors, document)
    with pytest.raises(UnreadableRun) as refused:
        read_sent("forged", (tmp_path / "forged").read_bytes())
    assert "\n" not in str(refused.value)


def test_what_was_cut_on_its_way_or_is_of_a_newer_version_is_told_apart(
    small_runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = Store(tmp_path), small_runs["vae"]
    store.save(run)
    content = store.path(run.key).read_bytes()
    with pytest.raises(DamagedRun, match=r"ends too early\. Ask for it again|cannot be read .*Ask for it again"):
        read_sent("a", content[:-7])
    monkeypatch.setattr(archive, "FORMAT", "vae-playground-2")
    archive.write(tmp_path / "newer", *archive.parsed(content.replace(b"playground-1", b"playground-2"), "a"))
    monkeypatch.undo()
    with pytest.raises(UnknownRun, match="update it"):
        read_sent("a", (tmp_path / "newer").read_bytes())


def test_nothing_is_written_and_what_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_core.storage.received.MOST_SENT", 10)
    with pytest.raises(UnreadableRun, match="more than the 0 MB that a checkpoint may have"):
        read_sent("large", bytes(11))


def test_a_sent_checkpoint_is_filed_as_it_came_under_its_key_once(small_runs: dict[str, Run], tmp_path: Path) -> None:
    theirs, ours, run = Store(tmp_path / "theirs"), Store(tmp_path / "ours"), small_runs["vae"]
    theirs.save(run)
    sent = theirs.path(run.key).rename(tmp_path / "from a friend.safetensors")
    command = ["receive", str(sent), "--store", str(ours.root)]
    for said in ("filed", "already there"):
        done = CliRunner().invoke(cli.app, command)
        assert done.exit_code == 0 and done.stdout == f"{run.key}: {said}\n"
    assert ours.path(run.key).read_bytes() == sent.read_bytes() and ours.keys() == [run.key]


def test_a_sent_checkpoint_takes_the_place_of_a_damaged_one(small_runs: dict[str, Run], tmp_path: Path) -> None:
    theirs, ours, run = Store(tmp_path / "theirs"), Store(tmp_path / "ours"), small_runs["vae"]
    theirs.save(run)
    content = theirs.path(run.key).read_bytes()
    ours.root.mkdir()
    ours.path(run.key).write_bytes(content[:-7])
    assert receive(ours, "again", content)[1]
    assert ours.path(run.key).read_bytes() == content


def test_what_cannot_be_received_leaves_the_store_as_it_was(small_runs: dict[str, Run], tmp_path: Path) -> None:
    theirs, ours, run = Store(tmp_path / "theirs"), Store(tmp_path / "ours"), small_runs["vae"]
    theirs.save(run)
    content = theirs.path(run.key).read_bytes()
    with pytest.raises(DamagedRun):
        receive(ours, "cut", content[:-1])
    with pytest.raises(UnknownRun, match="another program"):
        receive(ours, "other", safetensors.numpy.save({"w": np.zeros(3)}))
    assert not ours.root.exists()
