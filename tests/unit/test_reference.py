"""The reference of vae_core, made from its docstrings."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path

import pdoc
import pytest

from tools.build_reference import build, modules

ROOT = Path(__file__).resolve().parents[2]
ON_ARRAYS = ("losses", "metrics", "lessons", "program")  # packages whose public functions are mathematics on arrays
SAYS_A_SHAPE = re.compile(r"\((?:[A-Z*]|\d|\.\.\.|d\b|n\b|k\b|count|rows|weights|\))|shape|elementwise|[Aa]s of|`\w")


def members(thing: pdoc.doc.Doc) -> list[pdoc.doc.Doc]:
    inner = thing.members.values() if isinstance(thing, pdoc.doc.Namespace) and thing.kind != "module" else ()
    return [thing, *(each for member in inner for each in members(member))]


def test_nothing_in_it_warns() -> None:
    seen = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for module in modules():
            for member in pdoc.doc.Module(module).members.values():
                for each in members(member):
                    text = each.docstring
                    if isinstance(each, pdoc.doc.Function):
                        text += str(each.signature)
                    elif isinstance(each, pdoc.doc.Variable):
                        text += each.annotation_str
                    seen += bool(text)
    assert seen > 1_000


def test_its_pages_are_written(tmp_path: Path) -> None:
    assert build(tmp_path, "vae_core.losses", "vae_core.models.bottleneck") == 2
    page = (tmp_path / "vae_core" / "models" / "bottleneck.html").read_text(encoding="utf-8")
    assert "reparameterisation trick" in page and "ForwardRef" not in page
    assert "../losses.html" in page or "losses" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ON_ARRAYS)
def test_functions_on_arrays_say_their_shapes(package: str) -> None:
    silent = [
        f"{path.stem}.{function.name}"
        for path in (ROOT / "vae_core" / package).glob("*.py")
        for function in _public(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"\b(ndarray|Tensor)\b", _annotations(function))
        and not SAYS_A_SHAPE.search(ast.get_docstring(function) or "")
    ]
    assert not silent


def _public(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def _annotations(function: ast.FunctionDef) -> str:
    given = [*function.args.args, *function.args.kwonlyargs]
    return " ".join(ast.unparse(each) for each in [*(one.annotation for one in given), function.returns] if each)
