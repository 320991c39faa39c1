"""Measure the shipped runs again, and keep what their files lack in ui/runs/measured_since.json.

python -m tools.measure_since [--again] [--codes] [KEY ...]

To be run after `vae_core.evaluation.measure` has learned to report something new (with --again), or after runs were
added; it needs the full MNIST. A figure that a file has must come out as it is there.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

from ui.runs.measured_since import DEFINED_ANEW, FILE, signature
from vae_core.datasets import load
from vae_core.evaluation.measure import measure
from vae_core.models import model_kind
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Store

SPLIT = "test"  # what pages tell is of this one
DIGITS = 6
# Another processor rounds differently. Of a collapsed model some figures are nothing but rounding.
SAME, NOTHING = 1e-3, 1e-6
# A share may then count some images otherwise, and of a collapsed model, whose means are all but one, many neighbours.
SHARES = {
    "accuracy", "label_agreement", "trustworthiness", "ambiguity", "coverage", "density", "hole_rate", "crossfade",
    "great_circle", "straight", "midpoint_holes",
}  # fmt: skip
MISCOUNTED, NEIGHBOURS, COLLAPSED = 3, {"label_agreement", "trustworthiness"}, 1e-2


def lacking(measured: dict[str, Any], filed: dict[str, Any], where: str) -> dict[str, Any]:
    """What was measured and is not on file, nested alike; what is on both must agree."""
    found: dict[str, Any] = {}
    for name, value in measured.items():
        if name == "not_measured":
            continue
        if name not in filed or name in DEFINED_ANEW:
            found[name] = value
        elif isinstance(value, dict) and isinstance(filed[name], dict):
            if rest := lacking(value, filed[name], f"{where}/{name}"):
                found[name] = rest
        elif not is_same(value, filed[name], _allowed(name, filed)):
            raise SystemExit(f"{where}/{name} is {filed[name]} on file and {value} now")
    return found


def is_same(now: Any, filed: Any, allowed: float) -> bool:
    """Whether a figure has come out as it is on file, entries of a list up to rounding of its largest.

    Args:
        now, filed: the figure.
        allowed: a difference that means nothing, however small the figure is.
    """
    if isinstance(now, list) and isinstance(filed, list):
        largest = max((abs(value) for value in filed), default=0.0)
        return len(now) == len(filed) and all(
            is_same(one, other, max(allowed, SAME * largest)) for one, other in zip(now, filed, strict=True)
        )
    if isinstance(now, float) and isinstance(filed, float):
        return math.isclose(now, filed, rel_tol=SAME, abs_tol=allowed)
    return type(now) is type(filed) and now == filed


def _allowed(name: str, filed: dict[str, Any]) -> float:
    """A difference of a figure, one of `filed`, that means nothing."""
    if name in NEIGHBOURS and filed.get("active_units") == 0:
        return COLLAPSED
    if name.removesuffix("_standard_error") in SHARES:
        return MISCOUNTED / filed.get(f"{name}_n", filed["n"])
    return NOTHING


def rounded(value: Any) -> Any:
    """Numbers to six digits, in nested figures."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def measured_since(store: Store, spec: RunSpec, only_codes: bool) -> dict[str, Any]:
    """A run's entry: for the split, what its file lacks and the figure by which its weights are recognised."""
    run = store.load(spec.key)
    seen = model_kind(spec.model).bottleneck.continuous and not only_codes
    features = store.features_if_any(spec.dataset) if seen else None
    measured = measure(run, load(spec.dataset, SPLIT), features)
    filed = run.metrics[SPLIT]
    return {SPLIT: {"of": signature(filed), "figures": rounded(lacking(measured, filed, spec.key))}}


def together(entry: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """An entry of the figures of codes alone, with those of generated images that an earlier one has of these weights.

    Figures of codes stand beside each other, not nested: a newer one replaces the earlier.
    """
    new, old = entry[SPLIT], earlier.get(SPLIT, {})
    if old.get("of") != new["of"]:
        return entry
    return {SPLIT: {**new, "figures": {**old["figures"], **new["figures"]}}}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--again", action="store_true", help="also those that are in the file already")
    ask.add_argument("--codes", action="store_true", help="only the figures of codes, not those of generated images")
    ask.add_argument("keys", nargs="*", help="of the runs; all shipped ones with a test split if none is given")
    asked = ask.parse_args()
    store, entries = Store(SHIPPED), json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for spec in read_manifest():
        if spec.key not in store or SPLIT not in store.load(spec.key).metrics:
            continue
        if spec.key in (asked.keys or [spec.key]) and (asked.again or asked.keys or spec.key not in entries):
            entry = measured_since(store, spec, asked.codes)
            entries[spec.key] = together(entry, entries.get(spec.key, {})) if asked.codes else entry
            FILE.write_text(json.dumps(entries, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
            print(spec.key, flush=True)


if __name__ == "__main__":
    main()
