from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core.datasets import ImageDataset
from vae_core.errors import SpecError, TrainingDiverged
from vae_core.evaluation.losses import evaluate
from vae_core.execution import Execution
from vae_core.metrics import mean_squared_error
from vae_core.models import build
from vae_core.models.vae import VAE
from vae_core.program.export import program
from vae_core.spec import RunSpec
from vae_core.training import device, loop, step
from vae_core.training.finish import finish
from vae_core.training.loop import (
    Progress,
    Trained,
    TrainingState,
)
from vae_core.training.loop import train as train_as_asked
from vae_core.training.schedule import (
    MAX_SNAPSHOTS,
    SNAPSHOT_NUMBERS,
    images_per_epoch,
    learning_rate_at,
    snapshot_epochs,
)

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

Make = Callable[..., RunSpec]
HISTORY = {"epoch", "reconstruction", "kl", "validation_reconstruction", "validation_kl", "seconds"}


def train(spec: RunSpec, training: ImageDataset, validation: ImageDataset, **options: Any) -> Trained:
    return train_as_asked(
        spec, training, validation, **{"execution": Execution(device="cpu", precision="float32"), **options}
    )


VARIANTS: dict[str, dict[str, Any]] = {
    "samples": {"samples": 3},
    "binarised": {"binarised": True},
    "binarised autoencoder": {"model": "ae", "binarised": True},
    "binarised convolutions": {"model": "conv_vae", "hidden": (4, 8, 16), "binarised": True, "samples": 2},
    "tanh": {"activation": "tanh"},
    "start at the mean": {"start_at_mean": True},
    "corruption": {"corruption": "gaussian", "corruption_level": 0.3},
    "corruption of a convolutional autoencoder": {"model": "conv_ae", "hidden": (4, 8, 16), "corruption": "patch"},
    "all": {"samples": 2, "binarised": True, "activation": "tanh", "start_at_mean": True},
}


def few(images: ImageDataset, count: int) -> ImageDataset:
    return ImageDataset(images.name, images.split, images.images[:count], images.labels[:count], images.label_names)


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_training_beats_predicting_the_mean_image(
    model: str, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec = small_spec(model=model, hidden=(64,), epochs=20, learning_rate=1e-2, batch_size=64)
    trained = train(spec, training, validation)
    x = validation.floats()
    mean_image = np.broadcast_to(training.floats().mean(axis=0), x.shape)
    with torch.no_grad():
        codes = trained.model.encode_mean(torch.from_numpy(x))
        decoded = torch.sigmoid(trained.model.decode(codes)).numpy()
    assert mean_squared_error(x, decoded) < 0.75 * mean_squared_error(x, mean_image)

    p = np.clip(mean_image, 1e-6, 1 - 1e-6)
    of_the_mean = float(-(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean())
    last = trained.history[-1]
    assert last["validation_reconstruction"] + spec.kl_weight * last["validation_kl"] < of_the_mean - 1.0


def test_a_vae_reports_what_it_measured_after_each_epoch(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec = small_spec(epochs=4)
    history = train(spec, training, validation).history
    assert [record["epoch"] for record in history] == [1, 2, 3, 4]
    assert all(set(record) == HISTORY for record in history)
    assert all(math.isfinite(value) for record in history for value in record.values())
    assert all(record["kl"] > 0 and record["validation_kl"] > 0 for record in history)
    assert history[-1]["validation_reconstruction"] < history[0]["validation_reconstruction"]
    # An untrained decoder says about 1/2 everywhere, ln 2 nats for each of the 64 pixels.
    assert 10 < history[-1]["validation_reconstruction"] < 64 * math.log(2)


def test_an_autoencoder_reports_no_kl(small_spec: Make, training: ImageDataset, validation: ImageDataset) -> None:
    history = train(small_spec(model="ae"), training, validation).history
    assert [(record["kl"], record["validation_kl"]) for record in history] == [(0.0, 0.0)] * 2


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    model: str,
    small_spec: Make,
    training: ImageDataset,
    validation: ImageDataset,
    same_weights: Callable[..., bool],
    without_times: Callable[..., Any],
) -> None:
    spec = small_spec(model=model, seed=3)
    one = train(spec, training, validation)
    torch.manual_seed(99)  # whatever else draws from the global state in between
    other = train(spec, training, validation)
    assert same_weights(one.model, other.model)
    assert without_times(one.history) == without_times(other.history)
    assert all(np.array_equal(one.snapshots[epoch], other.snapshots[epoch]) for epoch in (1, 2))


def test_another_seed_starts_and_ends_elsewhere(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, same_weights: Callable[..., bool]
) -> None:
    specs = small_spec(seed=0), small_spec(seed=1)
    assert not same_weights(*(build(spec, training.image_shape) for spec in specs))
    ends = [train(spec, training, validation) for spec in specs]
    assert not same_weights(ends[0].model, ends[1].model)
    assert ends[0].history[-1]["kl"] != ends[1].history[-1]["kl"]


def test_initial_weights_lie_within_pytorchs_default_bounds(small_spec: Make) -> None:
    first = build(small_spec(hidden=(300,)), (1, 8, 8)).trunk[0]
    bound = 1 / math.sqrt(64)
    assert first.weight.abs().max() <= bound
    # Uniform: the variance is bound^2 / 3 and the mean 0.
    assert first.weight.var().item() == pytest.approx(bound**2 / 3, rel=0.05)
    assert abs(first.weight.mean().item()) < 4 * bound / math.sqrt(3 * first.weight.numel())


@pytest.mark.parametrize("model", ["ae", "vae"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("stopped_after", [1, 3, 4])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    model: str,
    likelihood: str,
    stopped_after: int,
    small_spec: Make,
    training: ImageDataset,
    validation: ImageDataset,
    same_weights: Callable[..., bool],
    without_times: Callable[..., Any],
) -> None:
    spec = small_spec(model=model, likelihood=likelihood, epochs=4)
    states: list[TrainingState] = []
    whole = train(spec, training, validation, save_state=states.append)
    state = states[stopped_after - 1]
    assert state.epoch == stopped_after
    resumed = train(spec, training, validation, resume=state)
    assert same_weights(resumed.model, whole.model)
    assert without_times(resumed.history) == without_times(whole.history)
    assert resumed.snapshots.keys() == whole.snapshots.keys()
    assert all(np.array_equal(resumed.snapshots[epoch], whole.snapshots[epoch]) for epoch in whole.snapshots)


def test_a_run_that_began_with_more_validation_images_is_finished_with_those_that_all_epochs_have(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec = small_spec(epochs=3)
    few = validation.first(30)
    states: list[TrainingState] = []
    train(spec, training, validation, save_state=states.append)
    assert len(states[0].snapshots[1]) > 30
    resumed = train(spec, training, few, resume=states[0])
    run = finish(spec, resumed, training, few, None, None, 0.0)
    assert run.snapshots.shape == (3, 30, spec.latent_dim)
    assert np.array_equal(run.snapshots[0], states[0].snapshots[1][:30])


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_resume_bit_for_bit_too_and_differ_from_the_usual(
    name: str,
    small_spec: Make,
    training: ImageDataset,
    validation: ImageDataset,
    same_weights: Callable[..., bool],
    without_times: Callable[..., Any],
) -> None:
    spec = small_spec(**{"epochs": 3, **VARIANTS[name]})
    states: list[TrainingState] = []
    whole = train(spec, training, validation, save_state=states.append)
    torch.manual_seed(99)  # whatever else draws from the global state in between
    resumed = train(spec, training, validation, resume=states[0])
    assert same_weights(resumed.model, whole.model)
    assert without_times(resumed.history) == without_times(whole.history)
    assert all(np.array_equal(resumed.snapshots[epoch], whole.snapshots[epoch]) for epoch in whole.snapshots)
    assert same_weights(train(spec, training, validation).model, whole.model)
    usual = {name: spec.to_dict()[name] for name in ("model", "hidden")}
    assert not any(
        torch.equal(value, other)
        for value, other in zip(
            whole.model.state_dict().values(),
            train(small_spec(**{**usual, "epochs": 3}), training, validation).model.state_dict().values(),
            strict=True,
        )
    )


def test_several_samples_are_averaged_and_scatter_less(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    # Steps of nearly nothing: the epochs of one run are repeated estimates of one number.
    scatter, means = [], []
    for samples in (1, 16):
        spec = small_spec(samples=samples, epochs=12, learning_rate=1e-12)
        model_history = train(spec, training, validation).history
        losses = [record["reconstruction"] for record in model_history]
        scatter.append(np.std(losses, ddof=1))
        means.append(np.mean(losses))
        # The KL is exact: nothing of it is drawn.
        assert [record["kl"] for record in model_history] == pytest.approx([model_history[0]["kl"]] * 12, rel=1e-5)
    assert means[1] == pytest.approx(means[0], abs=4 * scatter[0] / math.sqrt(12))
    assert 0.1 < scatter[1] / scatter[0] < 0.5  # a quarter, but for chance


def test_binarised_pixels_are_drawn_anew_in_every_step_and_once_for_held_out_images(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    encode = VAE.encode
    monkeypatch.setattr(VAE, "encode", lambda self, x: seen.append(x.clone()) or encode(self, x))
    spec = small_spec(binarised=True, epochs=3, batch_size=len(training))
    train(spec, training, validation)
    learned = [x for x in seen if len(x) == len(training)]
    assert len(learned) == 3
    assert all(set(x.unique().tolist()) == {0.0, 1.0} for x in learned)
    shares = [x.mean(dim=0).numpy() for x in learned]  # of the images in any order
    grey = training.floats()
    error = np.sqrt((grey * (1 - grey)).sum(axis=0)) / len(grey)
    for share in shares:
        assert (np.abs(share - grey.mean(axis=0)) <= 5 * error).all()
    assert not np.array_equal(shares[0], shares[1])
    held_out = [x for x in seen if len(x) == len(validation) and set(x.unique().tolist()) == {0.0, 1.0}]
    assert len(held_out) == 3
    assert all(torch.equal(x, held_out[0]) for x in held_out)
    assert torch.equal(held_out[0], torch.from_numpy(validation.binarised().floats()))


def test_held_out_losses_of_a_binarised_run_are_those_that_evaluate_measures(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec = small_spec(binarised=True, epochs=10, learning_rate=1e-2)
    trained = train(spec, training, validation)
    found = evaluate(trained.model, spec, validation)
    assert found["kl"] == pytest.approx(trained.history[-1]["validation_kl"], rel=1e-5)
    assert found["reconstruction"] == pytest.approx(trained.history[-1]["validation_reconstruction"], rel=0.02)
    assert found["bernoulli_floor"] < 1e-6  # black and white pixels have no entropy
    # A grey-pixel loss would be lower by about the pixels' own entropy.
    assert found == evaluate(trained.model, spec, validation.binarised())


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_a_model_that_starts_at_the_mean_gives_the_mean_image_of_no_features(
    likelihood: str, small_spec: Make, training: ImageDataset
) -> None:
    spec = small_spec(start_at_mean=True, likelihood=likelihood)
    bias = loop.new_model(spec, training).decoder[-1].bias.detach().numpy()
    mean = training.floats().mean(axis=0)
    expected = np.clip(mean, 0.001, 0.999) if likelihood == "bernoulli" else mean
    assert (1 / (1 + np.exp(-bias)) if likelihood == "bernoulli" else bias) == pytest.approx(expected, abs=1e-5)
    usual = loop.new_model(small_spec(likelihood=likelihood), training)
    assert not np.allclose(usual.decoder[-1].bias.detach().numpy(), bias, atol=0.1)


def test_tanh_is_in_every_hidden_layer_and_in_both_programs(small_spec: Make) -> None:
    model = build(small_spec(hidden=(16, 8), activation="tanh"), (1, 8, 8))
    for layers in (model.encoder_layers(), [*model.decoder.named_children()]):
        ops = [record["op"] for record in program((str(name), layer) for name, layer in layers)]
        assert ops == ["linear", "tanh", "linear", "tanh", "linear"]


def test_a_state_stays_as_it_was_saved_and_as_it_was_given(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec = small_spec(epochs=3)
    saved: list[tuple[TrainingState, TrainingState]] = []
    train(spec, training, validation, save_state=lambda state: saved.append((state, copy.deepcopy(state))))
    train(spec, training, validation, resume=saved[0][0])
    for state, as_saved in saved:
        for name in ("weights", "moments"):
            now, then = getattr(state, name), getattr(as_saved, name)
            assert now.keys() == then.keys()
            assert all(torch.equal(now[entry], then[entry]) for entry in now)
        assert state.history == as_saved.history
        assert state.snapshots.keys() == as_saved.snapshots.keys()


def test_a_resumed_run_keeps_the_precision_it_began_with(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    states: list[TrainingState] = []
    spec = small_spec(epochs=2)
    train(
        spec,
        few(training, 128),
        few(validation, 50),
        execution=Execution(precision="bfloat16"),
        save_state=states.append,
    )
    resumed = train(spec, few(training, 128), few(validation, 50), execution=FLOAT32, resume=states[0])
    assert resumed.precision == "bfloat16"


def test_bfloat16_keeps_weights_and_losses_in_float32(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    full = train(small_spec(), training, validation)
    half = train(small_spec(), training, validation, execution=Execution(precision="bfloat16"))
    assert half.precision == "bfloat16"
    assert {value.dtype for value in half.model.state_dict().values()} == {torch.float32}
    assert half.history[-1]["reconstruction"] == pytest.approx(full.history[-1]["reconstruction"], rel=0.02)
    assert half.history[-1]["reconstruction"] != full.history[-1]["reconstruction"]


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nearly_0() -> None:
    steps, peak = 1_000, 2e-3
    rates = [learning_rate_at(step, steps, peak) for step in range(steps + 1)]
    assert rates[0] == pytest.approx(peak / 25)
    assert rates[100] == pytest.approx(peak)
    assert rates[-1] == pytest.approx(peak / 1e4)
    assert max(rates) == rates[100]
    steps_up = np.diff(rates) > 0
    assert steps_up[:100].all()
    assert not steps_up[100:].any()


def test_the_schedule_runs_once_over_all_epochs_also_when_resumed(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int, float]] = []
    monkeypatch.setattr(loop, "learning_rate_at", lambda *step: asked.append(step) or 1e-3)
    states: list[TrainingState] = []
    spec = small_spec(epochs=3, batch_size=500, learning_rate=0.01)
    train(spec, training, validation, save_state=states.append)
    every_step = [(step, 9, 0.01) for step in range(9)]  # 1,437 images are 3 batches
    assert asked == every_step
    asked.clear()
    train(spec, training, validation, resume=states[0])
    assert asked == every_step[3:]


def test_each_epoch_draws_its_own_noise_and_validation_the_same(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    # Steps of nearly nothing: all that differs between the epochs is the noise.
    history = train(small_spec(epochs=3, learning_rate=1e-12), training, validation).history
    assert len({record["reconstruction"] for record in history}) == 3
    held_out = [record["validation_reconstruction"] for record in history]
    assert held_out == pytest.approx([held_out[0]] * 3, rel=1e-6)
    drawn = [record["reconstruction"] for record in history]
    assert max(drawn) - min(drawn) > 10 * (max(held_out) - min(held_out))


def test_each_epoch_takes_every_image_once_in_an_order_of_its_own(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[torch.Tensor] = []
    shuffle = torch.randperm
    monkeypatch.setattr(loop.torch, "randperm", lambda *a, **k: orders.append(shuffle(*a, **k)) or orders[-1])
    train(small_spec(epochs=2), training, validation)
    assert len(orders) == 2
    assert all(torch.equal(order.sort().values, torch.arange(len(training))) for order in orders)
    assert not torch.equal(*orders)


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(1e-6, 1))
@settings(max_examples=200, deadline=None)
def test_the_learning_rate_is_always_positive_and_never_above_its_peak(steps: int, share: float, peak: float) -> None:
    rate = learning_rate_at(min(int(share * steps), steps - 1), steps, peak)
    assert 0 < rate <= peak * (1 + 1e-12)


@given(st.integers(1, 100_000))
@settings(max_examples=200, deadline=None)
def test_snapshots_are_few_and_hold_the_first_and_last_epochs(epochs: int) -> None:
    kept = snapshot_epochs(epochs)
    assert len(kept) <= MAX_SNAPSHOTS
    assert {1, epochs} <= kept
    assert set(range(1, min(epochs, 10) + 1)) <= kept
    assert kept <= set(range(1, epochs + 1))
    assert kept == set(range(1, epochs + 1)) or len(kept) == MAX_SNAPSHOTS


def test_a_snapshot_holds_the_held_out_codes_of_its_epoch(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    trained = train(small_spec(epochs=3), training, validation)
    assert set(trained.snapshots) == {1, 2, 3}
    codes = trained.model.encode_mean(torch.from_numpy(validation.floats()))
    assert trained.snapshots[3].shape == (min(SNAPSHOT_NUMBERS // 2, len(validation)), 2)
    assert np.array_equal(trained.snapshots[3], codes.numpy().astype(np.float16))
    assert not np.array_equal(trained.snapshots[1], trained.snapshots[3])


@pytest.mark.parametrize(("dimensions", "images"), [(1, 360), (2, 360), (20, 50), (600, 1), (1_024, 1)])
def test_a_snapshot_holds_fewer_images_where_codes_are_long(
    dimensions: int, images: int, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    trained = train(small_spec(epochs=1, latent_dim=dimensions), few(training, 100), validation)
    assert trained.snapshots[1].shape == (images, dimensions)


def test_progress_is_told_once_per_epoch_after_the_state_is_saved(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    calls: list[tuple[str, int]] = []
    told: list[Progress] = []

    def on_epoch(progress: Progress) -> None:
        told.append(progress)
        calls.append(("told", progress.epoch))

    def save_state(state: TrainingState) -> None:
        calls.append(("saved", state.epoch))

    trained = train(small_spec(epochs=3), training, validation, on_epoch=on_epoch, save_state=save_state)
    assert calls == [("saved", 1), ("told", 1), ("saved", 2), ("told", 2), ("saved", 3), ("told", 3)]
    assert [progress.epochs for progress in told] == [3, 3, 3]
    assert [progress.record for progress in told] == trained.history
    assert all(progress.images_per_second > 0 for progress in told)
    assert told[0].seconds_left > told[-1].seconds_left == 0.0


def test_an_exploding_loss_stops_with_the_epoch_and_the_run(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, exploding_steps: None
) -> None:
    spec = small_spec(learning_rate=0.5)
    with pytest.raises(TrainingDiverged, match=f"training {spec.key} stopped in epoch 1: .* finite number") as stop:
        train(spec, training, validation)
    assert "smaller learning rate than 0.5" in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_weights_that_the_last_step_ruined_are_noticed(
    beta: float, small_spec: Make, training: ImageDataset, validation: ImageDataset, exploding_steps: None
) -> None:
    # One step per epoch: the training loss is of the weights before the step, and finite.
    spec = small_spec(beta=beta, epochs=1, batch_size=2_000)
    with pytest.raises(TrainingDiverged, match=rf"training {spec.key} stopped in epoch 1: .*reconstruction \d"):
        train(spec, training, validation)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_nan_weights_stop_the_run_in_their_epoch_and_keep_the_epoch_before(
    beta: float, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    spec, states = small_spec(beta=beta, epochs=3), []
    train(spec, training, validation, save_state=states.append)
    state = states[0]
    next(iter(state.weights.values())).view(-1)[0] = math.nan
    saved: list[TrainingState] = []
    with pytest.raises(TrainingDiverged, match=f"training {spec.key} stopped in epoch 2"):
        train(spec, training, validation, resume=state, save_state=saved.append)
    assert saved == []


@pytest.mark.parametrize(
    ("count", "shown"), [(1, 5_000), (2, 5_000), (300, 5_100), (999, 5_994), (1_000, 1_000), (1_437, 1_437)]
)
def test_an_epoch_is_whole_passes_and_several_over_a_few_images(count: int, shown: int) -> None:
    assert images_per_epoch(count) == shown


def test_a_pass_over_a_few_images_shows_each_equally_often(
    small_spec: Make, training: ImageDataset, validation: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    floats = step.floats
    monkeypatch.setattr(step, "floats", lambda pixels: seen.append(pixels) or floats(pixels))
    told: list[Progress] = []
    one_image = few(validation, 1)
    train(small_spec(epochs=1, batch_size=700), few(training, 300), one_image, on_epoch=told.append)
    shown = torch.cat([pixels for pixels in seen if len(pixels) > 1])
    images, times = shown.unique(dim=0, return_counts=True)
    assert len(images) == 300  # no two of them are the same
    assert times.tolist() == [17] * 300
    record = told[0].record
    assert told[0].images_per_second == pytest.approx(5_100 / record["seconds"])


@pytest.mark.parametrize("count", [1, 100, 128, 129])
def test_any_number_of_images_trains(
    count: int, small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    trained = train(small_spec(epochs=1), few(training, count), few(validation, 1))
    assert math.isfinite(trained.history[0]["reconstruction"])
    assert trained.snapshots[1].shape == (1, 2)


def test_the_first_epochs_loss_is_a_mean_over_images_whatever_the_batch(
    small_spec: Make, training: ImageDataset, validation: ImageDataset
) -> None:
    # A learning rate of nearly nothing: each batch size measures the same untrained network.
    losses = [
        train(small_spec(model="ae", epochs=1, batch_size=size, learning_rate=1e-12), training, validation).history[0]
        for size in (1437, 1000, 100)
    ]
    assert losses[1]["reconstruction"] == pytest.approx(losses[0]["reconstruction"], rel=1e-5)
    assert losses[2]["reconstruction"] == pytest.approx(losses[0]["reconstruction"], rel=1e-5)


@pytest.mark.parametrize("explodes", [False, True])
def test_training_leaves_the_callers_arithmetic_alone(
    explodes: bool,
    small_spec: Make,
    training: ImageDataset,
    validation: ImageDataset,
    request: pytest.FixtureRequest,
) -> None:
    # Flushing denormal numbers to zero, left on, would change every later sum in this thread.
    denormal = np.array([5e-324])
    assert (denormal + denormal)[0] > 0
    if explodes:
        request.getfixturevalue("exploding_steps")
        with pytest.raises(TrainingDiverged):
            train(small_spec(), training, validation)
    else:
        train(small_spec(), training, validation)
    assert (denormal + denormal)[0] > 0


def test_training_changes_no_image(small_spec: Make, training: ImageDataset, validation: ImageDataset) -> None:
    before = training.images.copy(), validation.images.copy()
    train(small_spec(epochs=1), training, validation)
    assert np.array_equal(training.images, before[0])
    assert np.array_equal(validation.images, before[1])


@pytest.mark.parametrize("name", ["gpu", "", "cuda:99", "x" * 10_000, "cpu; rm"], ids=lambda name: name[:10])
def test_a_device_that_is_not_there_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(SpecError, match="is not available here; use 'auto' or 'cpu'") as refused:
        device.choose_device(name)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("name", ["float16", "", "x" * 10_000], ids=lambda name: name[:10])
def test_an_unknown_precision_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(SpecError, match="precision must be auto, float32 or bfloat16") as refused:
        device.choose_precision(name, torch.device("cpu"))
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("by_images", "measured"), [({8: 0.04}, 0.04), ({8: 0.5, 256: 3.0}, 3.0), ({8: 2.0, 256: 0.9}, 0.9)]
)
def test_many_images_are_tried_only_where_few_leave_hope(
    by_images: dict[int, float], measured: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_speedup", lambda _, images: by_images[images])
    assert device.bfloat16_speedup.__wrapped__("cpu") == measured


@pytest.mark.parametrize(("speedup", "chosen"), [(0.04, "float32"), (1.29, "float32"), (1.31, "bfloat16")])
def test_bfloat16_is_chosen_only_where_it_was_measured_faster(
    speedup: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "bfloat16_speedup", lambda _: speedup)
    assert device.choose_precision("auto", torch.device("cpu")) == chosen
    assert device.choose_precision("float32", torch.device("cpu")) == "float32"
    assert device.choose_precision("bfloat16", torch.device("cpu")) == "bfloat16"
