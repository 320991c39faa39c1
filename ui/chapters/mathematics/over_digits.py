"""Both gaps over some digits, where the page's experiment shows one: measured figures of gaps.json.

The file is made by ``python -m tools.measure_gaps``: a q is fitted to every digit, which takes a second each.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import mean, median, stdev
from typing import NamedTuple

from ui.once import once

FILE = Path(__file__).with_name("gaps.json")
DIGITS = 30  # the first held-out ones


class OverDigits(NamedTuple):
    """Figures of one run, one of each digit.

    Attributes:
        amortisation: nats that a q fitted to the digit gains over the encoder's.
        approximation: nats from there to the bound, at least.
        encoder, refined: effective sample sizes of both q.
    """

    amortisation: tuple[float, ...]
    approximation: tuple[float, ...]
    encoder: tuple[float, ...]
    refined: tuple[float, ...]


@once(maxsize=1)
def measured_gaps() -> dict[str, OverDigits]:
    """By the key of the run."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    return {key: OverDigits(**{name: tuple(values) for name, values in one.items()}) for key, one in document.items()}


def with_error(values: tuple[float, ...]) -> str:
    """The mean over digits with its standard error."""
    return f"{mean(values):.2f} ± {stdev(values) / math.sqrt(len(values)):.2f}"


def usual_gap(key: str) -> str:
    """How far the ELBO of a run stays below log p(x) on average over digits, at least; empty if it was not measured."""
    found = measured_gaps().get(key)
    if found is None:
        return ""
    whole = [sum(gaps) for gaps in zip(found.amortisation, found.approximation, strict=True)]
    return f"{mean(whole):.1f} nats or more on average over the first {len(whole)} held-out digits"


def over_digits_sentence(key: str) -> str:
    """What the gaps are over digits: markdown; empty for a run that was not measured."""
    found = measured_gaps().get(key)
    if found is None:
        return ""
    return (
        f"One digit proves nothing. Over the first {len(found.amortisation)} held-out digits, the amortisation gap is "
        f"**{with_error(found.amortisation)}** nats (mean, one standard error over digits; the median is "
        f"{median(found.amortisation):.2f}), the approximation gap at least "
        f"**{with_error(found.approximation)}**. All of it is of one trained model."
    )
