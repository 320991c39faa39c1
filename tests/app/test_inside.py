"""The page Inside the VAE: what it is sent, what its link restores, and that its numbers are the runs'."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from ui.chapters.beta.sweep import stop_at, stops_of
from ui.chapters.inside.aggregate import STOPS_COMPARED, left_over, split_figure
from ui.chapters.inside.escape import WITH, WITHOUT, both_planes, what_becomes_of_sigma, width_of
from ui.chapters.inside.gradients import DRAWS, LEARNED, STEP_SIZES, first_of, problem_of
from ui.chapters.inside.instrument import CHOICES, halves_of, layers_table, run_of, spec_of
from ui.chapters.inside.no_digits import scrambled, which_term_rises
from ui.runs.resources import load_run, store
from ui.runs.selection import measured_seeds_of
from vae_core.datasets import load
from vae_core.lessons.gradient_estimators import reconstruction_gradients
from vae_core.losses.likelihoods import Bernoulli
from vae_core.losses.objectives import elbo
from vae_core.storage.store import Store

from .helpers import (
    Table,
    boxes,
    charts,
    copy_runs,
    open_page,
    payload_headers,
    pictures,
    plotted,
    predict,
    said,
    seen,
    subheaders,
    tables,
    texts,
)

PAGE = "pages/inside.py"


@pytest.mark.parametrize("d", CHOICES)
def test_the_page_is_whole_and_sends_one_payload(d):
    at = seen(PAGE, d=d)
    assert not at.error and not at.warning
    (header,) = payload_headers(at)
    run = run_of(d)
    assert header["kind"] == "inside" and header["key"] == run.key
    assert header["measured"]["reconstruction"] == run.metrics["test"]["reconstruction"]
    assert header["measured"]["n"] == 10_000
    assert len(subheaders(at)) == 8
    assert boxes(at) == ["The mathematics, with the numbers on screen", "This in code", "Sources"]
    assert [next(iter(table)) for table in tables(at)] == ["part", "step size"]


def skipped(at):
    """The page with all its questions skipped."""
    while waiting := [button for button in at.button if button.key and button.key.startswith("skip-")]:
        waiting[0].click().run()
        assert not at.exception and not at.error
    return at


def test_questions_cover_what_answers_them():
    at = open_page(PAGE)
    covered = len(tables(at)), len(pictures(at)), len(payload_headers(at))
    skipped(at)
    shown = len(tables(at)), len(pictures(at)), len(payload_headers(at))
    assert np.subtract(shown, covered).tolist() == [2, 3, 1]


def test_a_drawing_is_possible_after_little(d="2"):
    at = seen(PAGE, d=d)
    assert sum(len(element.proto.bytes) for element in at.get("bidi_component")) < 1_500_000


def test_weights_on_screen_are_the_networks():
    for d in CHOICES:
        (header,) = payload_headers(seen(PAGE, d=d))
        count = sum(weights.numel() for weights in run_of(d).model.parameters())
        assert header["subtitle"].startswith(f"{count:,} weights")
        assert sum(sum(layers) for layers in header["parameters"].values()) == count


@pytest.mark.parametrize("d", CHOICES)
def test_which_term_rises_is_what_torch_finds(d):
    run, found = run_of(d), scrambled(d)
    pixels = load("mnist", "validation", download=False).floats()[: found.n]
    # Another shuffle and another noise: means over many images, which agree within their errors.
    random = np.random.default_rng(7)
    for images, place in ((pixels, 0), (random.permuted(pixels, axis=1), 1)):
        noise = torch.from_numpy(random.standard_normal((found.n, run.spec.latent_dim)).astype(np.float32))
        with torch.no_grad():
            terms = elbo(run.model, torch.from_numpy(images), noise, Bernoulli())
        for mine, truth in ((found.reconstruction[place], terms["reconstruction"]), (found.kl[place], terms["kl"])):
            assert abs(mine - truth.mean().item()) < 6 * truth.std().item() / np.sqrt(found.n)
    right, told = which_term_rises(d)
    assert right == int(found.kl[1] - found.kl[0] > found.reconstruction[1] - found.reconstruction[0])
    assert f"{found.reconstruction[1]:.1f} nats" in told and f"{found.kl[1]:.1f} nats" in told


@pytest.mark.parametrize("d", CHOICES)
def test_what_a_black_image_costs_is_what_torch_finds(d):
    run = run_of(d)
    noise = torch.from_numpy(np.random.default_rng(3).standard_normal((4_000, run.spec.latent_dim)).astype(np.float32))
    with torch.no_grad():
        terms = elbo(run.model, torch.zeros(len(noise), 784), noise, Bernoulli())
    cost = terms["reconstruction"] + terms["kl"]
    at = skipped(open_page(PAGE, d=d))
    told = said(at, r"a black image costs \*\*([\d.]+) nats\*\*, (less than|beside) the ([\d.]+) of test digits on")
    assert abs(float(told[1]) - cost.mean().item()) < 6 * cost.std().item() / np.sqrt(1_000) + 0.05
    digit = run.metrics["test"]["reconstruction"] + run.metrics["test"]["kl"]
    assert float(told[3]) == pytest.approx(digit, abs=0.06)
    assert (told[2] == "less than") == (float(told[1]) < digit)


@pytest.mark.parametrize("d", CHOICES)
def test_predictions_reveal_the_computed_answer(d):
    at = open_page(PAGE, d=d)
    assert "**Yes.**" in predict(at, "Which term rises", which_term_rises(d)[0])
    told = predict(at, "How much of the KL", left_over(d)[0])
    # Of every start: the store's files, and what was measured of those that have no file.
    lines = [line.metrics["test"] for line in measured_seeds_of(spec_of(d))]
    starts = [one for one in lines if "aggregate_kl_lower" in one]
    assert len(starts) == (1 if d == "conv16" else 3)
    lows, highs = [], []
    for one in starts:
        low = one["aggregate_kl_lower"] - 2 * one["aggregate_kl_lower_standard_error"]
        high = one["aggregate_kl"] + 2 * one["mutual_information_standard_error"]
        lows.append(max(low, 0.0) / one["kl"])
        highs.append(high / one["kl"])
    sides = {0 if high < 0.1 else 1 if low > 0.1 else 2 for low, high in zip(lows, highs, strict=True)}
    assert left_over(d)[0] == (sides.pop() if len(sides) == 1 else 2)
    near = f"{min(lows):.1%}" if abs(min(lows) - 0.1) < 0.006 else f"{min(lows):.0%}"  # never "10%" alone
    assert "**Yes.**" in told and f"({near} to {max(highs):.0%})" in told
    assert ("over 3 random starts" in told) == (len(starts) == 3)
    both = f"is from {min(lows):.1%} to {max(lows):.1%}: whether it is more than a tenth depends on the start"
    assert (both in told) == (min(lows) <= 0.1 < max(lows))
    assert left_over("2")[0] == 0 and left_over("16")[0] == 2
    at_limit = all(one["mutual_information"] > 0.95 * np.log(10_000) for one in starts)
    assert ("is only a lower bound" in told) == at_limit == (d != "2")


@pytest.mark.parametrize("d", ["2", "16"])
def test_all_posteriors_together_are_what_samples_of_them_are(d):
    found = tables(skipped(open_page(PAGE, d=d)))
    table, parts = (next(table for table in found if name in table) for name in ("variance of z", "I(x; z)"))
    codes = run_of(d).codes
    random = np.random.default_rng(0)
    drawn = np.concatenate([codes.drawn(random) for _ in range(40)])
    low, high = (float(value) for value in table["variance of z"][0].split(" to "))
    variances = drawn.var(axis=0)
    assert low == pytest.approx(variances.min(), abs=0.02) and high == pytest.approx(variances.max(), abs=0.02)
    correlations = np.abs(np.corrcoef(drawn, rowvar=False) - np.eye(drawn.shape[1]))
    assert float(table["largest correlation"][0]) == pytest.approx(correlations.max(), abs=0.02)
    assert table[""][1] == "sweep, β = 0"
    bounds, information = (
        [[float(end.replace(",", "")) for end in value.split(" to ")] for value in parts[name]]
        for name in ("KL(q(z) ‖ N(0, I))", "I(x; z)")
    )
    whole = [float(value.replace(",", "")) for value in parts["KL"]]
    assert parts[""] == table[""]
    for kl, (low, high), (least, most) in zip(whole, bounds, information, strict=True):
        # What stands beside each other adds up, to the last digit that is told.
        rounding = 0.0151 if high < 10 else 0.11
        assert least + high == pytest.approx(kl, abs=rounding) and most + low == pytest.approx(kl, abs=rounding)
    estimate = run_of(d).metrics["test"]["mutual_information"]
    assert information[0][0] - 0.05 <= estimate <= information[0][1] + 0.05
    assert bounds[1][0] == max(low for low, _ in bounds)  # without a KL term, the bounds are far from those of others
    assert bounds[1][0] > bounds[2][1]


@pytest.mark.parametrize("d", [2, 16])
def test_the_larger_beta_the_nearer_the_codes_of_all_images_are_to_the_prior(d):
    random, distances = np.random.default_rng(1), []
    for stop in STOPS_COMPARED:
        codes = load_run(stop_at(d, stop).key).codes
        drawn = np.concatenate([codes.drawn(random) for _ in range(20)])
        distances.append([np.linalg.norm(drawn.mean(axis=0)), np.linalg.norm(np.cov(drawn.T) - np.eye(d))])
    assert (np.diff(distances, axis=0) < 0).all()
    said(skipped(open_page(PAGE, d=str(d))), "The larger β is, the nearer the mean of the aggregate posterior is to 0")


@pytest.mark.parametrize("d", CHOICES)
def test_the_figure_of_the_parts_adds_up_to_the_kl_and_has_its_limit(d):
    chart = next(chart for chart in charts(skipped(open_page(PAGE, d=d))) if chart["data"][0].get("orientation") == "h")
    surely, either, apart = (dict(zip(bar["y"], plotted(bar["x"]), strict=True)) for bar in chart["data"])
    (line,) = chart["layout"]["shapes"]
    assert line["x0"] == line["x1"] == pytest.approx(np.log(10_000))
    assert chart["layout"]["annotations"][0]["text"] == "ln 10,000 = 9.2"
    (name, *_) = surely
    metrics = run_of(d).metrics["test"]
    assert surely[name] + either[name] + apart[name] == pytest.approx(metrics["kl"])
    assert surely[name] <= metrics["mutual_information"] <= surely[name] + 0.1
    assert not any("β = 0" in name and "0.1" not in name for name in surely)  # off the scale: in the table only
    beyond = stop_at(run_of(d).spec.latent_dim, "0").metrics["test"]["kl"]
    assert f"Off the scale, see the table: sweep, β = 0 with {beyond:,.0f} nats." in split_figure(d).note


@pytest.mark.parametrize("d", CHOICES)
def test_the_two_parts_of_the_kl_are_what_torch_finds_and_add_up(d):
    run = run_of(d)
    mean, log_var = (torch.from_numpy(part.astype(np.float64)) for part in (run.codes.mean, run.codes.log_var))
    prior = torch.distributions.Normal(0.0, 1.0)
    of_mean = torch.distributions.kl_divergence(torch.distributions.Normal(mean, 1.0), prior).sum(1).mean().item()
    whole = torch.distributions.kl_divergence(torch.distributions.Normal(mean, (0.5 * log_var).exp()), prior).sum(1)
    halves = halves_of(run)
    assert halves.mean == pytest.approx(of_mean, rel=1e-6) and halves.n == len(mean)
    assert halves.mean + halves.variance == pytest.approx(whole.mean().item(), rel=1e-6)
    told = said(open_page(PAGE, d=d), r"they are \*\*([\d.]+)\*\* and \*\*([\d.]+) nats\*\*")
    assert [float(told[1]), float(told[2])] == pytest.approx([halves.mean, halves.variance], abs=0.051)


@pytest.mark.parametrize("d", CHOICES)
def test_the_network_is_told_layer_by_layer(d):
    run = run_of(d)
    (table,) = Table(layers_table(d)).found
    counts = [int(cell.replace(",", "")) for cell in table["weights"]]
    assert sum(counts) == sum(weights.numel() for weights in run.model.parameters())
    assert table["from"][0].replace(" × ", "*") in ("784", "1*28*28")
    by_part = {part: table["to"][row] for row, part in enumerate(table["part"])}
    assert by_part["head of μ"] == by_part["head of log σ²"] == str(run.spec.latent_dim)
    assert np.prod([int(side) for side in by_part["decoder"].split(" × ")]) == 784
    assert table["layer"][-1].endswith("sigmoid")


def test_without_the_kl_the_posteriors_shrink():
    widths = {stop: width_of(stop) for stop in (WITH, WITHOUT)}
    for stop, width in widths.items():
        run = next(load_run(line.key) for line in stops_of(2) if f"{line.spec.kl_weight:g}" == stop)
        sigma = np.exp(0.5 * run.codes.log_var.astype(np.float64))
        spread = np.sqrt(run.codes.mean.astype(np.float64).var(axis=0).mean())
        assert width.sigma == pytest.approx(np.median(sigma)) and width.spread == pytest.approx(spread, rel=1e-4)
    assert widths[WITHOUT].ratio < 0.1 * widths[WITH].ratio
    at = open_page(PAGE)
    told = predict(at, "without the KL", 2)
    assert what_becomes_of_sigma()[0] == 2 and "**Yes.**" in told
    assert f"{100 * widths[WITH].ratio:.1f}%" in told
    header = payload_headers(at)[1]
    assert [plane["key"] for plane in header["planes"]] == [plane["key"] for plane in both_planes().header["planes"]]
    assert len({plane["key"] for plane in header["planes"]}) == 2


def test_gradients_are_measured_when_asked_for_and_agree():
    at = open_page(PAGE)
    assert len(tables(at)) == 2
    at.button(key="inside-measure").click().run()
    assert not at.exception and not at.error
    table = tables(at)[1]
    assert table["estimator"] == ["reparameterised", "score function", "score function with baseline"]
    _, gradients = reconstruction_gradients(run_of("2"), first_of(3), DRAWS)
    for row, estimates in enumerate(gradients.values()):
        total = sum(part.sum() for part in estimates.variance())
        assert float(table["variance of one sample"][row].replace(",", "")) == pytest.approx(total, abs=0.5)
    for column in ("∂/∂μ₁", "∂/∂ log σ₁"):
        values = [
            [float(part.replace("−", "-").replace(",", "")) for part in cell.split(" ± ")] for cell in table[column]
        ]
        for value, error in values[1:]:
            assert abs(value - values[0][0]) < 4 * np.hypot(error, values[0][1])
    ratios = [float(value.replace(",", "")) for value in table["relative"]]
    assert ratios[0] == 1 < ratios[2] < ratios[1]
    at.segmented_control(key="inside-digit").set_value("7").run()
    assert tables(at)[1]["variance of one sample"] != table["variance of one sample"]


def test_sigma_jumps_over_0_where_its_logarithm_cannot():
    table = tables(seen(PAGE))[-1]
    assert table["step size"] == [f"{size:g}" for size in STEP_SIZES]
    problem = problem_of("2")
    _, log_var = run_of("2").posterior(first_of(3)[None])
    assert np.isclose(problem.best_sigma, np.exp(0.5 * log_var)[0], rtol=1e-4).any()
    for size, cell in zip(STEP_SIZES, table["learning σ"], strict=True):
        first = 1 - size * problem.precision  # the first step from σ = 1, where the KL's slope is 0
        assert cell.endswith("below 0 in step 1") == (first < 0)
    assert not any("below 0" in cell for name in ("learning log σ²", "softplus") for cell in table[name])
    arrived = {
        name: [cell.endswith(" steps") and "after" not in cell for cell in table[name]] for name in LEARNED.values()
    }
    # What the page says: sigma needs small steps, its logarithm converges with the largest.
    assert arrived["learning σ"] == [True, False, False, False] and arrived["learning log σ²"][-2:] == [True, True]


@pytest.mark.parametrize("d", CHOICES)
def test_what_is_said_of_steps_in_sigma_is_what_the_table_shows(d):
    at = seen(PAGE, d=d)
    curvature, longest = (
        float(said(at, pattern)[1].replace(",", ""))
        for pattern in (r"curvature 1/s² = \*\*([\d,]+)\*\*", r"longer than 2s² = \*\*([\d.]+)\*\*")
    )
    _, log_var = run_of(d).posterior(first_of(3)[None])
    assert np.isclose(curvature, np.exp(-log_var), rtol=0.01).any()
    assert longest == pytest.approx(2 / curvature, rel=0.05)
    cells = dict(zip(STEP_SIZES, tables(at)[-1]["learning σ"], strict=True))
    for size, cell in cells.items():
        # Another descent: the parabola without −1/σ. Where it runs away, and only there, σ does so too.
        alone = [abs((1 - size * curvature) ** steps) for steps in (1, 100)]
        assert cell.startswith(("infinite", "still growing")) == (alone[1] > max(alone[0], 1))
        assert (f"at {size:g} σ does not settle" in "".join(texts(at))) == cell.startswith("not yet")
    assert not re.search(r"\d{1,3}(,\d{3}){2}", "".join(cells.values()))  # no figure of more digits than it has


def test_an_empty_store_says_how_to_get_the_model(empty_store):
    at = open_page(PAGE)
    assert at.error and all("python -m vae_core rebuild" in error.value for error in at.error)
    assert boxes(at) == ["This in code", "Sources"]


def test_without_the_sweep_all_else_is_there(tmp_path, monkeypatch):
    copy_runs(store(), Store(tmp_path), [spec_of("2").key])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE)
    assert not at.error
    for key in ("skip-escape", "skip-together-2"):
        at.button(key=key).click().run()
    assert len(at.error) == 2 and all("sweep" in error.value for error in at.error)
    assert len(payload_headers(at)) == 1 and len(boxes(at)) == 3
    with pytest.raises(Exception, match="sweep"):
        stops_of(2)


def test_a_posterior_is_narrow_where_a_dimension_is_used_and_the_prior_where_it_is_not():
    run = run_of("16")
    _, log_var = run.codes.posterior()
    deviations = np.exp(0.5 * log_var).mean(axis=0)
    off = run.codes.mean.std(axis=0) < 0.1
    assert off.sum() == 4 and np.allclose(deviations[off], 1.0, atol=0.02)
    assert (deviations[~off] < 0.7).all()
    said(
        seen(PAGE, d="16"), "in every dimension that is used; in one that is switched off it is N.0, 1. for all images"
    )
