"""What the chapter says of the figures in the runs' files, computed once for as long as the store stays as it is."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go

from ui.figures.markup import Html
from ui.figures.palette import MODEL_COLOURS, MODEL_SYMBOLS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.runs.resources import load_run, plane, shelf
from ui.runs.selection import compared_spec, figure, measured_seeds_of, per_shelf, seeds_of
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.evaluation.features import classifier_spec
from vae_core.models import model_kind
from vae_core.program.operations import multiplications
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

DATASETS = tuple(name for name, known in datasets.DATASETS.items() if known.pictures)
DEPTHS = {"128": (128,), "128-64": (128, 64), "128-64-64": (128, 64, 64), "512-256": (512, 256)}
DIMENSIONS = (2, 8, 16, 32)
USUAL_DIMENSIONS, PLANES_DIMENSIONS = 16, 2
SOURCE_TITLES = {"prior": "N(0, I)", "box": "A box around the codes", "mixture": "A fitted mixture"}
Pair = tuple[RunSpec, ...]  # an autoencoder and a VAE
CONV_DIMENSIONS, CONV_EPOCHS = 16, 20
ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *(
        (f"{title}, {name}", ("samples", source, figure_name), digits)
        for source, title in (("prior", "N(0, I)"), ("box", "Box"), ("mixture", "Mixture"))
        for figure_name, name, digits in (
            ("frechet", "Fréchet distance", ".0f"), ("coverage", "coverage", ".2f"), ("density", "density", ".2f"),
            ("ambiguity", "ambiguity", ".2f"), ("hole_rate", "hole rate", ".2f"),
        )
    ),
    ("Path length", ("path_length",), ".3g"),
    ("Straight paths, places that are no hole", ("paths", "straight"), ".2f"),
    ("Great circles, places that are no hole", ("paths", "great_circle"), ".2f"),
    ("Midpoints that are holes", ("paths", "midpoint_holes"), ".2f"),
    ("Standard deviation of the codes, mean over d", ("code_std",), ".2f"),
    ("Codes as a Gaussian, KL to N(0, I), nats", ("gaussian_kl",), ".1f"),
    ("Aggregate posterior, KL to N(0, I), nats", ("aggregate_kl",), ".1f"),
    ("Neighbours of the same class", ("label_agreement",), ".2f"),
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
            return (
                f"Of {value['n']:,.0f} samples, {value['ambiguity']:.0%} are not recognised. Coverage "
                f"{value['coverage']:.2f}, Fréchet distance {value['frechet']:.0f}."
            )
    return "Not measured: the run was trained without this dataset's classifier."


def spread(lines: list[Listed], *path: str, digits: str) -> str:
    """Mean over seeds with least and most, such as ``162 (158 to 171)``; a dash where nothing was measured."""
    values = [value for line in lines if (value := figure(line, *path)) is not None]
    if not values:
        return "–"
    mean = tidy(sum(values) / len(values), digits)
    return mean if len(values) == 1 else f"{mean} ({tidy(min(values), digits)} to {tidy(max(values), digits)})"


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
            f"Mean over seeds (least to most), measured on the test split. Samples: {count:,.0f} against as "
            "many real images, in the classifier's 64 features; a hole lies farther from all training "
            "images than 95% of the validation images do. Path "
            "length: squared change of the features per squared step, in standard deviations of the codes. Paths: "
            f"{pairs:,.0f} pairs."
        )
    return as_html(rows, title="Autoencoder and VAE in numbers", note=said)


def real_line(dataset: str) -> Listed | None:
    """The classifier's entry, which carries what real images score against real ones."""
    return next(iter(seeds_of(classifier_spec(dataset))), None)


@lru_cache(maxsize=32)
def coverage_figure(points: tuple[tuple[str, str, tuple[tuple[int, float], ...]], ...]) -> Finished:
    """Coverage of samples against d, from the prior (solid) and from a mixture fitted afterwards (dotted)."""
    chart = go.Figure()
    for model, source, values in points:
        chart.add_scatter(
            x=[d for d, _ in values], y=[value for _, value in values], mode="lines+markers",
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
        _line_name(model, source): [f"{value:.2f} at d = {d}" for d, value in values]
        for model, source, values in points
    }
    return Finished(chart, in_words("Share of real test images with a sample nearby, against d.", told))


def _line_name(model: str, source: str) -> str:
    return f"{title_of(model)}, {'N(0, I)' if source == 'prior' else 'fitted mixture'}"


@per_shelf
def coverage_points(specs: Pair, dataset: str) -> tuple[tuple[str, str, tuple[tuple[int, float], ...]], ...]:
    """(model, source, ((d, mean coverage over seeds), ...)) of what is in the store."""
    points = []
    for spec in specs:
        for source in ("prior", "mixture"):
            values = []
            for d in DIMENSIONS:
                lines = seeds_of(compared_spec(spec.model, dataset, d, spec.hidden))
                found = [v for line in lines if (v := figure(line, "samples", source, "coverage")) is not None]
                if found:
                    values.append((d, float(np.mean(found))))
            if values:
                points.append((spec.model, source, tuple(values)))
    return tuple(points)


def mean_of(spec: RunSpec, *path: str) -> float:
    """Mean over the seeds in the store.

    Raises:
        RunNotFound: it was measured on none.
    """
    values = [value for line in seeds_of(spec) if (value := figure(line, *path)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on {spec.key}: train its dataset's classifier first.")
    return sum(values) / len(values)


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
    share = f"That closes {min(max(closed, 0.0), 1.0):.0%} of the gap."
    why = " The decoder is good near its codes: we only had to find out where they are." if right == 2 else ""
    return right, f"{told} {share}{why} {_over(specs)}"


def _over(specs: Pair) -> str:
    """How many seeds a mean is over, and at which d."""
    count = min(len(seeds_of(spec)) for spec in specs)
    seeds = f"Means over {count} seeds" if count > 1 else "From 1 seed"
    return f"{seeds}, d\u00a0=\u00a0{specs[0].latent_dim}."


def smoothness(specs: Pair) -> str:
    """The path lengths of both, as a sentence."""
    lengths = [mean_of(spec, "path_length") for spec in specs]
    told = f"**{tidy(lengths[0], '.3g')}** for the autoencoder, **{tidy(lengths[1], '.3g')}** for the VAE"
    ratio = lengths[0] / lengths[1]
    if ratio > 1.2:
        said = f"{told}: the VAE is {ratio:.1f} times smoother"
    else:
        said = f"{told}: the VAE is **not** smoother here"
    return f"[[path length|Path length]] (mean squared change per squared step): {said}. {_over(specs)}"


@per_shelf
def headlines(specs: Pair) -> str:
    """The three numbers that tell most, as a list: autoencoder, VAE, real images."""
    real = real_line(specs[0].dataset)
    lines = []
    for name, path, digits, better in (
        ("[[ambiguity|Ambiguity]] of samples from N(0, I)", ("samples", "prior", "ambiguity"), ".0%", "lower"),
        ("[[coverage|Coverage]] by samples from N(0, I)", ("samples", "prior", "coverage"), ".2f", "higher"),
        ("[[path length|Path length]]", ("path_length",), ".3g", "lower"),
    ):
        ae, vae = (tidy(mean_of(spec, *path), digits) for spec in specs)
        usual = figure(real, "real", path[-1]) if real and path[0] == "samples" else None
        beside = f" Real images: {usual:{digits}}." if usual is not None else ""
        lines.append(f"- {name}, {better} is better: autoencoder **{ae}**, VAE **{vae}**.{beside}")
    return "\n".join([*lines, "", _over(specs)])


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
            f"mixture gives {fitted[1]:.0f}"
            + ("." if closed is None else f", so fitting closes {min(closed, 1.0):.0%} of the gap.")
        )
    if fitted[1] < 0.9 * prior[1]:
        said.append(
            f"The mixture helps the VAE too ({prior[1]:.0f} to {fitted[1]:.0f}): its codes lie near the prior, but do "
            "not match it."
        )
    lengths = [mean_of(spec, "path_length") for spec in specs]
    smoother = "smoother" if lengths[0] > 1.2 * lengths[1] else "**not** smoother here"
    said.append(f"The VAE is {smoother}: path length {tidy(lengths[1], '.3g')} against {tidy(lengths[0], '.3g')}.")
    shares = [mean_of(spec, "paths", "straight") for spec in specs]
    better = "stay farther from holes" if shares[1] > shares[0] + 0.01 else "do **not** stay farther from holes"
    said.append(
        f"Straight paths between images {better} in the VAE: {shares[1]:.2f} of their places are no holes, against "
        f"{shares[0]:.2f}."
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
        spec = compared_spec(model, "mnist", CONV_DIMENSIONS)
        for line in [*measured_seeds_of(replace(spec, epochs=CONV_EPOCHS))[:1], *seeds_of(spec)[:1]]:
            if spec not in shelf() or any(row["key"] == line.key for row in rows):
                continue
            run = load_run(spec.key)  # whose network is the same after fewer epochs
            bound, error = figure(line, "negative_elbo"), figure(line, "mse")
            rows.append(
                {
                    "key": line.key,
                    "model": model_kind(model).title,
                    "epochs": line.spec.epochs if line.spec else "–",
                    "weights": f"{sum(array.size for array in run.weights.values()):,}",
                    "multiplications per image": f"{multiplications_of(run):,}",
                    "squared error per pixel": "–" if error is None else f"{error:.4f}",
                    "negative ELBO, nats": "–" if bound is None else f"{bound:.1f}",
                }
            )
    if not rows:
        return Html("<p>There is no such run in the store.</p>")
    said = f"MNIST, d = {CONV_DIMENSIONS}, 10,000 test digits: the error at the mean code, the bound with z sampled."
    shown = [{name: value for name, value in row.items() if name != "key"} for row in rows]
    return as_html(shown, title="Convolutional and fully connected models", note=f"{said} {strided_or_pooled()}")


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
    return [
        (
            "A VAE's loss adds to the reconstruction a KL term that pulls every approximate posterior towards N(0, I): "
            f"{mean_of(vae, 'reconstruction'):.1f} + {mean_of(vae, 'kl'):.1f} nats per image for the VAE, mean over "
            f"its seeds, against {mean_of(ae, 'reconstruction'):.1f} nats for the autoencoder.",
            r"\mathcal{L}(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
            r" + \mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
        ),
        (
            "Averaged over images, the KL is what the code tells about its image plus the distance of all codes "
            f"together from the prior: {mean_of(vae, 'mutual_information'):.2f} + {mean_of(vae, 'aggregate_kl'):.2f} "
            "nats. Only the second part must vanish for N(0, I) to be the right place to sample from.",
            r"\mathbb{E}_x\,\mathrm{KL}(q(z|x)\,\Vert\,p) = I(x; z) + \mathrm{KL}(q(z)\,\Vert\,p)",
        ),
    ]
