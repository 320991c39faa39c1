"""What the β chapter tells of its sweeps, computed once for as long as the store stays as it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import plotly.graph_objects as go

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.runs.resources import load_run, shelf
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.payloads.plane import Payload
from vae_core.payloads.sweep import in_bundles, sweep_payloads
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Listed

DIMENSIONS = (2, 16)
DATASET, HIDDEN = "mnist", (96, 48)
USUAL = "1"
TITLE = "Variational autoencoder"


def label_of(spec: RunSpec) -> str:
    """A stop's name on the dial."""
    return "KL only" if spec.data_weight == 0 else f"{spec.kl_weight:g}"


@per_shelf
def stops_of(dimensions: int) -> tuple[Listed, ...]:
    """The sweep's members in the store, along the dial.

    Raises:
        RunNotFound: fewer than two.
    """
    wanted = [
        spec
        for spec in read_manifest()
        if (spec.dataset, spec.model, spec.hidden, spec.latent_dim) == (DATASET, "vae", HIDDEN, dimensions)
    ]
    lines = {line.key: line for line in shelf().lines}
    found = tuple(lines[spec.key] for spec in sorted(wanted, key=_place) if spec.key in lines)
    if len(found) < 2:
        raise RunNotFound(f"the sweep at d = {dimensions} is not in the store; run 'python -m vae_core rebuild'.")
    return found


def _place(spec: RunSpec) -> tuple[bool, float]:
    return spec.data_weight == 0, spec.kl_weight


def _spec(line: Listed) -> RunSpec:
    assert line.spec is not None  # the shelf holds readable runs only
    return line.spec


def labels_of(dimensions: int) -> list[str]:
    """Names of the stops."""
    return [label_of(_spec(line)) for line in stops_of(dimensions)]


def numbers_of(line: Listed) -> dict[str, Any]:
    """What the dial shows of a stop, from the run's file."""
    spec, metrics = _spec(line), line.metrics.get("test") or line.metrics.get("validation", {})
    variances = [deviation**2 for deviation in metrics.get("code_std", [])]
    return {
        "label": label_of(spec),
        **({"name": "KL alone"} if spec.data_weight == 0 else {}),
        "reconstruction": metrics.get("reconstruction"),
        "kl": metrics.get("kl"),
        "hole_rate": figure(line, "samples", "prior", "hole_rate"),
        "sigma_over_spread": metrics.get("sigma_over_spread") if metrics.get("active_units") else None,
        "kl_per_dimension": metrics.get("kl_per_dimension", []),
        "active": [variance > 0.01 for variance in variances],
        "n": metrics.get("n"),
    }


@per_shelf
def dial_of(dimensions: int, start: int, images: str) -> tuple[Payload, list[Payload]]:
    """The dial's payload and its stops in bundles, the start first.

    Args:
        dimensions: d.
        start: the stop shown first.
        images: name of the held-out images.
    """
    lines = stops_of(dimensions)
    plane = "all of latent space" if dimensions == 2 else "each model's codes in their principal plane"
    dial, stops = sweep_payloads(
        [load_run(line.key) for line in lines],
        [numbers_of(line) for line in lines],
        start=start,
        title=f"{TITLE}, d = {dimensions}",
        subtitle=f"The same 5,000 held-out digits in {len(lines)} trained models; {plane}.",
        palette=list(CLASS_COLOURS),
        options={"images": images},
    )
    return dial, in_bundles(stops)


@lru_cache(maxsize=64)
def _curve(points: tuple[tuple[str, float, float], ...], marked: int) -> Finished:
    chart = go.Figure()
    chart.add_scatter(
        x=[kl for _, kl, _ in points], y=[distortion for _, _, distortion in points],
        text=[name for name, *_ in points], mode="lines+markers+text", textposition="top center", name="β",
        line={"color": CLASS_COLOURS[0]}, hovertemplate="β = %{text}<br>KL %{x:.1f}<br>reconstruction %{y:.1f}",
    )  # fmt: skip
    name, kl, distortion = points[marked]
    chart.add_scatter(
        x=[kl], y=[distortion], mode="markers", name=f"β = {name}", hoverinfo="skip",
        marker={"size": 16, "color": "rgba(0,0,0,0)", "line": {"color": CLASS_COLOURS[1], "width": 3}},
    )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=360,
        showlegend=False,
        xaxis={"title": "rate: KL, nats per image", "type": "log", "tickvals": [1, 3, 10, 30, 100, 300, 1000]},
        yaxis={"title": "distortion: reconstruction, nats per image"},
        hovermode="closest",
    )
    told = {
        f"β = {one}" if one[0].isdigit() else one: [f"KL {rate:.1f}", f"reconstruction {distortion:.1f}"]
        for one, rate, distortion in points
    }
    what = f"Reconstruction against KL, nats per image, a trained model at each point; the ring is at β = {name}."
    return Finished(chart, in_words(what, told))


def rate_distortion(dimensions: int, marked: int) -> Finished:
    """Reconstruction against KL, every point a trained model; the one on the dial has a ring.

    The KL alone and a full collapse have no place on it: on a scale of ratios a rate of 0 is infinitely far left.
    """
    shown: list[tuple[str, float, float]] = []
    place = 0
    for index, line in enumerate(stops_of(dimensions)):
        rate, distortion = figure(line, "kl"), figure(line, "reconstruction")
        if rate is None or distortion is None or rate < 0.01 or _spec(line).data_weight == 0:
            continue
        if index <= marked:
            place = len(shown)
        shown.append((label_of(_spec(line)), rate, distortion))
    return _curve(tuple(shown), place)


def best_for_samples(dimensions: int) -> tuple[int, str]:
    """The stop whose samples from N(0, I) are nearest to real digits: its place on the dial, and all distances."""
    lines = stops_of(dimensions)
    distances = [figure(line, "samples", "prior", "frechet") for line in lines]
    known = [(distance, place) for place, distance in enumerate(distances) if distance is not None]
    if not known:
        raise RunNotFound("samples were not measured on this sweep: train its dataset's classifier first.")
    told = ", ".join(f"β = {label_of(_spec(lines[place]))}: {distance:.0f}" for distance, place in known)
    return min(known)[1], f"Classifier Fréchet distance of samples from N(0, I) to real digits, less is better. {told}."


def collapse(dimensions: int) -> tuple[int, str]:
    """What becomes of the loss at the largest β: the index of the right answer and the numbers."""
    last = [line for line in stops_of(dimensions) if _spec(line).data_weight != 0][-1]
    kl, distortion = figure(last, "kl"), figure(last, "reconstruction")
    units = figure(last, "active_units")
    if kl is None or distortion is None:
        raise RunNotFound(f"{last.key} was not measured.")
    told = (
        f"At β = {label_of(_spec(last))} the KL is {kl:.2f} nats, the reconstruction {distortion:.1f} nats, and "
        f"{units or 0:.0f} of {dimensions} dimensions are active."
    )
    return (1 if kl < 0.1 else 0), told


@per_shelf
def sweep_table(dimensions: int) -> Html:
    """Every stop with its numbers: HTML."""
    rows: list[dict[str, object]] = []
    for line in stops_of(dimensions):
        metrics = line.metrics.get("test", {})
        ratio = metrics.get("sigma_over_spread")
        rows.append(
            {
                "β": label_of(_spec(line)),
                "reconstruction": _nats(metrics.get("reconstruction")),
                "KL": _nats(metrics.get("kl")),
                "I(x; z)": _nats(metrics.get("mutual_information")),
                "KL(q(z) ‖ p)": _nats(metrics.get("aggregate_kl")),
                "active units": metrics.get("active_units", "–"),
                "median σ / spread of μ": f"{ratio:.2g}" if ratio and metrics.get("active_units") else "collapsed",
                "neighbours of the same class": _share(metrics.get("label_agreement")),
                "holes": _share(figure(line, "samples", "prior", "hole_rate")),
            }
        )
    return as_html(
        rows,
        title=f"The sweep at d = {dimensions} in numbers",
        note="Nats per image, z sampled, 10,000 test digits; holes: of 3,000 samples from N(0, I). The KL is I(x; z), "
        "what the code tells of its image, plus KL(q(z) ‖ p), how far all codes together are from the prior; both are "
        "estimated from 2,000 draws.",
    )


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if value >= 0.05 else "0"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def formulas(dimensions: int, marked: int) -> list[tuple[str, str]]:
    """The mathematics with the numbers of one stop."""
    line = stops_of(dimensions)[marked]
    reconstruction, kl = figure(line, "reconstruction") or 0.0, figure(line, "kl") or 0.0
    beta, weight = _spec(line).kl_weight, _spec(line).data_weight
    return [
        (
            f"The loss is a weighted sum of two terms: at the stop {label_of(_spec(line))} it is {weight:g} × "
            f"{reconstruction:.1f} + {beta:g} × {kl:.1f} = {weight * reconstruction + beta * kl:.1f} nats per image. "
            "Only with β = 1 it is the negative ELBO, a bound on −log p(x).",
            r"\mathcal{L}_\beta(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
            r" + \beta\,\mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
        ),
        (
            "Without the KL nothing holds the posteriors open: σ may shrink towards 0, or all μ may drift apart, which "
            "is the same thing in another unit. Both show in one number, the median σ over the spread of μ.",
            r"\mathrm{KL} = \tfrac12 \sum_i \big(\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2\big)",
        ),
        (
            "With a Gaussian likelihood of variance c the reconstruction is a squared error divided by 2c: multiplied "
            "by c it is seen that c and β are the same dial.",
            r"\frac{\lVert x - f(z) \rVert^2}{2c} + \mathrm{KL} \;\propto\;"
            r" \frac{\lVert x - f(z) \rVert^2}{2c_0} + \frac{c}{c_0}\,\mathrm{KL}",
        ),
    ]
