"""The page Sharper images: what its toy is sent, and that its words are what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist, median

import numpy as np
import pytest
from scipy.spatial import KDTree

import ui.chapters.sharper.outcomes
from ui.chapters.sharper import purposes, verdicts
from ui.chapters.sharper.blur import CODES, COUNT, MOST, START, blur_links, nearer_to_the_mean
from ui.chapters.sharper.blur import NAMES as BLUR_NAMES
from ui.chapters.sharper.cases import CASES, SEEDS
from ui.chapters.sharper.family import FAILED, FOUR, lines_of, named, shipped, spec_of
from ui.chapters.sharper.nearest import REAL, kept, samples_of
from ui.chapters.sharper.outcomes import outcome, slow_discriminator, strays
from ui.chapters.sharper.pictures import planes
from ui.chapters.sharper.purposes import PURPOSES, UNTOLD, Whole, answer, best, steadiest, steadiness
from ui.chapters.sharper.slopes import slope, stronger_loss
from ui.chapters.sharper.toy import GRID_LINES, NAMES, PRESETS, SETTINGS, toy_links, toy_payload
from ui.chapters.sharper.verdicts import how_good_guesses_are, whose_are_sharp
from ui.runs.measured_since import completed
from vae_core.datasets import is_here, load
from vae_core.lessons.adversarial_rules import SHAPES
from vae_core.metrics import laplacian_variance
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed, Store

from .helpers import (
    boxes,
    charts,
    later_kinds,
    open_page,
    payload_headers,
    plotted,
    predict,
    seen,
    subheaders,
    tables,
    texts,
    words,
)

PAGE = "pages/sharper.py"
ANSWERED = {"answers": "loss:0,collapse:2,stray:2"}
MEASURED = json.loads(Path(ui.chapters.sharper.outcomes.__file__).with_name("measured.json").read_text("utf-8"))


def test_the_page_is_whole_and_sends_the_toy():
    at = seen(PAGE)
    assert not at.error and not at.warning
    header = payload_headers(at)[0]
    assert header["kind"] == "adversarial" and header["settings"] == SETTINGS
    assert set(header["shapes"]) == set(SHAPES)
    assert {"Two networks, opposite aims", "Why it can fail", "What a VAE does instead"} <= set(subheaders(at))
    assert subheaders(at).index("Why a VAE blurs") + 1 == subheaders(at).index("The same on digits")
    assert boxes(at) == ["The mathematics, with the numbers on screen", "This in code", "Sources"]


def test_the_grid_of_z_has_cells_of_equal_mass():
    quantiles = toy_payload().header["rules"]["quantiles"]
    shares = np.diff([NormalDist().cdf(z) for z in quantiles])
    assert len(quantiles) == GRID_LINES and np.allclose(shares, 1 / GRID_LINES)


def test_every_setting_has_a_name_in_links_and_takes_the_values_of_its_control():
    by_name = {one.name: one for one in toy_links()}
    assert set(NAMES) == set(SETTINGS) and len(set(NAMES.values())) == len(NAMES)
    options = toy_payload().header["options"]
    for name, linked in NAMES.items():
        for value in options.get(name, (True, False)):
            text = f"{int(value)}" if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value
            assert by_name[linked].parse(str(text)) == value
    for preset in PRESETS.values():
        for name, value in preset.settings.items():
            assert value in options.get(name, (True, False)) and value != SETTINGS[name]


def test_every_case_was_measured_with_every_seed_and_stayed_finite():
    assert list(MEASURED) == list(CASES)
    for name, lines in MEASURED.items():
        assert [line["seed"] for line in lines] == list(SEEDS)
        assert all(line["finite"] for line in lines)
        assert outcome(name).of == {"ring": 8, "grid": 25}[CASES[name].settings["data"]]


def test_questions_cover_what_answers_them_and_are_answered_from_the_figures():
    at = open_page(PAGE)
    assert not tables(at) and len(charts(at)) == 1  # the losses of GANs, which answer no question
    assert "**Yes.**" in predict(at, "Which loss asks G to change more", stronger_loss()[0])
    assert "**Yes.**" in predict(at, "How many of the 8 modes does G hold", slow_discriminator()[0])
    assert "**Yes.**" in predict(at, "How many of the VAE's samples lie at no mode", strays()[0])
    assert len(tables(at)) == 2 and len(charts(at)) == 2
    assert not at.exception and not at.error


def test_tables_are_the_medians_of_the_seeds():
    at = seen(PAGE, **ANSWERED)
    failures, families = tables(at)
    slow = [line["now"] for line in MEASURED["slow"]]
    row = failures[""].index("D four times slower")
    assert failures["modes found"][row] == f"{median(one['modes'] for one in slow):g} of 8"
    assert failures["at no mode"][row] == f"{median(one['stray'] for one in slow):.0%}"
    assert failures["seeds with all"][row] == "0 of 10"
    row = families[""].index("VAE, c = 0.03") + 1
    means = [line["means"]["stray"] for line in MEASURED["vae 0.03"]]
    assert families[""][row] == "its means alone" and families["at no mode"][row] == f"{median(means):.0%}"


@pytest.mark.parametrize("name", ["non-saturating", "minimax"])
def test_the_slopes_are_those_of_the_losses(name):
    logits, step = np.linspace(-6, 6, 13), 1e-6

    def loss(s: np.ndarray) -> np.ndarray:
        d = 1 / (1 + np.exp(-s))
        return -np.log(d) if name == "non-saturating" else np.log(1 - d)

    found = (loss(logits - step) - loss(logits + step)) / (2 * step)
    assert np.allclose(slope(name, 1 / (1 + np.exp(-logits))), found, atol=1e-6)


def test_the_figure_is_both_slopes():
    at = seen(PAGE, **ANSWERED)
    chart = charts(at)[0]
    for line, name in zip(chart["data"], ("non-saturating", "minimax"), strict=True):
        assert np.allclose(plotted(line["y"]), slope(name, plotted(line["x"])))
    told = words(at)[0]
    assert "0.99 at D = 0.01" in told


def test_the_question_on_blur_is_answered_from_the_nearest_digits():
    at = open_page(PAGE)
    assert "blur" not in [one["kind"] for one in payload_headers(at)]
    right, _ = nearer_to_the_mean()
    told = predict(at, "For how many is the image nearer", right)
    pixels = load("mnist", "validation", download=False).floats()
    run = Store(SHIPPED).load(planes()[0].key)
    made, codes = run.decode(run.codes.mean[:CODES]), run.codes.mean
    near = KDTree(codes).query(codes[:CODES], COUNT + 1)[1]
    others = np.stack([row[row != index][:COUNT] for index, row in enumerate(near)])
    means = pixels[others].mean(axis=1)
    to_mean = np.square(made - means).mean(axis=1)
    to_single = np.square(made[:, None] - pixels[others]).mean(axis=2)
    nearer = int((to_mean < to_single[:, 0]).sum())
    assert right == 2 and "**Yes.**" in told and f"For **{nearer} of {CODES}**" in told and nearer > 0.9 * CODES
    assert f"**{to_mean.mean():.4f}** to the mean of {COUNT}, and {to_single.mean():.4f} to one" in told
    real, of_means, of_made = (
        laplacian_variance(one.reshape(-1, 1, 28, 28)).mean() for one in (pixels, means, made)
    )  # fmt: skip
    assert f"the means have {of_means / real:.2f}, and the decoded images {of_made / real:.2f}" in told

    header = next(one for one in payload_headers(at) if one["kind"] == "blur")
    assert header["key"] == planes()[0].key and header["sharpness"] == pytest.approx(real)
    assert (header["most"], header["count"], header["start"]) == (MOST, COUNT, START)
    assert later_kinds(header) == ["thumbnails"] and header["later"][0]["images"] == header["images"]
    (left, right_end), (bottom, top) = header["range"]["x"], header["range"]["y"]
    assert left < START[0] < right_end and bottom < START[1] < top
    assert not at.exception and not at.error


def test_a_link_may_say_a_code_and_how_many_digits():
    by_name = {one.name: one for one in blur_links()}
    assert by_name[BLUR_NAMES["z"]].parse("0.5,-1.25") == [0.5, -1.25]
    assert by_name[BLUR_NAMES["count"]].parse(str(MOST)) == MOST
    for name, text in (("z", "1"), ("z", "1,2,3"), ("z", "1,nan"), ("z", "1,2;3,4"), ("count", "0"), ("count", "51")):
        with pytest.raises(ValueError, match=r"not"):
            by_name[BLUR_NAMES[name]].parse(text)


def test_the_models_of_digits_are_told_by_the_figures_of_their_files():
    at = open_page(PAGE)
    assert not [one for one in tables(at) if "Sharpness of samples" in one.get("", [])]
    right, _ = whose_are_sharp()
    answer = predict(at, "Whose edges are about as sharp", right)
    assert "**Yes.**" in answer and f"**{_sharpness('gan'):.2f}**" in answer
    table = next(one for one in tables(at) if "Sharpness of samples" in one[""])
    for name, start in (("vae", "VAE, "), ("gan", "GAN, ")):
        (title,) = (one for one in table if one.startswith(start))
        starts = _starts(name)
        column = dict(zip(table[""], table[title], strict=True))
        assert title == f"{start}{len(starts)} seed" + ("s" if len(starts) > 1 else "")
        assert column["Sharpness of samples"].startswith(f"{_sharpness(name):.2f}")
        assert column["Fréchet distance of samples"].startswith(
            f"{np.mean([one['samples']['prior']['frechet'] for one in starts]):.1f}"
        )
        assert column["Squared error, pixels"].startswith("no encoder" if name == "gan" else "0.0")
    real = dict(zip(table[""], table["Real digits"], strict=True))
    assert real["Sharpness of samples"] == "1.00" and real["Squared error, pixels"] == "–"


def _starts(name):
    """The test figures of every random start: of the file, and of those whose figures alone are shipped."""
    spec = spec_of(FOUR[name])
    others = [line.metrics["test"] for line in read_measured() if line.spec and replace(line.spec, seed=0) == spec]
    return [completed(spec.key, Store(SHIPPED).load(spec.key).metrics)["test"], *others]


def _sharpness(name):
    return float(np.mean([one["pictures"]["prior"]["sharpness"] for one in _starts(name)]))


def test_the_goals_that_the_chapter_states_are_met_by_the_shipped_gan():
    """Its edges within 15% of real ones, every class between 5 and 15%; a VAE of the same decoder blurs."""
    figures = Store(SHIPPED).load(spec_of(FOUR["gan"]).key).metrics["test"]
    assert abs(_sharpness("gan") - 1) <= 0.15 and _sharpness("vae") < 0.6
    assert 0.05 < min(figures["pictures"]["prior"]["classes"]) <= max(figures["pictures"]["prior"]["classes"]) < 0.15
    assert figures["samples"]["prior"]["frechet"] <= 25
    failed = Store(SHIPPED).load(spec_of(FAILED["gan"]).key).metrics["test"]["pictures"]["prior"]
    assert failed["classes_covered"] <= 6


def test_of_each_adversarial_model_every_start_that_fails_is_shown():
    """With how many classes are left, and how many starts lose some; the ones that the chapter compares do not."""
    told = " ".join(texts(seen(PAGE)))
    for name, kind in FAILED.items():
        specs = shipped(kind)
        assert specs, name
        for spec in specs:
            prior = Store(SHIPPED).load(spec.key).metrics["test"]["pictures"]["prior"]
            covered = prior["classes_covered"]
            assert covered < 10 and f"{kind.title}: {covered} of 10 classes {'is' if covered == 1 else 'are'}" in told
            assert f"seed {spec.seed}. The commonest class has {max(prior['classes']):.0%} of 3,000 samples" in told
        well = [one["pictures"]["prior"]["classes_covered"] for one in _starts(name)]
        assert (
            f"{len(specs)} of {len(specs)} of the {named(name)} with these settings, "
            f"{sum(one < 10 for one in well)} of {len(well)} with those of the model above"
        ) in told


def test_planes_search_and_losses_are_those_of_the_runs():
    at = seen(PAGE)
    headers = payload_headers(at)
    assert [spec.key for spec in planes()] == [one["key"] for one in headers if one["kind"] == "plane"]
    assert [spec_of(FOUR["gan"]).key] == [one["key"] for one in headers if one["kind"] == "inversion"]
    figure = charts(at)[-1]
    history = Store(SHIPPED).load(spec_of(FOUR["gan"]).key).history
    lines = {line["name"]: plotted(line["y"]) for line in figure["data"]}
    assert lines["GAN: discriminator"] == pytest.approx([one["validation_discriminator"] for one in history])
    assert lines["the one that fails: discriminator"][-1] < 0.7


def test_how_poor_a_gans_guesses_are_is_told_beside_one_digit_for_all():
    """Computed anew from weights and images; the page reads what the files say."""
    pixels = load("mnist", "validation", download=False).floats()
    errors = []
    for spec in planes():
        run = Store(SHIPPED).load(spec.key)
        errors.append(np.square(run.decode(run.codes.mean) - pixels).mean())
    told = how_good_guesses_are()
    assert f"{errors[1]:.3f}, at the VAE's {errors[0]:.3f}; {pixels.var(axis=0).mean():.3f} if one always" in told
    assert ("poor" in told) == (errors[1] > pixels.var(axis=0).mean())


# ---- the vote --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, higher, found",
    [
        ({"a": [1.0, 1.1], "b": [5.0, 5.2]}, False, "a"),
        ({"a": [1.0, 1.1], "b": [5.0, 5.2]}, True, "b"),
        ({"a": [1.0, 3.0], "b": [4.0, 4.1]}, False, None),  # a's starts differ by more than lies between
        ({"a": [1.0, 3.0], "b": [2.0, 2.1]}, False, None),  # they overlap
        ({"a": [1.0, 1.1], "b": [5.0]}, False, "a"),  # b may spread as a does
        ({"a": [1.0, 1.1], "b": [1.15]}, False, None),
        ({"a": [1.0], "b": [5.0]}, False, None),  # no spread is known
        ({"a": [1.0, 1.1], "b": [5.0, 5.2], "c": [1.05, 1.2]}, False, None),
        ({"a": [], "b": [5.0]}, False, "b"),  # nobody else has it
        ({"a": [], "b": []}, False, None),
    ],
)
def test_a_model_is_best_only_by_more_than_its_starts_differ(values, higher, found):
    assert best(values, higher=higher) == found


def test_who_trains_without_failing_is_told_by_intervals_of_shares():
    assert steadiest({"vae": Whole(30, 30), "gan": Whole(20, 60)}) == "vae"
    assert steadiest({"vae": Whole(10, 10), "gan": Whole(9, 10)}) is None
    found = steadiness()
    of_ring = [name for name, case in CASES.items() if case.model == "gan" and case.settings["data"] == "ring"]
    assert {"minimax", "five", "slow"} <= set(of_ring)
    whole = sum(line["now"]["modes"] == 8 for name in of_ring for line in MEASURED[name])
    assert found["gan"][:2] == (whole, 10 * len(of_ring))
    each = [sum(line["now"]["modes"] == 8 for line in MEASURED[name]) for name in of_ring]
    assert list(found["gan"].settings.values()) == each


def test_votes_are_restored_by_a_link_and_stand_beside_what_the_figures_say():
    at = open_page(PAGE)
    assert not [one for one in tables(at) if any("Draw new images" in str(name) for name in one.get("", []))]
    option = purposes.options().index
    votes = {
        "draw": option("VAE"),
        "rebuild": option("VAE"),
        "likely": option("GAN"),
        "steady": option("No clear best"),
    }
    at = open_page(PAGE, answers=",".join(f"{name}:{vote}" for name, vote in votes.items()))
    assert not at.exception and not at.error
    table = next(one for one in tables(at) if any("Draw new images" in name for name in one[""]))
    assert not any("Find what" in name for name in table[""])  # not voted for yet: not shown
    (vae,), (gan,) = ([name for name in table if name.startswith(start)] for start in ("VAE,", "GAN,"))
    row = dict(zip(table[""], zip(table[vae], table[gan], strict=True), strict=True))
    assert row["Know how likely an image is: Negative ELBO, nats\u00a0↓"][1] == "has none"
    frechet = [np.mean([one["samples"]["prior"]["frechet"] for one in _starts(name)]) for name in ("vae", "gan")]
    told = row["Draw new images: Fréchet distance of samples\u00a0↓"]
    assert [one.split(" ")[0] for one in told] == [f"{one:.1f}" for one in frechet]
    assert frechet[1] < 0.5 * frechet[0]
    by_key = {purpose.key: purpose for purpose in PURPOSES}
    options = purposes.options()
    assert options[answer(by_key["draw"])[0]] == "GAN" and options[answer(by_key["likely"])[0]] == "VAE"
    said = next(one.value for one in at.markdown if one.value.startswith("Your votes"))
    assert said.startswith("Your votes: **VAE 2, GAN 1, no clear best 1**. By the figures: **")


def test_purposes_are_compared_rightly_where_all_four_are_there_and_where_few_are(monkeypatch):
    def line(name, seed, sharp, features, elbo):
        spec = replace(spec_of(FOUR[name if name in ("vae", "gan") else "vae"]), seed=seed)
        prior = {"sharpness": sharp, "n": 3_000}
        figures = {"pictures": {"prior": prior, "reconstructions": {"features": features}}, "mse": 0.1 * features}
        return Listed(f"{name}-{seed}", spec, {"test": figures | ({"negative_elbo": elbo} if elbo else {})})

    all_four = {
        "vae": [line("vae", seed, 0.35 + 0.01 * seed, 0.04 + 0.001 * seed, 100 + seed) for seed in range(3)],
        "perceptual": [line("perceptual", seed, 0.6, 0.0402 + 0.001 * seed, 130 + seed) for seed in range(3)],
        "vae_gan": [line("vae_gan", seed, 0.84 + 0.02 * seed, 0.02 + 0.001 * seed, 150 + seed) for seed in range(3)],
        "gan": [line("gan", seed, 0.98, 0.14, None) for seed in range(2)],
    }
    monkeypatch.setattr(purposes, "lines_here", lambda: all_four)
    monkeypatch.setattr(purposes, "those_here", lambda: all_four)
    by_key = {purpose.key: purpose for purpose in PURPOSES}
    assert purposes.options() == ("VAE", "Perceptual VAE", "VAE-GAN", "GAN", UNTOLD)
    index, why = answer(by_key["rebuild"])
    assert index == 2 and "VAE-GAN 0.021" in why
    assert answer(by_key["likely"])[0] == 0 and ", GAN 1" not in answer(by_key["likely"])[1]
    assert (
        answer(by_key["between"]) == (4, answer(by_key["between"])[1])
        and "not measured" in answer(by_key["between"])[1]
    )

    told = verdicts._sharp_enough("vae_gan", all_four["vae_gan"])
    assert "within 15% of real edges by the mean, 0.86, but not with every start: 0.84 to 0.88" in told
    assert "with every start: 0.98" in verdicts._sharp_enough("gan", all_four["gan"])
    assert "0.360, too soft by 0.490" in verdicts._sharp_enough("vae", all_four["vae"])
    better, alike, worse = (
        verdicts._rebuilds_better(name, all_four[name], all_four["vae"]) for name in ("vae_gan", "perceptual", "gan")
    )
    assert "better than the VAE: squared error 0.020 to 0.022 against 0.040 to 0.042 (3 and 3 random starts)" in better
    assert "but not by more than starts differ" in alike and "perceptual VAE" in alike
    assert "worse than the VAE: squared error 0.140" in worse


def test_what_the_digits_cost_names_every_kind_that_is_there_and_its_goals():
    told = verdicts.what_it_costs()
    for name, kind in FOUR.items():
        assert (f"the {named(name)}'s samples, which cover" in told) == bool(shipped(kind)), name
    assert "The GAN's samples are within 15% of real edges" in told


# ---- did it memorise? ------------------------------------------------------------------------------------------------


@pytest.mark.mnist
def test_the_training_images_found_are_as_far_as_told_and_shown_on_request():
    if not is_here("mnist"):
        pytest.skip("VAE_DATA holds no MNIST")
    at = seen(PAGE)
    assert "the nearest of all 55,000, in squared error" in " ".join(texts(at))
    at.toggle(key="sharper-training").set_value(True).run()
    assert "Below: that training image" in " ".join(texts(at)) and not at.exception
    training = load("mnist", "train").images.reshape(55_000, -1)
    found, gan = kept(), lines_of(FOUR["gan"])[0].key
    held_out = load("mnist", "validation", download=False).floats()
    for key, pixels in ((gan, samples_of(Store(SHIPPED).load(gan))), (REAL, held_out)):
        one = found[key]
        away = np.square(pixels[one.chosen].clip(0, 1) - training[one.numbers] / 255.0).mean(axis=1)
        assert away == pytest.approx(one.errors[one.chosen], rel=1e-3) and away.min() > 0
        others = np.square(pixels[one.chosen[0]].clip(0, 1) - training / 255.0).mean(axis=1)
        assert others.argmin() == one.numbers[0]


def test_every_shipped_kind_was_searched_for_copies_and_said_how_near():
    found = kept()
    keys = {spec.key for kind in FOUR.values() for spec in shipped(kind)}
    assert set(found) == {REAL, *keys}  # else: python -m tools.measure_nearest
    run = Store(SHIPPED).load(lines_of(FOUR["gan"])[0].key)
    one, real = found[run.key], found[REAL]
    assert one.of == run.metrics["test"]["mse"]
    at = seen(PAGE)
    told = " ".join(texts(at))
    assert "the nearest of all 55,000" in told
    usual = np.quantile(real.errors, 0.05)
    assert f"{(one.errors < usual).mean():.0%} are nearer than 95% of held-out digits are" in told
