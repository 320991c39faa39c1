"""Components of our own: what Streamlit is told of one, and payloads given to them.

What runs in the browser are the modules of ui/components, which load each other from the app's server
(`ui.components.modules`); Streamlit itself carries a short script that asks for them, the HTML and the styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.components.modules import COMPONENTS, module_loader
from ui.components.tensors import offer
from vae_core.payloads.plane import Payload


def joined(files: Sequence[str]) -> str:
    """The texts of files, named from ui/components, one after the other."""
    return "\n".join((COMPONENTS / file).read_text(encoding="utf-8") for file in files)


def component(name: str, *, html: str, styles: Sequence[str], module: str) -> Any:
    """Define a component for `mount`. All files are named from ui/components.

    Args:
        name: its own, in Streamlit's registry.
        html: a file.
        styles: files.
        module: the file whose default export is called for every mount.
    """
    return st.components.v2.component(
        f"vae_playground.{name}", html=joined([html]), css=joined(styles), js=module_loader(module)
    )


def mount(
    one: Any, payload: Payload, *, key: str, later: Sequence[Payload] = (), commits: Sequence[str] = (), **options: Any
) -> Any:
    """Show a component with a payload: it is given the header, and fetches the tensors (`ui.components.tensors`).

    Args:
        one: made by `component`.
        payload: what it shows.
        key: the element's identity across reruns.
        later: what it fetches once it shows that, in this order; its header lists theirs.
        commits: the state keys that the visitor can set; read them from what is returned.
        options: for Streamlit.
    """
    for each in (payload, *later):
        offer(each)
    if later:
        payload = payload.with_header(later=[each.header for each in later])
    callbacks = {f"on_{state}_change": _committed for state in commits}
    return one(key=key, data=payload.head, **callbacks, **options)


def _committed() -> None:
    """Streamlit keeps a state key's value only if the mount names a callback for it."""
