"""Figures of a model over the seeds in the store: mean, spread and error, in words."""

from __future__ import annotations

import math

from ui.runs.selection import figure, seeds_of
from vae_core.errors import RunNotFound
from vae_core.evaluation.generation import SHARES
from vae_core.metrics import share_standard_error
from vae_core.models import model_kind
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

Pair = tuple[RunSpec, ...]  # an autoencoder and a VAE


def title_of(model: str) -> str:
    """Short name of a column."""
    return "VAE" if model_kind(model).bottleneck.has_posterior else "Autoencoder"


def spread(lines: list[Listed], *path: str, digits: str) -> str:
    """Mean over seeds with least and most, such as ``162 (158 to 171)``; a dash where nothing was measured.

    A share of independent draws has its standard error, too: ``0.53 ± 0.005 (0.50 to 0.55)``.
    """
    values = [value for line in lines if (value := figure(line, *path)) is not None]
    if not values:
        return "–"
    mean = tidy(sum(values) / len(values), digits)
    errors = [error for line in lines if (error := error_of(line, *path)) is not None]
    if len(errors) == len(values):
        mean += f" ± {math.hypot(*errors) / len(errors):.1g}"
    return mean if len(values) == 1 else f"{mean} ({tidy(min(values), digits)} to {tidy(max(values), digits)})"


def error_of(line: Listed, *path: str) -> float | None:
    """The standard error of a share of samples or of paths; None of what is no share of independent draws."""
    measured = figure(line, *path[:-1], f"{path[-1]}_standard_error")
    if measured is not None:
        return measured
    share, count = figure(line, *path), figure(line, *path[:-1], "n")
    of_draws = path[0] == "samples" and path[-1] in SHARES
    return share_standard_error(share, count) if of_draws and share is not None and count else None


def tidy(value: float, digits: str) -> str:
    """A number in the given format; large ones whole, with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else format(value, digits)


def heading(name: str, lines: list[Listed]) -> str:
    """A column's name with its number of seeds."""
    return f"{name}, {len(lines)} seed{'' if len(lines) == 1 else 's'}"


def values_of(spec: RunSpec, *path: str) -> list[float]:
    """A figure of each seed in the store.

    Raises:
        RunNotFound: it was measured on none.
    """
    values = [value for line in seeds_of(spec) if (value := figure(line, *path)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on {spec.key}: train its dataset's classifier first.")
    return values


def mean_of(spec: RunSpec, *path: str) -> float:
    """Mean over the seeds in the store; see `values_of`."""
    values = values_of(spec, *path)
    return sum(values) / len(values)


def error_of_mean(spec: RunSpec, *path: str) -> float:
    """Standard error of a share's mean over seeds, of what was drawn; 0 where it was not measured."""
    errors = [error for line in seeds_of(spec) if (error := error_of(line, *path)) is not None]
    return math.hypot(*errors) / len(errors) if errors else 0.0


def over_seeds(specs: Pair) -> str:
    """How many seeds a mean is over, and at which d."""
    count = min(len(seeds_of(spec)) for spec in specs)
    seeds = f"Means over {count} seeds" if count > 1 else "From 1 seed"
    return f"{seeds}, d\u00a0=\u00a0{specs[0].latent_dim}."
