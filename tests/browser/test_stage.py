"""The way through the app as a newcomer takes it: by keyboard, by touch, presented; and what the browser remembers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from benchmarks.stage import MOST_SHIFT, OBSERVE, wait_until_still
from ui.chapters import numbered
from vae_core.storage.manifest import shipped_run

from .conftest import watch
from .test_canvas import VAE, wait_until

pytestmark = pytest.mark.browser

MAIN = "[data-testid=stMain]"
PROGRESS = "vae-playground.progress"
MANY = shipped_run(dataset="mnist", model="vae", latent_dim=16, hidden=(128, 64), beta=1.0, seed=0).key


def arrived(page: Page, title: str) -> None:
    """Wait until a page is there with its end."""
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    page.locator(".st-key-chapter-end").wait_for(state="attached")


def to_the_end(page: Page) -> None:
    """Scroll until the page's end is on screen."""
    page.locator(".st-key-way-on").scroll_into_view_if_needed()
    page.locator(MAIN).evaluate("main => main.scrollTo(0, main.scrollHeight)")


def test_a_walk_by_keyboard_through_home_and_two_chapters(page, app_url):
    first, second, *_ = numbered()
    page.goto(app_url)
    plane = page.locator(".latent-canvas:visible .plane").nth(1)
    plane.focus()
    before = plane.evaluate("plane => plane.latentCanvas.at.x")
    page.keyboard.press("ArrowRight")
    assert plane.evaluate("plane => plane.latentCanvas.at.x") > before
    page.get_by_test_id("stMain").get_by_role("link", name=first.title, exact=True).focus()
    page.keyboard.press("Enter")
    arrived(page, first.title)
    term = page.locator("dfn.term").first
    explanation = term.locator(".gloss")
    expect(explanation).to_be_hidden()

    def explained() -> bool:
        term.focus()  # again where the page, still filling, has replaced the words that had it
        return explanation.is_visible()

    wait_until(page, explained)
    assert len(explanation.inner_text()) > 20
    to_the_end(page)
    wait_until(page, lambda: first.slug in (page.evaluate(f"localStorage.getItem('{PROGRESS}')") or ""))
    page.get_by_role("link", name=f"Next: {second.title}").focus()
    page.keyboard.press("Enter")
    arrived(page, second.title)
    page.get_by_role("link", name=f"Back: {first.title}").focus()
    page.keyboard.press("Enter")
    arrived(page, first.title)
    page.get_by_role("link", name="Home").first.focus()
    page.keyboard.press("Enter")
    mark = "slug => getComputedStyle(document.querySelector(`.st-key-card-${slug} .card-state`), '::after').content"
    page.locator(f".st-key-card-{first.slug} .card-state").wait_for(state="attached")
    assert "done" in page.evaluate(mark, first.slug)
    assert "done" not in page.evaluate(mark, numbered()[-1].slug)


def test_a_walk_by_touch_scrolls_over_a_plane_and_taps_terms_and_cards(phone, app_url):
    first = numbered()[0]
    phone.goto(app_url)
    plane = phone.locator(".latent-canvas:visible .plane").first
    plane.locator("canvas.manifold[data-complete]").wait_for(state="attached")
    box = plane.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8
    wire = phone.context.new_cdp_session(phone)
    wire.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        wire.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 25 * step}]})
        phone.wait_for_timeout(30)
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_until(phone, lambda: phone.locator(MAIN).evaluate("main => main.scrollTop") > 80)
    assert plane.evaluate("plane => plane.latentCanvas.state().path") == 0
    phone.locator("dfn.term").first.tap()
    gloss = phone.locator("dfn.term .gloss").first
    expect(gloss).to_be_visible()
    seen = gloss.bounding_box()
    assert seen["x"] >= 0 and seen["x"] + seen["width"] <= 390
    phone.get_by_test_id("stMain").get_by_role("link", name=first.title, exact=True).tap()
    arrived(phone, first.title)
    assert phone.locator(MAIN).evaluate("main => main.scrollWidth <= main.clientWidth")


def test_a_phone_has_trains_presets_first_and_its_film_whole(phone, app_url):
    phone.goto(f"{app_url}/train")
    preset, film = phone.get_by_role("button", name="β too high"), phone.locator(".training-film")
    film.wait_for()
    assert (preset.bounding_box() or {})["y"] < 844 < (film.bounding_box() or {})["y"]
    phone.goto(f"{app_url}/train?run={VAE}")
    film.wait_for()
    expect(film.locator("output")).to_contain_text("epoch")
    box, words = film.bounding_box(), phone.get_by_role("button", name="β too high").bounding_box()
    assert box["height"] <= 844 - 64  # the bar of the menu
    assert box["y"] < words["y"]


def test_the_menus_own_button_is_free_on_a_phone(phone, app_url):
    phone.goto(app_url)
    present = phone.get_by_role("button", name="Present")
    expect(present).to_be_visible()
    phone.get_by_test_id("stExpandSidebarButton").tap()
    expect(phone.get_by_test_id("stSidebarContent").get_by_role("link", name="Latent explorer")).to_be_visible()
    expect(present).to_be_hidden()
    phone.get_by_test_id("stSidebarCollapseButton").get_by_role("button").tap()
    expect(present).to_be_visible()


def test_the_tools_stand_in_one_menu(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(app_url)
    bar = page.get_by_test_id("stTopNavLinkContainer")
    expect(bar).to_have_count(1 + len(numbered()))  # Home and the story: nothing is left over for "more"
    page.get_by_test_id("stHeader").get_by_text("Tools", exact=True).click()
    page.get_by_role("link", name="Glossary").last.click()
    expect(page.get_by_role("heading", level=1, name="Glossary")).to_be_visible()


def test_each_step_is_a_slide_when_presented(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/beta?present=1")
    page.locator(".st-key-chapter-end").wait_for(state="attached")  # every step has come
    steps = page.locator("[class*='st-key-step-']:visible, [class*='st-key-widestep-']:visible")
    label = page.locator(".slide")
    expect(label).to_contain_text("1 of")
    expect(steps).to_have_count(1)
    count = int(label.inner_text().split()[-1])
    assert count >= 3
    page.keyboard.press("PageDown")
    expect(label).to_have_text(f"2 of {count}")
    expect(steps).to_have_count(1)
    page.keyboard.press("PageUp")
    expect(label).to_have_text(f"1 of {count}")
    page.get_by_role("button", name="Next step").click()
    expect(label).to_have_text(f"2 of {count}")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Present")).to_be_visible()
    expect(steps.nth(2)).to_be_visible()


@pytest.fixture
def fresh(browser) -> Iterator[Page]:
    """A page in a browser of its own: what it is given before the app runs goes with it."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page, errors = context.new_page(), []
    watch(page, errors)
    yield page
    context.close()
    assert not errors, errors


BLOCKED = "Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('blocked'); };"
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"


@pytest.mark.parametrize("script", [BLOCKED, FULL], ids=["blocked", "full"])
def test_storage_that_takes_nothing_costs_the_marks_alone(fresh, app_url, script):
    fresh.add_init_script(script)
    fresh.goto(f"{app_url}/glossary")
    expect(fresh.get_by_role("heading", level=1, name="Glossary")).to_be_visible()
    fresh.get_by_test_id("stTopNavLinkContainer").get_by_role("link", name="Home").click()
    fresh.locator(".st-key-card-beta .card-state").wait_for(state="attached")


@pytest.mark.parametrize("kept", ["not json", '{"a": 1}', '["<b>", 7, "beta"]'])
def test_what_storage_holds_is_not_believed(fresh, app_url, kept):
    fresh.add_init_script(f"localStorage.setItem('{PROGRESS}', {kept!r});")
    fresh.goto(app_url)
    fresh.locator(".st-key-card-beta .card-state").wait_for(state="attached")
    content = "() => getComputedStyle(document.querySelector('.st-key-card-beta .card-state'), '::after').content"
    wait_until(fresh, lambda: ("done" in fresh.evaluate(content)) == ("beta" in kept))


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)], ids=["laptop", "phone"])
@pytest.mark.parametrize("slug", ["mathematics", "train", "glossary"])
def test_nothing_moves_while_a_page_opens(browser, app_url, slug, size):
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.add_init_script(OBSERVE)
    page = context.new_page()
    page.goto(f"{app_url}/{slug}")
    wait_until_still(page)
    assert page.locator(".st-key-chapter-end").count() == 1
    moved = page.evaluate("window.shift")
    context.close()
    assert moved <= MOST_SHIFT


@pytest.mark.parametrize(("slug", "onward"), [("explorer", "Next: Glossary"), ("glossary", "All chapters")])
def test_the_pages_beside_the_story_lead_on(page, app_url, slug, onward):
    page.goto(f"{app_url}/{slug}")
    to_the_end(page)
    expect(page.get_by_test_id("stMain").get_by_role("link", name=onward)).to_be_visible()


def test_the_dial_stands_whole_on_a_phone(phone, app_url):
    phone.goto(f"{app_url}/beta")
    dial = phone.locator(".beta-dial")
    expect(dial.locator(".samples")).to_be_visible()
    bar = 60  # CSS pixels that the menu covers
    wait_until(phone, lambda: 300 < dial.bounding_box()["height"] <= phone.viewport_size["height"] - bar)


@pytest.mark.parametrize(
    ("path", "instrument", "count"),
    [
        ("", ".latent-canvas", 2),
        ("regularity", ".latent-canvas", 2),
        (f"explorer?run={MANY}", ".latent-sliders", 1),
        ("inside?answers=escape:2", ".ellipses", 1),
        ("reduction?answers=best:2,line:1", ".latent-line", 1),
        ("photographs", ".latent-along", 4),
    ],
)
def test_nothing_moves_when_the_tensors_come(browser, app_url, path, instrument, count):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.add_init_script(OBSERVE)
    page = context.new_page()
    held: list[Route] = []
    page.route("**/tensors/*", lambda route: held.append(route))
    page.goto(f"{app_url}/{path}")
    waiting = page.locator(f"{instrument}.waiting")
    expect(waiting).to_have_count(count)
    wait_until_still(page)
    before = [one.bounding_box() for one in page.locator(instrument).all()]
    page.route("**/tensors/*", lambda route: route.continue_())  # what is asked for from now on
    for route in held:
        route.continue_()
    expect(waiting).to_have_count(0)
    expect(page.locator(f"{instrument}:visible")).to_have_count(count)
    wait_until_still(page)
    after = [one.bounding_box() for one in page.locator(instrument).all()]
    moved = page.evaluate("window.shift")
    context.close()
    assert [box["height"] for box in after] == pytest.approx([box["height"] for box in before], abs=1)
    assert moved <= MOST_SHIFT


# When the opening was first seen whole and when the first figure was, in frames.
FRAMES = """
window.seen = {};
let frame = 0;
const look = () => {
  frame += 1;
  const shown = (one) => one && one.getClientRects().length > 0;
  const instrument = [...document.querySelectorAll(".st-key-instrument-opening *")]
    .some((one) => shown(one.shadowRoot?.querySelector(".component:not([hidden])")));
  if (instrument && shown(document.querySelector(".st-key-words-opening p"))) window.seen.opening ??= frame;
  if (document.querySelector(".js-plotly-plot .main-svg")) window.seen.figure ??= frame;
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def test_figures_further_down_wait_until_the_opening_is_on_screen(fresh, app_url):
    fresh.add_init_script(FRAMES)
    fresh.goto(f"{app_url}/beta")
    fresh.locator(".js-plotly-plot .main-svg").first.wait_for(state="attached", timeout=90_000)
    wait_until(fresh, lambda: fresh.evaluate("'opening' in window.seen && 'figure' in window.seen"))
    seen = fresh.evaluate("window.seen")
    assert seen["opening"] < seen["figure"]
