"""The continuous Bernoulli likelihood against numerical integration, automatic differentiation and its paper."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import integrate

from vae_core.datasets import ImageDataset
from vae_core.evaluation.importance import bounds_by_k, image_log_weights
from vae_core.evaluation.log_likelihood import measure_likelihood
from vae_core.execution import Execution
from vae_core.losses.likelihoods import LARGEST_OUTPUT, ContinuousBernoulli
from vae_core.program.continuous_bernoulli import LARGEST_LOGIT, NEAR, bounded_logit, log_partition, mean, variance
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

# Around one half, where the formulas are 0 / 0; on both sides of where the series end; and where exp overflows.
EDGES = [s * t for s in (1.0, -1.0) for t in (1e-30, 1e-8, 1e-3, 0.3, NEAR - 1e-9, NEAR, NEAR + 1e-9, 3.0, 12.0, 40.0)]
LOGITS = [0.0, *EDGES]
FAR = [-1e4, -800.0, -90.0, 90.0, 800.0, 1e4]


def integral(of: Callable[[float], float]) -> float:
    return float(integrate.quad(of, 0.0, 1.0, epsabs=0.0, epsrel=1e-11, limit=200)[0])


def output_of(logit: float) -> np.ndarray:
    """The decoder's output with this logit, (1, 1)."""
    return np.array([[LARGEST_LOGIT * math.atanh(logit / LARGEST_LOGIT)]])


@pytest.mark.parametrize("logit", LOGITS)
def test_the_log_partition_is_the_integral(logit: float) -> None:
    area = integral(lambda x: math.exp(logit * (x - 0.5)))  # around the middle, where it does not overflow
    assert log_partition(np.array(logit)) == pytest.approx(math.log(area) + 0.5 * logit, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("logit", LOGITS)
def test_mean_and_variance_are_the_integrals(logit: float) -> None:
    area = integral(lambda x: math.exp(logit * (x - 0.5)))
    expected = integral(lambda x: x * math.exp(logit * (x - 0.5))) / area
    spread = integral(lambda x: (x - expected) ** 2 * math.exp(logit * (x - 0.5))) / area
    assert mean(np.array(logit)) == pytest.approx(expected, abs=3e-8)
    assert variance(np.array(logit)) == pytest.approx(spread, abs=3e-8)


@pytest.mark.parametrize("logit", [-12.0, -1.0, -0.3, 0.0, 1e-9, 0.7, 1.2, 12.0])
def test_the_likelihood_of_a_pixel_sums_to_1(logit: float) -> None:
    likelihood, output = ContinuousBernoulli(), output_of(logit)
    assert integral(lambda x: math.exp(-likelihood.nats(output, np.array([[x]]))[0])) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("chance", [0.01, 0.2, 0.4, 0.6, 0.9, 0.999])
def test_the_normalising_constant_is_the_papers(chance: float) -> None:
    """C(λ) = 2 atanh(1 - 2λ) / (1 - 2λ) times the Bernoulli formula, Loaiza-Ganem and Cunningham 2019, eq. 6."""
    logit = math.log(chance / (1.0 - chance))
    constant = 2.0 * math.atanh(1.0 - 2.0 * chance) / (1.0 - 2.0 * chance)
    for pixel in (0.0, 0.3, 1.0):
        bernoulli = pixel * math.log(chance) + (1.0 - pixel) * math.log(1.0 - chance)
        nats = ContinuousBernoulli().nats(output_of(logit), np.array([[pixel]]))[0]
        assert nats == pytest.approx(-math.log(constant) - bernoulli, rel=1e-6)


@pytest.mark.parametrize("logit", LOGITS + FAR)
@pytest.mark.parametrize("pixel", [0.0, 0.25, 1.0])
def test_torch_and_numpy_agree_and_the_gradient_is_the_mean_less_the_pixel(logit: float, pixel: float) -> None:
    likelihood = ContinuousBernoulli()
    output = torch.tensor([[logit, -0.2]], requires_grad=True)
    x = torch.tensor([[pixel, 0.6]])
    nats = likelihood.negative_log_likelihood(output, x)
    (gradient,) = torch.autograd.grad(nats.sum(), output)
    arrays = output.detach().numpy().astype(np.float64), x.numpy().astype(np.float64)
    assert nats.item() == pytest.approx(likelihood.nats(*arrays)[0], rel=1e-5, abs=1e-6)
    assert torch.isfinite(gradient).all()
    np.testing.assert_allclose(gradient.numpy(), likelihood.gradient(*arrays), atol=1e-6)
    step = np.array([[1e-4, 0.0]])
    rise = likelihood.nats(arrays[0] + step, arrays[1]) - likelihood.nats(arrays[0] - step, arrays[1])
    assert gradient[0, 0].item() == pytest.approx(rise[0] / 2e-4, abs=1e-5)
    expected = likelihood.expected_pixels(output.detach())
    assert 0.0 <= expected.min() <= expected.max() <= 1.0
    np.testing.assert_allclose(expected.numpy(), likelihood.expected_images(arrays[0]), atol=1e-6)


def test_a_black_pixel_has_a_best_density() -> None:
    """Without the bound on logits its density would have no end, and a model would spend itself on such pixels."""
    outputs = np.linspace(-1e4, 0.0, 50)[:, None]
    nats = ContinuousBernoulli().nats(outputs, np.zeros((50, 1)))
    assert nats.min() == pytest.approx(-math.log(LARGEST_LOGIT), abs=1e-3)
    assert np.abs(bounded_logit(outputs)).max() <= LARGEST_LOGIT
    assert bounded_logit(np.array(1.0)) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("pixel", [0.07, 0.2, 0.3, 0.5, 0.5000001, 0.9, 0.93])
def test_natural_parameters_are_those_of_the_mean(pixel: float) -> None:
    likelihood, wanted = ContinuousBernoulli(), torch.tensor([pixel, 0.5])
    found = likelihood.expected_pixels(likelihood.natural_parameters(wanted))
    assert found.tolist() == pytest.approx([pixel, 0.5], abs=1e-6)


def test_pixels_beyond_the_bounds_have_finite_parameters() -> None:
    found = ContinuousBernoulli().natural_parameters(torch.tensor([0.0, 1.0]))
    assert found.tolist() == pytest.approx([-LARGEST_OUTPUT, LARGEST_OUTPUT])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    spec = RunSpec("digits", "vae", hidden=(16,), likelihood="continuous_bernoulli", epochs=8, learning_rate=5e-3)
    return get_or_train(Store(tmp_path_factory.mktemp("grey")), spec, execution=FLOAT32)


def test_it_trains_on_grey_pixels_and_keeps_its_name_in_the_file(trained: Run) -> None:
    first, last = trained.history[0], trained.history[-1]
    assert last["validation_reconstruction"] < first["validation_reconstruction"] - 1.0
    assert trained.spec.to_dict()["likelihood"] == "continuous_bernoulli"
    assert trained.spec.variance is None and "bernoulli_floor" not in trained.metrics["validation"]


def test_grey_images_have_a_bound(trained: Run, validation: ImageDataset) -> None:
    x = validation.floats()[3].ravel()
    assert not np.isin(x, (0.0, 1.0)).all()
    few, many = bounds_by_k(image_log_weights(trained, x, 4_000), (1, 1_000))
    assert few.value < many.value
    found = measure_likelihood(trained, validation.first(5), 20)
    assert found["binarised"] is False


def test_images_of_a_decoded_code_are_means(trained: Run) -> None:
    code = np.array([[0.3, -0.4]])
    logits = trained.run_program("decoder", code).astype(np.float64)
    assert trained.decode(code) == pytest.approx(mean(bounded_logit(logits)), abs=1e-6)
    with torch.no_grad():
        by_torch = trained.likelihood.expected_pixels(trained.model.decode(torch.tensor(code).float()))
    assert trained.decode(code) == pytest.approx(by_torch.numpy(), abs=1e-5)
