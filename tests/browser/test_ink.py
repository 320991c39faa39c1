"""The drawing and the numbers made of it, without the app: its modules are loaded into an empty page.

What is centred and scaled here is compared with numpy and scipy, the gradient with torch.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ui.chapters.inside.drawing import LONGEST
from ui.chapters.links import properties
from vae_core.lessons.gradient_estimators import monte_carlo_kl
from vae_core.losses.gaussian import closed_form_kl

from .conftest import load_modules

pytestmark = pytest.mark.browser

SIDE, FINE = 28, 6
CELLS = SIDE * FINE


@pytest.fixture
def engine(page):
    """An empty page with what the component is made of."""
    load_modules(
        page, "pad/ink.js", "engine/gaussian.js", "pad/bars.js", "pad/strokes.js", "pad/estimate.js", "pad/words.js"
    )
    return page


def drawn(page, strokes: list, how: str = "pixels", erased: tuple = ()) -> tuple[np.ndarray, np.ndarray]:
    """The ink (cells, cells), 0 to 1, and the image (28, 28) of some strokes: lists of places in pixels."""
    ink, image = page.evaluate(
        f"""([strokes, erased]) => {{ const ink = new Ink({SIDE});
        for (const [places, erase] of [...strokes.map((s) => [s, false]), ...erased.map((s) => [s, true])])
          places.forEach((place, k) => ink.stroke(places[Math.max(0, k - 1)], place, erase ? 2 : 1.25, erase));
        return [Array.from(ink.ink), Array.from(ink.{how}())]; }}""",
        [strokes, list(erased)],
    )
    return np.reshape(ink, (CELLS, CELLS)) / 255, np.reshape(image, (SIDE, SIDE))


SEVEN = [[[4.0, 5.0], [22.0, 4.0], [12.0, 26.0]]]
SMALL = [[[3.0, 3.0], [3.0, 12.0]]]
WIDE = [[[2.0, 14.0], [26.0, 14.0], [26.0, 17.0]]]
SEVEN_REGIONS = "top left, top centre, top right, centre, bottom centre"
DRAWINGS = {"seven": SEVEN, "small": SMALL, "wide": WIDE, "two strokes": [*SMALL, [[20.0, 20.0], [24.0, 25.0]]]}


def test_a_stroke_is_as_wide_as_the_brush_and_soft_at_its_edge(engine):
    ink, image = drawn(engine, [[[14.0, 4.0], [14.0, 24.0]]])
    across = ink[CELLS // 2]
    assert across.sum() / FINE == pytest.approx(2 * 1.25, abs=0.15)  # pixels
    assert np.unique(across).size > 3 and across.max() == 1.0
    assert image[14].sum() == pytest.approx(2 * 1.25, abs=0.15)
    assert image[:, :12].sum() == 0 and image[:, 16:].sum() == 0
    assert ink[:, CELLS // 2].sum() / FINE == pytest.approx(20 + 2 * 1.25, abs=0.3)  # round ends


def test_the_image_is_the_mean_of_the_ink_in_each_pixel(engine):
    ink, image = drawn(engine, SEVEN)
    expected = ink.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    assert np.abs(image - expected).max() <= 0.5 / 255 + 1e-6
    assert np.allclose(image * 255, np.round(image * 255), atol=1e-4)


def test_the_eraser_takes_ink_away_where_it_goes(engine):
    _, before = drawn(engine, SEVEN)
    _, after = drawn(engine, SEVEN, erased=([[22.0, 4.0], [12.0, 26.0]],))
    assert after[10:20].sum() < 0.1 and after[4:6, 4:18].sum() == pytest.approx(before[4:6, 4:18].sum(), rel=0.05)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_fitted_into_20_by_20_and_centred_by_its_mass(engine, name):
    ink, image = drawn(engine, DRAWINGS[name], "centredPixels")
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    unit = min(20 / longest, 2 / FINE)  # pixels per cell
    assert np.allclose(ndimage.center_of_mass(image), 13.5, atol=0.05)
    filled = [np.flatnonzero(image.max(axis=axis) > 1 / 255) for axis in (0, 1)]
    assert max(np.ptp(line) + 1 for line in filled) == pytest.approx(longest * unit, abs=1.5)
    assert image.sum() == pytest.approx(ink.sum() * unit**2, rel=0.01)  # proportions are kept
    assert np.abs(image - centred_by_scipy(ink, unit)).max() < 0.03


def centred_by_scipy(ink: np.ndarray, unit: float) -> np.ndarray:
    """The same by sampling: every pixel is the mean of 16 by 16 points of the ink, read where scipy finds them."""
    fine = 16
    offsets = (np.arange(SIDE * fine) + 0.5) / fine - SIDE / 2
    middle = np.array(ndimage.center_of_mass(ink)) + 0.5
    where = [np.floor(offsets / unit + centre) for centre in middle]
    sampled = ndimage.map_coordinates(ink, np.meshgrid(*where, indexing="ij"), order=0, cval=0.0)
    return sampled.reshape(SIDE, fine, SIDE, fine).mean(axis=(1, 3))


def test_where_a_drawing_is_and_how_large_makes_no_difference(engine):
    _, here = drawn(engine, [[[5.0, 5.0], [11.0, 19.0]]], "centredPixels")
    _, there = drawn(engine, [[[15.0, 7.0], [21.0, 21.0]]], "centredPixels")
    assert np.abs(here - there).max() < 0.02


def test_a_dot_stays_a_dot_and_nothing_stays_nothing(engine):
    _, image = drawn(engine, [[[3.0, 25.0]]], "centredPixels")
    assert np.allclose(ndimage.center_of_mass(image), 13.5, atol=0.05)
    assert np.ptp(np.flatnonzero(image.any(axis=0))) + 1 <= 7
    _, nothing = drawn(engine, [], "centredPixels")
    assert not nothing.any()


def test_a_full_page_is_scaled_into_the_box(engine):
    image = np.reshape(
        engine.evaluate(
            f"() => {{ const i = new Ink({SIDE}); i.ink.fill(255); return Array.from(i.centredPixels()); }}"
        ),
        (SIDE, SIDE),
    )
    assert np.array_equal(image[4:24, 4:24], np.ones((20, 20))) and image.sum() == 400


def test_a_picture_comes_back_as_it_was(engine):
    image = np.random.default_rng(0).integers(0, 256, SIDE * SIDE)
    back = engine.evaluate(
        f"(image) => {{ const ink = new Ink({SIDE}); ink.fill(image); return Array.from(ink.pixels()); }}",
        image.tolist(),
    )
    assert np.allclose(np.array(back) * 255, image, atol=1e-4)


def test_noise_is_standard_normal(engine):
    noise = np.array(engine.evaluate("() => Array.from(normals(40000))"))
    assert np.isfinite(noise).all()
    assert abs(noise.mean()) < 0.03 and noise.std() == pytest.approx(1.0, abs=0.02)
    assert (np.abs(noise) < 1.96).mean() == pytest.approx(0.95, abs=0.01)


def test_numbers_too_small_for_decimals_are_powers_of_ten(engine):
    texts = engine.evaluate("() => [0, 0.5, -1.234, 0.0123, 0.00034, -2e-12, 123.4].map(brief)")
    assert texts == ["0", "0.50", "−1.23", "0.012", "3.4·10⁻⁴", "−2.0·10⁻¹²", "123"]


def curve(count: int, shake: float = 0.0) -> np.ndarray:
    """Places along an 8, as a pointer would give them."""
    turn = np.linspace(0, 2 * np.pi, count)
    places = np.stack([14 + 6 * np.sin(2 * turn), 14 - 10 * np.cos(turn)], axis=1)
    return places + shake * np.random.default_rng(1).standard_normal(places.shape)


def test_a_stroke_is_simplified_without_moving_it(engine):
    places = curve(150)
    few = np.array(engine.evaluate("places => simplified(places)", places.tolist()))
    assert 10 < len(few) < 40
    assert np.allclose(few[[0, -1]], places[[0, -1]], atol=1 / 32)
    ahead = np.diff(few, axis=0)
    for place in places:
        along = np.clip(((place - few[:-1]) * ahead).sum(1) / (ahead**2).sum(1), 0, 1)
        assert np.hypot(*(few[:-1] + along[:, None] * ahead - place).T).min() < 0.12 + np.hypot(1, 1) / 32
    assert engine.evaluate("simplified([[3, 4]])") == [[3, 4]]


@pytest.mark.parametrize("shake", [0.0, 1.0, 20.0])
def test_a_drawing_is_written_and_read_as_the_same_and_the_server_takes_it(engine, shake):
    strokes = engine.evaluate(
        "all => all.map((places, k) => ({ erase: k === 1, places: simplified(places) }))",
        [curve(60, shake).tolist(), [[5.0, 6.0]], [[-9.0, 40.0], [28.0, 0.0]]],
    )
    for base in ("b", "a", "d"):
        text = engine.evaluate("([base, strokes]) => written(base, strokes)", [base, strokes])
        assert engine.evaluate("text => read(text)", text) == {"base": base, "strokes": strokes}
        assert properties("inside")["drawing"].parse(text) == text
    assert engine.evaluate("LONGEST") == LONGEST


def test_the_kl_is_estimated_as_numpy_does(engine):
    mean, log_var = np.array([0.8, -1.5, 0.0]), np.array([-2.0, -4.0, 0.1])
    noise = np.random.default_rng(0).standard_normal((1_000, 3))
    found = engine.evaluate(
        "([mean, logVar, noise]) => klEstimates(mean, logVar, noise, [2, 30, 1000])",
        [mean.tolist(), log_var.tolist(), noise.ravel().tolist()],
    )
    for one in found:
        expected = monte_carlo_kl(mean, log_var, noise[: one["n"]])
        assert [one["value"], one["error"]] == pytest.approx([expected.value, expected.standard_error], rel=1e-9)
    assert [one["n"] for one in found] == [2, 30, 1000]
    parts = engine.evaluate(
        "([m, l]) => { const p = klParts(m, l); return [[...p.mean], [...p.variance]]; }",
        [mean.tolist(), log_var.tolist()],
    )
    assert np.allclose(np.sum(parts, axis=0), closed_form_kl(mean, log_var)) and np.allclose(parts[0], mean**2 / 2)


def test_words_say_where_the_nats_are(engine):
    nats = np.full((28, 28), 0.01)
    nats[2:5, 22:26] = 2.0
    told = engine.evaluate("nats => natsInWords(Float32Array.from(nats), 28)", nats.ravel().tolist())
    assert "top right" in told and "costliest pixel has 2.0" in told
    total = nats.sum() / 2
    assert f"half of them in {int(np.ceil(total / 2))} of 784 pixels" in told
    assert engine.evaluate("regions(new Float32Array(784), 28)") == ""
    seven = np.reshape(drawn(engine, SEVEN)[1], -1).tolist()
    assert engine.evaluate("pixels => regions(Float32Array.from(pixels), 28)", seven) == SEVEN_REGIONS
