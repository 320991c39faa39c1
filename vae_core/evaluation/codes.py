"""Measurements of a split's codes: their neighbours, and their distance from the prior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.metrics import (
    aggregate_posterior,
    gaussian_kl_to_standard_normal,
    label_agreement,
    sigma_over_spread,
    trustworthiness,
)
from vae_core.metrics.checks import finite_rows
from vae_core.run import Codes

NEIGHBOURS = 10
TRUSTWORTHINESS_IMAGES = 1_000
AGGREGATE_SAMPLES = 2_000


def measure_codes(dataset: ImageDataset, codes: Codes, problems: dict[str, str]) -> dict[str, Any]:
    """Measure the neighbours of codes, and the aggregate of the codes against the prior.

    Args:
        dataset: the images.
        codes: their codes.
        problems: a message is added for each figure that is undefined here.

    Returns:
        ``label_agreement``: share of a code's 10 nearest codes with its label, 0 to 1, over all images.
        ``trustworthiness`` (Venna and Kaski 2001), 0 to 1, on the first 1,000 images, 10 neighbours;
        ``trustworthiness_n``: how many they were.
        ``gaussian_kl``: nats, KL from the Gaussian with the codes' mean and covariance (for a VAE, of samples from
        the posteriors) to N(0, I). Models with a posterior: ``aggregate_kl``, nats, KL(q(z) || p), and
        ``mutual_information``, nats, I(x; z), with E KL(q(z|x) || p) their sum (Hoffman and Johnson 2016), from 2,000
        samples; and ``sigma_over_spread``, the median posterior sigma over the spread of the means.
    """
    result: dict[str, Any] = {}
    mean = codes.mean.astype(np.float64)
    few = slice(TRUSTWORTHINESS_IMAGES)
    figures: dict[str, Callable[[], dict[str, float]]] = {
        "label_agreement": lambda: {"label_agreement": label_agreement(mean, codes.labels, NEIGHBOURS)},
        "trustworthiness": lambda: {
            "trustworthiness": trustworthiness(dataset.floats()[few], mean[few], NEIGHBOURS),
            "trustworthiness_n": len(mean[few]),
        },
        "gaussian_kl": lambda: {"gaussian_kl": _gaussian_kl(codes)},
    }
    if codes.has_posterior:
        figures["aggregate_kl"] = lambda: _aggregate(codes)
        figures["sigma_over_spread"] = lambda: _sigma_over_spread(codes)
    for name, figure in figures.items():
        try:
            result |= figure()
        except MeasureError as error:
            problems[name] = str(error)
    return result


def _gaussian_kl(codes: Codes) -> float:
    mean = finite_rows("codes", codes.mean, least=2)
    covariance = np.atleast_2d(np.cov(mean, rowvar=False))
    return gaussian_kl_to_standard_normal(mean.mean(axis=0), covariance + np.diag(codes.mean_variance()))


def _sigma_over_spread(codes: Codes) -> dict[str, float]:
    return {"sigma_over_spread": sigma_over_spread(*codes.posterior())}


def _aggregate(codes: Codes) -> dict[str, float]:
    aggregate = aggregate_posterior(*codes.posterior(), samples=AGGREGATE_SAMPLES)
    return {"aggregate_kl": aggregate.marginal_kl, "mutual_information": aggregate.mutual_information}
