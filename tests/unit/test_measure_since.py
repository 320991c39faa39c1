"""tools/measure_since.py: a figure on file must come out again, and measuring codes alone loses nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools import measure_since
from tools.measure_since import lacking, together
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store

FILED: dict[str, Any] = {
    "n": 10_000,
    "mse": 0.037,
    "kl": 5.6e-7,
    "label_agreement": 0.25,
    "active_units": 2,
    "kl_per_dimension": [3.0, 0.002],
    "samples": {"prior": {"n": 3_000, "hole_rate": 0.017, "frechet": 105.3}},
}


def changed(**figures: Any) -> dict[str, Any]:
    return {**FILED, **figures}


def of_samples(**figures: Any) -> dict[str, Any]:
    return changed(samples={"prior": {**FILED["samples"]["prior"], **figures}})


@pytest.mark.parametrize(
    "now",
    [
        FILED,
        changed(mse=0.03703),
        changed(kl=9e-7),  # of a collapsed model
        changed(label_agreement=0.2502),  # two of 10,000
        changed(kl_per_dimension=[3.001, 0.004]),
        of_samples(hole_rate=0.018),  # three of 3,000
    ],
)
def test_what_another_processor_rounds_otherwise_is_the_same(now):
    assert lacking(now, FILED, "run") == {}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (changed(mse=0.0371), "run/mse is 0.037 on file and 0.0371 now"),
        (changed(kl=2e-6), "run/kl"),
        (changed(label_agreement=0.2504), "run/label_agreement"),
        (changed(n=9_999), "run/n is 10000"),
        (changed(active_units=3), "run/active_units"),
        (changed(kl_per_dimension=[3.01, 0.002]), "run/kl_per_dimension"),
        (changed(kl_per_dimension=[3.0]), "run/kl_per_dimension"),
        (changed(samples=1.0), "run/samples"),
        (of_samples(hole_rate=0.0185), "run/samples/prior/hole_rate"),
        (of_samples(frechet=105.6), "run/samples/prior/frechet"),
    ],
)
def test_what_does_not_come_out_again_is_said(now, said):
    with pytest.raises(SystemExit, match=said):
        lacking(now, FILED, "run")


def test_neighbours_of_means_that_are_all_but_one_may_be_others():
    filed, now = ({**changed(active_units=0), "label_agreement": share} for share in (0.25, 0.255))
    assert lacking(now, filed, "run") == {}
    with pytest.raises(SystemExit, match="label_agreement"):
        lacking({**now, "active_units": 1}, {**filed, "active_units": 1}, "run")


def test_only_what_the_file_lacks_is_kept_nested_alike():
    now = {**of_samples(coverage=0.9, hole_rate=0.017), "added": [1, 2], "not_measured": {"x": "y"}}
    assert lacking(now, FILED, "run") == {"added": [1, 2], "samples": {"prior": {"coverage": 0.9}}}


def test_codes_measured_alone_leave_the_figures_of_generated_images(monkeypatch, tmp_path):
    spec = shipped_run(model="vae", dataset="digits", latent_dim=2)
    entries = tmp_path / "since.json"
    filed = Store(SHIPPED).load(spec.key).metrics["test"]
    earlier = {"of": measure_since.signature(filed), "figures": {"samples": {"gaussian": {"n": 5}}, "trust": 1.0}}
    entries.write_text(json.dumps({spec.key: {"test": earlier}, "other": {}}))
    codes = {name: value for name, value in filed.items() if name not in ("samples", "paths")}
    monkeypatch.setattr(measure_since, "FILE", entries)
    monkeypatch.setattr("sys.argv", ["measure_since", "--codes", spec.key])
    monkeypatch.setattr(measure_since, "read_manifest", lambda: (spec,))
    monkeypatch.setattr(measure_since, "measure", lambda run, split, features: {**codes, "trust": 2.0, "codes": 3.0})
    measure_since.main()
    found = json.loads(entries.read_text())
    assert found[spec.key]["test"]["figures"] == {"samples": {"gaussian": {"n": 5}}, "trust": 2.0, "codes": 3.0}
    assert "other" in found


def test_figures_of_other_weights_are_not_taken_along():
    entry = {"test": {"of": 1.0, "figures": {"trust": 2.0}}}
    assert together(entry, {"test": {"of": 1.1, "figures": {"samples": 5}}}) == entry
    assert together(entry, {}) == entry
