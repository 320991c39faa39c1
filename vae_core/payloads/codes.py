"""An autoencoder with a codebook, as the payload of "Codes you can count" and of the explorer.

The encoder runs to its vectors, which the browser compares with the codebook itself: every distance is seen, not only
the least. The decoder is sent whole; what follows its look-up takes vectors, and is differentiable there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.metrics.codebook import Usage, usage
from vae_core.models.quantised_options import entries_of
from vae_core.payloads.inside import PER_CLASS, first_of_each
from vae_core.payloads.plane import LatentPlane, Payload, Tensors, image_size
from vae_core.program.operations import Program, output_shape, tensor_names
from vae_core.run import Run

LOOK_UP = "embedding"
AROUND = 1  # cells on every side of one that its picture shows
MOST_OF_PATCHES = 4_000_000  # numbers of all these pictures
GAMMA = 0.6  # of the pictures of entries: means of thin strokes are dark
EDGE = 0.12  # of the plane's side, beyond the outermost entries
LEAST_HEIGHT = 0.4  # of the plane's width


def codebook_of(run: Run) -> np.ndarray:
    """The entries, float32 (K, D).

    Raises:
        ValueError: the run's decoder looks nothing up, or in a table of another size than its specification says.
    """
    codebook: np.ndarray = run.weights[look_up(run)["weight"]].astype(np.float32)
    if codebook.ndim != 2 or len(codebook) != entries_of(run.spec.options):
        raise ValueError(f"{run.key} has a codebook of shape {codebook.shape}")
    return codebook


def usage_of(run: Run) -> Usage:
    """How the codebook is used by the run's held-out images, all of them."""
    return usage(run.codes.mean, len(codebook_of(run)))


def patches(numbers: np.ndarray, images: np.ndarray, grid: tuple[int, int], entries: int) -> np.ndarray:
    """What images show where an entry stands: the mean of all such places, the cell in the middle.

    Args:
        numbers: (N, cells), of these images.
        images: (N, C, H, W); beyond their edges they count as 0.
        grid: rows and columns; where they do not divide the image evenly, a cell is a pixel too small.
        entries: K.

    Returns:
        float64 (K, C, h, w), three cells high and wide, or one where that would be too many numbers; 0 for entries that
        stand nowhere.
    """
    rows, columns = grid
    count, channels, height, width = images.shape
    high, wide = height // rows, width // columns
    around = AROUND if entries * channels * high * wide * (2 * AROUND + 1) ** 2 <= MOST_OF_PATCHES else 0
    numbers = numbers.astype(np.int64).reshape(count, rows, columns)
    padded = np.pad(images, ((0, 0), (0, 0), (around * high,) * 2, (around * wide,) * 2))
    tall, broad = (2 * around + 1) * high, (2 * around + 1) * wide
    sums = np.zeros((entries, channels * tall * broad))
    for row in range(rows):
        for column in range(columns):
            top, left = row * height // rows, column * width // columns
            order = np.argsort(numbers[:, row, column], kind="stable")
            stands = numbers[order, row, column]
            window = padded[order, :, top : top + tall, left : left + broad].reshape(count, -1)
            starts = np.flatnonzero(np.diff(stands, prepend=-1))
            sums[stands[starts]] += np.add.reduceat(window, starts, axis=0, dtype=np.float64)
    counts = np.bincount(numbers.ravel(), minlength=entries)
    return (sums / np.maximum(counts, 1)[:, None]).reshape(entries, channels, tall, broad)


def codes_payload(
    run: Run, held_out: ImageDataset, *, per_class: int = PER_CLASS, most: int | None = None, **header: Any
) -> Payload:
    """A run's encoder up to its vectors, its codebook with its plane and its use, its decoder, and held-out images.

    Args:
        run: with a codebook.
        held_out: its held-out images; the first `per_class` of each class are sent.
        per_class: at least 1.
        most: of all images that are sent; None for no limit.
        header: further entries, such as ``title`` and ``colours``.

    Raises:
        ValueError: the run or the images do not fit.
    """
    if held_out.image_shape != run.image_shape:
        raise ValueError(f"{run.key} takes images of shape {run.image_shape}, not {held_out.image_shape}")
    codebook, used = codebook_of(run), usage_of(run)
    vectors: Program = run.programs["vectors"]
    rows, columns, _ = output_shape(vectors, (math.prod(run.image_shape),))
    if len(run.codes.mean) != len(held_out.images):
        raise ValueError(f"{run.key} has codes of {len(run.codes.mean)} images, not of these {len(held_out.images)}")
    plane = LatentPlane.of_codes(codebook)
    points = plane.project(codebook)
    shown = patches(run.codes.mean, held_out.images, (rows, columns), len(codebook))
    chosen = first_of_each(held_out.labels, len(run.label_names), per_class)[:most]
    tensors = Tensors()
    programs = (run.decoder, *run.further_programs.values())
    for name in dict.fromkeys(name for program in programs for name in tensor_names(program)):
        tensors.add(name, run.weights[name])
    tensors.add("entry_points", points.astype(np.float32))
    grey = run.image_shape[0] == 1
    if grey:
        shown = 255.0 * (shown / max(shown.max(), 1e-12)) ** GAMMA  # all alike
    tensors.add("patches", np.rint(shown).astype(np.uint8))
    tensors.add("preset_codes", run.codes.mean[chosen].astype(np.float16))  # whole numbers below 2,048 are exact
    tensors.add("presets", held_out.images[chosen].reshape(len(chosen), -1))
    tensors.add("preset_classes", held_out.labels[chosen].astype(np.uint8))
    options = run.spec.options
    return tensors.payload(
        {
            "kind": "codes",
            "key": run.key,
            "image": image_size(run.image_shape),
            "labels": list(run.label_names),
            "grid": [rows, columns],
            "codebook": look_up(run)["weight"],
            "entries": len(codebook),
            "dimensions": codebook.shape[1],
            "vectors": vectors,
            # Of a run with a prior: its program, and how many classes it is told.
            "prior": run.further_programs.get("prior"),
            "classes": getattr(options, "classes", 0),
            "layers": [*run.decoder, *run.likelihood.final_operations],
            "decoder_layers": len(run.decoder),  # the others turn natural parameters into pixels
            **_all_of(points),
            "patch": image_size(shown.shape[1:]),
            "brightened": grey,
            "variance_share": plane.variance_share,
            "plane_origin": plane.origin.tolist(),
            "plane_axes": plane.axes.tolist(),
            "uses": used.counts.tolist(),
            "perplexity": used.perplexity,
            "n": len(run.codes.mean),
            # Of a codebook that learns: the weight of its commitment term, and by what its entries move.
            "commitment": getattr(options, "commitment", None),
            "learn_by": getattr(options, "learn_by", None),
            "noun": "image",
            **header,
        }
    )


def _all_of(points: np.ndarray) -> dict[str, Any]:
    """The least square around all points, with an edge; and the share of its height, in the middle, that has them."""
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    half = max(float((high - low).max()) / 2, 1e-3) * (1 + 2 * EDGE)
    centre = (low + high) / 2
    square = {name: [float(middle - half), float(middle + half)] for name, middle in zip("xy", centre, strict=True)}
    height = float(high[1] - low[1]) / (2 * half) + 2 * EDGE
    return {"range": square, "band": min(1.0, max(LEAST_HEIGHT, height))}


def look_up(run: Run) -> dict[str, Any]:
    """The decoder's first layer that knows a codebook: its record.

    Raises:
        ValueError: there is none.
    """
    for layer in run.decoder:
        if layer["op"] == LOOK_UP:
            return layer
    raise ValueError(f"{run.key} has no codebook that its decoder looks numbers up in")
