"""Train your own: choose images, model and β, watch it learn, go back through its epochs. The run is in the URL."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from ui.chapters import links
from ui.chapters.explorer import CHAPTER as EXPLORER
from ui.chapters.photographs import CHAPTER as PHOTOGRAPHS
from ui.chapters.photographs.runs import DIMENSIONS
from ui.chapters.train import CHAPTER
from ui.chapters.train import form as recipe
from ui.chapters.train.results import (
    comparable,
    comparison,
    film,
    film_before,
    has_film,
    measured,
    overfitting,
    spec_of,
)
from ui.components.film import training_film
from ui.figures.markup import as_written, in_a_line
from ui.figures.messages import errors_said, say_error
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import load_run, shelf, store, thumbnail_sheet
from ui.runs.selection import can_be_explored, run_name
from ui.runs.shown import stored
from ui.stage import chapter
from ui.stage.beside import planes_beside
from ui.training.app_queue import expect_training, not_kept, request, seconds_left, training_queue, waiting_text
from ui.training.forecast import duration
from ui.training.progress import Live, kept_spec, live
from ui.training.queue import Ticket
from ui.training.quota import note_shown, offered
from ui.training.uploads import upload_box
from ui.training.visitor import visitor
from vae_core import datasets
from vae_core.datasets import own
from vae_core.errors import DatasetUnavailable, TrainingDiverged
from vae_core.models import model_kind
from vae_core.payloads.plane import Payload
from vae_core.spec import RunSpec
from vae_core.storage.export import command_line, history_csv, script

WATCHED = "train-watched"  # in the session's state: the key of the run below the form
REFUSED = "train-refused"  # and a sentence about what could not be done, shown once
LINK = links.properties(CHAPTER.url)


def presets() -> None:
    """Settings that are worth a look, ready to train: one press each."""
    st.markdown("**Start with one of these**")
    with st.container(horizontal=True):
        for preset in recipe.presets(st.session_state.get("train-dataset")):
            if st.button(preset.title, key=f"train-preset-{preset.name}", help=preset.why, icon=preset.icon):
                recipe.fill(preset.spec)
                begin(preset.spec)


@st.fragment
def form() -> None:
    """What to train, what it would take, and the button; a change reruns this part alone."""
    with errors_said():
        spec = recipe.ask_for_spec(offered(visitor(), st.query_params.get("dataset", "")))
        if spec is None:
            offer_base(st.session_state["train-model"])
            return
        there = spec in shelf()
        if there:
            said = "This run is in the store already."
        elif training_queue().ticket(spec.key):
            said = "This run is in training already, or waits for it."
        else:
            said = recipe.expected(spec)
            if (begun := live(spec.key)) and begun.epoch:
                said = f"Stopped after epoch {begun.epoch} of {spec.epochs}; it goes on from there. {said}"
        st.markdown(f"{said} Its key: `{spec.key}`. {not_kept()}")
        if st.button("Show" if there else "Train", key="train-begin", type="primary", icon=":material/play_arrow:"):
            begin(spec)


def offer_base(model: str) -> None:
    """A model is chosen that needs another run, and there is none that it could begin with."""
    if model_kind(model).bottleneck.discrete:
        told, first = "A prior learns the codes of a VQ-VAE or an FSQ, and none on these images is here.", "vq_vae"
    else:
        told, first = (
            "A perceptual VAE compares images by the first convolutions of a convolutional autoencoder or VAE, or of a "
            "classifier that does not measure it, and none of images of this size is here.",
            "conv_ae",
        )
    st.info(f"{told} Train one first: it will be in this form's menu.", icon=":material/grid_on:")
    label = f"Choose {model_kind(first).title}"
    st.button(label, key="train-base-first", on_click=recipe.choose_model, args=[first])


def begin(spec: RunSpec) -> None:
    """Train a run, or watch it if somebody does, or show it if it is there."""
    if spec not in shelf():
        st.session_state[REFUSED] = request([spec])
        if st.session_state[REFUSED]:
            st.rerun()
    watch(spec.key)
    st.rerun()


def watch(key: str | None) -> None:
    """Show a run below the form, or none."""
    st.session_state[WATCHED] = key
    url_state.write(LINK["run"], key)


def watched() -> str | None:
    """The run to show: the one chosen, else the link's, else the last one that this visitor asked for."""
    if WATCHED not in st.session_state:
        linked = url_state.read(LINK["run"])
        if linked and status_of(linked) is None:
            shown = linked if len(linked) <= 60 else f"{linked[:57]}…"
            asked = shown.replace("`", "")
            st.session_state[REFUSED] = f"The link asks for the run “`{asked}`”, which is not known here."
            linked = None
        lately = [key for key in reversed(training_queue().asked_lately(visitor())) if status_of(key)]
        st.session_state[WATCHED] = linked or next(iter(lately), None)
    key = st.session_state[WATCHED]
    url_state.write(LINK["run"], key)
    return key


def status_of(key: str) -> str | None:
    """How a run stands, in a word or two; None for one that nobody has asked for."""
    if spec_of(key):
        return "finished"
    if ticket := training_queue().ticket(key):
        return "in training" if ticket.place == 0 else "waiting"
    if key in training_queue().failures:
        return "failed"
    return "stopped" if kept_spec(key) else None


def menu_of_runs(shown: str) -> None:
    """The visitor's last runs, to go from one to another; nothing while there is only one."""
    keys = [key for key in training_queue().asked_lately(visitor()) if key != shown and status_of(key)]
    if not keys:
        return
    choices = [shown, *reversed(keys)]
    chosen = st.segmented_control(
        "Your runs", choices, default=shown, key=f"train-runs-{shown}",
        format_func=lambda key: f"{key[-4:]}: {status_of(key) or 'gone'}",
    )  # fmt: skip
    if chosen and chosen != shown:
        watch(chosen)
        st.rerun()


def instrument(key: str) -> None:
    """The run below the form, however it stands."""
    spec = spec_of(key)
    if spec:
        note_shown(spec.dataset)
        finished(key, spec)
        return
    ticket = training_queue().ticket(key, visitor())
    if ticket:
        st.markdown(f"## {as_written(run_name(ticket.spec))}")
        pace = pace_of(ticket)
        st.fragment(in_training, run_every=pace)(key, pace)
        return
    halted(key)


def pace_of(ticket: Ticket) -> float:
    """Seconds until a visitor who watches looks again: a class that waits is not to cost as much as one that clicks."""
    if ticket.place == 0 and live(ticket.spec.key) is None:
        return 0.3  # it has just begun: the first picture is a second away
    return 1.0 if ticket.place <= 1 else 3.0


def in_training(key: str, pace: float) -> None:
    """A run that trains or waits, again and again."""
    ticket = training_queue().ticket(key, visitor())
    if ticket is None:
        st.rerun()
    note_shown(ticket.spec.dataset)
    record = live(key)
    st.progress(*progress_of(ticket, record))
    others = ticket.visitors - ticket.mine
    with st.container(horizontal=True, vertical_alignment="center"):
        if ticket.mine:
            if st.button("Stop", key="train-stop", icon=":material/stop:", disabled=ticket.stopping):
                training_queue().leave(key, visitor())
                if status_of(key) is None:  # it had not begun: there is nothing to show
                    watch(None)
                st.rerun()
        elif st.button("Want it too", key="train-join", help="It then goes on even if the others stop it."):
            st.session_state[REFUSED] = request([ticket.spec])
            st.rerun()
        if others:
            st.caption(f"{others} other visitor{'s' if others > 1 else ''} asked for it too; it is trained once.")
    if ticket.note:
        st.warning(in_a_line(ticket.note))
    if shown := record.film if record else film_before(ticket.spec, "starting" if ticket.place == 0 else "waiting"):
        training_film(shown, held_out_images(ticket.spec), key=f"train-film-{key}")
    if record and (remark := overfitting(record.spec, record.history)):
        st.info(remark, icon=":material/trending_up:")
    if pace_of(ticket) != pace:  # last, so that nobody waits for it: the whole page runs again
        st.rerun()


def progress_of(ticket: Ticket, record: Live | None) -> tuple[float, str]:
    """Share and text of the progress bar."""
    spec = ticket.spec
    if ticket.stopping:
        return (record.epoch / spec.epochs if record else 0.0), "Stopping; what was trained is kept."
    if ticket.place:
        text = waiting_text(ticket)
        return 0.0, f"{text[:1].upper()}{text[1:]}"
    if record is None:
        return 0.0, "Starting: the first epoch is on its way"
    if not record.epoch:
        return 0.0, "Before training; the first epoch is on its way"
    if record.epoch >= spec.epochs:
        return 1.0, f"Epoch {record.epoch} of {spec.epochs}: trained, now it is measured on held-out images"
    rate = f", {record.images_per_second:,.0f} images per second" if record.images_per_second else ""
    left = seconds_left(spec)
    time = f", {duration(left)} left" if left is not None else ""
    return record.epoch / spec.epochs, f"Epoch {record.epoch} of {spec.epochs}{rate}{time}"


def halted(key: str) -> None:
    """A run that was stopped or failed: what there is of it, and how to go on."""
    problem, spec, record = training_queue().failures.get(key), kept_spec(key), live(key)
    diverged = problem is not None and problem.startswith(TrainingDiverged.opening(key))
    if problem and not diverged:
        say_error(problem)
    if spec is None:
        if problem and diverged:
            say_error(problem)
        return
    st.markdown(f"## {as_written(run_name(spec))}")
    if problem and diverged:
        say_diverged(problem, spec, record.epoch if record else 0)
    elif record and record.epoch:
        st.progress(record.epoch / spec.epochs, f"Stopped after epoch {record.epoch} of {spec.epochs}; nothing is lost")
    if diverged:
        pass  # it would go the same way again
    elif st.button("Go on", key="train-resume", type="primary", icon=":material/play_arrow:"):
        begin(spec)
    if record and record.film:
        training_film(record.film, held_out_images(spec), key=f"train-film-{key}")


def say_diverged(problem: str, spec: RunSpec, epochs: int) -> None:
    """Training that came to NaN: a result, with what there is of its history, and a way to try again."""
    history = f"Below is its history, up to epoch {epochs}." if epochs else "No epoch was finished."
    st.warning(
        in_a_line(f"{problem[:1].upper()}{problem[1:]} That is a result, too. {history}"), icon=":material/error:"
    )
    slower = RunSpec.from_dict({**spec.to_dict(), "learning_rate": spec.learning_rate / 2})
    if recipe.can_say(slower):
        st.button(
            "Put it into the form with half the learning rate", key="train-slower", icon=":material/edit_note:",
            on_click=recipe.fill, args=[slower],
        )  # fmt: skip


def finished(key: str, spec: RunSpec) -> None:
    """A finished run: its film, and what it says of overfitting."""
    st.markdown(f"## {as_written(run_name(spec))}")
    run = load_run(key)
    if has_film(run):
        training_film(film(key), held_out_images(spec), key=f"train-film-{key}")
    if remark := overfitting(spec, run.history):
        st.info(remark, icon=":material/trending_up:")


def held_out_images(spec: RunSpec) -> Payload | None:
    """What the film may show in the place of its dots; where the images are not here, it keeps to dots."""
    if not datasets.info(spec.dataset).pictures:
        return None
    with suppress(DatasetUnavailable):
        return thumbnail_sheet(spec.dataset)
    return None


def afterwards(key: str, spec: RunSpec) -> None:
    """What can be done with a finished run: its numbers, its latent space, its files, and others beside it."""
    run = load_run(key)
    counted = model_kind(spec.model).bottleneck.discrete
    there = "look at its [[codebook]]" if counted else "touch its [[latent space]]"
    after = chapter.step(
        "afterwards",
        "What it learned",
        f"The same run in other places: {there}, take its files away, or train it again for longer.",
    )
    with after.words:
        with st.container(horizontal=True, vertical_alignment="center"):
            if can_be_explored(spec):
                st.page_link(
                    EXPLORER.file, icon=":material/explore:", query_params={"run": key},
                    label="Explore its codes" if counted else "Explore its latent space",
                )  # fmt: skip
            if counted and not spec.base:
                st.button(
                    "Put a prior over its codes into the form", key="train-prior", icon=":material/edit_note:",
                    on_click=recipe.choose_prior, args=[spec],
                )  # fmt: skip
            if own.shape_in(spec.dataset) and not counted:
                same = {"d": str(spec.latent_dim)} if spec.latent_dim in DIMENSIONS else {}
                st.page_link(
                    PHOTOGRAPHS.file, label="Use these photographs in the chapters' experiments",
                    icon=PHOTOGRAPHS.icon, query_params={"dataset": spec.dataset, **same},
                )  # fmt: skip
            if recipe.can_say(spec):
                more = min(2 * spec.epochs, int(recipe.LARGEST["epochs"]))
                st.button(
                    f"Put it into the form with {more} epochs", key="train-more", icon=":material/update:",
                    on_click=recipe.fill, args=[RunSpec.from_dict({**spec.to_dict(), "epochs": more})],
                    help="A run of more epochs is another run: its learning rate falls more slowly from the first step "
                    "on, so it begins anew instead of going on from this one.",
                )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            for label, content, name, kind in (
                (
                    "Checkpoint",
                    lambda: store().file(key).read_bytes(),
                    f"{key}.safetensors",
                    "application/octet-stream",
                ),
                ("History as CSV", lambda: history_csv(run), f"{key}-history.csv", "text/csv"),
                ("Script that repeats it", lambda: script(spec), f"{key}.py", "text/x-python"),
            ):
                st.download_button(label, content, name, kind, on_click="ignore", icon=":material/download:")
        st.code(command_line(spec), language="bash", wrap_lines=True)
    with after.instrument:
        st.html(measured(key))
        if model_kind(spec.model).bottleneck.continuous:
            beside(key)


@st.fragment
@errors_said()
def beside(key: str) -> None:
    """Another run on the same images, compared: both planes, their numbers, their curves."""
    mine = stored(key)
    titles = comparable(mine.run.spec)
    if not titles:
        return
    place = f"train-with-{key}"
    if place not in st.session_state:
        linked = url_state.read(LINK["with"])
        st.session_state[place] = linked if linked in titles else None
    other = st.selectbox(
        "Compare with",
        list(titles),
        key=place,
        format_func=titles.__getitem__,
        placeholder="another run on these images",
    )
    url_state.write(LINK["with"], other)
    if other:
        table, figure = comparison(key, other)
        planes_beside(mine, stored(other), group="train-compared")
        st.html(table)
        if figure:
            show(figure, key=f"train-comparison-{key}")


shown = None
with errors_said():
    shown = watched()
first = chapter.opening(
    CHAPTER,
    "Choose images, a model and how much the [[KL]] term counts, and watch the codes find their places. Training goes "
    "on when you leave this page or close it: come back by the same link. What others ask for too is trained once.",
    words_first=shown is None,
)
if st.session_state.get("train-own-chosen"):
    st.session_state["train-dataset"] = st.session_state.pop("train-own-chosen")
expect_training()
with first.words:
    presets()
    upload_box()
    with st.expander("Settings", icon=":material/tune:", expanded=shown is None):
        form()
    if refused := st.session_state.pop(REFUSED, ""):
        st.warning(in_a_line(refused))
with first.instrument, errors_said():
    if shown:
        menu_of_runs(shown)
        instrument(shown)
    else:
        st.info(
            "Nothing trains yet. Choose one of the presets, or your own settings and **Train**: here you will see "
            "every epoch as it ends.",
            icon=":material/model_training:",
        )
        if stage := film_before(recipe.presets(None)[0].spec, "nothing trains yet"):
            training_film(stage, key="train-film-empty")  # the room for it, and its scripts are there when it begins
if shown and (spec := spec_of(shown)):
    afterwards(shown, spec)

chapter.foot(
    CHAPTER,
    code=(
        ("training/schedule.py", "learning_rate_at"),
        ("training/loop.py", "train"),
        ("training/pictures.py", "Film"),
        ("losses/terms.py", "weighted_sum"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-encoding variational Bayes", "https://arxiv.org/abs/1312.6114"),
        chapter.Source("Smith and Topin 2018, Super-convergence", "https://arxiv.org/abs/1708.07120"),
        chapter.Source("Kingma and Ba 2015, Adam", "https://arxiv.org/abs/1412.6980"),
    ),
)
