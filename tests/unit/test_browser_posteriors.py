"""The payload of all approximate posteriors, read from its bytes alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.test_browser_payload import parse
from vae_core.payloads.posteriors import posteriors_payload
from vae_core.run import Run


def test_means_and_deviations_are_the_runs(small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    header, tensors = parse(
        posteriors_payload([run, run], [{"title": "a"}, {"title": "b"}], palette=["#fff"]).to_bytes()
    )
    assert [plane["title"] for plane in header["planes"]] == ["a", "b"] and header["planes"][0]["key"] == run.key
    for number in range(2):
        assert np.array_equal(tensors[f"means{number}"], run.codes.mean)
        assert np.allclose(tensors[f"sigmas{number}"] ** 2, np.exp(run.codes.log_var), rtol=1e-5)
    assert np.array_equal(tensors["classes"], run.codes.labels)
    low, high = header["planes"][0]["range"]["x"]
    assert (np.abs(run.codes.mean[:, 0] - (low + high) / 2) <= (high - low) / 2).mean() > 0.97


@pytest.mark.parametrize("name", ["ae", "vae d=5"])
def test_runs_without_posteriors_in_a_plane_are_refused(name: str, small_runs: dict[str, Run]) -> None:
    with pytest.raises(ValueError, match="no posteriors in a plane"):
        posteriors_payload([small_runs[name]], [{}])
