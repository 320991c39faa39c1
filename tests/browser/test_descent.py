"""The derivation's experiments as a visitor uses them; their numbers against vae_core's."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from scipy.special import stdtrit

from ui.chapters.mathematics.experiments import DESCENT, STORY, VARIANCES, share_of_mode
from vae_core.lessons.exact_posterior import DECODERS, Toy, bound, descend, exact_posterior, kl_to_posterior
from vae_core.lessons.mean_field import best_diagonal, correlated, gap_of_correlation, gaussian_kl

from .conftest import Stage, Standing

pytestmark = pytest.mark.browser

APP = """
import streamlit as st

from ui.chapters.mathematics.experiments import KINDS, part
from ui.components.descent import experiment

for kind in KINDS:
    if st.query_params.get("only", kind) == kind:
        experiment(part(kind), key=kind)
st.button("Run again")
"""
STEPS = ("opening", "closest", "diagonal", "closed-form", "bound", "samples", "dial", "linear")
BAR = 60  # CSS pixels that the menu covers
ANSWERED = "answers=humps:1,diagonal:2"
SETTINGS = [("straight", 1.0, 0.3), ("bent", -1.5, 1.0), ("folded", 3.0, 0.1), ("folded", -0.5, 2.0)]


@pytest.fixture(scope="module")
def parts_url(stage: Stage) -> str:
    return stage.put_on("descent", APP)[0]


def opened(page: Page, url: str, kind: str) -> Locator:
    page.goto(url)
    return part_on(page, kind)


def standing_part(standing: Standing, url: str, kind: str) -> Locator:
    """An experiment alone, as the test before has left it."""
    return part_on(standing(f"{url}&only={kind}"), kind)


def part_on(page: Page, kind: str) -> Locator:
    root = page.locator(f".{kind}-part")
    expect(root).to_be_visible()
    return root


def state(root: Locator) -> dict[str, Any]:
    return root.evaluate("root => root.derivation.state()")


def slider(root: Locator, label: str) -> Locator:
    return root.get_by_role("slider", name=label, exact=True)


def set_story(root: Locator, decoder: str, x: float, c: float) -> None:
    root.locator(f"input[value={decoder}]").check(force=True)
    slider(root, "observation x").fill(str(x))
    slider(root, "variance c").fill(str(VARIANCES.index(c)))


def toy_on(shown: dict[str, Any]) -> Toy:
    return Toy(DECODERS[shown["decoder"]], shown["x"], shown["c"])


def number(root: Locator, selector: str) -> float:
    """A number on screen, with its true minus sign."""
    text = root.locator(f"dd.{selector}, b.{selector}").first.inner_text()
    return float(re.match(r"−?[\d.]+", text).group().replace("−", "-"))


@pytest.mark.parametrize("decoder, x, c", SETTINGS)
def test_the_posterior_is_that_of_numpy(standing, parts_url, decoder, x, c):
    root = standing_part(standing, parts_url, "posterior")
    set_story(root, decoder, x, c)
    shown, exact = state(root), exact_posterior(Toy(DECODERS[decoder], x, c))
    assert (shown["decoder"], shown["x"], shown["c"]) == (decoder, x, c)
    assert shown["logEvidence"] == pytest.approx(exact.log_evidence, abs=1e-9)
    assert (shown["mean"], shown["deviation"]) == pytest.approx((exact.mean, exact.deviation), abs=1e-9)
    assert number(root, "log-evidence") == pytest.approx(exact.log_evidence, abs=6e-4)
    assert number(root, "mean") == pytest.approx(exact.mean, abs=6e-4)
    assert number(root, "deviation") == pytest.approx(exact.deviation, abs=6e-4)
    assert number(root, "evidence") == pytest.approx(math.exp(exact.log_evidence), rel=6e-3)


def test_the_curve_on_screen_is_the_density(page, parts_url):
    root = opened(page, f"{parts_url}&only=posterior", "posterior")
    assert {name: state(root)[name] for name in STORY} == STORY
    path = root.locator(".densities path.posterior").get_attribute("d")
    points = np.array([[float(part) for part in pair.split()] for pair in re.split("[ML]", path)[1:]])
    frame = root.evaluate("({derivation: {densities: {plot, x, y}}}) => ({plot, x, y})")
    plot, (low, high), (_, top) = frame["plot"], frame["x"], frame["y"]
    z = low + (points[:, 0] - plot["left"]) / plot["width"] * (high - low)
    density = (plot["top"] + plot["height"] - points[:, 1]) / plot["height"] * top
    exact = exact_posterior(Toy(DECODERS[STORY["decoder"]], STORY["x"], STORY["c"]))
    expected = np.exp(exact.log_density[np.rint((z + 12.0) * 100).astype(int)])
    assert np.abs(density - expected).max() < 0.02  # a tenth of a pixel, and a grid of 0.01


@pytest.mark.parametrize("decoder, x, c", SETTINGS)
def test_every_step_of_the_descent_is_that_of_numpy(standing, parts_url, decoder, x, c):
    root = standing_part(standing, parts_url, "descent")
    slider(root, "step").fill("0")
    set_story(root, decoder, x, c)
    slider(root, "start of μ").fill("-1.5")
    slider(root, "learning rate").fill("3")
    shown = state(root)
    toy = toy_on(shown)
    way = descend(toy, shown["start"], shown["spread"], shown["rate"], shown["steps"])
    assert (shown["start"], shown["rate"], shown["step"]) == (-1.5, 0.1, 0)
    assert np.abs(np.array(shown["elbos"]) - way.elbo).max() < 1e-6 * np.abs(way.elbo).max()
    exact = exact_posterior(toy)
    for step in (0, 3, 50, 200):
        slider(root, "step").fill(str(step))
        here = state(root)
        assert here["mean"] == pytest.approx(way.mean[step], abs=1e-6)
        assert math.log(here["sigma"]) == pytest.approx(way.log_sigma[step], abs=1e-6)
        kl = kl_to_posterior(exact, way.mean[step], way.log_sigma[step])
        assert here["kl"] == pytest.approx(kl, abs=1e-5)
        assert here["elbo"] + here["kl"] == pytest.approx(here["logEvidence"], abs=1e-4)
        terms = bound(toy, way.mean[step], way.log_sigma[step])
        assert here["expected"] == pytest.approx(terms.expected_log_likelihood, rel=1e-6, abs=1e-6)
        assert here["klToPrior"] == pytest.approx(terms.kl_to_prior, rel=1e-6, abs=1e-6)
        assert number(root, "elbo-value") == pytest.approx(way.elbo[step], rel=6e-4, abs=6e-4)
        assert number(root, "kl-value") == pytest.approx(kl, rel=6e-4, abs=6e-4)


def test_q_settles_on_the_mode_that_it_starts_near_and_the_gap_stays(page, parts_url):
    root = opened(page, f"{parts_url}&only=descent", "descent")
    ends = []
    for start in ("-2.5", "2.5"):
        slider(root, "start of μ").fill(start)
        slider(root, "step").fill("200")
        here = state(root)
        ends.append(here["mean"])
        assert here["kl"] > 0.3
    assert ends[0] < -1.5 < 1.5 < ends[1]
    root.locator("input[value=straight]").check(force=True)
    assert state(root)["kl"] == pytest.approx(0.0, abs=1e-6)
    assert number(root, "kl-value") == 0


@pytest.mark.parametrize("decoder, x, c", [("folded", 1.0, 0.3), ("folded", 2.0, 0.2), ("bent", 1.0, 0.3)])
def test_where_it_leads_is_told_from_what_is_on_screen(page, parts_url, decoder, x, c):
    root = opened(page, f"{parts_url}&only=descent", "descent")
    set_story(root, decoder, x, c)
    toy = Toy(DECODERS[decoder], x, c)
    way = descend(toy, DESCENT["start"], DESCENT["spread"], DESCENT["rate"], int(DESCENT["steps"]))
    exact = exact_posterior(toy)
    told = root.locator(".outcome").inner_text().replace("−", "-")
    converged = int(np.argmax(np.abs(way.elbo - way.elbo[-1]) < 1e-3))
    assert f"Converged in {converged} steps" in told
    gap = kl_to_posterior(exact, way.mean[-1], way.log_sigma[-1])
    assert f"μ = {way.mean[-1]:.2f}, σ = {math.exp(way.log_sigma[-1]):.2f}, gap {gap:.2f} nats" in told
    if decoder == "folded":
        share = share_of_mode(exact, float(way.mean[-1]))
        assert f"holds {share:.0%} of the posterior: -log {share:.2f} = {-math.log(share):.2f} of" in told
    else:
        assert "mode" not in told
    slider(root, "learning rate").fill("0")
    assert "Still moving after 200 steps" in root.locator(".outcome").inner_text()


def test_names_of_axes_stand_outside_of_what_is_drawn(page, parts_url):
    page.goto(parts_url)
    expect(page.locator(".derivation")).to_have_count(4)
    inside = """svg => {
      const frame = svg.querySelector("clipPath rect");
      const [top, height] = ["y", "height"].map((name) => Number(frame.getAttribute(name)));
      return [...svg.querySelectorAll("text.name")].filter((one) => {
        const box = one.getBBox();
        return box.y + box.height > top + 1 && box.y < top + height - 1;
      }).map((one) => one.textContent);
    }"""
    svgs = page.locator(".derivation svg").all()
    assert len(svgs) == 8
    assert [svg.evaluate(inside) for svg in svgs] == [[]] * 8


@pytest.mark.parametrize("width, height", [(1440, 900), (1280, 720), (390, 844)])
def test_every_experiment_is_whole_in_the_window_at_its_step(page, phone, app_url, width, height):
    visitor = phone if width < 600 else page
    visitor.set_viewport_size({"width": width, "height": height})
    visitor.goto(f"{app_url}/mathematics?{ANSWERED}")
    expect(visitor.get_by_text("Sources", exact=True)).to_be_attached(timeout=60_000)
    assert len(STEPS) == visitor.locator("[class*='st-key-step-']").count()
    for name in STEPS:
        expect(contents(visitor, name).first).to_be_visible()
        assert extent(visitor, name) <= height - BAR, name


def test_every_experiment_is_whole_when_presented(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/mathematics?{ANSWERED}&present=1")
    expect(page.locator(".slide")).to_have_text(f"1 of {len(STEPS)}")
    for name in STEPS:
        expect(contents(page, name).first).to_be_visible()
        top = page.locator(f".st-key-instrument-{name}").bounding_box()["y"]
        assert top < BAR
        assert top + extent(page, name) <= 720, name
        page.keyboard.press("PageDown")


def contents(page: Page, name: str) -> Locator:
    """What a step's instrument is made of."""
    return page.locator(f".st-key-instrument-{name} [data-testid=stElementContainer]")


def extent(page: Page, name: str) -> float:
    """How tall a step's instrument is, once it has stopped growing, in pixels."""
    measured = """parts => {
      const boxes = parts.map((part) => part.getBoundingClientRect()).filter((box) => box.height > 2);
      return Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    }"""
    found = [-1.0]
    while len(found) < 4 or len(set(found[-3:])) > 1:
        page.wait_for_timeout(200)
        found.append(float(contents(page, name).evaluate_all(measured)))
    return found[-1]


def test_play_pause_step_and_reset(page, parts_url):
    root = opened(page, f"{parts_url}&only=descent", "descent")
    play, step, reset = (root.get_by_role("button", name=name, exact=True) for name in ("Play", "Step", "Reset"))
    assert state(root)["step"] == 0 and not state(root)["playing"]
    page.wait_for_timeout(400)
    assert state(root)["step"] == 0  # nothing plays by itself
    step.click()
    step.click()
    assert state(root)["step"] == 2
    expect(root.locator(".live")).to_contain_text("Step 2: ELBO")
    play.click()
    page.wait_for_function("root => root.derivation.step > 8", arg=root.element_handle())
    pause = root.get_by_role("button", name="Pause", exact=True)
    expect(pause).to_have_attribute("aria-pressed", "true")
    pause.click()
    stopped = state(root)["step"]
    page.wait_for_timeout(300)
    assert state(root)["step"] == stopped
    assert slider(root, "step").input_value() == str(stopped)
    reset.click()
    assert state(root)["step"] == 0 and state(root)["mean"] == DESCENT["start"]
    slider(root, "step").fill("195")
    play.click()
    page.wait_for_function("root => !root.derivation.playing", arg=root.element_handle())
    assert state(root)["step"] == DESCENT["steps"]
    play.click()  # from the end it begins anew
    page.wait_for_function("root => root.derivation.step > 2", arg=root.element_handle())
    assert state(root)["step"] < 190


def test_the_keyboard_does_it_all(page, parts_url):
    root = opened(page, f"{parts_url}&only=descent", "descent")
    slider(root, "step").focus()
    for key, step in (("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("End", 200), ("Home", 0)):
        page.keyboard.press(key)
        assert state(root)["step"] == step
    root.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Enter")
    assert state(root)["playing"]
    page.keyboard.press("Space")
    assert not state(root)["playing"]
    root.locator("input[value=folded]").focus()
    page.keyboard.press("ArrowLeft")
    assert state(root)["decoder"] == "bent"
    slider(root, "observation x").focus()
    page.keyboard.press("ArrowRight")
    assert state(root)["x"] == pytest.approx(1.05)
    expect(slider(root, "observation x")).to_have_attribute("aria-valuetext", "1.05")


def test_dragging_q_takes_it_to_another_start_and_letting_go_descends(page, parts_url):
    root = opened(page, f"{parts_url}&only=descent", "descent")
    chart = root.locator(".densities svg")
    box = chart.bounding_box()
    frame = root.evaluate("root => root.derivation.densities.plot")
    at = lambda z: box["x"] + frame["left"] + (z + 4) / 8 * frame["width"]
    page.mouse.move(at(1.0), box["y"] + 80)
    page.mouse.down()
    page.mouse.move(at(-2.0), box["y"] + 80, steps=4)
    held = state(root)
    assert held["start"] == pytest.approx(-2.0, abs=0.051) and held["step"] == 0 and not held["playing"]
    page.mouse.up()
    page.wait_for_function("root => root.derivation.step > 3", arg=root.element_handle())
    assert slider(root, "start of μ").input_value() == f"{held['start']:g}"


def test_where_motion_is_unwelcome_it_goes_by_leaps(page, parts_url):
    page.emulate_media(reduced_motion="reduce")
    root = opened(page, f"{parts_url}&only=descent", "descent")
    root.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("root => root.derivation.step > 0", arg=root.element_handle())
    assert state(root)["step"] == 5
    root.get_by_role("button", name="Pause", exact=True).click()
    box = root.locator(".densities svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 80)
    page.wait_for_timeout(700)
    assert not state(root)["playing"] and state(root)["step"] == 0


def test_posterior_and_descent_tell_one_story(page, parts_url):
    upper = opened(page, parts_url, "posterior")
    lower = page.locator(".descent-part")
    expect(lower).to_be_visible()
    set_story(upper, "bent", 2.0, 0.5)
    shown = state(lower)
    assert (shown["decoder"], shown["x"], shown["c"]) == ("bent", 2.0, 0.5)
    assert shown["logEvidence"] == pytest.approx(state(upper)["logEvidence"], abs=1e-12)
    slider(lower, "observation x").fill("-1")
    assert state(upper)["x"] == -1
    assert slider(upper, "observation x").input_value() == "-1"


@pytest.mark.parametrize("rho, sigma", [(0.8, 1.0), (-0.5, 0.6), (0.99, 0.2), (0.0, 1.0)])
def test_the_diagonal_is_that_of_numpy(standing, parts_url, rho, sigma):
    root = standing_part(standing, parts_url, "diagonal")
    slider(root, "correlation ρ of p").fill(str(rho))
    slider(root, "σ of q, both dimensions").fill(str(sigma))
    shown, target = state(root), correlated(rho)
    kl = gaussian_kl(np.diag([sigma**2] * 2), target)
    assert shown["kl"] == pytest.approx(kl, abs=1e-9)
    assert shown["least"] == pytest.approx(gap_of_correlation(rho), abs=1e-12)
    assert number(root, "least-value") == pytest.approx(gap_of_correlation(rho), abs=6e-4)
    root.get_by_role("button", name="Best width").click()
    best = state(root)
    assert best["sigma"] == pytest.approx(math.sqrt(best_diagonal(target)[0]), abs=1e-9)
    assert best["kl"] == pytest.approx(gap_of_correlation(rho), abs=1e-9)
    slider(root, "correlation ρ of p").fill("0.3")  # the best width follows
    assert state(root)["kl"] == pytest.approx(gap_of_correlation(0.3), abs=1e-9)


def test_the_ellipse_is_drawn_to_scale(standing, parts_url):
    root = standing_part(standing, parts_url, "diagonal")
    slider(root, "correlation ρ of p").fill("0.6")
    frame = root.evaluate("root => root.derivation.plane.plot")
    assert frame["width"] == pytest.approx(frame["height"])
    unit = frame["width"] / 6
    first = root.locator(".ellipses path.posterior").get_attribute("d").split("Z")[0]
    points = np.array([[float(part) for part in pair.split()] for pair in re.split("[ML]", first)[1:]])[:-1]
    across = (points - points.mean(axis=0)) * [1, -1] / unit
    assert 2 * across.T @ across / len(across) == pytest.approx(correlated(0.6), abs=1e-3)


def test_the_estimates_are_those_of_their_noise_and_hold_the_closed_form(page, parts_url):
    root = opened(page, f"{parts_url}&only=estimate", "estimate")
    slider(root, "samples n").fill("4")
    seen, hits = [], 0
    for _ in range(5):
        shown = state(root)
        mean, sigma, eps = shown["mean"], shown["sigma"], np.array(shown["eps"])
        assert shown["closed"] == pytest.approx(0.5 * (mean**2 + sigma**2 - 1 - math.log(sigma**2)), abs=1e-12)
        z = mean + sigma * eps
        ratios = -math.log(sigma) - eps**2 / 2 + z**2 / 2
        estimate, half = shown["estimates"][0]
        student_95 = stdtrit(len(eps) - 1, 0.975)
        assert estimate == pytest.approx(ratios.mean(), abs=1e-9)
        assert half == pytest.approx(student_95 * ratios.std(ddof=1) / math.sqrt(len(eps)), abs=1e-9)
        inside = [abs(value - shown["closed"]) <= width for value, width in shown["estimates"]]
        assert shown["hits"] == sum(inside)
        seen.append(estimate)
        hits += sum(inside)
        root.get_by_role("button", name="Sample again").click()
    assert len(set(seen)) == 5
    assert 85 <= hits <= 100  # of 100 at 95%
    assert abs(eps.mean()) < 4 / math.sqrt(len(eps)) and abs(eps.std() - 1) < 4 / math.sqrt(2 * len(eps))


def test_at_the_prior_itself_nothing_is_left_to_estimate(page, parts_url):
    root = opened(page, f"{parts_url}&only=estimate", "estimate")
    slider(root, "μ").fill("0")
    slider(root, "σ").fill("5")
    shown = state(root)
    assert (shown["mean"], shown["sigma"], shown["closed"]) == (0, 1, 0)
    assert np.abs(np.array(shown["estimates"])).max() < 1e-12
    assert shown["hits"] == 20


def test_a_rerun_of_the_page_leaves_everything_where_it_is_and_the_server_hears_nothing(page, parts_url):
    frames: list = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    root = opened(page, parts_url, "descent")
    page.wait_for_timeout(500)
    before = len(frames)
    slider(root, "observation x").fill("2")
    slider(root, "step").fill("40")
    page.wait_for_timeout(300)
    assert len(frames) == before
    page.get_by_role("button", name="Run again").click()
    page.wait_for_timeout(1000)
    assert len(frames) > before
    assert state(root)["step"] == 40 and state(root)["x"] == 2
    expect(page.locator(".derivation")).to_have_count(4)


def test_the_page_shows_formulas_experiments_and_no_scroll_to_the_side(page, phone, app_url):
    for visitor in (page, phone):
        visitor.goto(f"{app_url}/mathematics?{ANSWERED}")
        expect(visitor.get_by_text("Sources", exact=True)).to_be_attached(timeout=60_000)
        for kind in ("posterior", "descent", "diagonal", "estimate"):
            expect(visitor.locator(f".{kind}-part")).to_be_visible()
        assert visitor.locator(".katex-display").count() >= 5
        assert visitor.locator(".katex-error").count() == 0
        for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
            assert visitor.evaluate(f"{element}.scrollWidth") <= visitor.evaluate("innerWidth") + 1
        for svg in visitor.locator(".derivation svg").all():
            assert svg.get_attribute("aria-label")
            ends = svg.evaluate("svg => [...svg.querySelectorAll('text')].map((t) => t.getBoundingClientRect().right)")
            assert max(ends) <= visitor.evaluate("innerWidth")
