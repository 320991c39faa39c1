"""Measure bits and errors of the bench "Compress": writes measured.json and pca.npz in ui/chapters/uses/compress.

    python -m tools.measure_compression [--store DIR]

Needs full MNIST, and some ten minutes of one core. Streams are really written and read back. Settings are chosen on
validation digits (the bundled ones); all figures are of test digits.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ui.chapters.uses.compress.methods import DATASET, FILE, PCA_FILE, TARGET, fits_prior, fits_vae
from vae_core.coding.files import PNG, WEBP_LOSSLESS, FileKind, from_mosaic, jpeg, mosaic, two_tone, webp
from vae_core.coding.grid import GridCoder
from vae_core.coding.linear import LinearCoder, fit
from vae_core.coding.measure import CHAINED, chained, of_grid, spread
from vae_core.datasets import ImageDataset, load
from vae_core.metrics.reconstruction import mean_squared_error
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Store

TUNING, ALONE, SINGLE = 500, 500, 200  # images
COMPONENTS = 160
STEPS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.65, 0.8, 1.0, 1.3)
PENALTIES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.35, 0.4)
QUALITIES = {"jpeg": (3, 5, 8, 10, 12, 13, 14, 20, 50), "webp": (0, 1, 5, 20, 50)}
LOSSY: dict[str, Callable[[int], FileKind]] = {"jpeg": jpeg, "webp": webp}
STACK_AT = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000)


def alone(kind: FileKind, images: np.ndarray) -> dict[str, Any]:
    """A file for each image: uint8 (N, H, W)."""
    files = [kind.encode(image) for image in images]
    read = np.stack([kind.decode(file) for file in files])
    bits = np.array([8 * len(file) for file in files], np.float64)
    return {**spread(bits), "mse": mean_squared_error(images / 255, read / 255), "n": len(images)}


def together(kind: FileKind, images: np.ndarray) -> dict[str, Any]:
    """One file for all."""
    file = kind.encode(mosaic(images))
    read = from_mosaic(kind.decode(file), *images.shape)
    return {"bits": 8 * len(file) / len(images), "mse": mean_squared_error(images / 255, read / 255), "n": len(images)}


def chosen(found: dict[Any, dict[str, Any]]) -> Any:
    """Of settings measured on validation digits the one with fewest bits within `TARGET`; else that of least error."""
    within = {name: one for name, one in found.items() if one["mse"] <= TARGET}
    if within:
        return min(within, key=lambda name: within[name]["bits"])
    return min(found, key=lambda name: found[name]["mse"])


def measure_files(validation: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Every kind of file, alone and in a mosaic: images uint8 (N, H, W)."""
    result: dict[str, Any] = {}
    ways = {"alone": (alone, ALONE), "mosaic": (together, len(test))}
    for way, (measure, most) in ways.items():
        result[f"png_{way}"] = {"all": {"": measure(PNG, test[:most])}, "chosen": ""}
        result[f"webp_lossless_{way}"] = {"all": {"": measure(WEBP_LOSSLESS, test[:most])}, "chosen": ""}
        for name, make in LOSSY.items():
            tried = {str(one): measure(make(one), validation[:TUNING]) for one in QUALITIES[name]}
            result[f"{name}_{way}"] = {
                "all": {str(one): measure(make(one), test[:most]) for one in QUALITIES[name]},
                "chosen": chosen(tried),
            }
        print(way, file=sys.stderr, flush=True)
    return result


def of_pca(coder: LinearCoder, images: np.ndarray) -> dict[str, Any]:
    """One stream of all images: float32 (N, D)."""
    numbers = coder.numbers(images)
    data = coder.encode(numbers)
    assert np.array_equal(coder.decode(data), numbers)
    expected = float(coder.bits(numbers).mean())
    return {
        "bits": 8 * len(data) / len(images),
        "expected_bits": expected,
        "mse": mean_squared_error(images, coder.images(numbers)),
        "n": len(images),
    }


def measure_pca(training: np.ndarray, validation: np.ndarray, test: np.ndarray) -> tuple[dict[str, Any], LinearCoder]:
    """Quantised coefficients at several steps."""
    coder = fit(training, COMPONENTS, STEPS[0])
    coders = {str(step): coder.with_step(step, training) for step in STEPS}
    best = chosen({name: of_pca(one, validation[:TUNING]) for name, one in coders.items()})
    figures = {name: of_pca(one, test) for name, one in coders.items()}
    print("pca", best, file=sys.stderr, flush=True)
    return {"all": figures, "chosen": best, "components": COMPONENTS, "size": coders[best].size}, coders[best]


def measure_grid(run: Run, validation: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Codes under their prior: at several penalties on some test digits, at the chosen one on all."""
    coder = GridCoder(run)
    tried = {str(one): of_grid(coder, validation[:TUNING], one) for one in PENALTIES}
    best = chosen(tried)
    print("penalty", best, tried, file=sys.stderr, flush=True)
    figures = {str(one): of_grid(coder, test[:ALONE], one) for one in PENALTIES if str(one) != best}
    figures[best] = of_grid(coder, test, float(best))
    single = [8 * len(coder.compress(image[None], float(best)).data) for image in test[:SINGLE]]
    return {
        "run": run.key,
        "all": figures,
        "chosen": best,
        "alone": {**spread(np.array(single, np.float64)), "n": len(single)},
        "size": size_of(run),
    }


def measure_bits_back(run: Run, test: ImageDataset) -> dict[str, Any]:
    """A chain of binarised digits, the negative ELBO of the same, and what files take for them."""
    images, chain, elbo = chained(run, test.floats()[:CHAINED])
    net = np.diff(chain.stack_bits)
    pictures = (255 * images).reshape(-1, 28, 28)
    return {
        "run": run.key,
        "n": len(images),
        "net": spread(net),
        "negative_elbo": spread(elbo / math.log(2)),
        "paid": spread(net + chain.borrowed),
        "borrowed": spread(chain.borrowed),
        "first_borrowed": float(chain.borrowed[0]),
        "initial_bits": chain.initial_bits,
        "file_bits": 8 * len(chain.data),
        "stack": [[count, float(chain.stack_bits[count])] for count in STACK_AT],
        "files": {
            "png_alone": alone(two_tone(PNG), pictures),
            "png_mosaic": together(two_tone(PNG), pictures),
            "webp_lossless_alone": alone(WEBP_LOSSLESS, pictures),
            "webp_lossless_mosaic": together(WEBP_LOSSLESS, pictures),
        },
        "size": size_of(run),
    }


def size_of(run: Run) -> int:
    """Bytes of the weights that both sides need, as they are stored: in half precision."""
    return int(sum(array.nbytes for name, array in run.weights.items() if name not in ("shares", "sums")))


def found_run(store: Store, fits: Callable[[RunSpec], bool]) -> Run:
    """The first run of the manifest or of another store that fits."""
    for spec in read_manifest():
        if fits(spec):
            return Store(SHIPPED).load(spec.key)
    for line in store.listing():
        if line.spec and fits(line.spec):
            return store.load(line.key)
    raise LookupError("no run fits")


def rounded(value: Any) -> Any:
    """Floats to six digits, so that the file can be read."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    """Measure everything, and write both files."""
    parser = argparse.ArgumentParser(description="Measure the bench “Compress”.")
    parser.add_argument("--store", type=Path, default=SHIPPED, help="where runs are that are not shipped")
    parser.add_argument("--only", choices=("files", "pca", "grid", "bits_back"), help="measure a part again")
    given = parser.parse_args()
    found: dict[str, Any] = {"target": TARGET, "tuning": TUNING}
    validation, test = (load(DATASET, split) for split in ("validation", "test"))
    store = Store(given.store)
    if given.only in (None, "pca"):
        training = load(DATASET, "train").floats()
        found["pca"], coder = measure_pca(training, validation.floats(), test.floats())
        np.savez_compressed(PCA_FILE, **coder.arrays())
    if given.only in (None, "bits_back"):
        found["bits_back"] = measure_bits_back(found_run(store, fits_vae), test)
    if given.only in (None, "files"):
        found["files"] = measure_files(validation.images[:, 0], test.images[:, 0])
    if given.only in (None, "grid"):
        found["grid"] = measure_grid(found_run(store, fits_prior), validation.floats(), test.floats())
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}  # another part may be new meanwhile
    FILE.write_text(json.dumps(known | rounded(found), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
