"""A stranger's chapter: its record. Its page is beside it."""

from pathlib import Path

from ui.chapters import Chapter, register
from ui.links.url_state import Property, one_of

SIDES = (3, 5, 7)


def properties() -> tuple[Property, ...]:
    return (one_of("side", SIDES, "how many codes stand in a row"),)


CHAPTER = Chapter(
    slug="toy_codes",
    title="Codes on a list",
    icon=":material/view_module:",
    order=99,
    question="How many images can a list of codes hold?",
    blurb="As many as it has entries.",
    links=properties,
    page=str(Path(__file__).with_name("toy_page.py")),
)
register(CHAPTER)
