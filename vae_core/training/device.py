"""Choose the device and the precision of training."""

from __future__ import annotations

import time
from functools import cache

import torch

from vae_core.errors import SpecError

PRECISIONS = ("float32", "bfloat16")
# bfloat16 costs accuracy, so it is chosen only where it is clearly faster.
WORTHWHILE_SPEEDUP = 1.3
HOPELESS_SPEEDUP = 0.2  # in a trial with few images, which may be too few to gain by it


def choose_device(name: str = "auto") -> torch.device:
    """CUDA, else Apple's MPS, else the CPU; or the device named.

    Raises:
        SpecError: a device this machine or this build of torch does not have.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SpecError(f"device {name[:40]!r} is not available here; use 'auto' or 'cpu'.") from error
    return device


def check_precision(name: str) -> None:
    """Validate the name of a precision.

    Raises:
        SpecError: it is neither ``auto`` nor one of `PRECISIONS`.
    """
    if name != "auto" and name not in PRECISIONS:
        raise SpecError(f"precision must be auto, {' or '.join(PRECISIONS)}, not {name[:40]!r}.")


def choose_precision(name: str, device: torch.device) -> str:
    """``float32``, ``bfloat16``, or the faster of the two by measurement for ``auto``.

    Raises:
        SpecError: any other name.
    """
    check_precision(name)
    if name in PRECISIONS:
        return name
    return "bfloat16" if bfloat16_speedup(device.type) >= WORTHWHILE_SPEEDUP else "float32"


@cache
def bfloat16_speedup(device_type: str) -> float:
    """How many times faster a layer's matrix products run in bfloat16, median of 5 measurements.

    Measured rather than looked up: processors without bfloat16 units emulate them, up to 25 times slower, which a
    trial with few images detects.
    """
    trial = _speedup(device_type, images=8)
    return _speedup(device_type, images=256) if trial > HOPELESS_SPEEDUP else trial


def _speedup(device_type: str, images: int) -> float:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images, 784, generator=generator).to(device_type)
    weight = torch.randn(784, 512, generator=generator).to(device_type)

    def seconds(dtype: torch.dtype) -> float:
        left, right = x.to(dtype), weight.to(dtype)
        times = []
        for _ in range(6):
            start = time.perf_counter()
            product = left @ right
            product.sum().item()  # waits for the device
            times.append(time.perf_counter() - start)
        return sorted(times[1:])[2]  # the first run warms up

    return seconds(torch.float32) / seconds(torch.bfloat16)
