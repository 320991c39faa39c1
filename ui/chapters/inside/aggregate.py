"""All posteriors together: how near they come to N(0, I), beside models of the β sweep."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.chapters.beta.sweep import label_of, stops_of
from ui.chapters.inside.instrument import measured, measured_on, run_of
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS, KL_COLOUR
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.runs.aggregate import SUM, aggregate_of, from_to
from ui.runs.resources import load_run
from ui.runs.selection import measured_of, measured_seeds_of, per_shelf
from vae_core.errors import RunNotFound
from vae_core.run import Run

STOPS_COMPARED = ("0", "0.1", "1", "4")
UNSURE = "rgba(128,138,152,0.25)"
LEFT_OVER = ("Less than a tenth", "More than a tenth", "It cannot be told")
FEW = 0.1
OFF_SCALE = 100.0  # nats: beside such a bar the others would be nothing


@per_shelf
def left_over(choice: str) -> tuple[int, str]:
    """How much of the KL term remains when all posteriors are put together: the answer that every start gives.

    Raises:
        RunNotFound: it was not measured.
    """
    run = run_of(choice)
    starts = [found for line in measured_seeds_of(run.spec) if (found := aggregate_of(measured_of(line)))]
    if not starts:
        raise RunNotFound(f"the aggregate posterior of {run.key} was not measured; run 'python -m vae_core "
                          "evaluate' on it.")  # fmt: skip
    least, most = zip(*(one.shares for one in starts), strict=True)
    kls = [one.kl for one in starts]
    sentence = (
        f"Of **{from_to(min(kls), max(kls), 1)} nats** of KL, between **{min(one.low for one in starts):.2f}** and "
        f"**{max(one.high for one in starts):.2f}** ({_share(min(least))} to {_share(max(most))}) are the divergence "
        f"of the aggregate posterior from N(0, I), {_over(len(starts))}, by {starts[0].n:,} {measured_on(run)}. The "
        f"rest, at least **{min(one.least_information for one in starts):.1f}**, is I(x; z), what the code says about "
        "its image."
    )
    if min(least) <= FEW < max(least):
        sentence += (
            f" The lower bound alone is from {min(least):.1%} to {max(least):.1%}: whether it is more than a tenth "
            "depends on the start."
        )
    if limited := next((one for one in starts if one.only_a_bound), None):
        sentence += (
            " Here the approximate posteriors hardly overlap: I(x; z) is at its limit for so many images, "
            f"ln {limited.n:,} = {limited.limit:.1f}, and is only a lower bound. With more images, more of the KL "
            "would count as I(x; z). The other bound is from a mixture that was fitted to other images' codes."
        )
    return (0 if max(most) < FEW else 1 if min(least) > FEW else 2), sentence


def _over(starts: int) -> str:
    return "for one trained model" if starts == 1 else f"over {starts} random starts"


def _share(value: float) -> str:
    """In percent, with a decimal where it is so near a tenth that whole ones would hide on which side."""
    return f"{value:.1%}" if abs(value - FEW) < 0.006 else f"{value:.0%}"


def _models(choice: str) -> dict[str, Run]:
    """The model on screen and models of the β sweep, by name."""
    run = run_of(choice)
    found = {f"this model, β = {run.spec.kl_weight:g}": run}
    for line in stops_of(run.spec.latent_dim):
        assert line.spec is not None  # the shelf holds readable runs only
        if label_of(line.spec) in STOPS_COMPARED:
            found[f"sweep, β = {label_of(line.spec)}"] = load_run(line.key)
    return found


@per_shelf
def split_figure(choice: str) -> Finished:
    """The KL of each model in three parts: surely I(x; z), surely the aggregate's divergence, and one or the other.

    With a line at ln N, beyond which no I(x; z) of N images can reach. A KL off the scale is left to the table.
    """
    of = {name: aggregate_of(measured(run)) for name, run in _models(choice).items()}
    known = {name: found for name, found in of.items() if found is not None and found.kl < OFF_SCALE}
    parts: tuple[tuple[str, list[float], dict[str, object]], ...] = (
        ("I(x; z), at least", [one.least_information for one in known.values()], {"color": CLASS_COLOURS[0]}),
        (
            "one or the other",
            [one.high - one.low for one in known.values()],
            {"color": UNSURE, "pattern": {"shape": "/", "fgcolor": "#808a98"}},
        ),
        ("KL(q(z) ‖ N(0, I)), at least", [one.low for one in known.values()], {"color": KL_COLOUR}),
    )
    chart, told = go.Figure(), {}
    for title, values, marker in parts:
        chart.add_bar(
            x=values, y=list(known), orientation="h", name=title, marker=marker,
            hovertemplate="%{x:.2f} nats",
        )  # fmt: skip
        told[title] = [f"{value:.2f} for {name}" for name, value in zip(known, values, strict=True)]
    n, limit = next(((one.n, one.limit) for one in known.values()), (1, 0.0))
    chart.add_vline(
        x=limit, line={"dash": "dash", "color": "#808a98", "width": 2},
        annotation={
            "text": f"ln {n:,} = {limit:.1f}", "yref": "paper", "y": 1.0, "yanchor": "bottom", "xanchor": "left",
        },
    )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=130 + 36 * len(known),
        barmode="stack",
        margin={"t": 24, "b": 84},
        xaxis={"title": "nats per image"},
        yaxis={"autorange": "reversed", "automargin": True},
        legend={"yanchor": "top", "y": -0.32, "traceorder": "normal"},
    )
    what = f"The KL in parts, nats per image; a line at ln {n:,} = {limit:.2f}, the most that I(x; z) can show."
    beyond = [f"{name} with {found.kl:,.0f} nats" for name, found in of.items() if found and found.kl >= OFF_SCALE]
    note = (
        f"{n:,} {measured_on(run_of(choice))}, one trained model each. Both bounds are widened by two standard errors."
        + (f" Off the scale, see the table: {', '.join(beyond)}." if beyond else "")
    )
    return Finished(chart, in_words(what, told), note)


@per_shelf
def together(choice: str) -> Html:
    """All posteriors together, for the model on screen and for models of the β sweep: HTML.

    Two tables, because they are of different images, and so that neither is wider than a phone.
    """
    models, run = _models(choice), run_of(choice)
    places = as_html(
        [_place_row(name, one) for name, one in models.items()],
        title="Where the codes of all images lie",
        note=f"{len(run.codes.labels):,} held-out digits, one trained model each; z is sampled from the approximate "
        "posterior of one of them. The variance of z is the variance of μ plus the mean of σ². Ranges go over the "
        "dimensions.",
        wraps=True,
    )
    parts = as_html(
        [_parts_row(name, one) for name, one in models.items()],
        title="The KL and its two parts",
        note=f"Nats per image, over {measured(run).get('n', 0):,} {measured_on(run)}: the KL, and two parts of which "
        f"each is known between two bounds. {SUM}",
        wraps=True,
    )
    return Html(places + parts)


def _place_row(name: str, run: Run) -> dict[str, object]:
    mean, noise = run.codes.mean.astype(np.float64), run.codes.mean_variance()
    spread = mean.var(axis=0)
    covariance = np.cov(mean, rowvar=False) + np.diag(noise)
    deviations = np.sqrt(np.diagonal(covariance))
    correlations = np.abs(covariance / np.outer(deviations, deviations))[~np.eye(len(covariance), dtype=bool)]
    return {
        "": name,
        "mean of z": _range(mean.mean(axis=0)),
        "variance of z": _range(spread + noise),
        "of it σ²": _range(noise / (spread + noise), percent=True),
        "largest correlation": f"{correlations.max():.2f}",
    }


def _parts_row(name: str, run: Run) -> dict[str, object]:
    found = aggregate_of(measured(run))
    return {
        "": name,
        "KL": f"{found.kl:,.2f}" if found else "–",
        "I(x; z)": found.told() if found else "–",
        "KL(q(z) ‖ N(0, I))": found.in_nats() if found else "–",
    }


def _range(values: np.ndarray, *, percent: bool = False) -> str:
    low, high = (_short(float(value), percent) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _short(value: float, percent: bool) -> str:
    if percent:
        return f"{value:.0%}" if value > 0.005 or value == 0 else "under 1%"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")
