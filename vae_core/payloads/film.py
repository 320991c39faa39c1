"""A run's course of training as a payload for the browser's training film.

It holds the loss curves, and after every kept epoch the latent plane, reconstructions of held-out images and what the
decoder makes of the plane and of samples: all of a finished run, only the newest of one in training, because its file
changes all the time. Codes that are entries of a codebook have no plane, but a perplexity. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.metrics.codebook import usage
from vae_core.models import model_kind
from vae_core.models.adversarial_options import judges_images
from vae_core.models.quantised_options import entries_of
from vae_core.payloads.decoded import SAMPLES, Decoded, decoded, from_tensors, is_picture, side_of
from vae_core.payloads.plane import PRIOR_REACH, RING_RADII, LatentPlane, Payload, Tensors, image_size, square_range
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.spec import RunSpec

MOST_ON_CURVES = 500  # epochs
SETTLED_SHARE = 0.03  # share of the epochs, at the beginning, that a curve's axis ignores
_REBUILT, _SNAPSHOT = "film/rebuilt/", "snapshot/"
_TITLES = {"reconstruction": "Reconstruction", "kl": "KL"}  # the ELBO's terms, which come first
_OTHER_TITLES = {
    "prior": "−log p(codes)",
    "r1": "Squared slope of the discriminator",
    "inversion": "Error of guessed codes",
}
# Terms in another unit that have a curve of their own.
_APART = {
    "commitment": "squared latent units",
    "similarity": "squared features",
    "features": "squared features",
    "inversion": "squared latent units",
    "r1": "squared nats per squared pixel",
}
_HELD_OUT = "validation_"
_NOWHERE = np.array([[-1.0, -1.0], [1.0, 1.0]])  # the plane of a film without codes


def film_of_run(run: Run, pictures: Mapping[str, np.ndarray] = MappingProxyType({}), **header: Any) -> Payload:
    """All kept epochs of a finished run.

    Args:
        run: with at least one snapshot; the images as they were rebuilt are shown where it kept them, see
            `training.pictures`.
        pictures: what its decoder made while it trained, see `Store.load_film`; the last epoch's is made of the run.
        header: further entries, such as ``palette``.
    """
    plane = _plane(run.spec, run.codes.mean)
    made = {epoch: one for epoch, one in from_tensors(pictures).items() if epoch in run.snapshot_epochs}
    if model_kind(run.spec.model).bottleneck.continuous and is_picture(run.image_shape):
        made[max(run.snapshot_epochs)] = decoded(
            lambda z: run.likelihood.expected_images(run_program(run.decoder, run.weights, z)),
            run.codes.mean,
            run.image_shape,
            prior=model_kind(run.spec.model).bottleneck.has_prior,
        )
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
        made=made,
        plane=plane,
        prior=model_kind(run.spec.model).bottleneck.has_prior,
        **header,
    )


def film_to_come(spec: RunSpec, held_out: ImageDataset, rebuilt: int, **header: Any) -> Payload:
    """A film without epochs, for a run that is about to begin: all has its place already.

    Args:
        spec: of the run.
        held_out: its validation images.
        rebuilt: how many of them will be rebuilt.
        header: further entries, such as ``palette``.
    """
    return _payload(
        spec,
        [],
        {},
        labels=np.zeros(0, np.uint8),
        label_names=held_out.label_names,
        image_shape=held_out.image_shape,
        originals=held_out.images[:rebuilt],
        rebuilt={},
        made={},
        plane=_plane(spec, np.zeros((2, spec.latent_dim), np.float32)),
        prior=model_kind(spec.model).bottleneck.has_prior,
        live=True,
        **header,
    )


def film_of_partial(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any], **header: Any) -> Payload | None:
    """The newest kept epoch of a run in training; epoch 0 is the untrained network.

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
    made = from_tensors(tensors)
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
        made={newest: made[newest]} if newest in made else {},
        plane=_plane(spec, codes.astype(np.float32)),
        prior=model_kind(spec.model).bottleneck.has_prior,
        live=True,
        all_codes=snapshots,
        **header,
    )


def _plane(spec: RunSpec, codes: np.ndarray) -> LatentPlane | None:
    """The plane of codes (N, d); None where they are numbers of entries, among which there are no directions."""
    return None if model_kind(spec.model).bottleneck.discrete else LatentPlane.of_codes(codes)


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
    made: Mapping[int, Decoded],
    plane: LatentPlane | None,
    prior: bool,
    all_codes: Mapping[int, np.ndarray] | None = None,
    **header: Any,
) -> Payload:
    """Tensors ``points`` float16 (E, n, 2) for the epochs in ``frames``, ``classes`` uint8 (n,), ``originals`` uint8
    (S, C, H, W), ``rebuilt`` uint8 (E', S, C, H, W) for the epochs in ``rebuilt_epochs``, and for those in
    ``decoded_epochs`` a WebP file ``decoded/EPOCH`` each, whose grid covers the square ``decoded_edges``: left, right,
    bottom, top. Of more than two dimensions the plane is another one after each epoch: there only the last grid has its
    place on the plane that is drawn. Without a plane there are no points, and ``plane`` is False."""
    tensors = Tensors()
    epochs = sorted(codes)
    labels = labels if plane else labels[:0]
    points = np.zeros((len(epochs), len(labels), 2), dtype=np.float32)
    whole = plane is not None and plane.whole
    if plane:
        for place, epoch in enumerate(epochs):
            points[place] = plane.project(np.nan_to_num(codes[epoch].astype(np.float32)))
    tensors.add("points", points.astype(np.float16))
    tensors.add("classes", np.ascontiguousarray(labels, dtype=np.uint8))
    pictured = sorted(rebuilt)
    shown = originals if originals is not None and (pictured or not epochs) else np.zeros((0, 1, 1, 1), np.uint8)
    if len(shown):
        tensors.add("originals", shown)
        tensors.add("rebuilt", np.stack([rebuilt[epoch] for epoch in pictured]) if pictured else shown[:0])
    channels, height, width = image_shape or (1, 1, 1)
    for epoch, one in made.items():
        tensors.add(f"decoded/{epoch}", one.webp)
    return tensors.payload(
        {
            "kind": "film",
            "key": spec.key,
            "epochs": spec.epochs,
            "frames": epochs,
            "rebuilt_epochs": pictured if len(shown) else [],
            "count": len(shown),
            "image": image_size((channels, height, width)),
            "decoded_epochs": sorted(made),
            "decoded_edges": [
                one.edges.tolist() if whole or epoch == epochs[-1] else None for epoch, one in sorted(made.items())
            ],
            "decoded_side": side_of((channels, height, width)),
            "samples": SAMPLES if prior and (made or not epochs) else 0,
            "images": f"{spec.dataset}:validation",
            "labels": list(label_names),
            "range": square_range(
                points.reshape(-1, 2) if points.size else _NOWHERE, at_least=PRIOR_REACH if prior and whole else 0.0
            ),
            "rings": list(RING_RADII) if prior and whole else [],
            "plane": plane is not None,
            "axes": plane.axis_names if plane else [],
            "curves": curves(spec, history, codes if all_codes is None else all_codes),
            "live": False,
            **header,
        }
    )


def curves(
    spec: RunSpec,
    history: Sequence[Mapping[str, float]],
    codes: Mapping[int, np.ndarray] = MappingProxyType({}),
) -> dict[str, Any]:
    """Losses by epoch, in nats per image: ``epochs``, and ``panels`` of one term each with its ``training`` and
    ``held_out`` values and the ``range`` of its axis. Of a long history an even choice of epochs. The terms of the ELBO
    have their total before them, where there are no others. Before the first epoch the curves are empty.

    Terms of `_APART` follow, with their ``unit``; of a model with a codebook also the perplexity of the kept codes,
    epoch -> (n, cells), which has ``epochs`` of its own and no training values.
    """
    places = np.unique(np.linspace(0, len(history) - 1, min(len(history), MOST_ON_CURVES)).round().astype(int))
    chosen = [history[place] for place in places]
    names = terms_in_nats(spec, history) if history else _expected_terms(spec)
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
    panels = [_panel(title, training, held_out) for title, (training, held_out) in terms.items()]
    kind = model_kind(spec.model)
    for name, unit in _APART.items():
        if name in kind.other_units and (not history or f"{_HELD_OUT}{name}" in history[0]):
            pair = [[entry[f"{split}{name}"] for entry in chosen] for split in ("", _HELD_OUT)]
            panels.append({**_panel(_title(name), *pair), "unit": unit})
    if kind.bottleneck.discrete and not kind.base:  # of a prior the codes do not change
        panels.append(_perplexity(spec, codes))
    return {"epochs": [int(entry["epoch"]) for entry in chosen], "panels": panels}


def _panel(title: str, training: Sequence[float], held_out: Sequence[float]) -> dict[str, Any]:
    return {
        "title": title,
        "training": [float(f"{value:.6g}") for value in training],
        "held_out": [float(f"{value:.6g}") for value in held_out],
        "range": settled_range(training, held_out),
    }


def _perplexity(spec: RunSpec, codes: Mapping[int, np.ndarray]) -> dict[str, Any]:
    """How many entries are used, of the few images whose codes were kept."""
    epochs, entries = sorted(filter(None, codes)), entries_of(spec.options)  # not of the untrained network
    found = [usage(codes[epoch].astype(np.float64), entries).perplexity for epoch in epochs]
    of = f", of {len(next(iter(codes.values())))} images" if codes else ""
    panel = {**_panel("Perplexity", [], found), "range": settled_range(found), "unit": f"entries of {entries}{of}"}
    return {**panel, "training": None, "epochs": epochs}


def terms_in_nats(spec: RunSpec, history: Sequence[Mapping[str, float]]) -> list[str]:
    """The terms of a history that were measured in nats on held-out images, the ELBO's first; without the divergence of
    codes that cost nothing, which is 0."""
    kind = model_kind(spec.model)
    left_out = {*kind.other_units, *([] if kind.bottleneck.divergence else ["kl"])}
    first = history[0] if history else {}
    names = [name for name in first if f"{_HELD_OUT}{name}" in first and name not in left_out]
    return sorted(names, key=lambda name: [*_TITLES, name].index(name))


def _expected_terms(spec: RunSpec) -> list[str]:
    """The terms in nats that a history will have: enough for every model whose film begins before training."""
    bottleneck = model_kind(spec.model).bottleneck
    if bottleneck.discrete and model_kind(spec.model).base:
        return ["prior"]
    judged = ["discriminator", "generator"] if judges_images(spec) else []
    if bottleneck.drawn:
        return judged
    return [*_TITLES, *judged] if bottleneck.divergence else ["reconstruction"]


def settled_range(*lines: Sequence[float]) -> list[float]:
    """From the lowest loss to the highest after the first 3% of the epochs: the earlier ones would flatten the rest."""
    if not lines[0]:
        return [0.0, 1.0]
    settled = min(len(lines[0]) - 1, math.ceil(SETTLED_SHARE * len(lines[0])))
    low, high = min(min(line) for line in lines), max(max(line[settled:]) for line in lines)
    margin = 0.06 * (high - low) or max(0.06 * abs(high), 0.01)
    return [low - margin, high + margin]


def _title(name: str) -> str:
    return _TITLES.get(name) or _OTHER_TITLES.get(name) or name.replace("_", " ").capitalize()


def _total_name(spec: RunSpec) -> str:
    if spec.data_weight == 1 and spec.kl_weight == 1:
        return "Total: negative ELBO"
    weight = "" if spec.data_weight == 1 else f"{spec.data_weight:g} × "
    return f"Total: {weight}reconstruction + {spec.kl_weight:g} × KL"


def _by_epoch(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[int, np.ndarray]:
    return {int(name.removeprefix(prefix)): array for name, array in tensors.items() if name.startswith(prefix)}


def _frames(run: Run) -> np.ndarray:
    return run.extras.get("film/rebuilt", np.zeros((0,)))
