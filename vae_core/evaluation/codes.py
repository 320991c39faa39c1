"""Measurements of a split's codes: their neighbours, and their distance from the prior."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.losses.gaussian import closed_form_kl
from vae_core.metrics import (
    LowerBound,
    aggregate_posterior,
    gaussian_kl_to_standard_normal,
    label_agreement,
    least_marginal_kl,
    sigma_over_spread,
    trustworthiness,
)
from vae_core.metrics.checks import finite_rows
from vae_core.run import Codes
from vae_core.sampling import Mixture, as_one_gaussian, log_density, widened

NEIGHBOURS = 10
TRUSTWORTHINESS_IMAGES = 1_000
AGGREGATE_SAMPLES = 2_000
SEED = 20_161_209


def measure_codes(
    dataset: ImageDataset, codes: Codes, mixture: Mixture | None, problems: dict[str, str]
) -> dict[str, Any]:
    """Measure the neighbours of codes, and the aggregate of the codes against the prior.

    Args:
        dataset: the images.
        codes: their codes.
        mixture: fitted to the codes of training images.
        problems: a message is added for each figure that is undefined here.

    Returns:
        ``label_agreement``: share of a code's 10 nearest codes with its label, 0 to 1, over all images.
        ``trustworthiness`` (Venna and Kaski 2001), 0 to 1, on the first 1,000 images, 10 neighbours;
        ``trustworthiness_n``: how many they were.
        ``gaussian_kl``: nats, KL from the Gaussian with the codes' mean and covariance (for a VAE, of samples from
        the posteriors) to N(0, I). Models with a posterior: ``aggregate_kl``, nats, KL(q(z) || p), and
        ``mutual_information``, nats, I(x; z), with E KL(q(z|x) || p) their sum (Hoffman and Johnson 2016), from 2,000
        samples; their ``mutual_information_standard_error``, the number of images, ``mutual_information_n``, and the
        largest value that so few images can show, ``mutual_information_limit``, ln n. Of all images together, I(x; z)
        is at least that and KL(q(z) || p) lies between ``aggregate_kl_lower`` (with its standard error and ``_n``, the
        codes it is from; see `least_marginal_kl`) and ``aggregate_kl_upper``, which is ``aggregate_kl``. And
        ``sigma_over_spread``, the median posterior sigma over the spread of the means.
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
        figures["aggregate_kl_lower"] = lambda: _least_aggregate_kl(codes, mixture)
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
    return {
        "aggregate_kl": aggregate.marginal_kl,
        "aggregate_kl_upper": aggregate.marginal_kl,
        "mutual_information": aggregate.mutual_information,
        "mutual_information_standard_error": aggregate.standard_error,
        "mutual_information_n": len(codes.mean),
        "mutual_information_limit": math.log(len(codes.mean)),
    }


def _least_aggregate_kl(codes: Codes, mixture: Mixture | None) -> dict[str, float]:
    """From the mixture over the training images' codes, made as wide as samples of posteriors are.

    The mixture is fitted to means. How much wider samples are is taken from the first half of the images, and the
    density is scored on the second half: a bound needs codes that had no part in it.
    """
    if mixture is None:
        raise MeasureError("no mixture was fitted to the codes of this run; train it again.")
    bound, count = _gain(codes, mixture)
    return {
        "aggregate_kl_lower": max(0.0, bound.value),
        "aggregate_kl_lower_standard_error": bound.standard_error,
        "aggregate_kl_lower_n": count,
    }


def _gain(codes: Codes, mixture: Mixture) -> tuple[LowerBound, int]:
    """What the KL loses on the second half of the images with a fitted prior, and how many images that is."""
    half = len(codes.mean) // 2
    first, second = codes.part(slice(half)), codes.part(slice(half, None))
    z = finite_rows("codes", second.drawn(np.random.default_rng(SEED)), least=2)
    return least_marginal_kl(z, log_density(widened(mixture, first.mean_variance()), z)), len(z)


class KLByPrior(NamedTuple):
    """The KL term of some images with one prior.

    Attributes:
        value: nats per image.
        standard_error: of its difference from that with N(0, I).
    """

    value: float
    standard_error: float = 0.0


def kl_by_prior(codes: Codes, mixture: Mixture | None) -> dict[str, KLByPrior] | None:
    """The KL term of held-out images with N(0, I), one Gaussian or the mixture as the prior, in nats per image.

    E KL(q(z|x) || m) of the second half of the images: their closed-form KL to N(0, I), less what the density m gains
    on one z sampled for each.

    Args:
        codes: of images that the mixture was not fitted to.
        mixture: fitted to the codes of training images.

    Returns:
        ``prior``, ``gaussian`` and ``mixture``; None without a posterior or a mixture.
    """
    if mixture is None or not codes.has_posterior:
        return None
    second = codes.part(slice(len(codes.mean) // 2, None))
    kl = float(closed_form_kl(*second.posterior()).sum(axis=1).mean())
    fitted = {"gaussian": as_one_gaussian(mixture), "mixture": mixture}
    gains = {name: _gain(codes, density)[0] for name, density in fitted.items()}
    return {"prior": KLByPrior(kl)} | {
        name: KLByPrior(kl - gain.value, gain.standard_error) for name, gain in gains.items()
    }
