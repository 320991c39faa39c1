"""Train a sweep by one of several engines."""

from __future__ import annotations

from vae_core.errors import SpecError
from vae_core.execution import DEFAULT_EXECUTION, Execution
from vae_core.storage.store import Store
from vae_core.sweep.local import Event, Listener, train_in_processes, train_stacked
from vae_core.sweep.plan import Plan
from vae_core.training.device import check_precision, choose_device
from vae_core.training.stacked import can_stack

ENGINES = ("local", "processes", "stacked", "ray")


def run_sweep(
    plan: Plan,
    store: Store,
    *,
    engine: str = "local",
    execution: Execution = DEFAULT_EXECUTION,
    workers: int | None = None,
    address: str | None = None,
    on_event: Listener = lambda _: None,
) -> dict[str, str]:
    """Train all members of a sweep that are not in the store yet.

    Args:
        plan: the sweep.
        store: where its members go.
        engine: ``local``: as one program on a GPU where the model can be trained so, else ``processes``, one per
            core; ``stacked``: as one program wherever; ``ray``: on a cluster.
        execution: where and how.
        workers: processes at once; left out, the cores.
        address: of a Ray cluster; left out, one is started on this machine.
        on_event: told of every epoch and every end.

    Returns:
        Key -> reason, for each member that failed; all others are in the store.

    Raises:
        SpecError: no such engine, precision or device here, a model that cannot be ``stacked``, or not enough memory:
            nothing was started.
    """
    if engine not in ENGINES:
        raise SpecError(f"engine must be one of {', '.join(ENGINES)}, not {engine[:40]!r}.")
    if workers is not None and workers < 1:
        raise SpecError(f"workers must be at least 1, not {workers}.")
    check_precision(execution.precision)
    missing = plan.without(store)
    for spec in plan.specs:
        if spec not in missing.specs:
            on_event(Event(spec.key, spec.epochs, done=True))
    if not missing.specs:
        return {}
    if engine == "ray":
        from vae_core.sweep.cluster import train_on_cluster

        return train_on_cluster(
            missing,
            store,
            execution=execution,
            on_event=on_event,
            workers=workers,
            address=address,
        )
    if engine == "stacked" or (engine == "local" and _on_gpu(execution.device) and can_stack(missing.specs[0])):
        return train_stacked(missing, store, execution=execution, on_event=on_event)
    return train_in_processes(
        missing,
        store,
        execution=execution,
        on_event=on_event,
        workers=workers,
    )


def _on_gpu(device: str) -> bool:
    return choose_device(device).type != "cpu"
