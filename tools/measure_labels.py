"""Measure how many digits are told right with few labels: ui/chapters/uses/labels/measured.json.

    VAE_DATA=… python -m tools.measure_labels             # what the file lacks
    VAE_DATA=… python -m tools.measure_labels --again ae  # one kind of features anew
    VAE_DATA=… python -m tools.measure_labels --m2 STORE  # M1+M2, of the runs in a folder that differ in the seed

The labelled images are drawn from the bundled digits, which no shipped model has seen; accuracy is that on the official
test images. The same draws for all features. Each kind of features is written once it is there.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ui.chapters.uses.labels.draws import DRAWS, LEVELS
from ui.chapters.uses.labels.features import FEATURES
from ui.chapters.uses.labels.measured import FILE
from ui.chapters.uses.labels.transfer import SOURCES, figures_of_transfer
from ui.chapters.uses.runs import DATASET
from vae_core.datasets import load
from vae_core.evaluation.few_labels import C, accuracies
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store


def figures_of(name: str) -> dict[str, Any]:
    """``keys`` of the runs, ``d``, and ``accuracy``: labels of each class -> the share that is right, by draw."""
    features = FEATURES[name]
    runs = [Store(SHIPPED).load(spec.key) for spec in features.specs()]
    bundled, test = load(DATASET, "validation"), load(DATASET, "test")
    known, asked = features.of(runs, bundled.floats()), features.of(runs, test.floats())
    found: dict[str, list[float]] = {}
    for level in LEVELS:
        right = accuracies(known, bundled.labels, asked, test.labels, level, DRAWS)
        found[str(level)] = [round(one, 4) for one in right]
        print(name, level, round(float(np.mean(found[str(level)])), 4), file=sys.stderr, flush=True)
    return {"keys": [run.key for run in runs], "d": known.shape[1], "accuracy": found}


def main(arguments: list[str] | None = None) -> None:
    """Measure what the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="append", default=[], choices=[*FEATURES, *SOURCES])
    parser.add_argument("--m2", type=Path)
    given = parser.parse_args(arguments)
    again = given.again
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"features": {}, "transfer": {}}
    kept |= {"n": len(load(DATASET, "test")), "draws": DRAWS, "C": C}
    for part, names, measure in (("features", FEATURES, figures_of), ("transfer", SOURCES, figures_of_transfer)):
        for name in names:
            if name not in kept[part] or name in again:
                kept[part][name] = measure(name)
                FILE.write_text(_written(kept), encoding="utf-8")
    if given.m2:
        kept["m2"] = figures_of_m2(given.m2)
        FILE.write_text(_written(kept), encoding="utf-8")


def figures_of_m2(folder: Path) -> dict[str, Any]:
    """``labels`` of each class, ``images`` to learn from, and ``runs``: the ``seed``, ``key`` and test ``accuracy``."""
    store, test = Store(folder), load(DATASET, "test")
    runs = [store.load(line.key) for line in store.listing() if line.spec and line.spec.model == "m2"]
    runs.sort(key=lambda run: run.spec.seed)
    if not runs or len({replace(run.spec, seed=0) for run in runs}) > 1:
        sys.exit(f"{folder} must hold runs of m2 that differ in the seed alone")
    found = []
    for run in runs:
        told = run.run_program("classify", run.run_program("features", test.floats())).argmax(axis=1)
        accuracy = round(float((told == test.labels).mean()), 4)
        found.append({"seed": run.spec.seed, "key": run.key, "accuracy": accuracy})
    labels = runs[0].spec.options.labels
    return {"labels": labels, "images": runs[0].provenance["training_images"], "runs": found}


def _written(kept: dict[str, Any]) -> str:
    """JSON with a line for each kind of features, so that a change of one is seen as such."""
    parts = {
        name: "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(one)}" for key, one in value.items()) + "\n}"
        if isinstance(value, dict)
        else json.dumps(value)
        for name, value in kept.items()
    }
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in parts.items()) + "\n}\n"


if __name__ == "__main__":
    main()
