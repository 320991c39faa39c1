"""The area under the ROC curve, and its error, against scikit-learn and against many draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vae_core.errors import MeasureError
from vae_core.metrics import auroc


def test_it_is_scikit_learns_with_ties_too(rng: np.random.Generator) -> None:
    usual, odd = rng.integers(0, 6, 70), rng.integers(2, 8, 40)
    expected = roc_auc_score(np.repeat([0, 1], [70, 40]), np.concatenate([usual, odd]))
    assert auroc(usual, odd).auroc == pytest.approx(expected)
    assert auroc(odd, usual).auroc == pytest.approx(1.0 - expected)
    assert auroc(np.arange(5), np.arange(5) + 5.0) == (1.0, 0.0)
    assert auroc(np.ones(4), np.ones(6)).auroc == 0.5


def test_of_two_gaussians_it_is_known_and_its_error_is_its_deviation(rng: np.random.Generator) -> None:
    found = [auroc(rng.normal(size=150), rng.normal(1.0, 1.0, 100)) for _ in range(400)]
    values = np.array([one.auroc for one in found])
    assert values.mean() == pytest.approx(norm.cdf(1.0 / np.sqrt(2.0)), abs=4 * values.std() / 20)
    assert np.mean([one.standard_error for one in found]) == pytest.approx(values.std(), rel=0.12)


def test_too_few_scores_and_scores_without_an_order_are_said() -> None:
    with pytest.raises(MeasureError, match="two or more images of either kind"):
        auroc(np.zeros(1), np.ones(5))
    with pytest.raises(MeasureError, match="infinite or NaN"):
        auroc(np.zeros(3), np.array([1.0, np.nan]))
