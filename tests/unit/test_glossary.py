"""The glossary has every term that a text marks, and explains it as HTML that cannot break the page."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ui.chapters import chapters
from ui.stage import glossary
from ui.stage.glossary import explained, marked_in, terms

ROOT = Path(__file__).resolve().parents[2]


def marked_in_sources() -> dict[str, str]:
    """Each marked term -> a file that marks it; texts are looked for as the program reads them, joined over lines."""
    found = {}
    for folder in ("pages", "ui"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "``[[" not in node.value:
                    found |= {name: str(file) for name in marked_in(node.value)}
    return found


def test_every_marked_term_is_in_the_glossary():
    marked = marked_in_sources()
    assert len(marked) >= 3
    assert not {name: file for name, file in marked.items() if name not in terms()}


def test_every_term_is_explained_and_its_chapter_is_one():
    slugs = {one.slug for one in chapters()}
    for term in terms().values():
        assert 20 <= len(term.short) <= 240, term.name
        assert term.short.endswith("."), term.name
        assert term.chapter in slugs, term.name
    anchors = [term.anchor for term in terms().values()]
    assert len(set(anchors)) == len(anchors)


def test_a_marked_term_becomes_its_explanation():
    html = explained("Raise the [[ELBO|bound]].")
    assert html.startswith('Raise the <dfn class="term" tabindex="0">bound<span class="gloss" role="tooltip">')
    assert terms()["ELBO"].short in html
    assert explained("z = [[0, 1]") == "z = [[0, 1]"
    assert "&lt;b&gt;" in explained("[[ELBO|<b>]]")
    with pytest.raises(KeyError, match="Elbow"):
        explained("[[Elbow]]")


def test_a_wrong_entry_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "glossary.toml"
    monkeypatch.setattr(glossary, "_FILE", file)
    for text in ('[KL]\nmore = "A divergence."', '[KL]\nshort = "A divergence."\nlong = "x"'):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"glossary\.toml"):
            terms.__wrapped__()
