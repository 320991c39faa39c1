"""What the page Inside the VAE tells of its model, computed once for as long as the store stays as it is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.tables import as_html
from ui.runs.resources import held_out, load_run, shelf
from ui.runs.selection import compared_spec, per_shelf
from vae_core import datasets
from vae_core.errors import RunNotFound
from vae_core.lessons.gradient_estimators import monte_carlo_kl
from vae_core.losses.gaussian import closed_form_kl, kl_halves
from vae_core.payloads.inside import inside_payload, parameters
from vae_core.payloads.plane import Payload
from vae_core.program.operations import output_shape
from vae_core.run import Run
from vae_core.spec import RunSpec

DATASET = "mnist"
START = 3  # the class of the held-out digit shown first
NOISE_SEED = 0
KL_DRAWS = 100_000
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}
OPERATION_NAMES = {"linear": "linear", "conv": "convolution", "conv_transpose": "transposed convolution"}


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
        subtitle=f"{weights:,} weights, trained on {images:,} digits; it runs in your browser.",
        palette=list(CLASS_COLOURS),
        options={"start": START, "measured_on": measured_on(run)},
    )


@per_shelf
def layers_table(choice: str) -> Html:
    """The network layer by layer, with shapes and numbers of weights: HTML."""
    run = run_of(choice)
    pixels = (math.prod(run.image_shape),)
    features = output_shape(run.programs["trunk"], pixels)
    parts = (
        ("trunk", "trunk", pixels),
        ("head of μ", "mean", features),
        ("head of log σ²", "log_var", features),
        ("decoder", "decoder", (run.spec.latent_dim,)),
    )
    rows: list[dict[str, object]] = []
    for part, name, shape in parts:
        program = [*run.programs[name], *(run.likelihood.final_operations if name == "decoder" else ())]
        for layer, count in zip(program, parameters(run, program), strict=True):
            before, shape = shape, output_shape([layer], shape)
            if layer["op"] in ACTIVATIONS:
                rows[-1]["layer"] = f"{rows[-1]['layer']}, {ACTIVATIONS[layer['op']]}"
            elif layer["op"] != "reshape":
                kind = OPERATION_NAMES.get(layer["op"], layer["op"].replace("_", " "))
                cells = {"from": _by(before), "to": _by(shape), "weights": f"{count:,}"}
                rows.append({"part": part, "layer": kind, **cells})
    return as_html(rows, title="The network, layer by layer", note="Numbers of weights and biases.")


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


class Halves(NamedTuple):
    """Mean nats per held-out image of the KL's two parts.

    Attributes:
        mean: ½ Σ μ².
        variance: ½ Σ (σ² − 1 − log σ²).
        n: images.
    """

    mean: float
    variance: float
    n: int


def halves_of(run: Run) -> Halves:
    """The KL's part of the means and its part of the variances, over the run's held-out codes."""
    mean, log_var = run.codes.posterior()
    of_mean, of_variance = (half.sum(axis=1) for half in kl_halves(mean, log_var))
    return Halves(float(of_mean.mean()), float(of_variance.mean()), len(mean))


@per_shelf
def formulas(choice: str) -> list[tuple[str, str]]:
    """The mathematics with the numbers of the model on screen."""
    run = run_of(choice)
    numbers, d = measured(run), run.spec.latent_dim
    width = run.programs["mean"][0]["in"]
    lines = [
        (
            f"Two heads g and h, {width} × {d} + {d} weights each, read the same {width} features of the trunk; the "
            "decoder f is a separate network. The diagonal covariance is a choice: d numbers instead of d(d + 1)/2.",
            r"q(z|x) = \mathcal{N}\big(g(x), \operatorname{diag} e^{h(x)}\big), \qquad p(x|z) = \prod_i"
            r" f(z)_i^{x_i} (1 - f(z)_i)^{1 - x_i}",
        ),
        (
            "Sampling z as a function of μ, σ and a separate noise ε lets the gradient pass through to μ and σ.",
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
            f"The KL needs no sampling: for the held-out {START} shown first the closed form gives "
            f"{closed_form_kl(mean, log_var).sum():.3f} nats, the mean of log q(z|x) − log p(z) over {drawn.n:,} "
            f"samples {drawn.value:.3f} ± {drawn.standard_error:.3f}.",
            r"\mathrm{KL} = \mathbb{E}_{q(z|x)}[\log q(z|x) - \log p(z)]"
            r" = \tfrac12 \sum_i \big(\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2\big)",
        )
    )
    if "reconstruction" in numbers:
        total = numbers["reconstruction"] + numbers["kl"]
        lines.append(
            (
                f"On {numbers['n']:,} {measured_on(run)} the two terms are {numbers['reconstruction']:.1f} + "
                f"{numbers['kl']:.1f} = {total:.1f} nats per image. On grey pixels the first term cannot fall below "
                f"the entropy of the pixels themselves, {numbers['bernoulli_floor']:.1f} nats.",
                r"-\mathrm{ELBO}(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
                r" + \mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
            )
        )
    return lines
