"""What a distribution fitted to the codes afterwards repairs, and what it does as a learned prior."""

from __future__ import annotations

from ui.chapters.regularity.over_seeds import Pair, mean_of, over_seeds, title_of, values_of
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf, with_range
from vae_core.errors import RunNotFound
from vae_core.evaluation.codes import kl_by_prior
from vae_core.spec import RunSpec


def share_closed(specs: Pair) -> float | None:
    """How much of the autoencoder's distance from the VAE's fitted samples a fitted mixture closes; None: no gap."""
    before, after = (mean_of(specs[0], "samples", source, "frechet") for source in ("prior", "mixture"))
    best = mean_of(specs[1], "samples", "mixture", "frechet")
    return (before - after) / (before - best) if before > 1.05 * best else None


def closed_by_fitting(specs: Pair) -> tuple[int, str]:
    """Whether a mixture fitted afterwards closes the gap: little, half or most of it; and why."""
    before, after = (mean_of(specs[0], "samples", source, "frechet") for source in ("prior", "mixture"))
    best = mean_of(specs[1], "samples", "mixture", "frechet")
    unsure = [mean_of(spec, "samples", "mixture", "ambiguity") for spec in specs]
    closed = share_closed(specs)
    told = (
        f"{over_seeds(specs)} Fréchet distance of the autoencoder's samples: {before:.0f} from N(0, I), "
        f"**{after:.0f}** from the fitted mixture. The VAE's from its own fitted mixture: **{best:.0f}**. The "
        f"classifier does not recognise {unsure[0]:.0%} and {unsure[1]:.0%}."
    )
    if closed is None:
        return 0, f"There was hardly a gap to close here. {told}"
    right = 0 if closed < 1 / 3 else 1 if closed < 2 / 3 else 2
    why = " The decoder is good near its codes: we only had to find out where they are." if right == 2 else ""
    return right, f"{told} {closes(closed, specs)}{why}"


def closes(closed: float, specs: Pair) -> str:
    """How much of the gap is closed, as a sentence."""
    if closed < 0.0:
        return "That closes none of the gap."
    told = f"That closes {closed:.0%} of the gap"
    if closed <= 1.005:
        return f"{told}."
    ae, vae = (values_of(spec, "samples", "mixture", "frechet") for spec in specs)
    if max(ae) < min(vae):
        return f"{told}: it comes nearer to real images than the VAE's own."
    return (
        f"{told}, but which of the two mixtures is nearer to real images cannot be told: over seeds they range from "
        f"{min(ae):.0f} to {max(ae):.0f} and from {min(vae):.0f} to {max(vae):.0f}."
    )


FITTED = ("prior", "gaussian", "mixture")


FITTED_ROWS = {
    title: ("samples", place, "frechet")
    for title, place in (
        ("N(0, I)", "prior"), ("one Gaussian fitted to the codes", "gaussian"),
        ("a mixture of ten Gaussians", "mixture"), ("other images, rebuilt", "reconstructions"),
    )
}  # fmt: skip


@per_shelf
def how_much_fitted(specs: Pair) -> Html | None:
    """Fréchet distances from what is fitted more and more closely, and of reconstructions; None if not measured."""
    rows: list[dict[str, object]] = []
    try:
        n = min(value for spec in specs for value in values_of(spec, "samples", "prior", "n"))
        for title, path in FITTED_ROWS.items():
            row: dict[str, object] = {"z from": title}
            rows.append(row | {title_of(spec.model): _with_range(values_of(spec, *path)) for spec in specs})
    except RunNotFound:
        return None  # trained before this was measured; the rest of the step needs none of it
    several = any(len(values_of(spec, *path)) > 1 for spec in specs for path in FITTED_ROWS.values())
    brackets = " In brackets the least and the largest." if several else ""
    return as_html(
        rows,
        title="Fréchet distance by what is fitted",
        note=f"Classifier Fréchet distance of {n:,.0f} images to as many real ones, less is better. "
        f"{over_seeds(specs)}{brackets} The last row is a reference for the decoders, not a bound.",
    )


def _with_range(values: list[float]) -> str:
    """The mean, and in brackets the least and the largest, so short that both models fit a phone."""
    return with_range(values, "{:.0f}".format, "–")


def mostly_scale(specs: Pair) -> str:
    """What one Gaussian already repairs: a sentence, empty if it is less than half, or not known."""
    try:
        prior, gaussian, mixture = (mean_of(specs[0], "samples", place, "frechet") for place in FITTED)
    except RunNotFound:
        return ""
    if not prior - gaussian > 0.5 * (prior - mixture) > 0.0:
        return ""
    return (
        f"One Gaussian with the codes' mean and covariance takes the autoencoder from {prior:.0f} to {gaussian:.0f}: a "
        "place and a scale are most of what it lacks. "
    )


@per_shelf
def learned_prior(spec: RunSpec) -> str:
    """What a fitted prior in place of N(0, I) does to the KL term of held-out images: markdown."""
    run = load_run(spec.key)
    costs = kl_by_prior(run.codes, run.mixture)
    if costs is None:
        return ""
    named = {"prior": "N(0, I)", "gaussian": "one Gaussian fitted to the codes", "mixture": "the fitted mixture"}
    listed = ", ".join(f"**{costs[name].value:.1f} nats** with {named[name]}" for name in FITTED)
    gains = {name: costs["prior"].value - costs[name].value for name in FITTED[1:]}
    best = max(gains, key=lambda name: gains[name])
    error = costs[best].standard_error
    count = len(run.codes.labels) - len(run.codes.labels) // 2
    told = f"In one trained model, its networks as they are, the KL term of {count:,} held-out images is {listed}"
    told += " as the prior"
    if gains[best] <= 2 * error:
        return f"{told}: these images do not tell a fitted prior from N(0, I)."
    return (
        "The VAE's codes do not match its prior either: its [[aggregate posterior]] is not N(0, I). The answer is a "
        f"**learned prior**. {told}: {named[best]} costs least, by {gains[best]:.1f} ± {error:.1g}."
    )
