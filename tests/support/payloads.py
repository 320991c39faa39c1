"""Tensors of payloads, read as the documentation of their layout says (vae_core/payloads/plane.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def tensor_in(body: bytes, entry: Mapping[str, Any]) -> np.ndarray:
    """The tensor of an entry of the header's table, from the bytes of all."""
    count = int(np.prod(entry["shape"], dtype=np.int64))
    if entry["dtype"] == "float16":
        high, low = np.frombuffer(body, np.uint8, 2 * count, offset=entry["offset"]).reshape(2, count)
        flat = np.stack([low, high], axis=1).reshape(-1).view("<f2")
    else:
        flat = np.frombuffer(body, np.dtype(entry["dtype"]).newbyteorder("<"), count, offset=entry["offset"])
    return flat.reshape(entry["shape"])
