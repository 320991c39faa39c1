"""Latent explorer: the full instrument on any run in the store. Its state is in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.chapters import links
from ui.chapters.explorer import CHAPTER
from ui.components.canvas import latent_canvas, thumbnails
from ui.figures.messages import errors_said
from ui.figures.plots import history_figure, show
from ui.figures.tables import as_html, metrics_table, pins_table
from ui.links import url_state
from ui.runs.resources import image_set, listing, load_run, plane, store, thumbnail_sheet
from ui.runs.selection import can_be_explored, run_title
from ui.training.quota import note_shown
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.storage.export import as_csv, codes_csv
from vae_core.storage.manifest import shipped_run
from vae_core.storage.store import Listed

LINK = links.properties(CHAPTER.url)


def choose_run(lines: list[Listed]) -> str:
    """The run menu. A link's run comes first; one that is not here is said and left out."""
    titles = {line.key: run_title(line) for line in lines}
    linked = url_state.read(LINK["run"])
    if linked and linked not in titles:
        shown = linked if len(linked) <= 60 else f"{linked[:57]}…"
        st.warning(
            f"The link asks for the run “`{shown.replace('`', '')}`”, which is not in this store; showing another."
        )
    if "explorer-run" not in st.session_state:
        home = shipped_run(model="vae", dataset="mnist", latent_dim=2).key
        preferred = [line.key for line in lines if line.spec and line.spec.model == "vae"]
        first = home if home in titles else (preferred or list(titles))[0]
        st.session_state["explorer-run"] = linked if linked in titles else first
    key = st.selectbox("Run", list(titles), format_func=titles.__getitem__, key="explorer-run")
    # Pins and view belong to a run: another run starts afresh.
    if st.session_state.get("explorer-shown") not in (None, key):
        url_state.write(LINK["z"], None)
        url_state.write(LINK["view"], None)
    st.session_state["explorer-shown"] = key
    url_state.write(LINK["run"], key)
    return str(key)


def start_of(key: str) -> dict[str, Any]:
    """Pins and view that a link asks for, read once per run: the payload must stay the same while they change."""
    place = f"explorer-start-{key}"
    if place not in st.session_state:
        st.session_state[place] = {
            "pins": url_state.read(LINK["z"]) or [],
            "view": url_state.read(LINK["view"]),
        }
    return dict(st.session_state[place])


def subtitle_of(run: Run) -> str:
    """What the plane is, honestly."""
    count = f"{len(run.codes.labels):,} held-out images"
    if run.spec.latent_dim == 1:
        return f"{count}. One latent dimension: only the horizontal axis changes the image."
    if run.spec.latent_dim == 2:
        return f"{count}. All of latent space."
    share = plane(run.key).header["variance_share"]
    return (
        f"{count}, seen in the plane through the mean code along its two principal directions "
        f"({share:.0%} of the codes' variance, of d = {run.spec.latent_dim})."
    )


@st.fragment
def instrument(run: Run) -> None:
    """The plane and what was pinned on it; a commit reruns this part alone."""
    start = start_of(run.key)
    options = {"commit": True, "export": True, "images": image_set(run), "group": "explorer", "link": "", **start}
    payload = plane(run.key).with_header(
        title=model_kind(run.spec.model).title, subtitle=subtitle_of(run), options=options
    )
    committed = latent_canvas(payload, key=f"explorer-{run.key}")
    pins = committed.pins if committed.pins is not None else start["pins"]
    url_state.write(LINK["z"], pins)
    if committed.view:
        url_state.write(LINK["view"], dict(zip(("cx", "cy", "half"), committed.view, strict=True)))
    if pins:
        table = pins_table(run, pins)
        st.html(as_html(table, title="Pinned points"))
        st.download_button(
            "Pins as CSV", as_csv(table), f"{run.key}-pins.csv", "text/csv", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip


def facts(run: Run) -> None:
    """The run's measured numbers, its training, and its files."""
    st.markdown("## Measured")
    note = "Nats per image, pixels summed, z sampled once per image; error per pixel at the mean code."
    st.html(as_html(metrics_table(run), title="Measured", note=note))
    st.markdown("## Training")
    if model_kind(run.spec.model).trained:
        show(history_figure(run), key=f"history-{run.key}")
    else:
        st.markdown("Computed in one go, not trained.")
    made = run.provenance
    st.caption(
        f"{made['training_images']:,} images, {len(run.history)} epochs in {made['training_seconds']:,.0f} s "
        f"({made['images_per_second']:,} images per second, {made['device']}, {made['precision']}), "
        f"torch {made['torch']}. Key `{run.key}`."
    )
    st.download_button(
        "Codes as CSV", lambda: codes_csv(run), f"{run.key}-codes.csv", "text/csv", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
    st.download_button(
        "Checkpoint", lambda: store().path(run.key).read_bytes(), f"{run.key}.safetensors",
        "application/octet-stream", on_click="ignore", icon=":material/download:",
    )  # fmt: skip


st.title(CHAPTER.title)
lines = [line for line in listing() if line.spec and can_be_explored(line.spec)]
if not lines:
    st.info("There are no runs yet. Make the shipped ones with `python -m vae_core rebuild`.")
    st.stop()

chosen = choose_run(lines)
with errors_said():
    shown = load_run(chosen)
    note_shown(shown.spec.dataset)
    left, right = st.columns([11, 8], gap="large")
    with left:
        instrument(shown)
    with right:
        facts(shown)
    thumbnails(thumbnail_sheet(shown.spec.dataset), key="explorer-thumbnails")
