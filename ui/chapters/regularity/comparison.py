"""What the chapter says of the figures in the runs' files, computed once for as long as the store stays as it is."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.figures.markup import Html
from ui.figures.palette import MODEL_COLOURS, MODEL_SYMBOLS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.runs.aggregate import aggregate_of
from ui.runs.resources import load_run, plane
from ui.runs.selection import compared_spec, figure, measured_of, per_shelf, seeds_of
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.evaluation.codes import kl_by_prior
from vae_core.evaluation.features import classifier_spec
from vae_core.evaluation.generation import SHARES
from vae_core.metrics import share_standard_error
from vae_core.models import model_kind
from vae_core.program.operations import multiplications
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

DATASETS = tuple(name for name, known in datasets.DATASETS.items() if known.pictures)
DEPTHS = {"128": (128,), "128-64": (128, 64), "128-64-64": (128, 64, 64), "512-256": (512, 256)}
DIMENSIONS = (2, 8, 16, 32)
USUAL_DIMENSIONS, PLANES_DIMENSIONS = 16, 2
SOURCE_TITLES = {
    "prior": "N(0, I)",
    "box": "A box",
    "gaussian": "One Gaussian",
    "mixture": "A mixture",
}
Pair = tuple[RunSpec, ...]  # an autoencoder and a VAE
CONV_DIMENSIONS = 16
CLEARLY = 1.2  # times: below, "smoother" would be a word for a small difference
ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *(
        (f"{title}, {name}", ("samples", source, figure_name), digits)
        for source, title in (
            ("prior", "N(0, I)"), ("box", "Box"), ("gaussian", "One Gaussian"), ("mixture", "Mixture"),
            ("reconstructions", "Reconstructions"),
        )
        for figure_name, name, digits in (
            ("frechet", "Fréchet distance", ".0f"), ("coverage", "coverage", ".2f"), ("density", "density", ".2f"),
            ("ambiguity", "ambiguity", ".2f"), ("hole_rate", "hole rate", ".2f"),
        )
    ),
    ("Path length, median", ("path_length_in_use", "median"), ".3g"),
    ("its interval from", ("path_length_in_use", "low"), ".3g"),
    ("to", ("path_length_in_use", "high"), ".3g"),
    ("Dimensions in use", ("path_length_in_use", "dimensions"), ".0f"),
    ("Straight paths, places that are no hole", ("paths", "straight"), ".2f"),
    ("Great circles, places that are no hole", ("paths", "great_circle"), ".2f"),
    ("Cross-fades of the images, places that are no hole", ("paths", "crossfade"), ".2f"),
    ("Midpoints that are holes", ("paths", "midpoint_holes"), ".2f"),
    ("Standard deviation of the codes, mean over d", ("code_std",), ".2f"),
    ("Codes as a Gaussian, KL to N(0, I), nats", ("gaussian_kl",), ".1f"),
    ("I(x; z), at least, nats", ("mutual_information",), ".1f"),
    ("Aggregate posterior, KL to N(0, I), at least, nats", ("aggregate_kl_lower",), ".1f"),
    ("Aggregate posterior, KL to N(0, I), at most, nats", ("aggregate_kl",), ".1f"),
    ("Neighbours of the same class, of mean codes", ("label_agreement",), ".2f"),
    ("Trustworthiness", ("trustworthiness",), ".2f"),
    ("Squared error per pixel", ("mse",), ".4f"),
)  # fmt: skip


def title_of(model: str) -> str:
    """Short name of a column."""
    return "VAE" if model_kind(model).bottleneck.has_prior else "Autoencoder"


@lru_cache(maxsize=256)
def subtitle(key: str, pair: tuple[int, int] | None, at: int) -> str:
    """What the plane is, honestly, and how far the codes spread."""
    run = load_run(key)
    deviations = run.codes.mean.std(axis=0)
    spread_text = " and ".join(f"{value:.2f}" for value in deviations) if len(deviations) == 2 else (
        f"{deviations.min():.2f} to {deviations.max():.2f}"
    )  # fmt: skip
    where = ""
    if run.spec.latent_dim > 2:
        share = plane(key, pair, at).header["variance_share"]
        what = f"the plane of two coordinates, the others fixed at image {at}" if pair else "their principal plane"
        where = f" Seen in {what}: {share:.0%} of the variance."
    return f"{len(run.codes.labels):,} held-out images, standard deviations {spread_text}.{where}"


def sample_sentence(spec: RunSpec, source: str) -> str:
    """The measured figures of a source, from the run's file."""
    for line in seeds_of(spec):
        if line.key == spec.key and figure(line, "samples", source, "frechet") is not None:
            value = {n: figure(line, "samples", source, n) or 0.0 for n in ("ambiguity", "coverage", "frechet", "n")}
            unsure, missed = (share_standard_error(value[name], value["n"]) for name in ("ambiguity", "coverage"))
            return (
                f"Of {value['n']:,.0f} samples, {value['ambiguity']:.0%} ± {unsure:.1%} are not recognised. Coverage "
                f"{value['coverage']:.2f} ± {missed:.2f}, Fréchet distance {value['frechet']:.0f}."
            )
    return "Not measured: the run was trained without this dataset's classifier."


def spread(lines: list[Listed], *path: str, digits: str) -> str:
    """Mean over seeds with least and most, such as ``162 (158 to 171)``; a dash where nothing was measured.

    A share has its standard error, too: ``0.53 ± 0.005 (0.50 to 0.55)``.
    """
    values = [value for line in lines if (value := figure(line, *path)) is not None]
    if not values:
        return "–"
    mean = tidy(sum(values) / len(values), digits)
    errors = [error for line in lines if (error := error_of(line, *path)) is not None]
    if len(errors) == len(values):
        mean += f" ± {math.hypot(*errors) / len(errors):.1g}"
    return mean if len(values) == 1 else f"{mean} ({tidy(min(values), digits)} to {tidy(max(values), digits)})"


def error_of(line: Listed, *path: str) -> float | None:
    """The standard error of a share of samples, of paths, or of neighbours; None of what is no share."""
    measured = figure(line, *path[:-1], f"{path[-1]}_standard_error")
    if measured is not None:
        return measured
    share, count = figure(line, *path), figure(line, *path[:-1], "n")
    of_draws = path[-1] == "label_agreement" or (path[0] == "samples" and path[-1] in SHARES)
    return share_standard_error(share, count) if of_draws and share is not None and count else None


def tidy(value: float, digits: str) -> str:
    """A number in the given format; large ones whole, with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else format(value, digits)


def heading(name: str, lines: list[Listed]) -> str:
    """A column's name with its number of seeds."""
    return f"{name}, {len(lines)} seed{'' if len(lines) == 1 else 's'}"


@per_shelf
def numbers(specs: Pair) -> Html:
    """The table over seeds, with what real images score, and what its figures are: HTML."""
    groups = {title_of(spec.model): seeds_of(spec) for spec in specs}
    real = real_line(specs[0].dataset)
    rows = []
    for title, path, digits in ROWS:
        row: dict[str, object] = {"figure": title}
        row |= {heading(name, lines): spread(lines, *path, digits=digits) for name, lines in groups.items()}
        value = figure(real, "real", path[-1]) if real and path[0] == "samples" else None
        row["real images"] = "" if value is None else format(value, digits)
        rows.append(row)
    some = next((line for lines in groups.values() for line in lines), None)
    count, pairs = (figure(some, *path) if some else None for path in (("samples", "prior", "n"), ("paths", "n")))
    said = ""
    if count and pairs:
        said = (
            "Mean over seeds (least to most), measured on the test split; ± is one standard error, of what was drawn. "
            f"Samples: {count:,.0f} against as many real images, in the classifier's 64 features; a hole lies farther "
            "from all training images than 95% of the validation images do. Reconstructions are of other images than "
            "those they are compared with: the best to be expected of this decoder. Path length: squared change of "
            "the features per squared step, in standard deviations of the codes, within the dimensions in use; its "
            f"95% interval is that of one run. Paths: {pairs:,.0f} pairs."
        )
        images, random = figure(some, "n") if some else None, at_random(specs[0].dataset)
        if images:
            said += (
                f" I(x; z) of {images:,.0f} images is at most ln {images:,.0f} = {math.log(images):.1f} nats. Near "
                "that it is only a lower bound: so the aggregate posterior's KL has two bounds."
            )
        if random:
            said += (
                f" Real images: the second {count:,.0f} against the first. Of two parts drawn at random their Fréchet "
                f"distance is {random:.1f}: the rest is the order of the test images."
            )
    return as_html(rows, title="Autoencoder and VAE in numbers", note=said)


def at_random(dataset: str) -> float | None:
    """The Fréchet distance between two parts of the real images that were drawn at random."""
    real = real_line(dataset)
    return figure(real, "real_at_random", "frechet") if real else None


def real_line(dataset: str) -> Listed | None:
    """The classifier's entry, which carries what real images score against real ones."""
    return next(iter(seeds_of(classifier_spec(dataset))), None)


class Covered(NamedTuple):
    """Coverage at one d.

    Attributes:
        d: latent dimensions.
        mean: over seeds.
        low, high: the least seed less two standard errors, and the most plus two.
    """

    d: int
    mean: float
    low: float
    high: float


Lines = tuple[tuple[str, str, tuple[Covered, ...]], ...]  # model, source, points


@lru_cache(maxsize=32)
def coverage_figure(points: Lines) -> Finished:
    """Coverage of samples against d, from the prior (solid) and from a mixture fitted afterwards (dotted).

    Bars reach from the least seed less two standard errors to the most plus two.
    """
    chart = go.Figure()
    for model, source, values in points:
        chart.add_scatter(
            x=[one.d for one in values], y=[one.mean for one in values], mode="lines+markers",
            error_y={
                "array": [one.high - one.mean for one in values],
                "arrayminus": [one.mean - one.low for one in values],
            },
            name=_line_name(model, source), hovertemplate="%{y:.2f}",
            marker={"symbol": MODEL_SYMBOLS[model], "size": 9},
            line={"color": MODEL_COLOURS[model], "dash": "solid" if source == "prior" else "dot"},
        )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=340,
        xaxis={"title": "d, latent dimensions", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "coverage of real test images", "range": [0, 1]},
    )
    told = {
        _line_name(model, source): [
            f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f}) at d = {one.d}" for one in values
        ]
        for model, source, values in points
    }
    what = "Share of real test images with a sample nearby, against d; in brackets seeds and two standard errors."
    return Finished(chart, in_words(what, told))


def _line_name(model: str, source: str) -> str:
    return f"{title_of(model)}, {'N(0, I)' if source == 'prior' else 'fitted mixture'}"


@per_shelf
def coverage_points(specs: Pair, dataset: str) -> Lines:
    """Of what is in the store."""
    points = []
    for spec in specs:
        for source in ("prior", "mixture"):
            values = []
            for d in DIMENSIONS:
                lines = seeds_of(compared_spec(spec.model, dataset, d, spec.hidden))
                path = ("samples", source, "coverage")
                found = [(v, error_of(line, *path) or 0.0) for line in lines if (v := figure(line, *path)) is not None]
                if found:
                    mean = float(np.mean([value for value, _ in found]))
                    low, high = (chosen(v + sign * 2 * e for v, e in found) for chosen, sign in ((min, -1), (max, 1)))
                    values.append(Covered(d, mean, low, high))
            if values:
                points.append((spec.model, source, tuple(values)))
    return tuple(points)


def values_of(spec: RunSpec, *path: str) -> list[float]:
    """A figure of each seed in the store.

    Raises:
        RunNotFound: it was measured on none.
    """
    values = [value for line in seeds_of(spec) if (value := figure(line, *path)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on {spec.key}: train its dataset's classifier first.")
    return values


def mean_of(spec: RunSpec, *path: str) -> float:
    """Mean over the seeds in the store; see `values_of`."""
    values = values_of(spec, *path)
    return sum(values) / len(values)


def error_of_mean(spec: RunSpec, *path: str) -> float:
    """Standard error of a share's mean over seeds, of what was drawn; 0 where it was not measured."""
    errors = [error for line in seeds_of(spec) if (error := error_of(line, *path)) is not None]
    return math.hypot(*errors) / len(errors) if errors else 0.0


def closer_to_real(specs: Pair, source: str) -> tuple[int, str]:
    """Whose samples from a source are nearer to real images, by their Fréchet distance, and why."""
    distances = [mean_of(spec, "samples", source, "frechet") for spec in specs]
    unsure = [mean_of(spec, "samples", source, "ambiguity") for spec in specs]
    covered = [mean_of(spec, "samples", source, "coverage") for spec in specs]
    right = 2 if max(distances) < 1.5 * min(distances) else int(np.argmin(distances))
    real = real_line(specs[0].dataset)
    usual = figure(real, "real", "ambiguity") if real else None
    said = [
        f"The classifier does not recognise **{unsure[0]:.0%}** of the autoencoder's samples and **{unsure[1]:.0%}** "
        f"of the VAE's" + (f" (real images: {usual:.0%})." if usual is not None else "."),
        f"[[coverage|Coverage]]: **{covered[0]:.2f}** and **{covered[1]:.2f}**. Classifier [[Fréchet distance]], lower "
        f"is better: {distances[0]:.0f} and {distances[1]:.0f}.",
    ]
    spreads = [mean_of(spec, "code_std") for spec in specs]
    if right == 1 and spreads[0] > 1.5:
        said.append(
            f"Why? The VAE's codes were trained to lie where N(0, I) is. The autoencoder's codes have a standard "
            f"deviation of {spreads[0]:.1f}: N(0, I) covers only a small part of the region that they take up."
        )
    return right, " ".join([*said, _over(specs)])


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
        f"Fréchet distance of the autoencoder's samples: {before:.0f} from N(0, I), **{after:.0f}** from the fitted "
        f"mixture. The VAE's from its own fitted mixture: **{best:.0f}**. The classifier does not recognise "
        f"{unsure[0]:.0%} and {unsure[1]:.0%}."
    )
    if closed is None:
        return 0, f"There was hardly a gap to close here. {told} {_over(specs)}"
    right = 0 if closed < 1 / 3 else 1 if closed < 2 / 3 else 2
    why = " The decoder is good near its codes: we only had to find out where they are." if right == 2 else ""
    return right, f"{told} {_closes(closed)}{why} {_over(specs)}"


def _closes(closed: float) -> str:
    """How much of the gap is closed, as a sentence."""
    if closed < 0.0:
        return "That closes none of the gap."
    more = ": it comes nearer to real images than the VAE's own" if closed > 1.005 else ""
    return f"That closes {closed:.0%} of the gap{more}."


@per_shelf
def how_much_fitted(specs: Pair) -> Html | None:
    """Fréchet distances from what is fitted more and more closely, and the decoders' limit; None if not measured."""
    rows: list[dict[str, object]] = []
    try:
        for title, path in FITTED_ROWS.items():
            row: dict[str, object] = {"z from": title}
            rows.append(row | {title_of(spec.model): f"{mean_of(spec, *path):.0f}" for spec in specs})
    except RunNotFound:
        return None  # trained before this was measured; the rest of the step needs none of it
    return as_html(
        rows,
        title="Fréchet distance by what is fitted",
        note=f"Classifier Fréchet distance, less is better. {_over(specs)} The last row is the decoder's limit.",
    )


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


FITTED = ("prior", "gaussian", "mixture")


FITTED_ROWS = {
    title: ("samples", place, "frechet")
    for title, place in (
        ("N(0, I)", "prior"), ("one Gaussian fitted to the codes", "gaussian"),
        ("a mixture of ten Gaussians", "mixture"), ("other images, rebuilt", "reconstructions"),
    )
}  # fmt: skip


@per_shelf
def learned_prior(spec: RunSpec) -> str:
    """What a fitted prior in place of N(0, I) does to the KL term of held-out images: markdown."""
    run = load_run(spec.key)
    costs = kl_by_prior(run.codes, run.mixture)
    if costs is None:
        return ""
    named = {"prior": "N(0, I)", "gaussian": "one Gaussian fitted to the codes", "mixture": "the fitted mixture"}
    listed = ", ".join(f"**{costs[name]:.1f} nats** with {named[name]}" for name in FITTED)
    least = min(costs, key=lambda name: costs[name])
    count = len(run.codes.labels) - len(run.codes.labels) // 2
    return (
        "The VAE's codes do not match its prior either: its [[aggregate posterior]] is not N(0, I). The answer is a "
        f"**learned prior**. With the networks as they are, the KL term of {count:,} held-out images is {listed} as "
        f"the prior: they choose {named[least]}."
    )


def _over(specs: Pair) -> str:
    """How many seeds a mean is over, and at which d."""
    count = min(len(seeds_of(spec)) for spec in specs)
    seeds = f"Means over {count} seeds" if count > 1 else "From 1 seed"
    return f"{seeds}, d\u00a0=\u00a0{specs[0].latent_dim}."


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
    d = specs[0].latent_dim
    told = " and ".join(
        f"**{tidy(of.median, '.3g')}** ({tidy(of.low, '.3g')} to {tidy(of.high, '.3g')}) for the {name}"
        for name, of in zip(("autoencoder", "VAE"), map(length_of, specs), strict=True)
    )
    least, most = length_of(specs[1]).used
    unused = f" The VAE uses {least if least == most else f'{least} to {most}'} of {d} dimensions;" if most < d else ""
    convention = f"{unused} steps go within those in use." if unused else ""
    return (
        f"[[path length|Path length]] (squared change per squared step, median of 1,000 steps with its 95% interval): "
        f"{told}: {compared_smoothness(specs)}.{convention} {_over(specs)}"
    )


def rebuilding(specs: Pair) -> str:
    """Which of both rebuilds better at this d, with the numbers: a sentence."""
    errors = [mean_of(spec, "mse") for spec in specs]
    ratio = errors[1] / errors[0]
    if abs(ratio - 1.0) < 0.05:
        said = "here they rebuild about equally well"
    else:
        better = "autoencoder" if ratio > 1.0 else "VAE"
        said = f"here the {better} rebuilds better"
    return (
        f"Squared error per pixel: {errors[0]:.4f} for the autoencoder, {errors[1]:.4f} for the VAE at its mean code; "
        f"{said}. {_over(specs)}"
    )


@per_shelf
def headlines(specs: Pair) -> str:
    """The three numbers that tell most, as a list: autoencoder, VAE, real images."""
    real = real_line(specs[0].dataset)
    lines = []
    for name, path, digits, better in (
        ("[[ambiguity|Ambiguity]] of samples from N(0, I)", ("samples", "prior", "ambiguity"), ".0%", "lower"),
        ("[[coverage|Coverage]] by samples from N(0, I)", ("samples", "prior", "coverage"), ".2f", "higher"),
        ("[[path length|Path length]], the median", ("path_length_in_use", "median"), ".3g", "lower"),
    ):
        ae, vae = (tidy(mean_of(spec, *path), digits) for spec in specs)
        beside = _how_sure(specs, path, digits)
        usual = figure(real, "real", path[-1]) if real and path[0] == "samples" else None
        beside += f" Real images: {usual:{digits}}." if usual is not None else ""
        lines.append(f"- {name}, {better} is better: autoencoder **{ae}**, VAE **{vae}**{beside}")
    return "\n".join([*lines, "", _over(specs)])


def _how_sure(specs: Pair, path: tuple[str, ...], digits: str) -> str:
    """The errors of two figures, to be put behind them: the end of a sentence."""
    if path[0] == "path_length_in_use":
        low_high = (f"{tidy(of.low, digits)} to {tidy(of.high, digits)}" for of in map(length_of, specs))
        return f" (95% intervals: {' and '.join(low_high)})."
    error = max(error_of_mean(spec, *path) for spec in specs)
    return f" (standard error {error:.1%})." if digits.endswith("%") else f" (standard error {error:.3f})."


@per_shelf
def verdict(specs: Pair) -> str:
    """What the numbers of this very pair say, for and against."""
    said = []
    prior = [mean_of(spec, "samples", "prior", "frechet") for spec in specs]
    fitted = [mean_of(spec, "samples", "mixture", "frechet") for spec in specs]
    if prior[0] > 1.5 * prior[1]:
        said.append(
            f"Sampled from N(0, I), the VAE's images have a {prior[0] / prior[1]:.1f} times smaller Fréchet distance."
        )
    else:
        said.append("Sampled from N(0, I), the VAE is **not** clearly nearer to real images here.")
    if fitted[0] >= prior[0]:
        said.append(f"A mixture fitted afterwards does **not** help here ({prior[0]:.0f} to {fitted[0]:.0f}).")
    else:
        closed = share_closed(specs)
        said.append(
            f"A mixture fitted afterwards takes the autoencoder from {prior[0]:.0f} to {fitted[0]:.0f}; the VAE's own "
            f"mixture gives {fitted[1]:.0f}." + ("" if closed is None else f" {_closes(closed)}")
        )
    if fitted[1] < 0.9 * prior[1]:
        said.append(
            f"The mixture helps the VAE too ({prior[1]:.0f} to {fitted[1]:.0f}): its codes lie near the prior, but do "
            "not match it. A learned prior is the answer."
        )
    lengths = [tidy(length_of(spec).median, ".3g") for spec in specs]
    smoother = compared_smoothness(specs)
    said.append(f"{smoother[:1].upper()}{smoother[1:]}: median path length {lengths[1]} against {lengths[0]}.")
    shares = [mean_of(spec, "paths", "straight") for spec in specs]
    error = math.hypot(*(error_of_mean(spec, "paths", "straight") for spec in specs))
    apart = shares[1] - shares[0] > max(0.01, 2 * error)
    better = "stay farther from holes" if apart else "do **not** clearly stay farther from holes"
    said.append(
        f"Straight paths between images {better} in the VAE: {shares[1]:.2f} of their places are no holes, against "
        f"{shares[0]:.2f}. It says little: a mere cross-fade of the two images has "
        f"{mean_of(specs[1], 'paths', 'crossfade'):.2f}."
    )
    rates = [mean_of(spec, "samples", "prior", "hole_rate") for spec in specs]
    if rates[0] < rates[1] + 0.05:
        said.append(
            f"The hole rate alone does not separate them ({rates[0]:.2f} and {rates[1]:.2f}): a blurred average is no "
            "hole."
        )
    return "\n".join(f"- {sentence}" for sentence in [*said, _over(specs)])


def multiplications_of(run: Run) -> int:
    """How many multiplications by a weight take an image to its mean code and back."""
    ways = ((run.encoder, (math.prod(run.image_shape),)), (run.decoder, (run.spec.latent_dim,)))
    return sum(multiplications(program, shape) for program, shape in ways)


@per_shelf
def at_equal_weights() -> Html:
    """Convolutional against fully connected, and strided against max-pooled, with as many weights: HTML."""
    rows: list[dict[str, object]] = []
    for model in ("ae", "conv_ae", "pooled_ae", "vae", "conv_vae"):
        for line in seeds_of(compared_spec(model, "mnist", CONV_DIMENSIONS))[:1]:
            run = load_run(line.key)
            bound, error = figure(line, "negative_elbo"), figure(line, "mse")
            rows.append(
                {
                    "model": model_kind(model).title,
                    "weights": f"{sum(array.size for array in run.weights.values()):,}",
                    "multiplications per image": f"{multiplications_of(run):,}",
                    "squared error per pixel": "–" if error is None else f"{error:.4f}",
                    "negative ELBO, nats": "–" if bound is None else f"{bound:.1f}",
                }
            )
    if not rows:
        return Html("<p>There is no such run in the store.</p>")
    said = f"MNIST, d = {CONV_DIMENSIONS}, 10,000 test digits: the error at the mean code, the bound with z sampled."
    return as_html(rows, title="Convolutional and fully connected models", note=f"{said} {strided_or_pooled()}")


def strided_or_pooled() -> str:
    """How strided and max-pooled convolutions differ beside their seeds, in words; empty where one is not here."""
    errors = [
        [value for line in seeds_of(compared_spec(model, "mnist", CONV_DIMENSIONS)) if (value := figure(line, "mse"))]
        for model in ("conv_ae", "pooled_ae")
    ]
    if not all(errors):
        return ""
    strided, pooled = (sum(values) / len(values) for values in errors)
    told = " and ".join(
        f"{name} {mean:.4f} ({len(values)} seed{'' if len(values) == 1 else 's'}"
        + (f", {min(values):.4f} to {max(values):.4f})" if len(values) > 1 else ")")
        for name, mean, values in zip(("strided", "max-pooled"), (strided, pooled), errors, strict=True)
    )
    spread = max(max(values) - min(values) for values in errors)
    few = ", and of a single run nobody knows how far another seed would be" if min(map(len, errors)) == 1 else ""
    return (
        f"Squared error, {told}. They differ by {abs(strided - pooled):.4f}, the seeds of one model by at most "
        f"{spread:.4f}{few}."
    )


@per_shelf
def formulas(specs: Pair) -> list[tuple[str, str]]:
    """The mathematics with the numbers of this pair."""
    ae, vae = specs
    known = [found for line in seeds_of(vae) if (found := aggregate_of(measured_of(line)))]
    if not known:
        raise RunNotFound(f"the aggregate posterior of {vae.key} was not measured: train it again.")
    information = sum(one.information for one in known) / len(known)
    low, high = min(one.low for one in known), max(one.high for one in known)
    bound = any(one.only_a_bound for one in known)
    parts = f"I(x; z) is {'at least ' if bound else ''}{information:.2f} nats, "
    parts += f"and KL(q(z)‖p) lies between {low:.2f} and {high:.2f}."
    if bound:
        parts += f" {known[0].n:,} images cannot show more of it than ln {known[0].n:,} = {known[0].limit:.2f} nats."
    return [
        (
            "A VAE's loss adds to the reconstruction a KL term that pulls every approximate posterior towards N(0, I): "
            f"{mean_of(vae, 'reconstruction'):.1f} + {mean_of(vae, 'kl'):.1f} nats per image for the VAE, mean over "
            f"its seeds, against {mean_of(ae, 'reconstruction'):.1f} nats for the autoencoder.",
            r"\mathcal{L}(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
            r" + \mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
        ),
        (
            f"Averaged over images, the KL, {mean_of(vae, 'kl'):.2f} nats, is what the code tells about its image plus "
            f"the distance of all codes together from the prior. {parts} Only the second part must vanish for N(0, I) "
            "to be the right place to sample from.",
            r"\mathbb{E}_x\,\mathrm{KL}(q(z|x)\,\Vert\,p) = I(x; z) + \mathrm{KL}(q(z)\,\Vert\,p)",
        ),
    ]
