"""The benches, in their order on the page."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.chapters.uses.compress import BENCH as COMPRESS

BENCHES: tuple[Bench, ...] = (COMPRESS,)
