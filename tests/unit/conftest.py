"""Small specs, small runs and small images that the unit tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch

from vae_core.datasets import ImageDataset, info, load
from vae_core.datasets.torchvision_private import import_torchvision
from vae_core.evaluation.losses import encode
from vae_core.execution import Execution
from vae_core.models import MODELS, build
from vae_core.models.adversarial_options import feature_fields
from vae_core.models.quantised_options import prior_fields
from vae_core.models.semi_supervised_options import m2_fields
from vae_core.program.export import decoder_program, program
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage import store as checkpoints
from vae_core.storage.store import Store
from vae_core.training import loop
from vae_core.training.finish import stored_weights
from vae_core.training.jobs import get_or_train

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

MadeOnce = Callable[[str, Callable[[], Any]], Any]

CPU = {"execution": Execution(device="cpu", precision="float32")}


@pytest.fixture(scope="session")
def project() -> Path:
    """The repository."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_store_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test never writes into the store of the person who runs it."""
    monkeypatch.delenv("VAE_STORE", raising=False)


@contextmanager
def no_classifier_is_shipped() -> Iterator[None]:
    """Runs are measured as where the shipped store has no classifier, whichever it has: few seconds, same numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "SHIPPED", Path(__file__).parent / "nothing is shipped")
        yield


@pytest.fixture(autouse=True)
def no_shipped_classifier() -> Iterator[None]:
    with no_classifier_is_shipped():
        yield


@pytest.fixture(scope="session")
def small_spec() -> Callable[..., RunSpec]:
    """A spec that trains in a few hundredths of a second; name the fields to change."""

    def make(**changes: Any) -> RunSpec:
        return RunSpec(**{"dataset": "digits", "model": "vae", "hidden": (16,), "epochs": 2, **changes})

    return make


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers of a test's own: they do not depend on which tests ran before."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def training() -> ImageDataset:
    return load("digits", "train")


@pytest.fixture(scope="session")
def validation() -> ImageDataset:
    return load("digits", "validation")


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder of the full MNIST; skips where there is none."""
    root = os.environ.get("VAE_DATA")
    if not root or not (Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        pytest.skip("VAE_DATA holds no MNIST")
    return Path(root)


@pytest.fixture(scope="session")
def small_runs(
    tmp_path_factory: pytest.TempPathFactory, small_spec: Callable[..., RunSpec], made_once: MadeOnce
) -> dict[str, Run]:
    """Trained runs of several kinds, by a short name: as training returned them, not as they were read from a file."""
    specs = {
        "ae": small_spec(model="ae"),
        "vae": small_spec(),
        "vae d=1": small_spec(latent_dim=1),
        "vae d=5": small_spec(latent_dim=5, hidden=(16, 8)),
        "ae d=5": small_spec(model="ae", latent_dim=5),
        "gaussian": small_spec(likelihood="gaussian"),
        "linear": small_spec(hidden=()),
    }

    def train() -> dict[str, Run]:
        store = Store(tmp_path_factory.mktemp("runs"))
        with no_classifier_is_shipped():
            return {name: get_or_train(store, spec, execution=FLOAT32) for name, spec in specs.items()}

    return made_once("small_runs", train)


SMALL: dict[str, dict[str, Any]] = {
    "ae": {"hidden": (16,)},
    "vae": {"hidden": (16,)},
    "conv_ae": {"hidden": (4, 8, 16)},
    "conv_vae": {"hidden": (4, 8, 16)},
    "pooled_ae": {"hidden": (4, 8, 16)},
    "memoriser": {"hidden": (64, 64), "images": 10, "epochs": 20, "learning_rate": 3e-3},
    "gan": {"hidden": (4, 8, 16), "latent_dim": 2, "options": {"discriminator": (4, 8, 16)}},
    "vae_gan": {"hidden": (4, 8, 16), "latent_dim": 2, "options": {"discriminator": (4, 8, 16)}},
    "classifier": {"hidden": (8, 16, 32), "latent_dim": 16, "epochs": 16, "learning_rate": 1e-2},
}


def of_kind(model: str) -> RunSpec:
    """A run of two epochs on digits; what needs another run to begin with has one of the others."""
    fields = {"dataset": "digits", "epochs": 2, **SMALL.get(model, {})}
    if model == "vq_prior":
        shared = prior_fields(of_kind("vq_vae"))
        fields |= {**shared, "options": {**shared["options"], "width": 12, "layers": 1, "heads": 2}}
    if model == "m2":
        shared = m2_fields(of_kind("conv_ae"))
        fields |= {**shared, "options": {**shared["options"], "labels": 5, "style": 2, "width": 16}}
    if model == "perceptual_vae":
        fields |= {"hidden": (4, 8, 16), "latent_dim": 2, **feature_fields(of_kind("conv_vae"))}
    return RunSpec(model=model, **fields)


@pytest.fixture(scope="session")
def every_kind(tmp_path_factory: pytest.TempPathFactory, made_once: MadeOnce) -> dict[str, Run]:
    """A run of every kind of model, trained on digits for a few epochs: as training returned it."""

    def train() -> dict[str, Run]:
        store = Store(tmp_path_factory.mktemp("kinds"))
        with no_classifier_is_shipped():
            return {model: get_or_train(store, of_kind(model), **CPU) for model in MODELS}

    return made_once("every_kind", train)


@pytest.fixture(scope="session")
def untrained_run() -> Callable[..., Run]:
    """A run with its initial weights and the true codes of its validation images, without any training."""

    def make(spec: RunSpec) -> Run:
        known, images = info(spec.dataset), load(spec.dataset, "validation", download=False)
        model = build(spec, known.image_shape).eval()
        codes = encode(model, images)
        snapshots = codes.mean[None, :500].astype(np.float16)
        weights, decoder = stored_weights(model), decoder_program(model.decoder)
        encoder = program(model.encoder_layers())
        return Run(
            spec, known.image_shape, known.label_names, weights, decoder, codes, [], snapshots, [1], encoder=encoder
        )

    return make


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every download fails as it does without a network; the addresses that were tried."""
    tried: list[str] = []

    def fail(url: str, *_: object, **__: object) -> None:
        tried.append(url)
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr(import_torchvision().datasets.mnist, "download_and_extract_archive", fail)
    return tried


@pytest.fixture
def exploding_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so large that the first one ruins the weights, on every machine."""
    monkeypatch.setattr(loop, "learning_rate_at", lambda step, steps, peak: 1e30)


@pytest.fixture
def run_python(project: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start this Python with arguments, in the project, one thread, both outputs as pipes."""

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        keep = {name: value for name, value in os.environ.items() if name not in ("VAE_STORE", "VAE_DATA")}
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=project,
            env={**keep, "PYTHONPATH": str(project), "OMP_NUM_THREADS": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def same_weights() -> Callable[[torch.nn.Module, torch.nn.Module], bool]:
    """Whether two models have the same parameters, bit for bit."""

    def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
        left, right = one.state_dict(), other.state_dict()
        return left.keys() == right.keys() and all(
            np.array_equal(left[name].numpy().view(np.int32), right[name].numpy().view(np.int32)) for name in left
        )

    return same


@pytest.fixture(scope="session")
def without_times() -> Callable[[list[dict[str, float]]], list[dict[str, float]]]:
    """A history less its seconds, which differ from run to run."""

    def strip(history: list[dict[str, float]]) -> list[dict[str, float]]:
        return [{name: value for name, value in record.items() if name != "seconds"} for record in history]

    return strip


@pytest.fixture(scope="session")
def grid_runs(tmp_path_factory: pytest.TempPathFactory, made_once: MadeOnce) -> dict[str, Run]:
    """Trained runs whose codes are entries of a codebook, by their models' names."""
    options: dict[str, dict[str, Any]] = {"vq_vae": {"entries": 12, "dimensions": 4}, "fsq": {"levels": [3, 3]}}

    def train() -> dict[str, Run]:
        store = Store(tmp_path_factory.mktemp("grids"))
        specs = {
            model: RunSpec("digits", model, hidden=(8, 8, 8), epochs=2, options=own) for model, own in options.items()
        }
        with no_classifier_is_shipped():
            return {model: get_or_train(store, spec, execution=FLOAT32) for model, spec in specs.items()}

    return made_once("grid_runs", train)
