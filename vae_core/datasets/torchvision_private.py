"""What this package relies on in torchvision beyond its documentation; nothing else touches such parts.

Seen on torchvision 0.28.0. tests/unit/test_datasets.py says what is no longer there.

=====================  ================================================================  ===============================
part                   needed for                                                        without it
=====================  ================================================================  ===============================
operators' schemas     `import torchvision` beside a torch of another build              these images are unavailable,
                                                                                         in one sentence
``processed_folder``   not to read the pickled tensors that torchvision kept of old      nothing: it goes with them
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
    """torchvision's class of a dataset, which reads the raw files alone.

    Of old, torchvision kept pickled tensors in a folder of their own, and prefers them where that folder is.

    Args:
        name: such as ``"MNIST"``; the class is called so too, as torchvision names the dataset's folder after it.

    Raises:
        DatasetUnavailable: torchvision cannot be imported, or has no such class.
    """
    try:
        theirs = getattr(import_torchvision().datasets, name)
    except (ImportError, AttributeError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise DatasetUnavailable(
            f"{name} is read by torchvision, which does not work here ({reason}); install the versions in "
            "requirements.txt, or use images that came with the app, such as mnist_sample."
        ) from error
    return type(name, (theirs,), {"processed_folder": NO_FOLDER})
