"""The chapters' pictures, as the app's own server gives them to the browser, which keeps them for good.

A chapter's picture lies beside its record, ``picture.webp``, and is taken from the running page by
``python -m tools.take_pictures``. Addresses hold a digest of the picture; nothing of an address reaches a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PICTURES = "pictures"  # the first part of the address
FILE = "picture.webp"
WIDTH, HEIGHT = 640, 400
_FOR_GOOD = "public, max-age=31536000, immutable"


@cache
def _pictures() -> Mapping[str, tuple[str, bytes]]:
    """Slug -> (digest, file) of every chapter that has a picture."""
    files = {file.parent.name: file.read_bytes() for file in sorted(Path(__file__).parent.glob(f"*/{FILE}"))}
    return {slug: (hashlib.sha256(data).hexdigest()[:16], data) for slug, data in files.items()}


def picture_address(slug: str) -> str:
    """Where the browser finds a chapter's picture, from the page's own address; empty if it has none."""
    found = _pictures().get(slug)
    return f"{PICTURES}/{found[0]}.webp" if found else ""


def pictures_route() -> Route:
    """Answers ``/{digest}.webp``, below `PICTURES`."""
    return Route("/{digest}.webp", _picture, methods=["GET"])


async def _picture(request: Request) -> Response:
    wanted = request.path_params["digest"]
    found = next((data for digest, data in _pictures().values() if digest == wanted), None)
    if found is None:
        return PlainTextResponse("Not Found", 404)
    return Response(found, media_type="image/webp", headers={"Cache-Control": _FOR_GOOD})
