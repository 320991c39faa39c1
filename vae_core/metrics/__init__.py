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
from vae_core.metrics.directions import analogy, difference_of_means, logistic_direction, moves_along
from vae_core.metrics.disentanglement import (
    Votes,
    attribute_scores,
    factor_entropies,
    factor_vae_score,
    mutual_information_gap,
    mutual_information_matrix,
    separated_attribute_predictability,
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
from vae_core.metrics.isolation import Isolation, isolation
from vae_core.metrics.latent import active_dimensions, active_units, empty_beyond, sigma_over_spread
from vae_core.metrics.neighbours import label_agreement, nearest_distances, nearest_rows, trustworthiness
from vae_core.metrics.overlap import intersection_over_union
from vae_core.metrics.ranking import Ranking, auroc
from vae_core.metrics.readability import (
    DCI,
    Reader,
    dci,
    disentanglement_completeness,
    explained,
    fit_reader,
    readability,
)
from vae_core.metrics.reconstruction import mean_squared_error
from vae_core.metrics.restoration import Fidelity, fidelity
from vae_core.metrics.sharpness import Classes, class_balance, laplacian_variance, near_copies
from vae_core.metrics.smoothness import ClassChange, class_change, on_path_share, path_length, path_lengths
from vae_core.metrics.subspace import covariance_spectrum, orthonormality_error, principal_angles
from vae_core.metrics.uncertainty import Median, median_with_interval, share_interval, share_standard_error

__all__ = [
    "DCI",
    "AggregatePosterior",
    "ClassChange",
    "Classes",
    "CoverageDensity",
    "Fidelity",
    "Isolation",
    "LowerBound",
    "Median",
    "PrecisionRecall",
    "Ranking",
    "Reader",
    "Votes",
    "active_dimensions",
    "active_units",
    "aggregate_posterior",
    "ambiguity",
    "ambiguous",
    "analogy",
    "attribute_scores",
    "auroc",
    "class_balance",
    "class_change",
    "covariance_spectrum",
    "coverage_and_density",
    "dci",
    "difference_of_means",
    "disentanglement_completeness",
    "empty_beyond",
    "explained",
    "factor_entropies",
    "factor_vae_score",
    "fidelity",
    "fit_reader",
    "frechet_distance",
    "gaussian_kl_to_standard_normal",
    "hole_rate",
    "hole_threshold",
    "holes",
    "intersection_over_union",
    "isolation",
    "label_agreement",
    "laplacian_variance",
    "least_marginal_kl",
    "logistic_direction",
    "mean_squared_error",
    "median_with_interval",
    "moves_along",
    "mutual_information_gap",
    "mutual_information_matrix",
    "near_copies",
    "nearest_distances",
    "nearest_rows",
    "on_path_share",
    "orthonormality_error",
    "path_length",
    "path_lengths",
    "precision_and_recall",
    "principal_angles",
    "readability",
    "separated_attribute_predictability",
    "share_interval",
    "share_standard_error",
    "sigma_over_spread",
    "trustworthiness",
]
