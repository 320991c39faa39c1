"""What was measured of shipped runs after their files had been made: of the same weights, and read with them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import norm

from ui.runs import measured_since
from ui.runs.aggregate import aggregate_of
from ui.runs.measured_since import FILE, SIGNATURES, completed
from ui.runs.resources import listing, load_run, store
from vae_core.datasets import is_here, load
from vae_core.metrics import path_lengths
from vae_core.storage.manifest import read_manifest, shipped_run

SINCE = json.loads(FILE.read_text(encoding="utf-8"))
VAE = shipped_run(dataset="mnist", model="vae", latent_dim=16, seed=0, hidden=(128, 64)).key


@pytest.mark.parametrize("key", SINCE)
def test_every_entry_is_of_a_shipped_run_with_the_weights_that_it_has_now(key):
    assert key in {spec.key for spec in read_manifest()}
    (split,) = SINCE[key]
    filed = store().load(key).metrics[split]
    (name, *_) = [name for name in SIGNATURES if name in filed]
    assert SINCE[key][split]["of"] == filed[name]
    assert not set(SINCE[key][split]["figures"]) & {
        name for name, value in filed.items() if not isinstance(value, dict)
    }


def test_pages_read_it_with_the_file_and_the_file_comes_first():
    filed = store().load(VAE).metrics
    read = load_run(VAE).metrics
    assert read == next(line.metrics for line in listing() if line.key == VAE)
    assert read["validation"] == filed["validation"]
    assert read["test"]["kl"] == filed["test"]["kl"]
    assert read["test"]["samples"]["prior"]["frechet"] == filed["test"]["samples"]["prior"]["frechet"]
    assert "gaussian" in read["test"]["samples"] and "gaussian" not in filed["test"]["samples"]
    changed = {"test": {**filed["test"], "aggregate_kl_lower": 7.0}}
    assert completed(VAE, changed)["test"]["aggregate_kl_lower"] == 7.0


def test_of_other_weights_nothing_is_taken_over():
    filed = store().load(VAE).metrics
    other = {"test": {**filed["test"], "mse": filed["test"]["mse"] * 1.001}}
    assert completed(VAE, other) == other
    assert completed("no such run", filed) == filed


def test_without_the_file_runs_are_as_they_are(monkeypatch, tmp_path):
    monkeypatch.setattr(measured_since, "FILE", tmp_path / "nothing")
    measured_since._since.cache_clear()
    filed = store().load(VAE).metrics
    assert completed(VAE, filed) == filed
    measured_since._since.cache_clear()


def test_the_interval_of_held_out_digits_agrees_with_the_one_of_the_test_set():
    """The same run on other images, with the densities of scipy and a sum over all posteriors."""
    run = load_run(VAE)
    found = aggregate_of(run.metrics["test"])
    assert found.only_a_bound and found.limit == pytest.approx(np.log(10_000))
    mean, log_var = (part.astype(np.float64) for part in (run.codes.mean, run.codes.log_var))
    chosen = np.random.default_rng(5).integers(len(mean), size=300)
    sigma = np.exp(0.5 * log_var)
    z = mean[chosen] + sigma[chosen] * np.random.default_rng(6).standard_normal((300, 16))
    logs = np.stack([norm.logpdf(one, mean, sigma).sum(axis=1) for one in z])  # (300, 5,000)
    own = logs[np.arange(300), chosen]
    few = (own - (np.logaddexp.reduce(logs, axis=1) - np.log(len(mean)))).mean()
    assert np.log(5_000) - 0.4 < few < np.log(5_000)  # at its own ceiling, below that of 10,000 images
    assert found.information > few
    assert found.low < 0.6 * found.high  # an interval, and one that a single number would hide


def test_a_run_without_a_lower_bound_has_an_interval_from_nothing():
    figures = {"kl": 8.0, "aggregate_kl": 3.0, "mutual_information": 5.0, "n": 1_000}
    found = aggregate_of(figures)
    assert (found.low, found.high, found.only_a_bound) == (0.0, 3.0, False)
    assert (found.in_nats(), found.told()) == ("0.00 to 3.00", "5.00 to 8.00")
    more = aggregate_of(figures | {"aggregate_kl_lower": 2.5, "aggregate_kl_lower_standard_error": 0.1,
                                   "mutual_information_standard_error": 0.2})  # fmt: skip
    assert (more.low, more.high) == pytest.approx((2.3, 3.4))
    assert aggregate_of(figures | {"aggregate_kl_lower": 9.0}).low == 3.0  # chance cannot put one past the other
    assert (more.in_nats(), more.told()) == ("2.30 to 3.40", "4.60 to 5.70")
    assert aggregate_of({"kl": 8.0, "n": 5}) is None


@pytest.mark.mnist
def test_the_stored_figures_are_those_of_the_test_digits():
    """Two of them made again without the code that made them: torch, scipy, other random numbers."""
    import torch

    if not is_here("mnist"):
        pytest.skip("VAE_DATA holds no MNIST")
    run, images = load_run(VAE), load("mnist", "test")
    with torch.no_grad():
        code = run.model.encode(torch.from_numpy(images.floats()))
    mean = code.mean.numpy().astype(np.float64)
    used = mean.var(axis=0) > 0.01
    assert run.metrics["test"]["path_length_in_use"]["dimensions"] == used.sum()
    random = np.random.default_rng(9)
    chosen = mean[random.permutation(len(mean))[:2_000]]
    away = random.standard_normal(chosen.shape) * used
    away *= 0.01 / np.linalg.norm(away, axis=1, keepdims=True)
    eyes = load_run(shipped_run(dataset="mnist", model="classifier").key).model

    def features(z):
        with torch.no_grad():
            return eyes.encode_mean(
                run.likelihood.expected_pixels(run.model.decode(torch.from_numpy(z).float()))
            ).numpy()

    half = 0.5 * away * mean.std(axis=0)
    median = np.median(path_lengths(features(chosen - half), features(chosen + half), away))
    stored = run.metrics["test"]["path_length_in_use"]
    assert stored["low"] * 0.9 < median < stored["high"] * 1.1
