"""A stream that is cut, or has a bit flipped: what its decoder says, and what it would show."""

from __future__ import annotations

import html

import streamlit as st

from ui.chapters import links
from ui.chapters.uses.compress.live import GRID, SIDE, Coded, Reading, bit_string, damaged, read_again
from ui.figures.markup import Html
from ui.figures.pictures import Picture, side_by_side, tiles
from ui.links import url_state

HARMED = ("codes", "png", "jpeg", "webp")
USUAL = "codes"
MOST_BITS = 8_000  # of a stream that can be flipped
SHOWN = 640  # bits of the string
_BITS = "display:block;overflow-wrap:anywhere;font-size:0.8125rem;line-height:1.5;white-space:normal"


def method_of(slug: str, found: tuple[Coded, ...]) -> Coded:
    """What is damaged, by its name in a link."""
    begins = {"codes": GRID, "png": "PNG", "jpeg": "JPEG", "webp": "WebP, quality"}[slug]
    return next(one for one in found if one.name.startswith(begins))


def controls(found: tuple[Coded, ...]) -> tuple[Coded, int, int]:
    """Choose whose bits are damaged, which bit is flipped, from 1 (0: none), and how many are kept."""
    link = links.properties("uses")
    slug = url_state.choose(
        link["harmed"], "Damage the bits of", HARMED, USUAL, key="uses-harmed",
        format_func=lambda name: method_of(name, found).name,
    )  # fmt: skip
    chosen = method_of(slug, found)
    bits = min(8 * len(chosen.data), MOST_BITS)
    url_state.begin(link["flipped"], 0, key="uses-flipped")
    st.session_state["uses-flipped"] = min(st.session_state["uses-flipped"], bits)
    flip = st.slider("Flip bit (0: none)", 0, bits, key="uses-flipped")
    url_state.keep(link["flipped"], flip, 0)
    url_state.begin(link["kept"], 100, key="uses-kept")
    share = st.slider("Keep the first … % of the bits", 0, 100, key="uses-kept", format="%d%%")
    url_state.keep(link["kept"], share, 100)
    return chosen, flip, round(8 * len(chosen.data) * share / 100)


def string(coded: Coded, flip: int, keep: int) -> Html:
    """The first bits, the flipped one marked, what is cut away crossed out: HTML."""
    data = coded.data if not flip else damaged(coded.data, flip, 8 * len(coded.data))
    bits, left_out = bit_string(data, SHOWN)
    marks = []
    for place, letter in enumerate(bits.replace(" ", ""), start=1):
        text = letter
        if place == flip:
            text = f"<mark><b>{text}</b></mark>"
        if place > keep:
            text = f"<s>{text}</s>"
        marks.append(text + (" " if place % 8 == 0 else ""))
    more = f" … and {left_out:,} more" if left_out else ""
    total = 8 * len(coded.data)
    return Html(
        f"<div><strong>The {total:,} bits of {html.escape(coded.name)}</strong>"
        f'<code role="img" aria-label="{total} bits" style="{_BITS}">{"".join(marks)}{more}</code></div>'
    )


def outcome(coded: Coded, flip: int, keep: int) -> tuple[Reading, bool]:
    """What comes of it, and whether anything was damaged at all."""
    data = damaged(coded.data, flip or None, keep)
    return read_again(coded.name, data), data != coded.data


def said(coded: Coded, reading: Reading, harmed: bool) -> str:
    """What happened, in a sentence or two: markdown."""
    if not harmed:
        return "Nothing is damaged: what is decoded is what was coded. Flip a bit, or cut some off."
    if reading.error:
        shown = ""
        if reading.image is not None:
            shown = " Without the checksum it would have shown the image on the right, and nobody would have known."
        return f"**The decoder refuses:** {reading.error}{shown}"
    same = reading.image is not None and (reading.image == coded.image).all()
    if same:
        return "The decoder noticed nothing, and shows the same image: this bit did not matter."
    return f"**The decoder noticed nothing, and shows another image.** {coded.name.split(',')[0]} has no checksum."


def pictures(coded: Coded, reading: Reading) -> Html:
    """What was coded, and what a damaged stream gives: HTML."""
    shape = (1, SIDE, SIDE)

    def picture(title: str, text: str, image: object) -> Picture:
        return Picture(title, text, tiles(image.reshape(1, -1) / 255, shape, columns=1), text)  # type: ignore[attr-defined]

    cells = [picture("Decoded from the whole stream", "as it was written", coded.image)]
    if reading.image is not None and reading.image.shape == coded.image.shape:
        text = "what it would show without a checksum" if reading.error else "what it shows"
        cells.append(picture("From the damaged one", text, reading.image))
    return side_by_side(cells, least="8rem")
