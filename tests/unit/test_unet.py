"""A U-Net: what it is, what it learns, how it is measured, and that a forged one gets a sentence."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score
from torch import nn
from torch.nn import functional

from vae_core.datasets import load
from vae_core.errors import SpecError, UnreadableRun
from vae_core.evaluation.masks import CLASSICAL, cut, smaller_part, tuned
from vae_core.evaluation.targets import measure_targets
from vae_core.execution import Execution
from vae_core.losses.likelihoods import Bernoulli
from vae_core.losses.objectives import TARGET
from vae_core.metrics.overlap import intersection_over_union
from vae_core.models import build
from vae_core.models.unet import UNet
from vae_core.program.modules import Skip
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.schema import check_tensors
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress, resident, train
from vae_core.training.step import Batch
from vae_core.training.targets import TargetStep

SMALL: dict[str, Any] = {"hidden": (4, 6, 8), "latent_dim": 8, "epochs": 2, "batch_size": 500, "images": 100}
CPU = Execution(device="cpu", precision="float32")


def spec(**options: Any) -> RunSpec:
    return RunSpec("textured", "unet", **SMALL, options={"target": "mask", **options})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return get_or_train(Store(tmp_path_factory.mktemp("unet")), spec(), execution=CPU)


def test_masks_overlap_as_scikit_learn_says(rng: np.random.Generator) -> None:
    found, wanted = rng.random((2, 20, 50)) < np.array([0.3, 0.6])[:, None, None]
    each = intersection_over_union(found, wanted)
    assert each == pytest.approx([jaccard_score(y, x) for x, y in zip(found, wanted, strict=True)])
    full, none = np.ones((1, 4), bool), np.zeros((1, 4), bool)
    known = [intersection_over_union(*pair)[0] for pair in ((full, full), (full, none), (none, none))]
    assert known == [1.0, 0.0, 1.0]
    with pytest.raises(ValueError, match="masks must be bool"):
        intersection_over_union(full, np.ones((1, 5), bool))
    with pytest.raises(ValueError, match="masks must be bool"):
        intersection_over_union(full.astype(float), full)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14)])
def test_it_gives_an_image_of_the_size_that_it_sees(skips: bool, shape: tuple[int, int, int]) -> None:
    network = UNet(spec(skips=skips), shape)
    x = torch.rand(5, int(np.prod(shape)))
    assert network.predict(x).shape == x.shape
    assert network.encode(x).mean.shape == (5, 8)
    assert any(isinstance(layer, Skip) for layer in network.modules()) is skips


def test_without_skips_everything_passes_through_the_code() -> None:
    x = torch.rand(2, 784)
    for skips in (True, False):
        network = build(spec(skips=skips), (1, 28, 28))
        (code,) = (layer for layer in network.modules() if isinstance(layer, nn.Linear) and layer.out_features == 8)
        with torch.no_grad():
            code.weight.zero_()
            one, other = network.predict(x)  # type: ignore[operator]
        assert torch.equal(one, other) is not skips


def test_the_loss_is_the_cross_entropy_to_the_target_and_its_gradient_is_right() -> None:
    network = build(spec(), (1, 28, 28)).double()
    x, y = torch.rand(2, 3, 784, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = (y > 0.5).double()
    pairs = torch.cat([x, y], dim=1)
    (nats,) = TARGET.compute(network, pairs, torch.zeros(3, 8), torch.zeros(3), Bernoulli()).values()

    def expected() -> torch.Tensor:
        logits = network.predict(x)  # type: ignore[operator]
        return functional.binary_cross_entropy_with_logits(logits, y, reduction="none").sum(dim=1)

    torch.testing.assert_close(nats, expected(), check_dtype=False, rtol=1e-5, atol=1e-4)
    nats.sum().backward()
    weight = next(network.parameters())
    assert weight.grad is not None
    step = 1e-6
    with torch.no_grad():
        ends = []
        for sign in (1, -1):
            weight.view(-1)[0] += sign * step
            ends.append(expected().sum())
            weight.view(-1)[0] -= sign * step
    assert weight.grad.view(-1)[0].item() == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("target", ["picture", "clean", "mask"])
def test_pictures_and_targets_are_turned_over_together_and_pictures_alone_inverted(target: str) -> None:
    asked = spec(target=target)
    step = TargetStep(asked, build(asked, (1, 28, 28)), "float32")
    training = load("textured", "train").first(200)
    pairs, _ = resident(training, torch.device("cpu"), asked.target)
    before = pairs.clone()
    varied = step.varied(pairs, torch.Generator().manual_seed(0)).unflatten(1, (2, 28, 28))
    assert torch.equal(pairs, before) and varied.dtype == torch.uint8
    seen: set[tuple[bool, int]] = set()
    for (picture, wanted), (first, second) in zip(varied, pairs.unflatten(1, (2, 28, 28)), strict=True):
        ways = [(), (1,), (0,), (0, 1)]
        (way,) = (
            (inverted, number)
            for number, axes in enumerate(ways)
            for inverted in (False, True)
            if torch.equal(picture, first.flip(axes) if not inverted else 255 - first.flip(axes))
        )
        kept = second.flip(ways[way[1]])
        assert torch.equal(wanted, 255 - kept if way[0] and target == "picture" else kept)
        seen.add(way)
    assert len(seen) == 8


def test_a_step_learns() -> None:
    asked = RunSpec("textured", "unet", hidden=(4, 6, 8), options={"target": "mask"})
    network = build(asked, (1, 28, 28))
    step, pairs = (
        TargetStep(asked, network, "float32"),
        resident(load("textured", "train").first(64), torch.device("cpu"), "mask")[0],
    )
    losses = [
        step.update(Batch(pairs, torch.zeros(64), torch.Generator().manual_seed(n), 1.0, 1e-2))["reconstruction"].mean()
        for n in range(30)
    ]
    assert losses[-1] < 0.6 * losses[0]


def test_a_resumed_run_is_as_if_it_had_never_stopped(same_weights: Callable[..., bool], tmp_path: Path) -> None:
    asked = spec()
    training, validation = asked.learned_of(load("textured", "train")), load("textured", "validation").first(50)
    whole = train(asked, training, validation, execution=CPU)
    states: list[Any] = []

    def stop(progress: Progress) -> None:
        if progress.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(asked, training, validation, execution=CPU, on_epoch=stop, save_state=states.append)
    resumed = train(asked, training, validation, execution=CPU, resume=states[-1])
    assert same_weights(whole.model, resumed.model)


def test_it_is_measured_against_its_target(run: Run) -> None:
    test = load("textured", "test")
    figures = run.metrics["test"]
    assert figures["n"] == len(test) and set(run.metrics) == {"train", "validation", "test"}
    probability = run.likelihood.expected_images(run.run_program("predict", test.floats()))
    wanted = test.target("mask").reshape(len(test), -1) == 255
    each = [jaccard_score(y, x) for x, y in zip(probability > 0.5, wanted, strict=True)]
    assert figures["iou"] == pytest.approx(np.mean(each), abs=1e-3)
    assert figures["iou_standard_error"] == pytest.approx(np.std(each, ddof=1) / np.sqrt(len(each)), rel=0.02)
    assert figures["mse"] == pytest.approx(np.square(probability - wanted).mean(), rel=1e-3)
    assert figures == measure_targets(run, test)


def test_a_target_that_a_dataset_lacks_is_one_sentence() -> None:
    with pytest.raises(SpecError, match=r"^there is no mask to learn for the images of mnist: choose textured\.$"):
        RunSpec("mnist", "unet", options={"target": "mask"})
    assert RunSpec("mnist", "unet").target == "picture"  # which every dataset has
    assert RunSpec("mnist", "ae").target is None


FORGED = {
    "of another size": lambda program: program[-2]["program"].append(
        {"op": "conv", "in": 4, "out": 4, "kernel_size": [1, 1], "stride": [2, 2], "padding": [0, 0], "weight": "w"}
    ),
    "flat": lambda program: program[-2]["program"].append({"op": "reshape", "shape": [4 * 784]}),
    "endless": lambda program: program[-2].update(
        program=[{"op": "skip", "program": [copy.deepcopy(program[-2])]}] * 9
    ),
    "empty": lambda program: program.clear(),
    "no program": lambda program: program[-2].pop("program"),
    "a number": lambda program: program[-2].update(program=3),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_forged_skip_is_a_sentence(run: Run, tmp_path: Path, forge: Callable[[list[Any]], None]) -> None:
    from dataclasses import replace

    from vae_core.storage.received import parse_sent

    program = json.loads(json.dumps(run.further_programs["predict"]))
    assert program[-2]["op"] == "skip"
    forge(program)
    store = Store(tmp_path)
    store.save(replace(run, further_programs={"predict": program}))
    with pytest.raises(UnreadableRun) as refused:
        parse_sent("sent.safetensors", store.path(run.key).read_bytes())
    assert str(refused.value).count("\n") == 0 and "Traceback" not in str(refused.value)


def test_a_file_without_the_program_is_refused(run: Run, tmp_path: Path) -> None:
    document = {"label_names": run.label_names, "image_shape": [1, 28, 28], "decoder": [], "encoder": run.encoder}
    tensors = {f"model/{name}": array for name, array in run.weights.items()}
    tensors |= {"codes/mean": run.codes.mean, "codes/labels": run.codes.labels, "snapshots": run.snapshots}
    document |= {"snapshot_epochs": run.snapshot_epochs}
    with pytest.raises(ValueError, match="predict, which makes no image of its size"):
        check_tensors(tensors, document, run.spec)


def test_the_smaller_part_is_the_figure_whatever_its_level() -> None:
    picture = np.full((1, 8, 8), 0.2)
    picture[0, 2:4, 2:5] = 0.9
    wanted = picture[0] > 0.5
    for name in ("otsu", "chan_vese"):
        for one in (picture, 1.0 - picture):
            assert np.array_equal(cut(name, one, CLASSICAL[name].settings[0])[0], wanted), name
    assert not cut("otsu", np.full((1, 4, 4), 0.5), ()).any()
    assert smaller_part(np.array([[True, True, False]])).tolist() == [[False, False, True]]


def test_a_classical_setting_is_chosen_on_validation_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    validation, test = load("textured", "validation").first(20), load("textured", "test").first(20)
    found = tuned("local", validation, test)
    scores = {
        setting: intersection_over_union(
            cut("local", validation.images[:, 0] / 255.0, setting).reshape(20, -1),
            validation.target("mask").reshape(20, -1) == 255,
        ).mean()
        for setting in CLASSICAL["local"].settings
    }
    assert tuple(found["setting"]) == max(scores, key=lambda one: scores[one])
    assert 0.0 < found["mean"] < 1.0 and found["standard_error"] > 0.0
