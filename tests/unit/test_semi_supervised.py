"""M1+M2: its bounds against sums by hand, which labels it sees, and resuming."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from vae_core.datasets import ImageDataset, info, load
from vae_core.datasets.few_labels import labelled
from vae_core.errors import SpecError
from vae_core.models import build, check_base
from vae_core.models.semi_supervised import M2, ByClass
from vae_core.models.semi_supervised_options import m2_fields
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import train
from vae_core.training.semi_supervised import M2Step
from vae_core.training.step import Batch

SHAPE = info("digits").image_shape
BASES = {
    model: RunSpec("digits", model, hidden=(4, 8, 16), latent_dim=3, epochs=2) for model in ("conv_ae", "conv_vae")
}


def on(base: RunSpec, **changes: Any) -> RunSpec:
    shared = m2_fields(base)
    options = {**shared["options"], "labels": 4, "style": 2, "width": 12, **changes.pop("options", {})}
    return RunSpec(model="m2", **{"epochs": 2, **shared, "options": options, **changes})


def model_of(spec: RunSpec) -> M2:
    model = build(spec, SHAPE)
    assert isinstance(model, M2)
    return model


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("m2"))
    for spec in BASES.values():
        get_or_train(made, spec)
    return made


@pytest.fixture(scope="module")
def trained(store: Store) -> Run:
    return get_or_train(store, on(BASES["conv_ae"]))


def parts() -> tuple[ImageDataset, ImageDataset]:
    return load("digits", "train").first(300), load("digits", "validation").first(100)


# The bounds


def test_the_bound_of_every_class_is_that_of_distributions_written_out() -> None:
    model, draw = model_of(on(BASES["conv_ae"])).double(), torch.Generator().manual_seed(3)
    u = torch.randn(5, 3, generator=draw, dtype=torch.float64)
    noise = torch.randn(5, 10, 2, generator=draw, dtype=torch.float64)
    found = model.by_class(u, noise)
    for image in range(5):
        for label in range(10):
            y = torch.zeros(10, dtype=torch.float64)
            y[label] = 1.0
            mean, log_var = model.posterior(torch.cat([u[image], y])).chunk(2)
            q = Independent(Normal(mean, (0.5 * log_var).exp()), 1)
            z = mean + (0.5 * log_var).exp() * noise[image, label]
            predicted = model.conditional(torch.cat([z, y]))
            p_u = Independent(Normal(predicted, (0.5 * model.log_variance_of_codes).exp()), 1)
            prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
            bound = -p_u.log_prob(u[image]) + kl_divergence(q, prior) - math.log(0.1)
            assert found.bound[image, label].item() == pytest.approx(bound.item(), rel=1e-9)
    assert torch.allclose(found.logits, model.classifier(u))


def test_y_is_summed_out_as_by_hand_and_so_is_the_gradient() -> None:
    draw = torch.Generator().manual_seed(0)
    bound = torch.randn(4, 3, generator=draw, dtype=torch.float64, requires_grad=True)
    logits = torch.randn(4, 3, generator=draw, dtype=torch.float64, requires_grad=True)
    found = ByClass(bound, logits).unlabelled()
    q = torch.softmax(logits, dim=1)
    by_hand = [sum(q[i, y] * bound[i, y] + q[i, y] * q[i, y].log() for y in range(3)) for i in range(4)]
    assert torch.allclose(found, torch.stack(by_hand))  # type: ignore[arg-type]
    found.sum().backward()
    assert bound.grad is not None and logits.grad is not None
    assert torch.allclose(bound.grad, q)
    # d/dlogits of Σ q f, f = bound + ln q: q (f - Σ q f), since Σ_y q dln q = 0.
    f = bound + q.log()
    assert torch.allclose(logits.grad, q * (f - (q * f).sum(dim=1, keepdim=True)))
    assert torch.autograd.gradcheck(lambda one, two: ByClass(one, two).unlabelled(), (bound, logits))


def test_the_unlabelled_bound_is_least_where_q_is_the_models_own_posterior() -> None:
    bound = torch.tensor([[1.0, 2.0, 4.0]])
    best = ByClass(bound, -bound).unlabelled().item()
    assert best == pytest.approx(-torch.logsumexp(-bound, dim=1).item(), rel=1e-6)
    assert all(ByClass(bound, torch.randn(1, 3)).unlabelled().item() >= best - 1e-6 for _ in range(20))


def test_labelled_terms_are_those_of_the_label() -> None:
    found = ByClass(torch.arange(6.0).view(2, 3), torch.zeros(2, 3))
    assert found.labelled(torch.tensor([2, 0])).tolist() == [2.0, 3.0]
    assert found.cross_entropy(torch.tensor([2, 0])).tolist() == pytest.approx([math.log(3)] * 2)
    assert found.part(slice(1)).bound.tolist() == [[0.0, 1.0, 2.0]]


# Which labels it sees


def test_the_seed_draws_as_many_of_each_class_and_fewer_are_among_more() -> None:
    labels = load("digits", "train").labels
    few, more = labelled(labels, 3, 5), labelled(labels, 10, 5)
    assert np.bincount(labels[few]).tolist() == [3] * 10 and np.bincount(labels[more]).tolist() == [10] * 10
    assert set(few) <= set(more) and len(set(more)) == 100
    assert np.array_equal(few, labelled(labels, 3, 5)) and not np.array_equal(few, labelled(labels, 3, 6))
    assert len(labelled(labels[:20], 1_000, 0)) == 20  # a class with fewer gives all
    for bad in (lambda: labelled(labels, 0, 0), lambda: labelled(labels[:0], 1, 0)):
        with pytest.raises(ValueError, match="at least one image of each class"):
            bad()


def test_no_other_label_is_looked_at(store: Store) -> None:
    spec, training = on(BASES["conv_ae"]), parts()[0]
    pixels, m1 = torch.from_numpy(training.images.reshape(len(training), -1)), store.load(BASES["conv_ae"].key).model
    models = [model_of(spec), model_of(spec)]
    for model, told in zip(models, (True, False), strict=True):
        model.take_over(m1)
        step, labels = M2Step(spec, model, "float32"), torch.from_numpy(training.labels.copy())
        step.survey(pixels, labels)
        assert np.array_equal(step.few.numpy(), labelled(training.labels, 4, spec.seed))
        assert np.array_equal(step.labels.numpy(), training.labels[step.few])
        if not told:
            labels.zero_()
        step.update(Batch(pixels[:50], torch.arange(50), torch.Generator().manual_seed(1), 0.5, 1e-2))
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, two)


# Training


@pytest.mark.parametrize("base", BASES.values(), ids=BASES.keys())
def test_m1_stays_as_it_is_and_its_code_is_the_runs(store: Store, base: RunSpec) -> None:
    run, m1 = get_or_train(store, on(base)), store.load(base.key)
    for name, array in m1.weights.items():
        assert np.array_equal(run.weights[name], array), name
    assert np.array_equal(run.codes.mean, m1.codes.mean)
    assert run.encoder == m1.encoder and run.decoder == m1.decoder


def test_the_codes_are_standardised_over_the_training_images(trained: Run) -> None:
    x = torch.from_numpy(load("digits", "train").floats())
    u, sigma = trained.model.standard_codes(trained.model.trunk(x))  # type: ignore[operator]
    # Weight and bias are stored in half precision: a code that lies k widths from 0 is shifted by up to k / 1024.
    widths = trained.model.standard.bias.abs()  # type: ignore[union-attr]
    assert (u.mean(dim=0).abs() <= widths / 1024 + 1e-3).all()
    assert torch.allclose(u.std(dim=0), torch.ones(3), atol=2e-2)
    assert torch.equal(sigma, torch.ones_like(u))
    back = trained.model.restore(u)  # type: ignore[operator]
    assert torch.allclose(back, trained.model.encode_mean(x), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("base", BASES.values(), ids=BASES.keys())
def test_a_training_that_was_interrupted_ends_bit_for_bit_the_same(store: Store, base: RunSpec) -> None:
    spec, (training, validation) = on(base, epochs=3), parts()
    states: list[Any] = []
    m1 = store.load(base.key)
    whole = train(spec, training, validation, base=m1, save_state=states.append)
    resumed = train(spec, training, validation, base=m1, resume=states[0])
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    drop = [[{k: v for k, v in one.items() if k != "seconds"} for one in each.history] for each in (whole, resumed)]
    assert drop[0] == drop[1]


def test_it_learns_to_tell_classes_and_says_so(trained: Run) -> None:
    first, last = trained.history[0], trained.history[-1]
    assert last["validation_unlabelled"] < first["validation_unlabelled"]
    assert {"unlabelled", "labelled", "cross_entropy", "error"} <= first.keys()


def test_measured_are_the_shares_that_its_classifier_gets_right(trained: Run) -> None:
    test = load("digits", "test")
    logits = trained.run_program("classify", trained.run_program("features", test.floats()))
    figures = trained.metrics["test"]
    assert figures["accuracy"] == pytest.approx((logits.argmax(axis=1) == test.labels).mean(), abs=2 / len(test))
    log_q = logits.astype(np.float64) - np.log(np.exp(logits.astype(np.float64)).sum(axis=1, keepdims=True))
    assert figures["cross_entropy"] == pytest.approx(-log_q[np.arange(len(test)), test.labels].mean(), rel=1e-3)


# Programs


def test_the_programs_are_torchs(trained: Run, tmp_path: Path) -> None:
    alone = Store(tmp_path)
    alone.save(trained)
    run, model = alone.load(trained.key), trained.model
    assert isinstance(model, M2)
    x = load("digits", "validation").floats()[:20]
    with torch.no_grad():
        u, _ = model.standard_codes(model.trunk(torch.from_numpy(x)))
        y = torch.eye(10)[torch.arange(20) % 10]
        moments = model.posterior(torch.cat([u, y], dim=1))
        z = moments[:, :2]
        made = model.decode(model.restore(model.conditional(torch.cat([z, y], dim=1))))
        logits = model.classifier(u)

    def close(name: str, given: np.ndarray, wanted: Tensor) -> None:
        np.testing.assert_allclose(run.run_program(name, given), wanted.numpy(), rtol=1e-4, atol=1e-4)

    close("features", x, u)
    close("classify", u.numpy(), logits)
    close("posterior", np.concatenate([u, y], axis=1), moments)
    close("conditional", np.concatenate([z, y], axis=1), made)


# What cannot be asked for


def test_a_base_that_has_no_such_codes_is_refused() -> None:
    with pytest.raises(SpecError, match="name a run of model conv_ae or conv_vae"):
        m2_fields(RunSpec("digits", "ae"))
    with pytest.raises(SpecError, match="latent_dim must be 3"):
        check_base(replace(on(BASES["conv_ae"]), latent_dim=4), BASES["conv_ae"])
    with pytest.raises(SpecError, match="at least two classes"):
        RunSpec("heads", "m2")
    with pytest.raises(SpecError, match="labels must be an integer from 1"):
        on(BASES["conv_ae"], options={"labels": 0})
