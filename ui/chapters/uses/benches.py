"""The benches, in their order on the page."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.chapters.uses.denoise import BENCH as DENOISE

BENCHES: tuple[Bench, ...] = (DENOISE,)
