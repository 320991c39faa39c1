"""The figures of runs that are not shipped: they belong to their specs, and training again gives them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import tools.measure_runs
from vae_core.errors import StoreError
from vae_core.evaluation.features import classifier_spec
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.measured import MEASURED, kept_figures, read_measured
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train


def test_every_run_that_is_listed_was_measured_and_is_not_shipped_too() -> None:
    specs, found = read_manifest(MEASURED), read_measured()
    assert [line.spec for line in found] == specs and len(set(specs)) == len(specs)
    assert not {spec.key for spec in specs} & {spec.key for spec in read_manifest()}
    for line in found:
        assert {"validation", "test"} <= set(line.metrics)
        assert line.spec
        held_out = {"mnist": (5_000, 10_000), "heads": (800, 800)}[line.spec.dataset]
        assert (line.metrics["validation"]["n"], line.metrics["test"]["n"]) == held_out
        assert ("train" in line.metrics) is bool(line.spec.images)


def test_the_figures_agree_with_each_other() -> None:
    for line in read_measured():
        for measured in line.metrics.values():
            if "kl" in measured:
                assert measured["negative_elbo"] == pytest.approx(measured["reconstruction"] + measured["kl"])
            if line.spec and line.spec.likelihood == "bernoulli":
                assert measured["reconstruction"] > 30.0  # no decoder gets below the entropy of grey pixels


def test_seeds_differ_and_stay_near_the_shipped_one() -> None:
    shipped = {replace(spec, seed=0) for spec in read_manifest() if spec.hidden == (96, 48) and spec.data_weight}
    starts: dict[RunSpec, list[float]] = {}
    for line in read_measured():
        assert line.spec
        if (alike := replace(line.spec, seed=0)) in shipped:
            starts.setdefault(alike, []).append(line.metrics["test"]["reconstruction"])
    assert starts.keys() == shipped  # every β but the KL alone
    for found in starts.values():
        assert len(found) == len(set(found)) == 2
        assert max(found) / min(found) < 1.05


def test_what_is_measured_alone_is_what_a_whole_run_has(tmp_path: Path) -> None:
    spec = RunSpec("digits", "vae", hidden=(16,), epochs=2, images=300)
    file = tmp_path / "measured.json"
    file.write_text(json.dumps({"runs": [spec.to_dict()]}))
    with pytest.raises(StoreError, match="measure_runs"):
        read_measured(file)
    tools.measure_runs.measure_missing(file)
    (line,) = read_measured(file)
    store = Store(tmp_path)
    store.save(Store(SHIPPED).load(classifier_spec("digits").key))
    run = get_or_train(store, spec, execution=tools.measure_runs.EXECUTION)
    assert (line.key, line.spec) == (run.key, run.spec)
    assert set(line.metrics) == set(run.metrics) == {"train", "validation", "test"}
    for split, whole in kept_figures(run.metrics).items():
        samples, others = line.metrics[split].pop("samples"), whole.pop("samples")
        assert line.metrics[split] == whole
        assert samples["prior"] == pytest.approx(others["prior"])  # sums of several threads differ in the last digit
        assert {"n", "frechet", "coverage", "hole_rate"} <= set(samples["prior"])
    assert "code_std" not in line.metrics["test"]


@pytest.mark.mnist
def test_training_again_gives_the_figures_again(tmp_path: Path, mnist_root: Path) -> None:
    known = next(line for line in read_measured() if line.spec and (line.spec.model, line.spec.images) == ("ae", 100))
    assert known.spec
    execution = Execution(data_root=mnist_root, device="cpu", precision="float32")
    again = kept_figures(get_or_train(Store(tmp_path), known.spec, execution=execution).metrics)
    for split, measured in known.metrics.items():
        # Not to the last digit: another processor adds up in another order, and 100 images learned by heart amplify
        # that, to 3% between two processors.
        for name in ("mse", "reconstruction"):
            assert again[split][name] == pytest.approx(measured[name], rel=0.06)
