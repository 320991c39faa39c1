"""The bench Denoise: what it is sent, what the filters answer, and that its verdicts are the measured figures."""

from __future__ import annotations

import base64
import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.restoration import denoise_tv_chambolle

from ui.chapters.uses.denoise import QUESTIONS
from ui.chapters.uses.denoise.answers import BROKEN, answers
from ui.chapters.uses.denoise.bench import LOOKS, SLIDERS, VAE, payloads
from ui.chapters.uses.denoise.methods import (
    AS_IT_IS,
    CLASSICAL,
    KIND,
    LEVEL,
    NETWORKS,
    PCA,
    TITLES,
    TRAINED,
    measured,
    network,
    setting,
)
from ui.chapters.uses.denoise.verdicts import GOAL, LITTLE, at_half, at_little, scored, table, where, wins
from ui.runs.resources import load_run
from vae_core.corruption import CORRUPTIONS
from vae_core.datasets import is_here, load
from vae_core.evaluation.denoising import LEVELS, VALIDATION_IMAGES, damaged, tune_filters
from vae_core.evaluation.filters import FILTERS

from .helpers import boxes, later_kinds, open_page, payload_headers, predict, subheaders

PAGE = "pages/uses.py"
NEEDS_MNIST = pytest.mark.skipif(not is_here("mnist"), reason="MNIST's test digits are not on this machine")


def sent(**others: object) -> dict[str, object]:
    _, seen = damaged(load("mnist", "validation"), KIND, LEVEL, 1)
    pixels = base64.b64encode(seen[0].astype("<f4").tobytes()).decode()
    return {"token": "t", "kind": KIND, "level": LEVEL, "pixels": pixels, **others}


def test_the_bench_covers_its_evidence_until_it_is_asked_for():
    at = open_page(PAGE, bench="denoise")
    assert not at.error and not at.warning
    assert [header["kind"] for header in payload_headers(at)] == ["board"]
    told = predict(at, "brings a digit back best", 2)
    assert "dB" in told
    header = payload_headers(at)[1]
    assert header["kind"] == "rebuilding" and header["name"] == TRAINED and later_kinds(header) == ["rebuilding"] * 2
    assert [one["name"] for one in header["methods"]] == [name for name in LOOKS if name != VAE]
    assert header["answers"] is None
    told = predict(at, "what is nearest to the digit", 1)
    assert f"σ = {LITTLE:g}" in told
    assert "Where it loses" in subheaders(at)
    assert boxes(at)[-2:] == ["This in code", "Sources"]


def test_a_vae_comes_where_it_is_asked_for():
    at = open_page(PAGE, bench="denoise", answers=f"{QUESTIONS[0]}:2")
    at.checkbox[0].check().run()
    assert not at.exception
    header = payload_headers(at)[1]
    assert [later["name"] for later in header["later"]] == [PCA, "conv_ae", VAE]
    assert [one["name"] for one in header["methods"]] == list(LOOKS)


def test_the_browser_is_sent_no_more_than_it_should_be():
    first, later = payloads(False, None)
    assert len(first.body) + sum(len(one.body) for one in later) < 1_500_000
    assert len(first.head) < 40_000


def test_every_method_has_figures_for_every_kind_and_level():
    document = measured()
    assert document["levels"] == {kind: list(levels) for kind, levels in LEVELS.items()}
    assert set(SLIDERS) == set(LEVELS) == set(CORRUPTIONS)
    assert set(document["figures"]) == set(TITLES) == set(LOOKS)
    assert set(document["settings"]) == set(CLASSICAL)
    assert document["runs"] == {name: network(name).key for name in NETWORKS}
    for name in TITLES:
        for kind, levels in LEVELS.items():
            for column in document["figures"][name][kind].values():
                assert len(column) == len(levels) and all(math.isfinite(value) for value in column)


@NEEDS_MNIST
@pytest.mark.parametrize("name", NETWORKS)
def test_a_networks_figures_are_those_of_torch_and_scikit_image(name):
    document = measured()
    images, seen = damaged(load("mnist", "test"), "salt_and_pepper", 0.2, document["n"])
    run = load_run(network(name).key)
    with torch.no_grad():
        made = run.likelihood.expected_images(
            run.model.decode(run.model.encode(torch.from_numpy(seen)).mean).numpy()
        ).astype(np.float64)
    images = images.astype(np.float64)
    told = document["figures"][name]["salt_and_pepper"]
    at = document["levels"]["salt_and_pepper"].index(0.2)
    assert told["psnr"][at] == pytest.approx(peak_signal_noise_ratio(images, made, data_range=1.0), abs=0.01)
    alike = [
        structural_similarity(*(one.reshape(28, 28) for one in pair), data_range=1.0)
        for pair in zip(images, made, strict=True)
    ]
    assert told["ssim"][at] == pytest.approx(np.mean(alike), abs=1e-3)


@NEEDS_MNIST
def test_a_filters_figures_are_those_of_scikit_image_with_its_setting():
    document = measured()
    images, seen = damaged(load("mnist", "test"), KIND, LEVEL, document["n"])
    weight, gain, offset = setting("total_variation", KIND, LEVEL)
    made = np.stack([denoise_tv_chambolle(one.reshape(28, 28).astype(float), weight=weight).ravel() for one in seen])
    made = np.clip(gain * made + offset, 0, 1)
    told = scored("total_variation", KIND, LEVEL).psnr
    assert told == pytest.approx(peak_signal_noise_ratio(images.astype(float), made, data_range=1.0), abs=0.01)
    left = peak_signal_noise_ratio(images, seen, data_range=1.0)
    assert scored(AS_IT_IS, KIND, LEVEL).psnr == pytest.approx(left, abs=0.01)


def test_filters_were_tuned_on_validation_digits(monkeypatch):
    monkeypatch.setattr("vae_core.evaluation.denoising.LEVELS", {"salt_and_pepper": (0.1,)})
    monkeypatch.setattr("vae_core.evaluation.denoising.FILTERS", {name: FILTERS[name] for name in ("median",)})
    assert measured()["validation_n"] == VALIDATION_IMAGES
    found = tune_filters(load("mnist", "validation"), {})["median"]["salt_and_pepper"][0]
    told = measured()["settings"]["median"]["salt_and_pepper"][1]
    assert told == pytest.approx(list(found), rel=1e-3)


def test_the_filters_answer_what_the_browser_sent_as_scikit_image_does():
    asked = sent()
    found = answers(asked)
    assert found["token"] == "t" and set(found["images"]) == set(FILTERS)
    seen = np.frombuffer(base64.b64decode(asked["pixels"]), "<f4").reshape(28, 28).astype(float)
    weight, gain, offset = setting("total_variation", KIND, LEVEL)
    expected = np.clip(gain * denoise_tv_chambolle(seen, weight=weight) + offset, 0, 1)
    pixels = np.frombuffer(base64.b64decode(found["images"]["total_variation"]), np.uint8).reshape(28, 28)
    assert np.abs(pixels / 255 - expected).max() <= 0.5 / 255 + 1e-6


def test_between_measured_levels_the_nearest_setting_counts():
    settings = measured()["settings"]["median"][KIND]
    assert list(setting("median", KIND, 0.52)) == settings[LEVELS[KIND].index(0.5)]
    assert list(setting("median", KIND, 10.0)) == settings[-1]
    assert list(setting("median", KIND, 0.0)) == settings[0]


@pytest.mark.parametrize("level", [0.0, 10.0])
def test_no_noise_and_far_too_much_are_answered(level):
    assert set(answers(sent(level=level))["images"]) == set(FILTERS)


def test_an_empty_board_is_answered():
    blank = base64.b64encode(bytes(4 * 784)).decode()
    assert set(answers(sent(pixels=blank))["images"]) == set(FILTERS)


BAD = [
    {"kind": "fog"},
    {"kind": 3},
    {"level": "much"},
    {"level": True},
    {"level": math.nan},
    {"pixels": "%%%"},
    {"pixels": ""},
    {"pixels": base64.b64encode(bytes(4 * 783)).decode()},
    {"pixels": base64.b64encode(bytes(4 * 64 * 64)).decode()},
    {"pixels": base64.b64encode(np.full(784, np.nan, "<f4").tobytes()).decode()},
    {"pixels": base64.b64encode(np.full(784, 1e30, "<f4").tobytes()).decode()},
    {"pixels": None},
]


@pytest.mark.parametrize("wrong", BAD, ids=lambda wrong: str(wrong)[:30])
def test_what_is_no_damaged_digit_gets_a_sentence(wrong):
    assert answers(sent(**wrong)) == {"token": "t", "problem": BROKEN}


@pytest.mark.parametrize(
    "nothing", [None, 3, "t", {}, {"token": 3}, {"token": "t" * 101}], ids=lambda one: str(one)[:20]
)
def test_nothing_sent_is_nothing_answered(nothing):
    assert answers(nothing) is None


def test_the_verdicts_follow_from_the_figures():
    own = scored(TRAINED, KIND, LEVEL).psnr
    filters = max(scored(name, KIND, LEVEL).psnr for name in CLASSICAL)
    right, told = at_half()
    assert right == (2 if own > max(filters, *(scored(n, KIND, LEVEL).psnr for n in NETWORKS if n != TRAINED)) else 0)
    assert f"{own:.1f} ±" in told and ("at least" in told) == (own - filters >= GOAL)
    right, told = at_little()
    best = max(scored(name, KIND, LITTLE).psnr for name in (*CLASSICAL, AS_IT_IS, TRAINED))
    owners = (scored(TRAINED, KIND, LITTLE).psnr, max(scored(n, KIND, LITTLE).psnr for n in CLASSICAL))
    assert right == (0 if best == owners[0] else 1 if best == owners[1] else 2)
    for kind, levels in LEVELS.items():
        for verdict, level in zip(wins(kind), levels, strict=True):
            rival = max(scored(name, kind, level).psnr for name in (*CLASSICAL, AS_IT_IS))
            if verdict is not None:
                assert verdict == (scored(TRAINED, kind, level).psnr > rival)
        assert CORRUPTIONS[kind].title in where()
        assert table(kind).count("★") == len(levels) + 1  # and the one that says what it means


def test_it_wins_where_it_was_trained_and_loses_where_little_is_lost():
    verdicts = dict(zip(LEVELS[KIND], wins(KIND), strict=True))
    assert verdicts[LEVEL] is True and verdicts[LITTLE] is False
