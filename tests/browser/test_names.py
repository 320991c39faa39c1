"""Names from outside on a real page: Streamlit's front end finds addresses in them that no parser of markdown does."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

NAMES = [
    "https://evil.example/a.png",
    "HTTP://evil.example",
    "www.evil.example",
    "WwW.evil.example/x?y=1",
    "a@b.example",
    "[x](https://evil.example) <https://evil.example> (www.evil.example) *a.b@c.example*",
]
SCRIPT = f"""
import streamlit as st
from ui.figures.markup import as_written, in_a_line

for number, name in enumerate({json.dumps(NAMES)}):
    with st.container(key=f"safe-{{number}}"):
        st.markdown(f"### {{as_written(name)}}")
        st.error(in_a_line(f"The picture {{name}} is broken."))
        st.warning(in_a_line(name))
    with st.container(key=f"plain-{{number}}"):
        st.markdown(name)
st.text("whole")
"""


def test_no_name_becomes_a_link(page, stage):
    address, _ = stage.put_on("names", SCRIPT)
    page.goto(address)
    expect(page.get_by_text("whole", exact=True)).to_be_visible()
    for number, name in enumerate(NAMES):
        expect(page.locator(f".st-key-plain-{number} a").first).to_be_attached()  # Streamlit would make one
        safe = page.locator(f".st-key-safe-{number}")
        expect(safe.get_by_role("heading")).to_have_count(1)
        expect(safe.get_by_role("alert")).to_have_count(2)
        assert safe.inner_text().replace("\u2060", "").count(name) == 3
        assert safe.locator("a:not([href^='#'])").count() == 0  # but for the heading's own anchor
