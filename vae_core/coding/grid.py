"""Codes of a codebook, coded with their autoregressive prior: an entry of probability p takes -log2 p bits (Shannon 1948).

The prior knows a cell's probabilities once it has seen the cells before it. So encoder and decoder go through the grid in the
same order; the encoder knows all codes at once, but asks the prior as the decoder will have to, cell by cell, in batches of
the same images.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from vae_core.coding import stream
from vae_core.errors import CorruptStream, MeasureError
from vae_core.models.quantised_options import entries_of
from vae_core.payloads.codes import codebook_of
from vae_core.program.sequence import Sequence
from vae_core.run import Run

METHOD = "grid"
BATCH = 100  # images whose cells are asked for together


class GridCoder:
    """The coder of one codebook and its prior, which is not told a class.

    Args:
        run: with the program ``prior``.

    Raises:
        MeasureError: it has none, or is told the class.
    """

    def __init__(self, run: Run) -> None:
        if "prior" not in run.further_programs or getattr(run.spec.options, "classes", 0):
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

    def codes(self, images: np.ndarray, penalty: float = 0.0) -> np.ndarray:
        """Choose entries for images: those nearest to the encoder's vectors, or nearly so where that saves bits.

        With a penalty λ a cell takes the entry k with the least |z - e_k|² - λ log2 p(k | cells before it), as in
        entropy-constrained vector quantisation (Chou et al. 1989); greedily, row by row.

        Args:
            images: float32 (N, D) in [0, 1].
            penalty: λ, squared latent units per bit; 0 for the nearest entries.

        Returns:
            int32 (N, cells).
        """
        if not penalty:
            return self.run.encode(images).astype(np.int32)
        codebook = codebook_of(self.run).astype(np.float64)
        vectors = self.run.run_program("vectors", images).reshape(len(images), self.cells, -1).astype(np.float64)
        found = np.zeros((len(images), self.cells), np.int32)
        for part in _batches(len(images)):

            def choose(cell: int, shares: np.ndarray, part: slice = part) -> np.ndarray:
                away = np.square(vectors[part, cell, None] - codebook).sum(axis=2)  # (B, K)
                return (away - penalty * np.log2(shares)).argmin(axis=1)

            found[part] = self._go_through(len(found[part]), choose)
        return found

    def bits(self, codes: np.ndarray) -> np.ndarray:
        """-log2 p of each cell under the prior: what the stream should take. Codes (N, cells) -> float64 (N, cells)."""
        codes = self._checked(codes)
        parts = [-np.log2(_chosen(self._shares(codes[part]), codes[part])) for part in _batches(len(codes))]
        return np.concatenate([*parts, np.zeros((0, self.cells))])

    def encode(self, codes: np.ndarray) -> bytes:
        """Write codes (N, cells), whole numbers below K.

        Raises:
            MeasureError: others.
        """
        codes = self._checked(codes)
        coder = stream.begin(METHOD, self.run.key, codes)
        for part in reversed(_batches(len(codes))):  # what is pushed last is popped first
            shares = self._shares(codes[part])  # (cells, B, K)
            coder.encode_reverse(codes[part].T.ravel(), self._family, shares.reshape(-1, self.entries))
        return stream.finish(coder, METHOD, len(codes))

    def decode(self, data: bytes) -> np.ndarray:
        """Read codes back: int32 (N, cells).

        Raises:
            CorruptStream: it was cut or altered, or written with another model.
        """
        coder, count = stream.unpack(data, METHOD)
        codes = np.zeros((count, self.cells), np.int32)
        for part in _batches(count):
            codes[part] = self._go_through(
                len(codes[part]), lambda cell, shares: coder.decode(self._family, shares).astype(np.int32)
            )
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
        codes = self._go_through(1, lambda cell, shares: coder.decode(self._family, shares).astype(np.int32))
        return self.images(codes)

    def images(self, codes: np.ndarray) -> np.ndarray:
        """The decoder's images: codes (N, cells) -> float32 (N, D) in [0, 1]."""
        return self.run.decode(codes.astype(np.float32))

    def _checked(self, codes: np.ndarray) -> np.ndarray:
        codes = np.asarray(codes)
        fits = codes.ndim == 2 and codes.shape[1] == self.cells
        if not fits or (codes.size and not ((codes >= 0) & (codes < self.entries) & (codes % 1 == 0)).all()):
            raise MeasureError(f"codes must be {self.cells} whole numbers from 0 to {self.entries - 1} an image.")
        return np.ascontiguousarray(codes, np.int32)

    def _shares(self, codes: np.ndarray) -> np.ndarray:
        """Probabilities of all entries in each cell, given the codes before it: float64 (cells, B, K)."""
        found: list[np.ndarray] = []

        def given(cell: int, shares: np.ndarray) -> np.ndarray:
            found.append(shares)
            return codes[:, cell]

        self._go_through(len(codes), given)
        return np.stack(found)

    def _go_through(self, count: int, choose: Any) -> np.ndarray:
        """Ask the prior for cell after cell; choose(cell, probabilities (B, K)) -> codes (B,)."""
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


def _chosen(shares: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(cells, B, K) at codes (B, cells) -> (B, cells)."""
    return np.take_along_axis(shares, codes.T[:, :, None], axis=2)[:, :, 0].T


