"""The members of a sweep, and whether they fit into memory."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from vae_core import datasets
from vae_core.errors import SpecError
from vae_core.models import model_kind
from vae_core.spec import RunSpec

if TYPE_CHECKING:
    from vae_core.storage.store import Store

MOST_MEMBERS = 1_000
KL_ONLY = "kl"  # in place of a beta: reconstruction weight 0


@dataclass(frozen=True)
class Weights:
    """How one member weighs the two terms of its loss."""

    beta: float
    reconstruction_weight: float | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep to be trained.

    Attributes:
        groups: its members, grouped by what can be trained as one program.
    """

    groups: tuple[tuple[RunSpec, ...], ...]

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """All members."""
        return tuple(spec for group in self.groups for spec in group)

    def without(self, store: Store) -> Plan:
        """The members that are not in a store yet."""
        left = (tuple(spec for spec in group if spec.key not in store) for group in self.groups)
        return Plan(tuple(group for group in left if group))


def parse_weights(text: str) -> list[Weights]:
    """Parse the members' weights from text such as ``0,0.1,1,10,kl``; ``kl`` is the KL alone.

    Raises:
        SpecError: nothing, something twice, or something that is not a weight.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise SpecError("betas must list at least one number, such as 0,0.1,1,10.")
    if len(parts) > MOST_MEMBERS:
        raise SpecError(f"a sweep may have at most {MOST_MEMBERS:,} members, not {len(parts):,}.")
    found: list[Weights] = []
    for part in parts:
        if part.lower() == KL_ONLY:
            weights = Weights(1.0, 0.0)
        else:
            try:
                beta = float(part)
            except ValueError as error:
                raise SpecError(f"each beta must be a number or 'kl', not {part[:40]!r}.") from error
            if not math.isfinite(beta) or beta < 0:
                raise SpecError(f"each beta must be a finite number of at least 0, not {part[:40]!r}.")
            weights = Weights(beta)
        if weights in found:
            raise SpecError(f"beta {part[:40]} is listed twice.")
        found.append(weights)
    return found


def plan(base: RunSpec, weights: Sequence[Weights], seeds: Sequence[int] = (0,)) -> Plan:
    """Every combination of weights and seeds.

    Args:
        base: all that the members share.
        weights: see `parse_weights`.
        seeds: members of one seed see the same images and noise.

    Raises:
        SpecError: no members, too many, a model without a KL term, or weights out of range.
    """
    if not weights or not seeds:
        raise SpecError("a sweep needs at least one beta and one seed.")
    if len(set(seeds)) < len(seeds):
        raise SpecError("a seed is listed twice.")
    count = len(weights) * len(seeds)
    if count > MOST_MEMBERS:
        raise SpecError(f"a sweep may have at most {MOST_MEMBERS:,} members, not {count:,}.")
    if not model_kind(base.model).bottleneck.divergence:
        raise SpecError(f"model {base.model!r} has no KL term to weigh, so there is nothing to sweep.")
    groups = tuple(
        tuple(
            replace(base, beta=entry.beta, reconstruction_weight=_data_weight(base, entry), seed=seed)
            for entry in weights
        )
        for seed in seeds
    )
    return Plan(groups)


def _data_weight(base: RunSpec, entry: Weights) -> float | None:
    return base.reconstruction_weight if entry.reconstruction_weight is None else entry.reconstruction_weight


def weight_count(spec: RunSpec) -> int:
    """Approximate number of weights of a fully connected model; convolutional ones have fewer."""
    channels, height, width = datasets.info(spec.dataset).image_shape
    widths = [channels * height * width, *spec.hidden, spec.latent_dim]
    return 2 * sum(a * b + b for a, b in pairwise(widths))


def bytes_needed(spec: RunSpec, together: int) -> int:
    """Approximate memory, in bytes, for training this many models at once as one program."""
    channels, height, width = datasets.info(spec.dataset).image_shape
    pixels = channels * height * width
    images = datasets.info(spec.dataset).training_images * pixels
    # Weights, gradients and Adam's two moments, and a copy of the weights on their way to a file; what the layers
    # keep for the backward pass, with the losses of every pixel.
    kept = spec.batch_size * (spec.samples or 1) * (2 * sum(spec.hidden) + 4 * spec.latent_dim + 4 * pixels)
    return images + together * 4 * (5 * weight_count(spec) + kept)


def check_memory(spec: RunSpec, together: int, available: int | None) -> None:
    """Check the memory before anything is started.

    Args:
        spec: one of the members.
        together: how many are trained at once.
        available: bytes; None if that is not known.

    Raises:
        SpecError: it does not fit; the message says how much is needed.
    """
    needed = bytes_needed(spec, together)
    if available is not None and needed > available:
        raise SpecError(
            f"{together:,} models of {weight_count(spec):,} weights at once need about {_gibibytes(needed)} of memory, "
            f"and {_gibibytes(available)} are free; sweep fewer betas at a time, or a smaller model."
        )


def memory_available() -> int | None:
    """Main memory in bytes that a program could get; None if the system does not report it.

    Linux keeps files in memory that it gives up when a program asks for more: what is free alone says too little there.
    """
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, size = line.partition(":")
            if name == "MemAvailable":
                return int(size.removesuffix("kB")) * 1024
    except (OSError, ValueError):
        pass  # another system, which may report it as follows
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
