"""Measure how a classifier on codes stands noise, beside one on pixels: writes ui/chapters/reduction/noise.json.

    python -m tools.measure_noise

Takes some minutes on one core. The images are the bundled digits, which no shipped encoder was trained on.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from ui.chapters.reduction.noise import DIMENSIONS, FILE, HIDDEN, MODELS, PIXELS_LINEAR, PIXELS_NETWORK
from vae_core.datasets import load
from vae_core.lessons.noisy_codes import FOLDS, SIGMAS, right_answers
from vae_core.metrics import share_interval
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest, shipped_run
from vae_core.storage.store import Store


def seeds(model: str) -> list[RunSpec]:
    """The shipped runs of a model that differ in the seed alone."""
    hidden = {"hidden": HIDDEN} if model != "pca" else {}
    first = shipped_run(dataset="mnist", model=model, latent_dim=DIMENSIONS, seed=0, **hidden)
    return [spec for spec in read_manifest() if replace(spec, seed=0) == first]


def text_of(right: dict[str, list[list[int]]], n: int) -> str:
    """The file: counts, and the exact 95% intervals of their shares (Clopper and Pearson 1934).

    Computed here, because scipy's statistics take a page half a second to import.
    """
    intervals = {
        name: [[list(share_interval(hits, n)) for hits in start] for start in starts] for name, starts in right.items()
    }
    document = {"n": n, "folds": FOLDS, "sigmas": SIGMAS, "right": right, "intervals": intervals}
    lines = json.dumps(document).replace("], [[", "],\n [[").replace('}, "', '},\n"').replace(']], "', ']],\n "')
    return f"{lines}\n"


def main() -> None:
    """Measure every representation, and write the file."""
    images = load("mnist", "validation")
    pixels, labels = images.floats(), images.labels
    right = {}
    for name, network in ((PIXELS_LINEAR, False), (PIXELS_NETWORK, True)):
        right[name] = [right_answers(lambda x: x, pixels, labels, network=network, standardised=False)]
        print(name, right[name], file=sys.stderr, flush=True)
    for model in MODELS:
        runs = [Store(SHIPPED).load(spec.key) for spec in seeds(model)]
        right[model] = [right_answers(run.encode, pixels, labels) for run in runs]
        print(model, right[model], file=sys.stderr, flush=True)
    FILE.write_text(text_of(right, len(labels)), encoding="utf-8")


if __name__ == "__main__":
    main()
