"""The address under which a class finds the app, and its picture."""

from __future__ import annotations

import base64
import io
import ipaddress
import socket
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

import segno

from ui.figures.markup import Html


def base_of(url: str) -> str:
    """The app's address, with a slash at its end, from that of one of its pages, which lie directly below it.

    Args:
        url: as the visitor's browser has it.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/"


def is_loopback(url: str) -> bool:
    """Whether an address means the device that opens it: on a student's phone, the phone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def in_the_room(url: str) -> str:
    """The address at which others in the room find the app; empty if this machine has none but the loopback's.

    Args:
        url: as whoever asks has it. If it means only this machine, its own address in the network takes its place.
    """
    if not is_loopback(url):
        return url
    own = _own_address()
    if not own:
        return ""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{own}{port}").geturl()


def _own_address() -> str:
    """This machine's address towards other networks, which may change; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a network for documentation, which nobody has
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
    return "" if ipaddress.ip_address(found).is_loopback or found == "0.0.0.0" else found


def link(base: str, page: str = "", **said: str) -> str:
    """A page of the app with what its link says."""
    return f"{base}{page}?{urlencode(said)}"


@lru_cache(maxsize=64)
def qr_picture(text: str) -> Html:
    """The QR code of a link, as a picture, in dark ink on a light ground whatever the theme: cameras expect it."""
    file = io.BytesIO()
    made = segno.make(text, error="m", micro=False)
    made.save(file, kind="svg", border=3, dark="#101823", light="#FFFFFF", omitsize=True)
    address = f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"
    style = "width:100%;max-width:22rem;border-radius:0.5rem;display:block"
    return Html(f'<img src="{address}" alt="QR code of the link that students open" style="{style}">')
