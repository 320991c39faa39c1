"""Which shipped runs a sweep over them has to look at: one of each kind, chosen from the manifest."""

from __future__ import annotations

from collections.abc import Hashable

from vae_core.datasets import info
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest


def kind_of(spec: RunSpec) -> Hashable:
    """Specs that are alike in it have the same programs on images of the same shape, and differ in weights alone.

    A decoder takes one, two or more numbers; weights learned without one of the two terms are of another size.
    """
    network = spec.model, spec.hidden, spec.activation, min(spec.latent_dim, 3)
    output = spec.likelihood, bool(spec.learned_variance), info(spec.dataset).image_shape
    return network, output, (spec.beta == 0, spec.data_weight == 0)


def one_of_each_kind() -> list[RunSpec]:
    """The first of each kind, in the order of the manifest."""
    first: dict[Hashable, RunSpec] = {}
    for spec in read_manifest():
        first.setdefault(kind_of(spec), spec)
    return list(first.values())
