"""The bench Does it belong?: what the component is sent, what the figures say, and that they are the runs'."""

from __future__ import annotations

import base64
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr, ttest_rel
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from ui.chapters.uses.belong import BENCH, figures, fooled, nearest
from ui.chapters.uses.belong.recipe import DATASET, DIGITS, LIVE, NEAREST, PCA, spec_of
from ui.chapters.uses.belong.shown import payload_of
from ui.runs.resources import held_out, load_run, shelf
from vae_core.evaluation.left_out import scores
from vae_core.metrics.anomaly import nearest_usual
from vae_core.storage.manifest import read_manifest

from .helpers import charts, open_page, payload_headers, predict, tables

PAGE = "pages/uses.py"
SIDE = 28


def tensor(payload, name):
    entry = payload.header["tensors"][name]
    kinds = {"float32": np.float32, "uint8": np.uint8, "uint16": np.uint16}
    count = int(np.prod(entry["shape"]))
    return np.frombuffer(payload.body, kinds[entry["dtype"]], count, entry["offset"]).reshape(entry["shape"])


def opened(**link):
    at = open_page(PAGE, bench="belong", **link)
    assert not at.error and not at.warning
    return at


def sent(at):
    return [header for header in payload_headers(at) if header["kind"] == "belong"]


@pytest.mark.parametrize("digit", [1, 4])
def test_the_model_that_never_saw_the_digit_is_sent_with_its_scores(digit):
    at = opened(missing=str(digit))
    assert not sent(at) and not tables(at)  # until it was guessed
    predict(at, "hardest to find", figures.hardest()[0])
    (header,) = sent(at)
    assert header["key"] == spec_of("vae", digit).key and header["left_out"] == str(digit)
    assert [score["name"] for score in header["scores"]] == list(LIVE)
    assert header["nearest"] is None
    assert (
        f"trained on {load_run(header['key']).provenance['training_images']:,} digits without a {digit}"
        in header["subtitle"]
    )


def test_questions_cover_the_figures_and_are_answered_from_them():
    at = opened()
    assert "**Yes.**" in predict(at, "hardest to find", figures.hardest()[0])
    assert "**Yes.**" in predict(at, "in the mean of ten", figures.who_wins()[0])
    assert "**Yes.**" in predict(at, "find most likely", fooled.most_likely()[0])
    assert len(tables(at)) == 2 and len(charts(at)) == 1
    assert not at.exception and not at.error
    assert BENCH.predictions == ("belong-hardest", "belong-winner", "belong-fooled")


def test_the_scores_sent_are_the_runs_and_their_pictures_the_extremes():
    digit = 4
    payload = payload_of(digit)
    assert len(payload.body) < 1_000_000
    images, run = held_out(DATASET).first(nearest.SHOWN_IMAGES), load_run(spec_of("vae", digit).key)
    odd = images.labels == digit
    assert np.array_equal(tensor(payload, "odd"), odd)
    found = {f"vae {name}": score for name, score in scores(run, images.floats()).items()}
    found[NEAREST] = nearest.held_out_distances(digit, nearest.training_is_here())
    for number, name in enumerate(LIVE):
        score = tensor(payload, f"score_{number}")
        if name in found:
            np.testing.assert_allclose(score, found[name], rtol=1e-5)
        for kind, chosen, best in (("missed", odd, np.min), ("alarms", ~odd, np.max)):
            tiles = tensor(payload, f"{kind}_{number}")
            numbers = np.array(payload.header["tile_numbers"])[tiles]
            assert chosen[numbers].all() and len(set(numbers)) == 10
            assert score[numbers[0]] == best(score[chosen])
            assert [payload.header["tile_labels"][tile] for tile in tiles] == [
                str(label) for label in images.labels[numbers]
            ]
            assert np.array_equal(tensor(payload, "tiles")[tiles[0]], images.images[numbers[0]].ravel())


def test_the_subspaces_are_pcas_without_the_digit():
    """Those of the training images are shipped; of held-out ones scikit-learn finds nearly the same."""
    images = held_out(DATASET)
    for digit in (0, 7):
        mine = nearest.references().subspaces[digit]
        theirs = SklearnPCA(4).fit(images.without(digit).floats())
        np.testing.assert_allclose(mine.components @ mine.components.T, np.eye(len(mine.components)), atol=2e-3)
        overlap = np.linalg.svd(mine.components[:4] @ theirs.components_.T, compute_uv=False)
        assert overlap.min() > 0.95


def test_a_drawing_is_as_far_as_scikit_learn_finds_and_nonsense_is_no_drawing():
    digit, generator = 4, np.random.default_rng(0)
    drawing = generator.integers(0, 256, SIDE * SIDE, dtype=np.uint8)
    asked = base64.b64encode(drawing.tobytes()).decode()
    usual = held_out(DATASET).without(digit).floats()
    expected = NearestNeighbors(n_neighbors=1).fit(usual).kneighbors(drawing[None] / np.float32(255))[0][0, 0]
    assert nearest.distance_of(asked, digit, False) == pytest.approx(expected, rel=1e-4)
    known = nearest.held_out_distances(digit, False)
    assert nearest.distance_of("17", digit, False) == known[17]
    for wrong in ("", "99999", "9" * 30, "-1", "é", asked[:-8], "!" * len(asked), asked + "AAAA"):
        assert nearest.distance_of(wrong, digit, False) is None


def test_without_the_training_images_held_out_ones_stand_in_and_that_is_said():
    digit, images = 4, held_out(DATASET)
    found = nearest.held_out_distances(digit, False)
    number = int(np.flatnonzero(images.labels != digit)[3])
    others = np.delete(np.arange(len(images)), number)
    others = others[images.labels[others] != digit]
    expected = (
        NearestNeighbors(n_neighbors=1).fit(images.floats()[others]).kneighbors(images.floats()[number : number + 1])
    )
    assert found[number] == pytest.approx(expected[0][0, 0], rel=1e-4) and found[number] > 0
    assert "not on this machine" in nearest.reference_in_words(digit, False)
    # Fewer to compare with: no distance becomes smaller.
    assert (nearest_usual(nearest.references().nearest[: len(found)], digit) <= found + 0.01).mean() > 0.8


@pytest.mark.parametrize("digit", [1, 4])
def test_the_figures_of_the_held_out_digits_are_scikit_learns(digit):
    """The validation digits lie in the package, so that their figures can be found again wherever this runs."""
    images, of = held_out(DATASET), figures.measured()["digits"]["validation"][str(digit)]
    odd, pixels = images.labels == digit, images.floats()
    run = load_run(spec_of("vae", digit).key)
    found = {f"vae {name}": score for name, score in scores(run, pixels).items()}
    found[NEAREST] = nearest_usual(nearest.references().nearest, digit)
    subspace = nearest.references().subspaces[digit]
    assert len(subspace.components) == figures.measured()["digits"]["pca"]["size"]
    centred = pixels - subspace.mean
    found[PCA] = np.square(centred - centred @ subspace.components.T @ subspace.components).mean(axis=1)
    assert (of["n"], of["odd"]) == ((~odd).sum(), odd.sum())
    for name, score in found.items():
        known = of["scores"][name]
        assert known["auroc"] == pytest.approx(roc_auc_score(odd, score), abs=2e-3), name
        assert known["average_precision"] == pytest.approx(average_precision_score(odd, score), abs=5e-3), name
        if "follows_ink" not in known:
            continue
        ink = spearmanr(score[~odd], pixels[~odd].mean(axis=1)).statistic
        assert known["follows_ink"] == pytest.approx(ink, abs=5e-3), name


@pytest.mark.parametrize("digit", DIGITS)
def test_a_shipped_runs_own_figures_are_those_of_the_bench(digit):
    spec = spec_of("vae", digit)
    assert spec in read_manifest()
    (line,) = [line for line in shelf().lines if line.key == spec.key]
    for split in ("validation", "test"):
        known, own = figures.measured()["digits"][split][str(digit)], line.metrics[split]["left_out"]
        assert (own["class"], own["n"], own["odd"]) == (digit, known["n"], known["odd"])
        for name, ranked in own["scores"].items():
            for figure in ("auroc", "average_precision"):
                assert known["scores"][f"vae {name}"][figure] == pytest.approx(ranked[figure], rel=1e-3), (name, figure)


def test_the_size_of_the_pca_is_the_best_on_validation_digits():
    chosen = figures.measured()["digits"]["pca"]
    assert str(chosen["size"]) == max(chosen["validation"], key=chosen["validation"].get)
    assert chosen["validation"][str(chosen["size"])] == pytest.approx(
        figures.over_digits(PCA, split="validation").mean(), rel=1e-3
    )


def test_the_verdict_is_a_paired_interval_over_digits():
    best, other = figures.by_mean()[:2]
    apart = figures.difference(best, other)
    theirs = ttest_rel(figures.over_digits(best), figures.over_digits(other)).confidence_interval(0.95)
    assert apart.mean - apart.half == pytest.approx(theirs.low, rel=1e-3)
    assert apart.mean + apart.half == pytest.approx(theirs.high, rel=1e-3)
    assert f"{figures.over_digits(best).mean():.3f}" in figures.verdict()
    means = [figures.over_digits(name).mean() for name in figures.by_mean()]
    assert all(one >= next for one, next in pairwise(means))


@pytest.mark.parametrize("kind", ["black", "letters", "digits"])
def test_likelihoods_are_those_of_the_shipped_runs(kind):
    """Of what lies in the package: the digits are others here, so theirs agree within what images differ."""
    from vae_core.datasets.oddities import ODDITIES

    about = figures.measured()["likelihood"][fooled.PROPER]
    run = load_run(about["key"])
    assert run.spec.binarised
    known = about["kinds"][kind]["likelihood"]
    if kind == "digits":
        pixels = held_out(DATASET).first(300).binarised().floats()
        found = scores(run, pixels)["importance_weighted"]
        assert abs(found.mean() - known["mean"]) < 4 * (found.std() / 300**0.5 + known["std"] / 1000**0.5)
        return
    images = ODDITIES[kind].images(1_000)[:, None]
    generator = held_out(DATASET).first(1)
    from dataclasses import replace

    data = replace(generator, images=images, labels=np.zeros(len(images), np.int64)).binarised()
    found = scores(run, data.floats()[:300])["importance_weighted"]
    if kind == "black":
        assert found[0] == pytest.approx(known["mean"], rel=1e-3)
    else:
        assert abs(found.mean() - known["mean"]) < 4 * known["std"] / 300**0.5


def test_who_is_fooled_is_told_from_the_numbers():
    found, text = fooled.kinds(), fooled.verdict()
    for kind, of in found.items():
        if kind != "digits" and of["likelihood"]["odder"] < 0.5:
            assert fooled.title(kind).lower() in text.split("Caught")[0]
    costs = [found[kind]["likelihood"]["mean"] for kind in fooled.ASKED]
    assert fooled.most_likely()[0] == int(rankdata(costs).argmin())
    assert fooled.pictures().count("<img") >= len(found)


def test_a_store_without_the_run_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE, bench="belong")
    predict(at, "hardest to find", 0)
    assert any("never saw a 4 is not in the store" in error.value for error in at.error)
