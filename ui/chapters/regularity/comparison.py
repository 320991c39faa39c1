"""What the chapter says of the figures in the runs' files, computed once for as long as the store stays as it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ui.chapters.regularity.fitted import closes, share_closed
from ui.chapters.regularity.over_seeds import (
    Pair,
    error_of_mean,
    heading,
    mean_of,
    over_seeds,
    spread,
    tidy,
    title_of,
    values_of,
)
from ui.chapters.regularity.smoothness import compared_smoothness, length_of
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.aggregate import aggregate_of
from ui.runs.resources import load_run, plane, shelf
from ui.runs.selection import compared_spec, figure, measured_of, measured_on, measured_seeds_of, per_shelf, seeds_of
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.evaluation.features import classifier_spec
from vae_core.metrics import share_standard_error
from vae_core.models import model_kind
from vae_core.program.operations import multiplications
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

DATASETS = tuple(name for name, known in datasets.DATASETS.items() if known.to_rebuild and known.classified)
DEPTHS = {"128": (128,), "128-64": (128, 64), "128-64-64": (128, 64, 64), "512-256": (512, 256)}
DIMENSIONS = (2, 8, 16, 32)
USUAL_DIMENSIONS, PLANES_DIMENSIONS = 16, 2
SOURCE_TITLES = {
    "prior": "N(0, I)",
    "box": "A box",
    "gaussian": "One Gaussian",
    "mixture": "A mixture",
}
CONV_DIMENSIONS, CONV_EPOCHS = 16, 20
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


@once(maxsize=256)
def subtitle(key: str, pair: tuple[int, int] | None, at: int) -> str:
    """What the plane is, honestly, and how far the codes spread.

    Of both models in nearly the same words: side by side, each takes as many lines, and their planes begin level.
    """
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
    codes = "mean codes" if run.codes.has_posterior else "codes"
    return f"{len(run.codes.labels):,} held-out images, standard deviations of their {codes} {spread_text}.{where}"


def sample_sentence(spec: RunSpec, source: str) -> str:
    """The measured figures of a source, from the run's file."""
    for line in seeds_of(spec):
        if line.key == spec.key and figure(line, "samples", source, "frechet") is not None:
            value = {n: figure(line, "samples", source, n) or 0.0 for n in ("ambiguity", "coverage", "frechet", "n")}
            unsure = share_standard_error(value["ambiguity"], value["n"])
            return (
                f"Of {value['n']:,.0f} samples of this one model, {value['ambiguity']:.0%} ± {unsure:.1%} are not "
                f"recognised. Coverage {value['coverage']:.2f}, Fréchet distance {value['frechet']:.0f}."
            )
    return "Not measured: the run was trained without this dataset's classifier."


@per_shelf
def numbers(specs: Pair) -> Html:
    """The table over seeds, with what real images score, and what its figures are: HTML."""
    groups = {title_of(spec.model): seeds_of(spec) for spec in specs}
    real = real_line(specs[0].dataset)
    rows = []
    for title, path, digits in ROWS:
        row: dict[str, object] = {"figure": title}
        row |= {heading(name, seeds): spread(seeds, *path, digits=digits) for name, seeds in groups.items()}
        value = figure(real, "real", path[-1]) if real and path[0] == "samples" else None
        row["real images"] = "" if value is None else format(value, digits)
        rows.append(row)
    lines = [line for some in groups.values() for line in some]
    some = lines[0] if lines else None
    count, pairs = (figure(some, *path) if some else None for path in (("samples", "prior", "n"), ("paths", "n")))
    said = ""
    if count and pairs:
        said = (
            f"Mean over seeds (least to most), of {measured_on(*lines, noun='images')}; ± is one standard error, of "
            "what was drawn. "
            f"Samples: {count:,.0f} against as many real images, in the classifier's 64 features; a hole lies farther "
            "from all training images than 95% of the validation images do. Reconstructions are of other images than "
            "those they are compared with: a reference for the decoder, not a bound. Path length: squared change of "
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


def closer_to_real(specs: Pair, source: str) -> tuple[int, str]:
    """Whose samples from a source are nearer to real images, by their Fréchet distance, and why."""
    distances = [mean_of(spec, "samples", source, "frechet") for spec in specs]
    unsure = [mean_of(spec, "samples", source, "ambiguity") for spec in specs]
    covered = [mean_of(spec, "samples", source, "coverage") for spec in specs]
    right = 2 if max(distances) < 1.5 * min(distances) else int(np.argmin(distances))
    real = real_line(specs[0].dataset)
    usual = figure(real, "real", "ambiguity") if real else None
    said = [
        f"{over_seeds(specs)} The classifier does not recognise **{unsure[0]:.0%}** of the autoencoder's samples and "
        f"**{unsure[1]:.0%}** of the VAE's" + (f" (real images: {usual:.0%})." if usual is not None else "."),
        f"[[coverage|Coverage]]: **{covered[0]:.2f}** and **{covered[1]:.2f}**. Classifier [[Fréchet distance]], lower "
        f"is better: {distances[0]:.0f} and {distances[1]:.0f}.",
    ]
    spreads = [mean_of(spec, "code_std") for spec in specs]
    if right == 1 and spreads[0] > 1.5:
        said.append(
            f"Why? The VAE's codes were trained to lie where N(0, I) is. The autoencoder's codes have a standard "
            f"deviation of {spreads[0]:.1f}: N(0, I) covers only a small part of the region that they take up."
        )
    return right, " ".join(said)


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
        f"{said}. {over_seeds(specs)}"
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
    return "\n".join([*lines, "", over_seeds(specs)])


def _how_sure(specs: Pair, path: tuple[str, ...], digits: str) -> str:
    """The errors of two figures, to be put behind them: the end of a sentence."""
    if path[0] == "path_length_in_use":
        low_high = (f"{tidy(of.low, digits)} to {tidy(of.high, digits)}" for of in map(length_of, specs))
        return f" (95% intervals: {' and '.join(low_high)})."
    error = max(error_of_mean(spec, *path) for spec in specs)
    if not error:
        return "."
    return f" (standard error {error:.1%})." if digits.endswith("%") else f" (standard error {error:.3f})."


@per_shelf
def verdict(specs: Pair) -> str:
    """What the numbers of this very pair say, for and against."""
    said = []
    prior = [mean_of(spec, "samples", "prior", "frechet") for spec in specs]
    fitted = [mean_of(spec, "samples", "mixture", "frechet") for spec in specs]
    if prior[0] > 1.5 * prior[1]:
        said.append(
            f"Sampled from N(0, I), the autoencoder's Fréchet distance is {prior[0] / prior[1]:.1f} times the VAE's."
        )
    else:
        said.append("Sampled from N(0, I), the VAE is **not** clearly nearer to real images here.")
    if fitted[0] >= prior[0]:
        said.append(f"A mixture fitted afterwards does **not** help here ({prior[0]:.0f} to {fitted[0]:.0f}).")
    else:
        closed = share_closed(specs)
        said.append(
            f"A mixture fitted afterwards takes the autoencoder from {prior[0]:.0f} to {fitted[0]:.0f}; the VAE's own "
            f"mixture gives {fitted[1]:.0f}." + ("" if closed is None else f" {closes(closed, specs)}")
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
    seeds = [values_of(spec, "paths", "straight") for spec in specs]
    apart = shares[1] - shares[0] > max(0.01, 2 * error) and min(seeds[1]) > max(seeds[0])
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
    return "\n".join(f"- {sentence}" for sentence in [*said, over_seeds(specs)])


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
    some = next(iter(seeds_of(compared_spec("ae", "mnist", CONV_DIMENSIONS))), None)
    digits = f"{figure(some, 'n') or 0:,.0f} test digits" if some else "test digits"
    said = f"MNIST, d = {CONV_DIMENSIONS}, {digits}: the error at the mean code, the negative ELBO with z "
    said += "sampled, which on these grey pixels bounds nothing; the first random start of each."
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
        f"{name} {mean:.5f} ({len(values)} seed{'' if len(values) == 1 else 's'}"
        + (f", {min(values):.5f} to {max(values):.5f})" if len(values) > 1 else ")")
        for name, mean, values in zip(("strided", "max-pooled"), (strided, pooled), errors, strict=True)
    )
    spread = max(max(values) - min(values) for values in errors)
    few = ", and of a single run nobody knows how far another seed would be" if min(map(len, errors)) == 1 else ""
    return (
        f"Squared error, {told}. They differ by {abs(strided - pooled):.5f}, the seeds of one model by at most "
        f"{spread:.5f}{few}."
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
