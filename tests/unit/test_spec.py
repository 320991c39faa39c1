from __future__ import annotations

import json
import math
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core.errors import SpecError
from vae_core.models import MODELS
from vae_core.spec import MAX_EPOCHS, MAX_HIDDEN_LAYERS, MAX_HIDDEN_UNITS, MAX_IMAGES, MAX_LATENT_DIM, RunSpec
from vae_core.storage.manifest import MANIFEST, SHIPPED, read_manifest
from vae_core.storage.store import Store

LONG = "x" * 10_000
NOT_A_COUNT = [0, -1, 10**6, 10**400, True, False, 2.0, "2", math.nan, [2], LONG]
NOT_A_NUMBER = [math.nan, math.inf, -math.inf, -1, -1e-9, 10**400, True, "1", [1.0], LONG]


def short(value: object) -> str:
    return repr(value)[:40]


def spec(**changes: Any) -> RunSpec:
    return RunSpec(**{"dataset": "digits", "model": "vae", **changes})


@st.composite
def specs(draw: st.DrawFn) -> RunSpec:
    model = draw(st.sampled_from(list(MODELS)))
    kind = MODELS[model]
    likelihood = draw(st.sampled_from(kind.likelihoods))
    # What every dataset here has room for: 64 pixels, and three halvings of 8.
    layers = {"mlp": (1 if model == "memoriser" else 0, MAX_HIDDEN_LAYERS), "conv": (2, 4), "linear": (0, 0)}
    least, most = layers[kind.family]
    bounds = {"memoriser": (1, 1), "classifier": (2, MAX_LATENT_DIM), "pca": (1, 64)}
    dimensions = bounds.get(model if kind.family != "linear" else "pca", (1, MAX_LATENT_DIM))
    return RunSpec(
        dataset=draw(st.sampled_from(["mnist", "mnist_sample", "digits", "fashion_mnist", "kmnist"])),
        model=model,
        latent_dim=None if kind.latent_dim_of else draw(st.integers(*dimensions)),
        hidden=tuple(draw(st.lists(st.integers(1, MAX_HIDDEN_UNITS), min_size=least, max_size=most))),
        likelihood=likelihood,
        beta=draw(st.none() | st.floats(1 if model == "factor_vae" else 0, 1e6))
        if kind.bottleneck.has_posterior
        else None,
        variance=draw(st.none() | st.floats(1e-9, 1e6)) if likelihood == "gaussian" else None,
        epochs=draw(st.integers(1, MAX_EPOCHS)),
        batch_size=draw(st.integers(1, 1_024 if model == "tc_vae" else 65_536)),
        learning_rate=draw(st.floats(1e-12, 1.0)),
        seed=draw(st.integers(0, 2**31 - 1)),
        images=draw((st.nothing() if model == "memoriser" else st.none()) | st.integers(64, MAX_IMAGES)),
    )


def assert_one_short_sentence(message: str) -> None:
    assert len(message) <= 300  # that there is no such model names all that there are
    assert "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize("value", NOT_A_COUNT, ids=short)
@pytest.mark.parametrize("field", ["latent_dim", "epochs", "batch_size"])
@pytest.mark.parametrize("model", ["vae", "classifier"])
def test_a_count_that_cannot_be_trained_is_refused_and_named(model: str, field: str, value: object) -> None:
    with pytest.raises(SpecError) as refused:
        spec(model=model, **{field: value})
    assert str(refused.value).startswith(field)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("field", ["epochs", "batch_size", "learning_rate", "seed"])
def test_a_field_without_a_usual_value_of_the_model_cannot_be_none(field: str) -> None:
    with pytest.raises(SpecError, match=f"^{field} must be an? .*, not None"):
        spec(**{field: None})


@pytest.mark.parametrize("value", [*NOT_A_COUNT[:2], 1, MAX_IMAGES + 1, *NOT_A_COUNT[3:]], ids=short)
def test_images_is_a_count_of_at_least_2(value: object) -> None:
    with pytest.raises(SpecError, match=r"^images must be an integer from 2 to 10,000,000") as refused:
        spec(images=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("field", ["latent_dim", "seed", "beta", "learning_rate"])
def test_a_number_too_long_to_print_is_refused_all_the_same(field: str) -> None:
    with pytest.raises(SpecError, match=rf"^{field} must be .*, not a number of thousands of digits\.$"):
        spec(**{field: 10**5000})


@pytest.mark.parametrize("value", [-1, 2**31, True, 0.0, "0", None])
def test_a_seed_is_a_whole_number_of_31_bits(value: object) -> None:
    with pytest.raises(SpecError, match=r"^seed must be an integer from 0 to 2,147,483,647"):
        spec(seed=value)


@pytest.mark.parametrize("value", NOT_A_NUMBER, ids=short)
def test_beta_is_a_finite_number_at_least_0(value: object) -> None:
    with pytest.raises(SpecError, match=r"^beta must be a number at least 0") as refused:
        spec(beta=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", [*NOT_A_NUMBER, 0, 0.0], ids=short)
def test_variance_is_a_finite_number_above_0(value: object) -> None:
    with pytest.raises(SpecError, match=r"^variance must be a number above 0"):
        spec(likelihood="gaussian", variance=value)


@pytest.mark.parametrize("value", [*NOT_A_NUMBER, 0, 1.5, None], ids=short)
def test_the_learning_rate_is_above_0_and_at_most_1(value: object) -> None:
    with pytest.raises(SpecError, match=r"^learning_rate must be a number above 0 and at most 1"):
        spec(learning_rate=value)


@pytest.mark.parametrize("value", [(0,), (-1,), (True,), (MAX_HIDDEN_UNITS + 1,), ("16",), (2.5,), (None,)])
def test_each_hidden_width_is_checked(value: object) -> None:
    with pytest.raises(SpecError, match=r"^each hidden width must be an integer"):
        spec(hidden=value)


@pytest.mark.parametrize("value", [5, "512,256", {"a": 1}, (8,) * (MAX_HIDDEN_LAYERS + 1)])
def test_hidden_is_a_short_list(value: object) -> None:
    with pytest.raises(SpecError, match=r"^hidden must list at most 8 layer widths"):
        spec(hidden=value)


@pytest.mark.parametrize("value", ["imagenet", "", "MNIST", LONG, "../mnist", None, 3, ["mnist"]], ids=short)
def test_an_unknown_dataset_is_refused_with_the_names_there_are(value: object) -> None:
    with pytest.raises(SpecError, match=r"there is no dataset .* choose one of mnist, mnist_sample, digits") as refused:
        spec(dataset=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", ["goodfellow", "", "VAE", LONG, None, 3, ["vae"]], ids=short)
def test_an_unknown_model_is_refused_with_the_names_there_are(value: object) -> None:
    with pytest.raises(SpecError, match=rf"there is no model .* choose one of {', '.join(MODELS)}\.") as refused:
        spec(model=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", ["poisson", "", LONG, 1, ["bernoulli"]], ids=short)
def test_an_unknown_likelihood_is_refused_with_the_names_there_are(value: object) -> None:
    with pytest.raises(
        SpecError, match="likelihood must be one of bernoulli, gaussian, continuous_bernoulli"
    ) as refused:
        spec(likelihood=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("beta", [1.0, 1, 1e-9, math.nan, "0"])
def test_an_autoencoder_takes_no_beta(beta: object) -> None:
    with pytest.raises(SpecError, match="beta must be left out for model 'ae'"):
        spec(model="ae", beta=beta)


@pytest.mark.parametrize("beta", [None, 0, 0.0])
def test_an_autoencoder_has_beta_0(beta: float | None) -> None:
    made = spec(model="ae", beta=beta)
    assert made.beta == 0.0
    assert made.kl_weight == 0.0


def test_a_variance_is_refused_for_bernoulli_pixels() -> None:
    with pytest.raises(SpecError, match="variance belongs to the Gaussian likelihood"):
        spec(variance=0.05)


def test_what_is_left_out_gets_its_default() -> None:
    assert spec().beta == 1.0
    assert spec().variance is None
    assert spec(likelihood="gaussian").variance == 0.05


USUAL = {
    "ae": (2, (512, 256), "bernoulli", 0.0, None),
    "vae": (2, (512, 256), "bernoulli", 1.0, None),
    "conv_ae": (2, (16, 32, 64), "bernoulli", 0.0, None),
    "conv_vae": (2, (16, 32, 64), "bernoulli", 1.0, None),
    "pooled_ae": (2, (16, 32, 66), "bernoulli", 0.0, None),
    "linear_ae": (2, (), "gaussian", 0.0, 0.05),
    "pca": (2, (), "gaussian", 0.0, 0.05),
    "pixels": (2, (), "gaussian", 0.0, 0.05),
    "memoriser": (1, (256, 256), "gaussian", 0.0, 0.05),
    "vq_vae": (4, (32, 32, 32), "bernoulli", 0.0, None),  # 8 × 8 pixels, halved twice
    "fsq": (4, (32, 32, 32), "bernoulli", 0.0, None),
    "vq_prior": (4, (32, 32, 32), "bernoulli", 0.0, None),
    "gan": (16, (16, 32, 64), "bernoulli", 0.0, None),
    "vae_gan": (16, (16, 32, 64), "bernoulli", 1.0, None),
    "perceptual_vae": (16, (16, 32, 64), "bernoulli", 1.0, None),
    "tc_vae": (6, (16, 32, 64), "bernoulli", 1.0, None),
    "factor_vae": (6, (16, 32, 64), "bernoulli", 1.0, None),
    "flat_fsq": (6, (16, 32, 64), "bernoulli", 0.0, None),
    "m2": (32, (16, 32, 64), "bernoulli", 0.0, None),
    "unet": (32, (8, 16, 32, 32), "bernoulli", 0.0, None),
    "classifier": (64, (32, 64, 64), "bernoulli", 0.0, None),
}


@pytest.mark.parametrize("model", MODELS)
def test_each_model_has_its_usual_fields_and_none_stands_for_them(model: str) -> None:
    images = {"images": 10} if model == "memoriser" else {}
    made = spec(model=model, **images)
    assert (made.latent_dim, made.hidden, made.likelihood, made.beta, made.variance) == USUAL[model]
    assert spec(model=model, latent_dim=None, hidden=None, likelihood=None, **images) == made


@pytest.mark.parametrize("model", ["pca", "pixels"])
def test_a_computed_model_has_one_key_however_it_is_said_to_be_trained(model: str) -> None:
    made = spec(model=model)
    said = {"epochs": 99, "batch_size": 7, "learning_rate": 0.5, "seed": 12}
    assert spec(model=model, **said) == made
    assert (made.epochs, made.batch_size, made.learning_rate, made.seed) == (1, 128, 1.5e-3, 0)
    assert spec(model=model, latent_dim=3).key != made.key
    assert spec(model=model, images=100).key != made.key


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        spec().beta = 2.0  # type: ignore[misc]


def test_writing_a_default_out_gives_the_same_run() -> None:
    assert spec(beta=1, hidden=[512, 256], learning_rate=1.5e-3).key == spec().key
    assert spec(likelihood="gaussian", variance=0.05).key == spec(likelihood="gaussian").key
    assert spec(model="ae", beta=0).key == spec(model="ae").key


def test_keys_of_shipped_procedures_never_change() -> None:
    # A change here orphans every checkpoint in the world. If the procedure changed its results, raise RECIPE.
    assert RunSpec("mnist", "vae").key == "vae-mnist-d2-b1-a25452c82e"
    assert RunSpec("mnist", "ae").key == "ae-mnist-d2-9d296f841e"
    assert (
        spec(latent_dim=5, beta=0.5, likelihood="gaussian", hidden=(), epochs=3, seed=7).key
        == "vae-digits-d5-b0.5-691ec8df6d"
    )


@pytest.mark.skipif(not MANIFEST.exists(), reason="no runs are shipped yet")
def test_shipped_files_still_have_the_keys_of_their_specs() -> None:
    shipped = [line for line in Store(SHIPPED).listing() if line.spec]
    assert shipped
    assert [line.spec.key for line in shipped if line.spec] == [line.key for line in shipped]
    assert {line.key for line in shipped} <= {made.key for made in read_manifest()}


USUAL_WEIGHTS: list[dict[str, Any]] = [
    {"reconstruction_weight": 1},
    {"reconstruction_weight": 1.0},
    {"kl_warm_up": 0},
    {"learned_variance": False},
    {"reconstruction_weight": 1.0, "kl_warm_up": 0, "learned_variance": False},
    {"samples": 1, "binarised": False, "activation": "relu", "start_at_mean": False},
    {"corruption": "none"},
]


@pytest.mark.parametrize("usual", USUAL_WEIGHTS, ids=str)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_a_weight_at_its_usual_value_is_as_if_left_out(likelihood: str, usual: dict[str, Any]) -> None:
    plain, said = spec(likelihood=likelihood, epochs=3), spec(likelihood=likelihood, epochs=3, **usual)
    assert said == plain
    assert said.key == plain.key
    assert said.to_dict() == plain.to_dict()
    assert said.canonical_json() == plain.canonical_json()
    assert not {name for usual in USUAL_WEIGHTS for name in usual} & set(said.to_dict())


WEIGHED: list[dict[str, Any]] = [
    {"reconstruction_weight": 0.5},
    {"reconstruction_weight": 0},
    {"reconstruction_weight": 2, "beta": 0},
    {"kl_warm_up": 1},
    {"kl_warm_up": 30},
    {"likelihood": "gaussian", "learned_variance": True},
    {"likelihood": "gaussian", "learned_variance": True, "kl_warm_up": 3, "reconstruction_weight": 0.1},
    {"samples": 2},
    {"samples": 5},
    {"binarised": True},
    {"activation": "tanh"},
    {"start_at_mean": True},
    {"samples": 2, "binarised": True, "activation": "tanh", "start_at_mean": True},
    {"corruption": "gaussian"},
    {"corruption": "gaussian", "corruption_level": 0.25},
    {"corruption": "blur", "corruption_level": 1.5},
]


@pytest.mark.parametrize("change", WEIGHED, ids=str)
def test_a_weight_is_in_the_key_and_comes_back_from_json(change: dict[str, Any]) -> None:
    made = spec(**change)
    without = {name: value for name, value in change.items() if name in ("likelihood", "beta")}
    assert made.key != spec(**without).key
    back = RunSpec.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False)))
    assert back == made
    assert back.key == made.key
    assert {name: made.to_dict()[name] for name in change} == change


def test_the_weights_have_keys_of_their_own() -> None:
    keys = [spec(**change).key for change in WEIGHED]
    assert len(set(keys)) == len(keys)


def test_the_key_of_the_kl_alone_says_so() -> None:
    assert spec(reconstruction_weight=0).key.startswith("vae-digits-d2-kl-")
    assert spec(reconstruction_weight=0, beta=4, images=100).key.startswith("vae-digits-d2-kl-n100-")
    assert spec(reconstruction_weight=0.5, beta=4).key.startswith("vae-digits-d2-b4-")
    assert spec(reconstruction_weight=0).data_weight == 0.0
    assert spec().data_weight == 1.0


@pytest.mark.parametrize("value", NOT_A_NUMBER, ids=short)
def test_the_reconstructions_weight_is_a_finite_number_at_least_0(value: object) -> None:
    sentence = "^reconstruction_weight must be a number at least 0 and at most 1e[+]06, not "
    with pytest.raises(SpecError, match=sentence) as refused:
        spec(reconstruction_weight=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", [-1, 4, 10**400, True, False, 2.0, math.nan, "2", LONG], ids=short)
def test_a_warm_up_is_no_longer_than_the_training(value: object) -> None:
    with pytest.raises(SpecError, match=r"^kl_warm_up must be an integer from 0 to 3, not ") as refused:
        spec(epochs=3, kl_warm_up=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", [0, 1, "yes", math.nan, [], LONG], ids=short)
@pytest.mark.parametrize("field", ["learned_variance", "binarised", "start_at_mean"])
def test_a_yes_or_no_is_nothing_else(field: str, value: object) -> None:
    with pytest.raises(SpecError, match=rf"^{field} must be true or false, not ") as refused:
        spec(likelihood="gaussian" if field == "learned_variance" else "bernoulli", **{field: value})
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", [0, -1, 1_001, 10**400, True, 2.0, "2", math.nan, [2], LONG], ids=short)
def test_samples_are_a_count_of_at_most_1000(value: object) -> None:
    with pytest.raises(SpecError, match=r"^samples must be an integer from 1 to 1,000, not ") as refused:
        spec(samples=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize("value", ["", "sigmoid", "Tanh", LONG, 1, ["tanh"], {}], ids=short)
def test_an_activation_is_one_of_two(value: object) -> None:
    with pytest.raises(SpecError, match=r"^activation must be relu or tanh, not ") as refused:
        spec(activation=value)
    assert_one_short_sentence(str(refused.value))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"reconstruction_weight": 0, "beta": 0}, "reconstruction_weight and beta cannot both be 0"),
        ({"model": "ae", "reconstruction_weight": 0.5}, "reconstruction_weight must be left out for model 'ae'"),
        ({"model": "ae", "reconstruction_weight": 1}, "reconstruction_weight must be left out for model 'ae'"),
        ({"model": "pca", "kl_warm_up": 1}, "kl_warm_up must be left out for model 'pca'"),
        ({"learned_variance": True}, "learned_variance belongs to the Gaussian likelihood"),
        ({"model": "ae", "likelihood": "gaussian", "learned_variance": True}, "of a model with a KL term"),
        ({"model": "ae", "samples": 2}, "samples must be left out for model 'ae': it samples none"),
        ({"model": "classifier", "samples": 2}, "samples must be left out for model 'classifier'"),
        ({"samples": 600, "batch_size": 128}, "samples times batch_size must be at most 65,536"),
        ({"likelihood": "gaussian", "binarised": True}, "binarised belongs to the Bernoulli likelihood"),
        ({"model": "classifier", "binarised": True}, "binarised belongs to .* an autoencoder"),
        ({"model": "conv_vae", "activation": "tanh"}, "activation must be left out for model 'conv_vae'"),
        ({"model": "linear_ae", "activation": "tanh"}, "activation must be left out for model 'linear_ae'"),
        ({"model": "pca", "start_at_mean": True}, "start_at_mean must be left out for model 'pca'"),
        ({"model": "conv_ae", "start_at_mean": True}, "start_at_mean must be left out for model 'conv_ae'"),
        ({"model": "pca", "corruption": "blur"}, "corruption must be left out for model 'pca': it is not trained to"),
        ({"model": "gan", "corruption": "blur"}, "corruption must be left out for model 'gan'"),
        ({"model": "perceptual_vae", "corruption": "blur"}, "corruption must be left out for model 'perceptual_vae'"),
        ({"model": "classifier", "corruption": "patch"}, "corruption must be left out for model 'classifier'"),
        ({"corruption": "fog"}, "corruption must be one of none, gaussian, unclipped, .* not 'fog'"),
        ({"corruption_level": 0.3}, "corruption_level needs a corruption"),
        ({"corruption": "patch", "corruption_level": 1.5}, "corruption_level must be a number above 0 and at most 1"),
        ({"corruption": "blur", "corruption_level": 0}, "corruption_level must be a number above 0 and at most 10"),
    ],
    ids=str,
)
def test_weights_that_say_nothing_together_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence) as refused:
        spec(**change)
    assert_one_short_sentence(str(refused.value))


@given(specs())
@settings(max_examples=60, deadline=None)
def test_a_key_says_model_dataset_dimension_beta_and_images(made: RunSpec) -> None:
    beta = f"-b{made.kl_weight:g}" if MODELS[made.model].bottleneck.has_posterior else ""
    count = f"-n{made.images}" if made.images else ""
    readable = f"{made.model}-{made.dataset}-d{made.latent_dim}{beta}{count}-"
    assert made.key.startswith(readable)
    digest = made.key.removeprefix(readable)
    assert len(digest) == 10
    assert set(digest) <= set(string.hexdigits.lower())


@given(specs())
@settings(max_examples=60, deadline=None)
def test_a_key_is_a_safe_file_name(made: RunSpec) -> None:
    assert set(made.key) <= set(string.ascii_letters + string.digits + "-_.+")
    assert made.key[0].isalpha()
    assert len(made.key) < 100


@given(specs())
@settings(max_examples=100, deadline=None)
def test_a_spec_comes_back_from_its_json(made: RunSpec) -> None:
    back = RunSpec.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False)))
    assert back == made
    assert back.key == made.key


@given(specs(), specs())
@settings(max_examples=100, deadline=None)
def test_different_specs_have_different_keys(one: RunSpec, other: RunSpec) -> None:
    assert (one.key == other.key) == (one == other)


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "mnist"},
        {"model": "ae"},
        {"latent_dim": 3},
        {"hidden": (512,)},
        {"hidden": (256, 512)},
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "variance": 0.1},
        {"beta": 1.0000001},
        {"epochs": 31},
        {"batch_size": 127},
        {"learning_rate": 1.4e-3},
        {"seed": 1},
        {"images": 100},
    ],
    ids=str,
)
def test_every_field_is_in_the_key(change: dict[str, Any]) -> None:
    assert spec(**change).key != spec().key
    assert spec(**change).key != spec(likelihood="gaussian").key or change == {"likelihood": "gaussian"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "needs the field 'dataset'"),
        ({"dataset": "digits"}, "needs the field 'model'"),
        ({"dataset": "digits", "model": "vae", "colour": 1}, "unknown field 'colour'"),
        ({"dataset": "digits", "model": "vae", LONG: 1}, "unknown field 'xxx"),
        ({"dataset": "digits", "model": "vae", 1: 1, "b": 2}, "unknown field 1"),
        ({"dataset": "digits", "model": "vae", "__class__": "os.system"}, "unknown field '__class__'"),
        ({"dataset": "digits", "model": "vae", "hidden": 5}, "hidden must list"),
        ({"dataset": "digits", "model": "vae", "hidden": {}}, "hidden must list"),
        ({"dataset": "digits", "model": "vae", "epochs": None}, "epochs must be"),
        ({"dataset": "digits", "model": "vae", "images": LONG}, "images must be"),
        ({"dataset": "digits", "model": "vae", "hidden": [LONG]}, "each hidden width"),
        ({"dataset": "digits", "model": "vae", "latent_dim": 10**6}, "latent_dim must be"),
        ({"dataset": "digits", "model": "vae", "beta": 10**400}, "beta must be"),
        ({"dataset": {"$gt": ""}, "model": "vae"}, "there is no dataset"),
        ([], "must be an object"),
        (None, "must be an object"),
        (5, "must be an object"),
        (LONG, "must be an object"),
        (["dataset", "model"], "must be an object"),
    ],
    ids=short,
)
def test_a_hostile_document_is_refused_in_one_short_sentence(values: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence) as refused:
        RunSpec.from_dict(values)
    assert_one_short_sentence(str(refused.value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


FIELDS = sorted(RunSpec.__dataclass_fields__)


@given(st.sampled_from(list(MODELS)), st.dictionaries(st.sampled_from(FIELDS), JSON))
@settings(max_examples=300, deadline=None)
def test_any_json_is_either_a_valid_spec_or_refused_as_one(model: str, values: dict[str, Any]) -> None:
    document = {"dataset": "digits", "model": model, **values}
    try:
        made = RunSpec.from_dict(document)
    except SpecError as refused:
        assert_one_short_sentence(str(refused))
    else:
        assert RunSpec.from_dict(made.to_dict()) == made
