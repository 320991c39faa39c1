"""The benches, in their order on the page."""

from __future__ import annotations

from ui.chapters.uses.belong import BENCH as BELONG
from ui.chapters.uses.bench import Bench
from ui.chapters.uses.compress import BENCH as COMPRESS
from ui.chapters.uses.cut import BENCH as CUT
from ui.chapters.uses.denoise import BENCH as DENOISE
from ui.chapters.uses.labels import BENCH as LABELS

BENCHES: tuple[Bench, ...] = (DENOISE, BELONG, COMPRESS, LABELS, CUT)
