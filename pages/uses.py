"""What codes are good for: one of five benches, and the digit that all of them work on."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ui.chapters import links
from ui.chapters.uses import CHAPTER
from ui.chapters.uses.benches import BENCHES
from ui.chapters.uses.runs import board_of_digits
from ui.components.board import board
from ui.figures.messages import errors_said
from ui.links import url_state
from ui.links.frame import BEGIN
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)
BY_SLUG = {bench.slug: bench for bench in BENCHES}

first = chapter.opening(
    CHAPTER,
    "A code keeps what an image shares with its kind, and drops the rest. Whatever needs the one without the other can "
    "use it.\n\n"
    "Draw a digit, or take one from the row: it goes with you from bench to bench. Each bench puts a network beside "
    "the method that one would try first without any, and says which wins, and where.",
)
with first.words:
    slug = url_state.choose(
        LINK["bench"], "Bench", tuple(BY_SLUG), BENCHES[0].slug, key="uses-bench",
        format_func=lambda name: BY_SLUG[name].title,
    )  # fmt: skip
with first.instrument, errors_said():
    board(board_of_digits(), key="uses-board")

bench = BY_SLUG[slug]
bench.show()

if bench is not BENCHES[-1]:
    following = BENCHES[BENCHES.index(bench) + 1]
    with st.container(key="next-bench", horizontal=True, horizontal_alignment="right"):
        # As by a link to its first step: the board keeps what was drawn.
        st.button(
            f"Next bench: **{following.title}**", key=f"next-bench-{following.slug}", icon=":material/arrow_forward:",
            icon_position="right", help=following.question, on_click=links.arrive_anew,
            args=(CHAPTER.url, CHAPTER.url, {LINK["bench"].name: following.slug, BEGIN.name: following.slug}),
        )  # fmt: skip

# What the other benches say, their questions ask first.
chapter.foot(
    replace(CHAPTER, learned=bench.learned),
    code=bench.code,
    sources=tuple(chapter.Source(text, url) for text, url in bench.sources),
)
