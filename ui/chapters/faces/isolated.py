"""Six real numbers, or a list of points: what decoders make of codes that no head has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ui.chapters.faces.family import KINDS, Shown, here, run_of
from ui.chapters.faces.instrument import levels_of, on_levels
from ui.chapters.faces.reading import labelled
from ui.figures.markup import Html
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.figures.tables import Rows, as_html
from ui.once import once
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.datasets import load
from vae_core.metrics import Isolation, isolation

PAIRS = 200  # held-out heads, of whose codes new ones are made
SHOWN = 12
MOST = 10_000  # training images that are looked through
_SEED = 20_261_129


class Codes(NamedTuple):
    """Codes made from those of held-out heads, each (n, d).

    Attributes:
        own: of the heads themselves.
        between: halfway from one head to another; of levels, the nearest one to that.
        nearest: halfway from a head to the one whose code is nearest.
        shuffled: every number taken from another head.
    """

    own: np.ndarray
    between: np.ndarray
    nearest: np.ndarray
    shuffled: np.ndarray


def made_of(codes: np.ndarray, levels: int | None) -> Codes:
    """See `Codes`.

    Args:
        codes: (n, d).
        levels: of each number; None for any real number.
    """
    draws = np.random.default_rng(_SEED)
    others = np.roll(codes, 1, axis=0)
    distances = np.square(codes[:, None] - codes[None]).sum(axis=2)
    distances[distances == 0.0] = np.inf  # itself, and whoever has the same code
    nearest = codes[distances.argmin(axis=1)]
    shuffled = np.stack([draws.permutation(column) for column in codes.T], axis=1)

    return Codes(codes, on_levels((codes + others) / 2, levels), on_levels((codes + nearest) / 2, levels), shuffled)


@once(maxsize=2)
def _trained_on(dataset: str) -> np.ndarray:
    """(N, D), the training images."""
    return load(dataset, "train", download=False).first(MOST).floats()


def to_nearest_head(images: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Squared error per pixel to the nearest of some heads: (n, D), (N, D) -> (n,)."""
    squared = np.square(images).sum(axis=1)[:, None] + np.square(heads).sum(axis=1) - 2.0 * images @ heads.T
    return np.maximum(squared.min(axis=1), 0.0) / images.shape[1]


class Lived(NamedTuple):
    """How far from any training head lies what a decoder makes: medians of the squared error per pixel.

    Attributes:
        own, between, nearest, shuffled: of the codes so called in `Codes`.
        prior: of draws from N(0, I); None for a model without a prior.
    """

    own: float
    between: float
    nearest: float
    shuffled: float
    prior: float | None


@per_shelf
def measured(shown: Shown) -> Lived:
    """Of a kind's run.

    Raises:
        RunNotFound: it is not in the store.
    """
    run = run_of(shown)
    codes = made_of(run.codes.mean[:PAIRS], levels_of(run))
    own, between, nearest, shuffled = (_median(shown.dataset, run.decode(one)) for one in codes)
    prior = None
    if run.codes.has_posterior:
        draws = np.random.default_rng(_SEED).standard_normal((PAIRS, shown.d), dtype=np.float32)
        prior = _median(shown.dataset, run.decode(draws))
    return Lived(own, between, nearest, shuffled, prior)


def _median(dataset: str, images: np.ndarray) -> float:
    return float(np.median(to_nearest_head(images.clip(0.0, 1.0), _trained_on(dataset))))


@per_shelf
def real_heads(dataset: str) -> float:
    """The same of held-out images themselves."""
    return _median(dataset, held_out(dataset).floats()[:PAIRS])


@per_shelf
def table(dataset: str, d: int) -> Html:
    """All kinds that are here side by side."""
    rows: Rows = []
    apart = {shown: isolation(run_of(shown).codes.mean, run_of(shown).codes.log_var) for shown in here(dataset, d)}
    names = {
        "own": "code of a held-out image", "nearest": "halfway to the nearest code", "between": "halfway to any other",
        "shuffled": "numbers shuffled between images", "prior": "drawn from N(0, I)",
    }  # fmt: skip
    found = {shown: measured(shown) for shown in here(dataset, d)}
    for field, title in names.items():
        row: dict[str, object] = {"decoded": title}
        for shown, lived in found.items():
            value = getattr(lived, field)
            row[KINDS[shown.kind].title] = "no prior" if value is None else f"{1_000 * value:.2f}"
        rows.append(row)
    jumps: tuple[tuple[str, Callable[[Isolation], str]], ...] = (
        ("jump to the nearest other code", lambda one: f"{one.jump:.2f}"),
        ("posterior reaches that code", lambda one: f"{one.overlap:.0%}"),
        ("code that another image has, too", lambda one: f"{one.shared:.0%}"),
    )
    for title, say in jumps:
        told: dict[str, object] = {KINDS[shown.kind].title: say(one) for shown, one in apart.items()}
        rows.append({"decoded": title} | told)
    note = (
        "How far what is drawn lies from the nearest of all training images: squared error per pixel, times 1,000, the "
        f"median of {min(PAIRS, len(held_out(dataset)))} codes. For a held-out image itself it is "
        f"{1_000 * real_heads(dataset):.2f}. Halfway between levels of FSQ is the level above. Below: how isolated the "
        "codes of all held-out images are. A jump is a median, in units of the codes' spread; a posterior reaches what "
        "lies within two of its standard deviations, on average over the numbers; points have none."
    )
    return as_html(rows, title="What decoders make of codes that no head has", note=note)


@per_shelf
def sheets(dataset: str, d: int) -> Html:
    """Heads of shuffled numbers, by every kind that is here."""
    rows = []
    for shown in here(dataset, d):
        run = run_of(shown)
        codes = made_of(run.codes.mean[:PAIRS], levels_of(run)).shuffled[:SHOWN]
        made = tiles(run.decode(codes), run.image_shape, columns=SHOWN)
        rows.append(
            Picture(KINDS[shown.kind].title, "numbers shuffled between images", made, f"{SHOWN} decoded images")
        )
    return labelled_rows(rows)


class Counted(NamedTuple):
    """The codes of an FSQ.

    Attributes:
        possible: all there are.
        used: how many of them the training heads that were looked at have.
        heads: how many heads these are.
        known: share of held-out heads whose code one of these has.
    """

    possible: int
    used: int
    heads: int
    known: float


@per_shelf
def counted(dataset: str, d: int) -> Counted | None:
    """Of the FSQ that is here; None if there is none."""
    shown = Shown(dataset, "fsq", d)
    if shown not in here(dataset, d):
        return None
    run = run_of(shown)
    levels = levels_of(run)
    assert levels
    seen = {tuple(code) for code in np.rint(run.encode(labelled(dataset).floats()) * 1_000).astype(int)}
    others = [tuple(code) for code in np.rint(run.codes.mean * 1_000).astype(int)]
    return Counted(levels**d, len(seen), len(labelled(dataset)), float(np.mean([one in seen for one in others])))


def words_on_points(dataset: str, d: int) -> str:
    """What the numbers say, in sentences."""
    found = {shown: measured(shown) for shown in here(dataset, d)}
    sentences = []
    for shown, lived in found.items():
        if shown.kind in ("ae", "fsq"):
            sentences.append(
                f"The {KINDS[shown.kind].title}'s images of shuffled numbers lie **{lived.shuffled / lived.own:.1f} "
                "times** as far from any training image as those of its own codes."
            )
    if count := counted(dataset, d):
        sentences.append(
            f"The FSQ's list has **{count.possible:,}** codes. {count.heads:,} training images use {count.used:,} of "
            f"them, and {count.known:.0%} of held-out images have a code that one of these has."
        )
    return " ".join(sentences)
