"""Small runs of heads, for the tests of the page that shows them."""

from __future__ import annotations

from pathlib import Path

from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

SMALL = {"latent_dim": 6, "hidden": (4, 8, 8), "epochs": 1, "images": 256, "likelihood": "gaussian", "variance": 0.01}
RUNS = (
    RunSpec("heads", "tc_vae", beta=2.0, **SMALL),  # type: ignore[arg-type]
    RunSpec("heads", "tc_vae", beta=2.0, seed=1, **SMALL),  # type: ignore[arg-type]
    RunSpec("heads", "flat_fsq", **SMALL),  # type: ignore[arg-type]
    RunSpec("digits", "conv_vae", latent_dim=6, hidden=(4, 8), epochs=1, images=256),
)


def train_heads(place: Path) -> None:
    """Two random starts of a β-TCVAE, an FSQ, and a VAE of images whose factors nobody knows."""
    for spec in RUNS:
        get_or_train(Store(place), spec, execution=Execution(precision="float32"))
