from __future__ import annotations

import copy
import dataclasses
import errno
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from typer.testing import CliRunner

from vae_core import archive
from vae_core.cli.commands import app
from vae_core.datasets import ImageDataset
from vae_core.errors import DamagedRun, RunNotFound, StoreError, TrainingDiverged, UnknownRun, UnreadableRun
from vae_core.evaluation.features import classifier_spec
from vae_core.evaluation.measure import measure
from vae_core.execution import Execution
from vae_core.models import MODELS
from vae_core.options import Whole, option
from vae_core.run import Codes, Run
from vae_core.spec import RunSpec
from vae_core.storage import store as checkpoints
from vae_core.storage.store import Store
from vae_core.training.finish import stored_weights
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress

ON_CPU = Execution(device="cpu", precision="float32")
FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

Make = Callable[..., RunSpec]
PATIENCE = 240.0  # seconds until a test that waits for another thread or process gives up


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store) -> dict[str, bytes]:
    """Every visible file of a store and its content."""
    return {path.name: path.read_bytes() for path in store.root.iterdir() if path.is_file()}


def epochs_trained(store: Store, spec: RunSpec) -> tuple[Run, list[int]]:
    """The run, and the epochs that this call trained."""
    epochs: list[int] = []
    run = get_or_train(store, spec, execution=FLOAT32, on_epoch=lambda progress: epochs.append(progress.epoch))
    return run, epochs


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


@pytest.mark.parametrize("name", ["ae", "vae", "vae d=1", "vae d=5", "gaussian", "linear"])
def test_a_saved_run_comes_back_whole(
    name: str, small_runs: dict[str, Run], store: Store, same_weights: Callable[..., bool]
) -> None:
    run = small_runs[name]
    store.save(run)
    back = store.load(run.key)
    assert back.spec == run.spec
    assert back.key == run.key
    assert same_weights(back.model, run.model)
    assert not back.model.training
    assert np.array_equal(back.codes.mean, run.codes.mean)
    assert np.array_equal(back.codes.labels, run.codes.labels)
    assert (back.codes.log_var is None) == (run.codes.log_var is None) == (run.spec.model == "ae")
    if run.codes.log_var is not None:
        assert np.array_equal(back.codes.log_var, run.codes.log_var)
    assert np.array_equal(back.snapshots, run.snapshots)
    assert back.snapshot_epochs == run.snapshot_epochs == [1, 2]
    assert back.history == run.history
    assert back.metrics == run.metrics
    assert back.provenance == run.provenance
    assert back.label_names == run.label_names
    assert back.image_shape == run.image_shape


@pytest.mark.parametrize("model", MODELS)
def test_a_run_of_every_kind_comes_back_with_its_programs_and_extras(
    model: str, every_kind: dict[str, Run], store: Store, same_weights: Callable[..., bool]
) -> None:
    run = every_kind[model]
    store.save(run)
    back = store.load(run.key)
    assert back.spec == run.spec
    assert same_weights(back.model, run.model)
    assert (back.decoder, back.encoder) == (run.decoder, run.encoder)
    assert bool(back.encoder) is (model != "memoriser")
    assert back.extras.keys() == run.extras.keys()
    assert all(np.array_equal(back.extras[name], run.extras[name]) for name in run.extras)
    assert np.array_equal(back.codes.mean, run.codes.mean)
    assert back.metrics == run.metrics
    assert set(back.metrics) == {"validation", "test", *(["train"] if run.spec.images else [])}
    assert (back.mixture is None) is not MODELS[model].bottleneck.continuous


def test_codes_are_kept_in_half_precision(small_runs: dict[str, Run], store: Store) -> None:
    run = small_runs["vae"]
    store.save(run)
    tensors, _ = archive.read(store.path(run.key))
    assert {tensors[name].dtype for name in ("codes/mean", "codes/log_var")} == {np.dtype(np.float16)}
    assert run.codes.mean.dtype == store.load(run.key).codes.mean.dtype == np.float32


def test_codes_that_half_precision_would_change_are_kept_in_full(small_runs: dict[str, Run], store: Store) -> None:
    run = small_runs["vae"]
    large = run.codes.mean * np.float32(1e7)  # some beyond 65,504
    store.save(dataclasses.replace(run, codes=Codes(large, run.codes.log_var, run.codes.labels)))
    back = store.load(run.key).codes
    assert np.abs(large).max() > 65_504
    assert np.array_equal(back.mean, large)
    assert np.array_equal(back.log_var, run.codes.log_var)


def test_a_run_without_what_later_versions_keep_is_still_read(small_runs: dict[str, Run], store: Store) -> None:
    run = small_runs["vae"]
    store.save(run)
    path = store.path(run.key)
    tensors, document = archive.read(path)
    old = {name: array for name, array in tensors.items() if not name.startswith("extra/")}
    old |= {name: tensors[name].astype(np.float32) for name in ("codes/mean", "codes/log_var")}
    spec = {name: value for name, value in document["spec"].items() if name != "images"}
    archive.write(path, old, {**remove(document, "encoder"), "spec": spec})
    back = store.load(run.key)
    assert back.spec == run.spec
    assert np.array_equal(back.codes.mean, run.codes.mean)
    assert back.mixture is None
    with pytest.raises(ValueError, match="does not hold its encoder"):
        back.encode(np.zeros((1, 64)))


@pytest.mark.parametrize(("changes", "shown"), [({}, 1_437), ({"images": 300}, 5_100), ({"model": "pca"}, 1_437)])
def test_images_per_second_counts_every_image_shown(
    changes: dict[str, Any], shown: int, small_spec: Make, store: Store
) -> None:
    asked = {"hidden": None, "epochs": 1, **changes} if changes.get("model") else {"epochs": 1, **changes}
    told: list[Progress] = []
    run = get_or_train(store, small_spec(**asked), execution=FLOAT32, on_epoch=told.append)
    assert told[0].images_per_second == pytest.approx(shown / run.history[0]["seconds"])
    # Provenance keeps the seconds of all epochs, here one, to three digits, but counts with all digits.
    assert run.provenance["images_per_second"] == pytest.approx(told[0].images_per_second, abs=0.5)
    assert run.provenance["training_images"] == min(shown, run.spec.images or 1_437)


def test_the_numbers_belong_to_the_weights_as_stored(small_runs: dict[str, Run], validation: Any) -> None:
    run = small_runs["vae"]
    weights = run.model.state_dict().values()
    assert all(torch.equal(value, value.half().float()) for value in weights)  # half precision on the disk
    measured = measure(run, validation, None)
    assert measured == run.metrics["validation"]
    assert measured["n"] == 360


def test_weights_too_large_for_half_precision_are_stored_in_full(
    small_runs: dict[str, Run], store: Store, same_weights: Callable[..., bool]
) -> None:
    run = small_runs["ae"]
    model = copy.deepcopy(run.model)
    with torch.no_grad():
        model.code.bias.copy_(torch.tensor([1e6, 1.2345678]))
    store.save(dataclasses.replace(run, weights=stored_weights(model)))
    back = store.load(run.key)
    assert same_weights(back.model, model)
    assert back.model.state_dict()["code.bias"].tolist() == pytest.approx([1e6, 1.2345678], rel=1e-7)


def test_a_run_is_trained_once_and_then_loaded(small_spec: Make, store: Store) -> None:
    spec = small_spec()
    first, epochs = epochs_trained(store, spec)
    assert epochs == [1, 2]
    assert spec.key in store
    assert store.keys() == [spec.key]
    again, epochs = epochs_trained(store, spec)
    assert epochs == []
    assert again.provenance == first.provenance
    assert list((store.root / ".partial").iterdir()) == []


def test_a_store_that_does_not_exist_yet_is_empty_and_stays_unmade(store: Store) -> None:
    assert store.keys() == []
    assert store.listing() == []
    assert "vae-digits-d2-b1-0000000000" not in store
    with pytest.raises(RunNotFound, match="there is no run 'vae-digits-d2-b1-0000000000'"):
        store.load("vae-digits-d2-b1-0000000000")
    assert not store.root.exists()


HOSTILE = [
    "",
    ".",
    "..",
    ".x",
    "../x",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "x\0y",
    "x" * 10_000,
    "x\n",
    "é",
    "<b>",
    "%2e%2e",
    " ",
]


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: repr(key)[:20])
def test_a_hostile_key_names_no_file(key: str, store: Store) -> None:
    for ask in (store.path, store.load, store.verify, store.__contains__):
        with pytest.raises(RunNotFound, match="is not the key of a run") as refused:
            ask(key)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 300
    assert not store.root.exists()


def test_every_key_of_a_spec_is_a_path_in_the_store(small_spec: Make, store: Store) -> None:
    for spec in (small_spec(), small_spec(beta=1e6), small_spec(beta=1e-9), small_spec(model="ae", dataset="mnist")):
        assert store.path(spec.key).parent == store.root


def test_the_listing_reads_specs_and_metrics(small_runs: dict[str, Run], store: Store) -> None:
    for name in ("ae", "vae"):
        store.save(small_runs[name])
    listed = {line.key: line for line in store.listing()}
    assert set(listed) == {small_runs["ae"].key, small_runs["vae"].key}
    assert listed[small_runs["vae"].key].spec == small_runs["vae"].spec
    assert listed[small_runs["vae"].key].metrics == small_runs["vae"].metrics
    assert [line.problem for line in listed.values()] == [None, None]


@pytest.mark.parametrize(
    "name", ["a b", ".hidden", "späte", "x" * 230, "<b>", "foreign"], ids=lambda name: repr(name)[:20]
)
def test_a_foreign_file_is_listed_as_a_problem_beside_the_good_ones(
    name: str, small_runs: dict[str, Run], store: Store
) -> None:
    run = small_runs["vae"]
    store.save(run)
    (store.root / f"{name}.safetensors").write_bytes(b"not ours")
    lines = {line.key: line for line in store.listing()}
    assert lines[run.key].problem is None
    assert lines[name].spec is None
    assert lines[name].problem
    assert "\n" not in lines[name].problem


def test_a_folder_named_like_a_run_is_one_sentence(small_runs: dict[str, Run], store: Store) -> None:
    run = small_runs["vae"]
    store.path(run.key).mkdir(parents=True)
    assert store.listing()[0].problem
    with pytest.raises(StoreError, match="could not read"):
        store.load(run.key)


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_or_a_cut_in_a_real_run_is_noticed_and_set_aside(
    seed: int, small_runs: dict[str, Run], store: Store
) -> None:
    draw = random.Random(seed)
    run, other = small_runs["vae"], small_runs["ae"]
    store.save(run)
    store.save(other)
    path, good = store.path(run.key), files(store)
    content = bytearray(path.read_bytes())
    if seed % 2:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    else:
        del content[draw.randrange(len(content)) :]
    path.write_bytes(content)
    with pytest.raises(DamagedRun):
        store.verify(run.key)
    assert path.read_bytes() == content  # verifying moves nothing

    aside = f"{path.name}.damaged-1"
    with pytest.raises(DamagedRun, match=f"It was set aside as {aside}; train or rebuild") as damaged:
        store.load(run.key)
    assert "\n" not in str(damaged.value)
    assert files(store) == {store.path(other.key).name: good[store.path(other.key).name], aside: bytes(content)}
    with pytest.raises(RunNotFound):
        store.load(run.key)
    assert store.load(other.key).metrics == other.metrics


def test_a_damaged_run_is_trained_anew_and_every_damaged_file_kept(small_spec: Make, store: Store) -> None:
    spec = small_spec()
    get_or_train(store, spec, execution=FLOAT32)
    path = store.path(spec.key)
    for number in (1, 2):
        path.write_bytes(f"damage {number}".encode())
        _, epochs = epochs_trained(store, spec)
        assert epochs == [1, 2]
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == b"damage 1"
    assert path.with_name(f"{path.name}.damaged-2").read_bytes() == b"damage 2"
    assert store.keys() == [spec.key]
    store.verify(spec.key)


@pytest.mark.parametrize("name", ["my_best_vae", "{key} (1)", "Kopie von {key}", "copy-of-{key}"])
def test_a_renamed_run_is_found_by_its_key_and_stays_where_it_is(
    name: str, small_runs: dict[str, Run], store: Store
) -> None:
    run = small_runs["vae"]
    store.save(run)
    name = name.format(key=run.key)
    renamed = store.path(run.key).rename(store.root / f"{name}.safetensors")
    before = files(store)
    assert run.key in store and store.load(run.key).spec == run.spec
    (line,) = store.listing()
    assert (line.key, line.renamed, line.problem) == (run.key, name, None)
    assert store.verify(name) == run.key
    assert epochs_trained(store, run.spec)[1] == []
    assert files(store) == before and store.file(run.key) == renamed


def test_a_second_download_beside_the_run_is_listed_once(small_runs: dict[str, Run], store: Store) -> None:
    run = small_runs["vae"]
    store.save(run)
    content = store.path(run.key).read_bytes()
    for name in (f"{run.key} (1)", "a copy"):
        (store.root / f"{name}.safetensors").write_bytes(content)
    assert [(line.key, line.renamed) for line in store.listing()] == [(run.key, "")]


def test_a_run_under_another_runs_name_is_read_but_never_taken_for_it(small_runs: dict[str, Run], store: Store) -> None:
    held, wrong = small_runs["ae"], small_runs["vae"]
    store.save(held)
    store.path(held.key).rename(store.path(wrong.key))
    before = files(store)
    assert store.load(wrong.key).spec == held.spec
    said = f"{wrong.key}.safetensors holds another run, {held.key}: rename it to {held.key}.safetensors"
    with pytest.raises(UnreadableRun, match=said):
        get_or_train(store, wrong.spec, execution=FLOAT32)
    assert said in (store.listing()[0].problem or "") and files(store) == before
    (verdict,) = json.loads(CliRunner().invoke(app, ["verify", "--json", "--store", str(store.root)]).stdout)
    assert not verdict["ok"] and said in verdict["problem"]


def test_another_run_under_the_classifiers_name_measures_nothing(small_runs: dict[str, Run], store: Store) -> None:
    classifier = classifier_spec("mnist")
    store.save(small_runs["vae"])
    store.path(small_runs["vae"].key).rename(store.path(classifier.key))
    assert store.load(classifier.key).key == small_runs["vae"].key
    with pytest.raises(RunNotFound, match="the classifier for the measurements on mnist is missing"):
        store.features("mnist")


def test_a_class_name_as_long_as_a_file_systems_is_read_again(small_runs: dict[str, Run], store: Store) -> None:
    run = replace(small_runs["vae"], label_names=("c" * 255, *small_runs["vae"].label_names[1:]))
    store.save(run)
    assert store.load(run.key).label_names == run.label_names


def remove(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


CHANGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], Any]]] = {
    "no spec": lambda tensors, document: (tensors, remove(document, "spec")),
    "no history": lambda tensors, document: (tensors, remove(document, "history")),
    "a list": lambda tensors, document: (tensors, [document]),
    "a bad spec": lambda tensors, document: (tensors, {**document, "spec": {**document["spec"], "epochs": 0}}),
    "hostile spec": lambda tensors, document: (tensors, {**document, "spec": 5}),
    "a decoder weight less": lambda tensors, document: (remove(tensors, "model/decoder.0.bias"), document),
    "an encoder weight less": lambda tensors, document: (remove(tensors, "model/mean.bias"), document),
    "no encoder but a number": lambda tensors, document: (tensors, {**document, "encoder": 5}),
    "no codes": lambda tensors, document: (remove(tensors, "codes/mean"), document),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_whole_file_that_is_not_a_run_is_refused_in_one_sentence_and_stays(
    change: Callable[..., Any], small_runs: dict[str, Run], store: Store
) -> None:
    run = small_runs["vae"]
    store.save(run)
    path = store.path(run.key)
    archive.write(path, *change(*archive.read(path)))
    before = files(store)
    for read in (store.load, store.load_if_whole):
        with pytest.raises(UnreadableRun, match="is whole, but is not a run of this program") as refused:
            read(run.key)
        assert "\n" not in str(refused.value)
    assert files(store) == before


def test_a_file_of_another_program_stays_where_it_is(small_runs: dict[str, Run], store: Store) -> None:
    store.save(small_runs["vae"])
    foreign = store.path("somebody-elses-0123456789")
    safetensors.numpy.save_file({"w": np.zeros(3)}, foreign, metadata={"made_by": "torch"})
    before = files(store)
    with pytest.raises(UnknownRun, match="is a safetensors file that another program wrote"):
        store.load("somebody-elses-0123456789")
    assert files(store) == before


def named_otherwise(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {**document, "spec": {**document["spec"], **fields}}


UNKNOWN: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "model": (named_otherwise(model="vq"), "model 'vq'"),
    "dataset": (named_otherwise(dataset="stars"), "dataset 'stars'"),
    "field": (named_otherwise(warp=3), "field 'warp'"),
    "likelihood": (named_otherwise(likelihood="poisson"), "likelihood 'poisson'"),
    "option": (named_otherwise(model="levelled", options={"steps": 3}), "option 'steps' of model 'levelled'"),
    "operation": (lambda document: {**document, "decoder": [{"op": "gelu"}, *document["decoder"]]}, "operation 'gelu'"),
    "further operation": (lambda document: {**document, "programs": {"prior": [{"op": "gelu"}]}}, "operation 'gelu'"),
}


@dataclass(frozen=True)
class Levels:
    count: int = option(8, Whole(2, 64), "Levels of a code.")


@pytest.mark.parametrize(("change", "name"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_whole_file_that_needs_a_plugin_or_a_newer_version_stays_where_it_is(
    change: Callable[..., Any], name: str, small_runs: dict[str, Run], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "levelled", replace(MODELS["vae"], options=Levels))
    run, other = small_runs["vae"], small_runs["ae"]
    store.save(run)
    store.save(other)
    path = store.path(run.key)
    tensors, document = archive.read(path)
    archive.write(path, tensors, change(document))
    before = files(store)
    said = (
        rf"^{run.key}\.safetensors needs the {name}, which is not known here: name its plugin in VAE_PLUGINS, or .*\.$"
    )
    for read in (store.load, store.verify, store.load_if_whole):
        with pytest.raises(UnknownRun, match=said) as unknown:
            read(run.key)
        assert not isinstance(unknown.value, DamagedRun) and "\n" not in str(unknown.value)
    assert files(store) == before
    lines = {line.key: line for line in store.listing()}
    assert lines[other.key].spec == other.spec and store.load(other.key).metrics == other.metrics
    if name != "operation 'gelu'":  # a listing reads specifications alone
        assert lines[run.key].spec is None and re.match(said, lines[run.key].problem or "")


def test_a_file_of_another_format_stays_where_it_is_too(
    small_spec: Make, small_runs: dict[str, Run], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small_spec(epochs=3)
    interrupt_after(store, spec, 1)
    store.save(small_runs["vae"])
    with monkeypatch.context() as newer:
        content = {path: archive.read(path) for path in (store.path(small_spec().key), store.partial_path(spec.key))}
        newer.setattr(archive, "FORMAT", "vae-playground-2")
        for path, (tensors, document) in content.items():
            archive.write(path, tensors, document)
    before = {path: path.read_bytes() for path in content}
    said = "has format 'vae-playground-2'; this program reads 'vae-playground-1': update it"
    for read in (store.load, store.verify):
        with pytest.raises(UnknownRun, match=said):
            read(small_spec().key)
    with pytest.raises(UnknownRun, match=said):
        get_or_train(store, spec, execution=FLOAT32)
    assert {path: path.read_bytes() for path in content} == before and len(list(store.root.glob("*damaged*"))) == 0


def test_a_weight_that_no_program_names_is_missed_by_verify_and_when_the_network_is_built(
    small_runs: dict[str, Run], store: Store
) -> None:
    """Loading does not build the network, so that a page need not wait for torch."""
    run = small_runs["vae"]
    store.save(run)
    path = store.path(run.key)
    tensors, document = archive.read(path)
    archive.write(path, remove(tensors, "model/log_var.bias"), document)
    with pytest.raises(DamagedRun, match="do not fit its specification"):
        store.verify(run.key)
    with pytest.raises(DamagedRun, match="do not fit its specification"):
        _ = store.load(run.key).model


def interrupt_after(store: Store, spec: RunSpec, epoch: int) -> None:
    """Train and stop as Ctrl-C does, after `epoch` epochs."""

    def stop(progress: Progress) -> None:
        if progress.epoch == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_or_train(store, spec, execution=FLOAT32, on_epoch=stop)


@pytest.mark.parametrize("model", ["ae", "vae"])
@pytest.mark.parametrize("epoch", [1, 3, 4])
def test_an_interrupted_run_resumes_and_equals_an_uninterrupted_one(
    model: str,
    epoch: int,
    small_spec: Make,
    tmp_path: Path,
    same_weights: Callable[..., bool],
    without_times: Callable[..., Any],
) -> None:
    spec = small_spec(model=model, epochs=4)
    stopped, whole = Store(tmp_path / "stopped"), Store(tmp_path / "whole")
    interrupt_after(stopped, spec, epoch)
    assert spec.key not in stopped
    resumed, epochs = epochs_trained(stopped, spec)
    expected, _ = epochs_trained(whole, spec)
    assert epochs == list(range(epoch + 1, 5))
    assert same_weights(resumed.model, expected.model)
    assert without_times(resumed.history) == without_times(expected.history)
    assert np.array_equal(resumed.snapshots, expected.snapshots)
    assert resumed.metrics == expected.metrics


def test_a_damaged_half_finished_run_is_set_aside_and_training_starts_over(small_spec: Make, store: Store) -> None:
    spec = small_spec(epochs=3)
    interrupt_after(store, spec, 2)
    (partial,) = (store.root / ".partial").iterdir()
    content = partial.read_bytes()[:-1]
    partial.write_bytes(content)
    _, epochs = epochs_trained(store, spec)
    assert epochs == [1, 2, 3]
    assert [(path.name, path.read_bytes()) for path in (store.root / ".partial").iterdir()] == [
        (f"{partial.name}.damaged-1", content)
    ]


def test_killed_in_the_middle_it_resumes_and_equals_an_uninterrupted_run(
    small_spec: Make,
    tmp_path: Path,
    run_python: Callable[..., subprocess.Popen[str]],
    same_weights: Callable[..., bool],
    without_times: Callable[..., Any],
) -> None:
    spec = small_spec(hidden=(32,), epochs=60)
    killed, whole = Store(tmp_path / "killed"), Store(tmp_path / "whole")
    arguments = "-m vae_core train --dataset digits --model vae --hidden 32 --epochs 60 --precision float32 --store"
    process = run_python(*arguments.split(), str(killed.root))
    partial = killed.root / ".partial" / f"{spec.key}.safetensors"
    try:
        until(lambda: partial.exists() or process.poll() is not None)
    finally:
        process.kill()
        output, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    assert output == ""
    assert spec.key not in killed
    done = archive.read(partial)[1]["epoch"]
    assert 1 <= done < 60

    resumed, epochs = epochs_trained(killed, spec)
    assert epochs == list(range(done + 1, 61))
    expected, _ = epochs_trained(whole, spec)
    assert same_weights(resumed.model, expected.model)
    assert without_times(resumed.history) == without_times(expected.history)
    assert resumed.metrics == expected.metrics
    assert not partial.exists()


ASK = """
import json, sys
from pathlib import Path
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

store, spec, flag = sys.argv[1], RunSpec.from_dict(json.loads(sys.argv[2])), Path(sys.argv[3])
epochs = []
run = get_or_train(
    Store(store), spec, execution=Execution(precision="float32"),
    on_epoch=lambda progress: epochs.append(progress.epoch), on_wait=flag.touch,
)
print(json.dumps({"epochs": epochs, "provenance": run.provenance}))
"""


def test_threads_and_processes_that_ask_for_one_key_train_it_once(
    small_spec: Make, store: Store, tmp_path: Path, run_python: Callable[..., subprocess.Popen[str]]
) -> None:
    spec = small_spec()
    started, everybody_waits = threading.Event(), threading.Event()
    epochs: list[int] = []
    waiting: list[int] = []

    def first_epoch(progress: Progress) -> None:
        epochs.append(progress.epoch)
        started.set()
        assert everybody_waits.wait(PATIENCE)

    def ask(number: int) -> Run:
        return get_or_train(
            store, spec, execution=FLOAT32, on_epoch=first_epoch, on_wait=lambda: waiting.append(number)
        )

    flags = [tmp_path / f"waiting-{number}" for number in range(2)]
    with ThreadPoolExecutor(8) as threads:
        winner = threads.submit(ask, 0)
        assert started.wait(PATIENCE)
        others = [threads.submit(ask, number) for number in range(1, 8)]
        spec_text = json.dumps(spec.to_dict())
        processes = [run_python("-c", ASK, str(store.root), spec_text, str(flag)) for flag in flags]
        try:
            until(lambda: len(waiting) == 7 and all(flag.exists() for flag in flags))
        finally:
            everybody_waits.set()
        runs = [future.result() for future in (winner, *others)]
    answers = []
    for process in processes:
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
        answers.append(json.loads(output))
    assert epochs == [1, 2]  # all threads together
    assert [answer["epochs"] for answer in answers] == [[], []]
    assert all(run.provenance == runs[0].provenance for run in runs)
    assert all(answer["provenance"] == runs[0].provenance for answer in answers)
    assert sorted(waiting) == list(range(1, 8))


def test_threads_that_race_from_the_start_train_each_key_once(small_spec: Make, store: Store) -> None:
    specs = [small_spec(epochs=3, seed=seed) for seed in (0, 1)]
    epochs: list[tuple[str, int]] = []
    line = threading.Barrier(8)

    def ask(spec: RunSpec) -> Run:
        line.wait(PATIENCE)
        return get_or_train(
            store,
            spec,
            execution=FLOAT32,
            on_epoch=lambda progress: epochs.append((spec.key, progress.epoch)),
        )

    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(ask, specs * 4))
    assert sorted(epochs) == sorted((spec.key, epoch) for spec in specs for epoch in (1, 2, 3))
    assert [run.key for run in runs] == [spec.key for spec in specs * 4]


def test_the_lock_is_free_again_after_a_failure(small_spec: Make, store: Store) -> None:
    spec = small_spec()
    interrupt_after(store, spec, 1)
    waited: list[bool] = []
    get_or_train(store, spec, execution=FLOAT32, on_wait=lambda: waited.append(True))
    assert waited == []


@pytest.mark.parametrize("place", ["file", "file/store"])
def test_an_unwritable_store_is_one_sentence(place: str, small_spec: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError) as refused:
        get_or_train(Store(tmp_path / place), small_spec())
    assert str(refused.value).count("\n") == 0
    assert str(tmp_path / place) in str(refused.value)
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_store_without_permission_is_one_sentence(
    small_spec: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(checkpoints.FileLock, "acquire", refuse)
    with pytest.raises(StoreError, match=r"cannot be written to \(Permission denied\); choose another folder"):
        get_or_train(store, small_spec())


@pytest.mark.parametrize("call", [1, 2, 4], ids=["at the first epoch", "at the second epoch", "at the end"])
def test_a_disk_that_fills_up_keeps_the_last_epoch_and_the_next_call_goes_on(
    call: int, small_spec: Make, store: Store, small_runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = small_runs["vae"]
    store.save(other)
    spec, calls = small_spec(epochs=3), 0
    sync = os.fsync

    def full_on_that_call(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(archive.os, "fsync", full_on_that_call)
    with pytest.raises(StoreError, match="No space left on device"):
        get_or_train(store, spec, execution=FLOAT32)
    assert list(store.root.rglob("*.tmp")) == []
    assert store.keys() == [other.key]
    store.verify(other.key)
    _, epochs = epochs_trained(store, spec)
    assert epochs == list(range(call, 4))
    assert set(store.keys()) == {other.key, spec.key}


def test_a_diverged_run_leaves_no_checkpoint(small_spec: Make, store: Store, exploding_steps: None) -> None:
    spec = small_spec()
    with pytest.raises(TrainingDiverged):
        get_or_train(store, spec, execution=FLOAT32)
    assert store.keys() == []
    assert spec.key not in store


@pytest.mark.parametrize("same_inode", [False, True], ids=["another inode", "same inode"])
def test_a_whole_file_that_replaced_a_damaged_one_is_not_set_aside(
    same_inode: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader of damaged bytes must not throw out the run that somebody rebuilt in the meantime, even where the
    system gave it the number that the damaged file had."""
    store = Store(tmp_path)
    spec = RunSpec("digits", "vae", hidden=(8,), epochs=1)
    good = store.path(get_or_train(store, spec, execution=FLOAT32).key)
    whole = good.read_bytes()
    good.write_bytes(whole[:-5])
    inode, read = good.stat().st_ino, archive.read

    def read_then_be_overtaken(path: Path):
        try:
            return read(path)
        finally:
            rebuilt = path if same_inode else tmp_path / "rebuilt"
            rebuilt.write_bytes(whole)
            rebuilt.replace(path)

    monkeypatch.setattr(archive, "read", read_then_be_overtaken)
    with pytest.raises(DamagedRun, match="replaced meanwhile"):
        store.load(spec.key)
    monkeypatch.undo()
    assert good.read_bytes() == whole and (good.stat().st_ino == inode) == same_inode
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_run_may_be_trained_on_splits_of_ones_own(
    tmp_path: Path, small_spec: Callable[..., RunSpec], training: ImageDataset, validation: ImageDataset
) -> None:
    run = get_or_train(
        Store(tmp_path),
        small_spec(),
        splits=(training.first(200), validation.first(30)),
        execution=ON_CPU,
    )
    assert run.provenance["training_images"] == 200
    assert (len(run.codes.mean), run.metrics["validation"]["n"]) == (30, 30)
    assert Store(tmp_path).load(run.key).metrics == run.metrics
    usual = get_or_train(Store(tmp_path / "usual"), small_spec(), execution=ON_CPU)
    assert usual.key == run.key and usual.history != run.history


def test_a_binarised_run_is_measured_on_drawn_pixels_and_keeps_the_codes_of_grey_ones(
    tmp_path: Path, small_spec: Callable[..., RunSpec], validation: ImageDataset
) -> None:
    run = get_or_train(
        Store(tmp_path),
        small_spec(binarised=True, learning_rate=1e-2, epochs=10),
        execution=ON_CPU,
    )
    np.testing.assert_allclose(run.encode(validation.floats()), run.codes.mean, rtol=2e-3, atol=2e-3)
    drawn = run.encode(validation.binarised().floats())
    assert np.abs(drawn - run.codes.mean).max() > 0.05
    assert run.metrics["validation"]["code_std"] == pytest.approx(drawn.std(axis=0), rel=1e-3)
    assert run.metrics["validation"]["bernoulli_floor"] < 1e-6
