"""A sweep's payloads: what they hold, that they decode exactly, and which sweeps are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.unit.test_browser_payload import interpret, parse, pixels_by_torch
from vae_core.payloads.plane import LatentPlane
from vae_core.payloads.sweep import (
    PINNED,
    aligned_planes,
    dial_payload,
    outward,
    scale_end,
    stop_payload,
    sweep_payloads,
)
from vae_core.program.operations import tensor_names
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store

BETAS = (0.0, 1.0, 8.0)


def numbers(dimensions: int, label: str = "1", **changes: Any) -> dict[str, Any]:
    return {
        "label": label, "reconstruction": 20.0, "kl": 3.0, "hole_rate": 0.1, "sigma_over_spread": 0.5,
        "kl_per_dimension": [3.0 / dimensions] * dimensions, "active": [True] * dimensions, "measured": "360 digits",
        **changes,
    }  # fmt: skip


@pytest.fixture(scope="session", params=[2, 5])
def sweep(
    request: pytest.FixtureRequest, untrained_run: Callable[..., Run], small_spec: Callable[..., RunSpec]
) -> list[Run]:
    """Runs that differ in β and, being untrained, in their seed."""
    specs = [small_spec(latent_dim=request.param, beta=beta, seed=seed) for seed, beta in enumerate(BETAS)]
    return [untrained_run(spec) for spec in specs]


def sweep_numbers(runs: list[Run]) -> list[dict[str, Any]]:
    return [numbers(run.spec.latent_dim, f"{run.spec.beta:g}") for run in runs]


def test_the_dial_tells_of_every_stop_and_draws_its_samples_once(sweep: list[Run]) -> None:
    options = {"images": "digits:validation"}
    payload = dial_payload(sweep, sweep_numbers(sweep), start=1, samples=7, options=options, title="A sweep")
    header, tensors = parse(payload.to_bytes())
    assert header["kind"] == "dial" and header["title"] == "A sweep"
    assert header["options"] == {"images": "digits:validation", "start": 1}
    assert [stop["name"] for stop in header["stops"]] == ["β = 0", "β = 1", "β = 8"]
    assert [stop["key"] for stop in header["stops"]] == [run.key for run in sweep]
    assert header["dimensions"] == sweep[0].spec.latent_dim
    assert tensors["z_samples"].dtype == np.float16
    assert tensors["z_samples"].shape == (7, sweep[0].spec.latent_dim)
    again = dial_payload(sweep, sweep_numbers(sweep), start=1, samples=7, options=options, title="A sweep")
    assert again.to_bytes() == payload.to_bytes()


def test_a_stop_decodes_exactly_from_the_plane_and_from_full_codes(sweep: list[Run]) -> None:
    dial, stops = sweep_payloads(sweep, sweep_numbers(sweep), start=1)
    assert [stop.header["index"] for stop in stops] == [1, 2, 0]
    for stop in stops:
        run = sweep[stop.header["index"]]
        header, tensors = parse(stop.to_bytes())
        assert header["kind"] == "stop" and header["sweep"] == dial.header["sweep"]
        assert tensors["pinned"].dtype == np.float32
        assert np.array_equal(tensors["pinned"], run.codes.mean[list(PINNED)])
        decoder = header["layers"][header["plane_layers"] :]
        rebuilt = interpret(decoder, tensors, tensors["pinned"])
        np.testing.assert_allclose(rebuilt, pixels_by_torch(run, run.codes.mean[list(PINNED)]), rtol=0, atol=1e-3)
        points = tensors["points"][:20].astype(np.float64)
        codes = np.array(header["plane_origin"]) + points @ np.array(header["plane_axes"])
        decoded = interpret(header["layers"], tensors, points)
        np.testing.assert_allclose(decoded, pixels_by_torch(run, codes), rtol=0, atol=1e-3)


def test_the_plane_that_is_all_of_latent_space_keeps_its_axes(sweep: list[Run]) -> None:
    planes = aligned_planes([run.codes.mean for run in sweep])
    for run, plane in zip(sweep, planes, strict=True):
        assert np.allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-6)
        if run.spec.latent_dim == 2:
            assert np.array_equal(plane.axes, np.eye(2)) and not plane.origin.any()
        else:  # turned within itself, and no farther
            own = LatentPlane.of_codes(run.codes.mean)
            assert np.allclose(plane.axes.T @ plane.axes, own.axes.T @ own.axes, atol=1e-5)


def test_a_principal_plane_is_seen_at_the_prior_s_scale_at_least(sweep: list[Run]) -> None:
    _, stops = sweep_payloads(sweep, sweep_numbers(sweep))
    for stop in stops:
        (left, right), (bottom, top) = stop.header["range"]["x"], stop.header["range"]["y"]
        assert left == bottom == -right == -top and right >= 3.15


def turned(angle: float, mirrored: bool) -> np.ndarray:
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return rotation * [1, -1] if mirrored else rotation


@pytest.mark.parametrize("angle", [0.0, 0.7, 1.2, 2.0, 3.1])
@pytest.mark.parametrize("mirrored", [False, True])
def test_codes_turned_in_their_principal_plane_stay_where_they_were(angle: float, mirrored: bool) -> None:
    draw = np.random.default_rng(0)
    codes = draw.normal(size=(300, 6)) * [3.0, 2.0, 0.3, 0.2, 0.1, 0.1]
    basis, _ = np.linalg.qr(draw.normal(size=(6, 6)))
    turn = np.eye(6)
    turn[:2, :2] = turned(angle, mirrored)
    one, other = (codes @ basis).astype(np.float32), (codes @ turn @ basis).astype(np.float32)
    planes = aligned_planes([one, other])
    assert np.allclose(planes[0].project(one), planes[1].project(other), atol=1e-4)


def test_a_collapsed_stop_aligns_without_trouble() -> None:
    draw = np.random.default_rng(0)
    codes = [draw.normal(size=(50, 4)), np.zeros((50, 4)), draw.normal(size=(50, 4))]
    for plane in aligned_planes([one.astype(np.float32) for one in codes]):
        assert np.allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-6)


@pytest.mark.parametrize("count, start, order", [(1, 0, [0]), (5, 0, [0, 1, 2, 3, 4]), (5, 2, [2, 3, 1, 4, 0])])
def test_stops_are_fetched_from_the_start_outward(count: int, start: int, order: list[int]) -> None:
    assert outward(count, start) == order


def test_a_scale_ends_at_the_largest_but_no_farther_than_twice_the_median() -> None:
    assert scale_end([100.0, 150.0, 140.0]) == 150.0
    assert scale_end([900.0, 150.0, 140.0, None, 0.0]) == 300.0
    assert scale_end([None, 0.0]) == 1.0


def test_what_was_not_measured_is_null(sweep: list[Run]) -> None:
    given = sweep_numbers(sweep)
    given[0] = {"label": "KL only"}
    given[1].update(hole_rate=None, sigma_over_spread=float("nan"), kl=float("inf"))
    first, second, _ = dial_payload(sweep, given).header["stops"]
    assert first["name"] == "KL only" and first["measured"] == ""
    assert all(first[name] is None for name in ("reconstruction", "kl", "kl_per_dimension", "active", "hole_rate"))
    assert second["hole_rate"] is second["sigma_over_spread"] is second["kl"] is None


def test_the_stops_know_a_dial_by_its_numbers(sweep: list[Run]) -> None:
    ids = {
        dial_payload(sweep, sweep_numbers(sweep), **changes).header["sweep"]
        for changes in ({}, {"start": 1}, {"title": "Another"}, {"pinned": (3, 4)})
    }
    assert len(ids) == 2


def test_sweeps_that_do_not_belong_together_are_refused(
    sweep: list[Run], untrained_run: Callable[..., Run], small_spec: Callable[..., RunSpec]
) -> None:
    first, given = sweep[0], sweep_numbers(sweep)
    with pytest.raises(ValueError, match="at least one stop"):
        dial_payload([], [])
    with pytest.raises(ValueError, match="numbers for each"):
        dial_payload(sweep, given[:1])
    other = untrained_run(small_spec(latent_dim=first.spec.latent_dim + 1))
    with pytest.raises(ValueError, match="number of latent dimensions is"):
        dial_payload([first, other], given[:2])
    elsewhere = dataclasses.replace(first, spec=dataclasses.replace(first.spec, dataset="mnist"))
    with pytest.raises(ValueError, match="dataset is digits and mnist"):
        dial_payload([first, elsewhere], given[:2])
    with pytest.raises(ValueError, match="no posterior"):
        dial_payload([untrained_run(small_spec(model="ae"))], given[:1])
    with pytest.raises(ValueError, match="start at a stop from 0 to 2"):
        dial_payload(sweep, given, start=3)
    with pytest.raises(ValueError, match="at least one sample"):
        dial_payload(sweep, given, samples=0)
    with pytest.raises(ValueError, match="pinned images"):
        dial_payload(sweep, given, pinned=(0, 10_000))
    with pytest.raises(ValueError, match=r"no \['hole'\]"):
        dial_payload(sweep, [{**given[0], "hole": 1.0}, *given[1:]])
    with pytest.raises(ValueError, match="entries for"):
        dial_payload(sweep, [{**given[0], "active": [True]}, *given[1:]])
    with pytest.raises(ValueError, match="not stop 1"):
        stop_payload(first, dial_payload(sweep, given), 1)


def test_eleven_stops_of_five_thousand_digits_are_far_below_eight_megabytes() -> None:
    run = Store(SHIPPED).load(shipped_run(model="vae", dataset="mnist", latent_dim=2).key)
    dial, stops = sweep_payloads([run] * 11, [numbers(2)] * 11, start=4)
    first = len(dial.to_bytes()) + len(stops[0].to_bytes())
    assert first < 1_500_000
    assert len(stops) == 11 and len(run.codes.labels) == 5000
    small = sum(len(stop.to_bytes()) - _decoder_bytes(stop.header) for stop in stops)
    decoder = 2 * (2 * 32 + 32 + 32 * 64 + 64 + 64 * 784 + 784)  # 784-64-32-2 in half precision
    assert len(dial.to_bytes()) + small + 11 * decoder < 2_500_000


def _decoder_bytes(header: dict[str, Any]) -> int:
    return sum(2 * int(np.prod(header["tensors"][name]["shape"])) for name in tensor_names(header["layers"]))
