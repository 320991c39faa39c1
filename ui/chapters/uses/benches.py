"""The benches, in their order on the page."""

from __future__ import annotations

from ui.chapters.uses.belong import BENCH as BELONG
from ui.chapters.uses.bench import Bench

BENCHES: tuple[Bench, ...] = (BELONG,)
