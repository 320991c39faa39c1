"""Train and measure the runs of which only the figures are shipped: fills checkpoints/measured.json.

    VAE_DATA=… python -m tools.measure_runs             # those that have no figures yet
    VAE_DATA=… python -m tools.measure_runs --again 3   # the first 3 anew, to compare; nothing is written

Only what chapters show of these runs is measured, which takes a fraction of the time of everything else that a run's
file holds. Each run's figures are written once they are there: what was interrupted goes on with the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae_core.datasets import ImageDataset, load
from vae_core.evaluation.anomalies import measure_anomalies
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import measure_samples, real_features
from vae_core.evaluation.left_out import measure_left_out
from vae_core.evaluation.losses import encode, evaluate, observed
from vae_core.evaluation.measure import measure
from vae_core.evaluation.pictures import measure_pictures
from vae_core.execution import Execution
from vae_core.models import model_kind
from vae_core.program.export import programs_of
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.measured import MEASURED, kept_figures
from vae_core.storage.store import Store
from vae_core.training.finish import stored_weights
from vae_core.training.loop import train

EXECUTION = Execution(device="cpu", precision="float32")  # as the shipped runs

split_of = cache(load)


@cache
def space_of(dataset: str) -> FeatureSpace:
    """The classifier's features."""
    return Store(SHIPPED).features(dataset)


def figures_of(spec: RunSpec) -> dict[str, dict[str, Any]]:
    """Train a run and measure what is kept of it, on its weights as they would be stored."""
    training = spec.learned_of(split_of(spec.dataset, "train"))
    validation, test = (split_of(spec.dataset, name) for name in ("validation", "test"))
    trained = train(spec, training, validation, execution=EXECUTION, base=Store(SHIPPED).base(spec))
    weights = stored_weights(trained.model)
    model = trained.model
    model.load_state_dict({name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.items()})
    programs = programs_of(model)
    run = Run(
        spec=spec,
        image_shape=training.image_shape,
        label_names=training.label_names,
        weights=weights,
        decoder=programs.decoder,
        encoder=programs.encoder,
        codes=encode(model, validation),
        history=trained.history,
        snapshots=np.empty((0, 0, spec.latent_dim)),
        snapshot_epochs=[],
    )
    measured = [validation, test, *([training] if spec.images else [])]
    return kept_figures({split.split: _measure(run, split) for split in measured})


def _measure(run: Run, split: ImageDataset) -> dict[str, Any]:
    if split.factors:  # nothing is drawn from the prior, and all else takes seconds
        return measure(run, split, None)
    whole, split = split, run.spec.usual_of(split)
    seen = observed(run.spec, split)
    space = space_of(run.spec.dataset)
    codes = encode(run.model, seen)
    pictures = model_kind(run.spec.model).bottleneck.has_prior
    return {
        **evaluate(run.model, run.spec, seen, codes),
        "samples": {"prior": measure_samples(run, "prior", real_features(split, space), space)},
        **measure_anomalies(run, seen, codes, {}),
        **measure_left_out(run, observed(run.spec, whole), {}),
        **(measure_pictures(run, seen, codes, space, {}) if pictures else {}),
    }


def text_of(specs: list[dict[str, Any]], figures: dict[str, Any]) -> str:
    """The file's text: a run a line, so that changes can be read."""
    listed = ",\n".join(f"    {json.dumps(spec)}" for spec in specs)
    measured = ",\n".join(f"    {json.dumps(key)}: {json.dumps(found)}" for key, found in figures.items())
    return f'{{\n  "runs": [\n{listed}\n  ],\n  "measured": {{\n{measured}\n  }}\n}}\n'


def measure_missing(path: Path) -> None:
    """Fill the file, run by run."""
    document = json.loads(path.read_text(encoding="utf-8"))
    figures = document.get("measured", {})
    specs = read_manifest(path)
    for spec in specs:
        if spec.key not in figures:
            figures[spec.key] = figures_of(spec)
            kept = {one.key: figures[one.key] for one in specs if one.key in figures}
            part = path.with_suffix(".part")  # hours of figures: an interruption leaves the old file or the new one
            part.write_text(text_of(document["runs"], kept), encoding="utf-8")
            part.replace(path)
            print(spec.key, file=sys.stderr, flush=True)


def holds(found: Any, known: Any) -> bool:
    """Whether every figure that is known came out again; what is measured only since is not known of older runs."""
    if isinstance(known, dict) and isinstance(found, dict):
        return all(name in found and holds(found[name], value) for name, value in known.items())
    return bool(found == known)


def main() -> None:
    """Fill the file, or compare with it."""
    parser = argparse.ArgumentParser(description="Train and measure the runs of checkpoints/measured.json.")
    parser.add_argument("--again", type=int, default=0, help="train the first so many anew and print their figures")
    parser.add_argument("--file", type=Path, default=MEASURED, help="another file of this form")
    chosen = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if not chosen.again:
        measure_missing(chosen.file)
    known = json.loads(chosen.file.read_text(encoding="utf-8")).get("measured", {})
    for spec in read_manifest(chosen.file)[: chosen.again]:
        found = figures_of(spec)
        same = holds(found, known.get(spec.key))
        print(spec.key, "the same" if same else json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
