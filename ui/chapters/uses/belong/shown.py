"""What the instrument is sent: a model that never saw one digit, and the scores of the held-out ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ui.chapters.uses.belong.nearest import (
    SHOWN_IMAGES,
    held_out_distances,
    reference_in_words,
    references,
    training_is_here,
)
from ui.chapters.uses.belong.recipe import DATASET, LIVE, NEAREST, PCA, spec_of
from ui.runs.resources import held_out, load_run, shelf
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound
from vae_core.evaluation.left_out import DRAWS, scores
from vae_core.metrics.anomaly import subspace_errors
from vae_core.payloads.belong import belong_payload
from vae_core.payloads.plane import Payload


def payload_of(left_out: int) -> Payload:
    """What the component is sent of a left-out digit.

    Raises:
        RunNotFound: the run is not in the store.
    """
    return _payload(left_out, training_is_here())


@per_shelf
def _payload(left_out: int, training: bool) -> Payload:
    spec = spec_of("vae", left_out)
    if not any(line.key == spec.key for line in shelf().lines):
        raise RunNotFound(
            f"the model that never saw a {left_out} is not in the store; run 'python -m vae_core rebuild'."
        )
    run, images = load_run(spec.key), held_out(DATASET).first(SHOWN_IMAGES)
    pixels = images.floats()
    found: dict[str, np.ndarray] = {f"vae {name}": score for name, score in scores(run, pixels).items()}
    found[PCA] = subspace_errors(pixels, references().subspaces[left_out])
    found[NEAREST] = held_out_distances(left_out, training)
    titles: list[dict[str, Any]] = [{"name": name, **score._asdict()} for name, score in LIVE.items() if name in found]
    weights = sum(array.size for array in run.weights.values())
    odd = int((images.labels == left_out).sum())
    return belong_payload(
        run,
        images,
        found,
        titles,
        references().subspaces[left_out],
        subtitle=f"VAE of {weights:,} weights, trained on {run.provenance['training_images']:,} digits without a "
        f"{left_out}. Below {len(images) - odd:,} held-out usual digits and {odd:,} of the left-out one, each kind as "
        f"shares of its own; k = {DRAWS} draws.",
        reference=reference_in_words(left_out, training),
        nearest=None,
    )
