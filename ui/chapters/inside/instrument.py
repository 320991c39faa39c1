"""What the page Inside the VAE tells of its model, computed once for as long as the store stays as it is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ui.figures.palette import CLASS_COLOURS
from ui.runs.resources import held_out, load_run, shelf
from ui.runs.selection import compared_spec, per_shelf
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.evaluation.terms import terms
from vae_core.lessons.gradient_estimators import monte_carlo_kl
from vae_core.losses.gaussian import closed_form_kl
from vae_core.payloads.inside import inside_payload
from vae_core.payloads.plane import Payload
from vae_core.run import Run
from vae_core.spec import RunSpec

DATASET = "mnist"
START = 3  # the class of the held-out digit shown first
SCRAMBLED = 1_000  # held-out digits
NOISE_SEED = 0
KL_DRAWS = 100_000


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


@per_shelf
def not_a_digit(choice: str) -> str:
    """What images that are no digits cost: the sentence that says so."""
    run = run_of(choice)
    numbers = measured(run)
    noise = np.random.default_rng(NOISE_SEED).standard_normal((SCRAMBLED, run.spec.latent_dim))
    reconstruction, kl = terms(run, np.zeros((SCRAMBLED, math.prod(run.image_shape)), np.float32), noise)
    black = float(reconstruction.mean() + kl.sum(axis=1).mean())
    text = (
        "Draw a face, or scribble. The encoder answers to anything; the decoder learned from digits alone, and the "
        f"reconstruction says so. But the loss is no test for digits: a black image costs {black:.1f} nats"
    )
    if "reconstruction" not in numbers:
        return f"{text}."
    digit = numbers["reconstruction"] + numbers["kl"]
    if black >= digit:
        return f"{text}, a digit {digit:.1f} on average."
    return f"{text}, less than the {digit:.1f} of the mean digit, for there is little in it to get wrong."


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


@per_shelf
def formulas(choice: str) -> list[tuple[str, str]]:
    """The mathematics with the numbers of the model on screen."""
    run = run_of(choice)
    numbers, d = measured(run), run.spec.latent_dim
    width = run.programs["mean"][0]["in"]
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
