"""Whether a run finds odd what it was trained without: scores of images, and how well each ranks a left-out class.

Everything is computed by the run's programs, without torch, so that a page gets the same numbers as the command line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.losses.gaussian import closed_form_kl, log_density_ratio, reparameterise
from vae_core.losses.likelihoods import bernoulli_floors
from vae_core.metrics.anomaly import Cloud, cloud_of, mahalanobis, squared_errors
from vae_core.metrics.ranking import auroc, average_precision
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.sampling import as_one_gaussian

DRAWS = 25  # k: draws of z for each image
NOISE_SEED = 20_151_102
SCORED_AT_ONCE = 1_000  # images: bounds the memory


def draws(dimensions: int, count: int = DRAWS) -> np.ndarray:
    """Standard normal noise, float32 (count, dimensions): the same for every image, so that any two are compared under
    the same draws, and an image that is scored later gets what it would have got then."""
    return np.random.default_rng(NOISE_SEED).standard_normal((count, dimensions)).astype(np.float32)


def cloud_of_codes(run: Run) -> Cloud | None:
    """The Gaussian of the codes of a run's training images; None if none was fitted, or they do not spread.

    It is made of the mixture that the run keeps, whose mean and covariance are those of the codes.
    """
    if run.mixture is None:
        return None
    one = as_one_gaussian(run.mixture)
    try:
        return cloud_of(one.means[0], one.covariances[0])
    except MeasureError:
        return None


def scores(run: Run, pixels: np.ndarray, *, count: int = DRAWS) -> dict[str, np.ndarray]:
    """Scores of images, each higher for odder ones.

    Args:
        run: an autoencoder, with its encoder as a program.
        pixels: (N, D), in [0, 1], as the run was trained on.
        count: k, draws of z for each image, the same for all; 0 leaves out what needs them.

    Returns:
        float64 (N,) each: ``squared_error`` of the image at the mean code, mean over pixels; ``reconstruction``,
        -log p(x|z) there, nats; ``above_floor``, that less the least possible on these pixels, where there is a least
        one; ``mahalanobis``, see `metrics.anomaly.mahalanobis`; of models with a posterior ``negative_elbo``, with the
        KL in closed form and the reconstruction's mean over k draws, and ``importance_weighted``, the negative of the
        bound with k draws (Burda et al. 2016), both in nats, with the model's own pixels: of grey ones a Bernoulli
        likelihood is no density.
    """
    noise, cloud = draws(run.spec.latent_dim, count), cloud_of_codes(run)
    starts = range(SCORED_AT_ONCE, len(pixels), SCORED_AT_ONCE)
    parts = [_scores(run, part, noise, cloud) for part in np.split(pixels, starts)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _scores(run: Run, pixels: np.ndarray, noise: np.ndarray, cloud: Cloud | None) -> dict[str, np.ndarray]:
    likelihood = run.likelihood
    mean, log_var = run.posterior(pixels) if run.codes.has_posterior else (run.encode(pixels), None)
    output = run_program(run.decoder, run.weights, mean)
    found = {
        "squared_error": squared_errors(pixels, likelihood.expected_images(output)),
        "reconstruction": likelihood.nats(output, pixels),
    }
    if likelihood.floor(pixels[:1]):
        found["above_floor"] = found["reconstruction"] - bernoulli_floors(pixels)
    if cloud is not None:
        found["mahalanobis"] = mahalanobis(mean, cloud)
    if log_var is not None and len(noise):
        costs, log_weights = np.empty((2, len(noise), len(pixels)))
        for row, eps in enumerate(noise):
            z = reparameterise(mean, log_var, eps)
            costs[row] = likelihood.nats(run_program(run.decoder, run.weights, z), pixels)
            log_weights[row] = -costs[row] - log_density_ratio(z, log_var, np.broadcast_to(eps, z.shape))
        found["negative_elbo"] = costs.mean(axis=0) + closed_form_kl(mean, log_var).sum(axis=1)
        most = log_weights.max(axis=0)
        found["importance_weighted"] = -(most + np.log(np.exp(log_weights - most).mean(axis=0)))
    return found


def ranking_of(score: np.ndarray, odd: np.ndarray) -> dict[str, float]:
    """How well a score finds odd images.

    Args:
        score: (N,), of images of both kinds.
        odd: bool (N,), which are odd.

    Returns:
        ``auroc`` with its ``standard_error``, see `metrics.ranking.auroc`, and ``average_precision``, which is to be
        read beside the base rate.

    Raises:
        MeasureError: fewer than two images of one kind, or a score that is not finite.
    """
    ranking = auroc(score[~odd], score[odd])
    return {
        "auroc": ranking.auroc,
        "standard_error": ranking.standard_error,
        "average_precision": average_precision(score[~odd], score[odd]),
    }


def measure_left_out(run: Run, dataset: ImageDataset, problems: dict[str, str]) -> dict[str, Any]:
    """How well a run's scores find the class that it was trained without.

    Args:
        run: the model.
        dataset: the whole split, with images of that class.
        problems: a message is added if that is undefined here.

    Returns:
        ``left_out``: the ``class``, ``n`` usual images and ``odd`` ones, the ``base_rate`` (share of the odd among all:
        the average precision by chance), ``draws``, k, and ``scores``: `ranking_of` each of `scores`. Empty for a run
        that learned from all classes.
    """
    label = run.spec.without
    if label is None:
        return {}
    odd = np.asarray(dataset.labels) == label
    try:
        if not run.encoder:
            raise MeasureError("the encoder of this run is no program, so images cannot be scored")
        ranked = {name: ranking_of(score, odd) for name, score in scores(run, dataset.floats()).items()}
    except MeasureError as error:
        problems["left_out"] = str(error)
        return {}
    counts = {"n": int((~odd).sum()), "odd": int(odd.sum()), "base_rate": float(odd.mean())}
    return {"left_out": {"class": label, **counts, "draws": DRAWS, "scores": ranked}}
