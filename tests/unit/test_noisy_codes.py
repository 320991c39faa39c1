"""Classifiers on codes and on pixels against noise: the lesson, and part of the figures that the page shows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ui.chapters.reduction.noise import FILE
from vae_core.datasets import load
from vae_core.lessons.noisy_codes import SIGMAS, noisy, right_answers
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store


def test_noise_has_its_standard_deviation_and_is_cut_off() -> None:
    grey = np.full((200, 784), 0.5, dtype=np.float32)
    assert np.array_equal(noisy(grey, 0.0), grey)
    assert (noisy(grey, 0.05) - grey).std() == pytest.approx(0.05, rel=0.02)
    strong = noisy(grey, 1.0)
    assert strong.min() == 0.0 and strong.max() == 1.0
    # The same noise for every sigma: one that is cut off nowhere is the other, scaled.
    assert np.allclose((noisy(grey, 0.1) - grey)[0], 2 * (noisy(grey, 0.05) - grey)[0], atol=1e-6)


def test_separable_classes_are_told_without_noise_and_lost_in_it(rng: np.random.Generator) -> None:
    labels = np.arange(400) % 4  # as the bundled digits come: a fold of every fourth would lack a class
    pixels = np.zeros((400, 8), dtype=np.float32)
    pixels[np.arange(400), 2 * labels] = 1.0
    few = right_answers(lambda x: x, pixels, labels, (0.0, 5.0), standardised=False)
    assert few[0] == 400 and few[1] < 250
    blind = right_answers(lambda x: rng.standard_normal((len(x), 3)), pixels, labels, (0.0,))
    assert 40 < blind[0] < 160  # chance is 100


def test_the_figures_of_the_page_are_those_of_the_shipped_runs() -> None:
    document, images = json.loads(FILE.read_text("utf-8")), load("mnist", "validation")
    assert (document["n"], tuple(document["sigmas"])) == (len(images), SIGMAS)
    at = (0, SIGMAS.index(0.5))
    for model in ("pca", "ae"):
        hidden = {} if model == "pca" else {"hidden": (128, 64)}
        run = Store(SHIPPED).load(shipped_run(dataset="mnist", model=model, latent_dim=16, seed=0, **hidden).key)
        found = right_answers(run.encode, images.floats(), images.labels, [SIGMAS[place] for place in at])
        assert found == pytest.approx([document["right"][model][0][place] for place in at], abs=10)
