"""Models that are computed directly instead of trained: PCA, and the best pixels to keep."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from vae_core.datasets import ImageDataset
from vae_core.errors import SpecError
from vae_core.losses.likelihoods import likelihood
from vae_core.models import build
from vae_core.spec import RunSpec
from vae_core.training.loop import Progress, Trained
from vae_core.training.schedule import shown_images

# The encoder's weight (d, D) and bias (d,), and the decoder's, (D, d) and (D,).
Linear = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fit(
    spec: RunSpec,
    training: ImageDataset,
    validation: ImageDataset,
    *,
    on_epoch: Callable[[Progress], None] | None = None,
) -> Trained:
    """Compute a model; the result is that of a training run of one epoch.

    Raises:
        SpecError: fewer images than latent dimensions.
    """
    if len(training) < spec.latent_dim:
        raise SpecError(
            f"latent_dim must be at most {len(training)} for model {spec.model!r}: there are {len(training)} images."
        )
    start = time.perf_counter()
    arrays = FITS[spec.model](training.floats(), spec.latent_dim)
    model = build(spec, training.image_shape)
    names = ("code.weight", "code.bias", "decoder.0.weight", "decoder.0.bias")
    model.load_state_dict({name: torch.from_numpy(a.astype(np.float32)) for name, a in zip(names, arrays, strict=True)})
    seconds = time.perf_counter() - start
    p_x_given_z = likelihood(spec, model)
    record: dict[str, float] = {"epoch": 1}
    with torch.no_grad():
        for prefix, images in (("", training), ("validation_", spec.usual_of(validation))):
            x = torch.from_numpy(images.floats())
            output = model.decode(model.encode_mean(x))
            record |= {
                f"{prefix}reconstruction": p_x_given_z.negative_log_likelihood(output, x).mean().item(),
                f"{prefix}kl": 0.0,
            }
        shown = validation.first(shown_images(spec))
        snapshot = model.encode_mean(torch.from_numpy(shown.floats()))
    record["seconds"] = seconds
    if on_epoch:
        on_epoch(Progress(1, 1, record, record["validation_reconstruction"], len(training) / seconds, 0.0))
    return Trained(model.eval(), [record], {1: snapshot.numpy().astype(np.float16)}, "cpu", "float32")


def principal_components(x: np.ndarray, dimensions: int) -> Linear:
    """PCA (Pearson 1901; Hotelling 1933): leading eigenvectors of the covariance, decoder = transpose.

    Args:
        x: (N, D), pixels in [0, 1].
        dimensions: d.
    """
    from sklearn.decomposition import PCA

    fitted = PCA(dimensions, svd_solver="covariance_eigh" if len(x) > x.shape[1] else "full").fit(x.astype(np.float64))
    directions = fitted.components_
    return directions, -directions @ fitted.mean_, directions.T, fitted.mean_


def best_pixels(x: np.ndarray, dimensions: int) -> Linear:
    """Keep d pixels and predict the rest from them by least squares: selection instead of extraction.

    The pixels are chosen greedily, each the one that explains most of the remaining variance of all pixels: a Cholesky
    factorisation of the covariance with the pivot that explains most (column subset selection,
    greedy; Farahat et al. 2011).

    Args:
        x: (N, D), images.
        dimensions: d.
    """
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    covariance = np.cov(x, rowvar=False, bias=True)
    residual = covariance.copy()
    chosen: list[int] = []
    for _ in range(dimensions):
        variance = np.diag(residual)
        gain = np.where(variance > 1e-12, np.square(residual).sum(axis=0) / np.maximum(variance, 1e-12), -1.0)
        gain[chosen] = -2.0
        pixel = int(gain.argmax())
        chosen.append(pixel)
        if variance[pixel] > 1e-12:
            residual -= np.outer(residual[:, pixel], residual[pixel]) / variance[pixel]
    directions = np.zeros((dimensions, x.shape[1]))
    directions[np.arange(dimensions), chosen] = 1.0
    # Least squares by pseudo-inverse: two chosen pixels may be equal on every image.
    prediction = covariance[:, chosen] @ np.linalg.pinv(covariance[np.ix_(chosen, chosen)], hermitian=True)
    return directions, -mean[chosen], prediction, mean


FITS: dict[str, Callable[[np.ndarray, int], Linear]] = {"pca": principal_components, "pixels": best_pixels}
