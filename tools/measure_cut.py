"""Measure how well a figure is cut out, by the number of masks: writes ui/chapters/uses/cut/measured.json.

    python -m tools.measure_cut

Takes about a quarter of an hour on one core; what the file has already is kept, and a training that was stopped goes
on. Networks learn from the first masks of the training pictures, each with the same number of steps, with and without
skips, from several random starts; rates and steps were chosen on validation pictures. Everything is measured on the
test pictures. The file has ``n``, their number; ``steps``, of every training; ``iou``, by whether there are skips and
by number of masks a mean over pictures for each random start; ``classical``, by method its setting, chosen on
validation pictures, and the ``mean`` and ``standard_error`` of its IoU over test pictures; ``shipped``, by network its
key and its figures on the test pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import product
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from ui.chapters.uses.cut.measured import COUNTS, FILE, NETWORKS, SEEDS, STEPS, network, trained_on
from vae_core.datasets import load
from vae_core.evaluation.masks import CLASSICAL, tuned
from vae_core.execution import Execution
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

DIGITS = 4  # significant


def rounded(value: Any) -> Any:
    """Every number of a document to `DIGITS`."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def write(document: dict[str, Any]) -> None:
    """The document, a line for each part."""
    parts = (f"{json.dumps(name)}: {json.dumps(rounded(one))}" for name, one in document.items())
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Measure what the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path(gettempdir()) / "measure-cut", help="for the trained runs")
    store = Store(parser.parse_args().store)
    validation, test = load("textured", "validation"), load("textured", "test")
    document = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"iou": {}, "classical": {}}
    document |= {"n": len(test), "steps": STEPS}
    for name in CLASSICAL:
        if name not in document["classical"]:
            document["classical"][name] = tuned(name, validation, test)
            print(name, document["classical"][name], file=sys.stderr, flush=True)
    exact = Execution(device="cpu", precision="float32")
    for skips, seed, count in product((True, False), range(SEEDS), COUNTS):
        found = document["iou"].setdefault(str(skips).lower(), {}).setdefault(str(count), [])
        if len(found) > seed:
            continue
        run = get_or_train(store, trained_on(count, skips=skips, seed=seed), execution=exact)
        found.append(run.metrics["test"]["iou"])
        print("skips" if skips else "no skips", count, seed, found[-1], file=sys.stderr, flush=True)
        write(document)
    shipped = Store(SHIPPED)
    document["shipped"] = {}
    for name in NETWORKS:
        run = shipped.load(network(name).key)
        document["shipped"][name] = {"key": run.key, **run.metrics["test"]}
    write(document)


if __name__ == "__main__":
    main()
