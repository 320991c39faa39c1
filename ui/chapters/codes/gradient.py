"""What a small step of the encoder's vectors changes: nothing, until a border between two entries is crossed."""

from __future__ import annotations

import numpy as np

from ui.chapters.codes.runs import CODEBOOKS, DATASET, run_of
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.payloads.codes import codebook_of
from vae_core.program.forward import run_program

IMAGES, SEED = 200, 0
STEP = 1e-3  # of the vectors' standard deviation
WHAT_CHANGES = ("Every cell changes a little", "Hardly any cell changes at all", "About half of the cells change")


@per_shelf
def share_changed(codebook: str) -> float:
    """The share of cells whose entry is another one after a tiny random step of every vector."""
    run = run_of(CODEBOOKS[codebook])
    width = codebook_of(run).shape[1]
    vectors = run.run_program("vectors", held_out(DATASET).first(IMAGES).floats()).reshape(-1, width)
    noise = np.random.default_rng(SEED).standard_normal(vectors.shape).astype(np.float32)
    moved = vectors + STEP * vectors.std() * noise
    before, after = (run_program(run.encoder[-1:], run.weights, rows) for rows in (vectors, moved))
    return float((before != after).mean())


def what_changes(codebook: str) -> tuple[int, str]:
    """What a tiny step of all vectors does to the codes."""
    share = share_changed(codebook)
    right = 1 if share < 0.1 else 2 if share < 0.9 else 0
    return right, (
        f"With {IMAGES} held-out digits, a random step of a thousandth of the vectors' standard deviation changes "
        f"**{share:.2%}** of the cells. A cell that keeps its entry gives the decoder exactly the same: the derivative "
        "is 0 wherever there is one."
    )
