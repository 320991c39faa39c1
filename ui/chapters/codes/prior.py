"""The priors over the codebook's codes: what the browser is sent of them, and what their figures say."""

from __future__ import annotations

from typing import Any

from ui.chapters.codes.runs import CODEBOOKS, DATASET, USUAL, colours_in, line_of, shipped_lines
from ui.chapters.codes.use import measured_on, number
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.runs.resources import held_out, load_run
from ui.runs.selection import measured_of, per_shelf
from vae_core.errors import RunNotFound
from vae_core.models import model_kind
from vae_core.payloads.codes import codes_payload
from vae_core.payloads.plane import Payload
from vae_core.storage.store import Listed

# By what stands in the URL: whether the prior is told the class.
PRIORS = {"free": False, "told": True}
USUAL_PRIOR = "free"
NAMES = {"free": "not told the class", "told": "told the class"}
SOURCES = {
    "uniform": "Every entry as likely as any other",
    "independent": "Each cell on its own, by frequency",
    "prior": "Written by the prior",
}
MOST, SOME = 0.75, 0.25  # shares of the uniform bits
HOW_LITTLE = ("Nearly all of them", "About half", "A tenth, or less")


@per_shelf
def prior_line(name: str) -> Listed:
    """The shipped prior over the codes of the usual codebook.

    Raises:
        RunNotFound: it is not in the store.
    """
    base = line_of(CODEBOOKS[USUAL]).key
    for line in shipped_lines():
        if line.spec and line.spec.base == base and bool(line.spec.options.classes) == PRIORS[name]:
            return line
    raise RunNotFound(f"the prior {NAMES[name]} is not in the store; run 'python -m vae_core rebuild'.")


def own_weights(line: Listed) -> int:
    """Of the prior alone, without the frozen autoencoder."""
    return sum(weight.size for name, weight in load_run(line.key).weights.items() if name.startswith("prior."))


@per_shelf
def written_payload(name: str) -> Payload:
    """What the components of the prior are sent."""
    line = prior_line(name)
    run = load_run(line.key)
    title = f"A prior over {run.spec.latent_dim} codes, {NAMES[name]}"
    return codes_payload(
        run,
        held_out(DATASET),
        per_class=1,
        title=title,
        subtitle=f"A transformer of {own_weights(line):,} weights; it runs in your browser.",
        colours=colours_in(run),
        noun="digit",
    )


@per_shelf
def sheets_payload(name: str) -> Payload:
    """The same, with what was measured of each way of drawing codes."""
    line = prior_line(name)
    sheets = [
        {"source": source, "title": title, "figures": figures_of(line, source)} for source, title in SOURCES.items()
    ]
    return written_payload(name).with_header(sheets=sheets)


def samples_of(line: Listed) -> dict[str, Any]:
    """By source, the figures of samples.

    Raises:
        RunNotFound: they were not measured.
    """
    found = measured_of(line).get("samples", {})
    if not {*SOURCES, "reconstructions"} <= set(found):
        raise RunNotFound(f"samples of {line.key} were not measured; run 'python -m vae_core evaluate'.")
    return dict(found)


def figures_of(line: Listed, source: str) -> str:
    """What was measured of many images drawn in one way, in words."""
    figures = samples_of(line)[source]
    return (
        f"{figures['n']:,} such images: Fréchet distance {figures['frechet']:.0f}, coverage "
        f"{100 * figures['coverage']:.0f}%."
    )


def how_little() -> tuple[int, str]:
    """What is left of the uniform bits once a prior predicts the codes."""
    line = prior_line(USUAL_PRIOR)
    bits, uniform = number(line, "prior_bits"), number(line, "uniform_bits")
    error = number(line, "prior_bits_standard_error")
    share = bits / uniform
    right = 0 if share > MOST else 1 if share > SOME else 2
    return right, (
        f"**{bits:.1f} ± {error:.1f} bits** are left of {uniform:.0f} ({100 * share:.0f}%), mean of "
        f"{measured_on(line)} with its standard error. Coding each cell on its own, by how often entries occur, takes "
        f"{number(line, 'independent_bits'):.0f}: the rest is what a cell's place and the cells before it tell."
    )


@per_shelf
def bits_table() -> Html:
    """Bits per image and figures of samples, by how codes are coded and drawn: HTML."""
    free, told = prior_line("free"), prior_line("told")
    rows: list[dict[str, object]] = []

    def add(name: str, line: Listed, bits: str, source: str) -> None:
        figures = samples_of(line)[source]
        error = measured_of(line).get(f"{bits}_standard_error") if bits else None
        rows.append(
            {
                "codes": name,
                "bits per image": ""
                if not bits
                else f"{number(line, bits):.1f}" + (f" ± {error:.1f}" if error else ""),
                "Fréchet": f"{figures['frechet']:.1f}",
                "coverage": f"{100 * figures['coverage']:.0f}%",
            }
        )

    add("uniform", free, "uniform_bits", "uniform")
    add("by frequency", free, "independent_bits", "independent")
    add("prior", free, "prior_bits", "prior")
    add("prior, told the class", told, "prior_bits", "prior")
    add("of held-out digits", free, "", "reconstructions")
    count = samples_of(free)["prior"]["n"]
    note = (
        f"Bits: {measured_on(free)}, ± standard error; the class itself takes up to 3.3 bits more. Fréchet and "
        f"coverage: {count:,} images against as many digits, in the features of a classifier; a prior that "
        "is told the class is told those of these digits; the last row is what the decoder makes of real digits' "
        "codes. One random start of each."
    )
    return as_html(rows, title="What a prior saves, and what it draws", note=note)


@per_shelf
def best_vae() -> Listed:
    """Of all shipped VAEs of these digits the one whose samples from N(0, I) are nearest, chosen on validation digits.

    Raises:
        RunNotFound: there is none.
    """
    found: list[tuple[float, Listed]] = []
    for line in shipped_lines():
        if line.spec and line.spec.model in ("vae", "conv_vae"):
            samples = line.metrics.get("validation", {}).get("samples", {})
            if "prior" in samples:
                found.append((samples["prior"]["frechet"], line))
    if not found:
        raise RunNotFound("no VAE is in the store; run 'python -m vae_core rebuild'.")
    return min(found, key=lambda one: one[0])[1]


def against_gaussians() -> str:
    """The prior's samples beside those of the best VAE drawn from N(0, I), in one sentence."""
    own = samples_of(prior_line(USUAL_PRIOR))["prior"]
    vae = best_vae()
    other = measured_of(vae)["samples"]["prior"]
    assert vae.spec is not None
    name = f"{model_kind(vae.spec.model).title}, d = {vae.spec.latent_dim}, β = {vae.spec.kl_weight:g}"
    return (
        f"The Fréchet distance of what the prior writes is **{own['frechet']:.1f}**. That of the best VAE that this "
        f"app comes with ({name}), drawn from N(0, I), is {other['frechet']:.1f}. They cover "
        f"{100 * own['coverage']:.0f}% and {100 * other['coverage']:.0f}% of the digits ({other['n']:,} samples each)."
    )
