"""What the bench sends to the browser: the networks, and grounds to paint on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ui.chapters.uses.cut.measured import FEW, NETWORKS, network, title_of
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.datasets.images import PICTURE
from vae_core.datasets.textured import INK, TEXTURES, ground
from vae_core.evaluation.masks import CLASSICAL
from vae_core.payloads.plane import Payload
from vae_core.payloads.predicting import predicting_payload

NUMBERS = 12  # crops of each texture, from the columns of the test pictures
FIRST = "few"  # the network that comes first
START = "brick"
LEVEL = sum(INK) / 2  # of the ink


def grounds() -> np.ndarray:
    """Crops of each texture in turn, as no training picture has them: uint8 (textures * NUMBERS, 784)."""
    made = [
        ground(name, "test", np.random.default_rng((place, number)))
        for place, name in enumerate(TEXTURES)
        for number in range(NUMBERS)
    ]
    return np.rint(255.0 * np.stack(made)).astype(np.uint8).reshape(len(made), -1)


@per_shelf
def payloads() -> tuple[Payload, list[Payload]]:
    """The component's first payload and the later ones.

    Raises:
        RunNotFound: a run of the bench is not in the store.
    """
    first = predicting_payload(load_run(network(FIRST).key), FIRST, {"grounds": grounds()}, **_header())
    later = [predicting_payload(load_run(network(name).key), name) for name in NETWORKS if name != FIRST]
    return first, later


def _header() -> dict[str, Any]:
    return {
        "textures": list(TEXTURES),
        "crops": NUMBERS,
        "start": START,
        "ink": LEVEL,
        "rows": [
            {
                "title": f"Masks: the threshold, {FEW} masks without and with skips, and all masks",
                "cards": [
                    {"name": "seen", "title": "What all see"},
                    {"name": "wanted", "title": "The figure"},
                    {"name": "otsu", "title": CLASSICAL["otsu"].title, "mask": True},
                    *({"name": name, "title": title_of(name), "mask": True} for name in ("few_without", "few", "all")),
                ],
            },
            {
                "title": "One network, three targets: each learned from all training pictures, with skips",
                "cards": [
                    {"name": PICTURE, "title": "asked for the picture"},
                    {"name": "clean", "title": "asked for the clean digit"},
                    {"name": "mask", "of": "all", "title": "asked for the mask"},
                ],
            },
        ],
    }
