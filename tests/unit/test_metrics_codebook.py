"""How a codebook is used, on codes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from vae_core.metrics.codebook import usage


def test_one_entry_and_all_entries() -> None:
    alone = usage(np.full((7, 4), 3), 8)
    assert (alone.perplexity, alone.bits, alone.uniform_bits, alone.used) == (1.0, 0.0, 12.0, 1)
    even = usage(np.arange(16).reshape(4, 4) % 8, 8)
    assert even.perplexity == pytest.approx(8) and even.bits == pytest.approx(12) and even.used == 8


def test_it_is_the_entropy_of_the_shares_and_not_a_mean_over_parts(rng: np.random.Generator) -> None:
    numbers = np.concatenate([rng.integers(0, 5, (30, 9)), rng.integers(5, 10, (30, 9))])
    found = usage(numbers, 16)
    shares = np.bincount(numbers.ravel(), minlength=16) / numbers.size
    assert found.perplexity == pytest.approx(np.exp(entropy(shares)))
    assert found.bits == pytest.approx(9 * entropy(shares, base=2))
    halves = [usage(part, 16).perplexity for part in np.split(numbers, 2)]
    assert found.perplexity > 1.9 * np.mean(halves) and found.used == 10


@pytest.mark.parametrize(
    "numbers", [np.zeros((0, 4)), np.zeros(4), np.array([[0.5]]), np.array([[-1]]), np.array([[8]])]
)
def test_what_names_no_entry_is_refused(numbers: np.ndarray) -> None:
    with pytest.raises(ValueError, match="numbers must be"):
        usage(numbers, 8)
