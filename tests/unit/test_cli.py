from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from vae_core import archive
from vae_core.cli import commands as cli
from vae_core.datasets import load
from vae_core.errors import StoreError
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import MANIFEST, read_manifest
from vae_core.storage.store import Store

LONG = "x" * 10_000
TRAIN = ["train", "--dataset", "digits", "--model", "vae", "--hidden", "16", "--epochs", "2"]
FLOAT32 = ["--precision", "float32"]


class Answer(NamedTuple):
    status: int
    out: str
    err: str


Ask = Callable[..., Answer]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command line in this process."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["vae_core", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Answer(end.value.code or 0, *capsys.readouterr())  # type: ignore[arg-type]

    return run


@pytest.fixture
def store(tmp_path: Path, small_runs: dict[str, Run]) -> Store:
    """A store with an autoencoder and a VAE."""
    filled = Store(tmp_path / "store")
    for name in ("ae", "vae"):
        filled.save(small_runs[name])
    return filled


def test_a_store_may_begin_with_a_tilde(
    ask: Ask, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "2 intact" in ask("verify", "--store", "~/store").out
    monkeypatch.setenv("VAE_STORE", "~/store")
    assert "2 intact" in ask("verify").out
    exported = ask("export", store.keys()[0], "--to", "~/out")
    assert exported.status == 0 and (tmp_path / "out").is_dir()


def test_a_store_that_is_not_there_is_not_whole(ask: Ask, tmp_path: Path) -> None:
    answer = ask("verify", "--store", tmp_path / "nope")
    assert (answer.status, answer.out) == (1, "")
    assert_one_sentence(answer)
    answer = ask("evict", "--store", tmp_path / "nope")
    assert answer.status == 0 and f"there is no folder {tmp_path / 'nope'}." in answer.err


def test_a_terminal_that_cannot_write_a_name_gets_it_escaped(store: Store, tmp_path: Path, project: Path) -> None:
    command = [sys.executable, "-m", "vae_core", "export", store.keys()[0], "--store", str(store.root)]
    done = subprocess.run(
        [*command, "--to", str(tmp_path / "Käfer")],
        cwd=project, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "K\\xe4fer" in done.stdout and len(list((tmp_path / "Käfer").iterdir())) == 5


def test_a_renamed_run_is_named_with_the_run_that_it_holds(ask: Ask, store: Store) -> None:
    key = next(key for key in store.keys() if key.startswith("vae-"))
    store.path(key).rename(store.root / "mine.safetensors")
    said = f"mine.safetensors holds the run {key}."
    commands = (["list"], ["verify"], ["evaluate", "mine"])
    listed, verified, measured = (ask(*command, "--store", store.root) for command in commands)
    assert key in listed.out and all(said in answer.err for answer in (listed, verified, measured))
    assert (verified.status, measured.status) == (0, 0)


def assert_one_sentence(answer: Answer) -> None:
    assert answer.status == 1
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.endswith(".\n")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert len(answer.err) < 500


def test_train_prints_the_key_alone_and_the_second_call_trains_nothing(
    ask: Ask, tmp_path: Path, small_spec: Callable[..., RunSpec]
) -> None:
    key = small_spec().key
    assert ask(*TRAIN, *FLOAT32, "--store", tmp_path) == (0, f"{key}\n", "")
    content = (tmp_path / f"{key}.safetensors").read_bytes()
    assert ask(*TRAIN, *FLOAT32, "--store", tmp_path) == (0, f"{key}\n", "")
    assert (tmp_path / f"{key}.safetensors").read_bytes() == content  # which holds the time it was finished


def test_train_says_in_json_whether_it_trained(ask: Ask, tmp_path: Path, small_spec: Callable[..., RunSpec]) -> None:
    answers = [json.loads(ask(*TRAIN, *FLOAT32, "--store", tmp_path, "--json").out) for _ in range(2)]
    assert [answer["trained"] for answer in answers] == [True, False]
    assert all(set(answer) == {"key", "trained", "spec", "metrics"} for answer in answers)
    assert answers[0]["metrics"] == answers[1]["metrics"]
    assert RunSpec.from_dict(answers[0]["spec"]) == small_spec()


def test_every_option_reaches_the_spec(ask: Ask, tmp_path: Path) -> None:
    options = "--latent-dim 3 --beta 0.5 --hidden 8,4 --likelihood gaussian --variance 0.1 --epochs 1 "
    options += "--batch-size 500 --learning-rate 0.002 --seed 9 --first 700 --device cpu --precision float32 --json"
    answer = ask("train", "--dataset", "digits", "--model", "vae", *options.split(), "--store", tmp_path)
    expected = RunSpec("digits", "vae", 3, (8, 4), "gaussian", 0.5, 0.1, 1, 500, 0.002, 9, 700)
    assert RunSpec.from_dict(json.loads(answer.out)["spec"]) == expected
    assert Store(tmp_path).keys() == [expected.key]


def test_what_is_drawn_and_what_the_network_is_made_of_reach_the_spec(ask: Ask, tmp_path: Path) -> None:
    options = "--samples 3 --binarised --activation tanh --start-at-mean --json"
    answer = ask(*TRAIN, *FLOAT32, *options.split(), "--store", tmp_path)
    said = RunSpec.from_dict(json.loads(answer.out)["spec"])
    assert (said.samples, said.binarised, said.activation, said.start_at_mean) == (3, True, "tanh", True)


def test_a_corruption_reaches_the_spec_and_one_that_is_none_is_refused(ask: Ask, tmp_path: Path) -> None:
    options = ["--corruption", "patch", "--corruption-level", "0.3", "--json", "--store", tmp_path]
    said = RunSpec.from_dict(json.loads(ask(*TRAIN, *FLOAT32, *options).out)["spec"])
    assert said.damage == ("patch", 0.3)
    refused = ask(*TRAIN, "--corruption", "fog", "--store", tmp_path)
    assert (
        refused.status == 1
        and refused.err.startswith("Error: corruption must be one of none, gaussian")
        and refused.err.count("\n") == 1
    )


def test_denoising_is_measured_on_request(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    run = small_runs["ae"]
    asked = ["evaluate", run.key, "--denoising", "--store", store.root]
    found = json.loads(ask(*asked, "--json").out)["metrics"]["denoising"]
    assert found["n"] == 360 and len(found["gaussian"]["psnr"]) == len(found["levels"]["gaussian"])
    assert "denoising" not in json.loads(ask("evaluate", run.key, "--store", store.root, "--json").out)["metrics"]


def test_images_are_written_as_bits_on_request(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    asked = ["evaluate", small_runs["vae"].key, "--coding", "--store", store.root, "--split", "test"]
    found = json.loads(ask(*asked, "--json").out)["metrics"]["coding"]
    assert found["n"] == 360 and found["bits"] == pytest.approx(found["expected_bits"], rel=0.02)
    refused = ask("evaluate", small_runs["ae"].key, "--coding", "--store", store.root)
    assert refused.status == 1 and "bits-back coding here needs a VAE with a Bernoulli likelihood" in refused.err


def test_what_was_not_read_back_as_it_was_written_gives_no_figure(
    ask: Ask, store: Store, small_runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_core.coding.bits_back.BitsBack.decode", lambda self, data: np.zeros((360, 64), np.uint8))
    refused = ask("evaluate", small_runs["vae"].key, "--coding", "--store", store.root, "--split", "test")
    assert refused.status == 1 and "other images were read than" in refused.err


def test_few_labels_are_asked_of_images_that_are_not_those_they_are_drawn_from(
    ask: Ask, store: Store, small_runs: dict[str, Run]
) -> None:
    asked = ["evaluate", small_runs["ae"].key, "--few-labels", "10", "--store", store.root, "--json"]
    found = json.loads(ask(*asked, "--split", "train").out)["metrics"]["few_labels"]
    assert found["per_class"] == 10 and found["draws"] == 20 and found["standard_deviation"] > 0.0
    run, held_out, training = small_runs["ae"], load("digits", "validation"), load("digits", "train")
    rng, shares = np.random.default_rng, []
    for seed in range(20):
        draw = rng(seed)
        chosen = np.concatenate([draw.permutation(np.flatnonzero(held_out.labels == one))[:10] for one in range(10)])
        codes = run.encode(held_out.floats())[chosen]
        machine = SVC(C=10.0, gamma=1.0 / (codes.shape[1] * codes.var())).fit(codes, held_out.labels[chosen])
        shares.append(machine.score(run.encode(training.floats()), training.labels))
    assert found["accuracy"] == pytest.approx(np.mean(shares), abs=0.003)
    refused = ask(*asked, "--split", "test")  # of digits the same images
    assert refused.status == 1 and "the very images of digits to be told: choose another split" in refused.err
    assert ask(*asked[:2], "--few-labels", "0", *asked[4:], "--split", "train").status == 1


def test_log_p_is_measured_on_request_with_its_counts(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    asked = ["evaluate", run.key, "--likelihood-samples", "20", "--store", store.root]
    found = json.loads(ask(*asked, "--json").out)["metrics"]["log_likelihood"]
    assert set(found) == {"nats", "standard_error", "elbo", "samples", "n", "binarised"}
    assert (found["samples"], found["n"], found["binarised"]) == (20, 360, True)
    assert found["elbo"] < found["nats"] < 0 < found["standard_error"]
    assert found == json.loads(ask(*asked, "--json").out)["metrics"]["log_likelihood"]
    fewer = json.loads(ask(*asked, "--likelihood-images", "7", "--json").out)
    assert (fewer["n"], fewer["metrics"]["log_likelihood"]["n"]) == (360, 7)
    lines = ask(*asked).out.splitlines()
    assert any(line.split() == ["log_likelihood", "nats", f"{found['nats']:.4f}"] for line in lines)
    assert "log_likelihood" not in json.loads(ask("evaluate", run.key, "--store", store.root, "--json").out)["metrics"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vae", ["--likelihood-samples", "0"]),
        ("vae", ["--likelihood-samples", "100001"]),
        ("vae", ["--likelihood-samples", "5", "--likelihood-images", "0"]),
        ("vae", ["--likelihood-images", "5"]),
        ("ae", ["--likelihood-samples", "5"]),
    ],
    ids=str,
)
def test_a_likelihood_that_cannot_be_measured_is_one_sentence(
    name: str, options: list[str], ask: Ask, store: Store, small_runs: dict[str, Run]
) -> None:
    assert_one_sentence(ask("evaluate", small_runs[name].key, "--store", store.root, *options))


def test_the_store_may_come_from_the_environment(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_STORE", str(tmp_path / "chosen"))
    key = ask(*TRAIN, *FLOAT32).out.strip()
    assert Store(tmp_path / "chosen").keys() == [key]


def test_list_gives_key_spec_and_metrics_of_every_run(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    answer = ask("list", "--json", "--store", store.root)
    listed = {entry["key"]: entry for entry in json.loads(answer.out)}
    assert answer.status == 0
    assert answer.err == ""
    assert set(listed) == {small_runs["ae"].key, small_runs["vae"].key}
    for run in (small_runs["ae"], small_runs["vae"]):
        entry = listed[run.key]
        assert set(entry) == {"key", "spec", "metrics"}
        assert entry["spec"] == run.spec.to_dict()
        assert {"dataset", "model", "latent_dim", "hidden", "beta", "seed"} <= set(entry["spec"])
        assert entry["metrics"] == run.metrics


def test_list_for_people_has_a_line_per_run(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    lines = ask("list", "--store", store.root).out.splitlines()
    assert [line.split()[0] for line in lines] == sorted([small_runs["ae"].key, small_runs["vae"].key])
    vae = next(line for line in lines if line.startswith("vae"))
    assert f"negative ELBO {small_runs['vae'].metrics['test']['negative_elbo']:.1f} nats" in vae
    assert vae.endswith("n = 360")


def test_an_empty_store_lists_nothing(ask: Ask, tmp_path: Path) -> None:
    said = f"there is no folder {tmp_path / 'none'}.\n"
    assert ask("list", "--store", tmp_path / "none") == (0, "", said)
    assert ask("list", "--json", "--store", tmp_path / "none") == (0, "[]\n", said)
    assert not (tmp_path / "none").exists()


def test_list_leaves_out_what_it_cannot_read_and_says_so(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    store.path(small_runs["ae"].key).write_bytes(b"damaged")
    (store.root / "not a key.safetensors").write_bytes(b"foreign")
    answer = ask("list", "--json", "--store", store.root)
    assert answer.status == 0
    assert [entry["key"] for entry in json.loads(answer.out)] == [small_runs["vae"].key]
    assert [line.startswith("left out: ") for line in answer.err.splitlines()] == [True, True]


@pytest.mark.parametrize("split", ["validation", "test", "train"])
def test_evaluate_gives_the_measures_of_a_vae(split: str, ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    answer = ask("evaluate", run.key, "--split", split, "--json", "--store", store.root)
    measured = json.loads(answer.out)
    assert (answer.status, answer.err) == (0, "")
    assert set(measured) == {"key", "split", "n", "metrics"}
    assert (measured["key"], measured["split"]) == (run.key, split)
    assert measured["n"] == (1_437 if split == "train" else 360)
    metrics = measured["metrics"]
    assert {"mse", "reconstruction", "kl", "negative_elbo"} <= set(metrics)
    assert metrics["negative_elbo"] == pytest.approx(metrics["reconstruction"] + metrics["kl"])
    assert metrics["kl"] == pytest.approx(sum(metrics["kl_per_dimension"]), rel=1e-5)
    assert metrics["reconstruction"] > metrics["bernoulli_floor"] > 0
    assert metrics["kl"] == pytest.approx(metrics["aggregate_kl"] + metrics["mutual_information"], rel=1e-5)
    assert metrics["mutual_information_n"] == measured["n"]
    assert metrics["mutual_information_limit"] == pytest.approx(math.log(measured["n"]))
    assert metrics["mutual_information"] <= metrics["mutual_information_limit"]
    assert metrics["aggregate_kl_upper"] == metrics["aggregate_kl"]
    lower, error = metrics["aggregate_kl_lower"], metrics["aggregate_kl_lower_standard_error"]
    assert 0 <= lower <= metrics["aggregate_kl"] + 3 * (error + metrics["mutual_information_standard_error"])
    sentence = metrics["not_measured"].pop("samples")
    assert "python -m vae_core train --dataset digits --model classifier --epochs 100" in sentence
    if split != "train":
        kept = {name: value for name, value in run.metrics[split].items() if name != "n"}
        assert metrics == {**kept, "not_measured": {}}


def test_pca_is_trained_and_measured_like_any_other_model(ask: Ask, tmp_path: Path) -> None:
    train = ["train", "--dataset", "digits", "--model", "pca", "--latent-dim", "3", "--store", tmp_path]
    assert json.loads(ask(*train, "--json").out)["trained"] is True
    key = RunSpec("digits", "pca", 3).key
    assert ask(*train, "--seed", "5", "--epochs", "9") == (0, f"{key}\n", "")  # which say nothing of PCA
    answer = ask("evaluate", key, "--json", "--store", tmp_path)
    assert (answer.status, answer.err) == (0, "")
    measured = json.loads(answer.out)
    images, test = (load("digits", split).floats() for split in ("train", "test"))
    pca = PCA(3).fit(images)
    error = np.square(pca.inverse_transform(pca.transform(test)) - test).mean()
    assert measured["n"] == 360
    assert measured["metrics"]["mse"] == pytest.approx(error, rel=1e-4)
    assert not {"kl", "negative_elbo"} & set(measured["metrics"])
    lines = ask("evaluate", key, "--store", tmp_path).out.splitlines()
    assert lines[0] == f"{key}, test, n = 360"
    assert lines[1].split() == ["mse", f"{error:.4f}"]


def test_a_run_of_few_images_is_measured_on_just_those(ask: Ask, tmp_path: Path) -> None:
    train = ["train", "--dataset", "digits", "--model", "ae", "--hidden", "16", "--epochs", "1", "--first", "30"]
    trained = json.loads(ask(*train, *FLOAT32, "--store", tmp_path, "--json").out)
    assert trained["spec"]["images"] == 30
    assert "-n30-" in trained["key"]
    assert {split: figures["n"] for split, figures in trained["metrics"].items()} == {
        "validation": 360,
        "test": 360,
        "train": 30,
    }
    answer = ask("evaluate", trained["key"], "--split", "train", "--json", "--store", tmp_path)
    measured = json.loads(answer.out)
    assert measured["n"] == 30
    assert measured["metrics"]["mse"] == trained["metrics"]["train"]["mse"]


def test_a_classifier_is_measured_by_its_accuracy(ask: Ask, tmp_path: Path, every_kind: dict[str, Run]) -> None:
    run, filled = every_kind["classifier"], Store(tmp_path)
    filled.save(run)
    answer = ask("evaluate", run.key, "--json", "--store", tmp_path)
    assert (answer.status, answer.err) == (0, "")
    metrics = json.loads(answer.out)["metrics"]
    assert {"accuracy", "cross_entropy", "real", "real_at_random"} == set(metrics)
    assert metrics == {name: value for name, value in run.metrics["test"].items() if name != "n"}
    assert f"accuracy {metrics['accuracy']:.4f}" in ask("list", "--store", tmp_path).out


def test_evaluate_claims_no_bound_for_an_autoencoder(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    metrics = json.loads(ask("evaluate", small_runs["ae"].key, "--json", "--store", store.root).out)["metrics"]
    assert {"mse", "reconstruction"} <= set(metrics)
    assert not {"kl", "negative_elbo", "active_units"} & set(metrics)
    assert metrics["reconstruction"] == pytest.approx(metrics["reconstruction_at_mean"])


def test_evaluate_for_people_names_run_split_and_sample_size(
    ask: Ask, store: Store, small_runs: dict[str, Run]
) -> None:
    key = small_runs["vae"].key
    lines = ask("evaluate", key, "--store", store.root).out.splitlines()
    assert lines[0] == f"{key}, test, n = 360"
    assert f"{small_runs['vae'].metrics['test']['mse']:.4f}" in lines[1]


def test_verify_finds_whole_files_whole(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    keys = sorted([small_runs["ae"].key, small_runs["vae"].key])
    answer = ask("verify", "--json", "--store", store.root)
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out) == [{"key": key, "ok": True, "problem": None} for key in keys]
    assert ask("verify", "--store", store.root).out.splitlines()[-1] == "2 intact, 0 damaged"


def test_verify_names_a_file_that_needs_a_plugin_and_calls_it_undamaged(
    ask: Ask, store: Store, small_runs: dict[str, Run]
) -> None:
    keys = sorted(run.key for run in (small_runs["ae"], small_runs["vae"]))
    unknown = small_runs["vae"].key
    for name in ("ae", "vae"):
        store.save(small_runs[name])
    tensors, document = archive.read(store.path(unknown))
    archive.write(store.path(unknown), tensors, {**document, "spec": {**document["spec"], "model": "vq"}})
    answer = ask("verify", "--json", "--store", store.root)
    lines = {line["key"]: line for line in json.loads(answer.out)}
    assert answer.status == 0 and sorted(lines) == keys
    assert lines[unknown]["ok"] and "needs the model 'vq', which is not known here" in lines[unknown]["problem"]
    for_people = ask("verify", "--store", store.root)
    assert f"UNKNOWN {unknown} " in for_people.out and "DAMAGED" not in for_people.out
    assert for_people.out.splitlines()[-1] == "1 intact, 0 damaged, 1 not known here"
    listed = ask("list", "--store", store.root)
    assert (listed.status, listed.out.count("\n")) == (0, 1) and "needs the model 'vq'" in listed.err


def test_verify_exits_1_for_a_damaged_file_and_leaves_it_in_its_place(
    ask: Ask, store: Store, small_runs: dict[str, Run]
) -> None:
    path = store.path(small_runs["ae"].key)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    answer = ask("verify", "--json", "--store", store.root)
    results = {entry["key"]: entry for entry in json.loads(answer.out)}
    assert answer.status == 1
    assert answer.err == ""
    assert results[small_runs["vae"].key]["ok"] is True
    assert results[small_runs["ae"].key]["ok"] is False
    assert "does not match its SHA-256" in results[small_runs["ae"].key]["problem"]
    assert path.read_bytes() == content

    for_people = ask("verify", "--store", store.root)
    assert for_people.status == 1
    assert for_people.out.splitlines()[-1] == "1 intact, 1 damaged"
    assert for_people.out.count("DAMAGED") == 1


def test_a_damaged_run_is_one_sentence_and_set_aside(ask: Ask, store: Store, small_runs: dict[str, Run]) -> None:
    path = store.path(small_runs["ae"].key)
    path.write_bytes(path.read_bytes()[:-1])
    answer = ask("evaluate", small_runs["ae"].key, "--store", store.root)
    assert_one_sentence(Answer(answer.status, answer.out, answer.err.replace(". It was set", "; it was set")))
    assert f"set aside as {path.name}.damaged-1" in answer.err
    assert not path.exists()


def test_rebuild_makes_the_runs_that_are_missing(ask: Ask, tmp_path: Path, small_spec: Callable[..., RunSpec]) -> None:
    specs = [small_spec(), small_spec(model="ae")]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"runs": [spec.to_dict() for spec in specs]}))
    rebuild = ["rebuild", "--manifest", manifest, "--store", tmp_path / "store", *FLOAT32]
    first, second = ask(*rebuild), ask(*rebuild, "--json")
    assert first == (0, "".join(f"{spec.key}: trained\n" for spec in specs), "")
    assert [(entry["key"], entry["trained"]) for entry in json.loads(second.out)] == [
        (spec.key, False) for spec in specs
    ]

    Store(tmp_path / "store").path(specs[1].key).write_bytes(b"damaged")
    third = ask(*rebuild)
    assert third.out == f"{specs[0].key}: already there\n{specs[1].key}: trained\n"


BAD_MANIFESTS = {
    "missing": (None, "is not a readable manifest"),
    "not JSON": ("runs: []", "is not a readable manifest"),
    "not text": (b"\xff\xfe\xfd", "is not a readable manifest"),
    "no runs": ("{}", "is not a readable manifest"),
    "a list": ("[]", "is not a readable manifest"),
    "a number of runs": ('{"runs": 5}', "is not a readable manifest"),
    "a name for a run": ('{"runs": ["vae"]}', "run 1 in .* must be an object"),
    "a bad run": ('{"runs": [{"dataset": "digits", "model": "vae", "epochs": 0}]}', "run 1 in .*: epochs must be"),
    "an unknown field": ('{"runs": [{"dataset": "digits", "model": "vae", "gpu": 1}]}', "unknown field 'gpu'"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS.keys())
def test_a_bad_manifest_is_one_sentence(content: Any, sentence: str, ask: Ask, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    if content is not None:
        manifest.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(StoreError, match=sentence):
        read_manifest(manifest)
    answer = ask("rebuild", "--manifest", manifest, "--store", tmp_path / "store")
    assert_one_sentence(answer)
    assert not (tmp_path / "store").exists()


@pytest.mark.skipif(not MANIFEST.exists(), reason="no runs are shipped yet")
def test_the_shipped_manifest_names_each_run_once() -> None:
    keys = [spec.key for spec in read_manifest()]
    assert keys
    assert len(set(keys)) == len(keys)


BAD_TRAINING = {
    "unknown dataset": ["--dataset", "imagenet"],
    "10 kB dataset": ["--dataset", LONG],
    "unknown model": ["--model", "gan"],
    "10 kB model": ["--model", LONG],
    "no latent dimension": ["--latent-dim", "0"],
    "a million latent dimensions": ["--latent-dim", "1000000"],
    "astronomically many": ["--latent-dim", "9" * 400],
    "negative beta": ["--beta", "-1"],
    "beta nan": ["--beta", "nan"],
    "beta infinite": ["--beta", "1e999"],
    "beta for an autoencoder": ["--model", "ae", "--beta", "1"],
    "no epochs": ["--epochs", "0"],
    "no batch": ["--batch-size", "0"],
    "no learning rate": ["--learning-rate", "0"],
    "negative seed": ["--seed", "-1"],
    "hidden words": ["--hidden", "wide,deep"],
    "hidden fractions": ["--hidden", "1.5"],
    "hidden zero": ["--hidden", "0"],
    "hidden 10 kB": ["--hidden", LONG],
    "hidden digits": ["--hidden", "9" * 10_000],
    "unknown likelihood": ["--likelihood", "poisson"],
    "a variance too many": ["--variance", "0.1"],
    "one image": ["--first", "1"],
    "hidden layers for PCA": ["--model", "pca"],
    "more dimensions than pixels": ["--model", "linear_ae", "--hidden", "", "--latent-dim", "65"],
    "a memoriser of no images": ["--model", "memoriser", "--latent-dim", "1"],
    "a convolution too many": ["--model", "conv_vae", "--hidden", "4,4,4,4,8"],
    "a convolution too few": ["--model", "conv_vae", "--hidden", "8"],
    "variance 0": ["--likelihood", "gaussian", "--variance", "0"],
    "no samples": ["--samples", "0"],
    "samples of an autoencoder": ["--model", "ae", "--samples", "2"],
    "binarised under a Gaussian": ["--likelihood", "gaussian", "--binarised"],
    "unknown activation": ["--activation", "sine"],
    "tanh in convolutions": ["--model", "conv_vae", "--hidden", "4,8", "--activation", "tanh"],
    "unknown device": ["--device", "gpu"],
    "unknown precision": ["--precision", "float8"],
}


@pytest.mark.parametrize("options", BAD_TRAINING.values(), ids=BAD_TRAINING.keys())
def test_training_that_cannot_be_is_one_sentence(options: list[str], ask: Ask, tmp_path: Path) -> None:
    assert_one_sentence(ask(*TRAIN, "--store", tmp_path, *options))
    assert Store(tmp_path).keys() == []


def test_a_run_that_diverges_is_one_sentence_naming_it(ask: Ask, tmp_path: Path, exploding_steps: None) -> None:
    answer = ask(*TRAIN, *FLOAT32, "--store", tmp_path)
    assert_one_sentence(answer)
    assert "stopped in epoch 1: the loss is no longer a finite number" in answer.err


@pytest.mark.parametrize("place", ["file", "file/store"])
def test_an_unwritable_store_is_one_sentence(place: str, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert_one_sentence(ask(*TRAIN, "--store", tmp_path / place))


def test_training_on_images_that_cannot_be_fetched_is_one_sentence(
    ask: Ask, tmp_path: Path, no_network: list[str]
) -> None:
    answer = ask(*TRAIN, "--dataset", "mnist", "--store", tmp_path / "store", "--data-root", tmp_path / "images")
    assert_one_sentence(answer)
    assert "could not be downloaded" in answer.err
    assert no_network


def test_an_mnist_run_is_measured_offline_on_validation_and_says_what_test_needs(
    ask: Ask, tmp_path: Path, untrained_run: Callable[..., Run], no_network: list[str]
) -> None:
    run = untrained_run(RunSpec("mnist", "vae", hidden=(8,)))
    Store(tmp_path).save(run)
    evaluate = ["evaluate", run.key, "--store", tmp_path, "--data-root", tmp_path / "images", "--json"]
    assert json.loads(ask(*evaluate, "--split", "validation").out)["n"] == 5_000
    assert no_network == []
    assert_one_sentence(ask(*evaluate, "--split", "test"))


@pytest.mark.parametrize(
    "key", ["vae-digits-d2-b1-0000000000", "", "../secret", "/etc/passwd", "x\x00y", LONG, "<b>", "a\nb"], ids=repr
)
def test_a_key_that_is_not_there_is_one_sentence(key: str, ask: Ask, store: Store) -> None:
    assert_one_sentence(ask("evaluate", "--store", store.root, "--", key))


@pytest.mark.parametrize("split", ["all", "", LONG], ids=["all", "empty", "10 kB"])
def test_a_split_that_is_not_there_is_one_sentence(
    split: str, ask: Ask, store: Store, small_runs: dict[str, Run]
) -> None:
    assert_one_sentence(ask("evaluate", small_runs["ae"].key, "--split", split, "--store", store.root))


USAGE = {
    "unknown command": ["fly"],
    "unknown option": ["list", "--colour"],
    "no dataset": ["train", "--model", "vae"],
    "no key": ["evaluate"],
    "epochs in words": [*TRAIN, "--epochs", "three"],
    "beta in words": [*TRAIN, "--beta", "large"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_a_wrong_command_line_exits_2_with_the_usage(arguments: list[str], ask: Ask) -> None:
    answer = ask(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert "Usage" in answer.err
    assert "Traceback" not in answer.err


def test_ctrl_c_says_that_the_same_command_resumes(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_spec: Callable[..., RunSpec]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", stop)  # after the last epoch, before the run is filed
        answer = ask(*TRAIN, *FLOAT32, "--store", tmp_path)
    assert answer == (130, "", "Stopped. The same command resumes from the last finished epoch.\n")
    assert Store(tmp_path).keys() == []
    assert ask(*TRAIN, *FLOAT32, "--store", tmp_path).out == f"{small_spec().key}\n"


def test_waiting_for_another_process_is_said_on_standard_error(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_runs: dict[str, Run]
) -> None:
    def waited(store: Store, spec: RunSpec, *, on_wait: Callable[[], None], **_: object) -> Run:
        on_wait()
        return small_runs["vae"]

    monkeypatch.setattr("vae_core.training.jobs.get_or_train", waited)
    key = small_runs["vae"].key
    sentence = f"{key} is being trained by another process; waiting for it.\n"
    assert ask(*TRAIN, "--store", tmp_path) == (0, f"{key}\n", sentence)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Store, "listing", bug)
    monkeypatch.setattr(sys, "argv", ["vae_core", "list", "--store", str(tmp_path)])
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cli.main()


def test_the_module_runs_as_a_program(
    run_python: Callable[..., subprocess.Popen[str]], store: Store, small_runs: dict[str, Run]
) -> None:
    good = run_python("-m", "vae_core", "list", "--json", "--store", str(store.root))
    bad = run_python("-m", "vae_core", *TRAIN, "--beta", "nan", "--store", str(store.root))
    out, err = good.communicate(timeout=120)
    assert (good.returncode, err) == (0, "")
    assert [entry["key"] for entry in json.loads(out)] == sorted([small_runs["ae"].key, small_runs["vae"].key])
    out, err = bad.communicate(timeout=120)
    assert (bad.returncode, out) == (1, "")
    assert err == "Error: beta must be a number at least 0 and at most 1e+06, not nan.\n"
