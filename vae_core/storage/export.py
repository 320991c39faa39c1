"""Export a run: its tables, and a command line and a short script that repeat it."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from pprint import pformat

from vae_core.errors import SpecError, StoreError
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.onnx_files import onnx_files
from vae_core.storage.store import Store
from vae_core.storage.torch_files import torch_files

_OPTIONS = {"images": "first"}  # options that are not named after their field
NETWORKS: dict[str, Callable[[Run], dict[str, bytes]]] = {"onnx": onnx_files, "torch": torch_files}
"""Format -> (run) -> its encoder and decoder as files, by name."""


def arguments(spec: RunSpec) -> list[str]:
    """The command line that trains a spec, starting at ``-m``."""
    fields = {name: value for name, value in spec.to_dict().items() if value is not None}
    fields["hidden"] = ",".join(map(str, spec.hidden))
    kind = model_kind(spec.model)
    if not kind.bottleneck.divergence:
        del fields["beta"]
    if not spec.hidden and not kind.hidden:  # an empty text says "no hidden layers" where the model usually has some
        del fields["hidden"]
    own = fields.pop("options", {})
    options = [part for name, value in own.items() for part in ("--option", f"{name}={json.dumps(value)}")]
    for name, value in fields.items():
        options += [f"--{_OPTIONS.get(name, name).replace('_', '-')}", *([] if value is True else [str(value)])]
    return ["-m", "vae_core", "train", *options]


def command_line(spec: RunSpec) -> str:
    """The command to run in the project's folder."""
    return shlex.join(["python", *arguments(spec)])


def script(spec: RunSpec) -> str:
    """A Python program that trains a spec, or finds it trained, and prints its key and its numbers; its epochs go to
    standard error meanwhile. It computes on one thread, as the app does, unless OMP_NUM_THREADS says otherwise: on a
    busy machine several threads wait for each other many times as long as they compute."""
    fields = {name: tuple(value) if name == "hidden" else value for name, value in spec.to_dict().items()}
    given = ",\n".join(f"    {name}={pformat(value)}" for name, value in fields.items() if value is not None)
    own = (
        "# The images are a set of your own: read them first, with\n"
        "#   python -m vae_core train --images PATH --model ae --epochs 1\n"
        if spec.dataset.startswith("own-")
        else ""
    )
    return f'''"""Repeats the run {spec.key}. Needs vae_core: run it in the folder of VAE Playground."""

import json
import os
import sys

# Read when torch is imported, below. More threads pay for large networks on an idle machine only.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.onnx_files import onnx_files
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress

{own}spec = RunSpec(
{given},
)
assert spec.key == "{spec.key}"


def say(done: Progress) -> None:
    """One line after each epoch."""
    text = f"epoch {{done.epoch}} of {{done.epochs}}: held-out loss {{done.held_out_loss:.2f}}"
    print(f"{{text}}, {{done.seconds_left:.0f}} s left", file=sys.stderr, flush=True)


execution = Execution(device="cpu", precision="float32")
store = Store(os.environ.get("VAE_STORE") or "repeated")
run = get_or_train(store, spec, execution=execution, on_epoch=say)
print(run.key)
print(json.dumps(run.metrics, indent=2))
'''


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Comma-separated text with a header line; rows may lack columns; without rows there is no header."""
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(name for row in rows for name in row)), restval="")
    if rows:
        writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def _no_formula(value: object) -> object:
    """A text that a spreadsheet would run as a formula, such as the name of somebody's class, with an apostrophe."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def history_csv(run: Run) -> str:
    """A line for each epoch: losses in nats per image, seconds."""
    return as_csv(run.history)


def codes_csv(run: Run) -> str:
    """Every held-out image: index, class, code, and log-variance where there is a posterior."""
    columns = run.codes.parts()
    return as_csv(
        [
            {
                "index": index,
                "class": run.label_names[int(label)],
                **{
                    f"{name}_{i + 1}": f"{v:.6g}" for name, codes in columns.items() for i, v in enumerate(codes[index])
                },
            }
            for index, label in enumerate(run.codes.labels)
        ]
    )


def export_run(store: Store, key: str, folder: Path, form: str | None = None) -> list[Path]:
    """Write a run's file, its tables and how to repeat it to a folder; or its networks for other tools.

    Args:
        store: that holds the run.
        key: of the run.
        folder: made if it is not there.
        form: one of `NETWORKS`, for the encoder and the decoder alone; None for all else.

    Returns:
        The files.

    Raises:
        RunNotFound, DamagedRun: there is no such run, or its file is damaged.
        SpecError: another format.
        MissingPackage: ONNX is asked for, and its package is not installed.
        StoreError: the folder cannot be written to, or a layer of a plugin's model cannot be written in that format.
    """
    if form not in (None, *NETWORKS):
        raise SpecError(f"--format is {' or '.join(NETWORKS)}, not {str(form)[:20]!r}.")
    run, folder = store.load(key), folder.expanduser()
    if form is None:
        contents = {
            f"{key}.safetensors": store.file(key).read_bytes(),
            f"{key}-history.csv": history_csv(run).encode(),
            f"{key}-codes.csv": codes_csv(run).encode(),
            f"{key}.py": script(run.spec).encode(),
            f"{key}.txt": f"{command_line(run.spec)}\n".encode(),
        }
    else:
        contents = NETWORKS[form](run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written to ({error.strerror or error}); choose another with --to."
        ) from error
    return [folder / name for name in contents]
