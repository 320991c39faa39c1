"""A sweep of VAEs that differ only in β, as payloads for the browser's β dial.

One payload is the dial itself: the list of stops, the numbers measured on each, and the codes of its samples. Each stop
has a payload of its own: a `plane.plane_payload` with the codes of the pinned held-out images.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import orthogonal_procrustes

from vae_core.payloads.plane import (
    PRIOR_REACH,
    LatentPlane,
    Payload,
    Tensors,
    image_size,
    plane_payload,
    square_range,
)
from vae_core.run import Run

SAMPLES = 36
PINNED = tuple(range(12))  # held-out images whose reconstructions are shown
SAMPLE_SEED = 0
SCALE_OF_MEDIAN = 2.0
NEGLIGIBLE = 0.01  # nats
PLANE_AXES = (
    "principal plane, across",
    "principal plane, up",
)  # after a rotation they are no longer principal directions
_NUMBERS = ("reconstruction", "kl", "hole_rate", "sigma_over_spread")
_LISTS = ("kl_per_dimension", "active")


def aligned_planes(codes: Sequence[np.ndarray]) -> list[LatentPlane]:
    """The plane of each stop, rotated or mirrored so that its points are as close as possible to those of the previous
    stop (orthogonal Procrustes). A plane that is all of latent space keeps its true axes.

    Args:
        codes: of each stop, (N, d); row i belongs to the same image everywhere.
    """
    planes: list[LatentPlane] = []
    before: np.ndarray | None = None
    for stop in codes:
        plane = LatentPlane.of_codes(stop)
        points = plane.project(stop)
        if before is not None and not plane.whole:
            turn, _ = orthogonal_procrustes(points.astype(np.float64), before.astype(np.float64))
            plane = replace(plane, axes=(turn.T @ plane.axes).astype(np.float32))
            points = plane.project(stop)
        planes.append(plane)
        before = points
    return planes


def outward(count: int, start: int) -> list[int]:
    """0 to count − 1, the nearest to `start` first: the order in which stops are fetched."""
    return sorted(range(count), key=lambda index: (abs(index - start), -index))


def dial_payload(
    runs: Sequence[Run],
    numbers: Sequence[Mapping[str, Any]],
    *,
    start: int = 0,
    samples: int = SAMPLES,
    pinned: Sequence[int] = PINNED,
    options: Mapping[str, Any] | None = None,
    **header: Any,
) -> Payload:
    """The dial: its stops and what was measured on them.

    Args:
        runs: the stops in their order along the dial.
        numbers: of each stop: ``label``, such as "4"; ``name`` if it is not "β = label"; ``reconstruction`` and
            ``kl`` in nats per image, ``kl_per_dimension`` (d) in nats, ``active`` (d) true or false, ``hole_rate``
            from 0 to 1, ``sigma_over_spread``, and ``measured``, in words, the images they are of. What is left out,
            None or not finite is shown as a dash.
        start: the stop shown first.
        samples: how many codes are sampled from N(0, I), the same at every stop.
        pinned: numbers of the held-out images whose reconstructions are shown.
        options: of the dial, such as ``images``, the name of the image set that its thumbnails come from.
        header: further entries, such as ``title``, ``subtitle`` and ``palette``.

    Raises:
        ValueError: no stops, or stops that do not belong together, or numbers or choices that do not fit them.
    """
    if not runs:
        raise ValueError("a dial needs at least one stop")
    if len(numbers) != len(runs):
        raise ValueError(f"a dial of {len(runs)} stops needs numbers for each, not {len(numbers)}")
    first = runs[0]
    for run in runs:
        _check(run, first)
    if not 0 <= start < len(runs):
        raise ValueError(f"the dial must start at a stop from 0 to {len(runs) - 1}, not {start}")
    if not pinned or not 0 <= min(pinned) <= max(pinned) < len(first.codes.labels):
        raise ValueError(f"pinned images must be numbers from 0 to {len(first.codes.labels) - 1}, not {list(pinned)}")
    if samples < 1:
        raise ValueError(f"a dial shows at least one sample, not {samples}")
    dimensions = first.spec.latent_dim
    stops = [
        {**_stop_entry(run.key, entry, dimensions), "weights": [run.spec.data_weight, run.spec.kl_weight]}
        for run, entry in zip(runs, numbers, strict=True)
    ]
    tensors = Tensors()
    latents = np.random.default_rng(SAMPLE_SEED).standard_normal((samples, dimensions))
    tensors.add("z_samples", latents.astype(np.float16))
    totals = [_sum(stop["reconstruction"], stop["kl"]) for stop in stops]
    largest = [max(stop["kl_per_dimension"] or (), default=None) for stop in stops]
    return tensors.payload(
        {
            "kind": "dial",
            "sweep": _sweep_id(stops, pinned),
            "image": image_size(first.image_shape),
            "dimensions": dimensions,
            "labels": list(first.label_names),
            "stops": stops,
            "pinned": [int(index) for index in pinned],
            # Where the scales end, in nats: the same at every stop.
            "loss_scale": scale_end(totals),
            "kl_scale": scale_end(largest),
            "options": {**(options or {}), "start": start},
            **header,
        }
    )


def stop_payload(run: Run, dial: Payload, index: int, plane: LatentPlane | None = None) -> Payload:
    """One stop of a dial.

    Args:
        run: the stop's.
        dial: made by `dial_payload`.
        index: which of the dial's stops it is.
        plane: what to draw, one of `aligned_planes`; left out, `LatentPlane.of_codes`.

    Raises:
        ValueError: the run is not that stop.
    """
    stops = dial.header["stops"]
    if not 0 <= index < len(stops) or stops[index]["key"] != run.key:
        raise ValueError(f"{run.key} is not stop {index} of the dial")
    codes = run.codes.mean
    plane = plane or LatentPlane.of_codes(codes)
    header: dict[str, Any] = {}
    if not plane.whole:
        points = plane.project(codes)
        # For a principal plane, too: a collapsed model must look collapsed.
        header = {"range": square_range(points, at_least=PRIOR_REACH), "axes": list(PLANE_AXES)}
    pinned = codes[dial.header["pinned"]].astype(np.float32)
    return plane_payload(
        run, plane, extra={"pinned": pinned}, kind="stop", sweep=dial.header["sweep"], index=index, **header
    )


def sweep_payloads(
    runs: Sequence[Run], numbers: Sequence[Mapping[str, Any]], *, start: int = 0, **options: Any
) -> tuple[Payload, list[Payload]]:
    """A dial and its stops in the order in which they should be fetched. Arguments as in `dial_payload`."""
    dial = dial_payload(runs, numbers, start=start, **options)
    planes = aligned_planes([run.codes.mean for run in runs])
    return dial, [stop_payload(runs[index], dial, index, planes[index]) for index in outward(len(runs), start)]


def scale_end(values: Sequence[float | None]) -> float:
    """The end of a scale for values of at least 0: the largest value, but at most twice their median.

    At β near 0 the KL is hundreds of nats: on a scale for it, the bars of the other stops would hardly be visible.
    """
    known = [value for value in values if value is not None and value > NEGLIGIBLE]
    return min(max(known), SCALE_OF_MEDIAN * float(np.median(known))) if known else 1.0


def _check(run: Run, first: Run) -> None:
    if not run.codes.has_posterior:
        raise ValueError(f"{run.key} has no posterior: a dial's stops are variational autoencoders")
    for name, mine, theirs in (
        ("dataset", run.spec.dataset, first.spec.dataset),
        ("number of latent dimensions", run.spec.latent_dim, first.spec.latent_dim),
        ("number of held-out images", len(run.codes.labels), len(first.codes.labels)),
    ):
        if mine != theirs:
            raise ValueError(f"a dial's stops differ in β alone, but their {name} is {theirs} and {mine}")


def _stop_entry(key: str, numbers: Mapping[str, Any], dimensions: int) -> dict[str, Any]:
    unknown = set(numbers) - {"label", "name", "measured", *_NUMBERS, *_LISTS}
    if unknown or "label" not in numbers:
        raise ValueError(f"a stop's numbers must have a label and no {sorted(unknown)}")
    label = str(numbers["label"])
    entry: dict[str, Any] = {"key": key, "label": label, "name": str(numbers.get("name") or _name(label))}
    entry["measured"] = str(numbers.get("measured") or "")
    for name in _NUMBERS:
        entry[name] = _finite(numbers.get(name))
    for name in _LISTS:
        given = numbers.get(name)
        if given is not None and len(given) != dimensions:
            raise ValueError(f"{name} of stop {label} has {len(given)} entries for {dimensions} dimensions")
    divergences, active = numbers.get("kl_per_dimension"), numbers.get("active")
    entry["kl_per_dimension"] = None if divergences is None else [_finite(value) for value in divergences]
    if entry["kl_per_dimension"] is not None and None in entry["kl_per_dimension"]:
        entry["kl_per_dimension"] = None
    entry["active"] = None if active is None else [bool(value) for value in active]
    return entry


def _name(label: str) -> str:
    try:
        float(label)
    except ValueError:
        return label
    return f"β = {label}"


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _sum(*terms: float | None) -> float | None:
    known = [term for term in terms if term is not None]
    return sum(known) if len(known) == len(terms) else None


def _sweep_id(stops: Sequence[Mapping[str, Any]], pinned: Sequence[int]) -> str:
    """An id of a dial; its stops carry it, too."""
    text = json.dumps([stops, [int(index) for index in pinned]])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
