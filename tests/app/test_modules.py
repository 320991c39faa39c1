"""The components' modules: their addresses, and what a server answers there."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

import pytest

from tests.support.asgi import ask
from ui.components.modules import COMPONENTS, digest, files, module_loader, modules

IMPORT = re.compile(r'^(?:import|export) .* from "(.*)";$', re.M)


def test_every_module_and_style_sheet_is_served_for_good_under_the_digest_of_all():
    assert len(modules()) > 40 and len(files()) > len(modules()) + 10
    for path, text in files().items():
        status, headers, content = ask(f"/modules/{digest()}/{path}")
        assert status == 200 and content == text
        assert headers["content-type"].startswith("text/javascript" if path in modules() else "text/css")
        assert headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "canvas/none.js",
        "canvas/../dial/dial.js",
        "../../component.py",
        "canvas/__init__.py",
        "canvas/canvas.html",
        "",
    ],
)
def test_nothing_else_is_served(path):
    assert ask(f"/modules/{digest()}/{path}")[0] == 404


OTHERS = ["0" * 16, "canvas", digest().upper() + "0", *(f"{digest()}{end}" for end in ("-0", "-3", "-", "-1-1", "-01"))]


@pytest.mark.parametrize("other", [*OTHERS, f"{'0' * 16}-1"])
def test_another_versions_digest_is_not_found(other):
    assert ask(f"/modules/{other}/canvas/canvas.js")[0] == 404


@pytest.mark.parametrize("alias", [f"{digest()}-1", f"{digest()}-2"])
def test_whoever_asks_again_gets_the_same_modules(alias):
    first = ask(f"/modules/{digest()}/engine/link.js")
    assert ask(f"/modules/{alias}/engine/link.js") == first and first[0] == 200
    assert ask(f"/modules/{alias}/engine/none.js")[0] == 404


def test_every_import_leads_to_a_module():
    for path, text in modules().items():
        for target in IMPORT.findall(text.decode()):
            assert target.startswith("."), f"{path} imports {target}"
            found = (COMPONENTS / PurePosixPath(path).parent / target).resolve().relative_to(COMPONENTS).as_posix()
            assert found in modules(), f"{path} imports {target}"


def test_whoever_takes_a_drag_takes_it_from_selected_text_too():
    takes = {path for path, text in modules().items() if b".setPointerCapture(" in text}
    assert takes == {"engine/page.js"}


def test_the_loader_names_a_module_that_there_is():
    loader = module_loader("dial/dial.js")
    asked = json.loads(re.search(r"await load\(absolute\((\[.*?\])\)", loader)[1])
    assert asked == [f"modules/{digest()}{again}/dial/dial.js" for again in ("", "-1", "-2")]
    assert all(ask(f"/{address}")[0] == 200 for address in asked)
    waits = json.loads(re.search(r"^const WAITS = (\[.*?\]);", loader, re.M)[1])
    assert len(waits) == len(asked) - 1 and not IMPORT.findall(loader)  # it travels alone
    with pytest.raises(KeyError):
        module_loader("dial/none.js")


def test_the_loader_names_the_style_sheets_of_its_component():
    loader = module_loader("dial/dial.js", ("engine/base.css", "dial/dial.css"))
    asked = json.loads(re.search(r"dressed\(address, absolute\((\[.*?\])\)\)", loader)[1])
    assert asked == [f"modules/{digest()}/{path}" for path in ("engine/base.css", "dial/dial.css")]
    with pytest.raises(KeyError, match="none"):
        module_loader("dial/dial.js", ("dial/none.css",))


def test_the_loader_asks_at_once_for_all_that_its_module_imports():
    asked = json.loads(re.search(r"^fetchEarly\((\[.*?\])\);$", module_loader("dial/dial.js"), re.M)[1])
    below = f"modules/{digest()}/"
    known = {COMPONENTS / path for path in ("dial/dial.js", *(address.removeprefix(below) for address in asked))}
    assert f"{below}dial/rail.js" in asked and f"{below}engine/payload.js" in asked
    for file in known:
        assert {(file.parent / target).resolve() for target in IMPORT.findall(file.read_text("utf-8"))} <= known
