"""``python -m vae_core train | sweep | evaluate | list | verify | rebuild | export | receive | evict``.

Every command takes ``--store`` and ``--json``. An error that the user can fix is printed as one sentence on standard
error, with exit status 1.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vae_core.cli.keep import evict, export, receive
from vae_core.cli.options import DataOption, DeviceOption, JsonOption, PrecisionOption, StoreOption
from vae_core.clone import hint
from vae_core.datasets import DATASETS
from vae_core.datasets.pictures import Preparation
from vae_core.errors import MeasureError, RunNotFound, SpecError, StoreError, UnknownRun, VaeCoreError
from vae_core.execution import Execution
from vae_core.models import MODELS, model_kind
from vae_core.spec import OPTIONS, RunSpec
from vae_core.storage.manifest import DEFAULT_STORE, MANIFEST, read_manifest

if TYPE_CHECKING:
    from vae_core.datasets import ImageDataset
    from vae_core.run import Run
    from vae_core.sweep import Plan


def _listed(names: Iterable[str]) -> str:
    """Names as help text: a, b or c."""
    *others, last = names
    return f"{', '.join(others)} or {last}."


PICTURES = [name for name, known in DATASETS.items() if known.pictures]
SWEPT = [name for name, kind in MODELS.items() if kind.bottleneck.divergence]

app = typer.Typer(
    help="Train, measure and keep the models of VAE Playground.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def train(
    model: Annotated[str, typer.Option(help=", ".join(MODELS) + ".")],
    dataset: Annotated[str | None, typer.Option(help=_listed(DATASETS))] = None,
    images: Annotated[
        Path | None, typer.Option(help="Your own: a folder or zip of pictures, its folders the classes, or an npz.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Own pictures are made so wide and high: 28, 32 or 64.", show_default="28; an npz's own"),
    ] = None,
    colour: Annotated[str, typer.Option(help="Own pictures: grey, colour, or auto.")] = "auto",
    fit: Annotated[str, typer.Option(help="Own pictures: crop to the middle square, or pad to a square.")] = "crop",
    stretch: Annotated[bool, typer.Option("--stretch", help="Own pictures: darkest to black, brightest to white.")] = (
        False
    ),
    invert: Annotated[bool, typer.Option("--invert", help="Own pictures: exchange black and white.")] = False,
    latent_dim: Annotated[int | None, typer.Option(help=OPTIONS["latent_dim"].help)] = None,
    beta: Annotated[float | None, typer.Option(help=OPTIONS["beta"].help)] = None,
    hidden: Annotated[str | None, typer.Option(help=OPTIONS["hidden"].help)] = None,
    likelihood: Annotated[str | None, typer.Option(help=OPTIONS["likelihood"].help)] = None,
    variance: Annotated[float | None, typer.Option(help=OPTIONS["variance"].help)] = None,
    epochs: Annotated[int, typer.Option(help=OPTIONS["epochs"].help)] = RunSpec.epochs,
    batch_size: Annotated[int, typer.Option(help=OPTIONS["batch_size"].help)] = RunSpec.batch_size,
    learning_rate: Annotated[float, typer.Option(help=OPTIONS["learning_rate"].help)] = RunSpec.learning_rate,
    seed: Annotated[int, typer.Option(help=OPTIONS["seed"].help)] = RunSpec.seed,
    first: Annotated[int | None, typer.Option(help=OPTIONS["images"].help)] = None,
    reconstruction_weight: Annotated[float | None, typer.Option(help=OPTIONS["reconstruction_weight"].help)] = None,
    kl_warm_up: Annotated[int | None, typer.Option(help=OPTIONS["kl_warm_up"].help)] = None,
    learned_variance: Annotated[
        bool, typer.Option("--learned-variance", help=OPTIONS["learned_variance"].help)
    ] = False,
    without: Annotated[int | None, typer.Option(help=OPTIONS["without"].help)] = None,
    samples: Annotated[int | None, typer.Option(help=OPTIONS["samples"].help)] = None,
    binarised: Annotated[bool, typer.Option("--binarised", help=OPTIONS["binarised"].help)] = False,
    activation: Annotated[str | None, typer.Option(help=OPTIONS["activation"].help)] = None,
    start_at_mean: Annotated[bool, typer.Option("--start-at-mean", help=OPTIONS["start_at_mean"].help)] = False,
    corruption: Annotated[str | None, typer.Option(help=OPTIONS["corruption"].help)] = None,
    corruption_level: Annotated[float | None, typer.Option(help=OPTIONS["corruption_level"].help)] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="A field that the model alone has, as name=value; repeatable.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    data_root: DataOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train a run, resume it, or find it done; prints its key."""
    if dataset is not None and images is not None:
        raise typer.BadParameter("Say what to learn from: either --dataset with a name, or --images with your own.")
    given: dict[str, Any] = {
        "dataset": dataset
        if images is None
        else _own_set(images, Preparation(size, colour, fit, stretch, invert), data_root),
        "latent_dim": latent_dim,
        "hidden": None if hidden is None else _integers("hidden", hidden),
        "likelihood": likelihood,
        "beta": beta,
        "variance": variance,
        "images": first,
        "reconstruction_weight": reconstruction_weight,
        "kl_warm_up": kl_warm_up,
        "learned_variance": learned_variance or None,
        "without": without,
        "samples": samples,
        "binarised": binarised or None,
        "activation": activation,
        "start_at_mean": start_at_mean or None,
        "corruption": corruption,
        "corruption_level": corruption_level,
        "options": _own_options(option),
    }
    # What is left out is the model's default (None), or that of the run which the new one begins with.
    fields = _fields_of_base(model, given["options"], store) | {
        name: value for name, value in given.items() if value is not None
    }
    if "dataset" not in fields:
        raise typer.BadParameter("Say what to learn from: either --dataset with a name, or --images with your own.")
    spec = RunSpec(model=model, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed, **fields)
    run, trained = _get_or_train(spec, store, Execution(data_root, device, precision))
    if as_json:
        _print_json({"key": run.key, "trained": trained, "spec": run.spec.to_dict(), "metrics": run.metrics})
    else:
        print(run.key)


@app.command()
def sweep(
    dataset: Annotated[str, typer.Option(help=_listed(PICTURES))],
    betas: Annotated[str, typer.Option(help="Such as 0,0.1,1,10,kl; kl is the KL term alone.")],
    model: Annotated[str, typer.Option(help=_listed(SWEPT))] = "vae",
    latent_dim: Annotated[int | None, typer.Option(help=OPTIONS["latent_dim"].help)] = None,
    seeds: Annotated[str, typer.Option(help="One sweep for each, such as 0,1,2.")] = "0",
    hidden: Annotated[str | None, typer.Option(help="As of train.")] = None,
    likelihood: Annotated[str | None, typer.Option(help=OPTIONS["likelihood"].help)] = None,
    variance: Annotated[float | None, typer.Option(help=OPTIONS["variance"].help)] = None,
    epochs: Annotated[int, typer.Option(help=OPTIONS["epochs"].help)] = RunSpec.epochs,
    batch_size: Annotated[int, typer.Option(help=OPTIONS["batch_size"].help)] = RunSpec.batch_size,
    learning_rate: Annotated[float, typer.Option(help=OPTIONS["learning_rate"].help)] = RunSpec.learning_rate,
    engine: Annotated[
        str, typer.Option(help="local (stacked on a GPU, else a process per core), processes, stacked or ray.")
    ] = "local",
    workers: Annotated[int | None, typer.Option(help="Processes or cluster workers at once.")] = None,
    address: Annotated[str | None, typer.Option(help="Of an existing Ray cluster; left out, one is started.")] = None,
    store: StoreOption = DEFAULT_STORE,
    data_root: DataOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train runs that differ in beta alone, side by side; prints their keys."""
    from vae_core.sweep import parse_weights, plan

    base = RunSpec(
        dataset=dataset,
        model=model,
        latent_dim=latent_dim,  # type: ignore[arg-type]  # as in train
        hidden=None if hidden is None else _integers("hidden", hidden),  # type: ignore[arg-type]
        likelihood=likelihood,  # type: ignore[arg-type]
        variance=variance,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
    )
    planned = plan(base, parse_weights(betas), _integers("seeds", seeds))
    failures = _run_sweep(planned, engine, store, Execution(data_root, device, precision), workers, address)
    _print_sweep(planned, failures, store, as_json)
    if failures:
        raise typer.Exit(1)


@app.command()
def evaluate(
    key: Annotated[str, typer.Argument(help="Key of a run, as `list` prints it.")],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    store: StoreOption = DEFAULT_STORE,
    data_root: DataOption = None,
    as_json: JsonOption = False,
    likelihood_samples: Annotated[
        int | None, typer.Option(help="Also measure log p(x), with so many importance samples for each image.")
    ] = None,
    likelihood_images: Annotated[
        int | None, typer.Option(help="Measure log p(x) on the first so many images only.")
    ] = None,
    denoising: Annotated[
        bool, typer.Option("--denoising", help="Also measure how well it restores damaged images, whatever it learned.")
    ] = False,
    few_labels: Annotated[
        int | None,
        typer.Option(
            help="Also measure how many images a classifier on its codes tells right, with so many labels of "
            "each class, drawn from the validation images."
        ),
    ] = None,
    coding: Annotated[
        bool,
        typer.Option(
            "--coding",
            help="Also write the images of a vq_prior, or of a Bernoulli VAE, as bits, read them back and count.",
        ),
    ] = False,
) -> None:
    """Measure a run again on one split: nats per image, z sampled; mse per pixel at the posterior mean."""
    from vae_core.datasets import load
    from vae_core.evaluation.measure import measure
    from vae_core.storage.store import Store

    runs = Store(store)
    run = runs.load(key)
    if run.key != key:
        print(f"{key}.safetensors holds the run {run.key}.", file=sys.stderr)
    images = load(run.spec.dataset, split, root=data_root)
    if split == "train":
        images = images if run.spec.images is None else run.spec.learned_of(images)
    # First, because it may raise and the other measurements take long.
    asked = _log_likelihood(run, images, likelihood_samples, likelihood_images)
    if denoising:
        from vae_core.evaluation.denoising import measure_denoising

        asked |= measure_denoising(run, images)
    if few_labels is not None:
        from vae_core.evaluation.few_labels import measure_few_labels

        known = load(run.spec.dataset, "validation", root=data_root)
        asked |= measure_few_labels(run, known, images, few_labels)
    if coding:
        from vae_core.coding.measure import measure_coding

        asked |= measure_coding(run, images)
    features, missing = None, ""
    kind = model_kind(run.spec.model)
    if kind.bottleneck.continuous or kind.base:
        try:
            features = runs.features(run.spec.dataset)
        except RunNotFound as error:
            missing = str(error)
    training = run.spec.learned_of(load(run.spec.dataset, "train", root=data_root)) if images.factors else None
    metrics = measure(run, images, features, training) | asked
    if missing:
        metrics["not_measured"]["samples"] = missing
    count = metrics.pop("n")
    if as_json:
        _print_json({"key": key, "split": split, "n": count, "metrics": metrics})
        return
    print(f"{key}, {split}, n = {count:,}")
    for name, value in _flat(metrics):
        print(f"  {name:30} {_figures(value)}")


@app.command("list")
def list_runs(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """The runs in the store."""
    from vae_core.storage.store import Store

    runs = Store(store)
    if not runs.root.is_dir():
        print(f"there is no folder {runs.root}.{hint()}", file=sys.stderr)
    lines = runs.listing()
    for line in lines:
        if line.problem:
            print(f"left out: {line.problem}", file=sys.stderr)
        elif line.renamed:
            print(f"{line.renamed}.safetensors holds the run {line.key}.", file=sys.stderr)
    readable = [line for line in lines if line.spec]
    if as_json:
        _print_json(
            [{"key": line.key, "spec": line.spec.to_dict(), "metrics": line.metrics} for line in readable if line.spec]
        )
        return
    for line in readable:
        metrics = line.metrics.get("test") or line.metrics.get("validation", {})
        shown = (
            ("mse", "mse {:.4f}"),
            ("negative_elbo", "negative ELBO {:.1f} nats"),
            ("accuracy", "accuracy {:.4f}"),
        )
        figures = [text.format(metrics[name]) for name, text in shown if name in metrics]
        print("  ".join([f"{line.key:40}", *figures, f"n = {metrics.get('n', 0):,}"]))


@app.command()
def verify(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """Read every file in full and compare its SHA-256; exit status 1 if one is damaged.

    A file that needs a plugin or a newer version is named; it is not damaged.
    """
    from vae_core.storage.store import Store, other_name

    runs = Store(store)
    if not runs.root.is_dir():
        raise StoreError(f"there is no folder {runs.root}; name the folder of the runs with --store or VAE_STORE.")
    results: list[dict[str, Any]] = []
    unknown: list[str] = []
    for key in runs.keys():
        try:
            held = runs.verify(key)
            misnamed = other_name(key, held)
            results.append({"key": key, "ok": not misnamed, "problem": misnamed or None})
            if held != key and not misnamed:
                print(f"{key}.safetensors holds the run {held}.", file=sys.stderr)
        except UnknownRun as error:
            results.append({"key": key, "ok": True, "problem": str(error)})
            unknown.append(key)
        except (VaeCoreError, OSError) as error:
            results.append({"key": key, "ok": False, "problem": str(error)})
    damaged = [result for result in results if not result["ok"]]
    if as_json:
        _print_json(results)
    else:
        for result in results:
            said = "DAMAGED" if not result["ok"] else "UNKNOWN" if result["key"] in unknown else "ok     "
            print(f"{said} {result['key']} {result['problem'] or ''}".rstrip())
        count = f"{len(results) - len(damaged) - len(unknown)} intact, {len(damaged)} damaged"
        print(f"{count}, {len(unknown)} not known here" if unknown else count)
    if damaged:
        raise typer.Exit(1)


@app.command()
def rebuild(
    manifest: Annotated[
        Path, typer.Option(help="JSON list of specs.", show_default="checkpoints/manifest.json")
    ] = MANIFEST,
    store: StoreOption = DEFAULT_STORE,
    data_root: DataOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Make the shipped runs that are missing from the store."""
    results = []
    for spec in read_manifest(manifest):
        run, trained = _get_or_train(spec, store, Execution(data_root, device, precision))
        results.append({"key": run.key, "trained": trained, "metrics": run.metrics})
        if not as_json:
            print(f"{run.key}: {'trained' if trained else 'already there'}")
    if as_json:
        _print_json(results)


app.command()(export)
app.command()(receive)
app.command()(evict)


def main() -> None:
    """Entry point: errors with a message for the user become one sentence and exit status 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal in ASCII must not end what is done already
    try:
        app()
    except VaeCoreError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _own_options(given: list[str] | None) -> dict[str, Any] | None:
    """Parse ``name=value`` texts; a value that is JSON (a number, true, false) is read as such, and 32,64 as a list."""
    if not given:
        return None
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise SpecError(f"--option takes name=value, not {text[:40]!r}.")
        try:
            found[name] = json.loads(f"[{value}]" if re.fullmatch(r"\d+(,\d+)+", value) else value)
        except ValueError:
            found[name] = value
    return found


def _fields_of_base(model: str, options: dict[str, Any] | None, store: Path) -> dict[str, Any]:
    """The fields that a run must share with the one that it begins with, where its options name one.

    They and the options are put together in place: what is given stays as it is, and is refused where it does not fit.
    """
    from vae_core.storage.store import Store

    kind = model_kind(model)
    if not kind.base or not options or kind.base not in options:
        return {}
    shared = kind.base_fields(Store(store).load_base(str(options[kind.base])).spec)
    for name, value in shared.pop("options").items():
        options.setdefault(name, value)
    return shared


def _own_set(path: Path, prepared: Preparation, data_root: Path | None) -> str:
    """Read pictures and store them as a set; returns its name. Its classes, skipped files and doubts about it are
    listed on standard error."""
    from vae_core.datasets import data_root as root_of
    from vae_core.datasets import own
    from vae_core.datasets.classes import counted
    from vae_core.datasets.reading import read_path

    read = read_path(path.expanduser(), prepared)
    for name, why in read.left_out:
        print(f"left out: {name} {why}", file=sys.stderr)
    if read.left_out_count > len(read.left_out):
        print(f"left out: {read.left_out_count - len(read.left_out):,} more", file=sys.stderr)
    for note in read.notes:
        print(f"note: {note}", file=sys.stderr)
    name = own.save(read, root_of(data_root))
    kind = "grey" if read.images.shape[1] == 1 else "colour"
    print(f"{len(read.images):,} {kind} images, {len(read.label_names)} classes: {name}", file=sys.stderr)
    print(f"classes: {counted(read.class_counts())}", file=sys.stderr)
    return name


def _get_or_train(spec: RunSpec, store: Path, execution: Execution) -> tuple[Any, bool]:
    """Returns the run, and whether this call trained it."""
    from vae_core.storage.budget import unmark
    from vae_core.storage.store import Store
    from vae_core.training.jobs import get_or_train

    try:
        with _progress_bar(spec) as (on_epoch, on_wait, epochs_done):
            run = get_or_train(Store(store), spec, execution=execution, on_epoch=on_epoch, on_wait=on_wait)
            unmark(Store(store), run.key)  # whoever asked first: it is the command line's now
            return run, bool(epochs_done)
    except KeyboardInterrupt:  # here and not in `main`: typer turns it into a silent exit
        print("Stopped. The same command resumes from the last finished epoch.", file=sys.stderr)
        raise typer.Exit(130) from None


def _log_likelihood(run: Run, images: ImageDataset, samples: int | None, first: int | None) -> dict[str, Any]:
    """Measure log p(x), with a progress bar on standard error; empty if it was not requested."""
    if samples is None:
        if first is not None:
            raise MeasureError("--likelihood-images needs --likelihood-samples, too.")
        return {}
    if first is not None and first < 1:
        raise MeasureError(f"likelihood images must be at least 1, not {first}.")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from vae_core.evaluation.log_likelihood import measure_likelihood

    few = images.first(first)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"log p(x), k = {samples:,}, images", total=len(few))
        measured = measure_likelihood(run, few, samples, on_image=lambda done: bar.update(task, completed=done))
    return {"log_likelihood": measured}


@contextmanager
def _progress_bar(spec: RunSpec) -> Iterator[tuple[Callable[[Any], None], Callable[[], None], list[int]]]:
    """A progress bar on standard error, shown from the first epoch on; standard output carries only the key."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    epochs_done: list[int] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
    )
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    task = bar.add_task(spec.key, total=spec.epochs, loss="")

    def on_epoch(progress: Any) -> None:
        loss = f"{progress.held_out_loss:.4g} nats"
        if not epochs_done:
            bar.start()
        epochs_done.append(progress.epoch)
        bar.update(task, completed=progress.epoch, loss=f"{loss}, {progress.images_per_second:,.0f} images/s")

    def on_wait() -> None:
        print(f"{spec.key} is being trained by another process; waiting for it.", file=sys.stderr)

    try:
        yield on_epoch, on_wait, epochs_done
    finally:
        bar.stop()


def _run_sweep(
    planned: Plan,
    engine: str,
    store: Path,
    execution: Execution,
    workers: int | None,
    address: str | None,
) -> dict[str, str]:
    """Train the sweep; returns key -> reason for each member that failed."""
    from vae_core.storage.store import Store
    from vae_core.sweep.engines import run_sweep

    try:
        with _sweep_bar(planned) as on_event:
            return run_sweep(
                planned,
                Store(store),
                engine=engine,
                execution=execution,
                workers=workers,
                address=address,
                on_event=on_event,
            )
    except KeyboardInterrupt:
        print("Stopped. The same command resumes each member from its last finished epoch.", file=sys.stderr)
        raise typer.Exit(130) from None


def _print_sweep(planned: Plan, failures: dict[str, str], store: Path, as_json: bool) -> None:
    from vae_core.storage.store import Store

    metrics = {line.key: line.metrics for line in Store(store).listing()}
    if as_json:
        members = [
            {
                "key": spec.key,
                "beta": spec.beta,
                "reconstruction_weight": spec.data_weight,
                "seed": spec.seed,
                "problem": failures.get(spec.key),
                "metrics": metrics.get(spec.key, {}),
            }
            for spec in planned.specs
        ]
        _print_json({"members": members})
        return
    for spec in planned.specs:
        if spec.key in failures:
            print(f"{spec.key} failed: {failures[spec.key]}", file=sys.stderr)
        else:
            print(spec.key)


@contextmanager
def _sweep_bar(planned: Plan) -> Iterator[Callable[[Any], None]]:
    """One bar on standard error for all epochs of all members."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("epochs", total=sum(spec.epochs for spec in planned.specs))
        epochs = dict.fromkeys((spec.key for spec in planned.specs), 0)
        done: set[str] = set()

        def on_event(event: Any) -> None:
            epochs[event.key] = max(epochs[event.key], event.epoch)
            if event.done:
                done.add(event.key)
            bar.update(
                task, completed=sum(epochs.values()), description=f"{len(done)} of {len(planned.specs)} members, epochs"
            )

        yield on_event


def _integers(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SpecError(f"{name} must be integers separated by commas, such as 512,256, not {text[:40]!r}.") from error


def _flat(metrics: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", value


def _figures(value: Any) -> str:
    if isinstance(value, list):
        return "  ".join(_figures(entry) for entry in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))
