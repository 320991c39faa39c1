"""A trained model as bytes that the browser's latent canvas and latent line read (for the β dial, see `sweep`).

Layout of a payload, little-endian::

    uint32  length of the header in bytes
    bytes   header, JSON (UTF-8), padded with spaces so that the tensors start at a multiple of 8
    bytes   tensors, each at the offset (from the first tensor) that the header gives it, a multiple of 8

A float16 tensor is its numbers' high bytes and then their low bytes: signs and exponents, side by side, pack better.

The header's ``body`` holds the size of the tensors in bytes and an id made from them: a receiver that has tensors by
their id, or can fetch them, needs the header alone, `Payload.head`.

The header's ``layers`` are a short program that the browser interprets, see `program.operations`: a new decoder made of
its operations needs no new JavaScript. Nothing here needs torch: a page needs a run's file alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.metrics import empty_beyond
from vae_core.models import model_kind
from vae_core.program.operations import Program, linear, tensor_names
from vae_core.run import Run

FORMAT = 2
ALIGNMENT = 8
RING_RADII = (1, 2, 3)
PRIOR_REACH = 3.15  # least half-width of a plane with a prior, so that it shows the outer ring
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
EMPTY_SHARE = 0.99
THUMBNAIL_COLUMNS = 50


@dataclass(frozen=True)
class LatentPlane:
    """The plane in latent space that is drawn: z = origin + u * axes[0] + v * axes[1].

    For d = 2 it is all of latent space. For more dimensions it is the plane through the mean code along its two
    principal directions; for d = 1 the second coordinate has no effect.

    Attributes:
        origin: float32 (d,).
        axes: float32 (2, d), orthonormal rows (the second is zero for d = 1).
        variance_share: share of the codes' variance that lies in the plane, 0 to 1.
    """

    origin: np.ndarray
    axes: np.ndarray
    variance_share: float

    @classmethod
    def of_codes(cls, codes: np.ndarray) -> LatentPlane:
        """The plane for codes (N, d)."""
        dimensions = codes.shape[1]
        if dimensions <= 2:
            return cls(np.zeros(dimensions, np.float32), np.eye(2, dimensions, dtype=np.float32), 1.0)
        # Not scikit-learn's PCA (a test compares with it): importing it takes longer than all else a page does.
        mean = codes.mean(axis=0, dtype=np.float64)
        variances, directions = np.linalg.eigh(np.cov(codes.astype(np.float64), rowvar=False))  # ascending
        axes = directions[:, :-3:-1].T
        axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]  # fix the sign
        share = float(variances[:-3:-1].sum() / max(variances.sum(), 1e-30))
        return cls(mean.astype(np.float32), axes.astype(np.float32), share)

    @classmethod
    def of_coordinates(cls, codes: np.ndarray, pair: tuple[int, int], at: np.ndarray) -> LatentPlane:
        """The plane of two coordinates, the others fixed at those of the code `at` (d,).

        Args:
            codes: (N, d), for the share of the variance.
            pair: two different coordinates, 0-based.
            at: (d,).
        """
        first, second = pair
        if first == second or not 0 <= min(pair) <= max(pair) < codes.shape[1]:
            raise ValueError(f"the pair must be two different coordinates from 0 to {codes.shape[1] - 1}, not {pair}")
        axes = np.zeros((2, codes.shape[1]), dtype=np.float32)
        axes[0, first] = axes[1, second] = 1.0
        origin = at.astype(np.float32).copy()
        origin[list(pair)] = 0.0
        variance = codes.astype(np.float64).var(axis=0)
        return cls(origin, axes, float(variance[list(pair)].sum() / max(variance.sum(), 1e-30)))

    @property
    def axis_names(self) -> list[str]:
        """Labels of the two axes."""
        if self.whole:
            return ["z₁", "z₂"]
        ones = [np.flatnonzero(axis == 1.0) for axis in self.axes]
        if all(len(one) == 1 for one in ones):
            return [f"z{str(int(one[0]) + 1).translate(_SUBSCRIPTS)}" for one in ones]
        return ["first principal direction", "second principal direction"]

    @property
    def whole(self) -> bool:
        """Whether the plane is all of latent space."""
        return len(self.origin) <= 2

    def project(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N, d) -> plane coordinates (N, 2), orthogonally."""
        return (codes - self.origin) @ self.axes.T

    def embed(self, points: np.ndarray) -> np.ndarray:
        """Plane coordinates (N, 2) -> codes (N, d)."""
        return self.origin + points @ self.axes

    def posterior_factors(self, log_var: np.ndarray) -> np.ndarray:
        """Lower Cholesky factors of the posteriors' covariances in the plane, (N, 3): l_uu, l_vu, l_vv."""
        variance = np.exp(log_var.astype(np.float64))
        (a, b), tiny = self.axes.astype(np.float64), 1e-30
        uu, vu, vv = variance @ (a * a), variance @ (a * b), variance @ (b * b)
        l_uu = np.sqrt(np.maximum(uu, tiny))
        l_vu = vu / l_uu
        return np.stack([l_uu, l_vu, np.sqrt(np.maximum(vv - l_vu**2, 0.0))], axis=1)


@dataclass(frozen=True)
class Payload:
    """A header and the bytes of its tensors: `head` for a receiver that fetches the tensors, else `to_bytes`.

    Attributes:
        header: JSON-compatible.
        body: tensors at their offsets.
    """

    header: dict[str, Any]
    body: bytes

    def with_header(self, **entries: Any) -> Payload:
        """A payload with header entries added or replaced; the body is shared, not copied."""
        return replace(self, header={**self.header, **entries})

    @cached_property
    def head(self) -> bytes:
        """The layout described at the top of this module, up to the tensors."""
        text = json.dumps(self.header, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-(4 + len(text)) % ALIGNMENT)
        return len(text).to_bytes(4, "little") + text

    def to_bytes(self) -> bytes:
        """The layout described at the top of this module."""
        return self.head + self.body


def digest_of(body: bytes) -> str:
    """The id of a payload's tensors, made from their bytes: 24 hexadecimal digits."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def _identity(body: bytes) -> dict[str, Any]:
    return {"id": digest_of(body), "size": len(body)}


class Tensors:
    """Collects a payload's tensors and their offsets."""

    def __init__(self) -> None:
        self.table: dict[str, dict[str, Any]] = {}
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, name: str, array: np.ndarray) -> str:
        raw = _split_in_bytes(array) if array.dtype == np.float16 else np.ascontiguousarray(array).tobytes()
        self.table[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "offset": self.size}
        padded = raw + bytes(-len(raw) % ALIGNMENT)
        self.parts.append(padded)
        self.size += len(padded)
        return name

    def payload(self, header: dict[str, Any]) -> Payload:
        """The payload of all tensors that were added, with a header that lists them."""
        body = b"".join(self.parts)
        return Payload({"format": FORMAT, "body": _identity(body), "tensors": self.table, **header}, body)


def _split_in_bytes(halves: np.ndarray) -> bytes:
    pairs = np.ascontiguousarray(halves.astype("<f2")).reshape(-1).view(np.uint8).reshape(-1, 2)
    return pairs[:, 1].tobytes() + pairs[:, 0].tobytes()


def plane_payload(
    run: Run,
    plane: LatentPlane | None = None,
    *,
    codes: np.ndarray | None = None,
    extra: Mapping[str, np.ndarray] | None = None,
    **header: Any,
) -> Payload:
    """A run's decoder, its held-out codes and all that the latent canvas draws.

    Args:
        run: any run that has a decoder.
        plane: what to draw; left out, `LatentPlane.of_codes`.
        codes: (N, d), one for each held-out image, to draw instead of the run's codes; without their posteriors.
        extra: further tensors, by their name.
        header: further entries, such as ``title``, ``palette`` and ``options``.
    """
    tensors = Tensors()
    plane = plane or LatentPlane.of_codes(run.codes.mean)
    layers: Program = []
    if run.spec.latent_dim != 2:
        weight = tensors.add("plane_axes", plane.axes.T.copy())
        bias = tensors.add("plane_origin", plane.origin)
        layers.append(linear(2, run.spec.latent_dim, weight, bias))
    plane_layers = len(layers)
    layers += _decoder_layers(run, tensors)

    points = plane.project(run.codes.mean if codes is None else codes)
    tensors.add("points", points.astype(np.float16))
    tensors.add("classes", run.codes.labels)
    if run.codes.has_posterior and codes is None:
        _, log_var = run.codes.posterior()
        tensors.add("posteriors", plane.posterior_factors(log_var).astype(np.float16))
    for name, array in (extra or {}).items():
        tensors.add(name, array)
    for program in run.further_programs.values():
        for name in tensor_names(program):
            if name not in tensors.table:
                tensors.add(name, run.weights[name])
    has_prior = model_kind(run.spec.model).bottleneck.has_prior
    return tensors.payload(
        {
            "kind": "plane",
            "key": run.key,
            "image": image_size(run.image_shape),
            "layers": layers,
            # The number of layers that embed the plane in latent space; the rest decode.
            "plane_layers": plane_layers,
            "range": square_range(points, at_least=PRIOR_REACH if has_prior and plane.whole else 0.0),
            "labels": list(run.label_names),
            # Rings at |z| = 1, 2, 3: only if the plane is all of latent space.
            "rings": list(RING_RADII) if plane.whole else [],
            "prior": has_prior,
            "prior_dimension": run.spec.latent_dim,
            "empty_beyond": empty_beyond(points, EMPTY_SHARE),
            "empty_share": EMPTY_SHARE,
            "axes": plane.axis_names,
            "variance_share": plane.variance_share,
            "plane_origin": plane.origin.tolist(),
            "plane_axes": plane.axes.tolist(),
            # Programs other than encoder and decoder, by name.
            **({"programs": run.further_programs} if run.further_programs else {}),
            **header,
        }
    )


def line_payload(run: Run, images: np.ndarray, labels: list[str], **header: Any) -> Payload:
    """A decoder of one latent dimension and the real images that belong to the integers, for the latent line.

    Args:
        run: d = 1.
        images: uint8 (N, C, H, W), 0 to 255, at least two: image n is the real one that belongs to z = n.
        labels: what each image is, N short names.
        header: further entries, such as ``title``, ``subtitle`` and ``options``.

    Raises:
        ValueError: a run of more dimensions, or images or labels that do not fit it.
    """
    count, shape = len(images), run.image_shape
    if run.spec.latent_dim != 1:
        raise ValueError(f"a line needs one latent dimension; {run.key} has {run.spec.latent_dim}")
    if images.dtype != np.uint8 or images.shape[1:] != shape or count < 2:
        raise ValueError(f"a line needs two or more uint8 images of shape {shape}, not {images.dtype} {images.shape}")
    if len(labels) != count:
        raise ValueError(f"a line needs a label for each of its {count} images, not {len(labels)}")
    tensors = Tensors()
    layers = _decoder_layers(run, tensors)
    tensors.add("images", images)
    return tensors.payload(
        {
            "kind": "line",
            "key": run.key,
            "image": image_size(shape),
            "inputs": 1,
            "layers": layers,
            "range": [0, count - 1],
            "labels": list(labels),
            **header,
        }
    )


def thumbnails_payload(dataset: ImageDataset, **header: Any) -> Payload:
    """All images of a split as one PNG of tiles, row by row, for planes that show real images."""
    from PIL import Image

    count = len(dataset)
    columns = min(THUMBNAIL_COLUMNS, count)
    file = io.BytesIO()
    Image.fromarray(tiled(dataset.images, columns)).save(file, format="PNG")
    tensors = Tensors()
    tensors.add("png", np.frombuffer(file.getvalue(), dtype=np.uint8))
    return tensors.payload(
        {
            "kind": "thumbnails",
            "images": f"{dataset.name}:{dataset.split}",
            "count": count,
            "columns": columns,
            "image": image_size(dataset.image_shape),
            **header,
        }
    )


def tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (N, C, H, W) as tiles of one picture, row by row: (rows * H, columns * W), a last axis for colours."""
    count, channels, height, width = images.shape
    rows = math.ceil(count / columns)
    tiles = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    tiles[:count] = images.transpose(0, 2, 3, 1)
    sheet = tiles.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    return sheet[..., 0] if channels == 1 else sheet


def image_size(shape: tuple[int, int, int]) -> dict[str, int]:
    """(C, H, W) as an entry of a header."""
    channels, height, width = shape
    return {"channels": channels, "height": height, "width": width}


def _decoder_layers(run: Run, tensors: Tensors) -> Program:
    """The run's decoder as the browser runs it, codes to expected pixels; adds its weights to the tensors."""
    for name in tensor_names(run.decoder):
        tensors.add(name, run.weights[name])
    return [*run.decoder, *run.likelihood.final_operations]


def square_range(points: np.ndarray, *, at_least: float) -> dict[str, list[float]]:
    """A square that contains nearly all points, and at least the radius `at_least` around the origin.

    Both axes keep one scale. The codes of an autoencoder have long tails: showing all would shrink the rest to a dot.
    """
    low, high = np.quantile(points.astype(np.float64), [0.01, 0.99], axis=0)
    if at_least:
        half = max(float(np.abs([low, high]).max()) * 1.04, at_least)
        return {"x": [-half, half], "y": [-half, half]}
    centre, half = (low + high) / 2, max(float((high - low).max()) / 2 * 1.1, 1e-3)
    (left, bottom), (right, top) = (centre - half).tolist(), (centre + half).tolist()
    return {"x": [left, right], "y": [bottom, top]}
