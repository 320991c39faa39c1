"""Tensors travel to a visitor's browser once.

Streamlit hashes all that a component is given in every run of every visitor, megabytes that did not change. The
browser keeps tensors by their id (engine/payload.js), so after the first time the header is enough. Where the tensors
did not arrive or were given up, the component asks for them by its trigger ``want``.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vae_core.payloads.plane import Payload

_SENT = "travel.sent"  # in the session's state: a session lasts as long as the page's scripts do


def parcel(payload: Payload, receiver: str = "") -> bytes:
    """What to give the component: all of a payload the first time in a session, then its head.

    Args:
        payload: for the component.
        receiver: a name for the component where others are given the same tensors: each keeps its own.
    """
    sent: set[str] = st.session_state.setdefault(_SENT, set())
    identity = _identity(payload, receiver)
    if identity in sent:
        return payload.head
    sent.add(identity)
    return payload.to_bytes()


def wanted(payload: Payload, receiver: str = "") -> Callable[[], None]:
    """Callback of the component's trigger ``want``: the next run sends the tensors again."""
    identity = _identity(payload, receiver)
    return lambda: st.session_state.setdefault(_SENT, set()).discard(identity)


def _identity(payload: Payload, receiver: str) -> str:
    return f"{receiver}{payload.header['body']['id']}"
