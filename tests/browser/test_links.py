"""Links for a lesson: what was set on a page is copied there, opened in another browser, and is on screen again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Locator, Page, expect

from .test_beta import opened as opened_dial
from .test_canvas import VAE, click_at, plane_of, sent_frames, wait_until
from .test_chapters import choice
from .test_dial import go

pytestmark = pytest.mark.browser

# What a visitor sees of Streamlit's controls, pictures and texts, and of the components' own numbers.
CONTROLS = """() => {
  const kinds = ["input", "[role=radio]", "[role=slider]", "[role=combobox]"];
  return [...document.querySelectorAll(`[data-testid=stMain] :is(${kinds})`)].map((one) => [
    one.ariaLabel, one.ariaChecked ?? one.checked, one.ariaValueText ?? one.ariaValueNow,
    one.type === "radio" ? "" : one.value,
  ]);
}"""
PICTURES = "list => list.map((image) => image.src)"
TOOLS = "list => list.map((button) => [button.textContent, button.ariaPressed])"
TITLES = "list => list.map((one) => one.textContent)"
STATES = {
    ".latent-canvas:visible .plane": """({latentCanvas: canvas}) => {
      const {key, view, pins, hidden} = canvas.state();
      return [key, view, pins, hidden];
    }""",
    ".latent-line": "({latentLine: line}) => [line.header.key, line.z]",
    ".inside": """({inside}) => {
      const { preset, epsilon, z, step, chosen, reconstruction } = inside.state();
      return [preset, epsilon, z, step, chosen, reconstruction];
    }""",
    ".beta-dial": "({betaDial: dial}) => [dial.state().nearest, dial.header.dimensions]",
    ".derivation": """({derivation: part}) => {
      const { elbos, eps, playing, ...rest } = part.state();
      return rest;
    }""",
    ".album": "({album}) => album.marks",
    ".latent-along": "({latentAlong: line}) => [line.header.key, line.at, line.header.along.start]",
    ".training-film": "({trainingFilm: film}) => [film.header.key, film.index]",
}


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def opened(page: Page, url: str, wanted: str) -> None:
    page.goto(url)
    expect(page.locator(wanted).first).to_be_visible()
    if page.get_by_text("Sources").count() or "explorer" not in url:
        expect(page.locator("summary, h2").last).to_be_attached()
    settled(page)


def screen(page: Page) -> dict[str, Any]:
    """What a page shows, for a comparison with another browser's."""
    page.mouse.move(1, 1)
    seen: dict[str, Any] = {
        "controls": page.evaluate(CONTROLS),
        "pictures": page.get_by_test_id("stHtml").locator("img").evaluate_all(PICTURES),
        "tools": page.locator(".tools button, .legend button").evaluate_all(TOOLS),
        "texts": page.get_by_test_id("stMarkdown").evaluate_all(TITLES),
    }
    for selector, state in STATES.items():
        seen[selector] = page.locator(selector).evaluate_all(f"list => list.map({state})")
    return seen


def at_rest(page: Page) -> dict[str, Any]:
    """The same, once it stays: what was set last may still be on its way to the server, and elements of before on show.

    A run of the page begins a moment after the key that asked for it, so two looks half a second apart must agree.
    """
    seen = screen(page)
    for _ in range(20):
        page.wait_for_timeout(500)
        settled(page)
        before, seen = seen, screen(page)
        if alike(before, seen):
            return seen
    pytest.fail("The page does not come to rest.")


def copied(page: Page) -> str:
    """The link, by the page's own button."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".lesson .said")).to_have_text("Link copied.")
    return page.evaluate("navigator.clipboard.readText()")


def alike(one: Any, other: Any) -> bool:
    """The same, numbers to the four digits of a link."""
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return one == pytest.approx(other, rel=2e-3, abs=2e-3)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    return one == other


def differences(name: str, here: list[Any], there: list[Any]) -> list[str]:
    """One line for each entry that is not the same."""
    if len(here) != len(there):
        return [f"{name}: {len(here)} here, {len(there)} elsewhere: {here} {there}"]
    return [
        f"{name} {index}: {one} here, {other} elsewhere"
        for index, (one, other) in enumerate(zip(here, there, strict=True))
        if not alike(one, other)
    ]


def on_home(page: Page) -> None:
    first, second = plane_of(page, 0), plane_of(page, 1)
    click_at(page, first, 0.4, 0.6)
    click_at(page, second, 0.3, 0.3)
    click_at(page, second, 0.6, 0.5)
    page.get_by_role("button", name="Zoom in").nth(1).click()
    page.locator(".legend button").nth(3).click()
    page.get_by_role("button", name="Distance").first.click()


def press(page: Page, control: Locator, *keys: str) -> None:
    control.focus()
    for key in keys:
        page.keyboard.press(key)


def on_reduction(page: Page) -> None:
    choice(page, "Numbers in the code, d", "2").click()
    page.wait_for_url(lambda url: "d=2" in url)
    choice(page, "Images to memorise", "10").click()
    page.wait_for_url(lambda url: "n=10" in url)
    page.get_by_text("A deep autoencoder").first.click()
    page.wait_for_url(lambda url: "best:2" in unquote(url) and "line:1" in unquote(url))
    page.get_by_role("button", name="Other digits").click()
    page.wait_for_url(lambda url: "first=10" in url)
    press(page, page.get_by_test_id("stSlider").get_by_role("slider"), "ArrowRight", "ArrowRight")
    page.wait_for_url(lambda url: "turn=30" in url)
    settled(page)
    press(page, page.locator(".latent-line").get_by_role("slider"), "PageUp", "PageUp", "ArrowRight")


def on_regularity(page: Page) -> None:
    page.locator("[class*=st-key-question-mixture]").get_by_text("About half").click()
    choice(page, "Sample z from", "A box").click()
    page.wait_for_url(lambda url: "from=box" in url)
    page.locator("[class*=st-key-question-prior]").get_by_text("About the same").click()
    page.get_by_role("button", name="Generate again").click()
    page.wait_for_url(lambda url: "seed=6" in url)
    page.get_by_role("button", name="Another pair").click()
    page.wait_for_url(lambda url: "pair=7" in url)
    choice(page, "Step δ", "0.5").click()
    page.wait_for_url(lambda url: "step=0.5" in url)
    choice(page, "View", "Two coordinates").click()
    page.wait_for_url(lambda url: "across=1" in url)
    page.get_by_role("spinbutton", name="Up").fill("9")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "up=9" in url)
    settled(page)
    click_at(page, plane_of(page, 1), 0.4, 0.6)


def on_inside(page: Page) -> None:
    root = page.locator(".inside")
    root.locator(".preset").nth(7).click()
    root.locator(".another").click()
    root.locator(".resample").click()
    root.locator(".step").click()
    root.locator(".step").click()
    root.locator(".next").click()


def on_beta(page: Page) -> None:
    root = page.locator(".beta-dial")
    go(page, root, 5)
    page.wait_for_url(lambda url: "beta=2" in url)
    page.get_by_text("KL alone", exact=True).first.click()
    page.wait_for_url(lambda url: "answers=" in url)


def on_mathematics(page: Page) -> None:
    def slider(part: int, label: str) -> Locator:
        return page.locator(".derivation").nth(part).get_by_role("slider", name=label, exact=True)

    frames = sent_frames(page)
    before = len(frames)
    page.locator(".derivation").first.locator("input[value=bent]").check()
    press(page, slider(0, "observation x"), "ArrowLeft", "ArrowLeft")
    press(page, slider(1, "start of μ"), "ArrowLeft")
    page.locator(".derivation").nth(1).locator(".step").click()
    press(page, slider(2, "correlation ρ of p"), "ArrowLeft")
    press(page, slider(2, "σ of q, both dimensions"), "ArrowLeft")
    press(page, slider(3, "μ"), "ArrowRight")
    press(page, slider(3, "samples n"), "ArrowRight")
    page.locator(".derivation").nth(3).locator(".again").click()
    page.wait_for_url(lambda url: "draw=2" in url and "step=1" in url)
    assert len(frames) == before  # all of this is the browser's own
    page.get_by_role("spinbutton", name="Held-out digit").fill("17")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "digit=17" in url)
    wait_until(page, lambda: "draw=2" in page.url)  # Streamlit wrote the link, and what is on screen is in it again


def on_train(page: Page) -> None:
    page.get_by_text("Settings", exact=True).click()  # the form is folded away while a run is shown
    page.get_by_role("spinbutton", name="Epochs").fill("7")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "epochs=7" in url)
    press(page, page.locator(".training-film").get_by_role("slider", name="Epoch"), "ArrowLeft", "ArrowLeft")


def on_photographs(page: Page) -> None:
    page.locator(".album").first.get_by_role("button", name="Photograph 8, 7").click()
    page.wait_for_url(lambda url: "between=" in url)
    press(page, page.locator(".latent-along").first.get_by_role("slider"), "ArrowLeft")
    page.locator(".album").nth(1).get_by_role("button", name="Photograph 5, 4").click()
    page.wait_for_url(lambda url: "onto=5" in url)
    press(page, page.locator(".latent-along").nth(3).get_by_role("slider"), "ArrowRight")
    page.locator(".latent-canvas:visible .legend button").nth(3).click()
    page.wait_for_url(lambda url: "ae-off=3" in url)
    settled(page)


def on_explorer(page: Page) -> None:
    plane = plane_of(page)
    click_at(page, plane, 0.4, 0.6)
    page.wait_for_url(lambda url: "z=" in url)
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_url(lambda url: "view=" in url)
    page.locator(".legend button").nth(3).click()
    page.wait_for_url(lambda url: "off=3" in url)
    settled(page)


@pytest.mark.parametrize(
    ("path", "wanted", "set_up"),
    [
        ("", ".latent-canvas:visible", on_home),
        ("reduction?answers=line:1", ".latent-line", on_reduction),
        ("regularity?d=16", ".latent-canvas:visible", on_regularity),
        ("inside", ".inside", on_inside),
        ("beta", ".beta-dial", on_beta),
        ("mathematics?answers=humps:1,diagonal:2", ".derivation >> nth=3", on_mathematics),
        (f"train?run={VAE}", ".training-film", on_train),
        ("photographs", ".latent-along", on_photographs),
        ("explorer", ".latent-canvas:visible", on_explorer),
    ],
    ids=lambda one: one.partition("?")[0] if isinstance(one, str) else "",
)
def test_a_copied_link_shows_the_same_elsewhere(
    page: Page, elsewhere: Page, app_url: str, path: str, wanted: str, set_up: Callable[[Page], None]
) -> None:
    if path == "beta":
        opened_dial(page, f"{app_url}/beta")
    else:
        opened(page, f"{app_url}/{path}", wanted)
    usual = screen(page)
    set_up(page)
    here = at_rest(page)
    link = copied(page)
    assert not alike(here, usual)
    opened(elsewhere, link, wanted)
    expect(elsewhere.get_by_test_id("stAlert")).to_have_count(0)
    for _ in range(20):  # what comes last: pictures, and what a fragment shows
        there = screen(elsewhere)
        unlike = [difference for name in here for difference in differences(name, here[name], there[name])]
        if not unlike:
            return
        elsewhere.wait_for_timeout(500)
    pytest.fail("\n".join(unlike))


def test_presenting_is_large_and_bare_and_escape_leaves_it(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    question = page.locator(".st-key-question-diagonal")
    opened(page, f"{app_url}/mathematics?present=1&hide=notes&ask=diagonal&rho=0.5", ".st-key-question-diagonal")

    def is_seen() -> bool:
        box = question.bounding_box()  # None until its slide is the one that is shown
        return box is not None and box["y"] > 0 and box["y"] + box["height"] < 720

    wait_until(page, is_seen)
    page.wait_for_timeout(500)
    assert is_seen()
    assert question.evaluate("box => getComputedStyle(box).outlineStyle") == "solid"
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 20
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    expect(page.get_by_text("Sources", exact=True)).to_be_hidden()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
    leave = page.get_by_role("button", name="Leave")
    expect(leave).to_be_in_viewport()  # from wherever the page was scrolled to
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "present" not in url and "hide" not in url and "rho=0.5" in url)
    expect(page.get_by_test_id("stHeader")).to_be_visible()
    expect(page.get_by_text("Sources", exact=True)).to_be_visible()
    expect(leave).to_be_hidden()


def test_without_a_clipboard_the_link_is_selected_to_be_copied_by_hand(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/mathematics?rho=0.5", ".diagonal-part")
    page.evaluate("""() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      document.execCommand = () => window.refuses ? false : (window.taken = true);
    }""")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".lesson .said")).to_have_text("Link copied.")
    assert page.evaluate("window.taken") and page.locator(".by-hand").is_hidden()
    page.evaluate("window.refuses = true")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".lesson .said")).to_have_text("Copy the selected link by hand.")
    field = page.get_by_role("textbox", name="Link to what is on screen")
    expect(field).to_have_value(f"{app_url}/mathematics?rho=0.5")
    selected = field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)")
    assert json.dumps(selected) == json.dumps(f"{app_url}/mathematics?rho=0.5")


def test_a_copied_link_is_without_what_hosts_add(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/beta?__sign=secret&beta=4&fbclid=x&__theme=dark")
    expect(page.get_by_role("heading", name="The β dial")).to_be_visible()
    assert "secret" in page.url  # the host may need it when the page is loaded again
    link = copied(page)
    assert "beta=4" in link and not any(name in link for name in ("__", "fbclid", "secret"))
