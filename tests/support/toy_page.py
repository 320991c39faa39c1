"""How many images can a list of codes hold?"""

import streamlit as st
from toy_chapter import CHAPTER, SIDES

from ui.chapters import links
from ui.components.canvas import latent_canvas
from ui.figures.messages import errors_said
from ui.links import url_state
from ui.runs.resources import listing, plane
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)

chapter.opening(CHAPTER, "Every image is one of the entries.")
side = url_state.choose(LINK["side"], "Codes in a row", SIDES, SIDES[0], key="toy-side")
st.markdown(f"{side * side} codes are seen.")
with errors_said():
    for line in listing():
        if line.spec and line.spec.model == "toy_vq":
            latent_canvas(
                plane(line.key).with_header(title="Codes", subtitle="", options={"link": "toy-"}), key="toy-plane"
            )
chapter.foot(CHAPTER, code=(("losses/terms.py", "weighted_sum"),), sources=())
