"""Identify the visitor, by their browser if possible, and where they come from.

A browser gets a name in a cookie, signed so that nobody can make one up; names cost nothing all the same, to whoever
throws cookies away. What must hold against those is counted by address, too.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import streamlit as st

from vae_core import datasets

COOKIE = "vae_visitor"
_SIGNED = re.compile(r"([0-9a-f]{16})\.([0-9a-f]{32})")
_SECRET_FILE = ".visitors"  # below the data root: names outlive a restart, and replicas share them
_SECRET_BYTES = 32


def visitor() -> str:
    """An id, the same for all tabs and reloads of one browser; without cookies, the same for one session."""
    if name := read(st.context.cookies.get(COOKIE, "")):
        return name
    if "visitor" not in st.session_state:
        st.session_state["visitor"] = secrets.token_hex(8)
    return str(st.session_state["visitor"])


def known_by_cookie() -> bool:
    """Whether the visitor will be known again after the page was loaded anew."""
    return bool(read(st.context.cookies.get(COOKIE, "")))


def address() -> str:
    """Where the visitor comes from, as far as limits tell addresses apart; empty where that is not known."""
    return neighbourhood(st.context.ip_address or "")


def neighbourhood(text: str) -> str:
    """An address of IPv4, or the half of one of IPv6 that its owner does not choose; empty if it is none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)


def issue() -> str:
    """A new name, as its cookie has it."""
    name = secrets.token_hex(8)
    return f"{name}.{_signature(name)}"


def read(cookie: object) -> str:
    """The name in a cookie; empty if it is not one of ours."""
    found = _SIGNED.fullmatch(cookie) if isinstance(cookie, str) else None
    return found[1] if found and hmac.compare_digest(found[2], _signature(found[1])) else ""


def seal(text: str) -> str:
    """What shows that a text comes from this app: a signature, unlike that of any cookie."""
    return _signature(f"sealed {text}")


def sealed(text: str, seal_of_it: str) -> bool:
    """Whether it is the text's own seal."""
    return hmac.compare_digest(seal(text).encode(), seal_of_it.encode())


def _signature(name: str) -> str:
    return hmac.new(_secret(datasets.data_root()), name.encode(), hashlib.sha256).hexdigest()[:32]


@lru_cache(maxsize=4)
def _secret(root: Path) -> bytes:
    """Made once for a data root; where there is none and none can be written, once for this process."""
    path = root / _SECRET_FILE
    try:
        if not path.exists():
            _make(path)
        found = path.read_bytes()
    except OSError:
        found = b""
    return found if len(found) == _SECRET_BYTES else secrets.token_bytes(_SECRET_BYTES)


def _make(path: Path) -> None:
    """Write a new secret, unless another replica has been first."""
    made = secrets.token_bytes(_SECRET_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = path.with_name(f"{_SECRET_FILE}.{secrets.token_hex(4)}")
    _write_new(ours, made)
    try:
        os.link(ours, path)  # whole, and the first of several replicas wins
    except FileExistsError:
        pass
    except OSError:  # not every file system has links
        with suppress(FileExistsError):
            _write_new(path, made)
    finally:
        ours.unlink()


def _write_new(path: Path, content: bytes) -> None:
    """Only the server's own user may read it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
