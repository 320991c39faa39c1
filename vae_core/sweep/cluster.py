"""A sweep on a Ray cluster: on this machine, or an existing one whose workers need not share a file system with it.

A worker trains in its own folder and sends the finished files back; the caller verifies and stores them. A task whose
worker dies is restarted elsewhere, and resumes from the last finished epoch if its folder still exists. Members that
were received are kept whatever happens to the rest.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from vae_core import plugins
from vae_core.clone import PROJECT
from vae_core.datasets import data_root as default_data_root
from vae_core.errors import ClusterError, RunNotFound, VaeCoreError
from vae_core.evaluation.features import classifier_spec
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import SUFFIX, Store
from vae_core.sweep.local import Event, Listener, cores
from vae_core.sweep.plan import Plan
from vae_core.training.stacked import can_stack

RETRIES = 3
REACHED_SECONDS = 5.0


class _Task(NamedTuple):
    """A worker's input: members that it trains as one program, or a single one.

    Attributes:
        members: the specs, as plain dictionaries.
        classifier: key and file of the classifier for the measurements; None if there is none.
        folder: name of the worker's folder, the same for a second attempt.
        execution: device, precision and the data root on the worker.
    """

    members: list[dict[str, Any]]
    classifier: tuple[str, bytes] | None
    folder: str
    execution: Execution


class _Result(NamedTuple):
    """A member's result from its worker: its file, or why there is none."""

    key: str
    content: bytes
    problem: str


def train_on_cluster(
    plan: Plan,
    store: Store,
    *,
    execution: Execution,
    on_event: Listener,
    workers: int | None = None,
    address: str | None = None,
) -> dict[str, str]:
    """Every group as a task where the cluster has GPUs and the model can be stacked, else every member.

    Args:
        plan, store, execution, on_event: as of `engines.run_sweep`; the images must lie under the data root on
            every worker, and the modules of ``VAE_PLUGINS`` on its path.
        workers: of the cluster that is started where there is no address; left out, the cores.
        address: of an existing cluster, such as ``auto`` or ``ray://host:10001``.

    Returns:
        Key -> reason, for each member that failed.

    Raises:
        ClusterError: Ray is not installed, or there is no cluster at the address.
    """
    ray = _ray()
    started_here = _connect(ray, workers, address)
    try:
        on_gpu = execution.device != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1
        together = on_gpu and can_stack(plan.specs[0])
        units = list(plan.groups) if together else [(spec,) for spec in plan.specs]
        resources = {"num_gpus": 1, "num_cpus": 1} if on_gpu else {"num_cpus": 1}
        task = ray.remote(max_retries=RETRIES, **resources)(_train_unit)
        on_worker = replace(execution, data_root=str(execution.data_root or default_data_root()))
        this_sweep = uuid.uuid4().hex  # identical sweeps must not share a folder
        pending: dict[Any, tuple[RunSpec, ...]] = {}
        for unit in units:
            number = len(pending)
            order = _Task(
                [spec.to_dict() for spec in unit],
                _classifier(store, unit[0].dataset),
                f"vae-sweep-{this_sweep}-{number}",
                on_worker,
            )
            pending[task.remote(order)] = unit
        failures: dict[str, str] = {}
        while pending:
            (done,), _ = ray.wait(list(pending), num_returns=1)
            unit = pending.pop(done)
            try:
                results = ray.get(done)
            except ray.exceptions.RayError as error:
                results = [_Result(spec.key, b"", _why(error)) for spec in unit]
            for result in results:
                problem = result.problem or _store_result(store, result)
                if problem:
                    failures[result.key] = problem
                epochs = next(spec.epochs for spec in unit if spec.key == result.key)
                on_event(Event(result.key, 0 if problem else epochs, done=not problem, problem=problem))
        return failures
    finally:
        if started_here:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ClusterError(
            "the engine 'ray' needs Ray, which is not installed: pip install -r requirements-cluster.txt."
        ) from error
    return ray


def _connect(ray: Any, workers: int | None, address: str | None) -> bool:
    """Connect to Ray; returns whether this call did, and so has to disconnect."""
    if ray.is_initialized():
        return False
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    # What a member's specification names may come from a plugin, which each worker imports for itself.
    environment = {name: os.environ[name] for name in (plugins.VARIABLE,) if name in os.environ}
    if address is None:
        options |= {"num_cpus": workers or cores(), "include_dashboard": False}
        # Workers of a cluster on this machine find the package where it is.
        environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT), *_python_path()])
        options["runtime_env"] = {"env_vars": environment}
    else:
        _check_reachable(address)
        package = [str(PROJECT / "vae_core")]
        options |= {"address": address, "runtime_env": {"py_modules": package, "env_vars": environment}}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = f"at {address}" if address else "on this machine"
        raise ClusterError(f"no Ray cluster could be reached {where} ({_sentence(error)}).") from error
    return True


def _check_reachable(address: str) -> None:
    """Fail early: Ray itself retries for minutes before it reports an unreachable address."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto" and the like: Ray knows where to look
    try:
        socket.create_connection((host, int(port)), timeout=REACHED_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no Ray cluster could be reached at {address} ({error}); is it running?") from error


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _classifier(store: Store, dataset: str) -> tuple[str, bytes] | None:
    """Key and file of the dataset's classifier, which a worker elsewhere does not have."""
    try:
        store.features(dataset)  # verified here, once
    except (RunNotFound, VaeCoreError):
        return None
    key = classifier_spec(dataset).key
    source = next(source for source in (store, Store(SHIPPED)) if key in source)
    return key, source.file(key).read_bytes()


def _train_unit(order: _Task) -> list[_Result]:
    """On a worker: train, measure, and send the files back."""
    from vae_core.training.jobs import get_or_train, train_together

    folder = Path(tempfile.gettempdir()) / order.folder
    folder.mkdir(parents=True, exist_ok=True)
    if order.classifier:
        key, content = order.classifier
        (folder / f"{key}{SUFFIX}").write_bytes(content)
    store, specs = Store(folder), [RunSpec.from_dict(member) for member in order.members]
    failures: dict[str, str] = {}
    try:
        if len(specs) == 1:
            get_or_train(store, specs[0], execution=order.execution)
        else:
            failures = {
                key: str(error) for key, error in train_together(store, specs, execution=order.execution).items()
            }
    except VaeCoreError as error:
        failures = {spec.key: str(error) for spec in specs if spec.key not in store}
    results = [
        _Result(
            spec.key, b"" if spec.key in failures else store.file(spec.key).read_bytes(), failures.get(spec.key, "")
        )
        for spec in specs
    ]
    shutil.rmtree(folder, ignore_errors=True)
    return results


def _store_result(store: Store, result: _Result) -> str:
    """Verify a received file, and put the run into the store; returns the reason if that fails."""
    with tempfile.TemporaryDirectory() as folder:
        arrived = Store(folder)
        arrived.path(result.key).write_bytes(result.content)
        try:
            run = arrived.load(result.key)
            with store.locked(result.key):
                if result.key not in store:
                    store.save(run)
        except VaeCoreError as error:
            return str(error)
    return ""


def _why(error: Exception) -> str:
    """Why a task gave no results: what it raised itself, where that is meant for people."""
    cause = getattr(error, "cause", None)
    return str(cause) if isinstance(cause, VaeCoreError) else _sentence(error)


def _sentence(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
