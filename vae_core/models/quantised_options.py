"""What only models with a codebook let one choose; read without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_core.errors import SpecError
from vae_core.options import Key, OneOf, Real, Whole, Widths, YesNo, option

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

MOST_ENTRIES = 1_024  # snapshots keep codes in half precision, which has every whole number up to 2,048


@dataclass(frozen=True)
class VQOptions:
    """A learned codebook (van den Oord et al. 2017)."""

    entries: int = option(64, Whole(1, MOST_ENTRIES), "K, the number of entries in the codebook.")
    dimensions: int = option(16, Whole(1, 256), "D, the numbers of an entry.")
    commitment: float = option(0.25, Real(0.0, 100.0), "Weight of the commitment term.")
    learn_by: str = option("averages", OneOf(("averages", "loss")), "How entries learn: averages or loss.")
    decay: float = option(0.99, Real(0.0, 1.0), "Of the moving averages, per step.")
    start_from: str = option("data", OneOf(("data", "random")), "First entries: vectors of the data, or random.")
    restart: bool = option(True, YesNo(), "Move entries that nothing uses to vectors of the data, after each epoch.")


@dataclass(frozen=True)
class FSQOptions:
    """Levels that do not learn (Mentzer et al. 2023)."""

    levels: tuple[int, ...] = option((7, 3, 3), Widths(6, 63), "Levels of each number, odd; K is their product.")


@dataclass(frozen=True)
class FlatFSQOptions:
    """A flat code of d numbers with few levels each, without a grid (Mentzer et al. 2023)."""

    levels_each: int = option(5, Whole(2, 256), "L, the levels of each number: L^d codes in all.")


def entries_of(options: Any) -> int:
    """K, of any of these records."""
    return math.prod(options.levels) if isinstance(options, FSQOptions) else int(options.entries)


def check_fsq(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """Odd levels, and not too many combinations.

    Raises:
        SpecError: naming the field and what it must be.
    """
    del image_shape
    levels = spec.options.levels
    if not levels or any(level < 3 or level % 2 == 0 for level in levels) or math.prod(levels) > MOST_ENTRIES:
        raise SpecError(f"levels must be odd, from 3, and their product at most {MOST_ENTRIES:,}: such as [7,3,3].")


@dataclass(frozen=True)
class PriorOptions:
    """An autoregressive prior over the codes of a run that is there already.

    The first four must be those of that run; `prior_fields` fills them in.
    """

    of: str = option("", Key(), "Key of the run whose codes it learns.")
    entries: int = option(64, Whole(1, MOST_ENTRIES), "K of that run.")
    dimensions: int = option(16, Whole(1, 256), "D of that run.")
    bounded: bool = option(False, YesNo(), "Whether that run is an FSQ, which bounds its vectors.")
    width: int = option(88, Whole(1, 512), "C, the numbers by which a cell is described.")
    layers: int = option(3, Whole(1, 12), "Layers of attention.")
    heads: int = option(4, Whole(1, 64), "Heads of each attention; they divide the width.")
    classes: int = option(0, Whole(0, 256), "Classes among which it is told the image's; 0 for none.")


def prior_fields(base: RunSpec) -> dict[str, Any]:
    """The fields of a specification that a prior over a run's codes must share with that run.

    Args:
        base: of a run whose codes are entries of a codebook.

    Raises:
        SpecError: its codes are no such.
    """
    options = base.options
    if isinstance(options, VQOptions):
        own = {"entries": options.entries, "dimensions": options.dimensions, "bounded": False}
    elif isinstance(options, FSQOptions):
        own = {"entries": math.prod(options.levels), "dimensions": len(options.levels), "bounded": True}
    else:
        raise SpecError(f"{base.key} has no codes that a prior could learn: name a run of model vq_vae or fsq.")
    shared = ("dataset", "hidden", "likelihood", "variance")
    return {name: getattr(base, name) for name in shared} | {"options": {"of": base.key, **own}}


def check_prior(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """Heads share the width evenly.

    Raises:
        SpecError: naming both.
    """
    del image_shape
    width, heads = spec.options.width, spec.options.heads
    if width % heads:
        raise SpecError(f"width must be a multiple of heads: {width} is none of {heads}.")
