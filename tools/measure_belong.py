"""Measure the bench "Does it belong?": ui/chapters/uses/belong/measured.json and references.npz.

    VAE_DATA=… python -m tools.measure_belong --store DIR

Needs the full MNIST, and in DIR or among the shipped runs the VAE and the autoencoder of every left-out digit; those
that are missing are trained into DIR. What is chosen (the size of the PCA) is chosen on the validation digits; the
chapter reports the test digits.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

from ui.chapters.uses.belong.recipe import DATASET, DIGITS, NEAREST, PCA, SIZES, spec_of
from vae_core.datasets import ImageDataset, is_here, load
from vae_core.datasets.oddities import ODDITIES, OF_DIGITS
from vae_core.evaluation.left_out import DRAWS, measure_left_out, ranking_of, scores
from vae_core.execution import Execution
from vae_core.losses.likelihoods import LIKELIHOODS
from vae_core.metrics.anomaly import fit_subspace, nearest_by_class, nearest_usual, subspace_errors
from vae_core.metrics.ranking import auroc
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

HERE = Path(__file__).resolve().parents[1] / "ui" / "chapters" / "uses" / "belong"
COMPONENTS = (4, 8, 16, 32, 64)  # of the PCA
LIKELY = 1_000  # images of a kind
SPLITS = ("validation", "test")


def run_of(spec: RunSpec, store: Path) -> Run:
    """A shipped run, else that of a store, trained if it is missing."""
    if spec.key in Store(SHIPPED):
        return Store(SHIPPED).load(spec.key)
    return get_or_train(Store(store), spec, execution=Execution(device="cpu", precision="float32"))


def measure_digits(store: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """How well each score finds each left-out digit, by split; and what the page keeps of the methods without a run."""
    training = load(DATASET, "train")
    splits = {name: load(DATASET, name) for name in SPLITS}
    pixels = {name: split.floats() for name, split in splits.items()}
    learned = training.floats()
    nearest = {name: nearest_by_class(pixels[name], learned, training.labels, len(DIGITS)) for name in SPLITS}
    subspaces = {digit: fit_subspace(learned[training.labels != digit], max(COMPONENTS)) for digit in DIGITS}

    def pca_scores(split: str, digit: int, size: int) -> np.ndarray:
        whole = subspaces[digit]
        return subspace_errors(pixels[split], whole._replace(components=whole.components[:size]))

    def mean_auroc(size: int) -> float:
        found = []
        for digit in DIGITS:
            odd, score = splits["validation"].labels == digit, pca_scores("validation", digit, size)
            found.append(auroc(score[~odd], score[odd]).auroc)
        return float(np.mean(found))

    by_size = {size: mean_auroc(size) for size in COMPONENTS}
    size = max(by_size, key=by_size.__getitem__)
    result: dict[str, Any] = {"pca": {"size": size, "validation": by_size}, "draws": DRAWS}
    result["training"] = {digit: int((training.labels != digit).sum()) for digit in DIGITS}
    for name, split in splits.items():
        result[name] = {}
        for digit in DIGITS:
            ranked, found = {}, {PCA: pca_scores(name, digit, size), NEAREST: nearest_usual(nearest[name], digit)}
            for model in SIZES:
                run = run_of(spec_of(model, digit), store)
                own = run.metrics.get(name, {}) if "left_out" in run.metrics.get(name, {}) else None
                own = own or measure_left_out(run, split, {})
                ranked |= {f"{model} {score}": of for score, of in own["left_out"]["scores"].items()}
                # Without those that draw from the posterior, which take all the time.
                found |= {f"{model} {score}": of for score, of in scores(run, pixels[name], count=0).items()}
            result[name][digit] = _of_digit(split, pixels[name], digit, found, ranked)
    kept = {
        "nearest": nearest["validation"].astype(np.float16),
        "pca_mean": np.stack([subspaces[digit].mean for digit in DIGITS]).astype(np.float16),
        "pca_components": np.stack([subspaces[digit].components[:size] for digit in DIGITS]).astype(np.float16),
    }
    return result, kept


def _of_digit(
    split: ImageDataset, pixels: np.ndarray, digit: int, found: Mapping[str, np.ndarray], ranked: Mapping[str, Any]
) -> dict[str, Any]:
    """Figures of one left-out digit: how well each score ranks, as `ranked` of runs, and whether it follows the ink."""
    odd, ink = split.labels == digit, pixels.mean(axis=1)
    scored = {**{name: ranking_of(score, odd) for name, score in found.items() if name not in ranked}, **ranked}
    follows = {name: float(spearmanr(score[~odd], ink[~odd]).statistic) for name, score in found.items()}
    return {
        "n": int((~odd).sum()),
        "odd": int(odd.sum()),
        "ink": float(ink[odd].mean()),
        "ink_of_usual": float(ink[~odd].mean()),
        "scores": {
            name: {**of, **({"follows_ink": follows[name]} if name in follows else {})} for name, of in scored.items()
        },
    }


def likely_runs() -> dict[str, RunSpec]:
    """The shipped VAEs of all digits whose likelihoods are compared, by a name."""
    wanted = {
        "binarised": ("vae", 16, "bernoulli", True),
        "grey": ("conv_vae", 16, "bernoulli", None),
        "continuous_bernoulli": ("vae", 2, "continuous_bernoulli", None),
    }
    found = {}
    for name, fields in wanted.items():
        found[name] = next(
            spec
            for spec in read_manifest()
            if spec.dataset == DATASET and spec.without is None and spec.seed == 0
            and (spec.model, spec.latent_dim, spec.likelihood, spec.binarised) == fields
        )  # fmt: skip
    return found


def kinds() -> dict[str, ImageDataset]:
    """Images by kind: the digits first, then what is odd; whole data sets where they are present."""
    digits = load(DATASET, "test").first(LIKELY)
    found = {name: replace(digits, images=change(digits.images)) for name, change in OF_DIGITS.items()}
    for name, oddity in ODDITIES.items():
        images = oddity.images(LIKELY)[:, None]
        found[name] = ImageDataset(name, "test", images, np.zeros(len(images), np.int64), (name,))
    for name in ("fashion_mnist", "kmnist"):
        if is_here(name):
            found[name] = load(name, "test", download=False).first(LIKELY)
    return found


def measure_likelihood() -> dict[str, Any]:
    """The bound on the likelihood of every kind of image under some VAEs of digits, and how well it tells them."""
    images, result = kinds(), {}
    for name, spec in likely_runs().items():
        run = Store(SHIPPED).load(spec.key)
        binary = bool(spec.binarised)
        seen = {kind: (data.binarised() if binary else data) for kind, data in images.items()}
        found = {}
        for kind, data in seen.items():
            one = scores(run, data.floats())
            nats = one["importance_weighted"]
            # Input complexity (Serrà et al. 2020): the image's own length in a lossless code is subtracted.
            length = np.array([png_nats(image, binary) for image in data.images[:, 0]])
            parts = {"likelihood": nats, "complexity": nats - length}
            if LIKELIHOODS[spec.likelihood].binary and not binary:
                parts["above_floor"] = one["above_floor"]
            found[kind] = parts
        result[name] = {
            "key": run.key,
            "draws": DRAWS,
            "kinds": {
                kind: {"n": len(parts["likelihood"])}
                | {
                    score: {
                        "mean": float(values.mean()),
                        "std": float(values.std()),
                        "odder": auroc_of(found["digits"][score], values),
                    }
                    for score, values in parts.items()
                }
                for kind, parts in found.items()
            },
        }
    return result


def auroc_of(usual: np.ndarray, odd: np.ndarray) -> float:
    """The share of pairs in which the odd image has the higher score, ties counted half; also of a single odd one."""
    return float(((odd[:, None] > usual) + 0.5 * (odd[:, None] == usual)).mean())


def png_nats(image: np.ndarray, binary: bool) -> float:
    """The length of an image as PNG in nats: uint8 (H, W), of one bit a pixel if it is black and white."""
    picture = Image.fromarray(image)
    file = io.BytesIO()
    (picture.convert("1") if binary else picture).save(file, "PNG", optimize=True)
    return len(file.getvalue()) * 8 * float(np.log(2))


def rounded(value: Any) -> Any:
    """Floats to five significant digits, so that the file can be read."""
    if isinstance(value, dict):
        return {str(name): rounded(one) for name, one in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    """Measure everything, or the likelihoods alone."""
    parser = argparse.ArgumentParser(description="Measure the bench “Does it belong?”.")
    parser.add_argument("--store", type=Path, default=SHIPPED, help="where runs are that are not shipped")
    parser.add_argument("--likelihood", action="store_true", help="measure the likelihoods alone")
    chosen = parser.parse_args()
    file = HERE / "measured.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not chosen.likelihood:
        known["digits"], kept = measure_digits(chosen.store)
        np.savez_compressed(HERE / "references.npz", **kept)
    known["likelihood"] = measure_likelihood()
    file.write_text(json.dumps(rounded(known), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
