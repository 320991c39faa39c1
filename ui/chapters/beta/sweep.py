"""The β chapter's sweeps: which runs stand on the dial, and what the dial is sent of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ui.figures.palette import CLASS_COLOURS
from ui.runs.resources import load_run, noun_of, shelf
from ui.runs.selection import figure, measured_on, per_shelf
from vae_core.errors import RunNotFound
from vae_core.payloads.plane import Payload
from vae_core.payloads.sweep import PINNED, sweep_payloads
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Listed

DIMENSIONS = (2, 16)
DATASET, HIDDEN = "mnist", (96, 48)
NO_KL, USUAL, KL_ONLY = "0", "1", "KL only"


def label_of(spec: RunSpec) -> str:
    """A stop's name on the dial."""
    return KL_ONLY if spec.data_weight == 0 else f"{spec.kl_weight:g}"


def usual_of(labels: Sequence[str]) -> int:
    """The stop that a dial stands on where no link says another."""
    return labels.index(USUAL) if USUAL in labels else 0


def name_of(label: str) -> str:
    """A stop's name in a sentence."""
    return label if label == KL_ONLY else f"β = {label}"


@per_shelf
def stops_of(dimensions: int) -> tuple[Listed, ...]:
    """The sweep's members in the store, along the dial.

    Raises:
        RunNotFound: fewer than two.
    """
    wanted = [
        spec
        for spec in read_manifest()
        if (spec.dataset, spec.model, spec.hidden, spec.latent_dim) == (DATASET, "vae", HIDDEN, dimensions)
    ]
    lines = {line.key: line for line in shelf().lines}
    found = tuple(lines[spec.key] for spec in sorted(wanted, key=_place) if spec.key in lines)
    if len(found) < 2:
        raise RunNotFound(f"the sweep at d = {dimensions} is not in the store; run 'python -m vae_core rebuild'.")
    return found


def _place(spec: RunSpec) -> tuple[bool, float]:
    return spec.data_weight == 0, spec.kl_weight


def spec_of(line: Listed) -> RunSpec:
    """What a stop was trained with."""
    assert line.spec is not None  # the shelf holds readable runs only
    return line.spec


def labels_of(dimensions: int) -> list[str]:
    """Names of the stops."""
    return [label_of(spec_of(line)) for line in stops_of(dimensions)]


def stop_at(dimensions: int, label: str) -> Listed:
    """The stop of that name.

    Raises:
        RunNotFound: it is not in the store.
    """
    for line in stops_of(dimensions):
        if label_of(spec_of(line)) == label:
            return line
    raise RunNotFound(f"the sweep at d = {dimensions} has no run at {label}; run 'python -m vae_core rebuild'.")


def measured(line: Listed, *path: str) -> float:
    """A number from a stop's file.

    Raises:
        RunNotFound: it was not measured.
    """
    value = figure(line, *path)
    if value is None:
        raise RunNotFound(f"{' '.join(path)} was not measured on {line.key}: train its dataset's classifier first.")
    return value


def small(value: float) -> str:
    """A ratio of any size, as the dial writes it: 0.13, or 2.9e-6 where decimals would hide it."""
    if value >= 0.01 or value == 0:
        return f"{value:.2g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def numbers_of(line: Listed, run: Run) -> dict[str, Any]:
    """What the dial shows of a stop: from the run's file, and of its codes."""
    spec, metrics = spec_of(line), line.metrics.get("test") or line.metrics.get("validation", {})
    variances = [deviation**2 for deviation in metrics.get("code_std", [])]
    return {
        "label": label_of(spec),
        "reconstruction": metrics.get("reconstruction"),
        "kl": metrics.get("kl"),
        "hole_rate": figure(line, "samples", "prior", "hole_rate"),
        "sigma_over_spread": run.codes.sigma_over_spread(),
        "kl_per_dimension": metrics.get("kl_per_dimension", []),
        "active": [variance > 0.01 for variance in variances],
        "measured": _measured(line, run),
    }


def _measured(line: Listed, run: Run) -> str:
    """How many images, and which, the numbers of a stop are of: not all are of the same."""
    nouns = f"{noun_of(run.spec.dataset)}s"
    told = [measured_on(line, noun=nouns)] if figure(line, "n") else []
    if sampled := figure(line, "samples", "prior", "n"):
        told.append(f"hole rate: {sampled:,.0f} samples")
    told.append(f"σ / spread: dimensions in use, {len(run.codes.labels):,} held-out {nouns}")
    return "; ".join(told)


@per_shelf
def dial_along(keys: tuple[str, ...], start: int, images: str) -> tuple[Payload, list[Payload]]:
    """The payload of a dial along some runs and its stops, the start first.

    Args:
        keys: of the runs, in their order along the dial.
        start: the stop shown first.
        images: name of the held-out images.
    """
    lines, runs = {line.key: line for line in shelf().lines}, [load_run(key) for key in keys]
    shown = min(len(PINNED), *(len(run.codes.labels) for run in runs))
    return sweep_payloads(
        runs,
        [numbers_of(lines[key], run) for key, run in zip(keys, runs, strict=True)],
        start=start,
        pinned=PINNED[:shown],
        palette=list(CLASS_COLOURS),
        # For whoever follows a teacher's dial: its name in the link, and the stop that the link does not say.
        options={"images": images, "link": "beta", "usual": usual_of([label_of(run.spec) for run in runs])},
    )


def dial_of(dimensions: int, start: int, images: str) -> tuple[Payload, list[Payload]]:
    """The same along the sweep of this chapter, d = `dimensions`."""
    return dial_along(tuple(line.key for line in stops_of(dimensions)), start, images)
