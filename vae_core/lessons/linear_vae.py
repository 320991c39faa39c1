"""A linear VAE against probabilistic PCA: the case in which the likelihood, the posterior and the optimum are known.

With the decoder f(z) = Wz + b and pixel noise of variance c, p(x) is N(b, WW^T + cI), and its maximum likelihood is in
closed form (Tipping and Bishop 1999): W has the first eigenvectors of the images' covariance as columns, of squared
length eigenvalue - c. A direction whose eigenvalue is not above c gets a column of 0: its latent dimension collapses.
These columns are at right angles, so the exact posterior has a diagonal covariance that is the same for all images, and
a linear encoder gives it: there the ELBO is log p(x), with no gap (Lucas et al. 2019). Nats per image throughout.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.losses.gaussian import closed_form_kl
from vae_core.losses.likelihoods import Gaussian
from vae_core.program.operations import BIAS, WEIGHT
from vae_core.run import Run


class Spectrum(NamedTuple):
    """Images around their mean.

    Attributes:
        mean: (D,).
        eigenvalues: (D,), of the covariance, divided by N and not N - 1: descending, at least 0.
        directions: (D, D), the eigenvectors as columns.
    """

    mean: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray


def spectrum(images: np.ndarray) -> Spectrum:
    """Of images (N, D), in float64."""
    images = np.asarray(images, dtype=np.float64)
    mean = images.mean(axis=0)
    eigenvalues, directions = np.linalg.eigh(np.cov(images, rowvar=False, bias=True))
    return Spectrum(mean, np.maximum(eigenvalues[::-1], 0.0), directions[:, ::-1])


def most_likely_variance(eigenvalues: np.ndarray, latent_dim: int) -> float:
    """The c that is most likely beside the best W: the mean of the eigenvalues, (D,), beyond the first d."""
    return float(eigenvalues[latent_dim:].mean())


def best_decoder(images: Spectrum, latent_dim: int, c: float) -> np.ndarray:
    """The most likely W at a given c, (D, d), one of all that differ by a rotation of z: columns at right angles."""
    lengths = np.sqrt(np.maximum(images.eigenvalues[:latent_dim] - c, 0.0))
    return images.directions[:, :latent_dim] * lengths


def best_log_likelihood(eigenvalues: np.ndarray, latent_dim: int, c: float) -> float:
    """Mean log p(x) over the images with these eigenvalues, (D,), in nats per image, at the most likely W and b: no
    linear VAE has more."""
    variances = np.full(len(eigenvalues), c)
    variances[:latent_dim] = np.maximum(eigenvalues[:latent_dim], c)
    return -0.5 * float((np.log(2.0 * math.pi * variances) + eigenvalues / variances).sum())


def best_kl(eigenvalues: np.ndarray, latent_dim: int, c: float) -> np.ndarray:
    """Mean KL of each latent dimension at the optimum, (d,): log(eigenvalue / c) / 2, and 0 where it collapses."""
    return 0.5 * np.log(np.maximum(eigenvalues[:latent_dim], c) / c)


class Affine(NamedTuple):
    """A decoder without hidden layers: W (D, d), b (D,), and the variance c of its pixels."""

    weight: np.ndarray
    bias: np.ndarray
    c: float


def affine_decoder(run: Run) -> Affine:
    """The decoder of a linear VAE.

    Raises:
        MeasureError: another kind of run.
    """
    p_x_given_z = run.likelihood
    if not isinstance(p_x_given_z, Gaussian) or not run.codes.has_posterior or len(run.decoder) != 1:
        raise MeasureError(f"{run.key} is no linear VAE: choose one without hidden layers and a Gaussian likelihood.")
    weight, bias = (run.weights[run.decoder[0][part.name]].astype(np.float64) for part in (WEIGHT, BIAS))
    return Affine(weight, bias, p_x_given_z.variance)


def log_likelihood(decoder: Affine, images: np.ndarray) -> np.ndarray:
    """The exact log p(x) of images (N, D): float64 (N,)."""
    pixels, latent_dim = decoder.weight.shape
    # By the d-by-d matrix M = W^T W + cI in place of the covariance: C^-1 = (I - W M^-1 W^T) / c.
    inner = decoder.weight.T @ decoder.weight + decoder.c * np.eye(latent_dim)
    away = images - decoder.bias
    along = away @ decoder.weight
    squared = (np.square(away).sum(axis=1) - (along * np.linalg.solve(inner, along.T).T).sum(axis=1)) / decoder.c
    log_determinant = float(np.linalg.slogdet(inner)[1]) + (pixels - latent_dim) * math.log(decoder.c)
    return -0.5 * (squared + log_determinant + pixels * math.log(2.0 * math.pi))


def exact_elbo(decoder: Affine, mean: np.ndarray, log_var: np.ndarray, images: np.ndarray) -> np.ndarray:
    """The ELBO of images (N, D) without sampling, float64 (N,): the expected squared error has a closed form.

    Args:
        decoder: of the model.
        mean: (N, d), of each image's q.
        log_var: (N, d).
        images: (N, D).
    """
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    error = np.square(images - mean @ decoder.weight.T - decoder.bias).sum(axis=1)
    error = error + np.exp(log_var) @ np.square(decoder.weight).sum(axis=0)
    constant = 0.5 * images.shape[1] * math.log(2.0 * math.pi * decoder.c)
    return -0.5 * error / decoder.c - constant - closed_form_kl(mean, log_var).sum(axis=1)


def best_encoder(decoder: Affine, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and log-variance, (N, d) each, of the best diagonal q of every image, in closed form.

    The exact posterior has the mean M^-1 W^T (x - b) and the precision M / c, M = W^T W + cI; the best diagonal
    Gaussian has its mean, and the inverse of the precision's diagonal as variances (`lessons.mean_field`).
    """
    inner = decoder.weight.T @ decoder.weight + decoder.c * np.eye(decoder.weight.shape[1])
    mean = np.linalg.solve(inner, decoder.weight.T @ (images - decoder.bias).T).T
    log_var = np.log(decoder.c / np.diagonal(inner))
    return mean, np.broadcast_to(log_var, mean.shape)
