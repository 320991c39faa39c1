"""Measure both gaps of step 5 of the mathematics over digits: writes ui/chapters/mathematics/gaps.json.

    python -m tools.measure_gaps

Takes about two minutes on one core.
"""

from __future__ import annotations

import json

from ui.chapters.mathematics.importance import DIMENSIONS, bounded, gaps_of, refined_bounds, run_key
from ui.chapters.mathematics.over_digits import DIGITS, FILE


def figures_of(key: str, image: int) -> dict[str, float]:
    """Of one digit, by the names of `OverDigits`."""
    gaps = gaps_of(key, image)
    return {
        "amortisation": round(gaps.amortisation.value, 4),
        "approximation": round(gaps.approximation.value, 4),
        "encoder": round(bounded(key, image).effective, 1),
        "refined": round(refined_bounds(key, image).effective, 1),
    }


def main() -> None:
    """Measure every run that the page offers, and write the file."""
    found = {}
    for key in map(run_key, DIMENSIONS):
        each = [figures_of(key, image) for image in range(DIGITS)]
        found[key] = {name: [one[name] for one in each] for name in each[0]}
    FILE.write_text(json.dumps(found).replace("], ", "],\n ").replace("}, ", "},\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
