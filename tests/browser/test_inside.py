"""Inside the VAE as a visitor uses it: strokes, presets, keys, ε, steps, a phone. Numbers are compared with torch."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from ui.chapters.beta.sweep import stops_of
from ui.chapters.inside.escape import WITH, WITHOUT
from ui.chapters.inside.instrument import run_of
from ui.runs.resources import load_run
from vae_core.datasets import load
from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.losses.likelihoods import Bernoulli, bernoulli_floor
from vae_core.payloads.plane import LatentPlane
from vae_core.run import Run

from .conftest import Standing
from .test_chapters import choice
from .test_dial import grey, sent_frames

pytestmark = pytest.mark.browser

CHOICES = ("2", "16", "conv16")
SEVEN = [(0.25, 0.25), (0.72, 0.22), (0.45, 0.85)]
BAR = [(0.3, 0.52), (0.66, 0.52)]
TALL = [(0.2, 0.1), (0.2, 0.9)]


def opened(page: Page, url: str) -> Locator:
    page.goto(url)
    return ready(page)


def ready(page: Page) -> Locator:
    root = page.locator(".inside")
    expect(root).to_be_visible()
    expect(page.get_by_text("Sources", exact=True)).to_be_attached()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.wait_for_timeout(300)
    return root


def at_start(standing: Standing, url: str) -> tuple[Page, Locator]:
    """A page that other tests have drawn on, as it opens: the first held-out 3, ε = 0, the pen, frozen and centred."""
    page = standing(url)
    page.set_viewport_size({"width": 1440, "height": 1000})
    root = ready(page)
    for name, pressed in (("Erase", "false"), ("Centre and scale", "true"), ("Freeze ε", "true")):
        if button(root, name).get_attribute("aria-pressed") != pressed:
            button(root, name).click()
    button(root, "ε = 0").click()
    button(root, "Take a held-out 3").click()
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    return page, root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.inside.state()")


def pixels(root: Locator) -> np.ndarray:
    return np.array(state(root)["pixels"]).reshape(28, 28)


def stroke(page: Page, root: Locator, places: list[tuple[float, float]]) -> None:
    """One stroke of the mouse; places as shares of the pad."""
    pad = root.locator(".pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    points = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=12)
    page.mouse.up()


def drawn(page: Page, root: Locator, *strokes: list[tuple[float, float]]) -> dict:
    button(root, "Clear").click()
    for places in strokes:
        stroke(page, root, places)
    return state(root)


def settle(page: Page) -> None:
    """Panels that follow the pad are told once a frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def button(root: Locator, name: str) -> Locator:
    return root.get_by_role("button", name=name, exact=True)


def assert_as_torch(shown: dict, run: Run) -> None:
    """All that the component shows of an image is what torch makes of the same pixels and the same ε."""
    x = torch.tensor([shown["pixels"]], dtype=torch.float32)
    epsilon = torch.tensor([shown["epsilon"]], dtype=torch.float32)
    with torch.no_grad():
        posterior = run.model.encode(x)
        z = posterior.sample(epsilon)
        logits = run.model.decode(z)
        reconstruction = Bernoulli().negative_log_likelihood(logits, x).item()
        kl = kl_to_standard_normal(*posterior)[0]
    for name, expected in (
        ("mean", posterior.mean[0]), ("log_var", posterior.log_var[0]), ("z", z[0]), ("xhat", logits[0].sigmoid()),
        ("kl", kl),
    ):  # fmt: skip
        assert np.allclose(shown[name], expected, rtol=1e-3, atol=1e-3), name
    assert shown["reconstruction"] == pytest.approx(reconstruction, rel=1e-3)
    assert sum(shown["nats"]) == pytest.approx(shown["reconstruction"], rel=1e-5)
    assert sum(shown["kl"]) == pytest.approx(kl.sum().item(), rel=1e-3)
    assert shown["floor"] == pytest.approx(bernoulli_floor(x.numpy()), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", CHOICES)
def test_every_number_is_torchs_for_digits_drawings_and_extremes(standing, app_url, name):
    page, root = at_start(standing, f"{app_url}/inside?d={name}")
    run = run_of(name)
    held_out = load("mnist", "validation", download=False)
    first = state(root)
    three = held_out.floats()[np.flatnonzero(held_out.labels == 3)[0]]
    assert np.allclose(first["pixels"], three, atol=1e-6)
    assert_as_torch(first, run)
    seven = drawn(page, root, SEVEN)
    assert_as_torch(seven, run)
    assert_as_torch(drawn(page, root, SEVEN, BAR), run)
    assert_as_torch(drawn(page, root, [(0.5, 0.5)]), run)  # a dot
    button(root, "Clear").click()
    empty = state(root)
    assert not any(empty["pixels"]) and empty["floor"] == 0
    assert_as_torch(empty, run)
    root.evaluate("root => { root.inside.pad.ink.ink.fill(255); root.inside.pad.changed(); }")
    assert_as_torch(state(root), run)
    assert np.abs(np.subtract(first["mean"], seven["mean"])).max() > 0.1


@pytest.mark.parametrize("name", CHOICES[1:])
def test_what_is_on_screen_is_what_was_computed(standing, app_url, name):
    page, root = at_start(standing, f"{app_url}/inside?d={name}")
    shown = drawn(page, root, SEVEN)
    for canvas, what in (("seen", "pixels"), ("rebuilt", "xhat")):
        assert np.abs(grey(root.locator(f"canvas.{canvas}")).ravel() - shown[what]).max() <= 0.5 / 255 + 1e-6
    end = float(root.locator(".ramp .top").inner_text())
    red = np.interp(np.array(shown["nats"]) / end, np.arange(4) / 3, [4, 68, 204, 255]) / 255
    assert np.abs(grey(root.locator("canvas.nats")).ravel() - red).max() <= 2 / 255 and max(shown["nats"]) <= end
    total = shown["reconstruction"] + sum(shown["kl"])
    expect(root.locator("[data-total=this] .value")).to_have_text(f"{total:.1f}")
    expect(root.locator(".map .reconstruction")).to_have_text(
        f"{shown['reconstruction']:.1f} nats, floor {shown['floor']:.1f}"
    )
    measured = run_of(name).metrics["test"]
    mean = measured["reconstruction"] + measured["kl"]
    expect(root.locator("[data-total=test] .value")).to_have_text(f"{mean:.1f}")
    widths = root.locator("[data-total=this] .track i").evaluate_all(
        "all => all.map((i) => i.getBoundingClientRect().width)"
    )
    parts = [shown["floor"], shown["reconstruction"] - shown["floor"], sum(shown["kl"])]
    assert np.allclose(np.array(widths) / sum(widths), np.array(parts) / total, atol=0.01)
    heights = root.locator(".divergence .bar i").evaluate_all(
        "all => all.map((i) => i.getBoundingClientRect().height / i.parentNode.getBoundingClientRect().height)"
    )
    assert np.allclose(heights, np.minimum(np.array(shown["kl"]) / 5, 1), atol=0.02)


@pytest.mark.parametrize("name", CHOICES[1:])
def test_the_gradient_is_autograds(standing, app_url, name):
    (page, root), run = at_start(standing, f"{app_url}/inside?d={name}"), run_of(name)
    drawn(page, root, SEVEN)
    button(root, "Sample ε").click()
    shown = state(root)
    x = torch.tensor([shown["pixels"]], dtype=torch.float32)
    epsilon = torch.tensor([shown["epsilon"]], dtype=torch.float64)
    model = run.model.double()
    try:
        mean, log_var = (t.detach() for t in model.encode(x.double()))
        mean, log_var = mean.double().requires_grad_(), log_var.double()
        sigma = (0.5 * log_var).exp().requires_grad_()
        z = mean + sigma * epsilon
        z.retain_grad()
        logits = model.decode(z)
        cross = torch.nn.functional.binary_cross_entropy_with_logits(logits, x.double(), reduction="sum")
        cross.backward(retain_graph=True)
        through_z = z.grad[0].clone()
        (0.5 * (mean.square() + sigma.square() - 1 - 2 * sigma.log()).sum()).backward()
    finally:
        model.float()
    got = {part: np.array([entry[part] for entry in shown["gradient"]]) for part in ("z", "mean", "sigma")}
    for part, gradient in (("z", through_z), ("mean", mean.grad[0]), ("sigma", sigma.grad[0])):
        expected = gradient.numpy()
        assert np.allclose(got[part], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max()), part


def test_the_code_moves_with_the_pen_and_the_server_is_told_nothing(page, app_url):
    frames = sent_frames(page)
    root = opened(page, f"{app_url}/inside")
    button(root, "Clear").click()
    page.wait_for_timeout(500)
    before, seen = len(frames), []
    root.evaluate(
        "root => { root.means = []; const show = root.inside.show.bind(root.inside);"
        " root.inside.show = () => { show(); root.means.push([...root.inside.passage.mean]); }; }"
    )
    stroke(page, root, SEVEN)
    stroke(page, root, BAR)
    seen = np.array(root.evaluate("root => root.means"))
    assert len(seen) > 20 and len(np.unique(seen.round(6), axis=0)) > 15
    page.wait_for_timeout(400)
    assert len(frames) == before


def test_the_plane_shows_the_posterior_where_it_is(standing, app_url):
    for name in ("2", "16"):
        (page, root), run = at_start(standing, f"{app_url}/inside?d={name}"), run_of(name)
        shown = drawn(page, root, SEVEN)
        plane, panel = LatentPlane.of_codes(run.codes.mean), page.locator(".place")
        settle(page)
        placed = panel.evaluate("root => root.place.state()")
        assert np.allclose(placed["place"], plane.project(np.array([shown["mean"]]))[0], atol=1e-4)
        factor = plane.posterior_factors(np.array([shown["log_var"]]))[0]
        assert np.allclose(placed["factor"], factor, rtol=1e-4, atol=1e-6)
        assert np.allclose(grey(panel.locator(".drawn")).ravel(), shown["pixels"], atol=0.5 / 255 + 1e-6)
        noise = panel.evaluate("root => root.place.plane.noise.slice(0, 6).map((one) => [...one])")
        z = np.array(shown["mean"]) + np.exp(0.5 * np.array(shown["log_var"])) * np.array(noise)
        pictures = panel.locator(".decoded canvas").evaluate_all(
            "all => all.map((one) => [...one.getContext('2d').getImageData(0, 0, 28, 28).data]"
            ".filter((_, k) => k % 4 === 0))"
        )
        assert np.abs(np.array(pictures) / 255 - run.decode(z.astype(np.float32))).max() < 0.01


def test_a_frozen_noise_stays_while_drawing_and_a_free_one_does_not(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=16")
    first = state(root)
    assert drawn(page, root, SEVEN)["epsilon"] == first["epsilon"]
    button(root, "Sample ε").click()
    second = state(root)
    assert second["epsilon"] != first["epsilon"] and len(second["epsilon"]) == 16
    stroke(page, root, BAR)
    assert state(root)["epsilon"] == second["epsilon"]
    button(root, "Freeze ε").click()
    expect(button(root, "Freeze ε")).to_have_attribute("aria-pressed", "false")
    stroke(page, root, TALL)
    third = state(root)
    assert third["epsilon"] != second["epsilon"]
    button(root, "Freeze ε").click()
    stroke(page, root, BAR)
    assert state(root)["epsilon"] == third["epsilon"]


def test_undo_redo_and_clear(page, app_url):
    root = opened(page, f"{app_url}/inside")
    expect(button(root, "Undo")).to_be_disabled()
    button(root, "Clear").click()
    empty = pixels(root)
    stroke(page, root, SEVEN)
    one = pixels(root)
    stroke(page, root, BAR)
    two = pixels(root)
    assert not np.array_equal(one, two) and one.any() and not empty.any()
    button(root, "Undo").click()
    assert np.array_equal(pixels(root), one)
    button(root, "Undo").click()
    assert np.array_equal(pixels(root), empty)
    expect(root.locator(".nothing")).to_be_visible()
    button(root, "Redo").click()
    button(root, "Redo").click()
    assert np.array_equal(pixels(root), two)
    expect(button(root, "Redo")).to_be_disabled()
    expect(root.locator(".nothing")).to_be_hidden()
    button(root, "Undo").click()
    stroke(page, root, TALL)
    expect(button(root, "Redo")).to_be_disabled()
    for _ in range(3):
        button(root, "Undo").click()
    expect(button(root, "Undo")).to_be_disabled()
    assert state(root)["preset"] >= 0  # the held-out digit of the beginning


def test_the_eraser_takes_away(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    button(root, "Centre and scale").click()
    drawn(page, root, SEVEN)
    before = pixels(root)
    button(root, "Erase").click()
    stroke(page, root, [SEVEN[1], SEVEN[2]])
    after = pixels(root)
    assert (after <= before).all() and after.sum() < 0.5 * before.sum() and after.any()
    button(root, "Erase").click()
    stroke(page, root, TALL)
    assert pixels(root).sum() > after.sum()


def test_a_release_outside_of_the_pad_ends_the_stroke(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    button(root, "Clear").click()
    box = root.locator(".pad").bounding_box()
    inside = (box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(*inside)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] - 40, steps=8)
    page.mouse.up()
    ended = state(root)
    page.mouse.move(*inside, steps=8)
    page.mouse.move(box["x"] + 10, box["y"] + 10, steps=8)
    assert state(root)["ink"] == ended["ink"] and any(ended["ink"])
    stroke(page, root, BAR)
    assert state(root)["past"] == ended["past"] + 1


def test_centre_and_scale_moves_a_small_drawing_and_can_be_left_out(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    drawn(page, root, [(0.1, 0.1), (0.1, 0.3)])
    centred = pixels(root)
    button(root, "Centre and scale").click()
    as_drawn = pixels(root)
    assert as_drawn[:10, :6].sum() == pytest.approx(as_drawn.sum(), rel=0.01)
    rows, columns = np.indices((28, 28))
    assert (rows * centred).sum() / centred.sum() == pytest.approx(13.5, abs=0.1)
    assert (columns * centred).sum() / centred.sum() == pytest.approx(13.5, abs=0.1)
    assert centred.sum() > 2 * as_drawn.sum()


def test_held_out_digits_are_taken_as_they_are_and_can_be_drawn_on(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    held_out = load("mnist", "validation", download=False)
    for label in (8, 1):
        numbers = np.flatnonzero(held_out.labels == label)[:6]
        button(root, f"Take a held-out {label}").click()
        assert np.array_equal(np.round(pixels(root).ravel() * 255), held_out.images[numbers[0]].ravel())
        expect(button(root, f"Take a held-out {label}")).to_have_attribute("aria-pressed", "true")
        for number in (*numbers[1:], numbers[0]):
            button(root, "Another").click()
            assert np.array_equal(np.round(pixels(root).ravel() * 255), held_out.images[number].ravel())
    before = pixels(root)
    stroke(page, root, BAR)
    after = pixels(root)
    assert (after >= before - 1e-6).all() and after.sum() > before.sum()  # not moved
    expect(button(root, "Take a held-out 1")).to_have_attribute("aria-pressed", "false")


def test_the_keyboard_draws(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    root.locator(".pad").focus()
    page.keyboard.press("Delete")
    assert not pixels(root).any()
    page.keyboard.press("ArrowUp")
    expect(root.locator(".brush")).to_be_visible()
    assert not pixels(root).any()
    page.keyboard.press(" ")
    dot = state(root)
    assert any(dot["ink"])
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    line = state(root)
    assert sum(line["ink"]) > 2 * sum(dot["ink"])
    page.keyboard.press(" ")
    page.keyboard.press("Shift+ArrowRight")
    assert state(root)["ink"] == line["ink"]
    page.keyboard.press("Control+z")
    assert not pixels(root).any()
    page.keyboard.press("Control+y")
    assert state(root)["ink"] == line["ink"]
    expect(root.locator(".told")).to_contain_text("nats")
    page.keyboard.press("e")
    expect(button(root, "Erase")).to_have_attribute("aria-pressed", "true")


def test_one_step_walks_through_all_four(page, app_url):
    root = opened(page, f"{app_url}/inside")
    shown, sentence = state(root), root.locator(".sentence")
    lit = []
    for number, name in enumerate(("encode", "sample", "decode", "loss and gradient"), start=1):
        root.locator("button.step").click()
        expect(sentence).to_contain_text(f"{number} of 4, {name}.")
        lit.append(root.locator("[data-box].lit").evaluate_all("all => all.map((box) => box.dataset.box)"))
        if number == 2:
            expect(sentence).to_contain_text(f"= {shown['z'][0]:.2f}.".replace("-", "−"))
    assert lit[0] == ["x", "trunk", "mean", "sigma"] and "epsilon" not in lit[3]
    total = shown["reconstruction"] + sum(shown["kl"])
    expect(sentence).to_contain_text(f"Loss {total:.1f} nats")
    back = root.locator(".wires path.back").evaluate_all("all => all.map((p) => p.dataset.from + '>' + p.dataset.to)")
    assert "mean>z" in back and "sigma>z" in back and "epsilon>z" not in back
    root.locator("button.step").click()
    expect(root.locator("[data-box].lit, [data-box].dim, path.dim")).to_have_count(0)


def test_the_chosen_dimension_is_read_out(standing, app_url):
    _, root = at_start(standing, f"{app_url}/inside?d=16")
    shown, read = state(root), root.locator(".dimension .read")
    root.locator(".divergence .bar").first.hover()
    button(root, "Dimension before").click()
    assert state(root)["chosen"] == 15
    expect(read).to_contain_text(f"dimension 16: μ {shown['mean'][15]:.2f}".replace("-", "−")[:18])
    button(root, "Next dimension").click()
    button(root, "Next dimension").click()
    assert state(root)["chosen"] == 1
    root.locator(".divergence .bar").nth(6).hover()
    assert state(root)["chosen"] == 6
    expect(root.locator(".bar.chosen")).to_have_count(5)


def test_another_model_keeps_the_drawing(page, app_url):
    root = opened(page, f"{app_url}/inside")
    shown = drawn(page, root, SEVEN)
    choice(page, "Model", "d = 16").click()
    page.wait_for_function("root => root.inside.dimensions === 16", arg=root.element_handle())
    again = state(root)
    assert again["pixels"] == shown["pixels"]
    assert_as_torch(again, run_of("16"))
    assert "d=16" in page.url


def test_a_vanished_deviation_is_said(page, app_url):
    root = opened(page, f"{app_url}/inside")
    root.evaluate(
        "root => { const { inside } = root; inside.network.encoder.logVar.run = () => new Float32Array([-300, -40]);"
        " inside.update(); }"
    )
    expect(root.locator(".dimension .read")).to_contain_text("σ 0: too small for a single-precision number")
    button(root, "Next dimension").click()
    expect(root.locator(".dimension .read")).to_contain_text("σ 2.1·10⁻⁹")
    assert np.isfinite(state(root)["kl"]).all()


def test_nothing_jumps_while_drawing(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    parts = ".pad, [data-box], .terms, .nats, .divergence, .dimension"
    places = f"""root => [...root.querySelectorAll('{parts}')].map((part) => {{
      const box = part.getBoundingClientRect(); return [box.top, box.left, box.width, box.height]; }})"""
    before = root.evaluate(places)
    drawn(page, root, SEVEN)
    assert root.evaluate(places) == before
    root.evaluate("root => { root.inside.pad.ink.ink.fill(255); root.inside.pad.changed(); }")
    assert root.evaluate(places) == before
    for _ in range(4):
        root.locator("button.step").click()
        assert root.evaluate(places) == before


@pytest.mark.parametrize("d", ["2", "16"])
def test_tables_that_are_compared_by_column_are_whole_on_a_phone(phone, app_url, d):
    opened(phone, f"{app_url}/inside?d={d}")
    phone.locator(f".st-key-skip-together-{d} button").tap()
    names = ("Where the codes of all images lie", "The KL and its two parts",
             "Descent on sigma, on its logarithm and through softplus")  # fmt: skip
    for name in names:
        table = phone.get_by_role("region", name=name)
        expect(table).to_be_visible()
        assert table.evaluate("table => table.scrollWidth <= table.clientWidth"), name


def test_a_finger_draws_on_a_phone_and_nothing_is_too_wide(phone, app_url):
    root = opened(phone, f"{app_url}/inside?d=16")
    wide = root.evaluate(
        "root => [...root.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{element}.scrollWidth") <= phone.evaluate("innerWidth") + 1
    button(root, "Clear").tap()
    root.locator(".pad").scroll_into_view_if_needed()
    box = root.locator(".pad").bounding_box()
    wire = phone.context.new_cdp_session(phone)
    scrolled = phone.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    for kind, share in [
        ("touchStart", 0.2),
        *[("touchMove", share) for share in np.linspace(0.2, 0.8, 12)],
        ("touchEnd", None),
    ]:
        points = [] if share is None else [{"x": box["x"] + 0.5 * box["width"], "y": box["y"] + share * box["height"]}]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        phone.wait_for_timeout(20)
    shown = state(root)
    assert 20 < sum(shown["pixels"]) < 120
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == scrolled
    assert_as_torch(shown, run_of("16"))


def test_it_begins_at_the_mean_and_noise_is_sampled_when_asked_for(page, app_url):
    root = opened(page, f"{app_url}/inside?d=16")
    first = state(root)
    assert not any(first["epsilon"]) and first["z"] == first["mean"]
    expect(root.locator(".noise")).to_contain_text("ε = 0")
    assert "epsilon" not in page.url
    button(root, "Sample ε").click()
    sampled = state(root)
    assert all(sampled["epsilon"]) and sampled["mean"] == first["mean"]
    page.wait_for_url(lambda url: "epsilon=" in url)
    button(root, "ε = 0").click()
    assert state(root)["reconstruction"] == first["reconstruction"]
    page.wait_for_url(lambda url: "epsilon=" not in url)


SIZES = {"desk": (1440, 900, ""), "small": (1280, 720, ""), "phone": (390, 844, ""), "slide": (1280, 720, "present=1&")}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("size", SIZES)
def test_pad_numbers_picture_and_both_terms_are_seen_together(standing, app_url, size, name):
    width, height, link = SIZES[size]
    page, root = at_start(standing, f"{app_url}/inside?{link}d={name}")
    page.set_viewport_size({"width": width, "height": height})
    settle(page)
    root.evaluate("root => root.scrollIntoView({block: 'start'})")
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollBy(0, -60)")
    for part in (".pad", ".tools >> nth=0", "[data-box=mean]", "[data-box=sigma]", "[data-box=epsilon]", "[data-box=z]",
                 ".rebuilt", ".loss", ".nats", ".divergence", ".resample", ".step", ".dimension"):  # fmt: skip
        box = root.locator(part).first.bounding_box()
        assert box["y"] >= (0 if "present" in link else 55) and box["y"] + box["height"] <= height, part
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and min(box["width"], box["height"]) > 8, part
        inner = root.locator(part).first.evaluate(
            "e => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight]"
        )
        assert max(inner) <= 2, part


def test_a_drawing_outlives_reload_other_pages_and_back(page, app_url):
    root = opened(page, f"{app_url}/inside")
    button(root, "Take a held-out 8").click()
    stroke(page, root, BAR)
    on_eight = state(root)
    assert on_eight["drawing"].startswith("d.p")
    page.wait_for_url(lambda url: "drawing=d.p" in url)  # it is kept once the pen rests
    page.reload()
    root = opened(page, page.url)
    assert state(root)["pixels"] == on_eight["pixels"] and state(root)["touched"]
    button(root, "Centre and scale").click()
    own = drawn(page, root, SEVEN, BAR)
    page.wait_for_url(lambda url: "drawing=a.p" in url)
    page.get_by_role("link", name="The β dial").first.click()
    expect(page.locator(".beta-dial")).to_be_visible()
    page.get_by_role("link", name="Inside the VAE").first.click()
    root = page.locator(".inside")
    expect(root).to_be_visible()
    assert state(root)["pixels"] == own["pixels"]
    page.go_back()
    expect(page.locator(".beta-dial")).to_be_visible()
    page.go_back()
    expect(root).to_be_visible()
    assert state(root)["pixels"] == own["pixels"]


def test_a_link_to_a_drawing_shows_the_very_same_numbers(page, elsewhere, app_url):
    root = opened(page, f"{app_url}/inside?d=16")
    drawn(page, root, SEVEN, BAR)
    button(root, "Erase").click()
    stroke(page, root, TALL)
    shown = state(root)
    page.wait_for_url(lambda url: "drawing=b.p" in url and ".e" in url.partition("drawing=")[2])  # the eraser, too
    assert len(page.url) - len(app_url) < 400
    there = state(opened(elsewhere, page.url))
    assert there["pixels"] == shown["pixels"] and there["reconstruction"] == shown["reconstruction"]
    expect(elsewhere.get_by_test_id("stAlert")).to_have_count(0)


def test_a_link_without_a_drawing_is_not_given_this_tabs(page, app_url):
    root = opened(page, f"{app_url}/inside")
    first = state(root)
    drawn(page, root, SEVEN)
    root = opened(page, f"{app_url}/inside?step=2")
    assert state(root)["pixels"] == first["pixels"]


def test_a_drawing_too_long_for_a_link_says_so_and_is_kept_in_the_tab(page, app_url):
    root = opened(page, f"{app_url}/inside")
    button(root, "Clear").click()
    zigzag = [[1 + 26 * (k % 2), 0.05 * k] for k in range(520)]
    root.evaluate(
        "({inside: {pad}}, places) => { pad.beginStroke(places[0]); pad.stroke(places); pad.endStroke(); }", zigzag
    )
    shown = state(root)
    assert len(shown["drawing"]) > 1_500
    expect(root.locator(".too-long")).to_be_visible()
    page.wait_for_timeout(400)
    assert "drawing" not in page.url
    page.reload()
    root = opened(page, page.url)
    assert state(root)["pixels"] == shown["pixels"]


@pytest.mark.parametrize("name", ["2", "16"])
def test_the_kl_of_a_drawing_is_taken_apart_and_estimated(standing, app_url, name):
    page, root = at_start(standing, f"{app_url}/inside?d={name}")
    shown, panel = drawn(page, root, SEVEN), page.locator(".component.divergence")
    settle(page)
    parts = panel.evaluate("root => root.divergence.state()")
    mean, log_var = np.array(shown["mean"]), np.array(shown["log_var"])
    assert np.allclose(parts["mean"], mean**2 / 2)
    assert np.allclose(parts["variance"], (np.exp(log_var) - 1 - log_var) / 2)
    assert np.allclose(np.add(parts["mean"], parts["variance"]), shown["kl"], rtol=1e-6)
    widths = panel.locator(".track i").evaluate_all("all => all.map((i) => i.getBoundingClientRect().width)")
    assert widths[0] / sum(widths) == pytest.approx(sum(parts["mean"]) / sum(shown["kl"]), abs=0.01)
    assert [one["n"] for one in parts["estimates"]] == [10, 100, 1_000, 10_000]
    ratio = np.sqrt(0.5 * (np.square(1 - np.exp(log_var)) + 2 * mean**2 * np.exp(log_var)).sum())
    for one in parts["estimates"]:
        assert abs(one["value"] - sum(shown["kl"])) < 5 * ratio / np.sqrt(one["n"])
    assert parts["estimates"][-1]["error"] == pytest.approx(ratio / 100, rel=0.1)  # the standard deviation is known
    spoken = panel.locator(".chart").get_attribute("aria-label")
    assert f"{sum(shown['kl']):.3f}" in spoken and "10,000 samples" in spoken
    button(panel, "Another seed").click()
    again = panel.evaluate("root => root.divergence.state()")
    assert again["estimates"][0]["value"] != parts["estimates"][0]["value"] and again["mean"] == parts["mean"]


def test_what_pictures_show_is_said(standing, app_url):
    page, root = at_start(standing, f"{app_url}/inside?d=2")
    seen, rebuilt, nats = (root.locator(f"canvas.{name}") for name in ("seen", "rebuilt", "nats"))
    expect(seen).to_have_attribute("aria-label", re.compile("what the encoder sees: a held-out 3, ink on"))
    button(root, "Take a held-out 1").click()
    expect(rebuilt).to_have_attribute("aria-label", re.compile("most like a held-out 1,"))
    shown = drawn(page, root, SEVEN)
    expect(seen).to_have_attribute("aria-label", re.compile(r"your drawing, ink on \d+% of the pixels: top left, top "))
    expect(nats).to_have_attribute(
        "aria-label", re.compile(rf"{shown['reconstruction']:.1f} nats in all, half of them in")
    )
    settle(page)
    place = ", ".join(f"{value:.2f}".replace("-", "−") for value in shown["mean"])
    expect(page.locator(".place .plane")).to_have_attribute("aria-label", re.compile(re.escape(f"({place})")))
    button(root, "Clear").click()
    expect(seen).to_have_attribute("aria-label", re.compile("black"))


def test_posteriors_with_and_without_the_kl_are_those_of_the_runs(page, app_url):
    opened(page, f"{app_url}/inside?ask=escape&answers=escape:2")
    root = page.locator(".ellipses")
    expect(root).to_be_visible()
    planes = root.evaluate("root => root.ellipses.state()")
    for plane, stop in zip(planes, (WITH, WITHOUT), strict=True):
        run = next(load_run(line.key) for line in stops_of(2) if f"{line.spec.kl_weight:g}" == stop)
        assert np.array_equal(np.float32(plane["means"]), run.codes.mean.ravel())
        assert np.allclose(plane["sigmas"], np.exp(0.5 * run.codes.log_var.ravel()), rtol=1e-4)
    button(root, "Same scale").click()
    same = root.evaluate("root => root.ellipses.state().map((plane) => plane.half)")
    assert same == [max(plane["half"] for plane in planes)] * 2 != [plane["half"] for plane in planes]
    assert root.locator(".plane").evaluate_all("all => all.every((one) => one.ariaLabel.includes('σ'))")


def test_a_page_that_is_left_and_come_back_to_is_whole(page, app_url):
    root = opened(page, f"{app_url}/inside")
    page.get_by_role("link", name="The β dial").first.click()
    expect(page.locator(".beta-dial")).to_be_visible()
    page.get_by_role("link", name="Inside the VAE").first.click()
    root = page.locator(".inside")
    expect(root).to_be_visible()
    assert_as_torch(drawn(page, root, SEVEN), run_of("2"))
