"""The latent canvas as a visitor uses it: hover, click, drag, keys, touch, links, reload."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect
from scipy.spatial import KDTree

from benchmarks.stage import wait_until_still
from vae_core.payloads.plane import plane_payload
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store

from .conftest import load_modules, rgba

pytestmark = pytest.mark.browser

AE = shipped_run(model="ae", dataset="mnist", latent_dim=2).key
VAE = shipped_run(model="vae", dataset="mnist", latent_dim=2).key


def plane_of(page: Page, index: int = 0) -> Locator:
    """The drawn plane number `index` on the page, its manifold complete."""
    plane = page.locator(".latent-canvas:visible .plane").nth(index)
    expect(plane.locator("canvas.manifold[data-complete]")).to_be_attached()
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
    return rgba(canvas)[..., 0].ravel() / 255


def decoded_by_torch(key: str, x: float, y: float) -> np.ndarray:
    run = Store(SHIPPED).load(key)
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.tensor([[x, y]])))[0].numpy()


def sent_frames(page: Page) -> list:
    frames: list = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    return frames


def wait_until(page: Page, condition: Callable[[], bool], seconds: float = 60) -> None:
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


def test_the_place_under_the_pointer_is_the_one_that_is_told(standing, app_url):
    page = standing(app_url)
    plane = plane_of(page, 1)
    view = state(plane)["view"]
    move_to(page, plane, 0.75, 0.25)
    at = state(plane)["at"]
    assert at["x"] == pytest.approx(view["cx"] + 0.5 * view["half"], abs=view["half"] / 100)
    assert at["y"] == pytest.approx(view["cy"] + 0.5 * view["half"], abs=view["half"] / 100)
    told = page.locator("dd.z").nth(1).inner_text().replace("−", "-")
    assert [float(number) for number in re.findall(r"-?\d+\.\d+", told)] == pytest.approx([at["x"], at["y"]], abs=0.006)


def test_prior_density_and_distance_in_the_read_out_are_right(standing, app_url):
    page = standing(app_url)
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


def test_linked_planes_show_the_same_digit(standing, app_url):
    page = standing(app_url)
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


def test_the_real_image_of_the_nearest_digit_appears(standing, app_url):
    page = standing(app_url)
    plane = plane_of(page, 1)
    from vae_core.datasets import load

    move_to(page, plane, 0.55, 0.45)
    focus = state(plane)["focus"]
    truth = load("mnist", "validation").floats()[focus]
    wait_until(
        page,
        lambda: np.array_equal(np.rint(pixels(page.locator("canvas.original").nth(1)) * 255), np.rint(truth * 255)),
    )


def test_far_from_every_digit_nothing_lives_here(page, app_url):
    page.goto(f"{app_url}/explorer?run={AE}&view=0,0,2000")
    plane = plane_of(page)
    move_to(page, plane, 0.9, 0.1)
    assert state(plane)["nothing"]
    expect(page.locator("dd.nearest")).to_contain_text("nothing lives here")


def test_hiding_a_class_hides_it_on_both_planes(standing, app_url):
    page = standing(app_url)
    page.mouse.move(2, 2)
    planes = [plane_of(page, index) for index in (0, 1)]
    before = [plane.locator("canvas.points").evaluate("c => c.toDataURL()") for plane in planes]
    page.locator(".legend").nth(0).get_by_role("button", name="3", exact=True).click()
    after = [plane.locator("canvas.points").evaluate("c => c.toDataURL()") for plane in planes]
    assert [state(plane)["hidden"] for plane in planes] == [[3], [3]]
    assert before[0] != after[0] and before[1] != after[1]
    button = page.locator(".legend").nth(1).get_by_role("button", name="3", exact=True)
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    assert [state(plane)["hidden"] for plane in planes] == [[], []]


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


def test_a_drag_draws_a_path_and_its_film_strip(standing, app_url):
    page = standing(app_url)
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
    with page.expect_download() as gif:
        page.get_by_role("button", name="Save the path as GIF").click()
    assert gif.value.suggested_filename == f"{VAE}-path.gif" and gif.value.path().stat().st_size < 2e6
    with Image.open(gif.value.path()) as moving:
        times = moving.width // 28
        for frame, (x, y) in ((0, start), (29, end)):  # there, and then back
            moving.seek(frame)
            grey = np.asarray(moving.convert("L"), dtype=float)[::times, ::times].ravel() / 255
            assert np.abs(grey - decoded_by_torch(VAE, x, y).ravel()).max() <= 1.5 / 255
        assert moving.n_frames == 58
    page.get_by_role("button", name="Clear path").click()
    assert state(plane)["path"] == 0


@pytest.mark.parametrize(
    ("size", "path", "least"), [((1440, 900), "", 30), ((390, 844), "", 50), ((1440, 900), f"/explorer?run={VAE}", 50)]
)
def test_a_film_strip_fills_its_width_with_images_and_cuts_no_button(page, app_url, size, path, least):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(app_url + path)
    plane = plane_of(page, 0 if path else 1)
    plane.evaluate("p => { const { route } = p.latentCanvas; route.begin(-1, -1); route.add(1, 1); route.end(); }")
    strip = page.locator(".latent-canvas .film", has=page.locator("figure"))
    expect(strip.locator("figure")).to_have_count(12)
    frame = strip.bounding_box()
    images = [image.bounding_box() for image in strip.locator("figure").all()]
    assert min(box["width"] for box in images) >= least
    rightmost = max(box["x"] + box["width"] for box in images)
    buttons = [button.bounding_box() for button in strip.get_by_role("button").all()]
    assert len(buttons) == 2 and buttons[0]["y"] == buttons[1]["y"]  # in one row
    for box in buttons:  # whole, and over no image
        assert frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
        below = box["y"] >= max(image["y"] + image["height"] for image in images)
        assert below or box["x"] >= rightmost
        assert box["y"] + box["height"] <= frame["y"] + frame["height"]
    if not path:  # in a pair of planes and on a phone nothing is left beside the images
        assert rightmost == pytest.approx(frame["x"] + frame["width"], abs=1)


def test_the_lens_does_not_cover_the_path_that_was_drawn_until_the_pointer_moves_on(standing, app_url):
    page = standing(app_url)
    plane = plane_of(page, 1)
    lenses = [plane_of(page, index).locator(".lens") for index in (0, 1)]
    move_to(page, plane, 0.3, 0.5)
    page.mouse.down()
    for step in range(1, 11):
        move_to(page, plane, 0.3 + 0.03 * step, 0.5)
    expect(lenses[1]).to_be_visible()
    page.mouse.up()
    for lens in lenses:
        expect(lens).to_be_hidden()
    move_to(page, plane, 0.605, 0.5)  # a hand that lets go is not still
    for lens in lenses:
        expect(lens).to_be_hidden()
    move_to(page, plane, 0.7, 0.4)
    expect(lenses[1]).to_be_visible()
    page.get_by_role("button", name="Clear path").click()


def test_text_that_is_selected_around_a_plane_is_not_dragged_in_a_paths_place(page, app_url):
    page.goto(app_url)
    plane = plane_of(page, 1)
    for start in (0.3, 0.4):
        page.keyboard.press("Control+a")
        assert page.evaluate("getSelection().toString().length") > 100
        move_to(page, plane, start, 0.5)
        page.mouse.down()
        for step in range(1, 11):
            move_to(page, plane, start + 0.04 * step, 0.5 - 0.02 * step)
        page.mouse.up()
        assert state(plane)["path"] >= 10
        first = plane.evaluate("p => p.latentCanvas.path[0][0]")
        assert first == pytest.approx(
            plane.evaluate("(p, u) => p.latentCanvas.view.toLatent(u, 0)[0]", start), abs=0.05
        )
        assert page.evaluate("getSelection().toString()") == ""


def test_a_drag_that_began_while_a_plane_waited_for_its_tensors_selects_no_text(page, app_url):
    held: list[Route] = []
    page.route("**/tensors/*", lambda route: held.append(route))
    page.goto(app_url)
    waiting = page.locator(".latent-canvas.waiting")
    expect(waiting).to_have_count(2)
    wait_until_still(page)
    plane = waiting.nth(1).locator(".plane")
    move_to(page, plane, 0.3, 0.3)
    page.mouse.down()
    move_to(page, plane, 0.4, 0.4)
    page.route("**/tensors/*", lambda route: route.continue_())  # what is asked for from now on
    for route in held:
        route.continue_()
    plane = plane_of(page, 1)
    expect(waiting).to_have_count(0)
    for u, v in ((0.5, 0.5), (0.6, 0.5)):
        move_to(page, plane, u, v)
    page.mouse.up()
    assert page.evaluate("getSelection().type") != "Range"


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
    page.keyboard.press("p")
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("p")
    expect(page.locator(".film canvas[role=img][aria-label]")).to_have_count(12)
    expect(page.locator(".live")).to_contain_text("Path of 12 decoded images drawn.")
    page.keyboard.press("ArrowLeft")  # after its end a path stays as it is
    assert state(plane)["path"] == 7
    page.keyboard.press("Escape")
    assert state(plane)["pins"] == []


def test_the_wheel_zooms_about_the_pointer_and_the_manifold_follows(standing, app_url):
    page = standing(app_url)
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
    expect(plane.locator("canvas.manifold[data-complete]")).to_be_attached()
    assert plane.locator("canvas.manifold").evaluate("c => c.toDataURL()") != picture
    plane.focus()
    page.keyboard.press("0")  # back, for the test after
    wait_until(page, lambda: state(plane)["view"]["half"] == pytest.approx(before["view"]["half"]))


def test_the_posterior_of_the_nearest_digit_has_its_true_size(standing, app_url):
    page = standing(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    move_to(page, plane, 0.5, 0.5)
    focus = state(plane)["focus"]
    factor = plane.evaluate("(p, i) => Array.from(p.latentCanvas.posteriors.subarray(3 * i, 3 * i + 3))", focus)
    sigma = np.exp(0.5 * Store(SHIPPED).load(VAE).codes.log_var[focus])
    assert factor == pytest.approx([sigma[0], 0.0, sigma[1]], rel=2e-3, abs=1e-6)


def test_rings_are_drawn_at_the_scale_of_the_axes(standing, app_url):
    """Along the positive z1 axis the 2-sigma ring is where z1 = 2."""
    page = standing(f"{app_url}/explorer?run={VAE}")
    page.mouse.move(2, 2)
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
    path = phone.get_by_role("button", name="Path", exact=True)
    path.tap()  # else a finger scrolls the page
    expect(path).to_have_attribute("aria-pressed", "true")
    box = plane.bounding_box()
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
    "query", ["run=%3Cscript%3Ealert(1)%3C/script%3E&z=nan,1e999&view=1,2", "z=" + "9" * 10_000], ids=["all", "long"]
)
def test_a_hostile_link_still_gives_a_plane_that_decodes(page, app_url, query):
    page.goto(f"{app_url}/explorer?{query}")
    plane = plane_of(page)
    move_to(page, plane, 0.4, 0.6)
    assert state(plane)["pins"] == []
    expect(page.get_by_test_id("stAlert")).to_have_count(1)


def test_reduced_motion_zooms_at_once(page, app_url):
    page.emulate_media(reduced_motion="reduce")
    page.goto(app_url)
    plane = plane_of(page, 1)
    views = plane.evaluate(
        """p => new Promise((done) => { const c = p.latentCanvas, seen = []; const original = c.viewChanged.bind(c);
        c.viewChanged = () => { seen.push(c.view.half); original(); };
        c.tool("in"); setTimeout(() => done(seen), 400); })"""
    )
    assert len(views) == 1


def test_moving_between_the_pages_keeps_working(page, app_url):
    page.goto(app_url)
    plane_of(page, 1)
    page.get_by_role("link", name="Latent explorer").first.click()
    expect(page.get_by_role("heading", name="Latent explorer")).to_be_visible()
    expect(page.locator(".latent-canvas:visible")).to_have_count(1)
    plane_of(page)
    page.get_by_role("link", name="Home").first.click()
    # Until the new page has run, the explorer's plane still stands beside those of Home that are there already.
    expect(page.get_by_role("heading", name="Latent explorer")).to_have_count(0)
    expect(page.locator(".latent-canvas:visible")).to_have_count(2)
    plane = plane_of(page, 1)

    def pointed() -> bool:
        # What stands above may still grow and push the plane away from under the pointer: point once more.
        move_to(page, plane, 0.4, 0.4)
        return state(plane)["at"] != {"x": 0, "y": 0}

    wait_until(page, pointed)
    at = state(plane)["at"]
    assert np.abs(pixels(plane.locator(".lens canvas")) - decoded_by_torch(VAE, at["x"], at["y"])).max() <= 1.5 / 255


FAR, LINE = [0x8C, 0x92, 0x9A], [0x2E, 0x33, 0x3A]  # where nothing lives: its ground and the lines on it


def heat_of(plane: Locator) -> Locator:
    """The plane's layer of distances, complete."""
    heat = plane.locator("canvas.heat[data-complete]")
    expect(heat).to_be_visible()
    return heat


def assert_shaded_as_measured(plane: Locator, points: np.ndarray, beyond: float) -> None:
    """The layer against scipy's distances from the middle of each of its cells to the nearest of the points."""
    shown = rgba(heat_of(plane)).astype(int)
    side, colours = len(shown), shown.reshape(-1, 4)
    view = state(plane)["view"]
    across = (2 * (np.arange(side) + 0.5) / side - 1) * view["half"]
    x, y = np.meshgrid(view["cx"] + across, view["cy"] - across)
    share = KDTree(points).query(np.stack([x, y], axis=-1).reshape(-1, 2))[0] / beyond
    opacity = colours[:, 3] / 255
    far, near = share > 1.001, share < 0.999
    assert far.sum() > 100 and near.sum() > 100
    assert opacity[far].min() == opacity[far].max() > 0.5
    rising = np.add.outer(np.arange(side), np.arange(side)).ravel() % 9 < 3  # the hatching
    assert np.abs(colours[far & ~rising, :3] - FAR).max() <= 1 and np.abs(colours[far & rising, :3] - LINE).max() <= 1
    assert (far & rising).sum() > 30
    assert np.abs(colours[near & (opacity > 0.1), :3] - FAR).max() <= 6  # fainter ones are rounded more
    assert opacity[share < 0.1].max(initial=0.0) < 0.02
    assert opacity[near].max() < opacity[far].min() - 0.2
    order = np.argsort(share[near])
    assert (np.diff(opacity[near][order]) >= -1e-9).all()
    assert opacity[near & (share > 0.9)].min() > 0.2


def half_precision_codes(key: str) -> tuple[np.ndarray, np.ndarray]:
    """The codes as the browser has them, and their classes."""
    codes = Store(SHIPPED).load(key).codes
    return codes.mean.astype(np.float16).astype(float), codes.labels


def test_places_are_shaded_by_their_distance_to_the_nearest_shown_code(page, app_url):
    page.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    note = page.locator(".heat-note")
    button = page.get_by_role("button", name="Distance")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(plane.locator("canvas.heat")).to_be_hidden()
    expect(note).to_be_hidden()
    assert state(plane)["heatMilliseconds"] is None  # nothing is measured for a layer that nobody sees
    points, classes = half_precision_codes(VAE)
    beyond = plane_payload(Store(SHIPPED).load(VAE)).header["empty_beyond"]

    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(note).to_have_text("hatched: far from every digit")
    told = "Farther from every code than 99% of the codes are from their nearest neighbour"
    expect(note).to_have_attribute("title", told)
    assert_shaded_as_measured(plane, points, beyond)

    page.locator(".legend").get_by_role("button", name="6", exact=True).click(modifiers=["Shift"])
    assert_shaded_as_measured(plane, points[classes == 6], beyond)

    page.get_by_role("button", name="Zoom in").click()
    wait_until(page, lambda: state(plane)["view"]["half"] == pytest.approx(2.1))
    page.wait_for_timeout(300)
    assert_shaded_as_measured(plane, points[classes == 6], beyond)

    button.click()
    expect(plane.locator("canvas.heat")).to_be_hidden()
    expect(note).to_be_hidden()


def test_the_distances_of_an_autoencoder_with_long_tails_are_right_too(page, app_url):
    page.goto(f"{app_url}/explorer?run={AE}&view=30,10,120")
    plane = plane_of(page)
    page.get_by_role("button", name="Distance").click()
    points, _ = half_precision_codes(AE)
    assert_shaded_as_measured(plane, points, plane_payload(Store(SHIPPED).load(AE)).header["empty_beyond"])


def test_the_layer_and_the_lens_agree_on_where_nothing_lives(page, app_url):
    page.goto(f"{app_url}/explorer?run={AE}")
    plane = plane_of(page)
    page.get_by_role("button", name="Distance").click()
    heat = heat_of(plane)
    opacity = """(c, [u, v]) => c.getContext("2d").getImageData(u * c.width, v * c.height, 1, 1).data[3] / 255"""
    for u, v, empty in ((0.9, 0.4, True), (0.15, 0.55, False)):
        move_to(page, plane, u, v)
        assert state(plane)["nothing"] is empty
        assert (heat.evaluate(opacity, [u, v]) > 0.5) is empty


def test_while_the_view_moves_the_layer_moves_with_it(page, app_url):
    page.goto(f"{app_url}/explorer?run={VAE}")
    plane = plane_of(page)
    page.get_by_role("button", name="Distance").click()
    heat_of(plane)
    transforms = plane.evaluate(
        """p => { const c = p.latentCanvas; c.view.zoom(2, 0.25, 0.5); c.viewChanged();
        return ["manifold", "heat"].map((name) => p.querySelector(`canvas.${name}`).style.transform); }"""
    )
    assert transforms[0] == transforms[1] == "translate(-25%, -50%) scale(2)"
    # At rest it is drawn anew, for the view as it is.
    expect(plane.locator("canvas.heat")).to_have_css("transform", re.compile(r"^matrix\(1, 0, 0, 1, "))


def test_a_group_shows_distances_together_whatever_its_images(page, app_url):
    page.goto(app_url)
    planes = [plane_of(page, index) for index in (0, 1)]
    buttons = page.get_by_role("button", name="Distance")
    for plane in planes:
        heat_of(plane)  # Home begins so
    planes[1].evaluate("p => { p.latentCanvas.options.images = 'other'; }")
    buttons.nth(0).click()
    for plane in planes:
        expect(plane.locator("canvas.heat")).to_be_hidden()
    wait_until(page, lambda: "ae-heat=0" in page.url and "vae-heat=0" in page.url)
    buttons.nth(0).click()
    for plane in planes:
        heat_of(plane)
    wait_until(page, lambda: "heat" not in page.url)
    # One that differs from its group does as the group is told.
    planes[1].evaluate("p => p.latentCanvas.showLayer('heat', false)")
    buttons.nth(0).click()
    for index, plane in enumerate(planes):
        expect(plane.locator("canvas.heat")).to_be_hidden()
        expect(buttons.nth(index)).to_have_attribute("aria-pressed", "false")
    buttons.nth(1).click()
    expect(buttons.nth(0)).to_have_attribute("aria-pressed", "true")
    heat_of(planes[0])


def test_the_saved_picture_has_the_distances_that_are_shown(page, app_url):
    page.goto(f"{app_url}/explorer?run={AE}&view=0,0,250")
    plane = plane_of(page)
    page.get_by_role("button", name="Decoded").click()

    def corner() -> np.ndarray:
        """Its darkest and its lightest colour: of the hatching, line and ground."""
        with page.expect_download() as png:
            page.get_by_role("button", name="PNG").click()
        with Image.open(png.value.path()) as image:
            left, top = round(0.8 * image.width), round(0.2 * image.height)
            seen = np.asarray(image.convert("RGB").crop((left, top, left + 40, top + 40)), dtype=float).reshape(-1, 3)
        return seen[np.argsort(seen.sum(axis=1))[[0, -1]]]

    black = np.array([4, 6, 11])
    assert (corner() == black).all()
    page.get_by_role("button", name="Distance").click()
    alpha = heat_of(plane).evaluate("c => c.getContext('2d').getImageData(210, 55, 1, 1).data[3] / 255")
    mixed = alpha * np.array([LINE, FAR]) + (1 - alpha) * black
    assert corner() == pytest.approx(mixed, abs=4)


def test_where_nothing_lives_looks_like_no_class_to_anyone(page, app_url):
    """Neutral, so no colour is to be told apart; and in stripes unlike enough for whoever sees brightness alone."""
    assert max(np.ptp(FAR), np.ptp(LINE)) < 16
    luminance = lambda rgb: float(np.dot([0.2126, 0.7152, 0.0722], (0.66 * np.array(rgb) / 255) ** 2.2))
    assert (luminance(FAR) + 0.05) / (luminance(LINE) + 0.05) > 2
    page.goto(app_url)
    # The sample beside the words is hatched in the very colours of the plane.
    sample = page.locator(".heat-note i").first.evaluate("i => getComputedStyle(i).backgroundImage")
    assert sample.startswith("repeating-linear-gradient")
    for colour in (FAR, LINE):
        assert f"rgba({', '.join(map(str, colour))}, 0.66" in sample


HEAT_APP = """
import streamlit as st

from ui.components.canvas import latent_canvas
from ui.runs.resources import plane

latent_canvas(plane({key!r}).with_header(options={{"heat": True}}), key="plane")
"""


def test_a_page_can_show_distances_from_the_start(page, stage):
    address, _ = stage.put_on("heat", HEAT_APP.format(key=VAE))
    page.goto(address)
    heat_of(plane_of(page))
    expect(page.get_by_role("button", name="Distance")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".heat-note")).to_be_visible()


def distances_in_the_browser(page: Page, points: np.ndarray, places: np.ndarray, reach: float) -> np.ndarray:
    """`Buckets` on an empty page; points of class 1 are hidden."""
    if page.url == "about:blank":
        load_modules(page, "engine/heat.js")
    hidden_too = np.concatenate([points, places])
    classes = [0] * len(points) + [1] * len(places)
    script = """([points, classes, places, reach]) => {
      const buckets = new Buckets(Float32Array.from(points), classes, new Set([1]), reach);
      return places.map(([x, y]) => String(buckets.distance(x, y))); }"""
    told = page.evaluate(script, [hidden_too.ravel().tolist(), classes, places.tolist(), reach])
    return np.array([float(number.replace("Infinity", "inf")) for number in told])


@pytest.mark.parametrize("reach", [0.01, 0.3, 2.0, 50.0])
def test_the_nearest_point_is_found_up_to_the_reach_and_hidden_ones_are_passed_over(page, reach):
    draw = np.random.default_rng(0)
    points = np.concatenate([draw.normal(size=(400, 2)), draw.normal(scale=0.02, size=(200, 2)), [[300.0, -40.0]]])
    points = points.astype(np.float32).astype(float)
    places = np.concatenate([draw.uniform(-4, 4, size=(500, 2)), points[:20] + 0.005, [[301.0, -40.5], [-9e5, 9e5]]])
    exact = KDTree(points).query(places)[0]
    found = distances_in_the_browser(page, points, places, reach)
    within = exact <= reach
    assert within.any() and not within.all()
    assert found[within] == pytest.approx(exact[within], abs=1e-9)
    assert np.isinf(found[~within]).all()


def test_distances_without_points_and_to_points_in_one_place(page):
    places = np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
    assert np.isinf(distances_in_the_browser(page, np.empty((0, 2)), places, 1.0)).all()
    one_place = np.ones((3, 2))
    assert distances_in_the_browser(page, one_place, places, 2.0).tolist() == [pytest.approx(2**0.5), 0.0, np.inf]
    assert distances_in_the_browser(page, one_place, places, 0.0).tolist() == [np.inf, 0.0, np.inf]
