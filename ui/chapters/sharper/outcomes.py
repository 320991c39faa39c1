"""What the toy found over several seeds, in tables and answers; measured by ``python -m tools.measure_toy``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ui.chapters.sharper.cases import CASES, SEEDS, STEPS
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.once import once
from vae_core.lessons.adversarial_rules import SAMPLES

_FILE = Path(__file__).with_name("measured.json")
HOW_MANY = ("All 8", "About half of them", "One or none")
MORE_OR_LESS = ("Fewer than the GAN's", "About as many", "More than the GAN's")


@dataclass(frozen=True)
class Outcome:
    """One case, over all seeds.

    Attributes:
        modes: found, by seed.
        stray: the share of samples at no mode, by seed.
        imbalance: in nats, of those seeds that have a sample at a mode.
        of: how many modes there are.
    """

    modes: tuple[int, ...]
    stray: tuple[float, ...]
    imbalance: tuple[float, ...]
    of: int

    @property
    def whole(self) -> int:
        """Seeds that found every mode."""
        return sum(found == self.of for found in self.modes)

    @property
    def range(self) -> str:
        """The modes found, from the least to the most."""
        low, high = min(self.modes), max(self.modes)
        return f"{low}" if low == high else f"{low} to {high}"


@once(maxsize=1)
def _measured() -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return measured


def outcome(name: str, kind: str = "") -> Outcome:
    """What became of a case.

    Args:
        name: of `CASES`.
        kind: of samples: ``now`` or ``averaged`` for a GAN, ``noisy`` or ``means`` for a VAE; empty for the first.
    """
    case = CASES[name]
    lines = [line[kind or ("now" if case.model == "gan" else "noisy")] for line in _measured()[name]]
    return Outcome(
        tuple(line["modes"] for line in lines),
        tuple(line["stray"] for line in lines),
        tuple(line["imbalance"] for line in lines if line["imbalance"] is not None),
        case.modes,
    )


def _row(title: str, one: Outcome) -> dict[str, object]:
    return {
        "": title,
        "modes found": f"{median(one.modes):g} of {one.of}",
        "least to most": one.range,
        "seeds with all": f"{one.whole} of {len(one.modes)}",
        "imbalance, nats": f"{median(one.imbalance):.2f}" if one.imbalance else "–",
        "at no mode": f"{median(one.stray):.0%}",
    }


_NOTE = (
    f"Medians over {len(SEEDS)} seeds after {STEPS:,} steps, {SAMPLES:,} samples each. A mode is found if at least a "
    "quarter of its fair share of the samples lies within 3σ of it. Imbalance: KL of the modes' shares to equal "
    "shares, 0 to ln 8 = 2.08 for the ring."
)


@once(maxsize=1)
def failures_table() -> Html:
    """How a GAN fails, and what helps."""
    cases = [
        ("D and G learn equally fast", "usual", "now"),
        ("D four times slower", "slow", "now"),
        ("D four times faster", "fast", "now"),
        ("the same, with R1", "fast, R1", "now"),
        ("and G averaged", "fast, R1", "averaged"),
        ("minimax loss, equal rates", "minimax", "now"),
        ("five steps of D for one of G", "five", "now"),
        ("25 modes", "grid", "now"),
        ("the same, with R1", "grid, R1", "now"),
        ("and G averaged", "grid, R1", "averaged"),
    ]
    return as_html(
        [_row(title, outcome(name, kind)) for title, name, kind in cases],
        title="Modes that a GAN finds, by its settings",
        note=_NOTE,
    )


@once(maxsize=1)
def families_table() -> Html:
    """The VAE beside the GAN."""
    rows = [_row("GAN, ring", outcome("usual"))]
    for c in (0.01, 0.03, 0.1):
        rows.append(_row(f"VAE, c = {c:g}", outcome(f"vae {c:g}")))
        rows.append(_row("its means alone", outcome(f"vae {c:g}", "means")))
    rows += [_row("GAN, grid", outcome("grid")), _row("VAE, grid, c = 0.01", outcome("vae grid"))]
    return as_html(rows, title="Modes found by a GAN and by VAEs", note=_NOTE)


def slow_discriminator() -> tuple[int, str]:
    """What a GAN holds whose discriminator learns too slowly."""
    slow, usual = outcome("slow"), outcome("usual")
    middle = median(slow.modes)
    right = 0 if middle > 7 else 1 if middle >= 3 else 2
    return right, (
        f"After {STEPS:,} steps it holds {slow.range}, by the median {middle:g} of {slow.of}, over {len(SEEDS)} seeds. "
        f"With equal rates {usual.whole} of {len(SEEDS)} seeds have all {usual.of}."
    )


def strays() -> tuple[int, str]:
    """Whose samples lie at no mode more often."""
    vae, gan = (median(outcome(name).stray) for name in ("vae 0.03", "usual"))
    means = median(outcome("vae 0.03", "means").stray)
    right = 1 if math.isclose(vae, gan, abs_tol=0.05) else 2 if vae > gan else 0
    return right, (
        f"With c = 0.03, {vae:.0%} of the VAE's samples lie at no mode, of the GAN's {gan:.0%}. Its noise is only a "
        f"part of that: of the means alone, without the noise of p(x|z), still {means:.0%} lie at none."
    )


def words_on_failing() -> str:
    """What the table of failures says."""
    fast, penalised, usual, grid = (outcome(name) for name in ("fast", "fast, R1", "usual", "grid"))
    averaged, of_grid = (outcome(name, "averaged") for name in ("fast, R1", "grid, R1"))
    seeds = len(SEEDS)
    return (
        "This is [[mode collapse]]: G puts all its samples where D believes them. Once D has learned better, G moves "
        "to another mode, and so on, round and round. D must be quick enough to answer.\n\n"
        f"But not too quick. Where D learns four times as fast as G, {fast.range} of the 8 modes are found. (Heusel et "
        "al. 2017 give each network a rate of its own, *two time-scales*; here equal rates do best.) The [[R1 "
        f"penalty]] keeps D's slope small where the data are: with it {penalised.range} are found, but after {STEPS:,} "
        f"steps {median(penalised.stray):.0%} of the samples lie at no mode, without it {median(fast.stray):.0%}. "
        f"Drawn from an average of G over its last steps as well, {averaged.whole} of {seeds} seeds find all, and "
        f"{median(averaged.stray):.0%} lie at none.\n\n"
        f"With the minimax loss {_seeds_with_all('minimax')}, with five steps of D for each of G "
        f"{_seeds_with_all('five')}.\n\n"
        f"Even with the settings that work, {usual.whole} of {seeds} seeds find all modes, not every one. Of 25 modes "
        f"{median(grid.modes):g} are found in this time, by the median; with R1 and the average "
        f"{median(of_grid.modes):g}."
    )


def _seeds_with_all(name: str) -> str:
    """How many seeds of a case find all modes, and how many samples lie at none."""
    one = outcome(name)
    return f"{one.whole} of {len(one.modes)} seeds find all, and {median(one.stray):.0%} of the samples lie at none"


def words_on_the_vae() -> str:
    """What the table of both families says."""
    vae, gan = outcome("vae 0.03"), outcome("usual")
    grid = outcome("vae grid")
    return (
        f"Both find the modes here: {vae.whole} of {len(SEEDS)} of the VAE's seeds find all 8, of the GAN's "
        f"{gan.whole}; their imbalance is {median(vae.imbalance):.3f} and {median(gan.imbalance):.3f} nats. But the "
        "VAE needs no balance between two learners for that.\n\n"
        "Its decoder is continuous: between the codes of two modes lie codes that decode to places between them. "
        "Nobody objects to those. A GAN has to cross too, but every sample on the way is shown to D, and the net is "
        "stretched thin there.\n\n"
        "Images are points as well, in a space of hundreds of dimensions. What lies between two sharp images is a "
        f"mixture of both: blur. (25 modes are hard for this VAE too: {grid.range} in this time.)"
    )
