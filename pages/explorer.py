"""Latent explorer: the full instrument on any run in the store. Its state is in the URL."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from ui.chapters import links
from ui.chapters.explorer import CHAPTER, OF_CODES
from ui.chapters.explorer.sent import MOST_OPENED, SUFFIX, check_sent, course_of, sent
from ui.chapters.thumbnails import thumbnails_for
from ui.chapters.train.results import comparable, compared, comparison, film
from ui.components.canvas import latent_canvas
from ui.components.codes import codebook_plane, codes_of_held_out, painted_codes, written_image
from ui.components.film import training_film
from ui.components.sliders import dimensions, latent_sliders
from ui.figures.markup import as_written, fold
from ui.figures.messages import errors_said
from ui.figures.plots import history_figure, show
from ui.figures.tables import as_html, measured_note, metrics_table, pins_table
from ui.links import url_state
from ui.runs.resources import image_set, load_run, store
from ui.runs.selection import can_be_explored, explorable, grid_in_words, run_name
from ui.runs.shown import Shown, stored
from ui.stage import chapter
from ui.stage.beside import planes_beside
from ui.stage.steps import Step
from ui.training.quota import note_shown
from ui.training.read_once import offer_again, read_once
from ui.training.visitor import address, visitor
from vae_core.errors import UnknownRun, UnreadableRun
from vae_core.models import model_kind
from vae_core.storage.export import as_csv, codes_csv
from vae_core.storage.manifest import shipped_run

LINK = links.properties(CHAPTER.url)
_CHECKED = "explorer-sent-checked"  # in the session's state, see `read_once`


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
    return str(key)


def note_in_link(shown: Shown) -> None:
    """The link names a run of the store; pins and view belong to a run: another one starts afresh."""
    if st.session_state.get("explorer-shown") not in (None, shown.name):
        for name in ("z", "view", *OF_CODES):
            url_state.write(LINK[name], None)
    st.session_state["explorer-shown"] = shown.name
    url_state.write(LINK["run"], None if shown.sent else shown.name)


def sent_run() -> Shown | None:
    """A checkpoint that the visitor was sent; None without one, and where it cannot be read, which is said."""
    with st.expander("A checkpoint you were sent", icon=":material/draft:"):
        file = st.file_uploader(
            f"A run as a `.{SUFFIX}` file, from the button “Checkpoint” or from the command line. It is checked, never "
            "executed, and not filed among the runs: it is in no menu but yours.",
            [SUFFIX],
            key="explorer-sent",
            max_upload_size=MOST_OPENED // 1_000_000,
        )
        if file is None:
            st.session_state.pop(_CHECKED, None)
            return None
        with errors_said(), offer_again("explorer-sent-again"):
            content = file.getvalue()
            check = partial(check_sent, file.name, content, visitor=visitor(), address=address())
            digest = read_once(_CHECKED, file.file_id, lambda on_wait: check(on_wait=on_wait), "Checking it …")
            shown = sent(digest, file.name, content)
            if not can_be_explored(shown.run.spec):
                raise UnreadableRun(f"{file.name} has no latent space that can be shown.")
            st.markdown(
                f"You see {as_written(run_name(shown.run.spec))}, from {as_written(file.name)}. The file is whole, as "
                "its SHA-256 says. Links do not have it. Remove it to go back to the menu."
            )
            return shown
    return None


def start_of(key: str) -> dict[str, Any]:
    """Pins and view that a link asks for, read once per run: the payload must stay the same while they change."""
    place = f"explorer-start-{key}"
    if place not in st.session_state:
        st.session_state[place] = {
            "pins": url_state.read(LINK["z"]) or [],
            "view": url_state.read(LINK["view"]),
        }
    return dict(st.session_state[place])


def subtitle_of(shown: Shown) -> str:
    """What the plane shows, and how much of the codes it leaves out."""
    run = shown.run
    count = f"{len(run.codes.labels):,} held-out images" + (" at their mean codes" if run.codes.has_posterior else "")
    if run.spec.latent_dim == 1:
        return f"{count}. One latent dimension: only the horizontal axis changes the image."
    if run.spec.latent_dim == 2:
        return f"{count}. All of latent space."
    share = shown.plane.header["variance_share"]
    return (
        f"{count}, seen in the plane through the mean code along its two principal directions "
        f"({share:.0%} of the codes' variance, of d = {run.spec.latent_dim})."
    )


@st.fragment
def instrument(shown: Shown) -> None:
    """The plane and what was pinned on it; a commit reruns this part alone."""
    run, start = shown.run, start_of(shown.name)
    options = {"commit": True, "export": True, "images": image_set(run), "group": "explorer", "link": "", **start}
    payload = shown.plane.with_header(
        title=model_kind(run.spec.model).title, subtitle=subtitle_of(shown), options=options
    )
    committed = latent_canvas(payload, thumbnails_for(run), key=f"explorer-{shown.name}")
    pins = committed.pins if committed.pins is not None else start["pins"]
    if not shown.sent:  # a link names runs of the store
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


def facts(shown: Shown) -> None:
    """The run's measured numbers, where it comes from, and its files."""
    run = shown.run
    st.html(
        as_html(
            metrics_table(run),
            title="Measured",
            note=f"{measured_note(run)} One trained model: another random start differs, too.",
        )
    )
    made = run.provenance
    provenance = (
        f"{made['training_images']:,} images, {len(run.history)} epochs in {made['training_seconds']:,.0f} s "
        f"({made['images_per_second']:,} images per second, {made['device']}, {made['precision']}), "
        f"torch {made['torch']}. Key `{run.key}`."
    )
    st.markdown(fold("Where it comes from", provenance), unsafe_allow_html=True)
    if shown.sent:
        return
    with st.container(horizontal=True):
        st.download_button(
            "Codes as CSV", lambda: codes_csv(run), f"{run.key}-codes.csv", "text/csv", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "Checkpoint", lambda: store().file(run.key).read_bytes(), f"{run.key}.{SUFFIX}",
            "application/octet-stream", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def codebook(shown: Shown) -> None:
    """A held-out image's codes, the codebook in a plane, codes to paint; of a prior, what it writes."""
    run = shown.run
    seen = chapter.step(
        "codebook",
        "The codebook, seen in a plane",
        "Each dot is an entry of the [[codebook]]; a larger one is used more often. White lines lead from the image's "
        "vectors to their entries: what a line spans is lost. Point at an entry: which cells have it, and what would "
        "it make of the chosen cell?",
    )
    with seen.instrument:
        codebook_plane(key="explorer-codebook")
    paint = chapter.step(
        "paint",
        "Write codes yourself",
        "Choose an entry from the palette, and drag over cells: the decoder answers at once. The link keeps what you "
        "paint.",
    )
    with paint.instrument:
        painted_codes(key="explorer-paint")
    if "prior" not in run.further_programs:
        return
    writes = chapter.step(
        "writes",
        "What the prior writes",
        "This run is an [[autoregressive prior]]: it gives every entry a probability for the next cell, given those "
        "before it. Press **Play**, or **Step**, or keep the upper half of a held-out image.",
    )
    with writes.instrument:
        written_image(
            shown.plane.with_header(
                title=f"A prior over {run.spec.latent_dim} codes", subtitle=grid_in_words(run.spec)
            ),
            key=f"explorer-writer-{shown.name}",
        )


def every_dimension(shown: Shown) -> None:
    """A slider for each dimension: the plane shows two at a time."""
    run = shown.run
    if run.spec.latent_dim < 3:
        return
    active = run.codes.used()
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
            shown.plane.with_header(dimensions=dimensions(run.codes.mean, active.tolist())),
            key=f"explorer-sliders-{shown.name}",
        )


@st.fragment
@errors_said()
def compare(shown: Shown) -> None:
    """Another run on the same images: both planes, their numbers, their curves."""
    titles = comparable(shown.run.spec)
    if not titles:
        return
    two = chapter.step(
        "compare",
        "Beside another run",
        "Choose another run on the same images. Both planes light up for the same image: move over one of them, and "
        "see where the other model puts its nearest image.",
    )
    with two.words:
        chosen = st.selectbox(
            "Compare with", list(titles), key=f"explorer-with-{shown.name}", index=None,
            format_func=titles.__getitem__, placeholder="another run on these images",
        )  # fmt: skip
    if chosen:
        _compared(two, shown, stored(chosen))


def _compared(two: Step, shown: Shown, other: Shown) -> None:
    table, figure = compared(shown.run, other.run) if shown.sent else comparison(shown.name, other.name)
    with two.words:
        st.html(table)
    with two.instrument:
        planes_beside(shown, other, group="explorer-compared")
        if figure:
            show(figure, key=f"explorer-curves-{other.name}")


runs = explorable()
first = chapter.opening(
    CHAPTER,
    "Every trained run, with the full instrument. **Hover** decodes, a **click** pins a point, a **drag** draws a "
    "path. The **wheel** zooms, **Shift and drag** moves the view. A run whose codes are entries of a [[codebook]] "
    "shows that instead. The link above keeps all of it.",
)
if not runs:
    st.info("There are no runs yet. Make the shipped ones with `python -m vae_core rebuild`.")
    st.stop()

with first.words:
    chosen = choose_run(runs)
    sent_here = sent_run()
with errors_said():
    on_page = sent_here or stored(chosen)
    note_in_link(on_page)
    run = on_page.run
    note_shown(run.spec.dataset)
    with first.words:
        facts(on_page)
    counted = model_kind(run.spec.model).bottleneck.discrete
    with first.instrument:
        if counted:
            codes_of_held_out(
                on_page.plane.with_header(title=model_kind(run.spec.model).title, subtitle=grid_in_words(run.spec)),
                key=f"explorer-codes-{on_page.name}",
            )
        else:
            instrument(on_page)
    if counted:
        codebook(on_page)
    else:
        every_dimension(on_page)
    if model_kind(run.spec.model).trained:
        training = chapter.step(
            "training",
            "How it learned",
            "Both networks' losses after each epoch, in nats. On held-out images those of the averaged generator, on "
            "training images of the one that learns. Each network's success is the other's loss: neither says how good "
            "the samples are."
            if model_kind(run.spec.model).bottleneck.drawn
            else "The terms of the loss after each epoch, on training and on held-out images. Where the held-out curve "
            "rises while the training curve falls, the model begins to [[overfitting|overfit]].",
        )
        with training.instrument:
            if counted:
                course = course_of(on_page) if on_page.sent else film(on_page.name)
                training_film(course, key=f"explorer-film-{on_page.name}")
            else:
                show(history_figure(on_page.name, run), key=f"history-{on_page.name}")
    if model_kind(run.spec.model).bottleneck.continuous:
        compare(on_page)

chapter.foot(
    CHAPTER,
    code=(
        ("payloads/plane.py", "LatentPlane"),
        ("metrics/latent.py", "active_units"),
        ("metrics/codebook.py", "usage"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-encoding variational Bayes", "https://arxiv.org/abs/1312.6114"),
    ),
)
