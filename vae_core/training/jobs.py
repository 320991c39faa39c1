"""From specs to runs in a store: loaded if they exist, resumed if they were interrupted, else trained, once each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from vae_core.datasets import ImageDataset, load
from vae_core.errors import DatasetUnavailable, TrainingDiverged
from vae_core.execution import DEFAULT_EXECUTION, Execution
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.state import TrainingState
from vae_core.training.finish import finish
from vae_core.training.fitted import fit
from vae_core.training.loop import Progress, Trained, train
from vae_core.training.pictures import Film
from vae_core.training.stacked import Member, train_stack

if TYPE_CHECKING:
    from vae_core.storage.store import Store


def get_or_train(
    store: Store,
    spec: RunSpec,
    *,
    execution: Execution = DEFAULT_EXECUTION,
    splits: tuple[ImageDataset, ImageDataset] | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    on_wait: Callable[[], None] | None = None,
    film: bool = False,
    download: bool = True,
) -> Run:
    """The run of a spec: loaded if it exists, resumed if it was interrupted, else trained.

    While another thread or process trains the same key, a call waits and then loads the run.

    Args:
        store: where runs are stored.
        spec: what to train.
        execution: device, precision and data root.
        on_epoch: see `loop.train`.
        splits: to train on and to validate on, instead of those of the spec's dataset. They are not part of the
            key: keep such runs in a store of their own.
        on_wait: called once if another thread or process is training this key.
        download: whether a dataset that is not here may be fetched.
        film: keep what the network makes while it trains, from before the first epoch on, see `training.pictures`.

    Raises:
        DatasetUnavailable, TrainingDiverged, StoreError: each with a message for the user. After any of
            them, the last finished epoch is kept and the next call resumes from it.
    """
    if (run := store.load_if_whole(spec.key)) is not None:
        return run
    with store.locked(spec.key, on_wait):
        if (run := store.load_if_whole(spec.key)) is not None:
            return run
        training, validation = splits or _splits(spec, execution, download)
        start = time.perf_counter()
        pictures: Film | None = None
        if model_kind(spec.model).trained:
            resume = store.load_partial(spec)
            base = None if resume else store.base(spec)  # a state has all weights, those of the base among them
            if film:
                pictures = Film.of(spec, training, validation, store.partial_path(spec.key))

            def keep(state: TrainingState) -> None:
                store.save_partial(spec, state, pictures)

            trained = train(
                spec,
                training,
                validation,
                execution=execution,
                resume=resume,
                base=base,
                on_epoch=on_epoch,
                save_state=keep,
                before=keep if pictures else None,
            )
        else:
            trained = fit(spec, training, validation, on_epoch=on_epoch)
        return _finished(store, spec, trained, training, validation, execution, start, pictures, download)


def train_together(
    store: Store,
    specs: Sequence[RunSpec],
    *,
    execution: Execution = DEFAULT_EXECUTION,
    on_epoch: Callable[[RunSpec, Progress], None] | None = None,
    on_finish: Callable[[Run], None] | None = None,
) -> dict[str, TrainingDiverged]:
    """Train specs that fit into one program (`stacked.same_program`); each becomes an ordinary run.

    Existing runs are skipped; runs that another process is training are waited for at the end. Members that were
    interrupted after different epochs resume in separate programs.

    Args:
        store: where runs are stored.
        specs: of the runs.
        execution: device, precision and data root.
        on_epoch: called after each epoch for each member.
        on_finish: called with each run that was trained here, once it is in the store.

    Returns:
        Key -> the error, for each member that diverged; all others are in the store.
    """
    failures: dict[str, TrainingDiverged] = {}
    with ExitStack() as locks:
        held: list[RunSpec] = []
        elsewhere: list[RunSpec] = []
        for spec in sorted(specs, key=lambda spec: spec.key):  # one order of locks for all callers: no deadlock
            if store.load_if_whole(spec.key) is None:
                (held if locks.enter_context(store.locked(spec.key, wait=False)) else elsewhere).append(spec)
        held = [spec for spec in held if store.load_if_whole(spec.key) is None]
        groups: dict[tuple[int, str], list[tuple[RunSpec, TrainingState | None]]] = {}
        for spec in held:
            state = store.load_partial(spec)
            groups.setdefault((state.epoch, state.precision) if state else (0, ""), []).append((spec, state))
        for members in groups.values():
            chosen = [spec for spec, _ in members]
            states = [state for _, state in members if state]
            training, validation = _splits(chosen[0], execution)
            start = time.perf_counter()

            def keep(member: Member, chosen: list[RunSpec] = chosen) -> None:
                store.save_partial(chosen[member.index], member.state)
                if on_epoch:
                    on_epoch(chosen[member.index], member.progress)

            results = train_stack(
                chosen, training, validation, execution=execution, resume=states or None, on_epoch=keep
            )
            for index, result in results.items():
                if isinstance(result, TrainingDiverged):
                    failures[chosen[index].key] = result
                else:
                    run = _finished(store, chosen[index], result, training, validation, execution, start)
                    if on_finish:
                        on_finish(run)
    for spec in elsewhere:
        try:
            get_or_train(store, spec, execution=execution)
        except TrainingDiverged as error:
            failures[spec.key] = error
    return failures


def _splits(spec: RunSpec, execution: Execution, download: bool = True) -> tuple[ImageDataset, ImageDataset]:
    training = spec.learned_of(load(spec.dataset, "train", root=execution.data_root, download=download))
    return training, load(spec.dataset, "validation", root=execution.data_root, download=download)


def _finished(
    store: Store,
    spec: RunSpec,
    trained: Trained,
    training: ImageDataset,
    validation: ImageDataset,
    execution: Execution,
    start: float,
    film: Film | None = None,
    download: bool = True,
) -> Run:
    """Measure and store a run, and remove the state that resuming would have needed."""
    test = _test_split(spec.dataset, execution, download)
    run = finish(spec, trained, training, validation, test, store.features_if_any(spec.dataset), start)
    if film:
        run = replace(run, extras={**run.extras, **film.extras()})
        store.save_film(spec.key, film.pictures())  # before the run: who sees that finds these
    store.save(run)
    store.partial_path(spec.key).unlink(missing_ok=True)
    return run


def _test_split(name: str, execution: Execution, download: bool) -> ImageDataset | None:
    try:
        return load(name, "test", root=execution.data_root, download=download)
    except DatasetUnavailable:
        return None  # the run then has validation figures only; `evaluate --split test` says why
