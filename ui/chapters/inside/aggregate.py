"""All posteriors together: how near they come to N(0, I), beside models of the β sweep."""

from __future__ import annotations

import math

import numpy as np

from ui.chapters.beta.sweep import label_of, stops_of
from ui.chapters.inside.instrument import measured, measured_on, run_of
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound
from vae_core.run import Run

STOPS_COMPARED = ("0", "0.1", "1", "4")
# The KL and what it is the sum of, in nats (Hoffman and Johnson 2016): heading -> measurement.
SPLIT = {"KL": "kl", "I(x; z)": "mutual_information", "KL(q(z) ‖ N(0, I))": "aggregate_kl"}
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
        f"Of **{kl:.1f} nats** of KL, **{rest:.2f}** ({share:.0%}) are the divergence of the aggregate posterior of "
        f"all {n:,} {measured_on(run)} from N(0, I). The other **{told:.1f}** are I(x; z), what the code says about "
        "its image."
    )
    if told > 0.95 * math.log(n):
        sentence += (
            f" Here the approximate posteriors hardly overlap: I(x; z) is at its limit, ln {n:,} = {math.log(n):.1f}. "
            "With more images, more of the KL would count as I(x; z)."
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
        title="All approximate posteriors together",
        note=f"{len(run.codes.labels):,} held-out digits; z is sampled from the approximate posterior of one of them. "
        "The variance of z is the variance of μ plus the mean of σ². Ranges go over the dimensions. The last three "
        f"columns are in nats, over {measured(run).get('n', 0):,} {measured_on(run)}: the KL is the sum of the other "
        "two.",
    )


def _together_row(name: str, run: Run) -> dict[str, object]:
    mean, noise = run.codes.mean.astype(np.float64), run.codes.mean_variance()
    spread = mean.var(axis=0)
    covariance = np.cov(mean, rowvar=False) + np.diag(noise)
    deviations = np.sqrt(np.diagonal(covariance))
    correlations = np.abs(covariance / np.outer(deviations, deviations))[~np.eye(len(covariance), dtype=bool)]
    numbers = measured(run)
    return {
        "": name,
        "mean of z": _range(mean.mean(axis=0)),
        "variance of z": _range(spread + noise),
        "of it σ²": _range(noise / (spread + noise), percent=True),
        "largest correlation": f"{correlations.max():.2f}",
        **{heading: _nats(numbers.get(measure)) for heading, measure in SPLIT.items()},
    }


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _range(values: np.ndarray, *, percent: bool = False) -> str:
    low, high = (_short(float(value), percent) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _short(value: float, percent: bool) -> str:
    if percent:
        return f"{value:.0%}" if value > 0.005 or value == 0 else "under 1%"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")
