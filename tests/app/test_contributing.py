"""The worked examples of docs/CONTRIBUTING.md do what is said of them."""

from __future__ import annotations

import re
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import silhouette_score

import ui.chapters
import vae_core.metrics.neighbours
from ui.chapters import Chapter, register
from ui.chapters.links import for_teachers, properties
from vae_core import models
from vae_core.errors import MeasureError
from vae_core.execution import Execution
from vae_core.payloads.plane import plane_payload
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import ROOT, open_page, tables, texts

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

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
    run = get_or_train(Store(tmp_path), spec, execution=FLOAT32)
    assert run.history[1]["reconstruction"] < run.history[0]["reconstruction"]
    assert 0.1 < np.abs(run.codes.mean).max() <= 1
    assert plane_payload(Store(tmp_path).load(spec.key)).header["layers"]
    assert run.encoder[-1]["op"] == "tanh"
    assert torch.equal(
        run.model.encode(torch.ones(1, 64)).mean, torch.tanh(run.model.code(run.model.trunk(torch.ones(1, 64))))
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


@pytest.fixture
def width(tmp_path, monkeypatch) -> Chapter:
    """The example's two files, its page outside of the repository."""
    record, page = examples("Add a chapter")
    module = types.ModuleType("ui.chapters.width")
    exec(record, module.__dict__)
    script = tmp_path / "width.py"
    script.write_text(page, encoding="utf-8")
    module.CHAPTER = replace(module.CHAPTER, page=str(script))
    monkeypatch.setitem(sys.modules, "ui.chapters.width", module)
    monkeypatch.setattr(ui.chapters, "_registered", {})
    register(module.CHAPTER)
    return module.CHAPTER


def test_the_chapter_is_a_page_of_the_app(width):
    home = open_page()
    assert "Width" in [link.proto.label.strip("*") for link in home.get("page_link")]
    assert width.blurb in texts(home)
    at = open_page(width.page, d="16", depth="3")
    assert not at.error and at.query_params in ({"d": "16"}, {"d": ["16"]})
    assert "“depth”, which this page does not know" in at.warning[0].value
    assert any(f"# Width\n\n**{width.question}**" in text for text in texts(at))
    assert any("You now know" in text and "prior" in text for text in texts(at))
    (table,) = tables(at)
    assert list(table["σ / spread"]) == sorted(table["σ / spread"], key=float) and len(table["σ / spread"]) == 6
    assert properties("width")["d"].parse("16") == 16 and "### Width, `/width`" in for_teachers()


def test_a_chapter_without_links_has_those_of_every_page(width, monkeypatch):
    monkeypatch.setattr(ui.chapters, "_registered", {})
    register(Chapter("bare", "Bare", ":material/width:", 99, page=width.page))
    assert set(properties("bare")) == {"begin", "present", "hide", "lesson", "join", "teacher"}
    for wrong in ({"slug": "beta"}, {"slug": "again", "is_home": True}):
        with pytest.raises(ValueError, match="already"):
            register(Chapter(**{"slug": "", "title": "T", "icon": "", "order": 1, "page": width.page} | wrong))
    with pytest.raises(ValueError, match="slug"):
        Chapter("No slug", "T", "", 1)
    with pytest.raises(ValueError, match="absolute"):
        Chapter("bare", "T", "", 1, page="elsewhere/bare.py")


def test_every_file_that_is_named_is_there():
    named = re.findall(r"`((?:vae_core|ui|tests|pages|benchmarks|checkpoints|deploy|models)/[\w./]+)`", TEXT)
    missing = [name for name in named if not any((ROOT / base / name).exists() for base in ("", "vae_core"))]
    assert missing == ["vae_core/models/bounded.py", "ui/chapters/width/__init__.py", "pages/width.py"]
    assert Path(ROOT / "app.py").exists()
