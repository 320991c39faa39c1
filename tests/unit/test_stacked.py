from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vae_core.datasets import ImageDataset
from vae_core.errors import SpecError, TrainingDiverged
from vae_core.execution import Execution
from vae_core.losses.likelihoods import likelihood
from vae_core.models import MODELS, build
from vae_core.models.vae import VAE
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.state import TrainingState
from vae_core.storage.store import Store
from vae_core.sweep import engines, parse_weights, plan
from vae_core.training.jobs import get_or_train, train_together
from vae_core.training.loop import Progress, Trained
from vae_core.training.loop import train as train_as_asked
from vae_core.training.stacked import Member, can_stack, train_stack

Make = Callable[..., RunSpec]
CPU = {"execution": Execution(device="cpu", precision="float32")}
WEIGHTS: dict[str, dict[str, Any]] = {
    "beta 0": {"beta": 0.0},
    "beta 0.1": {"beta": 0.1},
    "beta 1": {},
    "beta 4": {"beta": 4.0},
    "KL only": {"reconstruction_weight": 0.0},
    "warm-up": {"kl_warm_up": 2},
}
KINDS: dict[str, dict[str, Any]] = {
    "Bernoulli": {},
    "Gaussian": {"likelihood": "gaussian", "variance": 0.1},
    "continuous Bernoulli": {"likelihood": "continuous_bernoulli"},
    "learned variance": {"likelihood": "gaussian", "variance": 0.1, "learned_variance": True},
    "samples, tanh": {"samples": 3, "binarised": True, "activation": "tanh", "start_at_mean": True},
    "convolutions": {"model": "conv_vae", "hidden": (4, 8, 16), "epochs": 2, "batch_size": 250},
    "total correlation": {"model": "tc_vae", "hidden": (4, 8, 16), "epochs": 2, "batch_size": 250},
}


def train(spec: RunSpec, training: ImageDataset, validation: ImageDataset, **options: Any) -> Trained:
    return train_as_asked(spec, training, validation, **{**CPU, **options})


def members(make: Make, **changes: Any) -> list[RunSpec]:
    return [make(**{"epochs": 3, **changes, **weights}) for weights in WEIGHTS.values()]


def assert_near(one: Trained, other: Trained, name: str) -> None:
    weights, expected = one.model.state_dict(), other.model.state_dict()
    assert weights.keys() == expected.keys()
    for part in expected:
        torch.testing.assert_close(weights[part], expected[part], rtol=1e-5, atol=1e-5, msg=f"{name}: {part}")
    assert [record["epoch"] for record in one.history] == [record["epoch"] for record in other.history]
    for record, wanted in zip(one.history, other.history, strict=True):
        assert record.keys() == wanted.keys()
        losses = {part: value for part, value in wanted.items() if part != "seconds"}
        assert {part: record[part] for part in losses} == pytest.approx(losses, rel=1e-4, abs=1e-6), name
    assert one.snapshots.keys() == other.snapshots.keys()
    for epoch, codes in other.snapshots.items():
        np.testing.assert_allclose(one.snapshots[epoch].astype(float), codes.astype(float), rtol=2e-3, atol=1e-3)


def ruined(state: TrainingState) -> TrainingState:
    weights = {name: value.clone() for name, value in state.weights.items()}
    next(iter(weights.values())).view(-1)[0] = math.nan
    return replace(state, weights=weights)


def after_epoch_1(specs: list[RunSpec], training: ImageDataset, validation: ImageDataset) -> list[TrainingState]:
    states: dict[int, TrainingState] = {}

    def keep(member: Member) -> None:
        states.setdefault(member.index, member.state)

    train_stack(specs, training, validation, on_epoch=keep, **CPU)
    assert [states[place].epoch for place in range(len(specs))] == [1] * len(specs)
    return [states[place] for place in range(len(specs))]


# One model


def test_a_learned_variance_ends_at_the_mean_squared_error_of_sampled_reconstructions(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    options = {"likelihood": "gaussian", "variance": 0.5, "learned_variance": True, "beta": 1.0}
    spec = small_spec(**options, hidden=(32,), epochs=40, batch_size=64, learning_rate=1e-2)
    trained = train(spec, training, validation)
    x = torch.from_numpy(training.floats())
    noise = torch.randn(len(x), 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        z, _ = trained.model.sample_latent(x, noise)
        error = (trained.model.decode(z) - x).square().mean().item()
    learned = trained.model.log_variance.exp().item()
    assert learned == pytest.approx(error, rel=0.1)
    assert learned < 0.2  # and not where it began


def test_a_stored_run_has_the_variance_it_learned(small_spec: Make, tmp_path: Path) -> None:
    spec = small_spec(likelihood="gaussian", variance=0.5, learned_variance=True, learning_rate=1e-2)
    store = Store(tmp_path)
    get_or_train(store, spec, **CPU)
    run = store.load(spec.key)
    chosen = run.likelihood
    learned = float(run.weights["log_variance"])
    assert chosen.variance == math.exp(learned)
    assert abs(learned - math.log(0.5)) > 0.01
    x, output = torch.rand(2, 4, 64, generator=torch.Generator().manual_seed(0))
    expected = -torch.distributions.Normal(output, math.exp(0.5 * learned)).log_prob(x).sum(dim=1)
    torch.testing.assert_close(chosen.negative_log_likelihood(output, x), expected)
    torch.testing.assert_close(likelihood(spec, run.model).negative_log_likelihood(output, x), expected)


def test_the_kl_alone_leaves_the_decoder_as_it_was_and_ends_at_the_prior(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec = small_spec(reconstruction_weight=0.0, epochs=6, learning_rate=1e-2)
    trained = train(spec, training, validation)
    first, last = build(spec, training.image_shape).state_dict(), trained.model.state_dict()
    for name in first:
        assert torch.equal(first[name], last[name]) == name.startswith("decoder"), name
    assert trained.history[-1]["validation_kl"] < 0.01
    assert trained.history[0]["kl"] > 0.01


def test_the_kl_alone_can_be_interrupted_and_resumed_bit_for_bit(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, same_weights: Callable[..., bool]
) -> None:
    spec, states = small_spec(reconstruction_weight=0.0, epochs=3), []
    whole = train(spec, training, validation, save_state=states.append)
    resumed = train(spec, training, validation, resume=states[0])
    assert same_weights(whole.model, resumed.model)


def test_a_warm_up_begins_like_a_small_beta_and_is_none_once_it_is_over(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    kl = {
        name: train(small_spec(epochs=4, learning_rate=1e-2, **weights), training, validation).history[0]["kl"]
        for name, weights in {"none": {"beta": 4.0}, "all": {"beta": 4.0, "kl_warm_up": 4}, "0": {"beta": 0.0}}.items()
    }
    assert kl["none"] < kl["all"] < kl["0"]


# Many as one program


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_ends_where_each_member_ends_alone(
    kind: str, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    specs = members(small_spec, **KINDS[kind])
    results = train_stack(specs, training, validation, **CPU)
    assert sorted(results) == list(range(len(specs)))
    for place, (name, spec) in enumerate(zip(WEIGHTS, specs, strict=True)):
        result = results[place]
        assert isinstance(result, Trained)
        assert_near(result, train(spec, training, validation), name)


@pytest.mark.parametrize("kind", ["Bernoulli", "learned variance", "samples, tanh"])
def test_a_resumed_stack_ends_where_an_uninterrupted_one_ends(
    kind: str, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    specs = members(small_spec, **KINDS[kind])
    states = after_epoch_1(specs, training, validation)
    whole = train_stack(specs, training, validation, **CPU)
    told: list[int] = []
    resumed = train_stack(
        specs, training, validation, resume=states, on_epoch=lambda member: told.append(member.state.epoch), **CPU
    )
    assert told == [2] * len(specs) + [3] * len(specs)
    for place, name in enumerate(WEIGHTS):
        assert_near(resumed[place], whole[place], name)  # type: ignore[arg-type]


def test_a_member_goes_on_alone_from_where_its_stack_stopped(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    specs = members(small_spec)
    for spec, state in zip(specs, after_epoch_1(specs, training, validation), strict=True):
        alone = train(spec, training, validation, resume=state)
        assert_near(alone, train(spec, training, validation), spec.key)


@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_member_that_diverges_leaves_the_others_alone(
    place: int, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    specs = members(small_spec)
    states = after_epoch_1(specs, training, validation)
    whole = train_stack(specs, training, validation, resume=states, **CPU)
    broken = [ruined(state) if number == place else state for number, state in enumerate(states)]
    told: list[int] = []
    results = train_stack(
        specs, training, validation, resume=broken, on_epoch=lambda member: told.append(member.index), **CPU
    )
    stopped = results.pop(place)
    assert isinstance(stopped, TrainingDiverged)
    assert str(stopped).startswith(f"training {specs[place].key} stopped in epoch 2: the loss is no longer a finite")
    others = [number for number in range(len(specs)) if number != place]
    assert sorted(results) == others
    assert told == others + others
    for number in others:
        assert_near(results[number], whole[number], specs[number].key)  # type: ignore[arg-type]


OTHER = {
    "seed": {"seed": 1},
    "widths": {"hidden": (8,)},
    "dimensions": {"latent_dim": 3},
    "epochs": {"epochs": 4},
    "batches": {"batch_size": 64},
    "learning rate": {"learning_rate": 1e-3},
    "likelihood": {"likelihood": "gaussian"},
    "images": {"images": 100},
    "model": {"model": "conv_vae", "hidden": (4, 8, 16)},
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER.keys())
def test_models_that_differ_in_anything_else_are_refused(
    change: dict[str, Any], small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    with pytest.raises(SpecError, match=r"may differ in beta, reconstruction_weight, kl_warm_up only\.$"):
        train_stack([small_spec(beta=0.5), small_spec(**change)], training, validation, **CPU)


@pytest.mark.parametrize(("model", "change"), [("pca", {"hidden": ()}), ("classifier", {"hidden": (4, 8)})])
def test_a_model_without_a_posterior_to_stack_is_refused(
    model: str, change: dict[str, Any], training: ImageDataset, validation: ImageDataset
) -> None:
    with pytest.raises(SpecError, match=f"^model '{model}' cannot be trained as one program"):
        train_stack([RunSpec("digits", model, **change)] * 2, training, validation, **CPU)


def build_normalised(spec: RunSpec, image_shape: tuple[int, int, int]) -> VAE:
    """A VAE whose features are normalised by moving averages, which are buffers."""
    pixels, width = math.prod(image_shape), spec.hidden[-1]
    trunk = nn.Sequential(nn.Linear(pixels, width), nn.BatchNorm1d(width), nn.ReLU())
    return VAE(trunk, width, spec.latent_dim, nn.Sequential(nn.Linear(spec.latent_dim, pixels)))


@pytest.fixture
def normalised(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a model with batch norm."""
    kind = replace(MODELS["vae"], title="Normalised VAE", place=f"{__name__}:build_normalised")
    monkeypatch.setitem(MODELS, "normalised", kind)
    return "normalised"


def test_a_network_that_keeps_moving_averages_is_no_part_of_a_stack(
    normalised: str, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    assert all(can_stack(small_spec(**kind)) for kind in KINDS.values())
    spec = small_spec(model=normalised)
    assert not can_stack(spec)
    with pytest.raises(SpecError, match=r"^model 'normalised' cannot be trained as one program"):
        train_stack([spec, small_spec(model=normalised, beta=4.0)], training, validation, **CPU)


def test_a_sweep_on_a_gpu_trains_such_a_network_in_processes(
    normalised: str, small_spec: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[tuple[str, str]] = []
    monkeypatch.setattr(engines, "_on_gpu", lambda device: True)
    for name in ("train_stacked", "train_in_processes"):
        started = lambda plan, store, name=name, **options: began.append((name, plan.specs[0].model)) or {}
        monkeypatch.setattr(engines, name, started)
    for model in ("vae", normalised):
        made = plan(small_spec(model=model), parse_weights("0,1"))
        assert engines.run_sweep(made, Store(tmp_path), **CPU) == {}
    assert began == [("train_stacked", "vae"), ("train_in_processes", "normalised")]


# As runs of a store


def assert_same_run(one: Run, other: Run) -> None:
    assert one.spec == other.spec
    assert one.metrics.keys() == other.metrics.keys()
    for split, expected in other.metrics.items():
        for name in ("n", "mse", "reconstruction", "kl", "negative_elbo"):
            assert one.metrics[split][name] == pytest.approx(expected[name], rel=1e-3, abs=1e-4), (split, name)
    assert len(one.history) == len(other.history)
    assert one.snapshot_epochs == other.snapshot_epochs


@pytest.fixture(scope="module")
def alone(small_spec: Make, shared_folder: Path) -> dict[str, Run]:
    """The members, each trained by itself."""
    store = Store(shared_folder / "alone")
    return {spec.key: get_or_train(store, spec, **CPU) for spec in members(small_spec)}


def test_members_trained_together_are_ordinary_runs(alone: dict[str, Run], small_spec: Make, tmp_path: Path) -> None:
    specs, store, finished = members(small_spec), Store(tmp_path), []
    assert train_together(store, specs, on_finish=finished.append, **CPU) == {}
    assert sorted(run.key for run in finished) == sorted(spec.key for spec in specs) == store.keys()
    for spec in specs:
        assert_same_run(store.load(spec.key), alone[spec.key])
        assert store.load_partial(spec) is None
        assert not store.partial_path(spec.key).exists()


def test_members_interrupted_after_different_epochs_are_resumed_and_finish(
    alone: dict[str, Run], small_spec: Make, tmp_path: Path
) -> None:
    specs, store = members(small_spec), Store(tmp_path)
    calls: list[str] = []

    def stop(spec: RunSpec, progress: Progress) -> None:
        calls.append(spec.key)
        if len(calls) == len(specs) + 2:  # the second member's second epoch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_together(store, specs, on_epoch=stop, **CPU)
    begun = {spec.key: store.load_partial(spec).epoch for spec in specs}  # type: ignore[union-attr]
    assert sorted(begun.values()) == [1] * (len(specs) - 2) + [2, 2]
    assert store.keys() == []

    epochs: dict[str, list[int]] = {spec.key: [] for spec in specs}
    together = train_together(
        store, specs, on_epoch=lambda spec, progress: epochs[spec.key].append(progress.epoch), **CPU
    )
    assert together == {}
    assert epochs == {key: list(range(epoch + 1, 4)) for key, epoch in begun.items()}
    for spec in specs:
        assert_same_run(store.load(spec.key), alone[spec.key])


def test_a_member_that_exists_is_not_trained_again(alone: dict[str, Run], small_spec: Make, tmp_path: Path) -> None:
    specs, store = members(small_spec), Store(tmp_path)
    for spec in specs[:4]:
        store.save(alone[spec.key])
    before = {spec.key: store.path(spec.key).read_bytes() for spec in specs[:4]}
    trained: list[str] = []
    options = {"on_epoch": lambda spec, progress: trained.append(spec.key), **CPU}
    assert train_together(store, specs, **options) == {}
    assert set(trained) == {spec.key for spec in specs[4:]}
    assert {key: store.path(key).read_bytes() for key in before} == before
    trained.clear()
    assert train_together(store, specs, **options) == {}
    assert trained == []


def test_a_member_that_diverges_is_named_and_the_others_are_kept(small_spec: Make, tmp_path: Path) -> None:
    specs, store = members(small_spec)[:3], Store(tmp_path)

    def stop(spec: RunSpec, progress: Progress) -> None:
        if spec.key == max(spec.key for spec in specs):
            raise KeyboardInterrupt  # all have finished an epoch

    with pytest.raises(KeyboardInterrupt):
        train_together(store, specs, on_epoch=stop, **CPU)
    state = store.load_partial(specs[1])
    assert state is not None
    store.save_partial(specs[1], ruined(state))
    failures = train_together(store, specs, **CPU)
    assert list(failures) == [specs[1].key]
    assert isinstance(failures[specs[1].key], TrainingDiverged)
    assert store.keys() == sorted([specs[0].key, specs[2].key])


def test_a_member_that_somebody_else_trains_is_waited_for(small_spec: Make, tmp_path: Path) -> None:
    specs, store = members(small_spec)[:3], Store(tmp_path)
    begun, others_done, order = threading.Event(), threading.Event(), []

    def hold(progress: Progress) -> None:
        begun.set()
        assert others_done.wait(60)

    def finished(run: Run) -> None:
        order.append(run.key)
        if len(order) == 2:
            others_done.set()

    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(get_or_train, store, specs[0], on_epoch=hold, **CPU)
        assert begun.wait(60)
        assert train_together(store, specs, on_finish=finished, **CPU) == {}
        assert store.keys() == sorted(spec.key for spec in specs)  # also the one held elsewhere
        assert sorted(order) == sorted(spec.key for spec in specs[1:])
        assert elsewhere.result().key == specs[0].key


def test_a_stack_whose_members_all_diverge_ends_with_all_of_them_named(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    specs = members(small_spec)[:2]
    states = [ruined(state) for state in after_epoch_1(specs, training, validation)]
    results = train_stack(specs, training, validation, resume=states, **CPU)
    assert [type(results[place]) for place in (0, 1)] == [TrainingDiverged, TrainingDiverged]
    assert all(specs[place].key in str(results[place]) for place in (0, 1))
