"""Where the server keeps its files is nobody's concern who only visits it."""

from __future__ import annotations

import pytest

from ui.figures.messages import without_places
from vae_core.clone import PROJECT
from vae_core.storage.manifest import SHIPPED


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_DATA", "/srv/kept/data")
    monkeypatch.setenv("VAE_STORE", "/srv/kept/runs")


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        (
            "The images own-1 are not in /srv/kept/data/own; read them again.",
            "The images own-1 are not in the folder of images; read them again.",
        ),
        ("Could not read /srv/kept/runs/x-1.safetensors (no).", "Could not read the folder of runs (no)."),
        (f"See {PROJECT}/app.py.", "See the app's folder"),
        (f"It is in {PROJECT}.", "It is in the app's folder"),
        (
            "Up to 3/4 of them, see https://arxiv.org/abs/1312.6114.",
            "Up to 3/4 of them, see https://arxiv.org/abs/1312.6114.",
        ),
    ],
)
def test_server_paths_in_messages(sentence, shown):
    found = without_places(sentence)
    assert found.startswith(shown) and "/srv" not in found and str(PROJECT) not in found


def test_the_shipped_runs_have_no_place_either(monkeypatch):
    monkeypatch.delenv("VAE_STORE")
    assert str(SHIPPED) not in without_places(f"Could not read {SHIPPED}/x.safetensors.")
