"""Measurements as pure functions on arrays. Each states its source, units and range.

What a measurement needs of scipy it imports when it is asked: whoever lists runs does not wait for that.
"""

from vae_core.metrics.aggregate import AggregatePosterior, aggregate_posterior, gaussian_kl_to_standard_normal
from vae_core.metrics.generation import (
    CoverageDensity,
    ambiguity,
    ambiguous,
    coverage_and_density,
    frechet_distance,
    hole_rate,
    hole_threshold,
    holes,
)
from vae_core.metrics.latent import active_units, empty_beyond, sigma_over_spread
from vae_core.metrics.neighbours import label_agreement, nearest_distances, trustworthiness
from vae_core.metrics.reconstruction import mean_squared_error
from vae_core.metrics.smoothness import ClassChange, class_change, on_path_share, path_length
from vae_core.metrics.subspace import covariance_spectrum, orthonormality_error, principal_angles

__all__ = [
    "AggregatePosterior",
    "ClassChange",
    "CoverageDensity",
    "active_units",
    "aggregate_posterior",
    "ambiguity",
    "ambiguous",
    "class_change",
    "covariance_spectrum",
    "coverage_and_density",
    "empty_beyond",
    "frechet_distance",
    "gaussian_kl_to_standard_normal",
    "hole_rate",
    "hole_threshold",
    "holes",
    "label_agreement",
    "mean_squared_error",
    "nearest_distances",
    "on_path_share",
    "orthonormality_error",
    "path_length",
    "principal_angles",
    "sigma_over_spread",
    "trustworthiness",
]
