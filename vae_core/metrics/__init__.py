"""Measurements as pure functions on arrays. Each states its source, units and range.

What a measurement needs of scipy it imports when it is asked: whoever lists runs does not wait for that.
"""

from vae_core.metrics.aggregate import (
    AggregatePosterior,
    LowerBound,
    aggregate_posterior,
    gaussian_kl_to_standard_normal,
    least_marginal_kl,
)
from vae_core.metrics.generation import (
    CoverageDensity,
    PrecisionRecall,
    ambiguity,
    ambiguous,
    coverage_and_density,
    frechet_distance,
    hole_rate,
    hole_threshold,
    holes,
    precision_and_recall,
)
from vae_core.metrics.latent import active_dimensions, active_units, empty_beyond, sigma_over_spread
from vae_core.metrics.neighbours import label_agreement, nearest_distances, nearest_rows, trustworthiness
from vae_core.metrics.ranking import Ranking, auroc
from vae_core.metrics.reconstruction import mean_squared_error
from vae_core.metrics.sharpness import Classes, class_balance, laplacian_variance, near_copies
from vae_core.metrics.smoothness import ClassChange, class_change, on_path_share, path_length, path_lengths
from vae_core.metrics.subspace import covariance_spectrum, orthonormality_error, principal_angles
from vae_core.metrics.uncertainty import Median, median_with_interval, share_interval, share_standard_error

__all__ = [
    "AggregatePosterior",
    "ClassChange",
    "Classes",
    "CoverageDensity",
    "LowerBound",
    "Median",
    "PrecisionRecall",
    "Ranking",
    "active_dimensions",
    "active_units",
    "aggregate_posterior",
    "ambiguity",
    "ambiguous",
    "auroc",
    "class_balance",
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
    "laplacian_variance",
    "least_marginal_kl",
    "mean_squared_error",
    "median_with_interval",
    "near_copies",
    "nearest_distances",
    "nearest_rows",
    "on_path_share",
    "orthonormality_error",
    "path_length",
    "path_lengths",
    "precision_and_recall",
    "principal_angles",
    "share_interval",
    "share_standard_error",
    "sigma_over_spread",
    "trustworthiness",
]
