"""Import torchvision even where its wheel does not match torch's build.

The registry's torchvision wheel is a CUDA build. Beside a CPU build of torch its compiled operators do not load,
and ``import torchvision`` fails with "operator torchvision::nms does not exist" (pytorch/vision #9085). Nothing
here needs those operators, so their missing schemas are declared and the import goes through.
"""

from __future__ import annotations

import importlib
from types import ModuleType

SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


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
