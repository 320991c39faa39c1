"""Whether a model notices an image that does not belong: the upper half of one over the lower half of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.generation import sample_size
from vae_core.metrics import auroc
from vae_core.models.adversarial_options import judges_images
from vae_core.run import Codes, Run

JUDGED_AT_ONCE = 500  # images of either kind


def halves_of_two(dataset: ImageDataset) -> np.ndarray:
    """The upper halves of the split's first images over the lower halves of as many others, float32 (M, D) in [0, 1].

    Every half is real, so neither ink nor strokes give such an image away, only that its halves do not belong together.
    Where images have classes, only halves of two classes are put together.

    Raises:
        MeasureError: there are not two such images.
    """
    count = sample_size(dataset)
    first, other = dataset.first(2 * count).floats().reshape(2, count, *dataset.image_shape)
    odd = first.copy()
    middle = dataset.image_shape[1] // 2
    odd[:, :, middle:] = other[:, :, middle:]
    labels = np.asarray(dataset.labels[: 2 * count]).reshape(2, count)
    if len(np.unique(labels)) > 1:
        odd = odd[labels[0] != labels[1]]
    if len(odd) < 2:
        raise MeasureError("halves of different images are too few: measure more images")
    return odd.reshape(len(odd), -1)


def measure_anomalies(run: Run, dataset: ImageDataset, codes: Codes, problems: dict[str, str]) -> dict[str, Any]:
    """How well scores of a model tell `halves_of_two` from whole images of the split.

    Args:
        run: the model.
        dataset: the split.
        codes: of that split.
        problems: a message is added if that is undefined here.

    Returns:
        ``anomalies``: ``n`` whole images and ``odd`` ones; ``rebuilt``, the area under the ROC curve of the squared
        error of the image at the mean code; of a model with a discriminator of images ``judged``, that of the logit
        that an image is made; with the ``_standard_error`` of each, see `metrics.ranking.auroc`.
    """
    if dataset.image_shape[1] < 2:
        return {}  # points in space have no halves
    try:
        odd = halves_of_two(dataset)
        count = sample_size(dataset)
        whole = dataset.first(count).floats()
        pairs = ((whole, codes.mean[:count]), (odd, _codes_of(run, odd)))
        scores = {"rebuilt": [np.square(run.decode(mean) - pixels).mean(axis=1) for pixels, mean in pairs]}
        if judges_images(run.spec):
            scores["judged"] = _verdicts(run, whole, odd)
        found: dict[str, Any] = {"n": count, "odd": len(odd)}
        for name, (usual, strange) in scores.items():
            ranking = auroc(usual, strange)
            found |= {name: ranking.auroc, f"{name}_standard_error": ranking.standard_error}
    except MeasureError as error:
        problems["anomalies"] = str(error)
        return {}
    return {"anomalies": found}


def _codes_of(run: Run, pixels: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        found: np.ndarray = run.model.encode_mean(torch.from_numpy(pixels)).numpy()
    return found


def _verdicts(run: Run, whole: np.ndarray, odd: np.ndarray) -> list[np.ndarray]:
    """The discriminator's logits that whole and odd images are made, as (N,) and (M,).

    It may see how much the images of a batch differ, so each batch has images of both kinds, in the same shares: what
    it sees of the batch is then no hint.
    """
    import torch

    discriminator: Any = run.model.discriminator
    parts = -(-max(len(whole), len(odd)) // JUDGED_AT_ONCE)
    verdicts: list[list[np.ndarray]] = [[], []]
    for usual, strange in zip(np.array_split(whole, parts), np.array_split(odd, parts), strict=True):
        with torch.no_grad():
            logits = discriminator(torch.from_numpy(np.concatenate([usual, strange])))
        for kept, part in zip(verdicts, np.split(-logits.numpy().astype(np.float64), [len(usual)]), strict=True):
            kept.append(part)
    return [np.concatenate(kept) for kept in verdicts]
