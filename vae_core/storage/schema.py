"""What a run's file must hold before a `Run` is made of it: kinds, ranges, finite numbers, shapes that fit.

A hash proves that a file is as it was written, not that this program wrote it: a visitor may bring one. Pages, tables
and measurements rely on what is checked here, so that no file can break a page that lists it, or take its memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from vae_core.datasets import info
from vae_core.models import model_kind
from vae_core.program.operations import Program, operation_of, tensor_names
from vae_core.program.operations import apply as run_layers
from vae_core.spec import RunSpec

MOST_CODES = 200_000  # held-out images: three times MNIST's largest split; a page draws them all
MOST_SIDE, MOST_CHANNELS = 1_024, 16  # of an image
MOST_LABELS, LONGEST_LABEL = 256, 1_024  # a code's label is a byte; a folder's name at most 255, in most systems
MOST_DEPTH, MOST_ENTRIES, LONGEST_TEXT = 6, 20_000, 2_000  # of what was measured
MOST_SNAPSHOTS = 10_000
MOST_LAYERS = 1_000  # of a program, nested ones among them
MOST_ATTRIBUTE = 10**7  # a number in a record
MOST_EXTENT = 1_024  # of a window, its steps and what is padded, which takes memory before the output does
MOST_ACTIVATIONS = 10**7  # numbers that one example may become on its way through a program
MOST_NUMBERS = 10**9  # in all tensors together

_PLAIN = re.compile(r"[\w.,+:;()/ \-]{0,200}", re.ASCII)  # versions, devices and dates
# What tables show of every run.
_TABLED = {"negative_elbo", "reconstruction", "kl", "bernoulli_floor", "mse", "active_units", "accuracy"}
_EXTENTS = ("kernel_size", "stride", "padding", "output_padding")
_PROVENANCE = {
    "training_images": int, "training_seconds": float, "images_per_second": float, "device": str, "precision": str,
    "torch": str,
}  # fmt: skip


def check_document(document: Any) -> RunSpec:
    """Check what the header says, for listings as well as before a run is read.

    Returns:
        The specification.

    Raises:
        ValueError: it is not what this program writes; the message says where.
        UnknownName, SpecError: of the specification.
    """
    _need(isinstance(document, dict), "no document")
    spec = RunSpec.from_dict(document.get("spec", None))
    shape = document.get("image_shape")
    _need(isinstance(shape, list) and len(shape) == 3 and all(map(_is_whole, shape)), "image_shape")
    limits = (MOST_CHANNELS, MOST_SIDE, MOST_SIDE)
    _need(all(1 <= one <= most for one, most in zip(shape, limits, strict=True)), "image_shape")
    _need(shape == list(info(spec.dataset).image_shape), "image_shape, which is not that of its images")
    labels = document.get("label_names")
    _need(isinstance(labels, list) and 1 <= len(labels) <= MOST_LABELS, "label_names")
    _need(all(isinstance(one, str) and len(one) <= LONGEST_LABEL for one in labels), "label_names")
    _check_history(document.get("history"), spec)
    _check_metrics(document.get("metrics"))
    _check_provenance(document.get("provenance"))
    epochs = document.get("snapshot_epochs")
    _need(isinstance(epochs, list) and len(epochs) <= MOST_SNAPSHOTS and all(map(_is_whole, epochs)), "snapshot_epochs")
    _need(all(0 <= one <= spec.epochs for one in epochs) and epochs == sorted(set(epochs)), "snapshot_epochs")
    further = document.get("programs", {})
    _need(isinstance(further, dict), "programs")
    for name, program in {
        **further,
        "decoder": document.get("decoder"),
        "encoder": document.get("encoder", []),
    }.items():
        _need(isinstance(program, list) and _layers(program) <= MOST_LAYERS, f"the program {str(name)[:40]!r}")
    return spec


def check_tensors(
    tensors: Mapping[str, np.ndarray], document: dict[str, Any], spec: RunSpec, *, run_programs: bool = True
) -> None:
    """Check the tensors against a document that was checked.

    Args:
        tensors, document, spec: of a file.
        run_programs: run both programs on one example, which may take long. False where another process has done it.

    Raises:
        ValueError: as of `check_document`.
    """
    _need(sum(array.size for array in tensors.values()) <= MOST_NUMBERS, "more numbers than a run has")
    for name, array in tensors.items():
        if array.dtype.kind == "f" and name != "snapshots":
            _need(bool(np.isfinite(array).all()), f"{name[:60]}, which has numbers that are not finite")
        else:
            _need(array.dtype.kind in "fiub", f"the kind of {name[:60]}")
    mean, labels = tensors["codes/mean"], tensors["codes/labels"]
    _need(mean.dtype.kind == "f" and mean.ndim == 2 and 1 <= len(mean) <= MOST_CODES, "codes/mean")
    _need(mean.shape[1] == spec.latent_dim, "codes/mean, which does not have as many dimensions as its specification")
    log_var = tensors.get("codes/log_var", mean)
    _need(log_var.dtype.kind == "f" and log_var.shape == mean.shape, "codes/log_var")
    _need(labels.dtype == np.uint8 and labels.shape == (len(mean),), "codes/labels")
    _need(int(labels.max()) < len(document["label_names"]), "codes/labels, which have no name")
    snapshots = tensors["snapshots"]
    wanted = len(document["snapshot_epochs"])
    _need(snapshots.dtype.kind == "f" and snapshots.ndim == 3 and len(snapshots) == wanted, "snapshots")
    _need(not wanted or snapshots.shape[2] == spec.latent_dim, "snapshots")
    _check_mixture(tensors, spec.latent_dim)
    weights = {name.removeprefix("model/"): array for name, array in tensors.items() if name.startswith("model/")}
    if not run_programs:
        return
    if model_kind(spec.model).bottleneck.discrete:
        _check_numbers(mean, document["decoder"])
    pixels = math.prod(document["image_shape"])
    made = _check_program(document["decoder"], weights, spec.latent_dim, "decoder")
    _need(not model_kind(spec.model).bottleneck.decodes or made == pixels, "decoder, which makes no image of its size")
    _check_program(document.get("encoder", []), weights, pixels, "encoder")
    further = document.get("programs", {})
    classes, style = len(document["label_names"]), getattr(spec.options, "style", 0)
    for name, inputs in (  # those that pages run
        ("vectors", pixels),
        ("prior", spec.latent_dim),
        ("features", pixels),
        ("classify", spec.latent_dim),
        ("posterior", spec.latent_dim + classes),
        ("conditional", style + classes),
    ):
        _check_program(further.get(name, []), weights, inputs, name)
    if spec.target is not None:
        made = _check_program(further.get("predict", []), weights, pixels, "predict")
        _need(bool(further.get("predict")) and made == pixels, "predict, which makes no image of its size")


def _check_numbers(codes: np.ndarray, decoder: Program) -> None:
    """Codes are whole numbers, each below the count of the look-up that the decoder begins with."""
    counts = [layer.get("count") for layer in decoder if layer["op"] == "embedding"]
    _need(bool(counts) and _is_whole(counts[0]), "decoder, which looks nothing up")
    within = codes.min() >= 0 and codes.max() < counts[0]
    _need(bool((codes == np.floor(codes)).all() and within), "codes/mean, which are no numbers of entries")


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"it has no valid {what}" if not what.startswith(("no ", "more ")) else what)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)


def _check_history(history: Any, spec: RunSpec) -> None:
    _need(isinstance(history, list) and len(history) <= max(spec.epochs, 1), "history")
    for line in history:
        _need(isinstance(line, dict) and len(line) <= 100, "history")
        _need(all(map(_is_finite, line.values())) and all(_PLAIN.fullmatch(name) for name in line), "history")
        _need("epoch" in line and line.keys() == history[0].keys(), "history")  # what curves are drawn from
        terms = [name for name in line if f"validation_{name}" in line]
        _need(not model_kind(spec.model).trained or bool(terms), "history")


def _check_metrics(metrics: Any) -> None:
    _need(isinstance(metrics, dict), "metrics")
    left = [MOST_ENTRIES]

    def look(value: Any, depth: int) -> None:
        left[0] -= 1
        _need(left[0] > 0 and depth <= MOST_DEPTH, "metrics")
        if isinstance(value, dict):
            for name, inner in value.items():
                _need(_PLAIN.fullmatch(name) is not None, "metrics")
                look(inner, depth + 1)
        elif isinstance(value, list):
            for inner in value:
                look(inner, depth + 1)
        elif isinstance(value, str):
            _need(len(value) <= LONGEST_TEXT, "metrics")
        else:
            _need(value is None or isinstance(value, bool) or _is_finite(value), "metrics")

    for split, measured in metrics.items():
        _need(_PLAIN.fullmatch(split) is not None and isinstance(measured, dict), "metrics")
        look(measured, 1)
        count = measured.get("n")
        _need(_is_whole(count) and count >= 1, "metrics")
        _need(all(_is_finite(measured[name]) for name in _TABLED & measured.keys()), "metrics")


def _check_provenance(provenance: Any) -> None:
    _need(isinstance(provenance, dict) and len(provenance) <= 100, "provenance")
    for name, value in provenance.items():
        _need(_PLAIN.fullmatch(name) is not None, "provenance")
        plain = isinstance(value, str) and _PLAIN.fullmatch(value) is not None
        _need(plain or value is None or isinstance(value, bool) or _is_finite(value), "provenance")
    for name, kind in _PROVENANCE.items() if provenance else ():
        value = provenance.get(name)
        if kind is str:
            _need(isinstance(value, str), f"provenance: {name}")
        else:
            _need(_is_finite(value) and value >= 0, f"provenance: {name}")


def _layers(program: list[Any], depth: int = 0) -> int:
    """How many layers a program has, after a look at each; raises ValueError at one that is none."""
    _need(depth <= MOST_DEPTH, "program")
    count = len(program)
    for layer in program:
        _need(isinstance(layer, dict) and isinstance(layer.get("op"), str), "layer of a program")
        for field, value in layer.items():
            some = value if isinstance(value, list) else [value]
            if field in _EXTENTS:
                _need(all(_is_whole(one) and 0 <= one <= MOST_EXTENT for one in some), "layer of a program")
            if some and isinstance(some[0], dict):
                count += _layers(some, depth + 1)
            else:
                _need(all(isinstance(one, str | bool) or _small(one) for one in some), "layer of a program")
    return count


def _small(value: Any) -> bool:
    return _is_finite(value) and abs(value) <= MOST_ATTRIBUTE


def _check_program(program: Program, weights: Mapping[str, np.ndarray], inputs: int, name: str) -> int:
    """Run a program on one example of zeros, layer by layer, once it is known that no layer makes it too large.

    Returns:
        How many numbers it gives.
    """
    named = tensor_names(program)
    _need(all(one in weights for one in named), f"{name}, whose tensors are missing")
    used = {one: weights[one].astype(np.float32) for one in named}
    try:
        with np.errstate(all="ignore"):
            result = _through(program, used, np.zeros((1, inputs), dtype=np.float32), name)
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, OverflowError, MemoryError) as error:
        raise ValueError(f"its {name} does not fit its weights ({str(error)[:100]})") from error
    return result.size


def _through(program: Program, used: Mapping[str, np.ndarray], x: np.ndarray, name: str) -> np.ndarray:
    for layer in program:
        operation = operation_of(layer)
        for field in operation.nested or ():
            _through(layer[field], used, x, name)
        promised = math.prod(operation.output_shape(layer, x.shape[1:]))
        _need(0 < promised <= MOST_ACTIVATIONS, name)
        x = run_layers([layer], used, x)
        _need(x.size == promised and bool(np.isfinite(x).all()), name)
    return x


def _check_mixture(tensors: Mapping[str, np.ndarray], d: int) -> None:
    parts = [tensors.get(f"extra/mixture/{name}") for name in ("weights", "means", "covariances")]
    if all(part is None for part in parts):
        return
    weights, means, covariances = parts
    _need(weights is not None and means is not None and covariances is not None, "mixture")
    assert weights is not None and means is not None and covariances is not None
    count = weights.shape[0] if weights.ndim == 1 else 0
    _need(count >= 1 and means.shape == (count, d) and covariances.shape == (count, d, d), "mixture")
