"""Links: the whole table of what they may say, against hostile texts, and what every page makes of one."""

from __future__ import annotations

import re
from itertools import cycle
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ui.chapters import chapters
from ui.chapters.links import for_teachers, of_others, properties, question_name
from ui.chapters.uses.benches import BENCHES
from ui.components.lesson import SELECTORS
from ui.links.frame import BEGIN, JOIN, LESSON, TEACHER
from ui.links.present import HIDE, HIDEABLE, PRESENT
from ui.links.url_state import MAX_PINS, Property, left_out

from .helpers import ROOT, open_page, payload_headers, subheaders

HOSTILE = (
    "nan", "inf", "1e999", "<script>alert(1)</script>", "x" * 10_000, "9" * 5_000, "../../etc/passwd", "-2", "2.0",
    "\x00", "1,2;3", ";;;", "1_0", "1_0e", "0x10", "99999999999", "vae\n", " 1", "٣", "best:99", "best:1,best:2",
)  # fmt: skip
PAGES = [chapter.url for chapter in chapters()]
QUESTIONS = {chapter.url: chapter.predictions for chapter in chapters() if chapter.predictions}
TABLE = {(page, name): one for page in PAGES for name, one in properties(page).items()}

NAMES = {"dataset", "of", "run", "with"}

# Which of them are right where: they are read, and mean what they say.
READ = {
    "-2": {"alpha", "dataset", "epsilon", "factors", "mu", "start", "x", "z"},
    "2.0": {"alpha", "base", "beta", "c", "commitment", "epsilon", "factors", "feature_weight", "judged", "level",
            "mu", "of", "pixel_weight", "r1", "run", "similarity", "start", "temperature", "threshold", "with", "x",
            "z"},
    "nan": {*NAMES, "begin"},
    "inf": {*NAMES, "begin"},
    "1e999": NAMES,
    "1_0": NAMES,
    "1_0e": NAMES,
    "0x10": NAMES,
    "99999999999": NAMES,
    "9" * 5_000: set(),
    ";;;": {"ae-z", "vae-z", "z"},
}  # fmt: skip


def spelled(one: Property) -> st.SearchStrategy[str]:
    """Texts near those that a property takes: its example, changed, and lists of numbers."""
    letters = st.sampled_from("0123456789.,;:-e" + one.example)
    ascii_only = st.characters(max_codepoint=126)
    numbers = st.lists(st.floats(-1e4, 1e4).map(lambda value: f"{value:.4g}"), min_size=1, max_size=2 * MAX_PINS)
    points = numbers.map(lambda some: ";".join(f"{value},1" for value in some))
    words = (st.text(letters, max_size=12), st.text(ascii_only, max_size=12), st.integers(-3, 6000).map(str))
    return st.one_of(st.just(one.example), *words, numbers.map(",".join), points)


@pytest.mark.parametrize("place", TABLE, ids=lambda place: "/".join(place))
def test_what_is_read_is_written_as_the_same_and_the_example_can_be_read(place):
    one = TABLE[place]
    assert one.parse(one.example) not in (None, [], "")
    taken = set()

    @settings(max_examples=25, deadline=None, database=None)
    @given(spelled(one))
    def round_trip(text: str) -> None:
        try:
            value = one.parse(text)
        except ValueError:
            return
        taken.add(text)
        # As text, because lists are written to four digits: 1000.1 comes back as 1000, and stays that.
        assert one.text(one.parse(one.text(value) or text)) == one.text(value)

    round_trip()
    assert taken


def test_hostile_texts_are_refused_everywhere_with_one_sentence():
    for (page, name), one in TABLE.items():
        assert one.name == name
        assert len(left_out([one])) < 200 and one.meaning in left_out([one])
        for text in HOSTILE:
            try:
                value = one.parse(text)
            except ValueError:
                continue
            assert name in READ.get(text, ()), (page, name, text[:20], value)
            assert one.parse(one.text(value) or text) == value


def test_numbers_are_kept_exactly_and_lists_to_four_digits():
    rate, pins = properties("train")["rate"], properties("")["ae-z"]
    for value in (1e-5, 0.1, 0.0123456789, 1 / 30):
        assert rate.parse(rate.text(value)) == value
    assert pins.text([[0.123456, -12.3456], [1e-5, 0]]) == "0.1235,-12.35;1e-05,0"
    assert pins.parse(pins.text([])) == []


def hostile(page: str) -> dict[str, str]:
    """A link that is wrong in every one of a page's parameters."""
    texts = cycle(text for text in HOSTILE if text not in ("\x00", ";;;"))  # these two say nothing
    link = {}
    for name, one in properties(page).items():
        for text in texts:
            try:
                one.parse(text)
            except ValueError:
                link[name] = text
                break
    return link


@pytest.mark.parametrize("page", [page for page in PAGES if page])
def test_a_link_wrong_in_everything_gets_one_sentence_and_the_page_is_there(page, small_store_or_shipped):
    link = hostile(page)
    assert set(link) == set(properties(page))
    usual = open_page(f"pages/{page}.py")
    at = open_page(f"pages/{page}.py", **link, **{"<b>*other*": "1"})
    assert [len(warning.value) < 300 + 90 * len(link) for warning in at.warning] == [True]
    for name, text in link.items():
        assert f"“{name}” ({properties(page)[name].meaning})" in at.warning[0].value
        assert text not in at.warning[0].value or len(text) < 6
    assert "“·b··other·”, which this page does not know" in at.warning[0].value
    assert not at.error and at.query_params == usual.query_params
    assert payload_headers(at) == payload_headers(usual) and subheaders(at) == subheaders(usual)
    widgets = ("segmented_control", "selectbox", "number_input", "radio", "slider")
    for kind in widgets:
        assert [one.value for one in getattr(at, kind)] == [one.value for one in getattr(usual, kind)], kind
    at.run()
    assert not at.warning


OF_OTHERS = ("__theme", "__sign", "__lang", "utm_source", "utm_id", "fbclid", "gclid", "msclkid", "gbraid", "igshid")


def test_parameters_that_hosts_add_bring_no_warning():
    at = open_page("pages/beta.py", **dict.fromkeys(OF_OTHERS, "x"))
    assert not at.warning
    assert set(at.query_params) == set(OF_OTHERS)  # the host may need them


def test_beside_parameters_that_hosts_add_the_others_are_still_told():
    at = open_page("pages/beta.py", __sign="x", fbclid="y", nonsense="1", theme="dark", beta="4")
    (warning,) = at.warning
    assert "“nonsense”, “theme”, which" in warning.value and "sign" not in warning.value
    assert set(at.query_params) == {"__sign", "fbclid", "beta"}


def test_no_parameter_of_the_app_looks_like_one_that_hosts_add():
    assert not [name for _, name in TABLE if of_others(name)]


@pytest.fixture
def small_store_or_shipped(request, page):
    """Pages that list runs are tested where there are few."""
    if page in ("explorer", "train"):
        request.getfixturevalue("small_store")


def test_the_home_page_says_what_it_does_not_know():
    from streamlit.testing.v1 import AppTest

    from .helpers import MAIN, TIMEOUT

    at = AppTest.from_file(MAIN, default_timeout=TIMEOUT)
    for name, text in {**hostile(""), "d": "2", "utm_source": "x"}.items():
        at.query_params[name] = text
    at.run()
    assert len(at.warning) == 1 and "“d”, which this page does not know" in at.warning[0].value
    assert "“ae-z” (the pinned points of the autoencoder's plane) and “ae-view”" in at.warning[0].value
    assert "utm" not in at.warning[0].value
    assert not at.exception and at.query_params == {"utm_source": "x"}


@pytest.mark.parametrize(
    ("page", "link", "told"),
    [
        ("beta", {"beta": "3"}, "“beta” (β)"),
        ("beta", {"d": "16", "beta": "0.01"}, "“beta” (β)"),
        ("regularity", {"start": "99"}, "“start”"),
        ("inside", {"gradients": "42"}, "“gradients”"),
    ],
)
def test_a_value_that_is_not_here_is_said_and_left_out(page, link, told):
    at = open_page(f"pages/{page}.py", **link)
    assert len(at.warning) == 1 and told in at.warning[0].value and not at.error
    assert set(link) - set(at.query_params) >= {list(link)[-1]}


def test_a_run_that_is_not_here_is_said(small_store):
    key = next(key for key in small_store.keys() if key.startswith("vae-"))
    for page, link in (("explorer", {"run": "vae-mnist-d2"}), ("train", {"run": "nan"}), ("train", {"dataset": "nan"})):
        at = open_page(f"pages/{page}.py", **link)
        assert len(at.warning) == 1 and len(at.warning[0].value) < 300 and not at.error
    at = open_page("pages/train.py", run=key, **{"with": "nan"})
    assert not at.error and not at.warning and "with" not in at.query_params


@pytest.mark.parametrize("page", QUESTIONS)
def test_every_question_has_a_name_that_links_ask_for_and_its_answer_comes_back(page):
    benches = [bench.slug for bench in BENCHES] if page == "uses" else []  # one of them at a time is on the page
    asked = []
    for link in [{"bench": bench} for bench in benches] or [{}]:
        at = open_page(f"pages/{page}.py", **link)
        asked += [radio.key.removeprefix("predict-") for radio in at.radio if radio.key.startswith("predict-")]
    names = [question_name(page, key) for key in asked]
    assert sorted(filter(None, names)) == sorted(QUESTIONS[page]) and len(names) == len(asked)
    last = at.radio(key=f"predict-{asked[-1]}")
    last.set_value(last.options[1]).run()
    told = at.query_params["answers"]
    text = told[0] if isinstance(told, list) else told
    assert text == f"{names[-1]}:1"
    again = open_page(f"pages/{page}.py", answers=text, ask=names[-1], **link)
    values = {radio.key: radio.value for radio in again.radio if radio.key.startswith("predict-")}
    here = [radio.key.removeprefix("predict-") for radio in at.radio if radio.key.startswith("predict-")]
    assert values == {f"predict-{key}": last.options[1] if key == asked[-1] else None for key in here}
    assert not again.warning


def test_presenting_goes_along_and_ends_when_it_is_left():
    at = open_page("pages/mathematics.py", present="1", hide="text,notes", d="16")
    chart = at.get("plotly_chart")[0].proto.spec
    assert '"size":20' in chart.replace(" ", "")
    at.switch_page(str(ROOT / "pages" / "inside.py"))
    at.query_params.clear()
    at.run()
    assert at.query_params == {"present": ["1"], "hide": ["text,notes"]} or at.query_params == {
        "present": "1", "hide": "text,notes"
    }  # fmt: skip
    at.session_state["lesson.presenting"] = None  # what its button and Escape do
    at.run()
    assert not at.exception and at.query_params == {}


def test_everything_that_can_be_hidden_is_found_on_the_page():
    assert set(SELECTORS) == set(HIDEABLE)
    assert HIDE.parse(HIDE.text(list(HIDEABLE))) == list(HIDEABLE) and PRESENT.parse("1") is True


def test_a_page_without_a_chapter_knows_what_every_page_knows():
    assert set(properties("nowhere")) == {one.name for one in (BEGIN, PRESENT, HIDE, LESSON, JOIN, TEACHER)}
    assert question_name("nowhere", "best") is None


def test_the_list_for_teachers_is_the_table():
    document = (ROOT / "docs" / "links.md").read_text(encoding="utf-8")
    assert for_teachers() in document
    shown = re.findall(r"`/(\w*)\?([^`]+)`", document)
    assert len(shown) >= 5
    for page, query in shown:
        for name, text in parse_qsl(query):
            properties(page)[name].parse(text)


def test_every_link_of_the_lesson_plan_means_something():
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    found = re.findall(r"\]\(http://localhost:8501/([a-z]*)(?:\?([^)]*))?\)", text)
    assert len(found) >= 8 and {page for page, _ in found} == set(PAGES) - {"explorer"}
    for page, query in found:
        table = properties(page)
        for name, value in parse_qsl(query, strict_parsing=True) if query else ():
            assert table[name].parse(value) not in (None, [], ""), (page, name)
    # What is shown as the link is where it leads.
    for shown, page, query in re.findall(r"\[`/?([^`]*)`\]\(http://localhost:8501/([a-z]*)(\?[^)]*)?\)", text):
        assert f"{page}{query}".endswith(shown), shown
