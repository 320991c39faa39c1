"""The toy whose posterior is known: identities of variational inference, each against another way of computing it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from vae_core.errors import MeasureError
from vae_core.lessons.exact_posterior import (
    DECODERS,
    LARGEST_STEP,
    Decoder,
    Toy,
    bound,
    descend,
    exact_posterior,
    grid,
    kl_to_posterior,
    nodes,
)
from vae_core.lessons.mean_field import (
    best_diagonal,
    correlated,
    descend_diagonal,
    diagonal_gap,
    gap_of_correlation,
    gaussian_kl,
)

SETTINGS = [
    (name, x, variance) for name in DECODERS for x, variance in ((-2.0, 0.1), (-1.0, 1.0), (1.0, 0.3), (3.0, 0.1))
]


def toy_of(name: str, x: float, variance: float) -> Toy:
    return Toy(DECODERS[name], x, variance)


@pytest.mark.parametrize("x, variance", [(-2.0, 0.1), (0.7, 0.5), (3.0, 2.0)])
def test_a_straight_decoder_has_the_textbook_posterior_and_evidence(x, variance):
    exact = exact_posterior(toy_of("straight", x, variance))
    assert exact.log_evidence == pytest.approx(stats.norm.logpdf(x, 0.0, math.sqrt(1.0 + variance)), abs=1e-9)
    assert exact.mean == pytest.approx(x / (1.0 + variance), abs=1e-9)
    assert exact.deviation == pytest.approx(math.sqrt(variance / (1.0 + variance)), abs=1e-9)


@pytest.mark.parametrize("name, x, variance", SETTINGS)
def test_the_evidence_is_the_integral_that_scipy_finds(name, x, variance):
    toy = toy_of(name, x, variance)
    density = lambda z: stats.norm.pdf(z) * stats.norm.pdf(x, toy.decoder(z), math.sqrt(variance))
    pieces = [integrate.quad(density, low, low + 1.0, epsabs=1e-14, limit=200)[0] for low in range(-9, 9)]
    exact = exact_posterior(toy)
    assert exact.log_evidence == pytest.approx(math.log(sum(pieces)), abs=1e-8)
    assert np.trapezoid(np.exp(exact.log_density), grid()) == pytest.approx(1.0, abs=1e-9)


def test_the_shapes_of_the_posteriors_are_what_their_names_promise():
    def modes(name: str, x: float, variance: float) -> int:
        density = np.exp(exact_posterior(toy_of(name, x, variance)).log_density)
        inside = density[1:-1]
        return int(((inside > density[:-2]) & (inside > density[2:]) & (inside > 1e-3)).sum())

    assert [modes(name, 1.0, 0.3) for name in ("straight", "bent", "folded")] == [1, 1, 2]
    bent = exact_posterior(toy_of("bent", -1.0, 0.3))
    z, density = grid(), np.exp(bent.log_density)
    skew = np.trapezoid(density * ((z - bent.mean) / bent.deviation) ** 3, z)
    assert skew < -0.15


@pytest.mark.parametrize("name, x, variance", SETTINGS)
@pytest.mark.parametrize("start, learning_rate", [((-2.5, 0.3), 0.03), ((1.5, 1.5), 0.2)])
def test_evidence_is_elbo_plus_kl_at_every_step(name, x, variance, start, learning_rate):
    toy = toy_of(name, x, variance)
    exact, way = exact_posterior(toy), descend(toy, *start, learning_rate, 200)
    gaps = [kl_to_posterior(exact, mean, log_sigma) for mean, log_sigma in zip(way.mean, way.log_sigma, strict=True)]
    assert len(gaps) == 201 and min(gaps) > -1e-9
    assert np.abs(way.elbo + gaps - exact.log_evidence).max() < 1e-4


@pytest.mark.parametrize("name, x, variance", SETTINGS)
def test_a_small_learning_rate_raises_the_elbo_at_every_step(name, x, variance):
    way = descend(toy_of(name, x, variance), 0.5, 0.7, 0.005, 200)
    assert np.diff(way.elbo).min() > -1e-9
    assert way.elbo[-1] > way.elbo[0]


def test_a_large_learning_rate_lowers_the_elbo_in_many_steps():
    """So no page may say that every step raises it: what holds at every step is log p(x) = ELBO + KL."""
    toy = toy_of("folded", 1.0, 0.3)
    exact, way = exact_posterior(toy), descend(toy, 0.5, 1.0, 0.3, 200)
    assert (np.diff(way.elbo) < 0).sum() > 50
    gaps = [kl_to_posterior(exact, mean, log_sigma) for mean, log_sigma in zip(way.mean, way.log_sigma, strict=True)]
    assert np.abs(way.elbo + gaps - exact.log_evidence).max() < 1e-4


def test_a_straight_decoder_leaves_no_gap_and_a_folded_one_does():
    straight, folded = toy_of("straight", 1.0, 0.3), toy_of("folded", 1.0, 0.3)
    way = descend(straight, -2.0, 1.5, 0.05, 2000)
    assert kl_to_posterior(exact_posterior(straight), way.mean[-1], way.log_sigma[-1]) == pytest.approx(0.0, abs=1e-9)
    assert way.mean[-1] == pytest.approx(1.0 / 1.3, abs=1e-6)
    exact = exact_posterior(folded)
    ends = {}
    for start in (-2.5, 2.5):
        way = descend(folded, start, 0.5, 0.03, 500)
        ends[start] = way.mean[-1]
        assert kl_to_posterior(exact, way.mean[-1], way.log_sigma[-1]) > 0.3
        assert math.exp(way.log_sigma[-1]) < 0.5 * exact.deviation
    assert ends[-2.5] < -1.5 and ends[2.5] > 1.5 and -1.0 < exact.mean < 1.0


@pytest.mark.parametrize("name", list(DECODERS))
def test_where_the_descent_ends_scipy_finds_no_higher_elbo_nearby(name):
    toy = toy_of(name, 1.0, 0.3)
    way = descend(toy, 1.0, 0.7, 0.03, 2000)
    end = (way.mean[-1], way.log_sigma[-1])
    best = optimize.minimize(lambda place: -bound(toy, *place).elbo, end, method="Nelder-Mead", options={"xatol": 1e-7})
    assert -best.fun == pytest.approx(way.elbo[-1], abs=1e-7)


@pytest.mark.parametrize("name, x, variance", SETTINGS)
@pytest.mark.parametrize("place", [(-1.3, -0.7), (0.4, 0.2), (2.1, -1.6)])
def test_the_gradient_is_that_of_finite_differences(name, x, variance, place):
    toy, step = toy_of(name, x, variance), 1e-5
    mean, log_sigma = place
    by_mean = (bound(toy, mean + step, log_sigma).elbo - bound(toy, mean - step, log_sigma).elbo) / (2 * step)
    by_log_sigma = (bound(toy, mean, log_sigma + step).elbo - bound(toy, mean, log_sigma - step).elbo) / (2 * step)
    assert bound(toy, mean, log_sigma).gradient == pytest.approx((by_mean, by_log_sigma), rel=1e-5, abs=1e-4)


def test_the_expectation_is_what_sampling_gives():
    toy, random = toy_of("bent", 0.5, 0.5), np.random.default_rng(0)
    z = 0.3 + 0.8 * random.standard_normal(400_000)
    sampled = toy.log_likelihood(z)
    error = sampled.std() / math.sqrt(len(z))
    assert bound(toy, 0.3, math.log(0.8)).expected_log_likelihood == pytest.approx(sampled.mean(), abs=4 * error)


def test_the_nodes_have_the_moments_of_a_standard_normal():
    eps, weights = nodes()
    assert [weights @ eps**power for power in range(7)] == pytest.approx([1, 0, 1, 0, 3, 0, 15], abs=1e-10)


def test_no_step_is_longer_than_the_longest():
    way = descend(toy_of("folded", 3.0, 0.1), -3.0, 1.5, 0.2, 50)
    lengths = np.hypot(np.diff(way.mean), np.diff(way.log_sigma))
    assert lengths.max() == pytest.approx(LARGEST_STEP) and np.isfinite(way.elbo).all()


def test_slopes_are_those_of_the_curves():
    z = np.linspace(-3, 3, 13)
    for decoder in (*DECODERS.values(), Decoder("all", "", (0.3, -1.0, 0.7, 0.2))):
        assert decoder.slope(z) == pytest.approx((decoder(z + 1e-6) - decoder(z - 1e-6)) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("x, variance", [(math.nan, 1.0), (math.inf, 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, math.nan)])
def test_what_is_no_model_is_refused(x, variance):
    with pytest.raises(ValueError, match="c above 0"):
        Toy(DECODERS["straight"], x, variance)


@pytest.mark.parametrize("rho", [-0.95, -0.3, 0.0, 0.5, 0.9, 0.99])
def test_the_best_diagonal_has_the_conditional_variances_and_the_gap_of_the_closed_form(rho):
    target = correlated(rho)
    variances = best_diagonal(target)
    assert variances == pytest.approx([1 - rho**2] * 2)
    assert diagonal_gap(target) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-12)
    assert gap_of_correlation(rho) == pytest.approx(diagonal_gap(target), abs=1e-12)
    assert gaussian_kl(np.diag(variances), target) == pytest.approx(diagonal_gap(target), abs=1e-12)
    assert gaussian_kl(target, target) == pytest.approx(0.0, abs=1e-12)


def test_in_more_dimensions_a_search_over_all_diagonals_finds_the_same():
    factor = np.random.default_rng(3).standard_normal((4, 4))
    target = factor @ factor.T + 0.2 * np.eye(4)
    found = optimize.minimize(lambda logs: gaussian_kl(np.diag(np.exp(logs)), target), np.zeros(4), tol=1e-12)
    assert np.exp(found.x) == pytest.approx(best_diagonal(target), rel=1e-4)
    assert found.fun == pytest.approx(diagonal_gap(target), abs=1e-8)


@pytest.mark.parametrize("start", [(1.0, -2.0), (-1.5, 0.5)])
def test_gradient_descent_ends_at_the_best_diagonal(start):
    target = correlated(0.8)
    end = descend_diagonal(target, np.array(start), 0.05, 2000)
    assert np.exp(2 * end) == pytest.approx(best_diagonal(target), rel=1e-6)


@pytest.mark.parametrize("rho", [0.5, 0.95])
def test_the_gap_is_what_sampling_gives(rho):
    target, random = correlated(rho), np.random.default_rng(1)
    own = np.diag(best_diagonal(target))
    z = random.multivariate_normal([0, 0], own, size=200_000)
    ratios = stats.multivariate_normal([0, 0], own).logpdf(z) - stats.multivariate_normal([0, 0], target).logpdf(z)
    assert diagonal_gap(target) == pytest.approx(ratios.mean(), abs=4 * ratios.std() / math.sqrt(len(z)))


def test_the_divergence_of_gaussians_is_that_of_torch():
    torch = pytest.importorskip("torch")
    normal = torch.distributions.MultivariateNormal
    q, p = correlated(0.3) * 1.7, correlated(-0.6)
    expected = torch.distributions.kl_divergence(
        *(normal(torch.zeros(2, dtype=torch.float64), torch.from_numpy(matrix)) for matrix in (q, p))
    )
    assert gaussian_kl(q, p) == pytest.approx(float(expected), abs=1e-10)


@pytest.mark.parametrize("rho", [1.0, -1.0, 1.5, math.nan])
def test_a_correlation_of_one_or_more_is_refused(rho):
    with pytest.raises(ValueError, match="correlation"):
        correlated(rho)


@pytest.mark.parametrize("matrix", [np.ones((2, 2)), np.diag([1.0, 0.0]), -np.eye(2), np.diag([1.0, -1.0])])
def test_what_is_no_covariance_is_refused(matrix):
    with pytest.raises(MeasureError, match="positive definite"):
        gaussian_kl(matrix, np.eye(2))
    with pytest.raises(MeasureError, match="positive definite"):
        gaussian_kl(np.eye(2), matrix)
