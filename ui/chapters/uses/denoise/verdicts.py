"""Who wins where, from the figures of measured.json."""

from __future__ import annotations

import math
from typing import NamedTuple

from ui.chapters.uses.denoise.methods import (
    AS_IT_IS,
    CLASSICAL,
    INTERVAL,
    KIND,
    LEVEL,
    NETWORKS,
    TITLES,
    TRAINED,
    in_a_sentence,
    measured,
)
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html
from vae_core.corruption import CORRUPTIONS

LITTLE = 0.1  # the low level that is asked about
UNTRAINED = tuple(name for name in NETWORKS if name != TRAINED)
AT_HALF = ("A filter tuned for this noise", "An autoencoder or VAE never shown noise", "An autoencoder trained on it")
AT_LITTLE = ("The denoising autoencoder again", "A filter", "Leaving the digit as it is")
GOAL = 3.0  # dB above the best filter


class Scored(NamedTuple):
    """One method at one kind and level: PSNR and half of its 95% interval, dB."""

    name: str
    psnr: float
    half: float


def scored(name: str, kind: str, level: float) -> Scored:
    """As measured; `level` is one of those measured."""
    document = measured()
    at = document["levels"][kind].index(level)
    of = document["figures"][name][kind]
    return Scored(name, of["psnr"][at], INTERVAL * of["psnr_standard_error"][at])


def best(names: tuple[str, ...], kind: str, level: float) -> Scored:
    """The method with the highest PSNR."""
    return max((scored(name, kind, level) for name in names), key=lambda one: one.psnr)


def _said(one: Scored) -> str:
    return f"{in_a_sentence(TITLES[one.name])} {one.psnr:.1f} ± {one.half:.1f} dB"


def at_half() -> tuple[int, str]:
    """What restores digits best where the denoising autoencoder was trained: the option's number, and why."""
    groups = [best(names, KIND, LEVEL) for names in (tuple(CLASSICAL), UNTRAINED, (TRAINED,))]
    right = max(range(len(groups)), key=lambda number: groups[number].psnr)
    filters, _, own = groups
    margin = own.psnr - filters.psnr
    judged = "at least" if margin >= GOAL else "less than"
    others = [scored(name, KIND, LEVEL) for name in UNTRAINED]
    return right, (
        f"On {measured()['n']:,} test digits: **{_said(own)}**; the best filter, {_said(filters)}; never shown noise, "
        f"{' and '.join(map(_said, others))}; left as they are, {scored(AS_IT_IS, KIND, LEVEL).psnr:.1f} dB. It is "
        f"{abs(margin):.1f} dB {'above' if margin > 0 else 'below'} the best filter, {judged} the {GOAL:g} dB that one "
        "would call a clear gain (half the squared error)."
    )


def at_little() -> tuple[int, str]:
    """What restores digits best where hardly anything is lost."""
    groups = [best(names, KIND, LITTLE) for names in ((TRAINED,), tuple(CLASSICAL), (AS_IT_IS,))]
    right = max(range(len(groups)), key=lambda number: groups[number].psnr)
    own, filters, left = groups
    code = scored("conv_ae", KIND, LITTLE)
    return right, (
        f"At σ = {LITTLE:g}: **{_said(filters)}**, left as it is {left.psnr:.1f} dB, **{_said(own)}**; the autoencoder "
        f"never shown noise comes to {code.psnr:.1f} dB. Whatever goes through a code of 32 numbers loses some of its "
        "strokes, and with little noise that costs more than the noise. A filter can choose to do hardly anything."
    )


def wins(kind: str) -> list[bool | None]:
    """Whether the denoising autoencoder beats all that is no network, at each level; None within the intervals."""
    found: list[bool | None] = []
    for level in measured()["levels"][kind]:
        own, other = scored(TRAINED, kind, level), best((*CLASSICAL, AS_IT_IS), kind, level)
        clear = abs(own.psnr - other.psnr) > math.hypot(own.half, other.half)
        found.append(own.psnr > other.psnr if clear else None)
    return found


def where() -> str:
    """Who wins at which levels of which kind: markdown."""
    lines = []
    for kind, levels in measured()["levels"].items():
        verdicts = dict(zip(levels, wins(kind), strict=True))
        parts = [
            f"{words} at {', '.join(f'{level:g}' for level in some)}"
            for words, wanted in (("wins", True), ("draws", None), ("loses", False))
            if (some := [level for level, verdict in verdicts.items() if verdict is wanted])
        ]
        seen = " (trained on σ = 0.5 of it)" if kind == KIND else ""
        lines.append(f"- **{CORRUPTIONS[kind].title}**{seen}, {CORRUPTIONS[kind].unit}: {'; '.join(parts)}.")
    return "\n".join(lines)


def table(kind: str) -> Html:
    """PSNR and SSIM of every method over the levels of a kind."""
    document = measured()
    levels = document["levels"][kind]
    tops = [best(tuple(TITLES), kind, level).name for level in levels]
    rows: Rows = []
    for name, title in TITLES.items():
        of = document["figures"][name][kind]
        row: dict[str, object] = {"": title}
        for at, level in enumerate(levels):
            mark = " ★" if tops[at] == name else ""
            half = INTERVAL * of["psnr_standard_error"][at]
            row[f"{level:g}"] = f"{of['psnr'][at]:.1f} ± {half:.1f}{mark} · {of['ssim'][at]:.2f}"
        rows.append(row)
    note = (
        f"PSNR in dB ± half a 95% interval over digits, and SSIM, of {document['n']:,} test digits, by "
        f"{CORRUPTIONS[kind].unit}. ★ the highest PSNR. Parameters, gain and offset of filters and the number of PCA's "
        f"components were chosen on {document['validation_n']} validation digits for each level. One random start of "
        "each network."
    )
    return as_html(rows, title=f"{CORRUPTIONS[kind].title}: every method", note=note)
