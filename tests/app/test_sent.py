"""A checkpoint that a visitor was sent, in the explorer: shown to them alone, or refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import ui.chapters.explorer.sent as sent_module
from tests.app.helpers import open_page, payload_headers, tables
from ui.chapters.explorer.sent import check_sent, sent
from ui.training.turns import Busy
from vae_core import archive
from vae_core.errors import UnreadableRun, VaeCoreError
from vae_core.storage.manifest import SHIPPED, shipped_run

KEY = shipped_run(model="vae", dataset="digits", latent_dim=2, beta=4.0).key
BOX = "explorer-sent"


CONTENT = (SHIPPED / f"{KEY}.safetensors").read_bytes()


def test_it_is_shown_in_the_place_of_the_menus_run_and_stored_nowhere(small_store):
    assert KEY not in small_store.keys()
    before = {path: path.stat().st_mtime_ns for path in small_store.root.iterdir()}
    at = open_page("pages/explorer.py", z="0.5,-1")
    menu = payload_headers(at)[0]["key"]
    at.file_uploader(key=BOX).set_value(("from a friend (2).safetensors", CONTENT, "application/octet-stream")).run()
    assert not at.exception and not at.error
    assert payload_headers(at)[0]["key"] == KEY
    assert payload_headers(at)[0]["options"]["pins"] == []  # those of the link belong to its own run
    assert "run" not in at.query_params and "z" not in at.query_params
    assert any("from a friend" in text.value and "whole" in text.value for text in at.markdown)
    expected = sent("any", "any", CONTENT).run.metrics["test"]["negative_elbo"]
    assert tables(at)[0]["held out, n = 360"][0].startswith(f"{expected:.1f} ± ")
    assert {path: path.stat().st_mtime_ns for path in small_store.root.iterdir()} == before
    at.file_uploader(key=BOX).set_value([]).run()
    assert payload_headers(at)[0]["key"] == menu == at.query_params["run"]


def test_another_visitor_does_not_see_it(small_store):
    at = open_page("pages/explorer.py")
    at.file_uploader(key=BOX).set_value(("a.safetensors", CONTENT, "")).run()
    other = open_page("pages/explorer.py", run=KEY)
    assert KEY not in other.selectbox[0].options and payload_headers(other)[0]["key"] != KEY
    assert any("not in this store" in warning.value for warning in other.warning)


def test_what_a_file_claims_is_not_shown_to_those_who_look_at_the_stores_run_of_that_key(tmp_path: Path) -> None:
    tensors, document = archive.parsed(CONTENT, KEY)
    for line in document["history"]:
        line["validation_reconstruction"] = 12345.0
    document["metrics"]["test"]["negative_elbo"] = 54321.0
    archive.write(tmp_path / "forged", dict(tensors), document)
    liar = open_page("pages/explorer.py", run=KEY)
    liar.file_uploader(key=BOX).set_value(("a.safetensors", (tmp_path / "forged").read_bytes(), "")).run()
    assert not liar.exception and "12345" in said_by(liar) and tables(liar)[0]["test, n = 360"][0].startswith("54321.0")
    other = open_page("pages/explorer.py", run=KEY)
    assert "12345" not in said_by(other) and "54321" not in " ".join(tables(other)[0]["held out, n = 360"])


def said_by(at: AppTest) -> str:
    """Everything in the page's figures."""
    return " ".join(str(figure.proto.spec) for figure in at.get("plotly_chart"))


def test_a_run_with_a_codebook_is_shown_and_one_with_forged_codes_is_a_sentence(grid_store, tmp_path: Path) -> None:
    key = next(key for key in grid_store.keys() if key.startswith("vq_vae"))
    content = grid_store.path(key).read_bytes()
    grid_store.path(key).unlink()
    at = open_page("pages/explorer.py")
    at.file_uploader(key=BOX).set_value(("a.safetensors", content, "")).run()
    assert not at.exception and not at.error
    assert [(one["kind"], one["key"], one["sent"]) for one in payload_headers(at)] == [
        ("codes", key, True), ("film", key, True)
    ]  # fmt: skip
    tensors, document = archive.parsed(content, key)
    for name, said in (("codes/mean", "the file"), ("snapshots", "how this run was trained")):
        forged = {**tensors, name: np.full_like(tensors[name], 500)}
        archive.write(tmp_path / "forged", forged, document)
        at.file_uploader(key=BOX).set_value((f"{name[:5]}.safetensors", (tmp_path / "forged").read_bytes(), "")).run()
        assert not at.exception
        assert [error.value[: len(said)].lower() for error in at.error] == [said]


Change = Callable[[dict[str, np.ndarray], dict[str, Any]], None]


def endless(tensors: dict[str, np.ndarray], document: dict[str, Any]) -> None:
    """A decoder whose shapes fit and whose weights are few, and which computes for minutes."""
    tensors["model/small"] = np.zeros((1, 1, 3, 3), np.float16)
    conv = {
        "op": "conv", "in": 1, "out": 1, "kernel_size": [3, 3], "stride": [1, 1], "padding": [1, 1], "weight": "small"
    }  # fmt: skip
    rows = {"op": "upsample", "size": [3000, 3000]}
    image = {"op": "reshape", "shape": [1, 8, 8]}
    document["decoder"] = [*document["decoder"], image, rows, *[conv] * 900, {"op": "upsample", "size": [8, 8]}]


FORGED: dict[str, Change] = {
    "a metric that is a text": lambda tensors, document: document["metrics"]["test"].update(mse="<b>"),
    "a metric without its sample size": lambda tensors, document: document["metrics"]["test"].pop("n"),
    "a history without its epochs": lambda tensors, document: [line.pop("epoch") for line in document["history"]],
    "a history whose lines differ": lambda tensors, document: document["history"][-1].pop("validation_kl"),
    "a history without terms": lambda tensors, document: document.update(history=[{"epoch": 1}]),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED.keys())
def test_a_forged_one_is_a_sentence_and_the_menus_run_stays(change: Change, small_store, tmp_path: Path) -> None:
    tensors, document = archive.parsed(CONTENT, KEY)
    tensors = {name: array.copy() for name, array in tensors.items()}
    change(tensors, document)
    archive.write(tmp_path / "forged", tensors, document)
    at = open_page("pages/explorer.py")
    menu = payload_headers(at)[0]["key"]
    content = (tmp_path / "forged").read_bytes()
    at.file_uploader(key=BOX).set_value(("forged.safetensors", content, "")).run()
    assert not at.exception
    assert [("another program has written it" in error.value, "\n" in error.value) for error in at.error] == [
        (True, False)
    ]
    assert payload_headers(at)[0]["key"] == menu


@pytest.mark.parametrize(
    "content",
    [b"", b"no checkpoint", bytes(2000), (2**40).to_bytes(8, "little") + b"{}"],
    ids=["empty", "text", "zeros", "huge"],
)
def test_what_is_no_checkpoint_is_a_sentence(content: bytes) -> None:
    with pytest.raises(VaeCoreError, match=r"^the file odd name\.safetensors "):
        check_sent("odd name.safetensors", content, visitor="a", address="")


def test_the_name_of_a_file_stays_as_it_is_in_the_sentence_on_the_page(small_store) -> None:
    at = open_page("pages/explorer.py")
    at.file_uploader(key=BOX).set_value(("bad.safetensors", CONTENT[:-5], "")).run()
    (error,) = at.error
    assert error.value.startswith("The file bad.safetensors is damaged")


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("there is no run of it", "There is no run of it"),
        ("your images, all of them", "Your images, all of them"),
        ("album.zip is damaged", "album.zip is damaged"),
        ("vae-mnist-d2-b1-0123456789 is damaged", "vae-mnist-d2-b1-0123456789 is damaged"),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_name_does_not(sentence: str, shown: str) -> None:
    def page(sentence: str) -> None:
        from ui.figures.messages import say_error

        say_error(sentence)

    at = AppTest.from_function(page, args=(sentence,)).run()
    assert [error.value for error in at.error] == [shown]


def test_one_that_computes_for_long_is_stopped(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sent_module, "_COMPUTING", 1)
    tensors, document = archive.parsed(CONTENT, KEY)
    endless(tensors := dict(tensors), document)
    archive.write(tmp_path / "slow", tensors, document)
    with pytest.raises(UnreadableRun, match="took too much time or memory"):
        check_sent("slow.safetensors", (tmp_path / "slow").read_bytes(), visitor="b", address="")


def test_a_machine_that_is_too_busy_for_the_reader_does_not_blame_the_file(monkeypatch) -> None:
    monkeypatch.setattr(sent_module, "_LONGEST", 0.01)
    with pytest.raises(Busy, match="Try again later"):
        check_sent("slow.safetensors", CONTENT, visitor="b", address="")


def test_one_that_is_too_large_is_refused_before_it_is_read(monkeypatch) -> None:
    monkeypatch.setattr(sent_module, "MOST_OPENED", 1_000)
    with pytest.raises(UnreadableRun, match="python -m vae_core receive"):
        check_sent("large.safetensors", bytes(1_001), visitor="c", address="")
