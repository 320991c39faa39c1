from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from vae_core.errors import MeasureError
from vae_core.metrics import aggregate_posterior, gaussian_kl_to_standard_normal, least_marginal_kl


@pytest.mark.filterwarnings("error")
def test_posteriors_equal_to_the_prior_tell_nothing_and_match_it() -> None:
    zeros = np.zeros((200, 3), np.float32)
    assert aggregate_posterior(zeros, zeros) == pytest.approx((0.0, 0.0, 0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("log_var", [-5.0, -20.0, -80.0])
def test_narrow_posteriors_far_apart_tell_which_image_it_was(count: int, log_var: float) -> None:
    mean = np.arange(count)[:, None] * np.array([[10.0, -3.0]])
    result = aggregate_posterior(mean, np.full((count, 2), log_var), samples=200)
    assert result.mutual_information == pytest.approx(math.log(count), abs=1e-12)
    expected = np.mean(0.5 * (np.square(mean) + math.exp(log_var) - 1.0 - log_var).sum(axis=1))
    assert result.mean_kl == pytest.approx(expected)
    assert result.marginal_kl == pytest.approx(expected - math.log(count))


@pytest.mark.parametrize("log_var", [-5.0, -20.0, -80.0])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_two_images_with_one_posterior_cannot_be_told_apart(
    log_var: float, offset: float, rng: np.random.Generator
) -> None:
    mean = offset + 10.0 * rng.standard_normal((20, 8))
    log_vars = np.full((40, 8), log_var)
    result = aggregate_posterior(np.concatenate([mean, mean]), log_vars, samples=500)
    assert result.mutual_information == pytest.approx(math.log(20), abs=1e-4)


def test_narrow_posteriors_within_a_broad_one_are_still_told_apart(rng: np.random.Generator) -> None:
    mean = rng.standard_normal((40, 3))
    log_var = np.full((40, 3), -80.0)  # z rounded to 16 digits would lie far out in such a posterior
    log_var[0] = 0.0
    assert aggregate_posterior(mean, log_var, samples=500).mutual_information == pytest.approx(math.log(40), abs=1e-9)


@pytest.mark.parametrize("log_var", [-20.0, -24.0])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_narrow_posteriors_that_overlap_tell_as_little_as_broad_ones(log_var: float, offset: float) -> None:
    deviation = math.exp(0.5 * log_var)
    means = offset + np.array([-3.0, 3.0])[:, None] + deviation * np.array([0.0, 1.0])  # two pairs, a deviation apart
    result = aggregate_posterior(means.reshape(4, 1), np.full((4, 1), log_var), samples=20_000)
    pair = aggregate_posterior(np.array([[0.0], [1.0]]), np.zeros((2, 1)), samples=200_000)
    assert result.mutual_information == pytest.approx(math.log(2.0) + pair.mutual_information, abs=0.02)


def test_chance_does_not_push_an_estimate_out_of_its_range() -> None:
    mean = np.array([[-0.05], [0.05]])
    parts = [aggregate_posterior(mean, np.zeros((2, 1)), samples=1, seed=seed) for seed in range(20)]
    assert all(part.mutual_information >= 0.0 and part.marginal_kl >= 0.0 for part in parts)
    assert len({part.mutual_information for part in parts}) > 1


def test_posteriors_that_do_not_depend_on_the_image_leave_the_whole_kl_to_the_marginal() -> None:
    mean, log_var = np.full((30, 2), 1.5), np.full((30, 2), -1.0)
    result = aggregate_posterior(mean, log_var)
    assert result.mutual_information == pytest.approx(0.0, abs=1e-12)
    expected = gaussian_kl_to_standard_normal(mean[0], math.exp(-1.0) * np.eye(2))
    assert result.marginal_kl == pytest.approx(expected)


@pytest.mark.parametrize(
    ("means", "log_vars"),
    [
        ([-1.0, 0.2, 1.5], [-1.0, -2.0, 0.5]),
        ([0.0, 0.1, 3.0, 3.1], [-3.0, -1.0, -2.0, -2.5]),
        ([-0.3, 0.3], [0.0, 0.2]),
    ],
)
def test_both_parts_equal_numerical_integration_within_the_error_bar(means: list[float], log_vars: list[float]) -> None:
    posteriors = [norm(mean, math.exp(0.5 * log_var)) for mean, log_var in zip(means, log_vars, strict=True)]

    def mixture(z: float) -> float:
        return float(np.mean([posterior.pdf(z) for posterior in posteriors]))

    def moment(power: int) -> float:
        """E of (ln q(z|x) / q(z))^power."""
        parts = [
            quad(lambda z, q=q: q.pdf(z) * (q.logpdf(z) - math.log(mixture(z))) ** power, -10, 10, points=means)[0]
            for q in posteriors
        ]
        return float(np.mean(parts))

    marginal, _ = quad(lambda z: mixture(z) * (math.log(mixture(z)) - norm.logpdf(z)), -10, 10, points=means)
    samples = 100_000
    error_bar = math.sqrt((moment(2) - moment(1) ** 2) / samples)
    assert error_bar < 0.005  # or agreement would mean little
    result = aggregate_posterior(np.array(means)[:, None], np.array(log_vars)[:, None], samples=samples)
    assert result.standard_error == pytest.approx(error_bar, rel=0.1)
    assert abs(result.mutual_information - moment(1)) < 4.0 * error_bar
    assert abs(result.marginal_kl - marginal) < 4.0 * error_bar


@pytest.mark.parametrize(("spread", "variance"), [(1.0, 0.25), (math.sqrt(0.9), 0.1), (2.0, 1.0)])
def test_a_gaussian_channel_has_the_information_of_its_signal_to_noise_ratio(spread: float, variance: float) -> None:
    count = 2_000
    mean = spread * norm.ppf((np.arange(count) + 0.5) / count)[:, None]  # as Gaussian as N numbers can be
    result = aggregate_posterior(mean, np.full((count, 1), math.log(variance)), samples=10_000)
    expected = 0.5 * math.log1p(spread**2 / variance)
    assert result.mutual_information == pytest.approx(expected, abs=0.03)
    total = np.array([[spread**2 + variance]])
    assert result.marginal_kl == pytest.approx(gaussian_kl_to_standard_normal(np.zeros(1), total), abs=0.03)


def test_in_many_dimensions_the_bounds_hold_the_known_divergence_and_one_of_them_alone_would_be_far_off() -> None:
    """Of all images, x ~ N(0, s^2 I) with q(z|x) = N(x, v I), everything is known: q(z) = N(0, (s^2 + v) I)."""
    spread, variance, dimensions, count = 1.1, 0.05, 16, 2_000
    mean = spread * np.random.default_rng(0).standard_normal((count, dimensions))
    total = spread**2 + variance
    truth = gaussian_kl_to_standard_normal(np.zeros(dimensions), total * np.eye(dimensions))
    told = 0.5 * dimensions * math.log1p(spread**2 / variance)
    result = aggregate_posterior(mean, np.full(mean.shape, math.log(variance)))
    assert result.mutual_information > 0.95 * math.log(count)  # at its ceiling: 7.6 of 25 nats
    assert result.mutual_information < told
    assert result.marginal_kl > 5 * truth  # the remainder is the ceiling's, not the codes'
    z = math.sqrt(total) * np.random.default_rng(1).standard_normal((5_000, dimensions))
    exact = least_marginal_kl(z, norm(0.0, math.sqrt(total)).logpdf(z).sum(axis=1))
    assert exact.standard_error < 0.02
    assert abs(exact.value - truth) < 4 * exact.standard_error
    poorer = least_marginal_kl(z, norm(0.1, 1.2).logpdf(z).sum(axis=1))
    missed = norm(0.0, math.sqrt(total)).logpdf(z).sum(axis=1) - norm(0.1, 1.2).logpdf(z).sum(axis=1)
    assert poorer.value == pytest.approx(exact.value - missed.mean())
    assert 0.0 < poorer.value < truth < result.marginal_kl


def test_a_lower_bound_is_the_divergence_less_what_the_density_misses() -> None:
    def q(z: np.ndarray) -> np.ndarray:
        return 0.5 * (norm(-2.0, 0.3).pdf(z) + norm(2.0, 0.3).pdf(z))

    def expectation(of: np.ndarray, grid: np.ndarray) -> float:
        return float(np.trapezoid(q(grid) * of, grid))

    grid = np.linspace(-6.0, 6.0, 200_001)
    one_gaussian = norm(0.0, math.sqrt(4.0 + 0.09))
    wanted = expectation(one_gaussian.logpdf(grid) - norm.logpdf(grid), grid)
    random = np.random.default_rng(2)
    z = (2.0 * random.choice([-1.0, 1.0], 100_000) + 0.3 * random.standard_normal(100_000))[:, None]
    bound = least_marginal_kl(z, one_gaussian.logpdf(z[:, 0]))
    assert abs(bound.value - wanted) < 4 * bound.standard_error < 0.05
    assert bound.value < expectation(np.log(np.maximum(q(grid), 1e-300)) - norm.logpdf(grid), grid) - 0.5


def test_the_prior_itself_bounds_nothing_and_its_error_is_none() -> None:
    z = np.random.default_rng(0).standard_normal((50, 3))
    assert least_marginal_kl(z, norm.logpdf(z).sum(axis=1)) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_a_lower_bound_needs_two_codes_and_a_density_for_each() -> None:
    with pytest.raises(MeasureError, match="2 or more codes"):
        least_marginal_kl(np.zeros((1, 2)), np.zeros(1))
    with pytest.raises(MeasureError, match="log-densities are infinite"):
        least_marginal_kl(np.zeros((3, 2)), np.full(3, -np.inf))
    with pytest.raises(ValueError, match="2 densities do not match 3 codes"):
        least_marginal_kl(np.zeros((3, 2)), np.zeros(2))


def test_the_mixture_in_many_dimensions_equals_one_posterior_at_a_time(rng: np.random.Generator) -> None:
    mean, log_var = rng.standard_normal((25, 5)), rng.uniform(-3.0, 1.0, (25, 5))
    random, samples = np.random.default_rng(7), 60
    drawn, noise = random.integers(25, size=samples), random.standard_normal((samples, 5))  # the documented draws
    z = mean[drawn] + np.exp(0.5 * log_var[drawn]) * noise
    densities = np.stack(
        [multivariate_normal(m, np.diag(np.exp(v))).pdf(z) for m, v in zip(mean, log_var, strict=True)]
    )
    own = densities[drawn, np.arange(samples)]
    expected = np.mean(np.log(own / densities.mean(axis=0)))
    result = aggregate_posterior(mean, log_var, samples=samples, seed=7)
    assert result.mutual_information == pytest.approx(expected, rel=1e-10)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 4), st.floats(-30.0, 3.0), st.floats(0.0, 20.0))
@settings(max_examples=100, deadline=None)
def test_the_identity_is_exact_and_every_part_lies_in_its_range(
    seed: int, count: int, dimensions: int, log_var: float, spread: float
) -> None:
    random = np.random.default_rng(seed)
    mean = spread * random.standard_normal((count, dimensions))
    log_vars = log_var + random.standard_normal((count, dimensions))
    result = aggregate_posterior(mean, log_vars, samples=50, seed=seed)
    assert 0.0 <= result.mutual_information <= min(math.log(count), result.mean_kl) + 1e-12
    assert result.marginal_kl >= 0.0
    assert result.mutual_information + result.marginal_kl == pytest.approx(result.mean_kl, rel=1e-12, abs=1e-15)


def test_only_the_seed_decides_the_draws(rng: np.random.Generator) -> None:
    mean, log_var = rng.standard_normal((100, 2)), np.full((100, 2), -1.0)
    first = aggregate_posterior(mean, log_var, seed=1)
    assert aggregate_posterior(mean, log_var, seed=1) == first
    other = aggregate_posterior(mean, log_var, seed=2)
    assert other.mean_kl == first.mean_kl
    assert other.mutual_information != first.mutual_information
    # Two nats at most between draws, over the root of 2,000, twice over.
    assert other.mutual_information == pytest.approx(first.mutual_information, abs=0.2)


def test_a_whole_test_set_needs_little_memory(rng: np.random.Generator) -> None:
    mean = rng.standard_normal((10_000, 32)).astype(np.float32)
    tracemalloc.start()
    aggregate_posterior(mean, np.full_like(mean, -2.0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120e6  # samples by images: 160 MB; by dimensions too: 5 GB


NINE = np.arange(27.0).reshape(9, 3) / 27.0


@pytest.mark.parametrize(
    ("mean", "log_var", "says"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3)), "1 or more posterior means"),
        (np.full((9, 3), np.nan), NINE, "some posterior means are infinite or NaN"),
        (NINE, np.full((9, 3), -np.inf), "some posterior log-variances are infinite or NaN"),
        (NINE, np.full((9, 3), 301.0), "a variance lies beyond"),
        (NINE, np.full((9, 3), -301.0), "a variance lies beyond"),
    ],
)
def test_the_aggregate_posterior_refuses_what_has_no_density(mean: np.ndarray, log_var: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        aggregate_posterior(mean, log_var)


@pytest.mark.parametrize("log_var", [-300.0, 300.0])
@pytest.mark.filterwarnings("error")
def test_the_aggregate_posterior_is_finite_up_to_its_limit(log_var: float) -> None:
    result = aggregate_posterior(NINE, np.full((9, 3), log_var), samples=20)
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    ("log_var", "samples", "says"), [(NINE[:, :2], 10, "differ"), (NINE, 0, "samples must be at least 1")]
)
def test_the_aggregate_posterior_names_the_callers_mistake(log_var: np.ndarray, samples: int, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        aggregate_posterior(NINE, log_var, samples=samples)
    assert not isinstance(raised.value, MeasureError)


def test_the_standard_normal_is_at_0_from_itself() -> None:
    assert gaussian_kl_to_standard_normal(np.zeros(4), np.eye(4)) == pytest.approx(0.0, abs=1e-12)


def test_the_gaussian_kl_knows_its_textbook_values() -> None:
    assert gaussian_kl_to_standard_normal(np.array([1.0, 2.0]), np.eye(2)) == pytest.approx(2.5)
    variances = np.array([4.0, 0.25])
    expected = 0.5 * (variances - 1.0 - np.log(variances)).sum()
    assert gaussian_kl_to_standard_normal(np.zeros(2), np.diag(variances)) == pytest.approx(expected)


def test_correlated_dimensions_cost_what_their_correlation_tells() -> None:
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    assert gaussian_kl_to_standard_normal(np.zeros(2), covariance) == pytest.approx(-0.5 * math.log(1.0 - 0.64))


def test_a_turn_of_the_axes_does_not_change_the_gaussian_kl(rng: np.random.Generator) -> None:
    turn = np.linalg.qr(rng.standard_normal((5, 5))).Q
    mean, covariance = rng.standard_normal(5), np.diag([0.1, 0.5, 1.0, 2.0, 5.0])
    turned = gaussian_kl_to_standard_normal(turn @ mean, turn @ covariance @ turn.T)
    assert turned == pytest.approx(gaussian_kl_to_standard_normal(mean, covariance))


def test_a_tiny_variance_is_no_fault() -> None:
    expected = 0.5 * (-1.0 - math.log(1e-20))
    assert gaussian_kl_to_standard_normal(np.zeros(2), np.diag([1.0, 1e-20])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("covariance", "says"),
    [
        (np.diag([1.0, 0.0, 1.0]), "a dimension has no variance"),
        (np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), "depend on each other"),
        (np.full((3, 3), np.nan), "infinite or NaN"),
    ],
)
def test_the_gaussian_kl_is_never_infinite(covariance: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        gaussian_kl_to_standard_normal(np.zeros(3), covariance)


@pytest.mark.parametrize("dimensions", [2, 3, 10])
def test_as_many_points_as_dimensions_have_no_gaussian_kl_however_their_covariance_was_rounded(dimensions: int) -> None:
    rng = np.random.default_rng(1)
    for scale in np.geomspace(1e-3, 1e3, 20):
        points = scale * rng.standard_normal((dimensions, dimensions))  # their covariance has one rank less
        with pytest.raises(MeasureError, match="depend on each other"):
            gaussian_kl_to_standard_normal(np.zeros(dimensions), np.cov(points, rowvar=False))


@pytest.mark.parametrize(
    ("covariance", "says"),
    [(np.eye(2), "does not match"), (np.eye(3, 2), "does not match"), (np.eye(3) + np.eye(3, k=1), "not symmetric")],
)
def test_the_gaussian_kl_names_the_callers_mistake(covariance: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        gaussian_kl_to_standard_normal(np.zeros(3), covariance)
    assert not isinstance(raised.value, MeasureError)
