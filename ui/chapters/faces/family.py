"""The runs that the chapter compares: heads, the same layers, five ways to make six numbers of a face."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from ui.runs.resources import load_run, shelf
from ui.runs.selection import measured_seeds_of, per_shelf
from ui.training.quota import offered
from vae_core import datasets
from vae_core.datasets import own
from vae_core.errors import RunNotFound
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed

DATASET = "heads"
RENDERED = (DATASET, "heads_64")  # what the renderer draws
PHOTOGRAPHS = "olivetti"  # offered also where they are not: how to get them is then said
DIMENSIONS = (6, 10)
PREFERRED = ("tc", "factor", "beta", "vae", "ae", "fsq")  # the first that is here opens the page
# What is trained where nothing was shipped.
_RECIPE = {
    "dataset": DATASET, "hidden": (16, 32, 64, 128), "likelihood": "gaussian", "variance": 0.025, "epochs": 60,
    "batch_size": 128, "learning_rate": 2e-3,
}  # fmt: skip
# Of larger images, a further halving: hardly more weights than of 32 x 32, and less than 1 MB for a browser to fetch.
_LARGE, _HIDDEN_OF_LARGE = 64, (16, 32, 64, 64, 96)
# Of fewer images, smaller batches and more epochs, so that about as many images are seen as of 6,400 heads.
_FEW, _BATCH_OF_FEW, _SEEN, _MOST_EPOCHS = 2_000, 64, 6_400 * 60, 600


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
        {"model": "conv_vae", "beta": 4.0},
    ),
    "tc": Kind(
        "β-TCVAE", "to be independent of each other", lambda spec: spec.model == "tc_vae",
        {"model": "tc_vae", "beta": 10.0},
    ),
    "factor": Kind(
        "FactorVAE", "the same, by a discriminator's judgement", lambda spec: spec.model == "factor_vae",
        {"model": "factor_vae", "beta": 20.0},
    ),
    "fsq": Kind("FSQ", "to be one of a few levels", lambda spec: spec.model == "flat_fsq", {"model": "flat_fsq"}),
}  # fmt: skip


class Shown(NamedTuple):
    """What the page shows.

    Attributes:
        dataset: its images.
        kind: one of `KINDS`.
        d: how many numbers a code has.
    """

    dataset: str
    kind: str
    d: int

    def of(self, kind: str) -> Shown:
        """The same of another kind."""
        return self._replace(kind=kind)

    @property
    def noun(self) -> str:
        """What one of the images is called."""
        return "head" if self.dataset in RENDERED else "image"


def _suits(spec: RunSpec, kind: Kind, shown: Shown) -> bool:
    return (spec.dataset, spec.latent_dim) == (shown.dataset, shown.d) and kind.fits(spec)


@per_shelf
def spec_of(shown: Shown) -> RunSpec:
    """The first shipped spec of a kind whose run is in the store; else the first run in the store that is one.

    Raises:
        RunNotFound: there is none.
    """
    kind = KINDS[shown.kind]
    stored = [line.spec for line in shelf().lines if line.spec]
    here = {spec.key for spec in stored}
    shipped = [spec for spec in read_manifest() if spec.key in here]
    for spec in (*shipped, *sorted(stored, key=lambda spec: (spec.kl_weight, spec.seed, spec.key))):
        if _suits(spec, kind, shown):
            return spec
    raise RunNotFound(f"the {kind.title} of {shown.dataset} with d = {shown.d} is not in the store; train it.")


def wanted(shown: Shown) -> RunSpec:
    """What to train where `spec_of` finds nothing: the shipped spec, or the recipe."""
    kind = KINDS[shown.kind]
    fitting = (spec for spec in read_manifest() if _suits(spec, kind, shown))
    recipe = _RECIPE | kind.recipe | _fitted_to(shown.dataset) | {"dataset": shown.dataset, "latent_dim": shown.d}
    return next(fitting, None) or RunSpec(**recipe)  # type: ignore[arg-type]


def _fitted_to(dataset: str) -> dict[str, object]:
    """What a recipe for 6,400 images of 32 x 32 becomes for others."""
    known = datasets.info(dataset)
    fitted: dict[str, object] = {}
    if min(known.image_shape[1:]) >= _LARGE:
        fitted["hidden"] = _HIDDEN_OF_LARGE
    if 0 < known.training_images < _FEW:
        fitted |= {"batch_size": _BATCH_OF_FEW, "epochs": min(_MOST_EPOCHS, _SEEN // known.training_images)}
    return fitted


def run_of(shown: Shown) -> Run:
    """The run on screen.

    Raises:
        RunNotFound: it is not in the store.
    """
    return load_run(spec_of(shown).key)


@per_shelf
def here(dataset: str, d: int) -> tuple[Shown, ...]:
    """All kinds that are in the store."""
    found = []
    for kind in KINDS:
        shown = Shown(dataset, kind, d)
        with suppress(RunNotFound):
            spec_of(shown)
            found.append(shown)
    return tuple(found)


def usual(dataset: str, d: int) -> str:
    """The kind that the page opens with."""
    kinds = [shown.kind for shown in here(dataset, d)]
    return next((kind for kind in PREFERRED if kind in kinds), PREFERRED[0])


def choices(visitor: str, linked: str) -> tuple[str, ...]:
    """The sets of images that can be chosen: the rendered heads that are here, photographs, the visitor's own."""
    known = [*(name for name in RENDERED if name == DATASET or datasets.is_here(name)), PHOTOGRAPHS]
    return (*known, *(name for name in offered(visitor, linked) if name not in known and own.shape_in(name)))


def about(dataset: str) -> str:
    """What a set of images is and what is known of it, in sentences; empty for the rendered heads."""
    if dataset in RENDERED:
        return ""
    known = datasets.info(dataset)
    told = f"These are {known.training_images:,} images to learn from. " if known.training_images else ""
    if dataset == PHOTOGRAPHS:
        told = (
            f"These are {known.training_images:,} photographs of 32 people to learn from; those held out are of other "
            "people. "
        )
    if known.factors:
        features = ", ".join(factor.name for factor in known.factors)
        return f"{told}Their known features: {features}. The model is told none of them."
    return f"{told}Nobody knows their true features: the tables of features stay empty, and you judge by eye."


def name_in_list(spec: RunSpec) -> str:
    """What a run is called among those of the same images."""
    kind = next(kind for kind in KINDS.values() if kind.fits(spec))
    return kind.title if spec.kl_weight in (0, 1) else f"{kind.title}, β = {spec.kl_weight:g}"


class Alike(NamedTuple):
    """Runs that differ in their seed alone.

    Attributes:
        title: what they are called; no two are called alike.
        spec: with seed 0.
        lines: with their figures, by seed.
    """

    title: str
    spec: RunSpec
    lines: list[Listed]


@per_shelf
def measured(dataset: str, d: int) -> list[Alike]:
    """All runs of some images with d numbers that were measured, one entry for each recipe, by kind and β."""
    known = [line.spec for line in (*shelf().lines, *read_measured()) if line.spec]
    kinds = list(KINDS.values())
    some = Shown(dataset, PREFERRED[0], d)
    recipes = dict.fromkeys(replace(spec, seed=0) for spec in known if any(_suits(spec, kind, some) for kind in kinds))

    def place(spec: RunSpec) -> tuple[int, float, str]:
        return next(number for number, kind in enumerate(kinds) if kind.fits(spec)), spec.kl_weight, spec.key

    found: dict[str, Alike] = {}
    for spec in sorted(recipes, key=place):
        name = name_in_list(spec)
        if name in found:
            name += f", {spec.epochs} epochs"
        if name in found:
            name += f", {spec.key[-4:]}"
        found[name] = Alike(name, spec, measured_seeds_of(spec))
    return list(found.values())
