"""What a likelihood makes of grey pixels: the same VAE with the Bernoulli formula, and with the continuous one."""

from __future__ import annotations

from dataclasses import replace

from ui.chapters.mathematics.importance import DATASET, shown_spec
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.runs.resources import shelf
from ui.runs.selection import compared_spec, figure, measured_on, per_shelf
from vae_core.errors import RunNotFound
from vae_core.program.continuous_bernoulli import LARGEST_LOGIT
from vae_core.spec import RunSpec

DIMENSIONS = 2


def specs() -> dict[str, RunSpec]:
    """What each was trained on and with -> the run: they differ in nothing else."""
    grey = compared_spec("vae", DATASET, DIMENSIONS)
    return {
        "Bernoulli, 0 or 1": shown_spec(DIMENSIONS),
        "Bernoulli, grey": grey,
        "continuous, grey": replace(grey, likelihood="continuous_bernoulli"),
    }


def meaning(spec: RunSpec) -> str:
    """What the negative ELBO of a run bounds."""
    if spec.binarised:
        return "−log P(x)"
    return "nothing" if spec.likelihood == "bernoulli" else "−log p(x)"


@per_shelf
def grey_table() -> Html:
    """Every run with its negative ELBO, what that bounds, and its squared error: HTML.

    Raises:
        RunNotFound: one of them is not in the store.
    """
    lines = {line.key: line for line in shelf().lines}
    rows: list[dict[str, object]] = []
    shown = [lines[spec.key] for spec in specs().values() if spec.key in lines]
    for name, spec in specs().items():
        if spec.key not in lines:
            raise RunNotFound(f"the run {spec.key} is not in the store; run 'python -m vae_core rebuild'.")
        loss, error = (figure(lines[spec.key], name) for name in ("negative_elbo", "mse"))
        if loss is None or error is None:
            raise RunNotFound(f"the run {spec.key} was not measured; run 'python -m vae_core evaluate {spec.key}'.")
        rows.append(
            {
                "likelihood": name,
                "−ELBO": f"{loss:,.1f}".replace("-", "−"),
                "bounds": meaning(spec),
                "error": f"{error:.4f}",
            }
        )
    return as_html(
        rows,
        title="Three likelihoods",
        note=f"P is a probability, p a density. The same network with d = {DIMENSIONS}, one run each; nats per image, "
        f"and squared error per pixel at the mean code, {measured_on(*shown)}. In the first row their pixels are "
        "drawn, too: no decoder can guess which way a pixel falls. In the last, logits are bounded at "
        f"±{LARGEST_LOGIT:g}: a pixel that is black in all images would otherwise have a density without end.",
    )


def grey_text() -> str:
    """The passage: markdown."""
    return (
        "Most VAEs are trained on grey pixels with the Bernoulli formula, as in the other chapters. Over all grey "
        "values it does not integrate to 1, so it is a loss, and −ELBO bounds nothing. The **continuous Bernoulli** "
        "divides it by its integral:\n\n$$\n"
        r"\begin{aligned} p(x|\lambda) &= C(\lambda)\,\lambda^x (1 - \lambda)^{1 - x} \\ "
        r"C(\lambda) &= \frac{2 \tanh^{-1}(1 - 2\lambda)}{1 - 2\lambda} \end{aligned}"
        "\n$$\n\n"
        "Now there is a bound on grey pixels, too. It is a bound on a density, which may exceed 1: its nats may be "
        "negative, and cannot be compared with those of another row. The image to show is the mean $E[x|z]$, not "
        "$\\lambda$, which is farther from one half. Train your own offers it."
    )
