"""Which run a chapter means: found in the store by what it is, or described so that it can be trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ui.resources import listing
from vae_core import datasets
from vae_core.checkpoints import Listed
from vae_core.errors import RunNotFound
from vae_core.manifest import read_manifest
from vae_core.models import model_kind
from vae_core.spec import RunSpec

# Hidden layers of the runs that chapters compare with one another: small, so that many fit into a download.
COMPARED_HIDDEN = {"mlp": (128, 64), "conv": (16, 32, 64), "linear": ()}
SMALL_SET, SMALL_SET_EPOCHS, SMALL_SET_BATCH = 10_000, 200, 64


def compared_spec(model: str, dataset: str, latent_dim: int, hidden: tuple[int, ...] | None = None) -> RunSpec:
    """The spec that chapters compare: the shipped run of this kind, or its recipe on another dataset, d or depth.

    Raises:
        RunNotFound: the manifest has no recipe for this model.
        SpecError: no such model on this dataset.
    """
    usual = COMPARED_HIDDEN[model_kind(model).family]
    wanted = hidden or usual
    alike = [spec for spec in read_manifest() if spec.model == model and spec.seed == 0]
    for spec in alike:
        if (spec.dataset, spec.latent_dim, spec.hidden) == (dataset, latent_dim, wanted):
            return spec
    recipe = next((spec for spec in alike if spec.dataset == "mnist" and spec.hidden == usual), None)
    if recipe is None:
        raise RunNotFound(f"the manifest has no recipe for the model {model}.")
    changes: dict[str, Any] = {"dataset": dataset, "latent_dim": latent_dim, "hidden": wanted}
    if datasets.info(dataset).training_images < SMALL_SET and model_kind(model).trained:
        # As many epochs as for 55,000 images would be a few hundred steps.
        changes |= {"epochs": SMALL_SET_EPOCHS, "batch_size": SMALL_SET_BATCH}
    return replace(recipe, **changes)


def seeds_of(spec: RunSpec) -> list[Listed]:
    """The runs in the store that differ from `spec` in nothing but the seed, by seed."""
    alike = [line for line in listing() if line.spec and replace(line.spec, seed=spec.seed) == spec]
    return sorted(alike, key=lambda line: line.spec.seed if line.spec else 0)


def figure(line: Listed, *path: str, split: str = "test") -> float | None:
    """A number from a run's file: of the test split, or where it was not measured, of the held-out one."""
    value: Any = line.metrics.get(split) or line.metrics.get("validation", {})
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return float(value) if isinstance(value, int | float) else None
