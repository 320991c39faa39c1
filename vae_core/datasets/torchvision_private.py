"""All uses of undocumented parts of torchvision.

Checked with torchvision 0.28.0; tests/unit/test_datasets.py fails if a part is missing.

=====================  ================================================================  ===============================
part                   needed for                                                        without it
=====================  ================================================================  ===============================
operators' schemas     `import torchvision` beside a torch of another build              these images are unavailable,
                                                                                         in one sentence
``processed_folder``   not reading pickled tensors that old versions stored              nothing: it goes with them
=====================  ================================================================  ===============================

The registry's torchvision wheel is a CUDA build. Beside a CPU build of torch its compiled operators do not load, and
``import torchvision`` fails with "operator torchvision::nms does not exist" (pytorch/vision #9085). Nothing here needs
those operators, so their missing schemas are declared and the import goes through.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from vae_core.errors import DatasetUnavailable

SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
NO_FOLDER = str(Path(os.devnull) / "processed")  # nothing can be below a file


def import_torchvision() -> ModuleType:
    """The `torchvision` module, importable with or without its compiled operators."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    declare_missing_operators()
    return importlib.import_module("torchvision")


def declare_missing_operators() -> list[str]:
    """Declare those of `SCHEMAS` that torch does not know; returns the names declared."""
    import torch

    declared = []
    for name, schema in SCHEMAS.items():
        try:
            getattr(torch.ops.torchvision, name)
        except AttributeError:
            torch.library.define(f"torchvision::{name}", schema)
            declared.append(name)
    return declared


def reader(name: str) -> Any:
    """torchvision's class of a dataset, restricted to the raw files.

    Old versions stored pickled tensors in a separate folder, and torchvision still prefers them if it exists.

    Args:
        name: such as ``"MNIST"``; the class keeps it, as torchvision names the dataset's folder after the class.

    Raises:
        DatasetUnavailable: torchvision cannot be imported, or has no such class.
    """
    try:
        original = getattr(import_torchvision().datasets, name)
    except (ImportError, AttributeError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise DatasetUnavailable(
            f"{name} is read by torchvision, which does not work here ({reason}); install the versions in "
            "requirements.txt, or use images that came with the app, such as mnist_sample."
        ) from error
    return type(name, (original,), {"processed_folder": NO_FOLDER})
