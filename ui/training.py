"""Training on request: one low-priority process at a time, asked for by any session, watched by all.

A thread waits for each process, so that no session has to; what is said about progress is read from the store, where
the process writes it after every epoch. A session that leaves loses nothing, and the next who asks finds the run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import streamlit as st

from ui.resources import listing, shelf, store
from vae_core import datasets
from vae_core.export import arguments
from vae_core.manifest import PROJECT
from vae_core.models import model_kind
from vae_core.spec import RunSpec

LONGEST_QUEUE = 8
KEPT_FAILURES = 32


@dataclass
class Desk:
    """Requests in order; `lock` guards all of it.

    Attributes:
        waiting: specs not begun, oldest first.
        running: the spec in training.
        failures: key -> the sentence it failed with.
    """

    waiting: deque[RunSpec] = field(default_factory=deque)
    running: RunSpec | None = None
    failures: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, specs: Sequence[RunSpec]) -> bool:
        """Queue what is not queued yet; False if the queue has no room for it."""
        with self.lock:
            known = {spec.key for spec in (*self.waiting, *([self.running] if self.running else []))}
            new = [spec for spec in specs if spec.key not in known]
            if len(self.waiting) + len(new) > LONGEST_QUEUE:
                return False
            for spec in new:
                self.failures.pop(spec.key, None)
                self.waiting.append(spec)
            if self.running is None and self.waiting:
                self.running = self.waiting.popleft()
                threading.Thread(target=self._work, name="training", daemon=True).start()
        return True

    def place(self, key: str) -> int | None:
        """0 in training, 1 next, and so on; None if not asked for."""
        with self.lock:
            order = [spec.key for spec in (*([self.running] if self.running else []), *self.waiting)]
        return order.index(key) if key in order else None

    def _work(self) -> None:
        while True:
            spec = self.running
            assert spec is not None  # set by whoever started this thread, or at the end of the loop
            problem = _train_in_process(spec)
            with self.lock:
                if problem:
                    self.failures[spec.key] = problem
                    while len(self.failures) > KEPT_FAILURES:
                        del self.failures[next(iter(self.failures))]
                self.running = self.waiting.popleft() if self.waiting else None
                if self.running is None:
                    return


@st.cache_resource(show_spinner=False)
def _desk() -> Desk:
    return Desk()


def _train_in_process(spec: RunSpec) -> str:
    """Train; the empty text, or the sentence that says why not."""
    gently = ["nice", "-n", "19"] if shutil.which("nice") else []
    command = [*gently, sys.executable, *arguments(spec), "--store", str(store().root.resolve())]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"Training could not be started ({error.strerror or error})."
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    return said[-1].removeprefix("Error: ") if said else f"Training stopped with exit status {done.returncode}."


def estimated_seconds(spec: RunSpec) -> float | None:
    """Judged from the measured training of the most similar run in the store; None if there is none."""
    if not model_kind(spec.model).trained:
        return 30.0
    family = model_kind(spec.model).family
    for line in listing():
        made = line.spec
        if made and made.images is None and model_kind(made.model).family == family and line.provenance:
            if not model_kind(made.model).trained or not model_kind(made.model).generates:
                continue
            per_weight = line.provenance["training_seconds"] / (made.epochs * _work(made))
            return per_weight * spec.epochs * _work(spec)
    return None


def _work(spec: RunSpec) -> float:
    """Images times multiplications per image, about, for one epoch."""
    known = datasets.info(spec.dataset)
    channels, height, width = known.image_shape
    widths = [channels * height * width, *spec.hidden, spec.latent_dim]
    multiplications = sum(a * b for a, b in pairwise(widths))
    if model_kind(spec.model).family == "conv":
        multiplications = height * width * sum(spec.hidden[:-1])
    # A rough allowance for what an image costs besides its multiplications: it is all that counts on tiny ones.
    return known.training_images * (multiplications + 20_000)


def offer_training(specs: Sequence[RunSpec], *, key: str) -> None:
    """Say what is missing, how long it would take, and train it if asked; then the page runs again.

    Args:
        specs: the missing runs.
        key: unique on the page.
    """
    desk = _desk()
    busy = any(desk.place(spec.key) is not None for spec in specs)
    st.fragment(_offer, run_every=1.0 if busy else None)(list(specs), key)


def _offer(specs: list[RunSpec], key: str) -> None:
    desk = _desk()
    missing = [spec for spec in specs if spec not in shelf()]
    if not missing:
        st.rerun()
    places = {spec.key: desk.place(spec.key) for spec in missing}
    with st.container(border=True):
        if any(place is not None for place in places.values()):
            for spec in missing:
                _show_progress(spec, places[spec.key])
            return
        for spec in missing:
            if problem := desk.failures.get(spec.key):
                st.error(problem[:1].upper() + problem[1:], icon=":material/error:")
        names = " and ".join(f"{model_kind(s.model).title}, d = {s.latent_dim}" for s in missing)
        estimates = [estimated_seconds(spec) for spec in missing]
        known = [seconds for seconds in estimates if seconds is not None]
        time = f"about {_duration(sum(known))}" if len(known) == len(estimates) else "for a while"
        title = datasets.info(missing[0].dataset).title
        st.markdown(f"Not trained yet on {title}: {names}. Training takes {time}; the page stays usable meanwhile.")
        if st.button("Train", key=f"{key}-train", icon=":material/play_arrow:"):
            if not desk.ask(missing):
                st.warning("Too many runs are waiting already. Try again when one has finished.")
                return
            st.rerun()


def _show_progress(spec: RunSpec, place: int | None) -> None:
    name = model_kind(spec.model).title
    done = store().epochs_done(spec.key)
    if place == 0:
        st.progress(min(1.0, done / spec.epochs), f"{name}: epoch {done} of {spec.epochs}")
    else:
        st.progress(0.0, f"{name}: waiting" + (f", {place} before it" if place else ""))


def _duration(seconds: float) -> str:
    return f"{max(5, round(seconds / 5) * 5)} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
