"""A prior over the codes of another run: its mask, its probabilities, what it writes, what it begins with."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from vae_core.cli.commands import app
from vae_core.datasets import load
from vae_core.errors import RunNotFound, SpecError, StoreError
from vae_core.evaluation.written import draw_codes, measure_prior
from vae_core.models import build
from vae_core.models.prior import VQPrior
from vae_core.models.quantised_options import prior_fields
from vae_core.program.modules import one_by_one
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import train

BASE = RunSpec(
    "digits",
    "vq_vae",
    hidden=(8, 8, 8),
    epochs=20,
    batch_size=50,
    learning_rate=5e-3,
    options={"entries": 6, "dimensions": 3},
)
SHAPE = (1, 8, 8)


def prior_spec(base: RunSpec = BASE, *, epochs: int = 2, **options: Any) -> RunSpec:
    fields = prior_fields(base)
    own = {"width": 12, "layers": 2, "heads": 3, **fields.pop("options"), **options}
    return RunSpec(model="vq_prior", epochs=epochs, batch_size=100, options=own, **fields)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("prior"))
    get_or_train(store, BASE)
    return store


@pytest.fixture(scope="module")
def trained(store: Store) -> Run:
    return get_or_train(store, prior_spec(classes=10, epochs=8))


def untrained(**options: Any) -> VQPrior:
    model = build(prior_spec(**options), SHAPE)
    assert isinstance(model, VQPrior)
    for layer in model.prior.modules():  # far from its small start, so that every input counts
        if isinstance(layer, torch.nn.Embedding):
            torch.nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(1))
    return model.eval()


def test_a_later_code_moves_no_earlier_logit_and_the_earlier_ones_do_count() -> None:
    model, labels = untrained(), torch.zeros(1, dtype=torch.long)
    codes = torch.tensor([[1, 2, 3, 4]])
    before = model.logits(codes, labels)
    for cell in range(4):
        changed = codes.clone()
        changed[0, cell] = 5
        after = model.logits(changed, labels)
        assert torch.equal(after[0, : cell + 1], before[0, : cell + 1])
        for later in range(cell + 1, 4):
            assert not torch.allclose(after[0, later], before[0, later], atol=1e-3)


def test_the_class_counts_only_where_it_is_told() -> None:
    codes, labels = torch.tensor([[1, 2, 3, 4]] * 2), torch.tensor([0, 7])
    told, not_told = untrained(classes=10).logits(codes, labels), untrained().logits(codes, labels)
    assert torch.equal(not_told[0], not_told[1])
    assert not torch.allclose(told[0], told[1], atol=1e-3)


def test_the_probabilities_of_all_codes_sum_to_1() -> None:
    base = replace(BASE, options={"entries": 3, "dimensions": 2})
    model = build(prior_spec(base), SHAPE)
    assert isinstance(model, VQPrior)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    nats = model.negative_log_probability(every, torch.zeros(len(every), dtype=torch.long))
    assert nats.neg().double().exp().sum().item() == pytest.approx(1.0, abs=1e-5)


def test_one_by_one_gives_what_all_at_once_gives() -> None:
    model, codes = untrained(), torch.tensor([[1, 2, 3, 4], [0, 5, 5, 1]])
    labels = torch.zeros(2, dtype=torch.long)
    numbers = torch.cat([model.beginnings(labels), codes[:, :-1]], dim=1)
    with torch.no_grad():
        at_once = model.prior(numbers)
        with one_by_one(model.prior) as step:
            rows = torch.cat([step(numbers[:, cell : cell + 1]) for cell in range(4)], dim=1)
        assert torch.allclose(rows, at_once, atol=1e-5)
        assert torch.equal(model.prior(numbers), at_once)  # nothing of it is left


def test_bits_are_the_sum_over_cells_of_a_prior_asked_cell_by_cell(trained: Run) -> None:
    codes = trained.codes.part(slice(0, 20))
    bits = []
    for numbers, label in zip(codes.mean.astype(int), codes.labels, strict=True):
        row, total = np.zeros((1, 4), dtype=np.float32), 0.0
        row[0, 0] = 6 + label
        for cell, number in enumerate(numbers):  # what comes later is still 0: the program must not look at it
            logits = trained.run_program("prior", row).reshape(4, 6)[cell].astype(np.float64)
            total -= logits[number] - np.logaddexp.reduce(logits)
            if cell < 3:
                row[0, cell + 1] = number
        bits.append(total / math.log(2))
    measured = measure_prior(trained, codes)
    assert measured["prior_bits"] == pytest.approx(np.mean(bits), rel=1e-4)
    assert measured["prior_nats"] == pytest.approx(np.mean(bits) * math.log(2), rel=1e-4)
    assert measured["prior_bits_standard_error"] == pytest.approx(np.std(bits, ddof=1) / math.sqrt(20), rel=1e-4)


def test_it_learns_and_its_figures_are_stored(trained: Run) -> None:
    test = trained.metrics["test"]
    assert 0 < test["prior_bits"] < test["independent_bits"] <= test["uniform_bits"]
    assert test["prior_nats"] == pytest.approx(test["prior_bits"] * math.log(2))
    assert set(test["samples"]) == {"uniform", "independent", "prior", "reconstructions"}
    assert test["samples"]["prior"]["frechet"] < test["samples"]["uniform"]["frechet"]
    assert trained.history[-1]["validation_prior"] < trained.history[0]["validation_prior"]


def test_what_is_written_has_the_shares_of_the_prior(trained: Run) -> None:
    model = trained.model
    assert isinstance(model, VQPrior)
    labels = torch.full((4_000,), 3)
    with torch.no_grad():
        shares = torch.softmax(model.logits(torch.zeros(1, 4), labels[:1])[0, 0], dim=0)
    for temperature in (1.0, 2.0):
        drawn = model.write(labels, torch.Generator().manual_seed(0), temperature)
        wanted = shares ** (1 / temperature) / (shares ** (1 / temperature)).sum()
        found = torch.bincount(drawn[:, 0], minlength=6) / len(drawn)
        error = (wanted * (1 - wanted) / len(drawn)).sqrt()
        assert ((found - wanted).abs() <= 4.5 * error + 1e-4).all()
        # The second cell, given the commonest first one.
        first = int(torch.bincount(drawn[:, 0]).argmax())
        seconds = drawn[drawn[:, 0] == first, 1]
        with torch.no_grad():
            logits = model.logits(torch.tensor([[first, 0, 0, 0]]), labels[:1])[0, 1]
        wanted = torch.softmax(logits / temperature, dim=0)
        error = (wanted * (1 - wanted) / len(seconds)).sqrt()
        assert ((torch.bincount(seconds, minlength=6) / len(seconds) - wanted).abs() <= 4.5 * error + 1e-4).all()


def test_what_is_given_stays_and_hostile_temperatures_are_refused_or_written(trained: Run) -> None:
    model = trained.model
    assert isinstance(model, VQPrior)
    labels, draw = torch.zeros(8, dtype=torch.long), torch.Generator().manual_seed(0)
    given = torch.randint(0, 6, (8, 2), generator=draw)
    assert torch.equal(model.write(labels, draw, given=given)[:, :2], given)
    assert torch.equal(model.write(labels, draw, 1e6).unique(), torch.arange(6))
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="temperature must be above 0"):
            model.write(labels, draw, wrong)
    assert len(model.write(labels, draw, 1e-6).unique(dim=0)) == 1  # all of one class: the most probable codes


def test_the_sources_are_what_they_say(trained: Run) -> None:
    labels = np.zeros(4_000, dtype=np.uint8)
    count = len(labels)
    shares = np.bincount(trained.codes.mean.ravel().astype(int), minlength=6) / trained.codes.mean.size
    for source, wanted in (("uniform", np.full(6, 1 / 6)), ("independent", shares)):
        drawn = draw_codes(trained, source, count, labels)
        assert drawn.shape == (count, 4)
        found = np.bincount(drawn.ravel().astype(int), minlength=6) / drawn.size
        assert np.abs(found - wanted).max() < 0.02  # five standard errors
        assert np.array_equal(drawn, draw_codes(trained, source, count, labels))
    assert np.abs(shares - 1 / 6).max() > 0.04  # the two can be told apart


def test_training_moves_nothing_of_the_run_that_it_begins_with(store: Store, trained: Run) -> None:
    base = store.load(BASE.key)
    assert set(base.weights) - set(trained.weights) == {"shares", "sums"}  # of the moving averages
    for name in set(base.weights) & set(trained.weights):
        assert np.array_equal(base.weights[name], trained.weights[name])
    assert np.array_equal(base.codes.mean, trained.codes.mean)
    assert base.metrics["test"]["mse"] == trained.metrics["test"]["mse"]


def test_it_stands_without_the_run_that_it_began_with(trained: Run, tmp_path: Path) -> None:
    alone = Store(tmp_path)
    alone.save(trained)
    found = alone.load(trained.key)
    assert np.array_equal(found.decode(found.codes.mean[:3]), trained.decode(trained.codes.mean[:3]))
    assert measure_prior(found, found.codes) == measure_prior(trained, trained.codes)


def test_a_training_that_was_interrupted_ends_with_the_same_prior(store: Store) -> None:
    spec, base = prior_spec(epochs=3), store.load(BASE.key)
    training, validation = (load("digits", split).first(150) for split in ("train", "validation"))
    states: list[Any] = []
    whole = train(spec, training, validation, base=base, save_state=states.append).model
    resumed = train(spec, training, validation, base=base, resume=states[0]).model
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def other_grid() -> RunSpec:
    return replace(prior_spec(), hidden=(8, 8, 8, 8), latent_dim=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "error", "why"),
    [
        (
            lambda: RunSpec("digits", "vq_prior"),
            SpecError,
            "begins with a trained run: name its key",
        ),
        (
            lambda: prior_spec(replace(BASE, seed=9)),
            RunNotFound,
            "no run 'vq_vae-digits-d4-.*train that first",
        ),
        (lambda: prior_spec(entries=7), SpecError, "entries must be 6, as of vq_vae-digits-d4-"),
        (other_grid, SpecError, r"hidden must be \(8, 8, 8\), as of vq_vae"),
        (lambda: prior_spec(bounded=True), SpecError, "bounded must be False"),
    ],
)
def test_a_prior_that_does_not_fit_is_refused_before_its_first_epoch(
    store: Store, make: Callable[[], RunSpec], error: type[Exception], why: str
) -> None:
    told: list[Any] = []
    with pytest.raises(error, match=why):
        get_or_train(store, make(), on_epoch=told.append)
    assert told == []


def test_specifications_say_what_they_must() -> None:
    with pytest.raises(SpecError, match="has no codes that a prior could learn"):
        prior_fields(RunSpec("digits", "vae"))
    with pytest.raises(SpecError, match="width must be a multiple of heads: 12 is none of 5"):
        prior_spec(heads=5)
    with pytest.raises(SpecError, match="of must be the key of a run"):
        prior_spec(of="../../etc/passwd")
    assert prior_spec().base == BASE.key and BASE.base == ""
    fsq = RunSpec("digits", "fsq", hidden=(8, 8, 8))
    assert prior_spec(fsq).options.entries == 63 and prior_spec(fsq).options.bounded


def test_a_prior_over_an_fsq(tmp_path: Path) -> None:
    store, fsq = Store(tmp_path), RunSpec("digits", "fsq", hidden=(8, 8, 8), epochs=1, options={"levels": (3, 3)})
    base = get_or_train(store, fsq)
    found = get_or_train(store, prior_spec(fsq, epochs=1))
    assert np.array_equal(found.codes.mean, base.codes.mean)


def test_a_manifest_names_the_run_before_those_that_begin_with_it(tmp_path: Path) -> None:
    listed = [BASE.to_dict(), prior_spec().to_dict()]
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"runs": listed}))
    assert [spec.key for spec in read_manifest(path)] == [BASE.key, prior_spec().key]
    path = tmp_path / "reversed.json"
    path.write_text(json.dumps({"runs": listed[::-1]}))
    with pytest.raises(StoreError, match=f"run 1 in .*begins with {BASE.key}, which must come before it"):
        read_manifest(path)


def test_the_command_line_takes_the_rest_from_the_run_that_is_named(store: Store) -> None:
    asked = [
        "train",
        "--model",
        "vq_prior",
        "--store",
        str(store.root),
        "--epochs",
        "2",
        "--batch-size",
        "100",
        "--json",
    ]
    own = [part for text in ("width=12", "layers=2", "heads=3") for part in ("--option", text)]
    result = CliRunner().invoke(app, [*asked, *own, "--option", f"of={BASE.key}"], catch_exceptions=False)
    assert json.loads(result.stdout)["key"] == prior_spec().key
    with pytest.raises(RunNotFound, match="there is no run 'vq_vae-nowhere'"):
        CliRunner().invoke(app, [*asked, "--option", "of=vq_vae-nowhere"], catch_exceptions=False)
    with pytest.raises(SpecError, match="entries must be 6"):
        CliRunner().invoke(
            app, [*asked, *own, "--option", "entries=7", "--option", f"of={BASE.key}"], catch_exceptions=False
        )
