"""The figures of the bench, over all ten left-out digits: a table, a plot, who wins, and whether that can be told."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.chapters.uses.belong.recipe import DIGITS, NEAREST, PCA, title_of
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import Rows, as_html

MEASURED = Path(__file__).parent / "measured.json"  # made by tools.measure_belong
T_95 = 2.262  # Student's t of nine degrees of freedom: ten differences
PLOTTED = {
    "vae squared_error": "circle", "vae above_floor": "diamond", "vae negative_elbo": "square", PCA: "x",
    NEAREST: "star",
}  # fmt: skip
HARDEST_BY = "vae squared_error"
RIVALS = ("vae negative_elbo", "ae squared_error", PCA, NEAREST)  # whoever predicts chooses among these


@lru_cache(maxsize=1)
def measured() -> dict[str, Any]:
    """What `tools.measure_belong` found."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


def names() -> tuple[str, ...]:
    """All scores that were measured."""
    return tuple(measured()["digits"]["test"]["0"]["scores"])


def over_digits(name: str, figure: str = "auroc", split: str = "test") -> np.ndarray:
    """A figure of a score for each left-out digit, float64 (10,)."""
    of = measured()["digits"][split]
    return np.array([of[str(digit)]["scores"][name][figure] for digit in DIGITS])


class Difference(NamedTuple):
    """By how much one score ranks better than another, over the left-out digits.

    Attributes:
        mean: of the differences of AUROC.
        half: of the mean's 95% interval: the ten differences are taken for a sample of all that might be left out.
        wins: digits of which it ranks better.
    """

    mean: float
    half: float
    wins: int

    @property
    def told(self) -> bool:
        """Whether the interval is on one side of 0."""
        return abs(self.mean) > self.half


def difference(one: str, other: str) -> Difference:
    """Of two scores by name."""
    apart = over_digits(one) - over_digits(other)
    half = T_95 * float(apart.std(ddof=1)) / math.sqrt(len(apart))
    return Difference(float(apart.mean()), half, int((apart > 0).sum()))


def by_mean() -> list[str]:
    """All scores, the best mean AUROC first."""
    return sorted(names(), key=lambda name: -float(over_digits(name).mean()))


def verdict() -> str:
    """Who wins, by how much, and whether that is more than the digits differ."""
    best, *others = by_mean()
    networks = [name for name in others if name not in (PCA, NEAREST)] if best in (PCA, NEAREST) else others
    rival = networks[0]
    apart = difference(best, rival)
    sure = (
        "The interval leaves no doubt who is ahead."
        if apart.told
        else "The interval includes 0: that it is ahead cannot be told from ten digits."
    )
    network = "the best score of a network" if best in (PCA, NEAREST) else "the next"
    return (
        f"**{title_of(best)}** is best: mean AUROC **{over_digits(best).mean():.3f}** over ten left-out digits, "
        f"against {over_digits(rival).mean():.3f} of {network}, {_low(title_of(rival))}. The difference is "
        f"{apart.mean:.3f} ± {apart.half:.3f} (95% interval over digits), and it is ahead for {apart.wins} of "
        f"10 digits. {sure}"
    )


def _low(title: str) -> str:
    return title if title[:2].isupper() or title.startswith(("VAE", "AE", "PCA")) else title[:1].lower() + title[1:]


def who_wins() -> tuple[int, str]:
    """The best of `RIVALS`, and the figures."""
    means = {name: float(over_digits(name).mean()) for name in RIVALS}
    right = max(RIVALS, key=means.__getitem__)
    said = ", ".join(f"{_low(title_of(name))} {mean:.3f}" for name, mean in means.items())
    return RIVALS.index(right), f"Mean AUROC over ten left-out digits, test digits: {said}."


def hardest() -> tuple[int, str]:
    """The left-out digit that the squared error finds worst, and why."""
    area = over_digits(HARDEST_BY)
    of = measured()["digits"]["test"]
    ink = np.array([of[str(digit)]["ink"] for digit in DIGITS])
    digit, leanest = int(area.argmin()), int(ink.argmin())
    follows = float(over_digits(HARDEST_BY, "follows_ink").mean())
    why = (
        f"It has the least ink of all: {ink[digit]:.1%} of full, where the other digits have "
        f"{of[str(digit)]['ink_of_usual']:.1%}. "
        if digit == leanest
        else f"The least ink of all has the {leanest}. "
    )
    below = (
        "Below 0.5 the ranking is upside down: the left-out digit looks more usual than what the model knows. "
        if area[digit] < 0.5
        else ""
    )
    return digit, (
        f"AUROC {area[digit]:.3f} for the {digit}; the easiest is the {int(area.argmax())} with {area.max():.3f}. "
        f"{below}{why}The error follows the ink: rank correlation {follows:.2f} among usual digits, mean of ten "
        "models. Few strokes leave little to get wrong."
    )


def range_text() -> str:
    """What finds the digit that is hardest by the squared error, what the floor is worth, and what codes are."""
    digit = int(over_digits(HARDEST_BY).argmin())
    areas = {name: float(over_digits(name)[digit]) for name in names()}
    best = max(areas, key=areas.__getitem__)
    chance = " No score finds it better than chance." if areas[best] < 0.5 else ""
    means = {name: float(over_digits(name).mean()) for name in names()}
    floor, nats = means["vae above_floor"], means["vae reconstruction"]
    codes = max(means["vae mahalanobis"], means["ae mahalanobis"])
    middle = (
        f" The distance of the code is worse than chance, {codes:.3f} at best: an encoder puts what it does not know "
        "among what it knows, rather in the middle than outside."
        if codes < 0.5
        else ""
    )
    return (
        f"The {digit} is found best by {_low(title_of(best))}, AUROC {areas[best]:.3f}, and by the nearest training "
        f"image with {areas[NEAREST]:.3f}.{chance} Subtracting the image's own entropy "
        f"{'helps' if floor > nats else 'does not help'} the VAE's cross-entropy: {nats:.3f} without, "
        f"{floor:.3f} with.{middle}"
    )


def _ink(name: str) -> str:
    """How a score follows the ink, mean over the models; not measured of scores that draw from the posterior."""
    if any("follows_ink" not in of["scores"][name] for of in measured()["digits"]["test"].values()):
        return "–"
    return f"{over_digits(name, 'follows_ink').mean():+.2f}".replace("-", "−")


def ranking_table() -> Html:
    """Mean and spread of every score."""
    rows: Rows = []
    base = [of["odd"] / (of["odd"] + of["n"]) for of in measured()["digits"]["test"].values()]
    for name in by_mean():
        area, precision = over_digits(name), over_digits(name, "average_precision")
        rows.append(
            {
                "": title_of(name),
                "AUROC, mean ± SD": f"{area.mean():.3f} ± {area.std(ddof=1):.3f}",
                "worst digit": f"{area.min():.3f} ({int(area.argmin())})",
                "best digit": f"{area.max():.3f} ({int(area.argmax())})",
                "average precision": f"{precision.mean():.3f} ± {precision.std(ddof=1):.3f}",
                "follows ink": _ink(name),
            }
        )
    digits = measured()["digits"]
    note = (
        f"{_tested()}, one network for each left-out digit, 784-64-32-8, 12 epochs, and one random start of "
        f"each; SD over the ten digits. By chance the average precision is the base rate, {min(base):.3f} to "
        f"{max(base):.3f}. Follows ink: rank correlation of score and ink among usual digits. ELBO and bound: k = "
        f"{digits['draws']} draws. PCA: {digits['pca']['size']} components, chosen on validation digits. "
        f"Nearest: among {min(digits['training'].values()):,} to {max(digits['training'].values()):,} training digits."
    )
    return as_html(rows, title="How well each score finds a left-out digit", note=note)


def _tested() -> str:
    """The test digits, usual and left-out ones, in words."""
    (count,) = {of["odd"] + of["n"] for of in measured()["digits"]["test"].values()}
    return f"{count:,} test digits"


def digits_figure() -> Finished:
    """AUROC of some scores for each left-out digit."""
    chart, told = go.Figure(), {}
    for (name, symbol), colour in zip(PLOTTED.items(), CLASS_COLOURS, strict=False):
        area = over_digits(name)
        chart.add_scatter(
            x=[str(digit) for digit in DIGITS], y=area, name=title_of(name), mode="lines+markers",
            line={"width": 1, "color": colour}, marker={"symbol": symbol, "size": 9, "color": colour},
            error_y={"array": 1.96 * over_digits(name, "standard_error"), "thickness": 1, "width": 0},
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
        told[title_of(name)] = [f"{digit}: {value:.3f}" for digit, value in zip(DIGITS, area, strict=True)]
    chart.add_hline(0.5, line={"dash": "dot", "width": 1, "color": "rgba(128,138,152,0.8)"})
    chart.update_layout(
        template=TEMPLATE, height=400, xaxis={"title": "left-out digit", "type": "category"},
        yaxis={"title": "AUROC"},
    )  # fmt: skip
    note = f"{_tested()}. Bars: 95% intervals over images (DeLong et al. 1988). Dotted: chance."
    return Finished(chart, in_words("AUROC of each score for each left-out digit.", told), note)
