"""The head that `datasets.heads` are pictures of, for a browser to draw with other factors (engine/head.js)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from vae_core.datasets.heads import FACTORS, STEP
from vae_core.payloads.plane import Payload, Tensors

FILE = Path(__file__).resolve().parents[1] / "data" / "head_model.npz"
MOVES = ("base", "smile", "frown", "open", "wide", "narrow", "age")  # what a head is the sum of, in the file's order
PER_DECIMETRE = 20_000  # whole numbers in the file
GREYS = 65_535


@cache
def head_model() -> dict[str, np.ndarray]:
    """The shipped model of the mean head, of no sex or ancestry in particular.

    Returns:
        ``triangles`` uint16 (T, 3), counter-clockwise from outside; ``moves`` int16 (7, V, 3), in `PER_DECIMETRE`, the
        first from the axis about which a head turns; ``plain`` uint16 (T, 3), greys of the triangles' corners without
        hair, and ``hair`` uint16 (T, 3), how much of them is hair, in `GREYS`; ``frame`` (4,): left, bottom and side of
        the square in the picture, in decimetres, and how many times finer it is drawn; ``light`` (3,): the share that
        comes from everywhere, the elevation in degrees, and the background's grey; ``greys`` (2,) of hair, of the
        youngest and the oldest; ``example_values`` float32 (n, F) with ``example_pictures`` uint8 (n, 32, 32), drawn
        from the whole mesh.
    """
    with np.load(FILE, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for array in arrays.values():
        array.setflags(write=False)  # cached and shared between callers
    return arrays


def head_payload() -> Payload:
    """The model for engine/head.js; the header has the factors with their ranges and units, and the scene's numbers."""
    model, tensors = head_model(), Tensors()
    for name in ("triangles", "moves", "plain", "hair"):
        tensors.add(name, model[name])
    left, bottom, side, finer = model["frame"].tolist()
    ambient, elevation, empty = model["light"].tolist()
    return tensors.payload(
        {
            "kind": "head",
            "factors": [
                {"name": factor.name, "low": factor.low, "high": factor.high, "unit": factor.unit} for factor in FACTORS
            ],
            "moves": list(MOVES),
            "scene": {
                "left": left, "bottom": bottom, "side": side, "finer": int(finer), "ambient": ambient,
                "elevation": elevation, "empty": empty, "hair": model["greys"].tolist(), "step": STEP,
                "perDecimetre": PER_DECIMETRE, "greys": GREYS,
            },
        }
    )  # fmt: skip
