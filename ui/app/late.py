"""How the front end gets a large module later than it asks for it: by an import map, and late.js in its place.

late.js is served at an address of its own, with a digest of it, because the content security policy allows scripts from
there. The policy allows the script in the document and its map by their hashes (deploy/proxy.py): nothing of them
depends on the process or on the app's address. Browsers that take no import map once modules are loading, and those
that did not get late.js, load the module when they ask for it.
"""

from __future__ import annotations

import hashlib
import html
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui.components.modules import FOR_GOOD, MODULES
from ui.streamlit_private import late_file

_HERE = Path(__file__).parent


class Late(NamedTuple):
    """What stands in for `late_file`.

    Attributes:
        digest: of the module.
        module: waits, and passes the file's default export on.
        map: the text of the import map.
        script: puts the map into the document once the module is there.
    """

    digest: str
    module: str
    map: str
    script: str

    def element(self) -> str:
        """The script as HTML, for a document's head."""
        address = f"./{MODULES}/{self.digest}/late.js"
        return f'<script data-module="{address}" data-map="{html.escape(self.map)}">{self.script}</script>'


@cache
def late() -> Late | None:
    """None if there is no such file: then nothing waits."""
    file = late_file()
    if not file:
        return None
    module = (_HERE / "late.js").read_text(encoding="utf-8") + (
        "await openingDrawn();\n"
        f"const whole = await import(new URL({json.dumps(file)}, document.baseURI));\n"
        "export default whole.default;\n"
    )
    digest = hashlib.sha256(module.encode()).hexdigest()[:16]
    # For the front end's own modules alone: late.js itself gets the file.
    scopes = {"./static/js/": {f"./{file}": f"./{MODULES}/{digest}/late.js"}}
    script = (_HERE / "late_map.js").read_text(encoding="utf-8")
    return Late(digest, module, json.dumps({"scopes": scopes}), script)


def late_route() -> Route:
    """Answers ``/{digest}/late.js``, below `MODULES`."""
    return Route("/{digest}/late.js", _late, methods=["GET"])


async def _late(request: Request) -> Response:
    ours = late()
    if ours is None or request.path_params["digest"] != ours.digest:
        return PlainTextResponse("Not Found", 404)
    return Response(ours.module, media_type="text/javascript", headers={"Cache-Control": FOR_GOOD})
