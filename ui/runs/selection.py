"""Which run a chapter shows: looked up in the store by its properties, or specified so that it can be trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import wraps
from statistics import mean
from typing import Any, TypeVar

from ui.once import Once, once
from ui.runs.resources import Shelf, shelf
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.models import MODELS, model_kind
from vae_core.models.conv_sizes import conv_sizes
from vae_core.models.quantised_options import entries_of
from vae_core.options import unusual
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed

# Hidden layers of the fully connected runs that chapters compare: small, so that many fit into a download. Those of the
# others are the usual ones of their model.
COMPARED_HIDDEN = {"mlp": (128, 64)}
SMALL_SET, SMALL_SET_EPOCHS, SMALL_SET_BATCH = 10_000, 200, 64
OWN_EPOCHS = 60


Result = TypeVar("Result")


def per_shelf(function: Callable[..., Result]) -> Callable[..., Result]:
    """Cache a function of the runs in the store for as long as the store does not change; it computes once, see `Once`.

    Its arguments must be hashable. Errors are not cached.
    """
    cached = Once(lambda _shelf, *arguments: function(*arguments), maxsize=128)
    newest: list[Shelf] = []

    @wraps(function)
    def asked(*arguments: Any) -> Result:
        now = shelf()
        if newest != [now]:  # results of an earlier store would only take up memory
            cached.cache_clear()
            newest[:] = [now]
        return cached(now, *arguments)

    return asked


@once(maxsize=512)
def compared_spec(model: str, dataset: str, latent_dim: int, hidden: tuple[int, ...] | None = None) -> RunSpec:
    """The spec that chapters compare: the shipped run of this kind, or its recipe on another dataset, d or depth.

    Raises:
        RunNotFound: the manifest has no recipe for this model.
        SpecError: no such model on this dataset.
    """
    kind = model_kind(model)
    usual = COMPARED_HIDDEN.get(kind.family, kind.hidden)
    wanted = hidden or usual
    whole = [spec for spec in read_manifest() if spec.without is None and spec.damage is None]
    alike = [spec for spec in whole if spec.model == model and spec.seed == 0]
    for spec in alike:
        if (spec.dataset, spec.latent_dim, spec.hidden) == (dataset, latent_dim, wanted):
            return spec
    recipe = next((spec for spec in alike if spec.dataset == "mnist" and spec.hidden == usual), None)
    if recipe is None:
        raise RunNotFound(f"the manifest has no recipe for the model {model}.")
    changes: dict[str, Any] = {"dataset": dataset, "latent_dim": latent_dim, "hidden": wanted}
    if datasets.info(dataset).training_images < SMALL_SET and kind.trained:
        # With the epochs for 55,000 images there would be only a few hundred steps.
        changes |= {"epochs": SMALL_SET_EPOCHS, "batch_size": SMALL_SET_BATCH}
    return replace(recipe, **changes)


def own_spec(dataset: str, model: str = "vae", latent_dim: int = 2, beta: float | None = None) -> RunSpec:
    """What the app itself proposes for a visitor's own images: small, because there are few of them.

    Raises:
        SpecError: no such model on these images.
    """
    return RunSpec(
        dataset, model, latent_dim=latent_dim, hidden=COMPARED_HIDDEN["mlp"], beta=beta, epochs=OWN_EPOCHS,
        batch_size=SMALL_SET_BATCH,
    )  # fmt: skip


def seeds_of(spec: RunSpec) -> list[Listed]:
    """The runs in the store that differ from `spec` in nothing but the seed, by seed."""
    return shelf().alike.get(replace(spec, seed=0), [])


def measured_of(line: Listed, split: str = "test") -> dict[str, Any]:
    """The figures of the test split, or of the held-out one if that was not measured."""
    return line.metrics.get(split) or line.metrics.get("validation", {})


def measured_seeds_of(spec: RunSpec) -> list[Listed]:
    """As `seeds_of`, with the seeds of which the figures alone are shipped; these have no file to load."""
    lines = seeds_of(spec)
    here, alike = {line.key for line in lines}, replace(spec, seed=0)
    others = [line for line in read_measured() if line.spec and replace(line.spec, seed=0) == alike]
    lines = [*lines, *(line for line in others if line.key not in here)]
    return sorted(lines, key=lambda line: line.spec.seed if line.spec else 0)


def with_range(values: Sequence[float], number: Callable[[float], str], to: str = " to ") -> str:
    """The mean over random starts, and between which two they all lie: one start shows no difference by itself."""
    middle = number(mean(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}{to}{number(max(values))})"


def measured_on(*lines: Listed, noun: str = "digits") -> str:
    """How many images the figures of some runs are of, and of which split: "10,000 test digits".

    Where they differ in it, each number and each split is told.
    """
    counts = sorted({int(count) for line in lines if (count := figure(line, "n"))})
    splits = dict.fromkeys("test" if line.metrics.get("test") else "held-out" for line in lines)
    return " ".join([*(" and ".join(part) for part in ([f"{n:,}" for n in counts], splits) if part), noun])


def figure(line: Listed, *path: str, split: str = "test") -> float | None:
    """A number from a run's file: of the test split, or of the held-out one if that was not measured.

    A figure by dimension is averaged; None if nothing was measured.
    """
    value: Any = measured_of(line, split)
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    if isinstance(value, list) and value:
        value = sum(value) / len(value)
    return float(value) if isinstance(value, int | float) else None


def run_title(line: Listed) -> str:
    """One line of the run menu: what distinguishes runs, in words, and the end of the key."""
    assert line.spec is not None  # listing() leaves unreadable runs out
    return f"{run_name(line.spec)}, {line.key[-4:]}"


@per_shelf
def explorable() -> dict[str, str]:
    """The runs that can be explored, in words by their keys, as a menu lists them.

    They are sorted by images, model, dimensions, β, layers and seed. The end of the key is added only where two would
    read alike.
    """

    def place(line: tuple[str, RunSpec]) -> tuple[Any, ...]:
        key, spec = line
        sets, kinds = list(datasets.DATASETS), list(MODELS)
        dataset = sets.index(spec.dataset) if spec.dataset in sets else len(sets)
        model = kinds.index(spec.model)
        return dataset, spec.dataset, model, spec.latent_dim, spec.kl_weight, spec.hidden, spec.seed, key

    lines = [(line.key, line.spec) for line in shelf().lines if line.spec and can_be_explored(line.spec)]
    names = {key: run_name(spec) for key, spec in sorted(lines, key=place)}
    count = Counter(names.values())
    return {key: name if count[name] == 1 else f"{name}, {key[-4:]}" for key, name in names.items()}


def run_name(spec: RunSpec) -> str:
    """A run's description in words."""
    kind, dataset = model_kind(spec.model), datasets.info(spec.dataset)
    size = grid_in_words(spec) if kind.bottleneck.discrete else f"d = {spec.latent_dim}"
    name = f"{kind.title}, {dataset.title}, {size}"
    name += "".join(f", {weight}" for weight in term_weights(spec))
    widths = f", hidden {'-'.join(str(width) for width in spec.hidden)}" if spec.hidden else ""
    made = f", {spec.epochs} epochs, seed {spec.seed}" if kind.trained else ""
    few = f", {spec.images} images" if spec.images else ""
    few += "" if spec.without is None else f", without {_class_name(spec)}"
    seen = f", undoes {spec.damage[0].replace('_', ' ')} {spec.damage[1]:g}" if spec.damage else ""
    return f"{name}{few}{seen}{widths}{made}"


def _class_name(spec: RunSpec) -> str:
    """The class that a run left out; its number where the names are not known."""
    names = datasets.info(spec.dataset).label_names
    assert spec.without is not None
    return names[spec.without] if spec.without < len(names) else f"class {spec.without}"


def grid_in_words(spec: RunSpec) -> str:
    """The grid of a run whose codes are entries of a codebook, and what is not usual about that codebook."""
    rows, columns = conv_sizes(datasets.info(spec.dataset).image_shape, len(spec.hidden) - 1)[-1]
    known = vars(spec.options)
    usual = {field.name: field.default for field in fields(spec.options)}
    levels = known.get("levels")
    words = [f"{rows} × {columns} cells", f"K = {entries_of(spec.options)}"]
    if levels:
        words.append(f"levels {'-'.join(map(str, levels))}")
    elif not spec.base and known["dimensions"] != usual["dimensions"]:
        words.append(f"D = {known['dimensions']}")
    if known.get("commitment") != usual.get("commitment"):
        words.append(f"commitment {known['commitment']:g}")
    if known.get("learn_by") == "loss":
        words.append("learned by its loss")
    if known.get("start_from") == "random":
        words.append("started at random")
    if known.get("restart") is False:
        words.append("nothing restarted")
    if spec.base:
        words.append("told the class" if known["classes"] else "not told the class")
    return ", ".join(words)


def term_weights(spec: RunSpec) -> list[str]:
    """The weights of the loss terms and how they are sampled, in words."""
    if not model_kind(spec.model).bottleneck.has_posterior:
        return other_options(spec)
    words = ["KL alone"] if spec.data_weight == 0 else [f"β = {spec.kl_weight:g}"]
    if spec.data_weight not in (0, 1):
        words.append(f"{spec.data_weight:g} × reconstruction")
    if spec.kl_warm_up:
        words.append(f"KL warm-up over {spec.kl_warm_up} epochs")
    if spec.variance is not None:
        words.append(f"c learned from {spec.variance:g}" if spec.learned_variance else f"c = {spec.variance:g}")
    if spec.samples:
        words.append(f"{spec.samples} samples a step")
    return [*words, *(["binarised pixels"] if spec.binarised else []), *other_options(spec)]


def other_options(spec: RunSpec) -> list[str]:
    """What of a model's own options is not usual, in words; a grid's are in `grid_in_words`."""
    kind = model_kind(spec.model)
    if spec.options is None or kind.bottleneck.discrete:
        return []
    told = {name: value for name, value in unusual(spec.options).items() if name != kind.base}
    return [f"{name.replace('_', ' ')} {_said(value)}" for name, value in told.items()]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def can_be_explored(spec: RunSpec) -> bool:
    """Whether there is a plane to explore, of codes or of a codebook, and pictures to see in it."""
    return model_kind(spec.model).bottleneck.decodes and datasets.info(spec.dataset).pictures
