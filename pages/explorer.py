"""Latent explorer: the full instrument on any run in the store. Its state is in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.chapters import links
from ui.chapters.explorer import CHAPTER
from ui.chapters.thumbnails import thumbnails_of
from ui.chapters.train.results import comparable, comparison
from ui.components.canvas import latent_canvas
from ui.components.sliders import dimensions, latent_sliders
from ui.figures.markup import fold
from ui.figures.messages import errors_said
from ui.figures.plots import history_figure, show
from ui.figures.tables import as_html, metrics_table, pins_table
from ui.links import url_state
from ui.runs.resources import image_set, load_run, plane, store
from ui.runs.selection import explorable
from ui.stage import chapter
from ui.stage.beside import planes_beside
from ui.stage.steps import Step
from ui.training.quota import note_shown
from vae_core.errors import UnknownRun
from vae_core.metrics.latent import ACTIVE_VARIANCE
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.storage.export import as_csv, codes_csv
from vae_core.storage.manifest import shipped_run

LINK = links.properties(CHAPTER.url)


def choose_run(titles: dict[str, str]) -> str:
    """The run menu. A link's run comes first; one that is not here is said and left out."""
    linked = url_state.read(LINK["run"])
    if linked and linked not in titles:
        shown = linked if len(linked) <= 60 else f"{linked[:57]}…"
        with errors_said():
            why = "which is not in this store"
            try:
                if linked in store().keys():
                    load_run(linked)  # a damaged one says so
            except UnknownRun:
                why = "whose file needs a plugin or a newer version of this program"
            st.warning(f"The link asks for the run “`{shown.replace('`', '')}`”, {why}; showing another.")
    if "explorer-run" not in st.session_state:
        home = shipped_run(model="vae", dataset="mnist", latent_dim=2).key
        vaes = (key for key in titles if key.startswith("vae-"))
        first = home if home in titles else next(vaes, next(iter(titles)))
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
    """What the plane shows, and how much of the codes it leaves out."""
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
    committed = latent_canvas(payload, thumbnails_of(run.spec.dataset), key=f"explorer-{run.key}")
    pins = committed.pins if committed.pins is not None else start["pins"]
    url_state.write(LINK["z"], pins)
    if committed.view:
        url_state.write(LINK["view"], committed.view)
    if pins:
        table = pins_table(run, pins)
        st.html(as_html(table, title="Pinned points"))
        st.download_button(
            "Pins as CSV", as_csv(table), f"{run.key}-pins.csv", "text/csv", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip


def facts(run: Run) -> None:
    """The run's measured numbers, where it comes from, and its files."""
    note = "Nats per image, pixels summed, z sampled once per image; error per pixel at the mean code."
    st.html(as_html(metrics_table(run), title="Measured", note=note))
    made = run.provenance
    provenance = (
        f"{made['training_images']:,} images, {len(run.history)} epochs in {made['training_seconds']:,.0f} s "
        f"({made['images_per_second']:,} images per second, {made['device']}, {made['precision']}), "
        f"torch {made['torch']}. Key `{run.key}`."
    )
    st.markdown(fold("Where it comes from", provenance), unsafe_allow_html=True)
    with st.container(horizontal=True):
        st.download_button(
            "Codes as CSV", lambda: codes_csv(run), f"{run.key}-codes.csv", "text/csv", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "Checkpoint", lambda: store().file(run.key).read_bytes(), f"{run.key}.safetensors",
            "application/octet-stream", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def every_dimension(run: Run) -> None:
    """A slider for each dimension: the plane shows two at a time."""
    if run.spec.latent_dim < 3:
        return
    active = run.codes.mean.var(axis=0) > ACTIVE_VARIANCE
    unused = int((~active).sum())
    some = f" **{unused} of them** hardly move the code, and the image does not follow." if unused else ""
    one = chapter.step(
        "dimensions",
        "Every dimension",
        f"The plane shows two directions at a time. Here are all {run.spec.latent_dim} [[latent dimension]]s, the one "
        f"that varies most first, each from −3 to +3 standard deviations of its mean codes.{some}",
    )
    with one.instrument:
        latent_sliders(
            plane(run.key).with_header(dimensions=dimensions(run.codes.mean, active.tolist())),
            key=f"explorer-sliders-{run.key}",
        )


@st.fragment
@errors_said()
def compare(run: Run) -> None:
    """Another run on the same images: both planes, their numbers, their curves."""
    titles = comparable(run.key)
    if not titles:
        return
    two = chapter.step(
        "compare",
        "Beside another run",
        "Choose another run on the same images. Both planes light up for the same image: move over one of them, and "
        "see where the other model puts its nearest image.",
    )
    with two.words:
        other = st.selectbox(
            "Compare with", list(titles), key=f"explorer-with-{run.key}", index=None, format_func=titles.__getitem__,
            placeholder="another run on these images",
        )  # fmt: skip
    if other:
        _compared(two, run, load_run(other))


def _compared(two: Step, run: Run, other: Run) -> None:
    table, figure = comparison(run.key, other.key)
    with two.words:
        st.html(table)
    with two.instrument:
        planes_beside(run, other, group="explorer-compared")
        show(figure, key=f"explorer-curves-{other.key}")


runs = explorable()
first = chapter.opening(
    CHAPTER,
    "Every trained run, with the full instrument. **Hover** decodes, a **click** pins a point, a **drag** draws a "
    "path. The **wheel** zooms, **Shift and drag** moves the view. The link above keeps all of it.",
)
if not runs:
    st.info("There are no runs yet. Make the shipped ones with `python -m vae_core rebuild`.")
    st.stop()

with first.words:
    chosen = choose_run(runs)
with errors_said():
    shown = load_run(chosen)
    note_shown(shown.spec.dataset)
    with first.words:
        facts(shown)
    with first.instrument:
        instrument(shown)
    every_dimension(shown)
    if model_kind(shown.spec.model).trained:
        training = chapter.step(
            "training",
            "How it learned",
            "The terms of the loss after each epoch, on training and on held-out images, in nats per image. Where the "
            "held-out curve rises while the training curve falls, the model begins to [[overfitting|overfit]].",
        )
        with training.instrument:
            show(history_figure(shown), key=f"history-{shown.key}")
    if model_kind(shown.spec.model).bottleneck.continuous:
        compare(shown)

chapter.foot(
    CHAPTER,
    code=(("payloads/plane.py", "LatentPlane"), ("metrics/latent.py", "active_units")),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-encoding variational Bayes", "https://arxiv.org/abs/1312.6114"),
    ),
)
