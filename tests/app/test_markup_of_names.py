"""Names from outside, in sentences that are shown as markdown."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from ui.figures.markup import in_a_line
from ui.training.own_images import Read, left_out

NAME = "a\n\n# Heading\n\n![x](https://evil.example/x.png) [y](https://evil.example) <img src=x>.png"


def say(name: str) -> None:
    from ui.figures.messages import errors_said
    from vae_core.errors import UnusableImages

    with errors_said():
        raise UnusableImages(f"{name} is no picture.")


def test_a_zip_entrys_name_loads_an_outside_image():
    text = in_a_line(NAME)
    assert "\n" not in text and "<img" not in text.replace("\\<img", "")
    assert "![" not in text and "](" not in text.replace("\\](", "") and "://" not in text
    listed = left_out(Read("n", "t", (1, 1, 1, 1), (), ((NAME, NAME),), 1, (), b""))
    assert listed == f"- `{' '.join(NAME.split())}` {text}"  # the name is code: all of it is shown as it is


def test_an_error_with_such_a_name_is_one_line():
    at = AppTest.from_function(say, args=(NAME,)).run()
    assert at.error[0].value == in_a_line(f"{NAME} is no picture.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# x.zip holds nothing.", r"\# x.zip holds nothing."),
        ("1. x.zip", r"1\. x.zip"),
        ("- x", r"\- x"),
        ("The loss was no longer a number in epoch 3.", "The loss was no longer a number in epoch 3."),
        ("`python -m vae_core list`", r"\`python -m vae_core list\`"),
        ("a_b_c costs $5", r"a_b_c costs \$5"),
    ],
)
def test_a_sentence_of_ours_stays_as_it_is(text, shown):
    assert in_a_line(text) == shown
