"""What only models that ask for independent dimensions let one choose; read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vae_core.errors import SpecError
from vae_core.options import OneOf, Real, Widths, option

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

MOST_TOGETHER = 1_024  # images of a batch: every code meets every posterior of it


@dataclass(frozen=True)
class TCOptions:
    """Weights of the KL's parts beside β, which is that of the total correlation (Chen et al. 2018)."""

    mutual_information: float = option(1.0, Real(0.0, 1e6), "Weight of the mutual information of image and code.")
    dimension_kl: float = option(1.0, Real(0.0, 1e6), "Weight of each dimension's KL to the prior.")
    estimator: str = option(
        "stratified", OneOf(("stratified", "weighted")), "Of the aggregate posterior, from a batch."
    )


@dataclass(frozen=True)
class FactorOptions:
    """A discriminator of codes and shuffled codes (Kim and Mnih 2018)."""

    discriminator: tuple[int, ...] = option((256, 256, 256), Widths(8, 4_096), "Widths of the discriminator's layers.")
    rate_ratio: float = option(
        1.0, Real(0.0, 100.0, open_low=True), "Learning rate of the discriminator, in those of the VAE."
    )


def check_tc(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """One sample for each image, and a batch whose pairs fit into memory.

    Raises:
        SpecError: naming the field and what it must be.
    """
    del image_shape
    if spec.samples is not None:
        raise SpecError(f"samples must be left out for model {spec.model!r}.")
    if spec.batch_size > MOST_TOGETHER:
        raise SpecError(f"batch_size must be at most {MOST_TOGETHER:,} for model {spec.model!r}.")


def check_factor(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """One sample for each image, something to rebuild, and no reward for dependent dimensions.

    Raises:
        SpecError: naming the field and what it must be.
    """
    del image_shape
    for name in ("samples", "reconstruction_weight"):
        if getattr(spec, name) is not None:
            raise SpecError(f"{name} must be left out for model {spec.model!r}.")
    if not spec.options.discriminator:
        raise SpecError("discriminator must list at least one width, such as 256,256.")
    if spec.kl_weight < 1:
        raise SpecError(f"beta must be at least 1 for model {spec.model!r}: the paper's gamma is beta - 1.")
