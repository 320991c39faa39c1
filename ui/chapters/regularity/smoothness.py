"""Whether the VAE is smoother: median path lengths with their intervals, within the dimensions in use."""

from __future__ import annotations

from typing import NamedTuple

from ui.chapters.regularity.over_seeds import Pair, over_seeds, tidy, values_of
from vae_core.spec import RunSpec

CLEARLY = 1.2  # times: below, "smoother" would be a word for a small difference


class Length(NamedTuple):
    """The path length of a model within the dimensions in use.

    Attributes:
        median: mean over seeds of each run's median.
        low, high: the widest that the runs' 95% intervals reach.
        used: dimensions in use, least and most over seeds.
    """

    median: float
    low: float
    high: float
    used: tuple[int, int]


def length_of(spec: RunSpec) -> Length:
    """Over the seeds in the store.

    Raises:
        RunNotFound: it was measured on none.
    """
    of = {name: values_of(spec, "path_length_in_use", name) for name in ("median", "low", "high", "dimensions")}
    used = round(min(of["dimensions"])), round(max(of["dimensions"]))
    return Length(sum(of["median"]) / len(of["median"]), min(of["low"]), max(of["high"]), used)


def compared_smoothness(specs: Pair) -> str:
    """Whether the VAE is smoother, rougher, or neither can be said: the end of a sentence."""
    ae, vae = map(length_of, specs)
    if ae.low > vae.high and ae.median > CLEARLY * vae.median:
        return f"the VAE is {ae.median / vae.median:.1f} times smoother"
    if vae.low > ae.high and vae.median > CLEARLY * ae.median:
        return f"the VAE is **not** smoother but {vae.median / ae.median:.1f} times rougher here"
    return "the VAE is **not** clearly smoother here"


def smoothness(specs: Pair) -> str:
    """The path lengths of both, as a sentence."""
    d, steps = specs[0].latent_dim, min(values_of(specs[0], "path_length_in_use", "n"))
    told = " and ".join(
        f"**{tidy(of.median, '.3g')}** ({tidy(of.low, '.3g')} to {tidy(of.high, '.3g')}) for the {name}"
        for name, of in zip(("autoencoder", "VAE"), map(length_of, specs), strict=True)
    )
    least, most = length_of(specs[1]).used
    unused = f" The VAE uses {least if least == most else f'{least} to {most}'} of {d} dimensions;" if most < d else ""
    convention = f"{unused} steps go within those in use." if unused else ""
    return (
        f"[[path length|Path length]] (squared change per squared step, median of {steps:,.0f} steps with its 95% "
        f"interval): {told}: {compared_smoothness(specs)}.{convention} {over_seeds(specs)}"
    )
