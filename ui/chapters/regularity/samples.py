"""Sheets of samples, each judged by the dataset's classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ui.chapters.regularity.judge import unrecognised
from ui.figures.pictures import tiles
from ui.once import once
from ui.runs.resources import load_run
from vae_core.sampling import draw

COLUMNS = 9
USUAL_SEED = 5  # its sheets of the shipped pair at d = 16 are near the average of many


@dataclass(frozen=True)
class Sheet:
    """Decoded samples.

    Attributes:
        picture: PNG file; what the classifier does not recognise is marked.
        count: samples.
        unrecognised: how many of them are marked.
    """

    picture: bytes
    count: int
    unrecognised: int


@once(maxsize=256)
def sample_sheet(key: str, source: str, count: int, seed: int) -> Sheet:
    """Sample codes from a source, decode them, and judge each.

    Raises:
        MeasureError: the run cannot be sampled from this source.
        RunNotFound: the dataset has no classifier here.
    """
    run = load_run(key)
    z = draw(source, count, run.codes.mean, run.mixture, np.random.default_rng(seed))
    pixels = run.decode(z)
    marked = unrecognised(pixels, run.spec.dataset)
    return Sheet(tiles(pixels, run.image_shape, columns=COLUMNS, marked=marked), count, int(marked.sum()))
