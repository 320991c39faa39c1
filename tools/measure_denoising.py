"""Measure what restores damaged digits, and how well: writes ui/chapters/uses/denoise/measured.json.

    python -m tools.measure_denoising [--only denoising_ae] [--data-root DIR]

Takes some minutes on one core; with --only, one network is measured anew and all other figures stay. Filters and the
number of PCA's components are tuned on the first validation images, for each kind and level of damage; everything is
then measured on the first test images, all methods on the same damaged ones. The file has ``n`` and ``validation_n``,
the numbers of images; ``levels``, by kind of damage; ``runs``, the keys of the networks; ``settings``, by method and
kind [parameter, gain, offset] for each level; and ``figures``, by method and kind what
`vae_core.evaluation.denoising.over_levels` returns.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ui.chapters.uses.denoise.methods import AS_IT_IS, COMPONENTS, FILE, NETWORKS, PCA, network, projection
from vae_core.datasets import ImageDataset, load
from vae_core.evaluation.denoising import (
    IMAGES,
    LEVELS,
    VALIDATION_IMAGES,
    filtering,
    over_levels,
    restoring,
    truncated,
    tune_filters,
)
from vae_core.evaluation.filters import FILTERS
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

DIGITS = 5  # significant


def rounded(value: Any) -> Any:
    """Every number of a document to `DIGITS`."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def with_network(document: dict[str, Any], name: str, test: ImageDataset) -> dict[str, Any]:
    """A document with the figures of one of the shipped networks."""
    key = network(name).key
    made = restoring(Store(SHIPPED).load(key))
    figures = over_levels(lambda kind, level, seen: made(seen), test)  # noqa: ARG005
    print(name, {kind: of["psnr"] for kind, of in figures.items()}, file=sys.stderr, flush=True)
    return {**document, "runs": {**document["runs"], name: key}, "figures": {**document["figures"], name: figures}}


def document(data_root: Path | None) -> dict[str, Any]:
    """All figures."""
    validation, test = (load("mnist", split, root=data_root) for split in ("validation", "test"))
    project = truncated(Store(SHIPPED).load(projection().key))
    components = tuple(map(float, COMPONENTS))
    settings = tune_filters(validation, {PCA: (components, project)})
    print("tuned", file=sys.stderr, flush=True)

    def projected(kind: str, level: float, seen: np.ndarray) -> np.ndarray:
        components, gain, offset = settings[PCA][kind][LEVELS[kind].index(level)]
        return np.clip(gain * project(seen, components) + offset, 0.0, 1.0)

    restore = {AS_IT_IS: lambda kind, level, seen: seen, PCA: projected}  # noqa: ARG005
    restore |= {name: filtering(name, settings[name], test.image_shape) for name in FILTERS}
    figures = {}
    for name, method in restore.items():
        figures[name] = over_levels(method, test)
        print(name, {kind: of["psnr"] for kind, of in figures[name].items()}, file=sys.stderr, flush=True)
    found = {
        "n": IMAGES,
        "validation_n": VALIDATION_IMAGES,
        "levels": LEVELS,
        "runs": {},
        "settings": {name: {kind: list(map(list, some)) for kind, some in of.items()} for name, of in settings.items()},
        "figures": figures,
    }
    for name in NETWORKS:
        found = with_network(found, name, test)
    return found


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", choices=tuple(NETWORKS))
    parser.add_argument("--data-root", type=Path)
    asked = parser.parse_args()
    if asked.only:
        test = load("mnist", "test", root=asked.data_root)
        made = with_network(json.loads(FILE.read_text(encoding="utf-8")), asked.only, test)
    else:
        made = document(asked.data_root)
    made = rounded(made)
    text = json.dumps(made, separators=(",", ":")).replace("]},", "]},\n").replace('},"', '},\n"')
    FILE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
