"""What the measured figures say: tables, a figure, and the answers of the questions."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ui.chapters.uses.labels.draws import DRAWS, LEVELS
from ui.chapters.uses.labels.features import FEATURES
from ui.chapters.uses.labels.measured import Mean, accuracies, difference, kept, mean_of
from ui.chapters.uses.labels.transfer import LEVELS as TRANSFER_LEVELS
from ui.chapters.uses.labels.transfer import SOURCES
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import Rows, as_html, signed
from ui.once import once

ASKED = 10  # labels of each class that the questions are about
PLAIN, UNITS = "pixels", ("vae_all", "vae_active")
CONVOLUTIONAL = ("conv_ae", "hidden", "both")
WINNERS = ("Pixels, or PCA", "A fully connected autoencoder or VAE", "A convolutional autoencoder", "A VQ-VAE")
_GROUPS = (("pixels", "pca"), ("ae", "vae", *UNITS), CONVOLUTIONAL, ("vq",))
LEFT_IN = ("They help", "They change nothing", "They cost accuracy")
MORE = ("Less than the best code", "About as much", "More: the unlabelled digits teach it")
DASHES = ("solid", "dash", "dot", "dashdot")


def said(one: Mean) -> str:
    """A mean with its interval, per cent."""
    return f"{one.mean:.1f} ± {one.half:.1f} %"


def measured_note() -> str:
    """What the figures rest on."""
    document = kept()
    return (
        f"Per cent of the {document['n']:,} test digits, mean over {document['draws']} draws of labels ± half its 95% "
        "interval; the same draws for all features. Labelled digits are drawn from 5,000 that no model here has seen. "
        f"One support vector machine for all, C = {document['C']:g}, fixed beforehand on training and validation "
        "digits; one random start of each model."
    )


def best_at(level: int, names: tuple[str, ...] = tuple(FEATURES)) -> str:
    """The features with the highest mean."""
    return max(names, key=lambda name: accuracies(name, level).mean())


@once(maxsize=1)
def labels_figure() -> Finished:
    """Accuracy against labels of each class."""
    chart, told = go.Figure(), {}
    for number, (name, one) in enumerate(FEATURES.items()):
        means = [mean_of(accuracies(name, level)) for level in LEVELS]
        style = {"color": CLASS_COLOURS[number % len(CLASS_COLOURS)], "dash": DASHES[number % len(DASHES)], "width": 2}
        chart.add_scatter(
            x=LEVELS, y=[each.mean for each in means], name=one.title, mode="lines+markers", line=style,
            error_y={"type": "data", "array": [each.half for each in means], "thickness": 1, "width": 2},
            hovertemplate="%{y:.1f} %",
        )  # fmt: skip
        told[one.title] = [f"{each.mean:.1f} % with {level}" for level, each in zip(LEVELS, means, strict=True)]
    chart.update_layout(
        template=TEMPLATE,
        height=460,
        xaxis={"title": "labels of each class", "type": "log", "tickvals": LEVELS, "ticktext": list(map(str, LEVELS))},
        yaxis={"title": "test digits told right, %", "range": [25, 100]},
    )
    words = in_words("Per cent of test digits told right against labels of each class, on a logarithmic axis.", told)
    return Finished(chart, words, measured_note())


def table(level: int, number: int) -> Html:
    """Every kind of features with so many labels of each class: mean, spread, and one draw, from 0."""
    top = best_at(level)
    rows: Rows = []
    for name, one in FEATURES.items():
        values = accuracies(name, level)
        mean = mean_of(values)
        rows.append(
            {
                "": f"{one.title}{' ★' if name == top else ''}",
                "mean of draws": f"{mean.mean:.1f} ± {mean.half:.1f}",
                "spread": f"{mean.spread:.1f}",
                "this draw": f"{values[number]:.1f}",
                "given": one.about,
            }
        )
    note = f"{measured_note()} Spread: standard deviation over draws. ★ the highest mean."
    return as_html(rows, title=f"Test digits told right with {level} labels of each class, per cent", note=note)


def hundred() -> tuple[int, str]:
    """Whose features win with 100 labels: the option's number, and why."""
    tops = [best_at(ASKED, group) for group in _GROUPS]
    right = int(np.argmax([accuracies(name, ASKED).mean() for name in tops]))
    each = "; ".join(f"{FEATURES[name].title} {said(mean_of(accuracies(name, ASKED)))}" for name in tops)
    winner = tops[right]
    gain = difference(winner, PLAIN, ASKED)
    return right, (
        f"The best of each: {each}. **{FEATURES[winner].title}** is {gain.mean:.1f} ± {gain.half:.1f} points above "
        "pixels, draw by draw."
    )


def units() -> tuple[int, str]:
    """What collapsed units do to a classifier that is given all of them alike."""
    change = difference(*UNITS, ASKED)
    clear = abs(change.mean) > change.half
    right = 1 if not clear else 0 if change.mean > 0 else 2
    known = kept()["features"]
    every, active = (known[name]["d"] for name in UNITS)
    means = [mean_of(accuracies(name, ASKED)) for name in UNITS]
    return right, (
        f"All {every} units: {said(means[0])}; the {active} active ones alone: {said(means[1])}; draw by draw a "
        f"difference of {signed(change.mean, 1)} ± {change.half:.1f} points. The mean of a collapsed unit hardly "
        "depends on the image. Brought to the variance of the others, what is left of it counts as much as they do."
    )


def m2_figures() -> list[dict[str, float]]:
    """``seed`` and ``accuracy``, a share, of every trained M1+M2."""
    found: list[dict[str, float]] = kept()["m2"]["runs"]
    return found


def m2_mean() -> tuple[float, float, float]:
    """Mean, least and greatest accuracy over seeds, per cent."""
    values = [100.0 * one["accuracy"] for one in m2_figures()]
    return float(np.mean(values)), min(values), max(values)


def unlabelled() -> tuple[int, str]:
    """Whether M2 is better than the best features with as many labels."""
    top = best_at(ASKED)
    features = mean_of(accuracies(top, ASKED))
    mean, low, high = m2_mean()
    margin = mean - features.mean
    right = 1 if abs(margin) <= features.spread else 2 if margin > 0 else 0
    count = len(m2_figures())
    starts = (
        f"{low:.1f} to {high:.1f} over {count} seeds, each with other labelled digits"
        if count > 1
        else "one seed, which also draws the labelled digits"
    )
    return right, (
        f"M1+M2 tells **{mean:.1f} %** of the {kept()['n']:,} test digits ({starts}); {FEATURES[top].title} with the "
        f"same number of labels {said(features)}. It saw {kept()['m2']['images']:,} digits, nearly all without a "
        "label. Kingma et al. report 96.7 % for M1+M2 and 88.0 % for M2 alone, with 100 labels, other digits "
        "without a label, and far longer training."
    )


def m2_table() -> Html:
    """Every seed of M1+M2."""
    rows: Rows = [
        {"seed": f"{one['seed']}", "test digits told right, %": f"{100 * one['accuracy']:.1f}"} for one in m2_figures()
    ]
    document = kept()["m2"]
    note = (
        f"{document['labels']} labelled digits of each class, drawn by the seed from the {document['images']:,} "
        f"training digits, all others without a label; {kept()['n']:,} test digits. The recipe was chosen on "
        "validation digits, with seeds 0 and 1."
    )
    return as_html(rows, title="M1+M2 by seed", note=note)


def transfer_table() -> Html:
    """Features of one data set, labels of another."""
    rows: Rows = []
    for name, title in SOURCES.items():
        row: dict[str, object] = {"": title}
        for level in TRANSFER_LEVELS:
            mean = mean_of(accuracies(name, level, "transfer"))
            row[f"{level} per class"] = f"{mean.mean:.1f} ± {mean.half:.1f}"
        rows.append(row)
    count = kept()["transfer"]["small"]["n"]
    note = (
        f"Per cent of {count:,} held-out small digits, mean over {DRAWS} draws of labels ± half its 95% interval. For "
        "models of MNIST the 8 by 8 pixels were scaled to 20 by 20 and put in the middle of 28 by 28."
    )
    return as_html(rows, title="Small digits told right, by where the features were learned", note=note)


def transfer_text() -> str:
    """Whether features of MNIST help with the small digits: markdown."""
    foreign = [name for name in SOURCES if name not in ("small", "own")]
    lines, helped = [], []
    for name in foreign:
        gains = [difference(name, "small", level, "transfer") for level in (1, ASKED)]
        helped += [gain.mean > gain.half for gain in gains]
        parts = [
            f"{signed(gain.mean, 1)} ± {gain.half:.1f} with {level} of each class"
            + ("" if abs(gain.mean) > gain.half else " (no clear difference)")
            for level, gain in zip((1, ASKED), gains, strict=True)
        ]
        lines.append(f"- **{SOURCES[name]}**: {', '.join(parts)}")
    verdict = (
        "So what was learned on MNIST helps here."
        if all(helped)
        else "So what was learned on MNIST helps here in part."
        if any(helped)
        else "So nothing that was learned on MNIST helps here, though it helped at home: small digits, blurred by "
        "scaling, are not what those models saw, and their own 64 pixels are few and tell much."
    )
    return f"Points above the 64 pixels as they are:\n\n{chr(10).join(lines)}\n\n{verdict}"
