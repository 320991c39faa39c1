"""The runs that the chapter compares: heads, the same layers, five ways to make six numbers of a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ui.runs.resources import shelf
from ui.runs.selection import measured_seeds_of, per_shelf
from vae_core.errors import RunNotFound
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed

DATASET = "heads"
DIMENSIONS = (6, 10)
USUAL = "tc"
# What is trained where nothing was shipped.
_RECIPE = {
    "dataset": DATASET, "hidden": (16, 32, 64, 128), "likelihood": "gaussian", "variance": 0.01, "epochs": 60,
    "batch_size": 128, "learning_rate": 2e-3,
}  # fmt: skip


class Kind(NamedTuple):
    """A way to make numbers of a face.

    Attributes:
        title: for people.
        asks: what it asks of its numbers, in a few words.
        fits: whether a spec of this dataset is one.
        recipe: the fields that it is trained with where none was shipped.
    """

    title: str
    asks: str
    fits: Callable[[RunSpec], bool]
    recipe: dict[str, object]


# By what stands in the URL.
KINDS = {
    "ae": Kind(
        "Autoencoder", "nothing", lambda spec: spec.model == "conv_ae", {"model": "conv_ae"},
    ),
    "vae": Kind(
        "VAE", "to be near N(0, I)", lambda spec: spec.model == "conv_vae" and spec.kl_weight == 1,
        {"model": "conv_vae"},
    ),
    "beta": Kind(
        "β-VAE", "the same, β times as strongly", lambda spec: spec.model == "conv_vae" and spec.kl_weight > 1,
        {"model": "conv_vae", "beta": 6.0},
    ),
    "tc": Kind(
        "β-TCVAE", "to be independent of each other", lambda spec: spec.model == "tc_vae",
        {"model": "tc_vae", "beta": 6.0},
    ),
    "fsq": Kind("FSQ", "to be one of a few levels", lambda spec: spec.model == "flat_fsq", {"model": "flat_fsq"}),
}  # fmt: skip


def _suits(spec: RunSpec, kind: Kind, dimensions: int) -> bool:
    return (spec.dataset, spec.latent_dim) == (DATASET, dimensions) and kind.fits(spec)


@per_shelf
def spec_of(name: str, dimensions: int = 6) -> RunSpec:
    """The first shipped spec of a kind whose run is in the store; else the first run in the store that is one.

    Raises:
        RunNotFound: there is none.
    """
    kind = KINDS[name]
    stored = [line.spec for line in shelf().lines if line.spec]
    here = {spec.key for spec in stored}
    shipped = [spec for spec in read_manifest() if spec.key in here]
    for spec in (*shipped, *sorted(stored, key=lambda spec: (spec.kl_weight, spec.seed, spec.key))):
        if _suits(spec, kind, dimensions):
            return spec
    raise RunNotFound(f"the {kind.title} of heads with d = {dimensions} is not in the store.")


def wanted(name: str, dimensions: int = 6) -> RunSpec:
    """What to train where `spec_of` finds nothing: the shipped spec, or the recipe."""
    kind = KINDS[name]
    fitting = (spec for spec in read_manifest() if _suits(spec, kind, dimensions))
    return next(fitting, None) or RunSpec(latent_dim=dimensions, **_RECIPE, **kind.recipe)  # type: ignore[arg-type]


@per_shelf
def here(dimensions: int) -> tuple[str, ...]:
    """The kinds that are in the store."""
    found = []
    for name in KINDS:
        try:
            spec_of(name, dimensions)
        except RunNotFound:
            continue
        found.append(name)
    return tuple(found)


def name_in_list(spec: RunSpec) -> str:
    """What a run is called among those of heads."""
    kind = next(kind for kind in KINDS.values() if kind.fits(spec))
    return f"{kind.title}, β = {spec.kl_weight:g}" if spec.kl_weight != 1 else kind.title


class Alike(NamedTuple):
    """Runs that differ in their seed alone.

    Attributes:
        spec: with seed 0.
        lines: with their figures, by seed.
    """

    spec: RunSpec
    lines: list[Listed]


@per_shelf
def measured(dimensions: int = 6) -> list[Alike]:
    """All runs of heads with so many numbers that were measured, one entry for each recipe, by kind and β."""
    known = [line.spec for line in (*shelf().lines, *read_measured()) if line.spec]
    kinds = list(KINDS.values())
    recipes = dict.fromkeys(
        replace(spec, seed=0) for spec in known if any(_suits(spec, kind, dimensions) for kind in kinds)
    )

    def place(spec: RunSpec) -> tuple[int, float, str]:
        return next(number for number, kind in enumerate(kinds) if kind.fits(spec)), spec.kl_weight, spec.key

    return [Alike(spec, measured_seeds_of(spec)) for spec in sorted(recipes, key=place)]
