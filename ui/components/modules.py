"""The JavaScript modules and style sheets of the components, as the app's own server gives them to the browser.

Their address holds a digest of all of them, so that a browser keeps them for good and never mixes two versions: a
server that has another version says 404. The same files are there under a few further names of the digest, for a
browser whose first request failed (loader.js). What is served is a table built once in a process; nothing of an
address reaches a path.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

COMPONENTS = Path(__file__).resolve().parent
MODULES = "modules"  # the first part of the address
KINDS = {".css": "text/css", ".js": "text/javascript"}
ATTEMPTS = 3  # as many as loader.js waits between, and one more
_IMPORTED = re.compile(r'^(?:import|export) .* from "(.*)";$', re.M)
FOR_GOOD = "public, max-age=31536000, immutable"


@cache
def files() -> Mapping[str, bytes]:
    """Every module and style sheet by its path from ui/components, such as ``dial/dial.js``."""
    found = (file for file in sorted(COMPONENTS.rglob("*")) if file.suffix in KINDS)
    return {file.relative_to(COMPONENTS).as_posix(): file.read_bytes() for file in found}


@cache
def modules() -> Mapping[str, bytes]:
    """The modules among them."""
    return {path: text for path, text in files().items() if path.endswith(".js")}


@cache
def digest() -> str:
    """Of all files with their paths, 16 hexadecimal digits."""
    lines = (f"{path} {hashlib.sha256(text).hexdigest()}\n" for path, text in files().items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


@cache
def names_of_digest() -> tuple[str, ...]:
    """What the digest is called in the addresses of each attempt: itself, then with ``-1``, ``-2``."""
    return (digest(), *(f"{digest()}-{attempt}" for attempt in range(1, ATTEMPTS)))


def imported_by(entry: str) -> list[str]:
    """The modules that a module needs, and those that these need, and so on."""
    found: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found[path] = None
            folder = posixpath.dirname(path)
            targets = _IMPORTED.findall(modules()[path].decode())
            waiting += [posixpath.normpath(posixpath.join(folder, target)) for target in targets]
    return [path for path in found if path != entry]


def module_loader(entry: str, styles: Sequence[str] = ()) -> str:
    """The script given to Streamlit for a component: it loads a module and passes its default export on.

    The addresses are relative to the page's own: every page lies directly below the app's, whatever prefix that has.

    Args:
        entry: the module's path from ui/components.
        styles: paths of the style sheets, which are in place before the component is called.

    Raises:
        KeyError: there is no file of one of these names.
    """
    if missing := {entry, *styles} - files().keys():
        raise KeyError(*missing)
    addresses = json.dumps([f"{MODULES}/{name}/{entry}" for name in names_of_digest()])
    sheets = json.dumps([f"{MODULES}/{digest()}/{path}" for path in styles])
    needed = json.dumps([f"{MODULES}/{digest()}/{path}" for path in imported_by(entry)])
    lines = modules()["loader.js"].decode().splitlines()
    script = "\n".join(line for line in lines if line and not line.startswith("//"))  # every mount carries it
    return (
        f"{script}\nfetchEarly({needed});\n"
        f"const component = await load(absolute({addresses}), (address) => dressed(address, absolute({sheets})));\n"
        "export default component;\n"
    )


def modules_route() -> Route:
    """Answers ``/{digest}/{path}``, below `MODULES`."""
    return Route("/{digest}/{path:path}", _module, methods=["GET"])


async def _module(request: Request) -> Response:
    path = request.path_params["path"]
    found = files().get(path)
    if found is None or request.path_params["digest"] not in names_of_digest():
        return PlainTextResponse("Not Found", 404)
    return Response(found, media_type=KINDS[posixpath.splitext(path)[1]], headers={"Cache-Control": FOR_GOOD})
