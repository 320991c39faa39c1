"""Bits that are really written for a run's images, and read back, beside what theory says they should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vae_core.coding.bits_back import BitsBack, Chain
from vae_core.coding.grid import GridCoder
from vae_core.datasets.images import BINARISATION_SEED, ImageDataset, binarise
from vae_core.errors import CorruptStream
from vae_core.evaluation.importance import image_log_weights
from vae_core.metrics.reconstruction import mean_squared_error
from vae_core.run import Run

CHAINED = 1_000  # images of a chain with bits back: all go through one coder, one after the other
ELBO_SAMPLES = 16  # of z, for each image


def spread(bits: np.ndarray) -> dict[str, float]:
    """Mean and standard error over images: float64 (N,)."""
    return {"bits": float(bits.mean()), "bits_standard_error": float(bits.std(ddof=1) / math.sqrt(len(bits)))}


def of_grid(coder: GridCoder, images: np.ndarray, penalty: float) -> dict[str, Any]:
    """One stream of all images, read back.

    Args:
        images: float32 (N, D) in [0, 1].
        penalty: see `GridCoder.compress`.

    Returns:
        ``bits`` written for an image, the stream's head and checksum included; ``expected_bits``, the cross-entropy of
        the codes under the prior, with ``bits_standard_error`` over images; ``mse`` per pixel; ``n``.

    Raises:
        CorruptStream: other codes were read than written.
    """
    codes, cells, data = coder.compress(images, penalty)
    if not np.array_equal(coder.decode(data), codes):
        raise CorruptStream(f"other codes were read than {coder.run.key} had written.")
    own = spread(cells.sum(axis=1))
    return {
        "bits": 8 * len(data) / len(images),
        "expected_bits": own["bits"],
        "bits_standard_error": own["bits_standard_error"],
        "mse": mean_squared_error(images, coder.images(codes)),
        "n": len(images),
    }


def chained(run: Run, grey: np.ndarray) -> tuple[np.ndarray, Chain, np.ndarray]:
    """Images in one chain with bits back, read back.

    Args:
        grey: float32 (N, D) in [0, 1]; each pixel is drawn from its grey value, the same each time.

    Returns:
        The drawn images, uint8 (N, D); the chain; and the negative ELBO of each, nats, float64 (N,).

    Raises:
        MeasureError: see `BitsBack`.
        CorruptStream: other images were read than written.
    """
    coder = BitsBack(run)
    images = binarise(grey, np.random.default_rng(BINARISATION_SEED)).astype(np.uint8)
    chain = coder.encode(images)
    if not np.array_equal(coder.decode(chain.data), images):
        raise CorruptStream(f"other images were read than {run.key} had written.")
    elbo = [-image_log_weights(run, image, ELBO_SAMPLES, seed).mean() for seed, image in enumerate(images)]
    return images, chain, np.array(elbo)


def measure_coding(run: Run, dataset: ImageDataset) -> dict[str, Any]:
    """Write a split's images, read them back, and count.

    Args:
        run: with a prior over codes, whose codes are written, see `of_grid`; or a VAE with a Bernoulli likelihood,
            whose first `CHAINED` images are chained with bits back, in black and white.

    Returns:
        ``coding``: see `of_grid` with no penalty; or of a chain ``bits`` that an image adds to it, with
        ``bits_standard_error``, ``expected_bits``, the negative ELBO of the same images, and ``n``.

    Raises:
        MeasureError: the run is neither, see `GridCoder` and `BitsBack`.
    """
    if "prior" in run.further_programs:
        return {"coding": of_grid(GridCoder(run), dataset.floats(), 0.0)}
    _, chain, elbo = chained(run, dataset.floats()[:CHAINED])
    return {"coding": {**spread(np.diff(chain.stack_bits)), "expected_bits": elbo.mean() / math.log(2), "n": len(elbo)}}
