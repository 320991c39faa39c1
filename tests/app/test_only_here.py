"""What is for the host alone is not answered to visitors, also without the proxy."""

from __future__ import annotations

import asyncio

import pytest

from ui.app.only_here import OnlyHere


def passes(path: str, client: str | None, *headers: tuple[bytes, bytes]) -> bool:
    reached = []

    async def app(scope, receive, send):
        reached.append(scope["path"])

    async def send(message):
        assert message.get("status", 404) == 404

    scope = {"type": "http", "path": path, "headers": list(headers), "client": client and (client, 1)}
    asyncio.run(OnlyHere(app)(scope, None, send))
    return bool(reached)


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/vae/_stcore/metrics", "/_stcore/agent/mcp", "/_stcore/agent"])
def test_metrics_are_open(path):
    assert passes(path, "127.0.0.1") and passes(path, "::1")
    assert not any(passes(path, client) for client in ("192.168.1.7", "2001:db8::1", "testclient", None))
    assert not passes(path, "127.0.0.1", (b"x-forwarded-for", b"192.168.1.7"))


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/stream", "/metrics", "/_stcore/metricsx"])
def test_all_else_is_answered(path):
    assert passes(path, "192.168.1.7")
