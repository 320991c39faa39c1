"""Painted codes as a link says them; ui/components/codes/paint.js writes and reads them."""

from __future__ import annotations

import re

from ui.links.url_state import Property

MOST_CELLS = 1_024  # of any grid that a link may say
_CODE = re.compile(r"\d{1,4}", re.ASCII)


def painted(name: str, cells: int | None, entries: int, meaning: str) -> Property:
    """A parameter that has an entry for every cell of a grid.

    Args:
        name: in the URL.
        cells: of the grid; None for one of any size, up to `MOST_CELLS`.
        entries: of the largest codebook; the browser leaves out what the one on screen does not have.
        meaning: for messages and the list of links.
    """
    count = "some" if cells is None else str(cells)
    longest = (cells or MOST_CELLS) * (len(str(entries - 1)) + 1)

    def parse(text: str) -> list[int]:
        parts = text.split(",") if len(text) <= longest else []
        fits = 1 <= len(parts) <= MOST_CELLS if cells is None else len(parts) == cells
        if not fits or not all(_CODE.fullmatch(part) for part in parts):
            raise ValueError(f"not {count} codes: {text[:20]}")
        codes = [int(part) for part in parts]
        if max(codes) >= entries:
            raise ValueError(f"a code above {entries - 1}")
        return codes

    each = f"{cells} whole numbers" if cells else "a whole number for every cell,"
    described = f"{each} from 0 to {entries - 1} with commas between them, row by row"
    example = ",".join(str(cell % 10) for cell in range(cells or 4))
    return Property(name, parse, lambda codes: ",".join(map(str, codes)), meaning, described, example)
