"""The β chapter's further steps: each term alone, two ways to cheat, and c beside β."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from ui.chapters.beta.no_kl import cheating_text, halves_text, ratio_figure, two_ways_table
from ui.chapters.beta.sweep import dial_of, label_of, small, stops_of
from ui.chapters.beta.terms_alone import ALONE, alone_sentence, terms_alone
from ui.chapters.beta.variance import rebuilt_by, same_dial, squared_error, twins, weighed, weighing_curve
from ui.runs.resources import load_run, store
from vae_core.datasets import load
from vae_core.metrics import sigma_over_spread
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Store

from .helpers import Shown, Table, copy_runs, open_page, plotted, predict, said, seen, subheaders, texts

PAGE = "pages/beta.py"


def run_at(label: str, d: int = 2):
    return load_run(next(line.key for line in stops_of(d) if label_of(line.spec) == label))


def agreement(codes: np.ndarray, labels: np.ndarray) -> float:
    found = NearestNeighbors(n_neighbors=11).fit(codes).kneighbors(codes, return_distance=False)[:, 1:]
    return float((labels[found] == labels[:, None]).mean())


def test_the_three_planes_show_a_z_of_each_image_and_say_what_was_measured_of_them():
    planes = terms_alone("mnist:validation")
    assert [plane.header["title"] for plane in planes] == ["Reconstruction only", "Both terms", "KL only"]
    for label, plane in zip(ALONE, planes, strict=True):
        run = run_at(label)
        z = run.codes.drawn(np.random.default_rng(0))
        shares = [int(text) for text in re.findall(r"(\d+)%", plane.header["subtitle"])]
        assert shares[0] == pytest.approx(100 * agreement(z, run.codes.labels), abs=0.5 + 1e-9)
        of_samples = run.metrics["test"]["samples"]["prior"]
        own = run.metrics["test"]["samples"]["box"]
        assert shares[1:] == pytest.approx([100 * of_samples["hole_rate"], 100 * own["hole_rate"]], abs=0.5 + 1e-9)
        told = (
            f"from N(0, I): holes {of_samples['hole_rate']:.0%}, coverage {of_samples['coverage']:.2f}, from a box "
            f"around the codes: holes {own['hole_rate']:.0%}, coverage {own['coverage']:.2f}"
        )
        assert plane.header["subtitle"].endswith(told) and told in alone_sentence()
    free, usual = (run_at(label).metrics["test"]["samples"] for label in ("0", "1"))
    assert free["box"]["hole_rate"] < usual["prior"]["hole_rate"] < free["prior"]["hole_rate"]
    assert "in its own region it has no more holes" in alone_sentence()
    assert "5,000" in alone_sentence() and "3,000" in alone_sentence()  # of how many the numbers are


def test_the_kl_alone_puts_all_codes_on_the_prior_and_leaves_no_likeness():
    z = run_at("KL only").codes.drawn(np.random.default_rng(0))
    assert np.abs(z.mean(0)).max() < 0.05 and np.abs(np.cov(z.T) - np.eye(2)).max() < 0.05
    near = {label: agreement(run_at(label).codes.drawn(np.random.default_rng(0)), run_at(label).codes.labels) for label in ALONE}  # fmt: skip  # noqa: E501
    assert near["KL only"] < 0.13
    assert near["1"] > 0.6 and near["0"] > 0.6


@pytest.mark.parametrize("d", [2, 16])
def test_both_ways_are_the_same_model_in_another_unit(d):
    table = Table(two_ways_table(d)._repr_html_()).found[0]
    trained, shrunk, drifted, usual = range(4)
    assert len(set(table["reconstruction"][:3])) == 1
    assert len(set(table["σ / spread"][:3])) == 1
    assert table["spread of μ"][shrunk] == "1" and table["median σ"][drifted] == "1"
    assert float(table["σ / spread"][usual]) > 100 * float(table["σ / spread"][trained])
    for cells in zip(*(table[name] for name in ("of it the means", "the variances", "KL")), strict=True):
        means, variances, whole = map(float, cells)
        assert means + variances == pytest.approx(whole, rel=0.06, abs=0.11)
    codes = run_at("0", d).codes
    sigma = float(np.median(np.exp(0.5 * codes.log_var.astype(np.float64))))
    assert float(table["median σ"][trained]) == pytest.approx(sigma, rel=6e-2)


@pytest.mark.parametrize("d", [2, 16])
def test_either_half_of_the_kl_could_be_had_for_nothing_and_the_words_say_at_what_price(d):
    found = re.search(
        r"half of the means is ([\d.]+) nats, that of the variances ([\d.]+)\. .*half of the variances is ([\d.]+) "
        r"nats, that of the means ([\d.e]+)\. The reconstruction stays at ([\d.]+) nats the first way, and is "
        r"([\d.]+) ",
        halves_text(d),
    )
    means, variances, none, apart, one, other = map(float, found.groups())
    assert means == none == 0.0 and variances > 10 * d and apart > 1e4
    assert abs(one - other) < 0.2  # noise that is a millionth of the spread, or less, is none to the decoder
    run = run_at("0", d)
    mean, log_var = (part.astype(np.float64) for part in (run.codes.mean, run.codes.log_var))
    small = log_var + 2 * np.log(0.001 / np.sqrt(mean.var(axis=0).mean()))
    assert variances == pytest.approx(0.5 * (np.exp(small) - 1 - small).sum(axis=1).mean(), abs=0.051)
    sigma = np.exp(0.5 * np.median(log_var))
    assert apart == pytest.approx(0.5 * ((mean / sigma) ** 2).sum(axis=1).mean(), rel=0.06)


@pytest.mark.parametrize("d", [2, 16])
def test_without_a_kl_the_widths_fall_by_orders_of_magnitude_and_the_figure_and_words_say_so(d):
    ratios = [by_hand(load_run(line.key)) for line in stops_of(d) if line.metrics["test"]["active_units"]]
    (trace,) = ratio_figure(d).data
    assert np.allclose(plotted(trace.y), ratios)
    assert ratios == sorted(ratios) and ratios[0] < 1e-4 * ratios[list(trace.x).index("1")]
    text, table = cheating_text(d), Table(two_ways_table(d)._repr_html_()).found[0]
    assert f"**{small(ratios[0])}**" in text and table["σ / spread"][0] == small(ratios[0])
    apart = re.search(r"a spread of about \*\*([\d,]+) σ", text)[1]
    assert float(apart.replace(",", "")) == pytest.approx(1 / ratios[0], rel=0.05)
    assert re.fullmatch(r"[1-9]\d0+", apart.replace(",", "")) and table["spread of μ"][2] == apart  # two figures


def by_hand(run) -> float:
    """The median of σ by the spread of the means, over the dimensions whose mean varies by more than 0.01."""
    mean, deviation = run.codes.mean.astype(np.float64), np.exp(0.5 * run.codes.log_var.astype(np.float64))
    used = mean.var(axis=0) > 0.01
    return float(np.median(deviation[:, used]) / np.sqrt(mean[:, used].var(axis=0).mean()))


def test_codes_in_use_are_not_said_to_drown_in_noise_because_others_are_off():
    """Over all 16 dimensions the median would be that of those that are off, whose σ is 1."""
    for label in ("4", "16"):
        run = load_run(next(line.key for line in stops_of(16) if label_of(line.spec) == label))
        assert sigma_over_spread(run.codes.mean, run.codes.log_var) > 1.5
        assert run.codes.sigma_over_spread() < 0.7
        used = run.codes.mean.var(axis=0) > 0.01
        off = np.exp(0.5 * run.codes.log_var[:, ~used])
        assert used.sum() == ratio_dial(label)["active"].count(True) < 8 and off.min() > 0.9
        assert ratio_dial(label)["sigma_over_spread"] == pytest.approx(run.codes.sigma_over_spread())
    assert load_run(stops_of(16)[-1].key).codes.sigma_over_spread() is None  # nothing is in use at β = 100


def ratio_dial(label: str) -> dict:
    """What the dial shows of a stop of d = 16."""
    return next(stop for stop in dial_of(16, 0, "mnist:validation")[0].header["stops"] if stop["label"] == label)


def test_a_squared_error_is_read_back_from_nats_exactly():
    x, fx, c = np.random.default_rng(0).random((3, 50)), np.random.default_rng(1).random((3, 50)), 0.07
    nats = (((x - fx) ** 2) / (2 * c) + 0.5 * math.log(2 * math.pi * c)).sum(1).mean()
    assert squared_error(nats, c, 50) == pytest.approx(((x - fx) ** 2).mean())


def test_c_and_beta_with_one_product_end_at_the_same_place():
    fixed = [one for one in weighed() if not one.learned]
    products = sorted({one.product for one in fixed})
    groups = [[one for one in fixed if math.isclose(one.product, product)] for product in products]
    assert sum(len(group) == 2 for group in groups) == 2
    for group in groups:
        errors, kls = [one.error for one in group], [one.kl for one in group]
        assert max(errors) - min(errors) < 0.001
        assert max(kls) - min(kls) < 0.1
    means = [np.mean([one.error for one in group]) for group in groups]
    assert means == sorted(means)
    assert np.diff([np.mean([one.kl for one in group]) for group in groups]).max() < -1.5
    assert same_dial()[0] == 2
    told = float(re.search(r"the nearest other c · β is ([\d.]+) away or more", same_dial()[1])[1])
    (twin, other), rest = groups[-1], [one for group in groups[:-1] for one in group]
    distances = [abs(one.error - end.error) for one in rest for end in (twin, other)]
    assert told == pytest.approx(min(distances), abs=5e-5)  # of both of them, not of the farther one
    assert "Adam's steps hardly depend" in same_dial()[1]


def test_a_learned_c_is_the_squared_error_of_the_training_images():
    learned = [one for one in weighed() if one.learned]
    assert len(learned) == 2
    images = load("digits", "train")
    x = images.floats().reshape(len(images), -1)
    for one in learned:
        run = load_run(one.key)
        import torch

        with torch.no_grad():
            generator = torch.Generator().manual_seed(0)
            noise = torch.randn(len(x), 2, generator=generator)
            z, _ = run.model.sample_latent(torch.from_numpy(x), noise)
            error = float((run.model.decode(z) - torch.from_numpy(x)).square().mean())
        assert one.c == pytest.approx(error, rel=0.1)
        assert abs(math.log(one.c / one.began)) > 0.15  # it moved


def test_the_curve_and_the_page_have_the_runs_numbers():
    at = open_page(PAGE)
    runs = weighed()
    by_c, by_beta, learned = weighing_curve().data
    for trace, members in (
        (by_c, [one for one in runs if one.beta == 1 and not one.learned]),
        (by_beta, [one for one in runs if one.c == 0.05 and not one.learned]),
        (learned, [one for one in runs if one.learned]),
    ):
        assert np.allclose(plotted(trace.y), [one.error for one in members]) and len(members) > 1
    went = [f"from {one.began:g} it went to **{one.c:.4f}**" for one in runs if one.learned]
    assert not any(told in text for told in went for text in texts(at))  # evidence
    assert "**Yes.**" in predict(at, "smaller squared error", 2)
    assert all(any(told in text for text in texts(at)) for told in went)
    assert said(at, r"by chance (\d+)%")[1] == "10"


def test_the_pictures_are_those_of_the_two_ways_and_of_a_learned_c():
    learned = next(one for one in weighed() if one.learned)
    html = Shown(rebuilt_by([*twins(), learned])._repr_html_())
    assert len([part for part in html.parts if isinstance(part, bytes)]) == 4
    text = " ".join(part for part in html.parts if isinstance(part, str))
    assert all(one.name in text for one in (*twins(), learned))
    assert html.alternatives[1] == f"{twins()[0].name}: {html.alternatives[0].removeprefix('Held out: ')}, rebuilt"


def test_at_16_dimensions_the_planes_are_left_out_and_the_rest_stays():
    at = seen(PAGE, d="16")
    assert not at.error
    assert "Each term alone" not in subheaders(at) and "Each term alone" in subheaders(open_page(PAGE))


def test_without_the_runs_of_c_the_rest_of_the_page_stands(tmp_path, monkeypatch):
    keys = [spec.key for spec in read_manifest() if spec.variance is None and spec.hidden == (96, 48)]
    copy_runs(store(), Store(tmp_path), keys)
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE)
    assert len(at.error) == 1 and "python -m vae_core rebuild" in at.error[0].value
    assert "Each term alone" in subheaders(at)
