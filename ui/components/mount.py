"""Components of our own: what Streamlit is told of one, and payloads given to them.

What runs in the browser are the modules of ui/components, which it loads from the app's server with their style sheets
(`ui.components.modules`); Streamlit itself carries a short script that asks for them, and the HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from ui.components.modules import COMPONENTS, module_loader
from ui.components.tensors import offer
from vae_core.payloads.plane import Payload

# Nothing is seen without its styles: loader.js takes this away once they are in place.
UNSTYLED = '<style class="unstyled">.component { display: none; }</style>'


def component(name: str, *, html: str, styles: Sequence[str], module: str) -> Any:
    """Define a component for `mount`. All files are named from ui/components.

    Args:
        name: its own, in Streamlit's registry.
        html: a file.
        styles: files, which several components may share.
        module: the file whose default export is called for every mount.
    """
    text = (COMPONENTS / html).read_text(encoding="utf-8")
    return st.components.v2.component(f"vae_playground.{name}", html=UNSTYLED + text, js=module_loader(module, styles))


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


def mount_acting(
    one: Any, *, key: str, data: dict[str, Any], acts: Mapping[str, Callable[[], None] | None], **options: Any
) -> None:
    """Show a component whose triggers do something before the run that they ask for.

    Streamlit knows what a trigger does from the run before. There is none where the visitor's process has died and
    another one goes on with the page (`ui.streamlit_private.welcome_returning_visitors`): then it is done here, and the
    page runs again.

    Args:
        one: made by `component`.
        key: the element's identity across reruns.
        data: what it is given, as the one item of a list: in a mapping Streamlit looks for tables, value by value.
        acts: what each trigger does; None where the run is all that it asks for.
        options: for Streamlit.
    """
    place = f"{key}.acted"  # of the lesson it is kept by those who follow (`ui.chapters.links.KEPT`)

    def acting(name: str) -> Callable[[], None]:
        def act() -> None:
            st.session_state[place] = {*st.session_state.get(place, ()), name}
            if does := acts[name]:
                does()

        return act

    told = one(key=key, data=[data], **{f"on_{name}_change": acting(name) for name in acts}, **options)
    known = st.session_state.pop(place, ())
    missed = [does for name, does in acts.items() if does and name not in known and getattr(told, name, None)]
    for does in missed:
        does()
    if missed:
        st.rerun()


def _committed() -> None:
    """Streamlit keeps a state key's value only if the mount names a callback for it."""
