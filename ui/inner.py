"""What the page Inside the VAE tells of its model, computed once for as long as the store stays as it is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ui.markup import Html
from ui.palette import CLASS_COLOURS
from ui.resources import held_out, load_run, shelf
from ui.runs import compared_spec, per_shelf
from ui.sweep import label_of, stops_of
from ui.tables import as_html
from vae_core import datasets
from vae_core.browser import Payload
from vae_core.browser_inside import inside_payload
from vae_core.errors import RunNotFound
from vae_core.estimators import closed_form_kl, monte_carlo_kl
from vae_core.heads import encoder_parts, terms
from vae_core.run import Run
from vae_core.spec import RunSpec

DATASET = "mnist"
START = 3  # the class of the held-out digit shown first
SCRAMBLED = 1_000  # held-out digits
NOISE_SEED = 0
KL_DRAWS = 100_000
STOPS_COMPARED = ("0", "0.1", "1", "4")


class Choice(NamedTuple):
    """A model that can be looked into.

    Attributes:
        model: its name in the registry.
        dimensions: d.
        title: for people.
    """

    model: str
    dimensions: int
    title: str


# By what stands in the URL.
CHOICES = {
    "2": Choice("vae", 2, "d = 2"),
    "16": Choice("vae", 16, "d = 16"),
    "conv16": Choice("conv_vae", 16, "d = 16, convolutional"),
}


@per_shelf
def spec_of(choice: str) -> RunSpec:
    """The spec of a choice.

    Raises:
        RunNotFound: it is not in the store.
    """
    model, dimensions, title = CHOICES[choice]
    spec = compared_spec(model, DATASET, dimensions)
    if spec not in shelf():
        raise RunNotFound(f"the VAE with {title} is not in the store; run 'python -m vae_core rebuild'.")
    return spec


def run_of(choice: str) -> Run:
    """The run of a choice."""
    return load_run(spec_of(choice).key)


def measured(run: Run) -> dict[str, Any]:
    """What was measured on the test set; on the held-out images where that was not."""
    return run.metrics.get("test") or run.metrics.get("validation", {})


def measured_on(run: Run) -> str:
    """The images that `measured` is about."""
    return "test digits" if run.metrics.get("test") else "held-out digits"


@per_shelf
def payload_of(choice: str) -> Payload:
    """What the component is sent."""
    run, kind = run_of(choice), CHOICES[choice]
    weights = sum(array.size for array in run.weights.values())
    name = "Convolutional VAE" if kind.model == "conv_vae" else "Variational autoencoder"
    images = datasets.info(DATASET).training_images
    return inside_payload(
        run,
        held_out(DATASET),
        measured(run),
        title=f"{name}, d = {kind.dimensions}",
        subtitle=f"{weights:,} weights, trained on {images:,} digits. All of it runs in your browser.",
        palette=list(CLASS_COLOURS),
        options={"start": START, "measured_on": measured_on(run)},
    )


class Scrambled(NamedTuple):
    """Mean nats per image of held-out digits and of the same digits with their pixels shuffled."""

    reconstruction: tuple[float, float]
    kl: tuple[float, float]
    n: int


@per_shelf
def scrambled(choice: str) -> Scrambled:
    """Digits against images that are none: the same grey pixels in another order, so that the floor is the same."""
    run = run_of(choice)
    random = np.random.default_rng(NOISE_SEED)
    pixels = held_out(DATASET).floats()[:SCRAMBLED]
    shuffled = random.permuted(pixels, axis=1)
    noise = random.standard_normal((len(pixels), run.spec.latent_dim))
    (reconstruction, kl), (wild, wild_kl) = (terms(run, images, noise) for images in (pixels, shuffled))
    return Scrambled(
        (float(reconstruction.mean()), float(wild.mean())),
        (float(kl.sum(axis=1).mean()), float(wild_kl.sum(axis=1).mean())),
        len(pixels),
    )


def which_term_rises(choice: str) -> tuple[int, str]:
    """Which term rises more, in nats, where an image is no digit: 0 the reconstruction, 1 the KL."""
    found = scrambled(choice)
    rises = [after - before for before, after in (found.reconstruction, found.kl)]
    told = (
        f"Reconstruction {found.reconstruction[0]:.1f} → {found.reconstruction[1]:.1f} nats, KL {found.kl[0]:.1f} → "
        f"{found.kl[1]:.1f} nats (means over {found.n:,} held-out digits, before and after their pixels were shuffled)."
    )
    return int(np.argmax(rises)), f"{told} {_what_it_means(rises)}"


def _what_it_means(rises: list[float]) -> str:
    if rises[1] < 0:
        return "The KL even falls: it asks where the posterior is, not whether the image is a digit."
    return "The decoder can only paint digits; the KL asks where the posterior is, not whether the image is a digit."


LEFT_OVER = ("Hardly any: less than a tenth", "Between a tenth and a half", "More than half")


def left_over(choice: str) -> tuple[int, str]:
    """How much of the KL term remains when all posteriors are put together.

    Raises:
        RunNotFound: it was not measured.
    """
    run = run_of(choice)
    numbers = measured(run)
    if "aggregate_kl" not in numbers:
        raise RunNotFound(f"the aggregate posterior of {run.key} was not measured; run 'python -m vae_core "
                          "evaluate' on it.")  # fmt: skip
    kl, rest, told, n = (numbers[name] for name in ("kl", "aggregate_kl", "mutual_information", "n"))
    share = rest / kl
    sentence = (
        f"Of {kl:.1f} nats, {rest:.2f} ({share:.0%}) are the distance of the posteriors of all {n:,} "
        f"{measured_on(run)} together from N(0, I); the other {told:.1f} are I(x; z), what the code tells of its image."
    )
    if told > 0.95 * math.log(n):
        sentence += (
            f" Here the posteriors hardly overlap: I(x; z) is at its limit, ln {n:,} = {math.log(n):.1f}; with more "
            "images more of the KL would be found in it."
        )
    return (0 if share < 0.1 else 1 if share < 0.5 else 2), sentence


@per_shelf
def together(choice: str) -> Html:
    """All posteriors together, for the model on screen and for models of the β sweep: HTML."""
    run = run_of(choice)
    rows = [_together_row(f"this model, β = {run.spec.kl_weight:g}", run)]
    for line in stops_of(run.spec.latent_dim):
        assert line.spec is not None  # the shelf holds readable runs only
        if label_of(line.spec) in STOPS_COMPARED:
            rows.append(_together_row(f"sweep, β = {label_of(line.spec)}", load_run(line.key)))
    return as_html(
        rows,
        title="All posteriors together",
        note=f"{len(run.codes.labels):,} held-out digits; z drawn from the posterior of one of them. The variance of z "
        "is the variance of μ plus the mean of σ². Over the dimensions: least and largest. The last column was "
        f"measured on {measured(run).get('n', 0):,} {measured_on(run)}.",
    )


def _together_row(name: str, run: Run) -> dict[str, object]:
    codes = run.codes
    assert codes.log_var is not None  # every choice is a VAE
    mean, noise = codes.mean.astype(np.float64), np.exp(codes.log_var.astype(np.float64)).mean(axis=0)
    spread = mean.var(axis=0)
    covariance = np.cov(mean, rowvar=False) + np.diag(noise)
    deviations = np.sqrt(np.diagonal(covariance))
    correlations = np.abs(covariance / np.outer(deviations, deviations))[~np.eye(len(covariance), dtype=bool)]
    aggregate = measured(run).get("aggregate_kl")
    return {
        "": name,
        "mean of z": _range(mean.mean(axis=0)),
        "variance of z": _range(spread + noise),
        "of it σ²": _range(noise / (spread + noise), percent=True),
        "largest correlation": f"{correlations.max():.2f}",
        "KL(q(z) ‖ N(0, I)), nats": "–" if aggregate is None else f"{aggregate:.2f}",
    }


def _range(values: np.ndarray, *, percent: bool = False) -> str:
    low, high = (_short(float(value), percent) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _short(value: float, percent: bool) -> str:
    if percent:
        return f"{value:.0%}" if value > 0.005 or value == 0 else "under 1%"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


@per_shelf
def formulas(choice: str) -> list[tuple[str, str]]:
    """The mathematics with the numbers of the model on screen."""
    run = run_of(choice)
    numbers, parts, d = measured(run), encoder_parts(run), run.spec.latent_dim
    width = parts.mean[0]["in"]
    lines = [
        (
            f"Two heads g and h, {width} × {d} + {d} weights each, read the same {width} features of the trunk; the "
            "decoder f is a network of its own. The diagonal covariance is a choice: d numbers instead of d(d + 1)/2.",
            r"q(z|x) = \mathcal{N}\big(g(x), \operatorname{diag} e^{h(x)}\big), \qquad p(x|z) = \prod_i"
            r" f(z)_i^{x_i} (1 - f(z)_i)^{1 - x_i}",
        ),
        (
            "Drawing z as a function of μ, σ and a noise from outside lets the derivative pass through the draw.",
            r"z = \mu + \sigma \odot \varepsilon, \quad \varepsilon \sim \mathcal{N}(0, I), \qquad"
            r" \nabla_{\mu} \mathbb{E}[L(z)] = \mathbb{E}\big[\nabla_z L(z)\big], \quad"
            r" \nabla_{\sigma} \mathbb{E}[L(z)] = \mathbb{E}\big[\nabla_z L(z) \odot \varepsilon\big]",
        ),
    ]
    images = held_out(DATASET)
    first = images.floats()[np.flatnonzero(images.labels == START)[:1]]
    mean, log_var = (part[0] for part in run.posterior(first))
    noise = np.random.default_rng(NOISE_SEED).standard_normal((KL_DRAWS, d))
    drawn = monte_carlo_kl(mean, log_var, noise)
    lines.append(
        (
            f"The KL needs no draws: for the held-out {START} shown first the closed form gives "
            f"{closed_form_kl(mean, log_var).sum():.3f} nats, the mean of log q(z|x) − log p(z) over {drawn.n:,} draws "
            f"{drawn.value:.3f} ± {drawn.standard_error:.3f}.",
            r"\mathrm{KL} = \mathbb{E}_{q(z|x)}[\log q(z|x) - \log p(z)]"
            r" = \tfrac12 \sum_i \big(\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2\big)",
        )
    )
    if "reconstruction" in numbers:
        total = numbers["reconstruction"] + numbers["kl"]
        lines.append(
            (
                f"On {numbers['n']:,} {measured_on(run)} the two terms are {numbers['reconstruction']:.1f} + "
                f"{numbers['kl']:.1f} = {total:.1f} nats per image. On grey pixels the first cannot fall below their "
                f"own entropy, {numbers['bernoulli_floor']:.1f} nats.",
                r"-\mathrm{ELBO}(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
                r" + \mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
            )
        )
    return lines
