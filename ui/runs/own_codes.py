"""Runs on own images from before these had a test split: their codes are of what is validation and test set today."""

from __future__ import annotations

from dataclasses import replace

from vae_core.datasets import own
from vae_core.run import Run


def of_validation_images(run: Run) -> Run:
    """A run with the codes of validation images alone, as it would be stored today, so that runs on a set go together.

    Its figures stay as they were measured, on all images that were held out.
    """
    validation, test = own.halves(len(run.codes.labels))
    if own.shape_in(run.spec.dataset) is None or not test or not run.one_held_out_set:
        return run
    return replace(run, codes=run.codes.part(slice(validation)), snapshots=run.snapshots[:, :validation])
