"""Six numbers for a face: which number of a code found which known factor."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.faces import CHAPTER
from ui.chapters.faces.family import DIMENSIONS, KINDS, USUAL, here, name_in_list, wanted
from ui.chapters.faces.instrument import face_payload, numbers_of, sizes, run_of
from ui.components.faces import face
from ui.figures.messages import errors_said
from ui.links import url_state
from ui.stage import chapter
from ui.training.app_queue import offer_training

LINK = links.properties(CHAPTER.url)

first = chapter.opening(
    CHAPTER,
    "Each head was rendered with six known features: smile, open mouth, width, age, turn and light. The model was "
    "told none of them. It saw images alone, squeezed each into six numbers, and rebuilt it from those.",
)
with first.words:
    model = url_state.choose(
        LINK["model"], "Model", list(KINDS), USUAL, key="faces-model", format_func=lambda name: KINDS[name].title
    )
    d = url_state.choose(LINK["d"], "Numbers of its code, d", DIMENSIONS, 6, key="faces-d")
with first.instrument, errors_said():
    if model in here(d):
        face(face_payload(model, d), numbers_of(model, d), sorted_by=sizes(run_of(model, d))[0], key="faces-sliders")
    else:
        offer_training([wanted(model, d)], key=f"faces-training-{model}-{d}", name=name_in_list)
chapter.foot(CHAPTER)
