"""The form's fields for what only some models have, made of the declaration of their options (`vae_core.options`)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import streamlit as st

from ui.chapters import links
from ui.links import url_state
from ui.links.url_state import Property, key, number, one_of, switch
from ui.runs.resources import shelf
from ui.runs.selection import grid_in_words, per_shelf, run_name
from vae_core import datasets
from vae_core.errors import SpecError, UnknownName
from vae_core.evaluation.features import classifier_spec
from vae_core.models import MODELS, model_kind
from vae_core.options import OneOf, Option, Real, Whole, options_of, unusual
from vae_core.spec import RunSpec

# Model -> its options that the form asks for, and their labels; the others keep their defaults.
ASKED = {
    "vq_vae": {
        "entries": "Entries, K",
        "dimensions": "Numbers of an entry, D",
        "commitment": "Commitment",
        "learn_by": "Entries learn by",
        "start_from": "Entries start from",
        "restart": "Restart unused entries",
    },
    "flat_fsq": {"levels_each": "Levels of each number, L"},
    "fsq": {"levels": "Levels of each number"},
    "vq_prior": {"width": "Width", "layers": "Layers"},
    "gan": {
        "loss": "Generator's loss",
        "regulariser": "Discriminator's regulariser",
        "r1": "γ of R1",
        "rate_ratio": "Discriminator's rate, × the generator's",
        "batch_spread": "Sees a batch's spread",
        "average": "Average of the generator",
    },
    "vae_gan": {
        "similarity": "Weight of the similarity",
        "judged": "Weight of the verdict",
        "regulariser": "Discriminator's regulariser",
        "r1": "γ of R1",
        "rate_ratio": "Discriminator's rate, × the others'",
        "batch_spread": "Sees a batch's spread",
    },
    "perceptual_vae": {"feature_weight": "Weight of the features", "pixel_weight": "Weight of the pixels"},
}
# Model -> the options that it has from the run that it begins with.
SHARED = {
    "vq_prior": ("of", "entries", "dimensions", "bounded"),
    "vae_gan": ("of",),
    "perceptual_vae": ("of", "channels"),
}
BEGINS = {
    "vq_prior": "It learns the codes of",
    "vae_gan": "It begins with",
    "perceptual_vae": "Images are compared by the convolutions of",
}
UNTRAINED = ""  # stands for no run to begin with
# An option that counts only where another has this value: elsewhere it keeps its default, and no field is shown.
ONLY_WHERE = {"r1": ("regulariser", "r1")}
LEVELS = ("7-3-3", "5-3", "5-5-3", "7-5-5", "9-7-5", "7-5-5-5")
WIDTHS = (32, 64, 88, 128)  # multiples of the usual number of heads
RATES, AVERAGES = (0.25, 0.5, 1.0, 2.0, 4.0), (0.0, 0.9, 0.99, 0.999, 0.9999)
MENUS: dict[str, tuple[Any, ...]] = {
    "levels": LEVELS,
    "width": WIDTHS,
    "rate_ratio": RATES,
    "average": AVERAGES,
}  # options of which the form has a few values
NAMES = {
    "learn_by": {"averages": "moving averages", "loss": "their loss"},
    "loss": {"non_saturating": "non-saturating", "minimax": "minimax"},
    "regulariser": {"r1": "R1", "spectral": "spectral norm", "none": "none"},
}
YES_NO = {True: "yes", False: "no"}
TOLD = {False: "not told the class", True: "told the class"}


def _options(model: str) -> dict[str, Option]:
    record = MODELS[model].options
    assert record is not None  # asked only of models that have one
    return {name: one for name, one in options_of(record).items() if name in ASKED.get(model, ())}


def _usual(model: str, name: str) -> Any:
    value = getattr(_record(model), name)
    return "-".join(map(str, value)) if isinstance(value, tuple) else value


def _record(model: str) -> Any:
    record = MODELS[model].options
    assert record is not None
    return record()


def properties() -> tuple[Property, ...]:
    """What a link may say of them; an option that several models have is the same in all."""
    asked = {name: one for model in ASKED for name, one in _options(model).items()}
    return (
        *(_property(name, one) for name, one in asked.items()),
        key(
            "of",
            "the run that it begins with: whose codes a prior learns, whose weights a VAE-GAN takes over, whose "
            "convolutions compare images",
            example="vq_vae-mnist-d49-c393f067f1",
        ),
        switch("told", "whether a prior is told the class"),
    )


def _property(name: str, one: Option) -> Property:
    meaning = one.help.rstrip(".")
    if meaning[1].isalpha():  # "K, the number of entries" stays
        meaning = meaning[0].lower() + meaning[1:]
    if name in MENUS:
        return one_of(name, MENUS[name], meaning)
    if isinstance(one.kind, Whole):
        return number(name, one.kind.low, one.kind.high, meaning, example=max(one.kind.low, 2))
    if isinstance(one.kind, Real):
        return number(name, one.kind.low, one.kind.high, meaning, whole=False, example=0.5)
    if isinstance(one.kind, OneOf):
        return one_of(name, one.kind.names, meaning)
    return switch(name, meaning)


def leave_out_others(model: str) -> None:
    """Take out of the URL what belongs to another model."""
    mine = {*ASKED.get(model, ()), *(("of",) if model_kind(model).base else ()), *_told_classes(model)}
    for one in properties():
        if one.name not in mine:
            url_state.write(one, None)


def ask_for_options(model: str, dataset: str) -> dict[str, Any]:
    """Show a model's own fields; what they say, by the names of its options."""
    said: dict[str, Any] = {}
    for name, one in _options(model).items():
        if name in ONLY_WHERE and said[ONLY_WHERE[name][0]] != ONLY_WHERE[name][1]:
            url_state.write(links.properties("train")[name], None)
        else:
            said[name] = _ask(model, name, one)
    if "levels" in said:
        said["levels"] = tuple(map(int, said["levels"].split("-")))
    if _told_classes(model):
        said["classes"] = _ask_for_classes(dataset)
    return said


def _told_classes(model: str) -> tuple[str, ...]:
    """The name of the field that says whether a model is told the class; none where it cannot be told."""
    record = MODELS[model].options if model in ASKED else None
    return ("told",) if record and "classes" in options_of(record) else ()


def _ask(model: str, name: str, one: Option) -> Any:
    link, label, usual, place = links.properties("train")[name], ASKED[model][name], _usual(model, name), _place(name)
    if name in MENUS:
        shown = _with_product if name == "levels" else _number if isinstance(usual, float) else str
        return url_state.choose(
            link, label, MENUS[name], usual, key=place, menu=True, help=one.help, width=170, format_func=shown
        )
    if isinstance(one.kind, Whole | Real):
        more: dict[str, Any] = {} if isinstance(one.kind, Whole) else {"step": 0.25, "format": "%g"}
        return url_state.choose_number(
            link, label, one.kind.low, one.kind.high, usual, key=place, help=one.help, **more
        )
    words = (
        {value: NAMES.get(name, {}).get(value, value) for value in one.kind.names}
        if isinstance(one.kind, OneOf)
        else YES_NO
    )
    return url_state.choose(link, label, tuple(words), usual, key=place, help=one.help, format_func=words.__getitem__)


def _place(name: str) -> str:
    return f"train-{name}"


def _number(value: float) -> str:
    return f"{value:g}"


def _with_product(levels: str) -> str:
    return f"{levels}, K = {math.prod(map(int, levels.split('-')))}"


# ---- the run that a model begins with --------------------------------------------------------------------------------


@per_shelf
def bases(dataset: str, model: str = "vq_prior") -> dict[str, str]:
    """The runs here that a model of these images may begin with, key -> title, by their titles."""
    found = {
        line.key: f"{_title_of_base(line.spec)}, {line.key[-4:]}"
        for line in shelf().lines
        if line.spec and can_begin(model, dataset, line.spec)
    }
    return dict(sorted(found.items(), key=lambda one: one[1]))


def can_begin(model: str, dataset: str, base: RunSpec) -> bool:
    """Whether a model of these images can begin with a run: what both share is the same, images are of one size.

    A perceptual VAE is not compared by the classifier in whose features it will be measured.
    """
    kind, known = model_kind(model), datasets.info(dataset)
    try:
        shared = kind.base_fields(base)
        alike = datasets.info(base.dataset).image_shape == known.image_shape
    except (SpecError, UnknownName):  # a model with nothing to begin with; images that are not here any more
        return False
    fits = shared.get("dataset", dataset) == dataset and shared.get("likelihood", kind.likelihood) in kind.likelihoods
    measures = known.pictures and base == classifier_spec(dataset)
    return alike and fits and not measures


def _title_of_base(base: RunSpec) -> str:
    if model_kind(base.model).bottleneck.discrete:
        return f"{model_kind(base.model).title}, {grid_in_words(base)}, {base.epochs} epochs"
    return run_name(base)


def ask_for_base(dataset: str, model: str = "vq_prior") -> RunSpec | None:
    """The run that it begins with; None where there is none that it could, or untrained weights were chosen."""
    known, place, link = bases(dataset, model), _place("of"), links.properties("train")["of"]
    optional = model_kind(model).base_optional
    if not known:
        named = st.session_state.pop(place, None) or url_state.read(link)
        url_state.write(link, None)
        if optional and named:
            st.warning("The run to begin with is not here, or not of these images: it begins with untrained weights.")
        elif optional:
            st.caption("No convolutional VAE of these images is here to begin with: it begins with untrained weights.")
        return None
    if optional:
        known = {UNTRAINED: "untrained weights", **known}
    if (chosen := st.session_state.get(place)) is not None and chosen not in known:
        del st.session_state[place]
        url_state.write(link, None)
        what = "whose codes were to be learned" if model == "vq_prior" else "to begin with"
        st.warning(f"The run {what} is not here, or is one of other images: choose again.")
    chosen = url_state.choose(
        url_state.narrowed(link, known), BEGINS[model], tuple(known), next(iter(known)), key=place,
        menu=True, width=420, format_func=known.__getitem__,
    )  # fmt: skip
    url_state.write(link, chosen or None)  # the first of the menu is another one tomorrow
    return next((line.spec for line in shelf().lines if line.key == chosen), None)


def has_from_base(spec: RunSpec, field: str) -> bool:
    """Whether a field of a specification is that of the run that it begins with, so that the form does not ask."""
    if not spec.base:
        return False
    base = next((line.spec for line in shelf().lines if line.key == spec.base), None)
    return base is not None and field in model_kind(spec.model).base_fields(base)


def _ask_for_classes(dataset: str) -> int:
    """How many classes a prior is told; 0 where it is told none."""
    count, link = len(datasets.info(dataset).label_names), links.properties("train")["told"]
    if count < 2:
        url_state.write(link, None)
        return 0
    told = url_state.choose(
        link, "It is", tuple(TOLD), False, key=_place("told"), format_func=TOLD.__getitem__,
        help="Whether the prior is told the class of an image before it writes its codes.",
    )  # fmt: skip
    return count if told else 0


# ---- a specification and the form ------------------------------------------------------------------------------------


def values_of(spec: RunSpec) -> dict[str, Any]:
    """What the fields say of a specification, by their names in links."""
    if spec.model not in ASKED:
        return {}
    values = {name: getattr(spec.options, name) for name in ASKED[spec.model]}
    if "levels" in values:
        values["levels"] = "-".join(map(str, values["levels"]))
    if "classes" in vars(spec.options):
        values["told"] = bool(spec.options.classes)
    return values | ({"of": spec.base} if model_kind(spec.model).base else {})


def can_say(spec: RunSpec) -> bool:
    """Whether the fields have a choice for all that its options say."""
    if spec.model not in ASKED:
        return not spec.options or not unusual(spec.options)
    values = values_of(spec)
    if any(values[name] not in choices for name, choices in MENUS.items() if name in values):
        return False
    asked = [name for name in ASKED[spec.model] if _is_asked(spec, name)]
    shared = SHARED[spec.model] if spec.base else ()
    told = ("classes",) if "told" in values else ()
    said = {name: getattr(spec.options, name) for name in (*asked, *shared, *told)}
    if replace(_record(spec.model), **said) != spec.options:
        return False
    if told and spec.options.classes not in (0, len(datasets.info(spec.dataset).label_names)):
        return False
    return not spec.base or spec.base in bases(spec.dataset, spec.model)


def _is_asked(spec: RunSpec, name: str) -> bool:
    """Whether the form shows the field of an option, with the values that the others have."""
    if name not in ONLY_WHERE:
        return True
    other, value = ONLY_WHERE[name]
    return bool(getattr(spec.options, other) == value)
