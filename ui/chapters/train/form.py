"""The form that says what to train: each field is in the URL, and together they make one specification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from ui.chapters import links
from ui.chapters.train import own_fields
from ui.links import url_state
from ui.runs.selection import grid_in_words, own_spec
from ui.training.forecast import duration, estimated_seconds, memory_of, weight_count
from vae_core import datasets
from vae_core.losses.likelihoods import LIKELIHOODS
from vae_core.models import OFFERED, ModelKind, model_kind
from vae_core.spec import DEFAULT_GAUSSIAN_VARIANCE, RunSpec
from vae_core.sweep.plan import memory_available

DEPTHS: dict[str, dict[str, tuple[int, ...]]] = {
    "mlp": {"128-64": (128, 64), "128": (128,), "256-128-64": (256, 128, 64), "512-256": (512, 256)},
    "conv": {"16-32-64": (16, 32, 64), "8-16": (8, 16), "32-64-128": (32, 64, 128)},
    "linear": {"none": ()},
    "grid": {
        "32-32-32": (32, 32, 32),
        "16-16-16": (16, 16, 16),
        "32-64-64": (32, 64, 64),
        "32-32": (32, 32),
        "16-32-32-32": (16, 32, 32, 32),
    },
}
DEPTH_LABELS = {"mlp": "Hidden layers", "conv": "Channels, last layer", "grid": "Channels, last at the grid"}
USUAL_DATASET = "mnist_sample"
BATCHES = (32, 64, 128, 256, 512)
USUAL_BATCH, USUAL_EPOCHS, USUAL_RATE = 64, 30, 1.5e-3
LARGEST = {"d": 64, "beta": 1_000.0, "c": 10.0, "epochs": 500, "rate": 0.1, "seed": 2**31 - 1}
LEAST_C, LEAST_RATE = 1e-4, 1e-5


@dataclass(frozen=True)
class Preset:
    """Settings behind one button.

    Attributes:
        name: unique among them.
        title: on the button: what is trained, and about how long it takes.
        why: what there is to see.
        icon: ``:material/name:``.
        spec: what is trained.
    """

    name: str
    title: str
    why: str
    icon: str
    spec: RunSpec


def presets(chosen: str | None) -> list[Preset]:
    """The presets, with the time that this machine is expected to take.

    Args:
        chosen: the images now in the form; those of the visitor's own get a preset of their own.
    """
    plain = RunSpec("mnist_sample", "vae", latent_dim=2, hidden=(128, 64), beta=1.0, epochs=30, batch_size=64)
    kinds = [
        (
            "digits", "Digits",
            f"A VAE with two latent dimensions on {datasets.info(plain.dataset).training_images:,} digits.",
            ":material/pin:", plain,
        ),
        (
            "strong", "β too high", "At β = 30 the KL term wins: the codes fall together and the images look alike.",
            ":material/compress:", replace(plain, beta=30.0),
        ),
        (
            "none", "No KL", "A plain autoencoder: the codes spread as they like.", ":material/open_in_full:",
            replace(plain, model="ae", beta=None),
        ),
        (
            "vq", "VQ-VAE", "A grid of 7 × 7 whole numbers for each digit, from a codebook of 64 entries.",
            ":material/grid_on:", RunSpec("mnist_sample", "vq_vae", epochs=30, batch_size=64),
        ),
        (
            "gan", "GAN", "Two networks against each other: watch both losses, and what the generator draws.",
            ":material/compare_arrows:",
            RunSpec("mnist_sample", "gan", latent_dim=2, hidden=(16, 32, 64), epochs=40, batch_size=64),
        ),
    ]  # fmt: skip
    if chosen in datasets.here() or chosen is None:
        own = None
    else:
        own = own_spec(chosen)
        kinds.insert(0, ("own", "My images", "A VAE on the images that you have sent.", ":material/photo:", own))
    return [Preset(name, f"{title}{_time(spec)}", why, icon, spec) for name, title, why, icon, spec in kinds]


def _time(spec: RunSpec) -> str:
    seconds = estimated_seconds(spec)
    return f", {duration(seconds)}" if seconds is not None else ""


def ask_for_spec(own_sets: tuple[str, ...]) -> RunSpec | None:
    """Show the form; what it says now, or None where the model begins with a run that is not here.

    Args:
        own_sets: names of the sets of own images that may be chosen.

    Raises:
        SpecError: the fields do not go together; the sentence says which.
    """
    link = links.properties("train")
    known = (*datasets.here(), *own_sets)
    if st.session_state.get("train-dataset", USUAL_DATASET) not in known:
        del st.session_state["train-dataset"]  # removed meanwhile, to make room for others
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        dataset = url_state.choose(
            url_state.narrowed(link["dataset"], known),
            "Images", known, USUAL_DATASET, key="train-dataset", menu=True,
            format_func=lambda name: datasets.info(name).title,
        )  # fmt: skip
        model = url_state.choose(
            link["model"],
            "Model",
            OFFERED,
            "vae",
            key="train-model",
            menu=True,
            format_func=lambda name: model_kind(name).title,
        )
        settings = _ask_for_network(dataset, model)
        if settings is None:
            return None
        epochs = url_state.choose_number(
            link["epochs"], "Epochs", 1, int(LARGEST["epochs"]), USUAL_EPOCHS, key="train-epochs"
        )
        batch = url_state.choose(
            link["batch"], "Images per step", BATCHES, USUAL_BATCH, key="train-batch", menu=True, width=150
        )
        rate = url_state.choose_number(
            link["rate"],
            "Learning rate, peak",
            LEAST_RATE,
            LARGEST["rate"],
            USUAL_RATE,
            key="train-rate",
            step=5e-4,
            format="%g",
        )
        seed = url_state.choose_number(link["seed"], "Seed", 0, int(LARGEST["seed"]), 0, key="train-seed")
    return RunSpec(
        **{"dataset": dataset, **settings},
        model=model,
        epochs=int(epochs),
        batch_size=batch,
        learning_rate=float(rate),
        seed=int(seed),
    )


def _ask_for_network(dataset: str, model: str) -> dict[str, Any] | None:
    """The fields of the network and its loss; None where it begins with a run that is not here."""
    link, kind = links.properties("train"), model_kind(model)
    own_fields.leave_out_others(model)
    shared: dict[str, Any] = {}
    if kind.base:
        base = own_fields.ask_for_base(dataset, model)
        if base is None and not kind.base_optional:
            for name in ("depth", "d", "beta", "likelihood", "c"):
                url_state.write(link[name], None)
            return None
        shared = kind.base_fields(base) if base else {}
    settings: dict[str, Any] = {name: value for name, value in shared.items() if name != "options"}
    if "hidden" in shared:
        url_state.write(link["depth"], None)
    else:
        settings["hidden"] = _ask_for_depth(depths_of(model))
    if kind.latent_dim_of is None and "latent_dim" not in shared:
        d = url_state.choose_number(link["d"], "Latent dimensions, d", 1, int(LARGEST["d"]), 2, key="train-d")
        settings["latent_dim"] = int(d)
    else:
        url_state.write(link["d"], None)
    if kind.options:
        settings["options"] = {**shared.get("options", {}), **own_fields.ask_for_options(model, dataset)}
    if kind.bottleneck.divergence:
        settings["beta"] = url_state.choose_number(
            link["beta"], beta_label(model), 0.0, LARGEST["beta"], 1.0, key="train-beta", step=0.5, format="%g"
        )
    else:
        url_state.write(link["beta"], None)
    if "likelihood" in shared:
        for name in ("likelihood", "c"):
            url_state.write(link[name], None)
        return settings
    return settings | _ask_for_likelihood(kind)


def beta_label(model: str) -> str:
    """What β weighs."""
    of = "total correlation" if model in ("tc_vae", "factor_vae") else "KL"
    return f"β, weight of the {of}"


def _ask_for_likelihood(kind: ModelKind) -> dict[str, Any]:
    link, likelihood = links.properties("train"), kind.likelihoods[0]
    if len(kind.likelihoods) > 1:
        likelihood = url_state.choose(
            link["likelihood"], "Likelihood of a pixel", kind.likelihoods, kind.likelihood, key="train-likelihood",
            format_func=lambda name: LIKELIHOODS[name].title,
        )  # fmt: skip
    if not LIKELIHOODS[likelihood].has_variance:
        url_state.write(link["c"], None)
        return {"likelihood": likelihood}
    variance = url_state.choose_number(
        link["c"],
        "Variance c",
        LEAST_C,
        LARGEST["c"],
        DEFAULT_GAUSSIAN_VARIANCE,
        key="train-c",
        step=0.01,
        format="%g",
    )
    return {"likelihood": likelihood, "variance": variance}


def depths_of(model: str) -> str:
    """Which of `DEPTHS` a model has."""
    kind = model_kind(model)
    return "grid" if kind.bottleneck.discrete else kind.family


def _ask_for_depth(family: str) -> tuple[int, ...]:
    """One field for each family: their choices differ."""
    link, depths = links.properties("train"), DEPTHS[family]
    if len(depths) == 1:
        url_state.write(link["depth"], None)
        return next(iter(depths.values()))
    label = DEPTH_LABELS[family]
    key = f"train-depth-{family}"
    if key not in st.session_state and st.query_params.get(link["depth"].name) in _names_of_others(family):
        url_state.write(link["depth"], None)  # left by the model chosen before
    name = url_state.choose(link["depth"], label, tuple(depths), next(iter(depths)), key=key, menu=True, width=170)
    return depths[name]


def _names_of_others(family: str) -> set[str]:
    return {name for other, depths in DEPTHS.items() if other != family for name in depths}


def choose_model(model: str) -> None:
    """Put a model into the form, in a button's callback."""
    st.session_state["train-model"] = model


def choose_prior(base: RunSpec) -> None:
    """Put a prior over the codes of a run into the form, in a button's callback."""
    st.session_state.update({"train-dataset": base.dataset, "train-model": "vq_prior", "train-of": base.key})


def fill(spec: RunSpec) -> None:
    """Put a specification into the form. Call it before the form is shown, such as in a button's callback."""
    family = depths_of(spec.model)
    depth = next((name for name, hidden in DEPTHS[family].items() if hidden == spec.hidden), None)  # None: of its base
    values = {
        "dataset": spec.dataset, "model": spec.model, f"depth-{family}": depth, "d": spec.latent_dim,
        "beta": spec.beta if model_kind(spec.model).bottleneck.divergence else None, "likelihood": spec.likelihood,
        "c": spec.variance, "epochs": spec.epochs, "batch": spec.batch_size, "rate": spec.learning_rate,
        "seed": spec.seed,
    } | own_fields.values_of(spec)  # fmt: skip
    for name, value in values.items():
        if value is not None:
            st.session_state[f"train-{name}"] = value


def can_say(spec: RunSpec) -> bool:
    """Whether the form has a choice for everything that a specification says."""
    if spec.model not in OFFERED or not own_fields.can_say(spec):
        return False
    if not own_fields.has_from_base(spec, "hidden") and spec.hidden not in DEPTHS[depths_of(spec.model)].values():
        return False
    plain = (
        spec.images is None
        and spec.without is None
        and spec.data_weight == 1
        and not spec.kl_warm_up
        and not spec.learned_variance
    )
    within = (
        (spec.latent_dim <= LARGEST["d"] or model_kind(spec.model).latent_dim_of is not None)
        and spec.kl_weight <= LARGEST["beta"]
        and spec.epochs <= LARGEST["epochs"]
        and LEAST_RATE <= spec.learning_rate <= LARGEST["rate"]
        and (spec.variance is None or LEAST_C <= spec.variance <= LARGEST["c"])
        and spec.batch_size in BATCHES
    )
    return plain and within


def expected(spec: RunSpec) -> str:
    """How long it would take and how much memory it needs, in a sentence."""
    seconds, memory = estimated_seconds(spec), memory_of(spec)
    time = (
        f"about {duration(seconds)}" if seconds is not None else "an unknown time: no such model was trained here yet"
    )
    text = f"Training takes {time}, and about {memory / 1e9:.1f} GB of memory: {weight_count(spec):,} weights."
    if model_kind(spec.model).bottleneck.discrete:
        text += f" Codes: {grid_in_words(spec)}."
    free = memory_available()
    if free is not None and memory > free:
        text += f" Only {free / 1e9:.1f} GB are free: it may be ended for lack of memory."
    return text
