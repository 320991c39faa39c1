"""The tensors of payloads, as the app's own server gives them to browsers, which keep them for good.

A payload's header reaches a component through Streamlit, its tensors through an address that holds their digest: a
browser fetches them once, whatever session asks, and a proxy once for all browsers. What a page shows is offered when
it is mounted, and kept in memory and in a folder that the server's processes share: a visitor whose process has ended
gets the tensors from another one. Nothing of an address reaches a path unless it is a digest.
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui.components.modules import FOR_GOOD
from vae_core.payloads.plane import Payload, digest_of

TENSORS = "tensors"  # the first part of the address
IN_MEMORY, ON_DISK = 256 * 2**20, 2**30  # bytes, at most
SENT_IN_MEMORY = 64 * 2**20  # of files that visitors were sent
MEDIA = "application/octet-stream"
_DIGEST = re.compile(r"[0-9a-f]{24}")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

_log = logging.getLogger(__name__)


@dataclass
class Kept:
    """Tensors in memory, and packed by gzip once somebody has asked for that."""

    body: bytes
    packed: bytes | None = None

    @property
    def size(self) -> int:
        """In bytes, both together."""
        return len(self.body) + len(self.packed or b"")


class TensorCache:
    """Tensors by their digest, the longest unused given up first.

    Args:
        folder: where other processes find them; None for memory alone.
        in_memory, on_disk: how many bytes are kept, at most.
    """

    def __init__(self, folder: Path | None, in_memory: int = IN_MEMORY, on_disk: int = ON_DISK) -> None:
        self.folder, self.in_memory, self.on_disk = folder, in_memory, on_disk
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock, self._packing = threading.Lock(), threading.Lock()

    def offer(self, digest: str, body: bytes) -> None:
        """Keep tensors for those who will ask. Costs nothing if they are in memory already."""
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return
            self._remember(digest, Kept(body))
        if self.folder:
            self._write(self.folder, digest, body)

    def find(self, digest: str) -> Kept | None:
        """Tensors in memory or in the folder; None if there are none of that digest, or they are damaged."""
        with self._lock:
            if kept := self._kept.get(digest):
                self._kept.move_to_end(digest)
                return kept
        if not self.folder or not _DIGEST.fullmatch(digest):
            return None
        try:
            body = (self.folder / digest).read_bytes()
        except OSError:
            return None
        if digest_of(body) != digest:
            _log.warning("%s is damaged and is deleted", self.folder / digest)
            (self.folder / digest).unlink(missing_ok=True)
            return None
        with self._lock:
            return self._kept.get(digest) or self._remember(digest, Kept(body))

    def packed(self, digest: str, kept: Kept) -> bytes:
        """The tensors packed by gzip, once for all who ask: half-precision weights to .93 of their size."""
        with self._packing:
            if kept.packed is None:
                kept.packed = gzip.compress(kept.body, compresslevel=6, mtime=0)
                with self._lock:
                    self._trim(digest)
        return kept.packed

    def _remember(self, digest: str, kept: Kept) -> Kept:
        self._kept[digest] = kept
        self._trim(digest)
        return kept

    def _trim(self, newest: str) -> None:
        total = sum(kept.size for kept in self._kept.values())
        while total > self.in_memory and next(iter(self._kept)) != newest:
            _, old = self._kept.popitem(last=False)
            total -= old.size

    def _write(self, folder: Path, digest: str, body: bytes) -> None:
        """For the other processes. Where the disk is full or must not be written, this one's memory is enough."""
        try:
            if (folder / digest).exists():
                os.utime(folder / digest)
                return
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
                part = Path(file.name)
                try:
                    file.write(body)
                    file.close()
                    part.replace(folder / digest)
                finally:
                    part.unlink(missing_ok=True)
            self._sweep(folder)
        except OSError as error:
            _log.warning("tensors are kept in memory alone: %s", error)
            self.folder = None

    def _sweep(self, folder: Path) -> None:
        files = [(entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(folder)]
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.on_disk:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


@cache
def tensor_cache() -> TensorCache:
    """The process's own, whose folder it shares with the others on this machine."""
    return TensorCache(shared_folder())


@cache
def sent_tensors() -> TensorCache:
    """Those of files that visitors were sent: in memory alone, and however many there are, they displace no others."""
    return TensorCache(None, SENT_IN_MEMORY)


def shared_folder() -> Path | None:
    """A folder for the tensors that only this user can write to; None where there is none."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"vae-playground-{user}" / TENSORS
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if hasattr(os, "getuid") and (folder.parent.stat().st_uid != user or folder.is_symlink()):
            raise PermissionError(f"{folder.parent} belongs to somebody else")
    except OSError as error:
        _log.warning("tensors are kept in memory alone: %s", error)
        return None
    return folder


def offer(payload: Payload) -> None:
    """Make a payload's tensors available to the browsers that are given its header."""
    cache_of = sent_tensors if payload.header.get("sent") else tensor_cache
    cache_of().offer(payload.header["body"]["id"], payload.body)


def offer_packed(payload: Payload) -> None:
    """The same, packed before the first browser asks for it."""
    offer(payload)
    digest = payload.header["body"]["id"]
    if kept := tensor_cache().find(digest):
        tensor_cache().packed(digest, kept)


def tensors_route() -> Route:
    """Answers ``/{digest}``, below `TENSORS`."""
    return Route("/{digest}", _tensors, methods=["GET"])


async def _tensors(request: Request) -> Response:
    digest = request.path_params["digest"]
    holder, kept = tensor_cache(), None
    if _DIGEST.fullmatch(digest) and (kept := await run_in_threadpool(holder.find, digest)) is None:
        holder = sent_tensors()
        kept = holder.find(digest)
    if kept is None:
        return PlainTextResponse("Not Found", 404, headers={"Cache-Control": "no-store"})
    asked = request.headers
    headers = {"Cache-Control": FOR_GOOD, "ETag": f'"{digest}"', "Accept-Ranges": "bytes", "Vary": "Accept-Encoding"}
    if _knows(asked, digest):
        return Response(status_code=304, headers=headers)
    if (part := _part(asked, len(kept.body))) is not None:
        first, end = part
        if first >= end:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{len(kept.body)}"})
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(kept.body)}"
        return Response(kept.body[first:end], 206, headers, media_type=MEDIA)
    if "gzip" not in asked.get("accept-encoding", ""):
        return Response(kept.body, 200, headers, media_type=MEDIA)
    # Packed here even where it gains nothing: Streamlit's middleware would do so for each request.
    packed = await run_in_threadpool(holder.packed, digest, kept)
    headers |= {"ETag": f'"{digest}-gzip"', "Content-Encoding": "gzip"}
    return Response(packed, 200, headers, media_type=MEDIA)


def _knows(asked: Headers, digest: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in asked.get("if-none-match", "").split(",")}
    return bool(tags & {"*", f'"{digest}"', f'"{digest}-gzip"'})


def _part(asked: Headers, size: int) -> tuple[int, int] | None:
    """First byte and end of the one range that is asked for; None for all of it."""
    found = _RANGE.fullmatch(asked.get("range", ""))
    if not found or found[1] == found[2] == "" or "if-range" in asked:
        return None
    if found[1] == "":  # the last bytes
        return max(size - int(found[2]), 0), size
    return int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
