"""The app's training queue, and how pages show it. The queue itself is `ui.training.queue`."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import streamlit as st

from ui.figures.markup import as_written, in_a_line
from ui.figures.messages import say_error
from ui.runs.resources import shelf, store
from ui.training.forecast import duration, estimated_seconds, weight_count
from ui.training.process_worker import ProcessWorker
from ui.training.progress import live
from ui.training.queue import LONGEST_RUN, Ticket, TrainingQueue, Worker
from ui.training.standby import Standby
from ui.training.visitor import address, visitor
from vae_core import datasets
from vae_core.errors import SpecError, StoreError
from vae_core.models import model_kind
from vae_core.spec import RunSpec
from vae_core.storage import budget, stops
from vae_core.storage.export import command_line
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

MOST_WORKERS = 64
MOST_MINUTES = 10_000  # a week
LOOK_FOR_STOPS = 2.0  # seconds between two looks for what the host has ended


@st.cache_resource(show_spinner=False)
def training_queue() -> TrainingQueue:
    """The queue of this process, closed when it exits."""
    queue = TrainingQueue(_start, workers=workers(), place=_place, longest=longest_run())
    atexit.register(queue.close)
    host = threading.Thread(target=_obey_the_host, args=[queue], name="host's stops", daemon=True)
    host.start()
    return queue


def _obey_the_host(queue: TrainingQueue) -> None:
    """Each word once: who asks again for a run while it is being ended is not refused as long as the word lasts."""
    obeyed: set[stops.Stop] = set()
    while not queue.closed:
        time.sleep(LOOK_FOR_STOPS)
        given = set(stops.given(store().root))
        for stop in given - obeyed:
            queue.halt(stops.SENTENCE, stop.key, before=stop.when)
        obeyed = given


def request(specs: Sequence[RunSpec], *, in_turn: bool = False) -> str:
    """Ask the queue to train for the visitor.

    Args:
        specs: what to train.
        in_turn: they may be more than a visitor may have at once: the others wait for their turn.

    Returns:
        Empty, or the sentence that says why the request was refused.
    """
    for spec in specs:
        if training_queue().ticket(spec.key):
            continue  # somebody waits for it already
        if not datasets.is_here(spec.dataset):
            return f"{datasets.info(spec.dataset).title} is not on this machine, and a page downloads nothing."
        if spec.base and not base_is_here(spec):
            what = (
                "whose codes it was to learn" if model_kind(spec.model).bottleneck.discrete else "that it begins with"
            )
            return f"The run {what} is no longer here: choose another one, or train it again."
        seconds = estimated_seconds(spec)
        if seconds is not None and seconds > longest_run():
            return (
                f"That run would take about {duration(seconds)}, and one run may have {duration(longest_run())} here, "
                f"which others wait for. Choose fewer epochs or narrower layers, or train it on a machine of your own: "
                f"{command_line(spec)}"
            )
    ask = training_queue().ask_in_turn if in_turn else training_queue().ask
    return ask(specs, visitor(), address())


def base_is_here(spec: RunSpec) -> bool:
    """Whether a run can begin with the one that it names, or has begun and has all of that one's weights."""
    begun = store().partial_path(spec.key).exists()
    return begun or any(spec.base in each for each in (store(), Store(SHIPPED)))


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


def longest_run() -> float:
    """Seconds for which one run may have a process: ``VAE_LONGEST_RUN`` minutes, by default `LONGEST_RUN` seconds."""
    wanted = os.environ.get("VAE_LONGEST_RUN")
    if not wanted:
        return LONGEST_RUN
    if not wanted.isascii() or not wanted.isdigit() or not 1 <= int(wanted) <= MOST_MINUTES:
        raise SpecError(f"VAE_LONGEST_RUN must be minutes from 1 to {MOST_MINUTES:,}, not {wanted[:40]!r}.")
    return 60.0 * int(wanted)


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
    needed = budget.needed_for(weight_count(spec))
    budget.make_room(store(), spec.key, needed, budget.most_stored(), keep=spec.base)
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


def offer_training(
    specs: Sequence[RunSpec], *, key: str, name: Callable[[RunSpec], str] | None = None, in_turn: bool = False
) -> None:
    """Show what is missing and how long it would take, and train it on request; then the page runs again.

    It also runs again whenever one of several is there. Where the dataset itself is missing, say that instead, and how
    to get it: a page downloads nothing.

    Args:
        specs: the missing runs, of one dataset.
        key: unique on the page.
        name: what a run is called; by default its model.
        in_turn: they may be more than a visitor may have at once: the others wait for their turn, and all of them can
            be stopped here.
    """
    busy = any(map(_is_asked, specs))
    st.fragment(_offer, run_every=1.0 if busy else None)(list(specs), key, name, in_turn)


def _is_asked(spec: RunSpec) -> bool:
    return bool(training_queue().ticket(spec.key)) or spec in training_queue().waits_in_turn(visitor())


def _offer(specs: list[RunSpec], key: str, name: Callable[[RunSpec], str] | None, in_turn: bool) -> None:
    if any(spec in shelf() for spec in specs):
        st.rerun()
    with st.container(border=True):
        for spec in specs:
            if problem := training_queue().failures.get(spec.key):
                say_error(problem)
        if any(map(_is_asked, specs)):
            for spec in specs:
                _show_progress(spec, name(spec) if name else model_kind(spec.model).title)
            if in_turn and st.button("Stop", key=f"{key}-stop", icon=":material/stop:"):
                for spec in reversed(specs):  # those that wait for their turn first: none of them is to begin
                    training_queue().leave(spec.key, visitor())
                st.rerun()
            return
        each = [name(spec) if name else f"{model_kind(spec.model).title}, d = {spec.latent_dim}" for spec in specs]
        names = " and ".join(filter(None, [", ".join(each[:-1]), each[-1]]))
        title = as_written(datasets.info(specs[0].dataset).title)
        if not datasets.is_here(specs[0].dataset):
            st.markdown(
                f"**{title} is not on this machine**, so {names} cannot be trained here. With a network, this "
                "downloads it and trains:"
            )
            st.code("\n".join(map(command_line, specs)), language="sh", wrap_lines=True)
            return
        estimates = [estimated_seconds(spec) for spec in specs]
        known = [seconds for seconds in estimates if seconds is not None]
        time = f"about {duration(sum(known))}" if len(known) == len(estimates) else "for a while"
        st.markdown(f"Not trained yet on {title}: {names}. Training takes {time}; the page stays usable meanwhile.")
        if st.button("Train what is missing" if in_turn else "Train", key=f"{key}-train", icon=":material/play_arrow:"):
            if refusal := request(specs, in_turn=in_turn):
                st.warning(in_a_line(refusal))
                return
            st.rerun()


def _show_progress(spec: RunSpec, name: str) -> None:
    ticket = training_queue().ticket(spec.key)
    if ticket and ticket.place == 0:
        record = live(spec.key)
        done = record.epoch if record else 0
        st.progress(min(1.0, done / spec.epochs), f"{name}: epoch {done} of {spec.epochs}")
    elif ticket:
        st.progress(0.0, f"{name}: {waiting_text(ticket)}")
    elif spec in training_queue().waits_in_turn(visitor()):
        st.progress(0.0, f"{name}: asked for when one of your runs has ended")
