"""Bits-back coding with ANS (Townsend et al. 2019): a VAE as a lossless compressor of binarised images.

To code an image x, the encoder needs some z to describe it by. It *decodes* z from the bits already on the stack,
with q(z|x): that takes -log2 q(z|x) bits off. Then it pushes x with p(x|z) and z with p(z). The decoder pops z and x,
knows q(z|x) then, and pushes z back: it has the borrowed bits again. Net, an image costs

    -log2 p(x|z) - log2 p(z) + log2 q(z|x),

in the mean the negative ELBO in bits. Only the first image has no bits to borrow from; random words are put on the
stack for it, and come out of it again at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vae_core.coding import stream
from vae_core.errors import MeasureError
from vae_core.program.forward import run_program
from vae_core.run import Run

METHOD = "bits-back"
CELL = 1.0 / 256  # of z: far below the posteriors' deviations; its width cancels between q(z|x) and p(z)
REACH = 8.0  # z lies within it: beyond are 1e-15 of N(0, 1)
INITIAL_WORDS = 8  # of 32 random bits, on the stack before the first image


@dataclass(frozen=True)
class Chain:
    """Images in one stream.

    Attributes:
        data: the container.
        stack_bits: float64 (N + 1,), bits on the stack before the first image and after each.
        initial_bits: random bits that the first image borrows from.
        borrowed: float64 (N,), bits that each image took off the stack for its z.
        words: the random words that lay there, uint32.
    """

    data: bytes
    stack_bits: np.ndarray
    initial_bits: int
    borrowed: np.ndarray
    words: np.ndarray

    @property
    def net_bits(self) -> float:
        """Bits that the images added to the stack: without what was there before, which comes out again."""
        return float(self.stack_bits[-1] - self.stack_bits[0])


class BitsBack:
    """The coder of one VAE.

    Args:
        run: with a posterior, the prior N(0, I) and a Bernoulli likelihood; encoder and decoder as programs.

    Raises:
        MeasureError: it has none of these.
    """

    def __init__(self, run: Run) -> None:
        if run.spec.likelihood != "bernoulli" or not run.codes.has_posterior:
            raise MeasureError(f"bits-back coding here needs a VAE with a Bernoulli likelihood; {run.key} is none.")
        self.run = run

    @cached_property
    def _models(self) -> tuple[Any, Any]:
        models = stream.constriction().stream.model
        reach = round(REACH / CELL)
        return models.QuantizedGaussian(-reach, reach), models.Bernoulli(perfect=False)

    def encode(self, images: np.ndarray, *, seed: int = 0, initial_words: int = INITIAL_WORDS) -> Chain:
        """Write images one above the other.

        Args:
            images: (N, D), 0 or 1 each.
            seed: of the random words.
            initial_words: how many there are.

        Raises:
            MeasureError: pixels that are neither 0 nor 1.
        """
        images = _binary(images)
        gaussian, bernoulli = self._models
        words = np.random.default_rng(seed).integers(2**32, size=initial_words, dtype=np.uint32)
        coder = stream.begin(METHOD, self.run.key, images, words)
        bits, borrowed = [coder.num_valid_bits()], []
        for image in images:
            numbers = coder.decode(gaussian, *self._posterior(image))
            borrowed.append(bits[-1] - coder.num_valid_bits())
            coder.encode_reverse(image.astype(np.int32), bernoulli, self._pixels(numbers))
            coder.encode_reverse(numbers, gaussian, *self._prior(len(numbers)))
            bits.append(coder.num_valid_bits())
        return Chain(
            stream.finish(coder, METHOD, len(images)),
            np.asarray(bits, np.float64),
            32 * initial_words,
            np.asarray(borrowed, np.float64),
            words,
        )

    def decode(self, data: bytes) -> np.ndarray:
        """Read images back, and give back what they borrowed: uint8 (N, D).

        Raises:
            CorruptStream: it was cut or altered, or written with another model.
        """
        coder, count = stream.unpack(data, METHOD)
        gaussian, bernoulli = self._models
        images = np.zeros((count, int(np.prod(self.run.image_shape))), np.uint8)
        for place in reversed(range(count)):
            numbers = coder.decode(gaussian, *self._prior(self.run.spec.latent_dim))
            images[place] = coder.decode(bernoulli, self._pixels(numbers))
            coder.encode_reverse(numbers, gaussian, *self._posterior(images[place]))
        stream.check(stream.end(coder), METHOD, self.run.key, images)
        return images

    # One image at a time, on both sides: see the package's docstring.

    def _prior(self, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(dimensions), np.full(dimensions, 1.0 / CELL)

    def _posterior(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation in cells, float64 (d,) each."""
        mean, log_var = (part[0].astype(np.float64) for part in self.run.posterior(image[None].astype(np.float32)))
        return mean / CELL, np.exp(0.5 * log_var) / CELL

    def _pixels(self, numbers: np.ndarray) -> np.ndarray:
        """Probability of 1 for each pixel, float64 (D,)."""
        z = (numbers * CELL).astype(np.float32)[None]
        logits = run_program(self.run.decoder, self.run.weights, z)[0].astype(np.float64)
        return 1.0 / (1.0 + np.exp(-logits))


def _binary(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.size and not np.isin(images, (0, 1)).all():
        raise MeasureError("bits-back coding with a Bernoulli likelihood takes pixels that are 0 or 1: binarise them.")
    return images.astype(np.uint8)
