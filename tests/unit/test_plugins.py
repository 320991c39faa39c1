"""Plugins: named in the environment, imported once, and blamed by name."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from vae_core import plugins
from vae_core.errors import PluginError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """On the path; modules in it count how often they are imported in ``count-<name>``."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "_outcomes", {})
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("plugin_"):
            del sys.modules[name]


def write(folder, name: str, body: str = "") -> None:
    count = folder / f"count-{name}"
    text = f"with open({str(count)!r}, 'a') as file:\n    file.write('x')\n{body}\n"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def test_each_is_imported_once_however_many_ask(folder, monkeypatch):
    write(folder, "plugin_a", "import time; time.sleep(0.05)")
    write(folder, "plugin_b", "from vae_core import plugins; plugins.load()")  # as a registry does that it asks
    monkeypatch.setenv("VAE_PLUGINS", " plugin_a,, plugin_b ")
    with ThreadPoolExecutor(8) as many:
        list(many.map(lambda _: plugins.load(), range(8)))
    assert [(folder / f"count-plugin_{name}").read_text() for name in "ab"] == ["x", "x"]


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("plugin_nowhere", None, "no such module"),
        ("plugin_nowhere.part", None, "no such module"),
        ("plugin_c", "import plugin_that_is_missing", r"needs a module that is missing \(plugin_that_is_missing\)"),
        ("plugin_c", "raise RuntimeError('no luck')", "raised RuntimeError: no luck"),
        ("plugin_c", "this is no Python", "raised SyntaxError"),
    ],
)
def test_one_that_fails_is_named_each_time_and_not_tried_again(folder, monkeypatch, name, body, said):
    if body is not None:
        write(folder, name, body)
    monkeypatch.setenv("VAE_PLUGINS", name)
    for _ in range(2):
        with pytest.raises(PluginError, match=said) as caught:
            plugins.load()
        assert f"'{name}'" in str(caught.value)
    if body and not body.startswith("this"):
        assert (folder / f"count-{name}").read_text() == "x"


def test_none_is_fine(monkeypatch):
    monkeypatch.delenv("VAE_PLUGINS", raising=False)
    plugins.load()
