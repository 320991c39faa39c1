"""Which runs the experiments need on some photographs, and which of them are there."""

from __future__ import annotations

from dataclasses import dataclass

from ui.chapters.beta.sweep import label_of, name_of
from ui.runs.resources import shelf
from ui.runs.selection import compared_spec, own_spec
from ui.training.quota import offered
from vae_core import datasets
from vae_core.datasets import own
from vae_core.models import model_kind
from vae_core.spec import RunSpec
from vae_core.storage.manifest import shipped_run

READY = "mnist"  # what the app comes with runs for
READY_HIDDEN = (96, 48)  # of the shipped sweep
DIMENSIONS, USUAL_DIMENSIONS = (2, 16), 16
BETAS = (0.1, 1.0, 4.0, 16.0)
USUAL_BETA = 1.0


@dataclass(frozen=True)
class Wanted:
    """The runs of the experiments.

    Attributes:
        pair: an autoencoder and a VAE.
        sweep: VAEs by β.
    """

    pair: tuple[RunSpec, RunSpec]
    sweep: tuple[RunSpec, ...]

    @property
    def missing(self) -> list[RunSpec]:
        """Those that are not in the store, the ones that most experiments need first."""
        return list(dict.fromkeys(spec for spec in (*self.pair, *self.sweep) if spec not in shelf()))

    @property
    def models(self) -> list[RunSpec]:
        """Those of the pair that are in the store."""
        return [spec for spec in self.pair if spec in shelf()]

    @property
    def stops(self) -> list[RunSpec]:
        """Those of the sweep that are in the store."""
        return [spec for spec in self.sweep if spec in shelf()]


def wanted(dataset: str, dimensions: int) -> Wanted:
    """The runs for some photographs; those for `READY` came with the app."""
    if dataset == READY:
        pair = compared_spec("ae", READY, dimensions), compared_spec("vae", READY, dimensions)
        shipped = {"dataset": READY, "model": "vae", "latent_dim": dimensions, "hidden": READY_HIDDEN, "data_weight": 1}
        return Wanted(pair, tuple(shipped_run(**shipped, beta=beta) for beta in BETAS))
    sweep = tuple(own_spec(dataset, "vae", dimensions, beta) for beta in BETAS)
    return Wanted((own_spec(dataset, "ae", dimensions), sweep[BETAS.index(USUAL_BETA)]), sweep)


def name_in_list(spec: RunSpec) -> str:
    """What a run is called among those of one set."""
    kind = model_kind(spec.model)
    return f"VAE, {name_of(label_of(spec))}" if kind.bottleneck.has_posterior else kind.title


def choices(visitor: str, linked: str) -> tuple[str, ...]:
    """The sets that can be chosen: those that the form of Train your own offers too, and the one with ready runs.

    The one that was used last comes first.
    """
    mine = set(offered(visitor, linked))
    lately = [entry.name for entry in own.stored_sets(datasets.data_root()) if entry.name in mine]
    return (*reversed(lately), READY)


def title_of_set(name: str) -> str:
    """Its name in the menu."""
    return "Handwritten digits" if name == READY else datasets.info(name).title
