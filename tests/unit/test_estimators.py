"""Estimates by drawing, against closed forms; and a posterior in sigma beside one in its logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.lessons.gradient_estimators import (
    ESTIMATORS,
    MAX_DRAWS,
    monte_carlo_kl,
    reconstruction_gradients,
    reparameterised,
    score_function,
)
from vae_core.lessons.log_variance import MAX_STEPS, PARAMETERS, Descent, Quadratic, descend
from vae_core.losses.gaussian import closed_form_kl, kl_to_standard_normal
from vae_core.models.bottleneck import Posterior
from vae_core.run import Run
from vae_core.spec import RunSpec

MEAN, LOG_VAR = np.array([0.4, -1.5, 0.0]), np.array([-2.0, 0.5, 0.0])
SIGMA = np.exp(0.5 * LOG_VAR)
TARGET, CURVE = np.array([1.0, 0.5, -2.0]), np.array([3.0, 0.5, 1.0])


def quadratic(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f = 1/2 sum a (z - t)^2 and its gradient; E f has the gradient a (m - t) in m and a sigma^2 in ln sigma."""
    return 0.5 * (CURVE * (z - TARGET) ** 2).sum(axis=1), CURVE * (z - TARGET)


def both(draws: int, seed: int = 0) -> dict[str, object]:
    noise = np.random.default_rng(seed).standard_normal((draws, 3))
    values, slopes = quadratic(MEAN + SIGMA * noise)
    found = (
        reparameterised(slopes, SIGMA, noise),
        score_function(values, SIGMA, noise),
        score_function(values, SIGMA, noise, baseline=True),
    )
    return dict(zip(ESTIMATORS, found, strict=True))


# The KL


def test_the_closed_form_is_torchs() -> None:
    posterior = Posterior(torch.from_numpy(MEAN)[None], torch.from_numpy(LOG_VAR)[None])
    assert closed_form_kl(MEAN, LOG_VAR) == pytest.approx(kl_to_standard_normal(*posterior)[0].numpy())


def test_monte_carlo_lies_within_its_error_as_often_as_it_should() -> None:
    exact = closed_form_kl(MEAN, LOG_VAR).sum()
    estimates = [
        monte_carlo_kl(MEAN, LOG_VAR, np.random.default_rng(seed).standard_normal((500, 3))) for seed in range(400)
    ]
    away = np.array([(estimate.value - exact) / estimate.standard_error for estimate in estimates])
    within = (np.abs(away) < 1.96).mean()
    assert within == pytest.approx(0.95, abs=0.035)  # three standard deviations of a share of 400
    assert abs(away.mean()) < 4 / math.sqrt(400)
    assert {estimate.n for estimate in estimates} == {500}


def test_the_prior_itself_has_no_kl_and_no_error() -> None:
    noise = np.random.default_rng(0).standard_normal((10, 2))
    assert monte_carlo_kl(np.zeros(2), np.zeros(2), noise) == (0.0, 0.0, 10)


@pytest.mark.parametrize(("mean", "noise"), [(np.zeros(2), (5, 3)), (np.zeros((1, 2)), (5, 2)), (np.zeros(2), (1, 2))])
def test_shapes_that_do_not_fit_are_refused(mean: np.ndarray, noise: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        monte_carlo_kl(mean, np.zeros(2), np.zeros(noise))


# Gradients


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_is_right_on_average(name: str) -> None:
    gradients = both(200_000)[name]
    exact = CURVE * (MEAN - TARGET), CURVE * SIGMA**2
    for found, variance, expected in zip(gradients.average(), gradients.variance(), exact, strict=True):
        assert (np.abs(found - expected) < 5 * np.sqrt(variance / 200_000)).all()
        assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("draws", [2, 3])
def test_a_baseline_of_the_other_draws_leaves_the_expectation_alone(draws: int) -> None:
    # With the draw's own value in the baseline it would shrink by (n - 1) / n: by half for two draws.
    estimates = np.array([both(draws, seed)[ESTIMATORS[2]].average()[0] for seed in range(6_000)])
    error = estimates.std(axis=0, ddof=1) / math.sqrt(len(estimates))
    assert (np.abs(estimates.mean(axis=0) - CURVE * (MEAN - TARGET)) < 5 * error).all()
    assert (np.abs(0.5 * CURVE * (MEAN - TARGET)) > 5 * error).any()


def test_reparameterised_gradients_scatter_least_and_a_baseline_helps() -> None:
    gradients = both(50_000)
    least, most, better = (gradients[name].variance() for name in ESTIMATORS)
    for part in range(2):
        assert (least[part] < better[part]).all()
        assert better[part].sum() < most[part].sum()
    # Of a quadratic the gradient in the mean is a (m + sigma noise - t): its variance is a^2 sigma^2.
    assert least[0] == pytest.approx((CURVE * SIGMA) ** 2, rel=0.03)


def test_the_variance_is_that_of_one_draw() -> None:
    singles = np.array([both(50, seed)[ESTIMATORS[0]].average()[0] for seed in range(2_000)])
    assert both(50_000)[ESTIMATORS[0]].variance()[0] / 50 == pytest.approx(singles.var(axis=0), rel=0.15)


@pytest.mark.parametrize("name", ["vae", "vae d=5", "gaussian", "linear", "tanh", "learned variance", "conv_vae"])
def test_the_reconstructions_gradient_is_torchs_through_the_draw(
    name: str,
    small_runs: dict[str, Run],
    every_kind: dict[str, Run],
    untrained_run: Callable[[RunSpec], Run],
    small_spec: Callable[..., RunSpec],
    validation: ImageDataset,
) -> None:
    if name == "tanh":
        run = untrained_run(small_spec(hidden=(16, 8), activation="tanh"))
    elif name == "learned variance":
        run = untrained_run(small_spec(likelihood="gaussian", variance=0.2, learned_variance=True))
    else:
        run = small_runs[name] if name in small_runs else every_kind[name]
    x = validation.floats()[3]
    values, gradients = reconstruction_gradients(run, x, 40, seed=2)
    posterior = run.model.encode(torch.from_numpy(x[None]))
    mean, log_sigma = (part.detach().requires_grad_() for part in (posterior.mean, 0.5 * posterior.log_var))
    noise = torch.from_numpy(np.random.default_rng(2).standard_normal((40, mean.shape[1]))).float()
    cost = run.likelihood.negative_log_likelihood(
        run.model.decode(mean + log_sigma.exp() * noise), torch.from_numpy(x[None]).expand(40, -1)
    )
    cost.mean().backward()
    found = gradients["reparameterised"].average()
    np.testing.assert_allclose(found[0], mean.grad[0].numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[1], log_sigma.grad[0].numpy(), rtol=1e-3, atol=1e-4)
    assert values == pytest.approx(cost.detach().numpy(), rel=1e-5)
    assert list(gradients) == list(ESTIMATORS)


def test_on_a_real_image_all_estimators_agree_and_the_reparameterised_scatters_least(
    small_runs: dict[str, Run], validation: ImageDataset
) -> None:
    _, gradients = reconstruction_gradients(small_runs["vae d=5"], validation.floats()[3], 50_000)
    least = gradients[ESTIMATORS[0]]
    for name in ESTIMATORS[1:]:
        other = gradients[name]
        for part in range(2):
            error = np.sqrt((least.variance()[part] + other.variance()[part]) / 50_000)
            assert (np.abs(least.average()[part] - other.average()[part]) < 5 * error).all()
            assert (least.variance()[part] < other.variance()[part]).all()


@pytest.mark.parametrize("draws", [1, 0, MAX_DRAWS + 1, 2.0, True])
def test_the_number_of_draws_is_checked(draws: object, small_runs: dict[str, Run], validation: ImageDataset) -> None:
    with pytest.raises(MeasureError, match="draws must be an integer from 2 to 100,000"):
        reconstruction_gradients(small_runs["vae"], validation.floats()[0], draws)  # type: ignore[arg-type]


def test_models_without_a_posterior_have_no_such_gradient(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    with pytest.raises(MeasureError, match=small_runs["ae"].key):
        reconstruction_gradients(small_runs["ae"], validation.floats()[0], 10)


# sigma, or its logarithm


def run_all(problem: Quadratic, **settings: object) -> tuple[Descent, ...]:
    """In the order of `PARAMETERS`: log-variance, softplus, sigma."""
    chosen = {"step_size": 0.01, "steps": 2_000, **settings}
    return tuple(descend(parameter, problem, **chosen) for parameter in PARAMETERS)  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", [0.0, 1.0, 30.0])
def test_with_small_steps_all_arrive_at_the_known_minimum(precision: float) -> None:
    problem = Quadratic(precision, target=1.5)
    for descent in run_all(problem, step_size=0.005, steps=8_000, start_sigma=0.4):
        assert descent.broke_at is None and descent.crossed_at is None
        assert descent.sigma[-1] == pytest.approx(1.0 / math.sqrt(1.0 + precision), rel=1e-3)
        assert descent.mean[-1] == pytest.approx(precision * 1.5 / (1.0 + precision), abs=1e-3)
        assert descent.arrived_at is not None
        assert (descent.loss[descent.arrived_at :] <= problem.least_loss + 0.01).all()
        assert len(descent.loss) == 8_001


def test_the_loss_is_the_kl_and_the_expected_cost() -> None:
    problem = Quadratic(4.0, 1.0)
    descent = descend("log-variance", problem, step_size=0.01, steps=3)
    noise = np.random.default_rng(0).standard_normal(200_000)
    for mean, sigma, kl, loss in zip(descent.mean, descent.sigma, descent.kl, descent.loss, strict=True):
        assert kl == pytest.approx(closed_form_kl(mean, 2 * math.log(sigma)))
        assert loss - kl == pytest.approx(2.0 * np.square(mean + sigma * noise - 1.0).mean(), rel=0.02)


def test_a_step_that_is_too_large_takes_sigma_below_0_where_the_kl_has_a_value() -> None:
    logarithm, softplus, raw = run_all(Quadratic(300.0, 1.0), step_size=0.005, steps=3_000)
    # One step from sigma 1: 1 - 0.005 (301 - 1).
    assert raw.sigma[:2].tolist() == pytest.approx([1.0, -0.5])
    assert raw.crossed_at == 1
    assert raw.kl[1] == pytest.approx(closed_form_kl(raw.mean[1], math.log(0.5**2)))
    assert raw.arrived_at is None  # thrown back and forth by the slope near 0
    for descent in (logarithm, softplus):
        assert descent.crossed_at is None and (descent.sigma > 0).all() and np.isfinite(descent.loss).all()
        assert descent.arrived_at is not None


@pytest.mark.parametrize("precision", [3.0, 50.0, 1_800.0])
def test_how_long_a_step_in_sigma_may_be_is_what_descents_and_the_parabola_alone_do(precision: float) -> None:
    problem = Quadratic(precision, 0.0)
    for share in (0.3, 0.9):
        safe = descend("sigma", problem, step_size=share * problem.longest_settling, steps=5_000)
        assert safe.crossed_at is None and safe.arrived_at is not None
    for size in (1.1 * problem.longest_settling, 0.95 * problem.longest_bounded):
        thrown = descend("sigma", problem, step_size=size, steps=5_000)
        late = np.abs(thrown.sigma[-2_000:])
        assert thrown.broke_at is None and thrown.crossed_at is not None and late.max() > 100 * problem.best_sigma
        assert not (np.abs(late - problem.best_sigma) < 0.01 * problem.best_sigma).all()
    for share in (1.3, 20.0):
        size = share * problem.longest_bounded
        endless = descend("sigma", problem, step_size=size, steps=5_000)
        # The parabola alone, σ ← (1 − step · curvature) σ, overflows at the same time: −1/σ is not the cause.
        alone = math.log(1e308) / 2 / math.log(abs(1.0 - size * (1.0 + precision)))
        assert endless.broke_at == pytest.approx(alone, rel=0.02, abs=2)


@pytest.mark.parametrize("best", [0.02, 0.1, 0.7])
def test_at_the_minimum_the_curvature_is_a_half_in_the_logarithm_and_grows_in_sigma(best: float) -> None:
    problem, small = Quadratic(best**-2 - 1.0, 0.0), 1e-4

    def bend(loss: Callable[[float], float], at: float, by: float) -> float:
        return (loss(at + by) - 2.0 * loss(at) + loss(at - by)) / by**2

    in_logarithm = bend(lambda v: problem.loss(0.0, math.exp(v), v), 2.0 * math.log(best), small)
    in_sigma = bend(lambda s: problem.loss(0.0, s * s, 2.0 * math.log(s)), best, small * best)
    assert in_logarithm == pytest.approx(0.5, rel=1e-3)
    assert in_sigma == pytest.approx(2.0 / problem.longest_settling, rel=1e-3)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("sigma", [0.01, 0.3, 2.0])
def test_the_first_step_follows_the_slope_of_the_loss(parameter: str, sigma: float) -> None:
    problem, size = Quadratic(20.0, 0.0), 1e-6
    value = torch.tensor(
        {"sigma": sigma, "log-variance": math.log(sigma**2), "softplus": math.log(math.expm1(sigma))}[parameter],
        dtype=torch.float64, requires_grad=True,
    )  # fmt: skip
    as_sigma = {"sigma": lambda v: v, "log-variance": lambda v: (v / 2).exp(), "softplus": torch.nn.functional.softplus}
    variance = as_sigma[parameter](value).square()
    (0.5 * (variance - 1.0 - variance.log()) + 10.0 * variance).backward()
    after = as_sigma[parameter](value - size * value.grad).item()
    descent = descend(parameter, problem, step_size=size, steps=1, start_sigma=sigma)
    assert descent.sigma[1] - sigma == pytest.approx(after - sigma, rel=1e-6)


def test_a_sample_in_each_step_takes_sigma_below_0_where_the_exact_gradient_does_not() -> None:
    problem, steps = Quadratic(20.0, 1.0), 3_000
    settings = {"step_size": 0.02, "steps": steps, "start_sigma": 0.3}
    exact = descend("sigma", problem, **settings)
    assert exact.crossed_at is None
    crossed = dict.fromkeys(PARAMETERS, 0)
    for seed in range(20):
        noise = np.random.default_rng(seed).standard_normal(steps)
        for parameter in crossed:
            crossed[parameter] += descend(parameter, problem, **settings, noise=noise).crossed_at is not None
    assert crossed == {"log-variance": 0, "softplus": 0, "sigma": 20}


def test_a_logarithm_can_be_driven_off_too_and_it_is_said() -> None:
    # Nothing is free: the mean's step is the same in both parameters, and one beyond 2 / (1 + w) runs away.
    for descent in run_all(Quadratic(1e3, 1.0), step_size=0.1, steps=MAX_STEPS):
        assert descent.broke_at is not None
        assert descent.reason is not None and "not finite" in descent.reason


def test_a_collapsing_sigma_is_infinite_and_a_logarithm_is_a_number() -> None:
    # 1 - 1 * (2 * 1 - 1) = 0 exactly.
    raw = descend("sigma", Quadratic(1.0, 0.0), step_size=1.0, steps=5)
    assert raw.sigma.tolist() == [1.0, 0.0] and raw.kl[-1] == math.inf
    assert raw.reason is not None and "KL inf" in raw.reason


@pytest.mark.parametrize(
    "changes",
    [{"step_size": 0.0}, {"step_size": math.inf}, {"steps": 0}, {"steps": MAX_STEPS + 1}, {"start_sigma": 0.0}],
)
def test_settings_out_of_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(MeasureError, match="must be"):
        run_all(Quadratic(1.0, 0.0), **changes)


@pytest.mark.parametrize("problem", [Quadratic(-1.0, 0.0), Quadratic(math.nan, 0.0), Quadratic(1.0, math.inf)])
def test_problems_without_a_minimum_are_refused(problem: Quadratic) -> None:
    with pytest.raises(MeasureError, match="precision"):
        run_all(problem)
