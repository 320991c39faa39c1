"""The worked examples of docs/CONTRIBUTING.md do what is said of them."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import silhouette_score
from streamlit.testing.v1 import AppTest

import ui.navigation
import vae_core.metrics.neighbours
from vae_core import models
from vae_core.browser import plane_payload
from vae_core.checkpoints import Store
from vae_core.errors import MeasureError
from vae_core.spec import RunSpec

from .helpers import ROOT, tables

TEXT = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")


def examples(heading: str) -> list[str]:
    """The Python blocks below a heading."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def test_the_model_trains_is_stored_and_reaches_the_browser(tmp_path, monkeypatch):
    network, line = examples("Add a model")
    module = types.ModuleType("vae_core.models.bounded")
    exec(network, module.__dict__)
    monkeypatch.setitem(sys.modules, "vae_core.models.bounded", module)
    for name, kind in eval("{" + line + "}", vars(models)).items():
        monkeypatch.setitem(models.MODELS, name, kind)
    spec = RunSpec("digits", "bounded_ae", hidden=(16,), epochs=2, learning_rate=0.05)
    run = Store(tmp_path).get_or_train(spec, precision="float32")
    assert run.history[1]["reconstruction"] < run.history[0]["reconstruction"]
    assert 0.1 < np.abs(run.codes.mean).max() <= 1
    assert plane_payload(Store(tmp_path).load(spec.key)).header["layers"]
    assert run.encoder[-1]["op"] == "tanh"
    assert torch.equal(
        run.model.codes(torch.ones(1, 64)), torch.tanh(run.model.code(run.model.trunk(torch.ones(1, 64))))
    )


def test_the_measurement_is_scikit_learns_and_refuses_in_a_sentence():
    function, line = examples("Add a measurement")
    names = dict(vars(vae_core.metrics.neighbours))
    exec(function, names)
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    codes = random.normal(size=(40, 2)) + 9 * labels[:, None]
    figures = eval("{" + line + "}", names | {"mean": codes, "codes": types.SimpleNamespace(labels=labels)})
    assert figures["silhouette"]() == {"silhouette": silhouette_score(codes, labels)}
    assert names["silhouette"](codes, labels) > 0.7
    with pytest.raises(MeasureError, match="2 or more classes"):
        names["silhouette"](codes, np.zeros(40))


def test_the_chapter_is_a_page(tmp_path, monkeypatch):
    (page,) = examples("Add a chapter")
    monkeypatch.setattr(ui.navigation, "_declared", True)  # as after app.py
    script = tmp_path / "width.py"
    script.write_text(page, encoding="utf-8")
    at = AppTest.from_file(script, default_timeout=60).run()
    assert not at.exception and not at.error
    (table,) = tables(at)
    assert list(table["σ / spread"]) == sorted(table["σ / spread"], key=float) and len(table["σ / spread"]) == 6


def test_every_file_that_is_named_is_there():
    named = re.findall(r"`((?:vae_core|ui|tests|pages|benchmarks|checkpoints|deploy|models)/[\w./]+)`", TEXT)
    missing = [name for name in named if not any((ROOT / base / name).exists() for base in ("", "vae_core"))]
    assert missing == ["vae_core/models/bounded.py"]
    assert Path(ROOT / "app.py").exists()
