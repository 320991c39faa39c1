"""Identify the visitor, by their browser if possible."""

from __future__ import annotations

import hashlib
import secrets

import streamlit as st

from ui.streamlit_private import COOKIE


def visitor() -> str:
    """An id, the same for all tabs and reloads of one browser; without cookies, the same for one session.

    Streamlit gives every browser a random token in a cookie against forged requests, masked anew in each answer
    ("2|mask|masked token|time"). Only a hash of the token is used here.
    """
    token = unmasked(st.context.cookies.get(COOKIE, ""))
    if token:
        return hashlib.sha256(token).hexdigest()[:16]
    if "visitor" not in st.session_state:
        st.session_state["visitor"] = secrets.token_hex(8)
    return str(st.session_state["visitor"])


def unmasked(cookie: str) -> bytes:
    """The token of Streamlit's cookie; empty if the text is not such a cookie."""
    try:
        version, mask, masked, _ = cookie.strip("\"'").split("|")
        key, hidden = bytes.fromhex(mask), bytes.fromhex(masked)
    except ValueError:
        return b""
    if version != "2" or not key:
        return b""
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(hidden))
