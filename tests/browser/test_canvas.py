"""The latent canvas as a visitor uses it: hover, click, drag, keys, touch, links, reload."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from vae_core.checkpoints import Store
from vae_core.manifest import SHIPPED, shipped_run

pytestmark = pytest.mark.browser

AE = shipped_run(model="ae", dataset="mnist", latent_dim=2).key
VAE = shipped_run(model="vae", dataset="mnist", latent_dim=2).key


def plane_of(page: Page, index: int = 0) -> Locator:
    """The drawn plane number `index` on the page, its manifold complete."""
    plane = page.locator(".latent-canvas:visible .plane").nth(index)
    expect(plane.locator("canvas.manifold[data-complete]")).to_be_attached(timeout=30_000)
    return plane


def state(plane: Locator) -> dict:
    return plane.evaluate("plane => plane.latentCanvas.state()")


def move_to(page: Page, plane: Locator, u: float, v: float) -> None:
    box = plane.bounding_box()
    page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"])


def click_at(page: Page, plane: Locator, u: float, v: float) -> None:
    box = plane.bounding_box()
    page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])


def pixels(canvas: Locator) -> np.ndarray:
    """Grey values 0 to 1 of a picture on screen, at its own resolution."""
    data = canvas.evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)")
    return np.asarray(data, dtype=float).reshape(-1, 4)[:, 0] / 255


def decoded_by_torch(key: str, x: float, y: float) -> np.ndarray:
    run = Store(SHIPPED).load(key)
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.tensor([[x, y]])))[0].numpy()


def sent_frames(page: Page) -> list:
    frames: list = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    return frames


def wait_until(page: Page, condition: Callable[[], bool], seconds: float = 10) -> None:
    for _ in range(int(seconds * 20)):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen in time")


def test_hovering_decodes_what_torch_decodes_and_tells_the_server_nothing(page, app_url):
    frames = sent_frames(page)
    page.goto(app_url)
    for index, key in enumerate((AE, VAE)):
        plane = plane_of(page, index)
        plane.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        before, seen = len(frames), []
        for u, v in ((0.3, 0.4), (0.7, 0.3), (0.52, 0.66)):
            move_to(page, plane, u, v)
            at = state(plane)["at"]
            for picture in (plane.locator(".lens canvas"), page.locator("canvas.decoded").nth(index)):
                shown = pixels(picture)
                assert np.abs(shown - decoded_by_torch(key, at["x"], at["y"])).max() <= 1.5 / 255
            seen.append(shown)
        assert np.abs(seen[0] - seen[1]).max() > 0.2
        assert np.abs(seen[1] - seen[2]).max() > 0.2
        page.wait_for_timeout(500)
        assert len(frames) == before


def test_the_place_under_the_pointer_is_the_one_that_is_told(page, app_url):
    page.goto(app_url)
    plane = plane_of(page, 1)
    view = state(plane)["view"]
    move_to(page, plane, 0.75, 0.25)
    at = state(plane)["at"]
    assert at["x"] == pytest.approx(view["cx"] + 0.5 * view["half"], abs=view["half"] / 100)
    assert at["y"] == pytest.approx(view["cy"] + 0.5 * view["half"], abs=view["half"] / 100)
    told = page.locator("dd.z").nth(1).inner_text().replace("−", "-")
    assert [float(number) for number in re.findall(r"-?\d+\.\d+", told)] == pytest.approx([at["x"], at["y"]], abs=0.006)


def test_prior_density_and_distance_in_the_read_out_are_right(page, app_url):
    page.goto(app_url)
    plane = plane_of(page, 1)
    move_to(page, plane, 0.6, 0.45)
    at = state(plane)["at"]
    density = np.exp(-(at["x"] ** 2 + at["y"] ** 2) / 2) / (2 * np.pi)
    assert page.locator("dd.density").nth(1).inner_text().startswith(f"{density:.3f}")
    assert "no prior" in page.locator("dd.density").nth(0).inner_text()
    codes = Store(SHIPPED).load(VAE).codes
    distances = np.hypot(*(codes.mean - [at["x"], at["y"]]).T)
    told = page.locator("dd.nearest").nth(1).inner_text()
    assert told.startswith(str(codes.labels[distances.argmin()]))
    assert float(re.search(r", (\S+) away", told).group(1)) == pytest.approx(distances.min(), abs=0.006)


def test_far_from_every_digit_nothing_lives_here(page, app_url):
    page.goto(f"{app_url}/explorer?run={AE}&view=0,0,2000")
    plane = plane_of(page)
    move_to(page, plane, 0.9, 0.1)
    assert state(plane)["nothing"]
    expect(page.locator("dd.nearest")).to_contain_text("nothing lives here")


def test_linked_planes_show_the_same_digit(page, app_url):
    page.goto(app_url)
    ae, vae = plane_of(page, 0), plane_of(page, 1)
    # Move to where the VAE put digit 7, and the autoencoder's cursor goes to where it put the same one.
    u, v = vae.evaluate("p => { const c = p.latentCanvas; return c.view.toPlane(c.xy[14], c.xy[15]); }")
    move_to(page, vae, u, v)
    wait_until(page, lambda: state(ae)["focus"] == state(vae)["focus"] >= 0)
    focus = state(ae)["focus"]
    at = state(ae)["at"]
    assert [at["x"], at["y"]] == pytest.approx(Store(SHIPPED).load(AE).codes.mean[focus].tolist(), abs=0.02)
    expect(ae.locator(".cursor")).to_be_visible()
    page.mouse.move(5, 5)
    expect(ae.locator(".cursor")).to_be_hidden()


def test_hiding_a_class_hides_it_on_both_planes(page, app_url):
    page.goto(app_url)
    planes = [plane_of(page, index) for index in (0, 1)]
    before = [plane.locator("canvas.points").evaluate("c => c.toDataURL()") for plane in planes]
    page.locator(".legend").nth(0).get_by_role("button", name="3", exact=True).click()
    after = [plane.locator("canvas.points").evaluate("c => c.toDataURL()") for plane in planes]
    assert [state(plane)["hidden"] for plane in planes] == [[3], [3]]
    assert before[0] != after[0] and before[1] != after[1]
    expect(page.locator(".legend").nth(1).get_by_role("button", name="3", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )


def test_the_real_image_of_the_nearest_digit_appears(page, app_url):
    page.goto(app_url)
    plane = plane_of(page, 1)
    from vae_core.datasets import load

    move_to(page, plane, 0.55, 0.45)
    focus = state(plane)["focus"]
    truth = load("mnist", "validation").floats()[focus]
    wait_until(
        page,
        lambda: np.array_equal(np.rint(pixels(page.locator("canvas.original").nth(1)) * 255), np.rint(truth * 255)),
    )


def test_a_click_pins_the_link_remembers_it_and_a_reload_restores_it(page, app_url):
    page.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    for u, v in ((0.4, 0.4), (0.6, 0.5)):
        click_at(page, plane, u, v)
    pins = state(plane)["pins"]
    assert len(pins) == 2
    expect(page.locator(".pins figure")).to_have_count(2)
    page.wait_for_url(re.compile(r"z=[-\d.]+(,|%2C)[-\d.]+(;|%3B)"))
    page.reload()
    assert np.allclose(state(plane_of(page))["pins"], pins, atol=1e-3)
    expect(page.locator(".pins figure")).to_have_count(2)
    page.get_by_role("button", name="Remove pin 1").click()
    expect(page.locator(".pins figure")).to_have_count(1)


def test_a_link_opens_the_same_state_in_a_new_browser(page, browser, app_url):
    page.goto(f"{app_url}/explorer?run={AE}&z=1,2;-3,0.5&view=1,1,5")
    plane = plane_of(page)
    shown = state(plane)
    assert shown["key"] == AE
    assert np.allclose(shown["pins"], [[1, 2], [-3, 0.5]])
    assert shown["view"] == {"cx": 1, "cy": 1, "half": 5}


def test_a_drag_draws_a_path_and_its_film_strip(page, app_url):
    page.goto(app_url)
    plane = plane_of(page, 1)
    plane.scroll_into_view_if_needed()
    move_to(page, plane, 0.3, 0.5)
    page.mouse.down()
    for step in range(1, 11):
        move_to(page, plane, 0.3 + 0.04 * step, 0.5 - 0.02 * step)
    page.mouse.up()
    assert state(plane)["path"] >= 10
    assert state(plane)["pins"] == []
    film = page.locator(".latent-canvas:visible").nth(1).locator(".film figure canvas")
    expect(film).to_have_count(12)
    start = plane.evaluate("p => p.latentCanvas.path[0]")
    end = plane.evaluate("p => p.latentCanvas.path.at(-1)")
    for frame, (x, y) in ((0, start), (11, end)):
        assert np.abs(pixels(film.nth(frame)) - decoded_by_torch(VAE, x, y)).max() <= 1.5 / 255
    page.get_by_role("button", name="Clear path").click()
    assert state(plane)["path"] == 0


def test_the_keyboard_moves_pins_zooms_and_clears_and_a_reader_is_told(page, app_url):
    page.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    plane.focus()
    start = state(plane)["at"]
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    moved = state(plane)["at"]
    assert moved["x"] > start["x"] and moved["y"] > start["y"]
    assert (
        np.abs(pixels(page.locator("canvas.decoded")) - decoded_by_torch(VAE, moved["x"], moved["y"])).max()
        <= 1.5 / 255
    )
    expect(page.locator(".live")).to_contain_text(re.compile(r"z = .*Nearest digit: \d"))
    page.keyboard.press("Enter")
    assert np.allclose(state(plane)["pins"], [[moved["x"], moved["y"]]])
    expect(page.locator(".live")).to_contain_text("Pinned")
    half = state(plane)["view"]["half"]
    page.keyboard.press("+")
    wait_until(page, lambda: state(plane)["view"]["half"] == pytest.approx(half / 1.5))
    page.keyboard.press("0")
    wait_until(page, lambda: state(plane)["view"]["half"] == pytest.approx(half))
    page.keyboard.press("Escape")
    assert state(plane)["pins"] == []


def test_the_wheel_zooms_about_the_pointer_and_the_manifold_follows(page, app_url):
    page.goto(app_url)
    plane = plane_of(page, 1)
    plane.scroll_into_view_if_needed()
    move_to(page, plane, 0.7, 0.3)
    before = state(plane)
    picture = plane.locator("canvas.manifold").evaluate("c => c.toDataURL()")
    page.mouse.wheel(0, -300)
    wait_until(page, lambda: state(plane)["view"]["half"] < before["view"]["half"] * 0.9)
    move_to(page, plane, 0.7, 0.3)
    after = state(plane)
    assert after["at"] == pytest.approx(before["at"], abs=0.02)
    page.wait_for_timeout(200)
    expect(plane.locator("canvas.manifold[data-complete]")).to_be_attached(timeout=30_000)
    assert plane.locator("canvas.manifold").evaluate("c => c.toDataURL()") != picture


def test_the_posterior_of_the_nearest_digit_has_its_true_size(page, app_url):
    page.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    move_to(page, plane, 0.5, 0.5)
    focus = state(plane)["focus"]
    factor = plane.evaluate("(p, i) => Array.from(p.latentCanvas.posteriors.subarray(3 * i, 3 * i + 3))", focus)
    sigma = np.exp(0.5 * Store(SHIPPED).load(VAE).codes.log_var[focus])
    assert factor == pytest.approx([sigma[0], 0.0, sigma[1]], rel=2e-3, abs=1e-6)


def test_rings_are_drawn_at_the_scale_of_the_axes(page, app_url):
    """Along the positive z1 axis the 2-sigma ring is where z1 = 2."""
    page.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    found = plane.evaluate(
        """p => { const c = p.latentCanvas, m = p.querySelector("canvas.marks"), ratio = m.width / c.side;
        const data = m.getContext("2d").getImageData(0, 0, m.width, m.height).data;
        const bright = (z) => { const [u, v] = c.view.toPlane(z * Math.cos(0.35), z * Math.sin(0.35));
          let best = 0; for (let dx = -3; dx <= 3; dx++) for (let dy = -3; dy <= 3; dy++) {
            const at = 4 * (Math.round(v * c.side * ratio + dy) * m.width + Math.round(u * c.side * ratio + dx));
            best = Math.max(best, data[at + 3]); } return best; };
        return [1, 2, 1.5, 2.5].map(bright); }"""
    )
    assert min(found[:2]) > 60
    assert max(found[2:]) < 20


def test_the_picture_and_the_tables_can_be_saved(page, app_url):
    page.goto(f"{app_url}/explorer?run={VAE}&z=0,0")
    plane_of(page)
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG").click()
    assert png.value.suggested_filename == f"{VAE}.png"
    assert png.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with page.expect_download() as csv:
        page.get_by_role("button", name="Codes as CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert lines[0] == "index,class,mean_1,mean_2,log_var_1,log_var_2"
    assert len(lines) == 5001


def test_touch_decodes_pins_and_draws_on_a_phone(phone, app_url):
    phone.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(phone)
    box = plane.bounding_box()
    assert box["width"] > 300 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    phone.touchscreen.tap(box["x"] + 100, box["y"] + 120)
    wait_until(phone, lambda: len(state(plane)["pins"]) == 1)
    at = state(plane)["at"]
    assert np.abs(pixels(phone.locator("canvas.decoded")) - decoded_by_torch(VAE, at["x"], at["y"])).max() <= 1.5 / 255
    wire = phone.context.new_cdp_session(phone)
    touch = lambda kind, *points: wire.send(
        "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
    )
    x, y = box["x"] + 80, box["y"] + 200
    touch("touchStart", (x, y))
    for step in range(1, 9):
        touch("touchMove", (x + 20 * step, y - 8 * step))
    touch("touchEnd")
    wait_until(phone, lambda: state(plane)["path"] >= 5)
    expect(phone.locator(".film figure")).to_have_count(12)
    half = state(plane)["view"]["half"]
    touch("touchStart", (x + 60, y), (x + 100, y))
    touch("touchMove", (x + 40, y), (x + 120, y))
    touch("touchMove", (x + 20, y), (x + 140, y))
    touch("touchEnd")
    assert state(plane)["view"]["half"] < half * 0.6


def test_nothing_is_wider_than_a_phone(phone, app_url):
    for path in ("", f"/explorer?run={VAE}&z=0,0;1,1;-1,1;2,0;0,2"):
        phone.goto(app_url + path)
        plane_of(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "query", ["run=%3Cscript%3Ealert(1)%3C/script%3E", "z=nan,1e999", "view=1,2", "z=" + "9" * 10_000]
)
def test_a_hostile_link_still_gives_a_plane_that_decodes(page, app_url, query):
    page.goto(f"{app_url}/explorer?{query}")
    plane = plane_of(page)
    move_to(page, plane, 0.4, 0.6)
    assert state(plane)["pins"] == []
    expect(page.get_by_test_id("stAlert")).to_have_count(1)


def test_reduced_motion_zooms_at_once(browser, app_url, request):
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(app_url)
    plane = plane_of(page, 1)
    views = plane.evaluate(
        """p => new Promise((done) => { const c = p.latentCanvas, seen = []; const original = c.viewChanged.bind(c);
        c.viewChanged = () => { seen.push(c.view.half); original(); };
        c.tool("in"); setTimeout(() => done(seen), 400); })"""
    )
    assert len(views) == 1
    context.close()


def test_moving_between_the_pages_keeps_working(page, app_url):
    page.goto(app_url)
    plane_of(page, 1)
    page.get_by_role("link", name="Latent explorer").first.click()
    expect(page.get_by_role("heading", name="Latent explorer")).to_be_visible()
    expect(page.locator(".latent-canvas:visible")).to_have_count(1)
    plane_of(page)
    page.get_by_role("link", name="Home").first.click()
    expect(page.locator(".latent-canvas:visible")).to_have_count(2)
    plane = plane_of(page, 1)
    move_to(page, plane, 0.4, 0.4)
    at = state(plane)["at"]
    assert np.abs(pixels(plane.locator(".lens canvas")) - decoded_by_torch(VAE, at["x"], at["y"])).max() <= 1.5 / 255
