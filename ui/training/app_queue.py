"""The app's training queue, and how pages show it. The queue itself is `ui.training.queue`."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import streamlit as st

from ui.figures.markup import as_written
from ui.runs.resources import shelf, store
from ui.training.forecast import duration, estimated_seconds
from ui.training.process_worker import ProcessWorker
from ui.training.progress import live
from ui.training.queue import Ticket, TrainingQueue, Worker
from ui.training.standby import Standby
from ui.training.visitor import visitor
from vae_core import datasets
from vae_core.errors import SpecError, StoreError
from vae_core.models import model_kind
from vae_core.spec import RunSpec
from vae_core.storage.export import command_line

MOST_WORKERS = 64


@st.cache_resource(show_spinner=False)
def training_queue() -> TrainingQueue:
    """The queue of this process, closed when it exits."""
    queue = TrainingQueue(_start, workers=workers(), place=_place)
    atexit.register(queue.close)
    return queue


@st.cache_resource(show_spinner=False)
def _standby() -> Standby:
    standby = Standby()
    atexit.register(standby.close)
    return standby


def expect_training() -> None:
    """Say that somebody may soon train: a process is then ready for it."""
    _standby().prepare()


def workers() -> int:
    """How many processes may train at once: ``VAE_WORKERS``, by default 1."""
    wanted = os.environ.get("VAE_WORKERS") or "1"
    if not wanted.isascii() or not wanted.isdigit() or not 1 <= int(wanted) <= MOST_WORKERS:
        raise SpecError(f"VAE_WORKERS must be an integer from 1 to {MOST_WORKERS}, not {wanted[:40]!r}.")
    return int(wanted)


@contextmanager
def _place() -> Iterator[bool]:
    """Hold one of `workers` slots, shared by all processes that use the store; yields False if none is free."""
    with ExitStack() as held:
        for number in range(1, workers() + 1):
            try:
                free = held.enter_context(store().locked(f"place-{number}", wait=False))
            except StoreError:
                free = True  # the folder is not writable: the training process reports it
            if free:
                yield True
                return
        yield False


def not_kept() -> str:
    """The sentence that warns if runs cannot be stored, or are lost later; empty if they are kept."""
    root = store().root
    if root.exists() and not os.access(root, os.W_OK):
        return "Nothing can be trained here: the folder of runs can only be read."
    if os.environ.get("VAE_FORGETS"):
        return "Runs and images are lost when this app is started again: take away what you want to keep."
    return ""


def _start(spec: RunSpec) -> Worker:
    return ProcessWorker(spec, store().root, _standby().take())


def seconds_left(spec: RunSpec) -> float | None:
    """Seconds until a run in training is finished, or of one that has not begun; None if that is not known."""
    record = live(spec.key)
    return record.seconds_left if record and record.epoch else estimated_seconds(spec)


def seconds_until_begun(ticket: Ticket) -> float | None:
    """Seconds until a waiting job begins, from the jobs before it; None if that is not known."""
    total = 0.0
    for spec in ticket.before:
        seconds = seconds_left(spec)
        if seconds is None:
            return None
        total += seconds
    return total / workers()


def waiting_text(ticket: Ticket) -> str:
    """A waiting job's position in the queue, in words."""
    seconds = seconds_until_begun(ticket)
    begins = f", begins in about {duration(seconds)}" if seconds is not None else ""
    if ticket.before:
        return f"waiting, {len(ticket.before)} before it{begins}"
    return "waiting for a run that others asked for" if training_queue().held_up else "about to begin"


def offer_training(specs: Sequence[RunSpec], *, key: str) -> None:
    """Show what is missing and how long it would take, and train it on request; then the page runs again.

    Where the dataset itself is missing, say that instead, and how to get it: a page downloads nothing.

    Args:
        specs: the missing runs, of one dataset.
        key: unique on the page.
    """
    busy = any(training_queue().ticket(spec.key) for spec in specs)
    st.fragment(_offer, run_every=1.0 if busy else None)(list(specs), key)


def _offer(specs: list[RunSpec], key: str) -> None:
    missing = [spec for spec in specs if spec not in shelf()]
    if not missing:
        st.rerun()
    tickets = {spec.key: training_queue().ticket(spec.key) for spec in missing}
    with st.container(border=True):
        if any(tickets.values()):
            for spec in missing:
                _show_progress(spec, tickets[spec.key])
            return
        for spec in missing:
            if problem := training_queue().failures.get(spec.key):
                st.error(problem[:1].upper() + problem[1:], icon=":material/error:")
        names = " and ".join(f"{model_kind(s.model).title}, d = {s.latent_dim}" for s in missing)
        title = as_written(datasets.info(missing[0].dataset).title)
        if not datasets.is_here(missing[0].dataset):
            st.markdown(
                f"**{title} is not on this machine**, so {names} cannot be trained here. With a network, this "
                "downloads it and trains:"
            )
            st.code("\n".join(map(command_line, missing)), language="sh", wrap_lines=True)
            return
        estimates = [estimated_seconds(spec) for spec in missing]
        known = [seconds for seconds in estimates if seconds is not None]
        time = f"about {duration(sum(known))}" if len(known) == len(estimates) else "for a while"
        st.markdown(f"Not trained yet on {title}: {names}. Training takes {time}; the page stays usable meanwhile.")
        if st.button("Train", key=f"{key}-train", icon=":material/play_arrow:"):
            if refusal := training_queue().ask(missing, visitor()):
                st.warning(refusal)
                return
            st.rerun()


def _show_progress(spec: RunSpec, ticket: Ticket | None) -> None:
    name = model_kind(spec.model).title
    if ticket and ticket.place == 0:
        record = live(spec.key)
        done = record.epoch if record else 0
        st.progress(min(1.0, done / spec.epochs), f"{name}: epoch {done} of {spec.epochs}")
    elif ticket:
        st.progress(0.0, f"{name}: {waiting_text(ticket)}")
