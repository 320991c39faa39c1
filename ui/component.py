"""Components of our own: plain files joined into what Streamlit loads, and payloads given to them.

The scripts are plain files without imports, joined in the order named into one module; the later ones may use what
the earlier ones define. Components share files: canvas/ has those of general use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ui.travel import parcel, wanted
from vae_core.browser import Payload

UI = Path(__file__).parent


def joined(files: Sequence[str]) -> str:
    """The texts of files, named from this folder, one after the other."""
    return "\n".join((UI / file).read_text(encoding="utf-8") for file in files)


def component(name: str, *, html: str, styles: Sequence[str], scripts: Sequence[str]) -> Any:
    """Define a component for `mount`.

    Args:
        name: its own, in Streamlit's registry.
        html: a file, named from this folder, as are all.
        styles: files.
        scripts: files; the last one has the default export.
    """
    return st.components.v2.component(
        f"vae_playground.{name}", html=joined([html]), css=joined(styles), js=joined(scripts)
    )


def mount(
    one: Any, payload: Payload, *, key: str, receiver: str = "", commits: Sequence[str] = (), **options: Any
) -> Any:
    """Show a component with a payload, whose tensors travel once (`ui.travel`).

    Args:
        one: made by `component`.
        payload: what it shows.
        key: the element's identity across reruns.
        receiver: see `ui.travel.parcel`.
        commits: the state keys that the visitor can set; read them from what is returned.
        options: for Streamlit.
    """
    callbacks: dict[str, Callable[[], None]] = {f"on_{state}_change": _committed for state in commits}
    callbacks["on_want_change"] = wanted(payload, receiver)
    return one(key=key, data=parcel(payload, receiver), **callbacks, **options)


def _committed() -> None:
    """Streamlit keeps a state key's value only if the mount names a callback for it."""
