"""A run's course of training as a payload for the browser's training film.

It holds the loss curves, and the latent plane and reconstructions of held-out images after every kept epoch: all of a
finished run, only the newest of one in training, because its file changes all the time. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vae_core.models import model_kind
from vae_core.payloads.plane import PRIOR_REACH, RING_RADII, LatentPlane, Payload, Tensors, image_size, square_range
from vae_core.run import Run
from vae_core.spec import RunSpec

MOST_ON_CURVES = 500  # epochs
SETTLED_SHARE = 0.03  # share of the epochs, at the beginning, that a curve's axis ignores
_REBUILT, _SNAPSHOT = "film/rebuilt/", "snapshot/"
_TITLES = {"reconstruction": "Reconstruction", "kl": "KL"}  # the ELBO's terms, which come first
_HELD_OUT = "validation_"


def film_of_run(run: Run, **header: Any) -> Payload:
    """All kept epochs of a finished run.

    Args:
        run: with at least one snapshot; the images as they were rebuilt are shown where it kept them, see
            `training.pictures`.
        header: further entries, such as ``palette``.
    """
    kept = {int(epoch): images for epoch, images in zip(run.extras.get("film/epochs", ()), _frames(run), strict=False)}
    return _payload(
        run.spec,
        run.history,
        dict(zip(run.snapshot_epochs, run.snapshots, strict=True)),
        labels=run.codes.labels[: run.snapshots.shape[1]],
        label_names=run.label_names,
        image_shape=run.image_shape,
        originals=run.extras.get("film/originals"),
        rebuilt=kept,
        plane=LatentPlane.of_codes(run.codes.mean),
        prior=run.codes.has_posterior,
        **header,
    )


def film_of_partial(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any], **header: Any) -> Payload | None:
    """The newest kept epoch of a run in training.

    Args:
        tensors, document: of its partial file, see `Store.save_partial`.
        header: further entries, such as ``palette``.

    Returns:
        The payload, or None before the first kept epoch.
    """
    spec = RunSpec.from_dict(document["spec"])
    snapshots = _by_epoch(tensors, _SNAPSHOT)
    if not snapshots:
        return None
    newest = max(snapshots)
    codes = snapshots[newest]
    rebuilt = _by_epoch(tensors, _REBUILT)
    shown = {newest: rebuilt[newest]} if newest in rebuilt else {}
    labels = tensors.get("film/labels")
    return _payload(
        spec,
        document["history"],
        {newest: codes},
        labels=np.zeros(len(codes), np.uint8) if labels is None else labels[: len(codes)],
        label_names=tuple(document.get("label_names", ("",))),
        image_shape=tuple(document["image_shape"]) if "image_shape" in document else None,
        originals=tensors.get("film/originals"),
        rebuilt=shown,
        plane=LatentPlane.of_codes(codes.astype(np.float32)),
        prior=model_kind(spec.model).bottleneck.has_prior,
        live=True,
        **header,
    )


def _payload(
    spec: RunSpec,
    history: Sequence[Mapping[str, float]],
    codes: Mapping[int, np.ndarray],
    *,
    labels: np.ndarray,
    label_names: Sequence[str],
    image_shape: tuple[int, ...] | None,
    originals: np.ndarray | None,
    rebuilt: Mapping[int, np.ndarray],
    plane: LatentPlane,
    prior: bool,
    **header: Any,
) -> Payload:
    """Tensors ``points`` float16 (E, n, 2) for the epochs in ``frames``, ``classes`` uint8 (n,), ``originals`` uint8
    (S, C, H, W) and ``rebuilt`` uint8 (E', S, C, H, W) for the epochs in ``rebuilt_epochs``."""
    tensors = Tensors()
    epochs = sorted(codes)
    points = np.stack([plane.project(np.nan_to_num(codes[epoch].astype(np.float32))) for epoch in epochs])
    tensors.add("points", points.astype(np.float16))
    tensors.add("classes", np.ascontiguousarray(labels, dtype=np.uint8))
    pictured = sorted(rebuilt) if originals is not None else []
    if originals is not None and pictured:
        tensors.add("originals", originals)
        tensors.add("rebuilt", np.stack([rebuilt[epoch] for epoch in pictured]))
    channels, height, width = image_shape or (1, 1, 1)
    return tensors.payload(
        {
            "kind": "film",
            "key": spec.key,
            "epochs": spec.epochs,
            "frames": epochs,
            "rebuilt_epochs": pictured,
            "count": len(originals) if originals is not None and pictured else 0,
            "image": image_size((channels, height, width)),
            "labels": list(label_names),
            "range": square_range(points.reshape(-1, 2), at_least=PRIOR_REACH if prior and plane.whole else 0.0),
            "rings": list(RING_RADII) if prior and plane.whole else [],
            "axes": plane.axis_names,
            "curves": curves(spec, history),
            "live": False,
            **header,
        }
    )


def curves(spec: RunSpec, history: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Losses by epoch, in nats per image: ``epochs``, and ``panels`` of one term each with its ``training`` and
    ``held_out`` values and the ``range`` of its axis. Of a long history an even choice of epochs. The terms of the ELBO
    have their total before them, where there are no others."""
    places = np.unique(np.linspace(0, len(history) - 1, min(len(history), MOST_ON_CURVES)).round().astype(int))
    chosen = [history[place] for place in places]
    names = terms_in_nats(spec, history)
    terms = {
        _title(name): ([entry[name] for entry in chosen], [entry[f"{_HELD_OUT}{name}"] for entry in chosen])
        for name in names
    }
    if names == list(_TITLES) and not model_kind(spec.model).other_units:
        weighed = [
            [spec.data_weight * first + spec.kl_weight * second for first, second in zip(*pair, strict=True)]
            for pair in zip(terms["Reconstruction"], terms["KL"], strict=True)
        ]
        terms = {_total_name(spec): (weighed[0], weighed[1]), **terms}
    panels = [
        {
            "title": title,
            "training": [float(f"{value:.6g}") for value in training],
            "held_out": [float(f"{value:.6g}") for value in held_out],
            "range": settled_range(training, held_out),
        }
        for title, (training, held_out) in terms.items()
    ]
    return {"epochs": [int(entry["epoch"]) for entry in chosen], "panels": panels}


def terms_in_nats(spec: RunSpec, history: Sequence[Mapping[str, float]]) -> list[str]:
    """The terms of a history that were measured in nats on held-out images, the ELBO's first; without the divergence of
    codes that cost nothing, which is 0."""
    kind = model_kind(spec.model)
    left_out = {*kind.other_units, *([] if kind.bottleneck.divergence else ["kl"])}
    first = history[0] if history else {}
    names = [name for name in first if f"{_HELD_OUT}{name}" in first and name not in left_out]
    return sorted(names, key=lambda name: [*_TITLES, name].index(name))


def settled_range(*lines: Sequence[float]) -> list[float]:
    """From the lowest loss to the highest after the first 3% of the epochs: the earlier ones would flatten the rest."""
    settled = min(len(lines[0]) - 1, math.ceil(SETTLED_SHARE * len(lines[0])))
    low, high = min(min(line) for line in lines), max(max(line[settled:]) for line in lines)
    margin = 0.06 * (high - low) or max(0.06 * abs(high), 0.01)
    return [low - margin, high + margin]


def _title(name: str) -> str:
    return _TITLES.get(name) or name.replace("_", " ").capitalize()


def _total_name(spec: RunSpec) -> str:
    if spec.data_weight == 1 and spec.kl_weight == 1:
        return "Total: negative ELBO"
    weight = "" if spec.data_weight == 1 else f"{spec.data_weight:g} × "
    return f"Total: {weight}reconstruction + {spec.kl_weight:g} × KL"


def _by_epoch(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[int, np.ndarray]:
    return {int(name.removeprefix(prefix)): array for name, array in tensors.items() if name.startswith(prefix)}


def _frames(run: Run) -> np.ndarray:
    return run.extras.get("film/rebuilt", np.zeros((0,)))
