"""Codes that are entries of a codebook: the nearest one, the straight-through gradient, and how a codebook learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from vae_core.datasets import load
from vae_core.errors import SpecError
from vae_core.metrics.codebook import usage
from vae_core.models import build
from vae_core.models.quantised import FSQ, VQVAE
from vae_core.program.operations import apply as run_program
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import train
from vae_core.training.quantising import VQStep, nearest, straight_through
from vae_core.training.step import Batch

SPEC = RunSpec("digits", "vq_vae", hidden=(8, 8, 8), epochs=2, batch_size=100, options={"entries": 12, "dimensions": 4})
SHAPE = (1, 8, 8)


def batch_of(count: int = 40, epochs_done: float = 0.5, seed: int = 0) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 64), generator=draw, dtype=torch.uint8)
    return Batch(pixels, torch.zeros(count, dtype=torch.long), draw, epochs_done, 1e-3)


def test_the_nearest_entry_is_that_of_cdist() -> None:
    draw = torch.Generator().manual_seed(1)
    rows, codebook = torch.randn(500, 6, generator=draw), torch.randn(33, 6, generator=draw)
    assert torch.equal(nearest(rows, codebook), torch.cdist(rows.double(), codebook.double()).argmin(dim=1))


def test_the_gradient_passes_straight_through() -> None:
    draw = torch.Generator().manual_seed(2)
    vectors = torch.randn(7, 3, generator=draw, requires_grad=True)
    entries, weights = torch.randn(7, 3, generator=draw), torch.randn(7, 3, generator=draw)
    passed = straight_through(vectors, entries)
    assert torch.allclose(passed, entries)
    # Of f(e) = sum w·e², whose gradient at the entries is 2·w·e: that, and not 2·w·z, must reach the vectors.
    (weights * passed.square()).sum().backward()
    assert torch.allclose(vectors.grad, 2 * weights * entries)


@pytest.mark.parametrize("learn_by", ["averages", "loss"])
def test_the_loss_is_summed_over_grid_and_pixels_and_its_gradients_are_the_papers(learn_by: str) -> None:
    spec = replace(SPEC, options={"entries": 12, "dimensions": 4, "learn_by": learn_by})
    model = build(spec, SHAPE)
    assert isinstance(model, VQVAE)
    step = VQStep(spec, model, "float32")
    x = batch_of().pixels.float() / 255
    terms = step.measure(x, x, x)
    z = model.vectors(x)  # (B, h, w, D)
    away = torch.cdist(z.flatten(0, 2), model.codebook)
    squared = away.min(dim=1).values.square().view(len(x), -1).sum(dim=1)
    assert torch.allclose(terms["commitment"], squared, rtol=1e-4) and torch.allclose(
        terms["codebook"], squared, rtol=1e-4
    )
    entries = model.codebook[away.argmin(dim=1)].view_as(z)
    logits = model.images(entries)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
    assert torch.allclose(terms["reconstruction"], expected, rtol=1e-5)
    # d/dz of the commitment is 2 (z - e), and the codebook gets none of it; of the codebook term the reverse.
    (by_z,) = torch.autograd.grad(step._terms(x, z)[0]["commitment"].sum(), z)
    assert torch.allclose(by_z, 2 * (z - entries), atol=1e-5)
    assert step.by_gradient(model.codebook) == (learn_by == "loss")
    weights = {term.name: term.weight(spec, 1.0) for term in step.terms}
    assert weights == {"reconstruction": 1.0, "commitment": 0.25, "codebook": float(learn_by == "loss")}


def test_moving_averages_of_still_vectors_are_k_means() -> None:
    """With vectors that stay and no memory, one step moves every entry to the mean of what is nearest: Lloyd's step."""
    draw = np.random.default_rng(0)
    points = torch.from_numpy(
        np.concatenate([draw.normal(at, 0.3, (60, 2)) for at in ((0, 0), (4, 0), (0, 5))])
    ).float()
    spec = replace(
        SPEC, options={"entries": 3, "dimensions": 2, "decay": 0.0, "restart": False, "start_from": "random"}
    )
    model = build(spec, SHAPE)
    assert isinstance(model, VQVAE)
    step = VQStep(spec, model, "float32")
    begun = points[[0, 70, 130]]
    with torch.no_grad():
        model.codebook.copy_(begun)
    for _ in range(20):
        step.after(points, nearest(points, model.codebook.detach()), batch_of())
    reference = KMeans(3, init=begun.numpy(), n_init=1, tol=0).fit(points.numpy())
    assert np.allclose(model.codebook.detach().numpy(), reference.cluster_centers_, atol=1e-5)
    assert torch.allclose(model.shares, torch.full((3,), 1 / 3))


def test_averages_do_not_move_what_adam_moves_and_the_other_way_round() -> None:
    for learn_by in ("averages", "loss"):
        spec = replace(SPEC, options={"entries": 12, "dimensions": 4, "learn_by": learn_by, "start_from": "random"})
        model = build(spec, SHAPE)
        step = VQStep(spec, model, "float32")
        held = {id(one) for group in step.optimisers[""].param_groups for one in group["params"]}
        assert (id(model.codebook) in held) == (learn_by == "loss")
        before = model.codebook.detach().clone()
        step.update(batch_of())
        assert not torch.equal(before, model.codebook)


def test_it_starts_from_the_data_and_restarts_what_nothing_uses() -> None:
    model = build(SPEC, SHAPE)
    assert isinstance(model, VQVAE)
    step = VQStep(SPEC, model, "float32")
    batch = batch_of()
    with torch.no_grad():
        vectors = model.vectors(batch.pixels.float() / 255)
        step.before(vectors, batch)
    rows = vectors.flatten(0, 2)
    assert (model.codebook[:, None] == rows).all(dim=2).any(dim=1).all()
    assert len(model.codebook.detach().unique(dim=0)) == len(model.codebook)
    with torch.no_grad():
        model.codebook[5:] = 1e3  # where nothing is
        model.shares[5:] = 0.0
    step.after(rows, nearest(rows, model.codebook.detach()), batch_of(epochs_done=0.5))
    assert (model.codebook[5:] > 100).all()  # within an epoch they stay
    step.after(rows, nearest(rows, model.codebook.detach()), batch_of(epochs_done=1.0))
    assert (model.codebook[5:].abs() < 100).all()


def test_fsq_rounds() -> None:
    spec = RunSpec("digits", "fsq", hidden=(8, 8, 8), options={"levels": (7, 3, 3)})
    model = build(spec, SHAPE)
    assert isinstance(model, FSQ) and not model.codebook.requires_grad and len(model.codebook) == 63
    x = batch_of().pixels.float() / 255
    with torch.no_grad():
        for layer in model.trunk:  # wide enough for every level to be met
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.mul_(3)
        bounded = model.vectors(x)
        chosen = model.codebook[model.encode(x).mean.long()].view_as(bounded)
    halves = torch.tensor([3.0, 1.0, 1.0])
    assert torch.allclose(chosen, (bounded * halves).round() / halves, atol=1e-6)
    assert len(chosen.flatten(0, 2).unique(dim=0)) > 5


@pytest.mark.parametrize("model", ["vq_vae", "fsq"])
def test_programs_find_the_same_numbers_and_images(model: str) -> None:
    spec = replace(SPEC, model=model, options=None)
    training, validation = (load("digits", split) for split in ("train", "validation"))
    trained = train(spec, training.first(200), validation.first(50)).model
    from vae_core.program.export import programs_of

    weights = {name: value.numpy() for name, value in trained.state_dict().items()}
    programs = programs_of(trained)
    x = validation.floats()[:30]
    numbers = trained.encode(torch.from_numpy(x)).mean.numpy()
    assert numbers.shape == (30, spec.latent_dim) == (30, 4)
    assert np.array_equal(run_program(programs.encoder, weights, x).reshape(30, -1), numbers)
    decoded = trained.decode(torch.from_numpy(numbers)).detach().numpy()
    assert np.allclose(run_program(programs.decoder, weights, numbers).reshape(30, -1), decoded, atol=1e-4)


def test_the_number_of_codes_follows_from_the_image() -> None:
    assert RunSpec("mnist_sample", "vq_vae").latent_dim == 49 and RunSpec("mnist_sample", "fsq").latent_dim == 49
    assert RunSpec("mnist_sample", "vq_vae", hidden=(8, 8, 8, 8)).latent_dim == 9
    assert RunSpec("mnist_sample", "vq_vae", latent_dim=49) == RunSpec("mnist_sample", "vq_vae")
    with pytest.raises(SpecError, match="latent_dim must be left out"):
        RunSpec("mnist_sample", "vq_vae", latent_dim=48)
    with pytest.raises(SpecError, match="hidden must list"):
        RunSpec("digits", "vq_vae", hidden=(8, 8, 8, 8, 8))
    with pytest.raises(SpecError, match="levels must be odd"):
        RunSpec("digits", "fsq", options={"levels": (8, 5)})
    with pytest.raises(SpecError, match="entries must be an integer"):
        RunSpec("digits", "vq_vae", options={"entries": 0})


def test_one_entry_and_more_entries_than_cells_train() -> None:
    training, validation = (load("digits", split) for split in ("train", "validation"))
    for entries in (1, 900):
        spec = replace(SPEC, epochs=1, options={"entries": entries, "dimensions": 2})
        history = train(spec, training.first(40), validation.first(20)).history
        assert np.isfinite(list(history[-1].values())).all()


@pytest.mark.parametrize("learn_by", ["averages", "loss"])
def test_a_training_that_was_interrupted_ends_with_the_same_codebook(learn_by: str) -> None:
    spec = replace(SPEC, epochs=3, options={"entries": 12, "dimensions": 4, "learn_by": learn_by})
    training, validation = (load("digits", split).first(150) for split in ("train", "validation"))
    states = []
    whole = train(spec, training, validation, save_state=states.append).model
    assert isinstance(whole, VQVAE)
    resumed = train(spec, training, validation, resume=states[0]).model
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())
    assert not torch.equal(whole.codebook, states[0].weights["decoder.1.weight"])


def test_a_stored_run_says_how_its_codebook_is_used(tmp_path: Path) -> None:
    run = get_or_train(Store(tmp_path), replace(SPEC, epochs=1))
    measured = Store(tmp_path).load(run.key).metrics["test"]
    numbers = run.model.encode(torch.from_numpy(load("digits", "test").floats())).mean.numpy()
    expected = usage(numbers, 12)
    assert measured["perplexity"] == pytest.approx(expected.perplexity) and measured["entries"] == 12
    assert measured["independent_bits"] == pytest.approx(expected.bits) and "code_std" not in measured
    assert "kl" not in measured and "negative_elbo" not in measured
    assert run.codes.mean.min() >= 0 and np.array_equal(run.codes.mean, run.codes.mean.round())
