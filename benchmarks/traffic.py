"""What a page sends: through the WebSocket, which every session pays for, and over HTTP, which a browser keeps.

    .venv/bin/python -m benchmarks.traffic [--url http://…] [--page beta]

A real Chromium with an empty cache opens each page, waits until nothing has arrived for a while, then opens it again
as a new session of the same browser. Sizes are those on the wire: HTTP bodies compressed, with their headers; frames
of the WebSocket as they are. Streamlit's own scripts, styles and fonts are left out.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from benchmarks.serving import chromium, serve
from ui.chapters import chapters

QUIET_MS, PATIENCE_MS = 8_000, 90_000
OWN = ("/modules/", "/tensors/", "/pictures/")


@dataclass
class Traffic:
    """Bytes of one visit.

    Attributes:
        socket: through the WebSocket.
        kinds: over HTTP, by the first part of the address; "streamlit" for what is not ours.
        arrived: how many frames and answers.
    """

    socket: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    arrived: int = 0


def visit(context: BrowserContext, url: str) -> Traffic:
    """Open a page in a new tab until it is quiet."""
    page = context.new_page()
    wire = page.context.new_cdp_session(page)
    traffic, addresses = Traffic(), {}

    def requested(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["request"]["url"]

    def finished(event: dict[str, Any]) -> None:
        address = addresses.get(event["requestId"], "")
        kind = next((own.strip("/") for own in OWN if own in address), "streamlit")
        traffic.kinds[kind] = traffic.kinds.get(kind, 0) + int(event["encodedDataLength"])
        traffic.arrived += 1

    def framed(event: dict[str, Any]) -> None:
        data = event["response"]["payloadData"]  # base64 of a binary frame
        traffic.socket += len(data) * 3 // 4 if event["response"]["opcode"] == 2 else len(data)
        traffic.arrived += 1

    wire.send("Network.enable")
    wire.on("Network.requestWillBeSent", requested)
    wire.on("Network.loadingFinished", finished)
    wire.on("Network.webSocketFrameReceived", framed)
    page.goto(url)
    waited, seen = 0, -1
    while traffic.arrived != seen and waited < PATIENCE_MS:
        seen = traffic.arrived
        page.wait_for_timeout(QUIET_MS)
        waited += QUIET_MS
    page.close()
    return traffic


def both_visits(browser: Browser, url: str) -> tuple[Traffic, Traffic]:
    """The first visit of a browser, and the second."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visits = visit(context, url), visit(context, url)
    context.close()
    return visits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="of a running app; left out, one is started")
    parser.add_argument("--page", help="one chapter's slug")
    asked = parser.parse_args()
    print("| page | WebSocket | tensors | modules | pictures | second visit: WebSocket | second visit: HTTP, ours |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with nullcontext(asked) if asked.url else serve() as server, chromium() as browser:
        for chapter in chapters():
            if asked.page and chapter.slug != asked.page:
                continue
            first, second = both_visits(browser, f"{server.url}/{chapter.url}")
            ours = [first.kinds.get(kind, 0) for kind in ("tensors", "modules", "pictures")]
            again = sum(size for kind, size in second.kinds.items() if kind != "streamlit")
            sizes = [first.socket, *ours, second.socket, again]
            print(f"| {chapter.slug} | {' | '.join(f'{size / 1e6:.2f} MB' for size in sizes)} |", flush=True)


if __name__ == "__main__":
    main()
