from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from vae_core.datasets import info
from vae_core.errors import SpecError
from vae_core.models import MODELS, ModelKind, build, named
from vae_core.models.autoencoder import Autoencoder
from vae_core.models.conv import POOLED, STRIDED, Scaling, conv_decoder, conv_trunk
from vae_core.models.conv_sizes import conv_sizes
from vae_core.models.memoriser import Memoriser
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest

SIZES = [(1, 28, 28), (1, 8, 8), (1, 9, 9), (3, 13, 10), (1, 7, 31), (2, 5, 4), (1, 2, 2)]


def spec(model: str, dataset: str = "digits", **changes: Any) -> RunSpec:
    return RunSpec(dataset, model, **({"images": 10} if model == "memoriser" else {}), **changes)


def made(model: str, dataset: str = "digits", **changes: Any) -> nn.Module:
    return build(spec(model, dataset, **changes), info(dataset).image_shape)


def maps(network: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    """Shapes of what goes in and out of the convolutions, without the batch."""
    shapes = []
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            shapes.append(tuple(x.shape[1:]))
            last = tuple(layer(x).shape[1:])
        x = layer(x)
    return [*shapes, last]


def sizes(network: nn.Sequential, x: torch.Tensor) -> list[tuple[int, int]]:
    """Heights and widths of its maps, each once, in their order."""
    found: dict[tuple[int, int], None] = {}
    for layer in network:
        x = layer(x)
        if x.ndim == 4:
            found[x.shape[2], x.shape[3]] = None
    return list(found)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def halvings(shape: tuple[int, int, int]) -> int:
    return int(math.log2(min(shape[1:])))


def test_convolutions_halve_mnist_to_14_and_7_and_8_by_8_to_4_and_2() -> None:
    assert maps(conv_trunk((1, 28, 28), (16, 32, 64)), torch.zeros(2, 784)) == [(1, 28, 28), (16, 14, 14), (32, 7, 7)]
    assert maps(conv_trunk((1, 8, 8), (16, 32, 64)), torch.zeros(2, 64)) == [(1, 8, 8), (16, 4, 4), (32, 2, 2)]
    three = conv_trunk((1, 28, 28), (4, 5, 6, 9))
    assert maps(three, torch.zeros(2, 784)) == [(1, 28, 28), (4, 14, 14), (5, 7, 7), (6, 3, 3)]
    assert three(torch.zeros(2, 784)).shape == (2, 9)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("scaling", [STRIDED, POOLED], ids=["strided", "pooled"])
def test_the_mirror_image_gives_every_size_back(shape: tuple[int, int, int], scaling: Scaling) -> None:
    pixels = math.prod(shape)
    for steps in range(1, halvings(shape) + 1):
        hidden = (*range(3, 3 + steps), 11)
        down = sizes(conv_trunk(shape, hidden, scaling), torch.zeros(2, pixels))
        decoder = conv_decoder(5, hidden, shape, scaling)
        assert sizes(decoder, torch.zeros(2, 5)) == down[::-1]
        assert down == conv_sizes(shape, steps)
        assert decoder(torch.zeros(2, 5)).shape == (2, pixels)


def test_a_decoders_output_is_free_to_be_negative() -> None:
    z = 10.0 * torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    for model in ("ae", "vae", "conv_ae", "conv_vae", "pooled_ae", "linear_ae"):
        assert made(model).decode(z).min() < 0.0  # logits, or means that a step may yet correct


@pytest.mark.parametrize(("conv", "mlp"), [("conv_ae", "ae"), ("conv_vae", "vae")])
def test_the_convolutional_model_has_as_many_parameters_as_its_fully_connected_rival(conv: str, mlp: str) -> None:
    one = parameters(made(conv, "mnist", hidden=(16, 32, 64)))
    other = parameters(made(mlp, "mnist", hidden=(128, 64)))
    assert one == pytest.approx(other, rel=0.02)
    assert one == parameters(made(conv, "mnist"))  # the usual one


def test_strided_and_max_pooled_networks_have_as_many_parameters() -> None:
    one, other = (parameters(made(model, "mnist", latent_dim=16)) for model in ("conv_ae", "pooled_ae"))
    assert one == pytest.approx(other, rel=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_initial_weights_come_from_the_seed_and_not_from_the_global_random_state(
    model: str, same_weights: Callable[..., bool]
) -> None:
    trained = MODELS[model].trained
    torch.manual_seed(1)
    one = made(model, seed=3)
    torch.manual_seed(2)
    torch.rand(7)
    assert same_weights(one, made(model, seed=3))
    assert same_weights(one, made(model, seed=4)) is not trained  # a computed model has one seed only
    still = [layer.bias for layer in one.modules() if isinstance(layer, nn.LayerNorm)]  # begins as if it were not there
    learned = [parameter for parameter in one.parameters() if parameter.requires_grad]
    assert all(any(parameter is bias for bias in still) or parameter.abs().max() > 0 for parameter in learned)


@pytest.mark.parametrize("model", ["conv_ae", "conv_vae", "pooled_ae", "classifier", "linear_ae"])
def test_initial_weights_are_uniform_within_pytorchs_default_bounds(model: str) -> None:
    layers = [layer for layer in made(model, "mnist").modules() if hasattr(layer, "weight")]
    assert len(layers) >= 2
    for layer in layers:
        bound = 1 / math.sqrt(nn.init._calculate_fan_in_and_fan_out(layer.weight)[0])
        assert layer.weight.abs().max() <= bound
        assert layer.bias.abs().max() <= bound
        if layer.weight.numel() >= 1_000:
            assert layer.weight.var().item() == pytest.approx(bound**2 / 3, rel=0.1)


class WithTables(Autoencoder):
    """With rows that are looked up, one of them kept at 0."""

    def __init__(self, pixels: int) -> None:
        super().__init__(nn.Sequential(), pixels, 2, nn.Sequential(nn.Linear(2, pixels)))
        self.table = nn.Embedding(500, 20)
        self.padded = nn.Embedding(5, 3, padding_idx=1)


def build_with_tables(spec: RunSpec, image_shape: tuple[int, int, int]) -> WithTables:
    return WithTables(math.prod(image_shape))


def test_the_rows_of_a_table_come_from_the_seed_too(
    monkeypatch: pytest.MonkeyPatch, same_weights: Callable[..., bool]
) -> None:
    monkeypatch.setitem(MODELS, "tables", ModelKind("With tables", f"{__name__}:build_with_tables"))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        one = made("tables", seed=3)
        torch.manual_seed(2)
        assert same_weights(one, made("tables", seed=3))
    other = made("tables", seed=4)
    assert not torch.equal(one.table.weight, other.table.weight)
    assert not torch.equal(one.padded.weight[0], other.padded.weight[0])
    assert one.table.weight.mean().item() == pytest.approx(0.0, abs=0.05)  # N(0, 1), as PyTorch has it
    assert one.table.weight.var().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(one.padded.weight[1], torch.zeros(3)) and one.padded.weight.requires_grad


@pytest.mark.parametrize("model", ["linear_ae", "pca", "pixels"])
def test_linear_models_are_a_line_through_any_two_answers(model: str) -> None:
    network, generator = made(model, latent_dim=3), torch.Generator().manual_seed(0)
    assert [name for name, _ in network.named_parameters()] == [
        "code.weight",
        "code.bias",
        "decoder.0.weight",
        "decoder.0.bias",
    ]
    x, z = torch.rand(2, 64, generator=generator), torch.randn(2, 3, generator=generator)
    for ask, ends in ((network.encode_mean, x), (network.decode, z)):
        middle = ask(ends.mean(dim=0, keepdim=True))
        torch.testing.assert_close(middle, ask(ends).mean(dim=0, keepdim=True))


def test_a_classifiers_dropout_multiplies_its_features_in_training_only() -> None:
    network = made("classifier", latent_dim=16, hidden=(4, 8))
    x = torch.rand(5, 64, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))
    features = network.encode_mean(x)
    assert features.min() == 0.0 < features.max()
    network.train()
    torch.testing.assert_close(network.logits(x, noise), network.decoder(features * (1 + noise)))
    network.eval()
    torch.testing.assert_close(network.logits(x, noise), network.decoder(features))
    assert network.logits(x, noise).shape == (5, 10)


def test_a_classifier_sees_each_training_batch_shifted_by_up_to_2_pixels_of_28() -> None:
    network = made("classifier", "mnist", hidden=(4, 8), latent_dim=16)
    random = torch.Generator().manual_seed(0)
    image = torch.zeros(1, 28, 28)
    image[:, 4:24, 4:24] = torch.rand(1, 20, 20, generator=random)  # a margin as MNIST's
    reach = range(-2, 3)
    shifted = {
        move: network.encode_mean(image.roll(move, dims=(1, 2)).flatten()[None])
        for move in itertools.product(reach, reach)
    }

    network.train()
    counts: dict[tuple[int, int], int] = dict.fromkeys(shifted, 0)
    for _ in range(500):
        noise = torch.randn(6, 16, generator=random)
        seen = network.logits(image.flatten().expand(6, -1), noise)
        same = [
            move
            for move, features in shifted.items()
            if torch.allclose(seen, network.decoder(features * (1 + noise)), rtol=1e-4, atol=1e-5)
        ]
        assert len(same) == 1
        counts[same[0]] += 1
    assert min(counts.values()) >= 6  # 20 on average: even chances for all 25, and none beyond
    network.eval()
    assert torch.equal(network.logits(image.flatten()[None], noise), network.decoder(shifted[0, 0]))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_classifier_takes_batches_of_any_size(count: int) -> None:
    network = made("classifier", "mnist", hidden=(4, 8), latent_dim=2).train()
    assert network.logits(torch.full((count, 784), 0.5), torch.ones(count, 2)).shape == (count, 10)


@pytest.mark.parametrize("images", [2, 3, 10, 300])
def test_a_memorisers_codes_are_whole_numbers_of_its_images(images: int) -> None:
    network = Memoriser(64, (8,), images)
    x = 100.0 * torch.randn(500, 64, generator=torch.Generator().manual_seed(0))  # far off on both sides
    codes = network.encode_mean(x)
    assert codes.shape == (500, 1)
    assert torch.equal(codes, codes.round())
    assert codes.min() == 0
    assert codes.max() == images - 1
    z, posterior = network.sample_latent(x, torch.zeros(500, 1))
    assert torch.equal(z, codes)
    assert posterior.log_var is None
    assert torch.equal(posterior.divergence(), torch.zeros(500))
    assert network.position(x).frac().abs().max() > 0  # what training sees is not rounded


def test_a_memoriser_starts_with_features_that_change_at_every_one_of_its_numbers() -> None:
    network = made("memoriser", hidden=(32, 64))
    places = torch.arange(10.0)[:, None]
    slopes = (1 - network.decoder[:2](places).square()) * network.decoder[0].weight.abs().T  # (10, 64), per number
    assert slopes.max(dim=1).values.min() > 1.0


def test_a_memoriser_tells_its_numbers_apart_whatever_the_precision_around_it() -> None:
    # Half-precision numbers above 256 come in steps of two and more.
    network = made("memoriser")
    x = torch.rand(20, 64, generator=torch.Generator().manual_seed(0))
    numbers = torch.arange(250.0, 600.0)[:, None]
    exact = network.position(x), network.decode(numbers)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network.position(x), exact[0])
        assert torch.equal(network.decode(numbers), exact[1])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "more dimensions than pixels, pca": (
        {"model": "pca", "latent_dim": 65},
        "latent_dim must be at most 64 for model 'pca': there are 64 pixels",
    ),
    "more dimensions than pixels, linear": (
        {"model": "linear_ae", "latent_dim": 785, "dataset": "mnist"},
        "latent_dim must be at most 784 for model 'linear_ae': there are 784 pixels",
    ),
    "more dimensions than pixels, chosen": (
        {"model": "pixels", "latent_dim": 4, "dataset": "s_curve"},
        "latent_dim must be at most 3 for model 'pixels': there are 3 pixels",
    ),
    "more dimensions than images": (
        {"model": "pca", "latent_dim": 11, "images": 10},
        "latent_dim must be at most 10 for model 'pca': there are 10 images to learn from",
    ),
    "one convolution and no width": (
        {"model": "conv_ae", "hidden": (16,)},
        "hidden must list 1 to 3 numbers of channels and one width for model 'conv_ae' on digits",
    ),
    "no convolution": ({"model": "conv_vae", "hidden": ()}, "hidden must list 1 to 3 numbers of channels"),
    "a convolution too many": (
        {"model": "conv_vae", "hidden": (4, 4, 4, 4, 4, 8), "dataset": "mnist"},
        "hidden must list 1 to 4 numbers of channels and one width for model 'conv_vae' on mnist",
    ),
    "a classifier like that": ({"model": "classifier", "hidden": (16,)}, "hidden must list 1 to 3 numbers of channels"),
    "a classifier of one feature": (
        {"model": "classifier", "latent_dim": 1},
        "latent_dim must be at least 2 for a classifier",
    ),
    "convolutions on points": (
        {"model": "conv_ae", "dataset": "s_curve", "hidden": (8, 16)},
        "model 'conv_ae' needs images of at least 2 by 2 pixels; s_curve has none",
    ),
    "a memoriser of all images": ({"model": "memoriser"}, "a memoriser needs .* images: how many to memorise"),
    "a memoriser in the plane": (
        {"model": "memoriser", "images": 10, "latent_dim": 2},
        "a memoriser needs latent_dim 1",
    ),
    "a linear memoriser": ({"model": "memoriser", "images": 10, "hidden": ()}, "at least one hidden layer"),
    "hidden layers for pca": (
        {"model": "pca", "hidden": (16,)},
        "hidden must be left out for model 'pca': it has no hidden layers",
    ),
    "hidden layers for linear": ({"model": "linear_ae", "hidden": (16,)}, "hidden must be left out"),
    "hidden layers for pixels": ({"model": "pixels", "hidden": (16,)}, "hidden must be left out"),
    "coin flips for pca": (
        {"model": "pca", "likelihood": "bernoulli"},
        "likelihood must be gaussian for model 'pca'",
    ),
    "coin flips for a memoriser": (
        {"model": "memoriser", "images": 10, "likelihood": "bernoulli"},
        "likelihood must be gaussian for model 'memoriser'",
    ),
}


@pytest.mark.parametrize(("fields", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_an_architecture_that_cannot_be_built_is_refused_in_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence) as refused:
        RunSpec(**{"dataset": "digits", **fields})
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250


ACCEPTED = [
    {"model": "pca", "latent_dim": 64},
    {"model": "linear_ae", "latent_dim": 10, "images": 10},
    {"model": "pixels", "latent_dim": 3, "dataset": "s_curve"},
    {"model": "conv_ae", "hidden": (4, 8)},
    {"model": "conv_vae", "hidden": (2, 2, 2, 8)},
    {"model": "conv_vae", "hidden": (2, 2, 2, 2, 8), "dataset": "mnist", "likelihood": "gaussian"},
    {"model": "memoriser", "images": 2, "hidden": (8,)},
    {"model": "classifier", "latent_dim": 2, "hidden": (2, 2)},
    {"model": "vae", "hidden": (), "dataset": "s_curve"},
]


@pytest.mark.parametrize("fields", ACCEPTED, ids=str)
def test_an_architecture_at_the_edge_of_what_is_allowed_can_be_built(fields: dict[str, Any]) -> None:
    asked = RunSpec(**{"dataset": "digits", **fields})
    shape = info(asked.dataset).image_shape
    network, pixels = build(asked, shape), math.prod(shape)
    codes = network.encode_mean(torch.zeros(2, pixels))
    assert codes.shape == (2, asked.latent_dim)
    if MODELS[asked.model].bottleneck.decodes:
        assert network.decode(codes).shape == (2, pixels)


def test_an_encoder_as_a_list_of_layers_is_the_encoder() -> None:
    x = torch.rand(4, 64, generator=torch.Generator().manual_seed(0))
    for model in MODELS:
        network = made(model)
        names, layers = zip(*network.encoder_layers(), strict=True) if network.encoder_layers() else ((), ())
        if model == "memoriser":
            assert layers == ()
            continue
        found = nn.Sequential(*layers)(x).flatten(1).float()  # the numbers of a grid are whole
        torch.testing.assert_close(found, network.encode_mean(x))
        assert all(
            network.get_submodule(name) is layer or layer.weight is network.get_submodule(name).weight
            for name, layer in zip(names, layers, strict=True)
        )


def test_the_shipped_runs_keep_their_keys() -> None:
    # Whatever is added to a specification: the files in checkpoints/ are found under these names.
    keys = [made.key for made in read_manifest()]
    assert {"ae-mnist-d2-1486bcdca9", "vae-mnist-d2-b1-6dc7bd31b7"} <= set(keys)
    common: dict[str, Any] = {"latent_dim": 2, "hidden": (512, 256), "epochs": 150, "batch_size": 256}
    common |= {"learning_rate": 0.002, "seed": 0, "likelihood": "bernoulli"}
    assert RunSpec("mnist", "ae", **common).key == "ae-mnist-d2-1486bcdca9"
    assert RunSpec("mnist", "vae", beta=1.0, **common).key == "vae-mnist-d2-b1-6dc7bd31b7"


@pytest.mark.parametrize("model", MODELS)
def test_a_kind_names_the_terms_of_its_loss_that_are_not_in_nats(model: str) -> None:
    kind = MODELS[model]
    terms = getattr(named(kind.step), "terms", named(kind.objective).terms)  # a step of its own has its own
    assert kind.other_units == tuple(term.name for term in terms if term.unit != "nats")


def test_every_kind_is_built_and_says_what_its_objective_needs() -> None:
    x, noise = torch.rand(3, 64, generator=torch.Generator().manual_seed(0)), torch.zeros(3, 64)
    for model, kind in MODELS.items():
        network = made(model)
        assert isinstance(network.decoder, nn.Sequential)
        d = spec(model).latent_dim
        z, code = network.sample_latent(x, noise[:, :d])
        assert z.shape == (3, d)
        assert code.divergence().shape == (3,)
        assert (code.log_var is not None) is bool(code.divergence().any()) is kind.bottleneck.has_posterior
        assert kind.likelihood in kind.likelihoods
