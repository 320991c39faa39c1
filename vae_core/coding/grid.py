"""Codes of a codebook, coded with their autoregressive prior: an entry of probability p takes -log2 p bits (Shannon
1948).

The prior knows a cell's probabilities once it has seen the cells before it. So encoder and decoder go through the
grid in the same order; the encoder knows all codes at once, but asks the prior as the decoder will have to, cell by
cell, in batches of the same images.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from vae_core.coding import stream
from vae_core.errors import CorruptStream, MeasureError
from vae_core.models.quantised_options import entries_of
from vae_core.payloads.codes import codebook_of
from vae_core.program.sequence import Sequence
from vae_core.run import Run

METHOD = "grid"
BATCH = 100  # images whose cells are asked for together
_LEAST = 1e-300  # of a probability: its logarithm stays finite


class Written(NamedTuple):
    """Images' codes in one stream.

    Attributes:
        codes: int32 (N, cells).
        bits: float64 (N, cells), -log2 p of each under the prior: what the stream should take.
        data: the stream.
    """

    codes: np.ndarray
    bits: np.ndarray
    data: bytes


class GridCoder:
    """The coder of one codebook and its prior, which is not told a class.

    Args:
        run: with the program ``prior``.

    Raises:
        MeasureError: it has none, or is told the class.
    """

    def __init__(self, run: Run) -> None:
        if "prior" not in run.further_programs or getattr(run.spec.options, "classes", None):
            raise MeasureError(f"{run.key} has no prior over codes that needs no class: choose a run of vq_prior.")
        self.run = run
        self.cells = run.spec.latent_dim
        self.entries = entries_of(run.spec.options)

    @cached_property
    def _family(self) -> Any:
        return stream.constriction().stream.model.Categorical(perfect=False)

    @cached_property
    def _prior(self) -> Sequence:
        return Sequence(self.run.further_programs["prior"], self.run.weights)

    def compress(self, images: np.ndarray, penalty: float = 0.0) -> Written:
        """Choose entries for images and write them: those nearest to the encoder's vectors, or nearly so where that
        saves.

        With a penalty λ a cell takes the entry k with the least |z - e_k|² - λ log2 p(k | cells before it), as in
        entropy-constrained vector quantisation (Chou et al. 1989); greedily, row by row.

        Args:
            images: float32 (N, D) in [0, 1].
            penalty: λ, squared latent units per bit; 0 for the nearest entries.
        """
        codebook = codebook_of(self.run).astype(np.float64)
        vectors = self.run.run_program("vectors", images).reshape(len(images), self.cells, -1).astype(np.float64)
        nearest = self.run.encode(images).astype(np.int32)

        def choose(part: slice, cell: int, shares: np.ndarray) -> np.ndarray:
            if not penalty:
                return nearest[part, cell]
            away = np.square(vectors[part, cell, None] - codebook).sum(axis=2)  # (B, K)
            found: np.ndarray = (away - penalty * np.log2(np.maximum(shares, _LEAST))).argmin(axis=1)
            return found

        return self._written(len(images), choose)

    def write(self, codes: np.ndarray) -> Written:
        """Write codes (N, cells), whole numbers below K.

        Raises:
            MeasureError: others.
        """
        codes = self._checked(codes)
        return self._written(len(codes), lambda part, cell, _shares: codes[part, cell])

    def decode(self, data: bytes) -> np.ndarray:
        """Read codes back: int32 (N, cells).

        Raises:
            CorruptStream: it was cut or altered, or written with another model.
        """
        coder, count = stream.unpack(data, METHOD)
        codes = np.zeros((count, self.cells), np.int32)
        for part in _batches(count):
            codes[part] = self._popped(coder, part.stop - part.start)
        stream.check(stream.end(coder), METHOD, self.run.key, codes)
        return codes

    def image_of_damaged(self, data: bytes) -> np.ndarray:
        """What the decoder would make of an altered stream of one image if it kept no checksum: float32 (1, D).

        Raises:
            CorruptStream: not even its beginning can be read.
        """
        coder, count = stream.unpack(data, METHOD)
        if count != 1:
            raise CorruptStream(f"the stream claims {count:,} images instead of one.")
        return self.images(self._popped(coder, 1))

    def images(self, codes: np.ndarray) -> np.ndarray:
        """The decoder's images: codes (N, cells) -> float32 (N, D) in [0, 1]."""
        return self.run.decode(codes.astype(np.float32))

    def _popped(self, coder: Any, count: int) -> np.ndarray:
        return self._go_through(count, lambda _cell, shares: coder.decode(self._family, shares))

    def _checked(self, codes: np.ndarray) -> np.ndarray:
        codes = np.asarray(codes)
        fits = codes.ndim == 2 and codes.shape[1] == self.cells
        if not fits or (codes.size and not ((codes >= 0) & (codes < self.entries) & (codes % 1 == 0)).all()):
            raise MeasureError(f"codes must be {self.cells} whole numbers from 0 to {self.entries - 1} an image.")
        return np.ascontiguousarray(codes, np.int32)

    def _written(self, count: int, choose: Callable[[slice, int, np.ndarray], np.ndarray]) -> Written:
        """Codes that choose(images, cell, probabilities (B, K)) -> (B,) gives, and their stream."""
        codes, bits = np.zeros((count, self.cells), np.int32), np.zeros((count, self.cells))
        asked: list[tuple[slice, np.ndarray]] = []  # probabilities of the images' cells, (cells · B, K)
        for part in _batches(count):
            kept: list[np.ndarray] = []

            def choose_here(
                cell: int, shares: np.ndarray, part: slice = part, kept: list[np.ndarray] = kept
            ) -> np.ndarray:
                kept.append(shares)
                found = choose(part, cell, shares)
                bits[part, cell] = -np.log2(np.maximum(shares[np.arange(len(found)), found], _LEAST))
                return found

            codes[part] = self._go_through(part.stop - part.start, choose_here)
            asked.append((part, np.concatenate(kept)))
        coder = stream.begin(METHOD, self.run.key, codes)
        for part, shares in reversed(asked):  # what is pushed last is popped first
            coder.encode_reverse(np.ascontiguousarray(codes[part].T).ravel(), self._family, shares)
        return Written(codes, bits, stream.finish(coder, METHOD, count))

    def _go_through(self, count: int, choose: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
        """Ask the prior for cell after cell; choose(cell, probabilities (B, K)) -> (B,)."""
        self._prior.begin()
        codes = np.zeros((count, self.cells), np.int32)
        number = np.full((count, 1), self.entries)  # how every sequence begins
        for cell in range(self.cells):
            logits = self._prior.next(number)[:, 0].astype(np.float64)
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            codes[:, cell] = choose(cell, shares / shares.sum(axis=1, keepdims=True))
            number = codes[:, cell : cell + 1]
        return codes


def _batches(count: int) -> list[slice]:
    return [slice(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]
