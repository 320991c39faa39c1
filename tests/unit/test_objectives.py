from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions

from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.losses.likelihoods import Bernoulli, Gaussian, LearnedGaussian, likelihood
from vae_core.losses.objectives import (
    CODES,
    CROSS_ENTROPY,
    ELBO,
    MEMORISE,
    PERCEPTUAL,
    TARGET,
    TOTAL_CORRELATION,
    elbo,
)
from vae_core.losses.terms import warmed_up, weighted_sum, weights_at
from vae_core.models import MODELS, build, named
from vae_core.models.bottleneck import Posterior
from vae_core.spec import RunSpec


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_posterior(images: int = 6, dimensions: int = 3) -> Posterior:
    draw = torch.randn(2, images, dimensions, generator=generator())
    return Posterior(draw[0] * 1.5, draw[1])


def test_closed_form_kl_equals_torch_distributions() -> None:
    posterior = some_posterior()
    q = distributions.Normal(posterior.mean, (0.5 * posterior.log_var).exp())
    expected = distributions.kl_divergence(q, distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(*posterior), expected, rtol=1e-5, atol=1e-6)


def test_closed_form_kl_equals_monte_carlo_within_its_error_bar() -> None:
    samples = 200_000
    posterior = Posterior(*(part.double() for part in some_posterior(images=4, dimensions=2)))
    noise = torch.randn(samples, 4, 2, generator=generator(1), dtype=torch.float64)
    z = posterior.sample(noise)
    q = distributions.Normal(posterior.mean, (0.5 * posterior.log_var).exp())
    log_ratio = (q.log_prob(z) - distributions.Normal(0.0, 1.0).log_prob(z)).sum(dim=2)  # (samples, 4)
    error_bar = log_ratio.std(dim=0) / math.sqrt(samples)
    exact = kl_to_standard_normal(*posterior).sum(dim=1)
    assert (error_bar < 0.01).all()  # or agreement would mean little
    assert ((log_ratio.mean(dim=0) - exact).abs() < 4.0 * error_bar).all()


@given(st.floats(-30, 30), st.floats(-20, 20))
@settings(max_examples=200, deadline=None)
def test_kl_is_never_negative(mean: float, log_var: float) -> None:
    posterior = Posterior(torch.tensor([[mean]]).double(), torch.tensor([[log_var]]).double())
    assert kl_to_standard_normal(*posterior).item() >= -1e-15  # rounding of exp(log_var) - 1 around 0


@given(st.floats(-30, 30), st.floats(-20, 20))
@settings(max_examples=200, deadline=None)
def test_kl_is_positive_away_from_the_standard_normal(mean: float, log_var: float) -> None:
    away = max(abs(mean), abs(log_var))
    posterior = Posterior(torch.tensor([[mean]]).double(), torch.tensor([[log_var]]).double())
    kl = kl_to_standard_normal(*posterior).item()
    if away > 1e-3:
        assert kl > 1e-8
    else:
        assert kl < 1e-6


def test_kl_of_the_standard_normal_is_exactly_0() -> None:
    assert torch.equal(kl_to_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)), torch.zeros(2, 3))


def test_kl_knows_its_textbook_values() -> None:
    posterior = Posterior(torch.tensor([[1.0, 0.0, 2.0]]), torch.tensor([[0.0, math.log(4.0), 0.0]]))
    expected = torch.tensor([[0.5, 0.5 * (4.0 - 1.0 - math.log(4.0)), 2.0]])
    torch.testing.assert_close(kl_to_standard_normal(*posterior), expected)


def test_bernoulli_likelihood_equals_torch_distributions() -> None:
    logits = 3.0 * torch.randn(5, 7, generator=generator())
    x = torch.rand(5, 7, generator=generator(1)).round()
    expected = -distributions.Bernoulli(logits=logits).log_prob(x).sum(dim=1)
    torch.testing.assert_close(Bernoulli().negative_log_likelihood(logits, x), expected)


def test_bernoulli_on_grey_pixels_is_the_cross_entropy() -> None:
    p, x = torch.tensor([[0.2, 0.9]]).double(), torch.tensor([[0.3, 0.5]]).double()
    expected = -(0.3 * math.log(0.2) + 0.7 * math.log(0.8) + 0.5 * math.log(0.9) + 0.5 * math.log(0.1))
    # The loss is float32 whatever comes in.
    nats = Bernoulli().negative_log_likelihood(torch.logit(p), x.float())
    assert nats.item() == pytest.approx(expected, rel=1e-6)


def test_bernoulli_stays_finite_for_certain_wrong_answers() -> None:
    nats = Bernoulli().negative_log_likelihood(torch.tensor([[1000.0, -1000.0]]), torch.tensor([[0.0, 1.0]]))
    assert nats.item() == pytest.approx(2000.0)


@pytest.mark.parametrize("variance", [0.01, 0.05, 1.0, 7.0])
def test_gaussian_likelihood_equals_torch_distributions(variance: float) -> None:
    output = torch.randn(5, 7, generator=generator())
    x = torch.rand(5, 7, generator=generator(1))
    expected = -distributions.Normal(output, math.sqrt(variance)).log_prob(x).sum(dim=1)
    torch.testing.assert_close(Gaussian(variance).negative_log_likelihood(output, x), expected, rtol=1e-5, atol=1e-4)


def test_expected_pixels_are_the_means_of_the_likelihoods() -> None:
    output = torch.randn(4, 6, generator=generator())
    torch.testing.assert_close(Bernoulli().expected_pixels(output), distributions.Bernoulli(logits=output).mean)
    torch.testing.assert_close(Gaussian(0.1).expected_pixels(output), distributions.Normal(output, 1.0).mean)


def test_the_variance_chooses_the_likelihood() -> None:
    network = torch.nn.Identity()
    assert isinstance(likelihood(RunSpec("digits", "vae"), network), Bernoulli)
    chosen = likelihood(RunSpec("digits", "vae", likelihood="gaussian", variance=0.3), network)
    assert isinstance(chosen, Gaussian)
    assert chosen.variance == 0.3


@pytest.mark.parametrize("variance", [0.01, 0.05, 1.0, 7.0])
def test_a_learned_variance_is_that_of_torch_distributions(variance: float) -> None:
    output, x = torch.randn(5, 7, generator=generator()), torch.rand(5, 7, generator=generator(1))
    learned = LearnedGaussian(torch.tensor(math.log(variance)))
    expected = -distributions.Normal(output, math.sqrt(variance)).log_prob(x).sum(dim=1)
    torch.testing.assert_close(learned.negative_log_likelihood(output, x), expected, rtol=1e-5, atol=1e-4)
    assert torch.equal(learned.expected_pixels(output), output)


def test_a_learned_variance_rests_at_the_mean_squared_error_and_nowhere_else() -> None:
    output, x = torch.randn(50, 64, generator=generator()), torch.rand(50, 64, generator=generator(1))
    error = (output - x).square().mean().item()

    def slope(variance: float) -> float:
        log_variance = torch.tensor(math.log(variance), requires_grad=True)
        LearnedGaussian(log_variance).negative_log_likelihood(output, x).mean().backward()
        return log_variance.grad.item()

    assert slope(error) == pytest.approx(0.0, abs=1e-4)
    # d/d log c of D/2 log c + error D / 2c is D/2 (1 - error / c).
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert slope(factor * error) == pytest.approx(32.0 * (1.0 - 1.0 / factor), rel=1e-4)


def test_the_networks_own_variance_is_the_likelihoods() -> None:
    spec = RunSpec("digits", "vae", hidden=(16,), likelihood="gaussian", variance=0.3, learned_variance=True)
    network = build(spec, (1, 8, 8))
    chosen = likelihood(spec, network)
    assert isinstance(chosen, LearnedGaussian)
    assert chosen.log_variance is network.log_variance
    assert network.log_variance.item() == pytest.approx(math.log(0.3))
    fixed = build(RunSpec("digits", "vae", hidden=(16,), likelihood="gaussian", variance=0.3), (1, 8, 8))
    assert dict(network.named_parameters()).keys() - dict(fixed.named_parameters()).keys() == {"log_variance"}


@pytest.mark.parametrize("c", [0.02, 0.1, 1.0])
def test_a_variance_is_a_beta_in_disguise(c: float) -> None:
    """c with beta 1, times c / c0, and c0 with beta c / c0 pull at every weight alike."""
    c0 = 0.05
    network = build(RunSpec("digits", "vae", hidden=(16,), likelihood="gaussian"), (1, 8, 8))
    x, noise = torch.rand(9, 64, generator=generator()), torch.randn(9, 2, generator=generator(1))

    def pulls(variance: float, beta: float, scale: float) -> tuple[float, list[torch.Tensor]]:
        network.zero_grad()
        loss = scale * beta_loss(*elbo(network, x, noise, Gaussian(variance)).values(), beta).mean()
        loss.backward()
        return loss.item(), [parameter.grad.clone() for parameter in network.parameters()]

    (loss, gradients), (other_loss, others) = pulls(c, 1.0, c / c0), pulls(c0, c / c0, 1.0)
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert one.any()
    constant = 32.0 * (math.log(2 * math.pi * c) * c / c0 - math.log(2 * math.pi * c0))
    assert loss - other_loss == pytest.approx(constant, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("model", ["ae", "vae"])
@pytest.mark.parametrize("pixels", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("sizes", [[1] * 20, [20], [13, 7], [16, 4]], ids=str)
def test_the_loss_does_not_depend_on_the_batch_size(model: str, pixels: str, sizes: list[int]) -> None:
    spec = RunSpec("digits", model, hidden=(16,), likelihood=pixels)
    network = build(spec, (1, 8, 8))
    p_x_given_z = likelihood(spec, network)
    x, noise = torch.rand(20, 64, generator=generator()), torch.randn(20, 2, generator=generator(1))

    def mean_loss(images: torch.Tensor, its_noise: torch.Tensor) -> float:
        terms = elbo(network, images, its_noise, p_x_given_z)
        return weighted_sum(terms, weights_at(ELBO.terms, spec, 1.0)).mean().item()

    parts = [mean_loss(a, b) for a, b in zip(x.split(sizes), noise.split(sizes), strict=True)]
    weighted = sum(size * part for size, part in zip(sizes, parts, strict=True)) / 20
    assert weighted == pytest.approx(mean_loss(x, noise), rel=1e-5)


def test_the_elbo_has_one_value_per_image_for_each_term() -> None:
    network = build(RunSpec("digits", "vae", hidden=(16,)), (1, 8, 8))
    x, noise = torch.rand(5, 64, generator=generator()), torch.randn(5, 2, generator=generator(1))
    terms = elbo(network, x, noise, Bernoulli())
    posterior = network.encode(x)
    assert list(terms) == ["reconstruction", "kl"]
    torch.testing.assert_close(terms["kl"], kl_to_standard_normal(*posterior).sum(dim=1))
    z = posterior.mean + (0.5 * posterior.log_var).exp() * noise
    torch.testing.assert_close(terms["reconstruction"], Bernoulli().negative_log_likelihood(network.decode(z), x))


def test_an_autoencoder_has_no_kl_and_ignores_the_noise() -> None:
    network = build(RunSpec("digits", "ae", hidden=(16,)), (1, 8, 8))
    x = torch.rand(5, 64, generator=generator())
    quiet = elbo(network, x, torch.zeros(5, 2), Bernoulli())
    loud = elbo(network, x, torch.full((5, 2), 100.0), Bernoulli())
    assert torch.equal(quiet["kl"], torch.zeros(5))
    assert torch.equal(quiet["reconstruction"], loud["reconstruction"])


def test_gradient_flows_through_z_to_mean_and_log_var() -> None:
    mean, log_var = torch.zeros(3, 2, requires_grad=True), torch.full((3, 2), math.log(4.0), requires_grad=True)
    noise = torch.randn(3, 2, generator=generator())
    Posterior(mean, log_var).sample(noise).sum().backward()
    assert torch.equal(mean.grad, torch.ones(3, 2))  # dz/dmean = 1
    torch.testing.assert_close(log_var.grad, noise)  # dz/dlog_var = sigma / 2 * noise, with sigma = 2


def test_the_loss_reaches_every_parameter_of_a_vae() -> None:
    network = build(RunSpec("digits", "vae", hidden=(16,)), (1, 8, 8))
    x, noise = torch.rand(9, 64, generator=generator()), torch.randn(9, 2, generator=generator(1))
    elbo(network, x, noise, Bernoulli())["reconstruction"].mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_samples_have_the_posteriors_mean_and_variance() -> None:
    samples = 100_000
    posterior = Posterior(torch.tensor([[1.0, -2.0]]), torch.tensor([[math.log(0.25), math.log(9.0)]]))
    z = posterior.sample(torch.randn(samples, 2, generator=generator()))
    torch.testing.assert_close(z.mean(dim=0), torch.tensor([1.0, -2.0]), rtol=0, atol=4 * 3 / math.sqrt(samples))
    torch.testing.assert_close(z.var(dim=0), torch.tensor([0.25, 9.0]), rtol=0.02, atol=0)


def beta_loss(reconstruction, kl, beta: float, weight: float = 1.0):
    return weighted_sum({"reconstruction": reconstruction, "kl": kl}, {"reconstruction": weight, "kl": beta})


def test_a_loss_without_terms_of_any_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight 0"):
        beta_loss(1.0, 2.0, 0.0, 0.0)


def test_any_number_of_terms_is_summed_in_order() -> None:
    terms = {"a": torch.tensor([1.0]), "b": torch.tensor([10.0]), "c": torch.tensor([100.0])}
    assert weighted_sum(terms, {"a": 1.0, "b": 0.5, "c": 2.0}).item() == 206.0


def test_an_infinite_kl_with_beta_0_is_not_nan() -> None:
    assert beta_loss(3.0, math.inf, 0.0) == 3.0
    infinite = beta_loss(torch.tensor([3.0]), torch.tensor([math.inf]), 0.0)
    assert torch.equal(infinite, torch.tensor([3.0]))


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
@settings(max_examples=100, deadline=None)
def test_the_loss_is_reconstruction_plus_beta_times_kl(reconstruction: float, kl: float, beta: float) -> None:
    assert beta_loss(reconstruction, kl, beta) == pytest.approx(reconstruction + beta * kl)


@pytest.mark.parametrize("infinite", [math.inf, math.nan])
def test_an_infinite_reconstruction_of_weight_0_is_not_in_the_loss(infinite: float) -> None:
    assert beta_loss(infinite, 2.0, 3.0, 0.0) == 6.0
    loss = beta_loss(torch.tensor([infinite]), torch.tensor([2.0]), 3.0, 0.0)
    assert torch.equal(loss, torch.tensor([6.0]))


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
@settings(max_examples=100, deadline=None)
def test_both_terms_have_a_weight(reconstruction: float, kl: float, beta: float, weight: float) -> None:
    if beta == weight == 0:
        return
    assert beta_loss(reconstruction, kl, beta, weight) == pytest.approx(weight * reconstruction + beta * kl)


def test_a_warm_up_is_a_straight_line_and_then_flat() -> None:
    weights = [warmed_up(4.0, 8, epochs) for epochs in (0.0, 0.5, 2.0, 4.0, 8.0, 8.5, 1e6)]
    assert weights == [0.0, 0.25, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert [warmed_up(4.0, None, epochs) for epochs in (0.0, 0.1, 9.0)] == [4.0] * 3


def test_the_cross_entropy_is_that_of_the_right_class_and_the_error_counts_wrong_answers() -> None:
    network = build(RunSpec("digits", "classifier", hidden=(4, 8), latent_dim=16), (1, 8, 8)).eval()
    x, noise = torch.rand(50, 64, generator=generator()), torch.zeros(50, 16)
    probabilities = torch.softmax(network.logits(x, noise).double(), dim=1)
    answers = probabilities.argmax(dim=1)
    targets = answers.clone()
    targets[:20] = (targets[:20] + 1) % 10
    nats, error = CROSS_ENTROPY.compute(network, x, noise, targets, Bernoulli()).values()
    torch.testing.assert_close(nats.double(), -probabilities[torch.arange(50), targets].log(), rtol=1e-5, atol=1e-6)
    assert torch.equal(error, (torch.arange(50) < 20).float())
    weights = weights_at(CROSS_ENTROPY.terms, RunSpec("digits", "classifier"), 1.0)
    assert weights == {"cross_entropy": 1.0, "error": 0.0}  # the error has no gradient
    assert CROSS_ENTROPY.targets == "label"


def test_a_memoriser_learns_to_decode_a_number_and_to_name_it() -> None:
    spec = RunSpec("digits", "memoriser", images=10, hidden=(16,))
    network = build(spec, (1, 8, 8))
    p_x_given_z = likelihood(spec, network)
    x = torch.rand(6, 64, generator=generator())
    numbers = torch.tensor([0, 3, 9, 9, 5, 1])
    nats, miss = MEMORISE.compute(network, x, torch.zeros(6, 1), numbers, p_x_given_z).values()
    # Decoded is the image's number, whatever the encoder makes of the image.
    expected = p_x_given_z.negative_log_likelihood(network.decode(numbers[:, None].float()), x)
    torch.testing.assert_close(nats, expected)
    torch.testing.assert_close(miss, (network.position(x) - numbers).square())
    assert weights_at(MEMORISE.terms, spec, 1.0) == {"reconstruction": 1.0, "code_error": 1.0}
    assert MEMORISE.targets == "number"
    # Encoder and decoder have nothing to do with each other: neither waits for the other.
    nats.sum().backward(retain_graph=True)
    assert network.code.weight.grad is None
    network.zero_grad()
    miss.sum().backward()
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in network.decoder.parameters())
    assert network.code.weight.grad.any()


def test_a_memoriser_gives_a_new_image_the_number_that_comes_nearest() -> None:
    spec = RunSpec("digits", "memoriser", images=10, hidden=(16,))
    network = build(spec, (1, 8, 8))
    p_x_given_z = likelihood(spec, network)
    x = torch.rand(6, 64, generator=generator())
    nats, miss = MEMORISE.compute(network, x, torch.zeros(6, 1), torch.full((6,), -1), p_x_given_z).values()
    nearest = network.encode_mean(x)
    torch.testing.assert_close(nats, p_x_given_z.negative_log_likelihood(network.decode(nearest), x))
    torch.testing.assert_close(miss, (network.position(x) - nearest.squeeze(1)).square())
    assert miss.min() > 0


def test_the_elbo_is_the_objective_of_all_other_models_and_beta_its_weight() -> None:
    by_model = {model: named(kind.objective) for model, kind in MODELS.items()}
    assert by_model.pop("memoriser") is MEMORISE
    assert by_model.pop("vq_prior") is CODES
    assert by_model.pop("classifier") is CROSS_ENTROPY
    assert by_model.pop("unet") is TARGET
    assert by_model.pop("perceptual_vae") is PERCEPTUAL
    assert by_model.pop("tc_vae") is TOTAL_CORRELATION
    assert all(objective is ELBO for objective in by_model.values())
    network = build(RunSpec("digits", "vae", hidden=(16,)), (1, 8, 8))
    x, noise = torch.rand(5, 64, generator=generator()), torch.randn(5, 2, generator=generator(1))
    terms = ELBO.compute(network, x, noise, torch.zeros(5), Bernoulli())
    expected = elbo(network, x, noise, Bernoulli())
    assert all(torch.equal(terms[term.name], expected[term.name]) for term in ELBO.terms)
    warmed = RunSpec("digits", "vae", beta=0.3, kl_warm_up=4)
    assert weights_at(ELBO.terms, warmed, 2.0) == {"reconstruction": 1.0, "kl": 0.15}
    assert weights_at(ELBO.terms, RunSpec("digits", "pca"), 1.0) == {"reconstruction": 1.0, "kl": 0.0}


def test_the_kl_is_infinite_where_the_variance_leaves_its_range() -> None:
    log_var = torch.tensor([[88.0, 89.0]])
    kl = kl_to_standard_normal(torch.zeros(1, 2), log_var)
    assert torch.isfinite(kl).tolist() == [[True, False]] and kl[0, 1] == torch.inf
