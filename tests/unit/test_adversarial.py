"""Two networks that learn against each other: losses, penalties, who learns from what, and resuming."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_core.datasets import load
from vae_core.errors import SpecError, TrainingDiverged
from vae_core.evaluation.features import classifier_spec
from vae_core.execution import Execution
from vae_core.losses.adversarial import discriminator_loss, minimax, non_saturating, squared_slope
from vae_core.models import build
from vae_core.models.adversarial import GAN, VAEGAN, Discriminator, frozen
from vae_core.models.perceptual import PerceptualVAE
from vae_core.program.export import programs_of
from vae_core.program.forward import run_program
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.adversarial import SLOPE_EVERY, GANStep, VAEGANStep
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import train
from vae_core.training.step import Batch

SHAPE = (1, 8, 8)
SMALL: dict[str, Any] = {"hidden": (8, 8, 16), "latent_dim": 3, "epochs": 2, "batch_size": 100}
GAN_SPEC = RunSpec("digits", "gan", options={"discriminator": (8, 8, 16)}, **SMALL)
VAE_GAN = RunSpec("digits", "vae_gan", options={"discriminator": (8, 8, 16)}, **SMALL)
PERCEPTUAL = RunSpec("digits", "perceptual_vae", options={"of": "any", "channels": (8, 8)}, **SMALL)
CPU = Execution(device="cpu", precision="float32")


def batch_of(count: int = 40, seed: int = 0, rate: float = 1e-3) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 64), generator=draw, dtype=torch.uint8)
    return Batch(pixels, torch.zeros(count, dtype=torch.long), draw, 0.5, rate)


def weights_of(*networks: nn.Module) -> list[Tensor]:
    return [one.detach().clone() for network in networks for one in network.parameters()]


def same(before: list[Tensor], *networks: nn.Module) -> bool:
    return all(map(torch.equal, before, weights_of(*networks)))


def test_losses_are_those_of_the_paper() -> None:
    on_real, on_made = torch.linspace(-6, 6, 50).double(), torch.linspace(4, -5, 50).double()
    d_real, d_made = torch.sigmoid(on_real), torch.sigmoid(on_made)
    assert torch.allclose(discriminator_loss(on_real, on_made), -d_real.log() - (1 - d_made).log())
    assert torch.allclose(non_saturating(on_made), -d_made.log())
    assert torch.allclose(minimax(on_made), (1 - d_made).log())
    undecided = torch.zeros(1)
    assert discriminator_loss(undecided, undecided).item() == pytest.approx(2 * math.log(2))


def test_of_a_made_image_that_is_surely_found_out_only_one_loss_has_a_gradient() -> None:
    sure = torch.tensor([-12.0], requires_grad=True)
    slopes = [torch.autograd.grad(loss(sure).sum(), sure)[0].item() for loss in (non_saturating, minimax)]
    assert slopes[0] == pytest.approx(-1.0, abs=1e-4) and abs(slopes[1]) < 1e-4


def test_the_best_discriminator_between_two_gaussians_is_the_logit_of_the_density_ratio() -> None:
    """Where the loss is least, D = p / (p + q) (Goodfellow et al. 2014, proposition 1): a linear logit here."""
    draw = torch.Generator().manual_seed(0)
    p, q = torch.randn(40_000, generator=draw) + 1, torch.randn(40_000, generator=draw) - 1
    line = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=50)

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = discriminator_loss(line[0] * p + line[1], line[0] * q + line[1]).mean()
        value.backward()
        return value

    optimiser.step(loss)
    assert line.detach().numpy() == pytest.approx([2.0, 0.0], abs=0.05)  # ln N(x; 1, 1) - ln N(x; -1, 1) = 2 x


def test_the_squared_slope_is_that_of_differences_and_of_a_linear_network_its_weights() -> None:
    weights = torch.randn(64, generator=torch.Generator().manual_seed(1)).double()
    x = torch.rand(5, 64, generator=torch.Generator().manual_seed(2)).double()
    assert torch.allclose(squared_slope(lambda one: one @ weights, x), weights.square().sum().expand(5))
    network = Discriminator(SHAPE, (4, 8)).double()
    found = squared_slope(network, x)
    step = 1e-6
    with torch.no_grad():
        slopes = torch.stack(
            [(network(x + step * axis) - network(x - step * axis)) / (2 * step) for axis in torch.eye(64).double()]
        )
    assert torch.allclose(found, slopes.square().sum(dim=0), rtol=1e-4)
    # And its own derivative by the weights, by differences again.
    weight = network.last.weight
    (by_weight,) = torch.autograd.grad(found.sum(), weight)
    with torch.no_grad():
        weight[0, 0] += step
        more = squared_slope(network, x).sum()
        weight[0, 0] -= 2 * step
        less = squared_slope(network, x).sum()
    assert by_weight[0, 0].item() == pytest.approx(((more - less) / (2 * step)).item(), rel=1e-3)


def test_a_batch_of_like_images_is_seen_by_its_spread() -> None:
    network = Discriminator(SHAPE, (4, 8), spread=True)
    with torch.no_grad():
        network.last.weight.zero_()
        network.last.weight[0, -1] = 1.0
        network.last.bias.zero_()
        various, alike = torch.rand(20, 64), torch.rand(1, 64).expand(20, 64)
        deviation = network.hidden(network.features(various)).std(dim=0, correction=0).mean()
        assert torch.allclose(network(various), deviation.expand(20), rtol=1e-3)
        assert network(alike).abs().max() < 1e-3 < 0.1 * deviation


def test_spectral_layers_have_a_largest_singular_value_of_1() -> None:
    spec = replace(GAN_SPEC, options={"discriminator": (8, 8, 16), "regulariser": "spectral"})
    model = build(spec, SHAPE)
    again = build(spec, SHAPE)
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))  # the seed says all
    step = GANStep(spec, model, "float32")
    for rate, count in ((1e-3, 30), (1e-8, 100)):  # at rest at last: each step's iteration is one behind the weights
        for number in range(count):
            step.update(batch_of(seed=number, rate=rate))
    network = model.discriminator.eval()
    largest = [
        torch.linalg.svdvals(layer.weight.detach().flatten(1)).max().item()
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert len(largest) == 4 and largest == pytest.approx([1.0] * 4, rel=0.02)


def test_each_network_learns_from_its_own_loss_alone() -> None:
    model = build(GAN_SPEC, SHAPE)
    assert isinstance(model, GAN)
    step = GANStep(GAN_SPEC, model, "float32")
    before = weights_of(model.discriminator)
    made = torch.sigmoid(model.generator(torch.randn(8, 3)))
    with frozen(model.discriminator):
        step.descend("generator", non_saturating(model.discriminator(made)))
    assert same(before, model.discriminator) and all(one.grad is None for one in model.discriminator.parameters())
    others = weights_of(model.generator, model.decoder, model.discriminator)
    step.descend("inverse", step.inversion(torch.randn(8, 3)))
    assert same(others, model.generator, model.decoder, model.discriminator)
    generator = weights_of(model.generator, model.trunk, model.code)
    step.discriminate(model.discriminator, 0, torch.rand(8, 64), made)
    assert same(generator, model.generator, model.trunk, model.code) and not same(before, model.discriminator)


def test_one_update_of_a_gan_is_three_steps_of_adam_written_out() -> None:
    """The discriminator, then the generator against it, then the inverse on the averaged generator's images."""
    model, other = build(GAN_SPEC, SHAPE), build(GAN_SPEC, SHAPE)
    batch = batch_of()
    step = GANStep(GAN_SPEC, model, "float32")
    reported = step.update(batch)
    draw = batch_of().generator
    x, z = batch_of().pixels.float() / 255, torch.randn(40, 3, generator=draw)

    def adam(parameters: Any, loss: Tensor) -> None:
        chosen = list(parameters)
        slopes = torch.autograd.grad(loss, chosen)
        with torch.no_grad():
            for one, slope in zip(chosen, slopes, strict=True):
                one -= 1e-3 * slope / (slope.abs() + 1e-8)  # a first step of Adam, whatever its memory

    d = other.discriminator
    on_real, on_made = d(x), d(torch.sigmoid(other.generator(z)).detach())
    loss = (-torch.sigmoid(on_real).log() - (1 - torch.sigmoid(on_made)).log()).mean()
    at = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(d(at).sum(), at, create_graph=True)
    penalty = slope.square().sum(dim=1).mean()
    assert reported["discriminator"].mean().item() == pytest.approx(loss.item(), rel=1e-5)
    assert reported["r1"].mean().item() == pytest.approx(SLOPE_EVERY * penalty.item(), rel=1e-4)
    adam(d.parameters(), loss + 0.15 * SLOPE_EVERY * penalty)  # gamma is .3
    loss = -torch.sigmoid(d(torch.sigmoid(other.generator(z)))).log().mean()
    assert reported["generator"].mean().item() == pytest.approx(loss.item(), rel=1e-4)
    adam(other.generator.parameters(), loss)
    share = 1 - 1 / 10  # the average's first step
    with torch.no_grad():
        for average, one in zip(other.decoder.parameters(), other.generator.parameters(), strict=True):
            average += share * (one - average)
        made = torch.sigmoid(other.decoder(z))
    loss = (other.encode(made).mean - z).square().sum(dim=1).mean()
    assert reported["inversion"].mean().item() == pytest.approx(loss.item(), rel=1e-4)
    adam([*other.trunk.parameters(), *other.code.parameters()], loss)
    for name, value in model.state_dict().items():
        # Where a gradient is all but 0 the direction of Adam's first step is a matter of rounding.
        assert (value - other.state_dict()[name]).abs().median() < 1e-6, name


def test_the_discriminator_of_a_vae_gan_gets_nothing_from_the_similarity_and_the_encoder_nothing_from_the_judge() -> (
    None
):
    model = build(VAE_GAN, SHAPE)
    assert isinstance(model, VAEGAN)
    step = VAEGANStep(VAE_GAN, model, "float32")
    x, noise = torch.rand(8, 64), torch.randn(8, 3)
    terms, made = step._images(x, noise, torch.randn(8, 3))
    with frozen(model.discriminator):
        seen = step._seen(x, *made)
        assert not any(one.requires_grad for one in model.discriminator.parameters())
        seen["similarity"].sum().backward(retain_graph=True)
        assert all(one.grad is None for one in model.discriminator.parameters())
        assert all(one.grad is not None for one in step.decoder)
    model.zero_grad()
    # The encoder's own gradients are those of similarity and KL, whatever the judge says: written out.
    step = VAEGANStep(VAE_GAN, model, "float32")
    step.ratio["discriminator"] = 0.0  # so that the features stay those that are looked at here
    start = {name: value.clone() for name, value in model.state_dict().items()}
    step.update(batch_of())
    moved = [one.detach().clone() for one in step.encoder]
    model.load_state_dict(start)
    draw = batch_of().generator
    x = batch_of().pixels.float() / 255
    terms, made = step._images(x, torch.randn(40, 3, generator=draw), torch.randn(40, 3, generator=draw))
    with frozen(model.discriminator):
        loss = (20 * step._seen(x, *made)["similarity"] + terms["kl"]).mean()
    slopes = torch.autograd.grad(loss, step.encoder)
    for one, after, slope in zip(step.encoder, moved, slopes, strict=True):
        expected = one.detach() - 1e-3 * slope / (slope.abs() + 1e-8)
        assert (after - expected).abs().median() < 1e-6


def test_the_judge_sees_data_reconstructions_and_samples_of_the_prior() -> None:
    model = build(VAE_GAN, SHAPE)
    step = VAEGANStep(VAE_GAN, model, "float32")
    x, noise, drawn = torch.rand(6, 64), torch.randn(6, 3), torch.randn(6, 3)
    with torch.no_grad():
        _, made = step._images(x, noise, drawn)
        d = model.discriminator
        sorts = [torch.sigmoid(model.decode(z)) for z in (model.encode(x).sample(noise), drawn)]
        expected = torch.stack([discriminator_loss(d(x), d(one)) for one in sorts]).mean(dim=0)
        found = step.judged(d, x, *made)["discriminator"]
    assert torch.allclose(found, expected, rtol=1e-5)


def test_features_compare_as_written_out_and_stay_frozen() -> None:
    model = build(PERCEPTUAL, SHAPE)
    assert isinstance(model, PerceptualVAE)
    x, y = torch.rand(5, 64), torch.rand(5, 64)
    first, second = model.features[1], model.features[3]
    maps = [[one := first(images.view(-1, *SHAPE)).relu(), second(one).relu()] for images in (x, y)]
    expected = sum(0.5 * (a - b).square().sum(dim=(1, 2, 3)) for a, b in zip(*maps, strict=True))
    assert torch.allclose(model.distances(x, y), expected, rtol=1e-4)
    digits = load("digits", "train").first(200)
    start = {name: value.clone() for name, value in model.features.state_dict().items()}
    base = get_base(model)
    trained = train(PERCEPTUAL, digits, digits, execution=CPU, base=base)
    for name, value in trained.model.features.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(value, base.model.trunk.state_dict()[name]) and not torch.equal(value, start[name])
    assert {"reconstruction", "features", "kl"} <= trained.history[0].keys()


def get_base(model: nn.Module) -> Any:
    """As much of a run as a model begins with: another seed's trunk."""
    other = build(RunSpec("digits", "conv_ae", hidden=(8, 8, 16), latent_dim=3, seed=7), SHAPE)

    class Base:
        model = other

    return Base()


@pytest.mark.parametrize("spec", [GAN_SPEC, VAE_GAN], ids=["gan", "vae_gan"])
def test_stopped_and_resumed_it_ends_as_one_that_was_left_alone(spec: RunSpec) -> None:
    digits, held_out = load("digits", "train").first(350), load("digits", "validation").first(100)
    spec = replace(spec, epochs=3)
    kept: list[Any] = []
    whole = train(spec, digits, held_out, execution=CPU, save_state=kept.append)
    resumed = train(spec, digits, held_out, execution=CPU, resume=kept[0])
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    drop = [{name: one[name] for name in one if name != "seconds"} for one in whole.history]
    assert drop == [{name: one[name] for name in one if name != "seconds"} for one in resumed.history]


@pytest.mark.parametrize("spec", [GAN_SPEC, VAE_GAN], ids=["gan", "vae_gan"])
def test_a_run_is_trained_measured_and_decodes_without_torch(spec: RunSpec, tmp_path: Path) -> None:
    run = get_or_train(Store(tmp_path), spec, execution=CPU)
    z = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    with torch.no_grad():
        logits = run.model.decode(torch.from_numpy(z))
    assert np.allclose(run.decode(z), torch.sigmoid(logits).numpy(), atol=1e-4)
    programs = programs_of(run.model)
    pixels = load("digits", "validation").first(5).floats()
    with torch.no_grad():
        codes = run.model.encode(torch.from_numpy(pixels)).mean.numpy()
    assert np.allclose(run_program(programs.encoder, run.weights, pixels), codes, atol=1e-3)
    assert ("kl" in run.metrics["validation"]) == (spec.model == "vae_gan")


@pytest.mark.parametrize("spec", [GAN_SPEC, VAE_GAN], ids=["gan", "vae_gan"])
def test_training_that_becomes_infinite_stops_with_a_sentence(spec: RunSpec) -> None:
    """However large the losses become, a run goes on as far as they are finite: its failure is a result."""
    digits = load("digits", "train").first(200)
    wild = replace(spec, learning_rate=1.0)
    states: list[Any] = []
    train(wild, digits, digits, execution=CPU, save_state=states.append)
    assert max(states[-1].history[-1].values()) > 1e3
    states[0].weights["discriminator.last.bias"].fill_(math.inf)
    with pytest.raises(TrainingDiverged, match="no longer a finite number"):
        train(wild, digits, digits, execution=CPU, resume=states[0])


REFUSED = {
    "too many channels": (
        {"model": "gan", "options": {"discriminator": (8, 8, 8, 8, 8, 8)}},
        "discriminator must list",
    ),
    "one width": ({"model": "vae_gan", "options": {"discriminator": (8,)}}, "discriminator must list"),
    "binarised": ({"model": "gan", "binarised": True}, "binarised must be left out"),
    "samples": ({"model": "vae_gan", "samples": 5}, "samples must be left out"),
    "a KL's weight": ({"model": "gan", "beta": 2.0}, "beta must be left out"),
    "a Gaussian": ({"model": "gan", "likelihood": "gaussian"}, "likelihood must be bernoulli"),
    "no such loss": ({"model": "gan", "options": {"loss": "hinge"}}, "loss must be non_saturating or minimax"),
    "nothing to rebuild": (
        {"model": "perceptual_vae", "options": {"feature_weight": 0.0}},
        "feature_weight and pixel_weight cannot both be 0",
    ),
}


@pytest.mark.parametrize(("fields", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_go_together_is_said(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        RunSpec("mnist", **fields)


def test_what_it_begins_with_must_be_there_and_fit(tmp_path: Path, project: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(SpecError, match="begins with a trained run"):
        store.base(RunSpec("digits", "perceptual_vae"))
    assert store.base(VAE_GAN) is None  # it may begin with nothing
    small = {"hidden": (8, 8, 16), "epochs": 1, "batch_size": 200}
    vae = get_or_train(store, RunSpec("digits", "conv_vae", latent_dim=3, **small), execution=CPU)  # type: ignore[arg-type]
    warm = replace(VAE_GAN, options={"of": vae.key, "discriminator": (8, 8, 16)})
    base = store.base(warm)
    assert base is not None
    model = build(warm, SHAPE)
    model.take_over(base.model)  # type: ignore[operator]
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in base.model.state_dict().items())
    with pytest.raises(SpecError, match="latent_dim must be 3"):
        store.base(replace(warm, latent_dim=4))
    shipped = Store(project / "checkpoints")
    of_mnist = next(key for key in shipped.keys() if key.startswith("conv_vae-mnist-d16"))
    with pytest.raises(SpecError, match="dataset must be 'mnist', as of conv_vae-mnist-d16"):  # of the same image size
        shipped.base(RunSpec("mnist_sample", "vae_gan", options={"of": of_mnist}))
    with pytest.raises(SpecError, match="is no convolutional VAE"):
        other = get_or_train(store, RunSpec("digits", "ae", hidden=(8,), epochs=1), execution=CPU)
        store.base(replace(warm, options={"of": other.key}))
    with pytest.raises(SpecError, match="has no features that could compare"):
        store.base(replace(PERCEPTUAL, options={"of": other.key, "channels": (8, 8)}))
    features = {"of": vae.key, "channels": (8, 8)}
    assert store.base(replace(PERCEPTUAL, options=features)) is not None
    with pytest.raises(SpecError, match="channels must be"):
        store.base(replace(PERCEPTUAL, options={**features, "channels": (8, 4)}))
    with pytest.raises(SpecError, match="saw images of 1 by 8 by 8"):
        store.base(RunSpec("mnist", "perceptual_vae", options=features))
    measuring = shipped.load(classifier_spec("digits").key)
    store.save(measuring)
    with pytest.raises(SpecError, match="measures the images of digits"):
        channels = measuring.spec.hidden[:-1]
        store.base(replace(PERCEPTUAL, options={"of": measuring.key, "channels": channels}))
