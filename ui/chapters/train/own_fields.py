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
from ui.runs.selection import grid_in_words, per_shelf
from vae_core import datasets
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
    "tc_vae": {"mutual_information": "Weight of the mutual information", "estimator": "Estimator of q(z)"},
    "flat_fsq": {"levels_each": "Levels of each number, L"},
    "fsq": {"levels": "Levels of each number"},
    "vq_prior": {"width": "Width", "layers": "Layers"},
}
LEVELS = ("7-3-3", "5-3", "5-5-3", "7-5-5", "9-7-5", "7-5-5-5")
WIDTHS = (32, 64, 88, 128)  # multiples of the usual number of heads
MENUS: dict[str, tuple[Any, ...]] = {"levels": LEVELS, "width": WIDTHS}  # options of which the form has a few values
NAMES = {"learn_by": {"averages": "moving averages", "loss": "their loss"}}
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
    """What a link may say of them."""
    return (
        *(_property(name, one) for model in ASKED for name, one in _options(model).items()),
        key("of", "the run whose codes a prior learns", example="vq_vae-mnist-d49-c393f067f1"),
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
    mine = {*ASKED.get(model, ()), *(("of", "told") if model_kind(model).base else ())}
    for one in properties():
        if one.name not in mine:
            url_state.write(one, None)


def ask_for_options(model: str, dataset: str) -> dict[str, Any]:
    """Show a model's own fields; what they say, by the names of its options."""
    said = {name: _ask(model, name, one) for name, one in _options(model).items()}
    if "levels" in said:
        said["levels"] = tuple(map(int, said["levels"].split("-")))
    if model_kind(model).base:
        said["classes"] = _ask_for_classes(dataset)
    return said


def _ask(model: str, name: str, one: Option) -> Any:
    link, label, usual, place = links.properties("train")[name], ASKED[model][name], _usual(model, name), _place(name)
    if name in MENUS:
        shown = _with_product if name == "levels" else str
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


def _with_product(levels: str) -> str:
    return f"{levels}, K = {math.prod(map(int, levels.split('-')))}"


# ---- the run that a prior begins with --------------------------------------------------------------------------------


@per_shelf
def bases(dataset: str) -> dict[str, str]:
    """The runs here whose codes a prior over these images may learn, key -> title, by their titles."""
    found = {
        line.key: f"{model_kind(line.spec.model).title}, {grid_in_words(line.spec)}, {line.spec.epochs} epochs, "
        f"{line.key[-4:]}"
        for line in shelf().lines
        if line.spec and line.spec.dataset == dataset and can_be_learned(line.spec)
    }
    return dict(sorted(found.items(), key=lambda one: one[1]))


def can_be_learned(spec: RunSpec) -> bool:
    """Whether a prior can learn its codes: they are a grid, and it is no prior itself."""
    return model_kind(spec.model).bottleneck.discrete and not spec.base


def ask_for_base(dataset: str) -> RunSpec | None:
    """The run whose codes are learned; None where there is none on these images."""
    known, place, link = bases(dataset), _place("of"), links.properties("train")["of"]
    if not known:
        st.session_state.pop(place, None)
        url_state.write(link, None)
        return None
    if (chosen := st.session_state.get(place)) is not None and chosen not in known:
        del st.session_state[place]
        url_state.write(link, None)
        st.warning("The run whose codes were to be learned is not here, or is one of other images: choose again.")
    chosen = url_state.choose(
        url_state.narrowed(link, known), "It learns the codes of", tuple(known), next(iter(known)), key=place,
        menu=True, width=420, format_func=known.__getitem__,
    )  # fmt: skip
    url_state.write(link, chosen)  # the first of the menu is another one tomorrow
    return next(line.spec for line in shelf().lines if line.key == chosen)


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
    return values | ({"of": spec.base, "told": bool(spec.options.classes)} if spec.base else {})


def can_say(spec: RunSpec) -> bool:
    """Whether the fields have a choice for all that its options say."""
    if spec.model not in ASKED:
        return not spec.options or not unusual(spec.options)
    values = values_of(spec)
    if any(values[name] not in choices for name, choices in MENUS.items() if name in values):
        return False
    unsaid = replace(_record(spec.model), **{name: getattr(spec.options, name) for name in ASKED[spec.model]})
    if not spec.base:
        return bool(unsaid == spec.options)
    shared = ("of", "entries", "dimensions", "bounded", "classes")
    unsaid = replace(unsaid, **{name: getattr(spec.options, name) for name in shared})
    told = spec.options.classes in (0, len(datasets.info(spec.dataset).label_names))
    return bool(unsaid == spec.options) and told and spec.base in bases(spec.dataset)
