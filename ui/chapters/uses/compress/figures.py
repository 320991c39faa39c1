"""What the measured figures say: answers, tables, plots, verdicts."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ui.chapters.uses.compress.methods import TARGET, chosen, measured, setting, vae_line
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS, KL_COLOUR, MODEL_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.selection import measured_of

HOW_FEW = ("About half of them", "About a fifth", "A tenth, or less")
HALF, TENTH = 1 / 3, 1 / 8  # shares of PNG's bits: borders between the answers
IN_MOSAIC = ("Nearly as many", "About half as many", "A third, or less")
NEARLY, THIRD = 0.75, 0.4
WITH_BITS_BACK = ("Nearly as many: a bit is a bit", "About half as many", "A fifth, or less")
FIFTH = 0.3
ERROR_TICKS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)


class Method(NamedTuple):
    """A row of the comparison.

    Attributes:
        name: to display.
        figures: bits, mse, n.
        setting: how it is set, to display.
        size: bytes that both sides must have beforehand; 0 for files, whose programs everybody has.
    """

    name: str
    figures: dict[str, Any]
    setting: str = ""
    size: int = 0


@once(maxsize=1)
def methods() -> tuple[Method, ...]:
    """What is compared on grey digits, each as chosen on validation digits."""
    grid, pca = measured()["grid"], measured()["pca"]
    return (
        Method("Codebook and prior", chosen("grid", ""), f"λ = {setting('grid', ''):g}", grid["size"]),
        Method("PCA, rounded", chosen("pca", ""), f"step {setting('pca', ''):g}", pca["size"]),
        Method("JPEG, mosaic", chosen("jpeg_mosaic"), f"quality {setting('jpeg_mosaic'):.0f}"),
        Method("WebP, mosaic", chosen("webp_mosaic"), f"quality {setting('webp_mosaic'):.0f}"),
        Method("JPEG, alone", chosen("jpeg_alone"), f"quality {setting('jpeg_alone'):.0f}"),
        Method("WebP, alone", chosen("webp_alone"), f"quality {setting('webp_alone'):.0f}"),
        Method("WebP lossless, mosaic", _lossless("webp_lossless_mosaic")),
        Method("PNG, mosaic", _lossless("png_mosaic")),
        Method("WebP lossless, alone", _lossless("webp_lossless_alone")),
        Method("PNG, alone", _lossless("png_alone")),
    )


def _lossless(name: str) -> dict[str, Any]:
    found: dict[str, Any] = measured()["files"][name]["all"][""]
    return found


def of(name: str) -> Method:
    """A row by its name."""
    return next(method for method in methods() if method.name == name)


def pays_after(method: Method, other: Method) -> float:
    """Images after which a method with a model of its own has sent fewer bits than another: infinite if never."""
    saved = other.figures["bits"] - method.figures["bits"]
    return 8 * (method.size - other.size) / saved if saved > 0 else math.inf


def how_few() -> tuple[int, str]:
    """The codes' bits beside PNG's."""
    own, png = of("Codebook and prior").figures, of("PNG, alone").figures
    share = own["bits"] / png["bits"]
    right = 0 if share > HALF else 1 if share > TENTH else 2
    return right, (
        f"**{own['bits']:.1f} bits** an image in one stream of {own['n']:,} test digits, {100 * share:.0f}% of PNG's "
        f"{png['bits']:,.0f} (mean of {png['n']:,}). PNG keeps every pixel; the codes have a squared error of "
        f"{own['mse']:.4f} per pixel. {against_theory()}"
    )


def against_theory() -> str:
    """Whether the stream takes what theory says."""
    own = of("Codebook and prior").figures
    away = 100 * (own["bits"] / own["expected_bits"] - 1)
    return (
        f"The prior's cross-entropy is {own['expected_bits']:.1f} ± {own['bits_standard_error']:.1f} bits: written and "
        f"theory differ by {abs(away):.2f}%."
    )


def in_mosaic() -> tuple[int, str]:
    """JPEG in a mosaic beside JPEG alone, at one quality."""
    quality = f"{setting('jpeg_alone'):.0f}"
    files = measured()["files"]
    single, sheet = files["jpeg_alone"]["all"][quality], files["jpeg_mosaic"]["all"][quality]
    share = sheet["bits"] / single["bits"]
    right = 0 if share > NEARLY else 1 if share > THIRD else 2
    return right, (
        f"**{sheet['bits']:.0f} bits** a digit in one file of {sheet['n']:,}, {single['bits']:,.0f} alone (mean of "
        f"{single['n']:,}), at quality {quality}: {100 * (1 - share):.0f}% of a small file are its head, with tables "
        f"that say "
        "how to read the rest. Whoever compares a network with small files compares it with heads."
    )


def verdict() -> str:
    """Who takes fewest bits within the error, and what its model costs: markdown."""
    own = of("Codebook and prior")
    others = [method for method in methods() if method is not own and method.figures["mse"] <= TARGET]
    best = min(others, key=lambda method: method.figures["bits"])
    first, second = sorted((own, best), key=lambda method: method.figures["bits"])
    lines = [
        f"Within an error of {TARGET:g} per pixel “{first.name}” takes fewest bits: {first.figures['bits']:.0f}, at "
        f"{first.figures['mse']:.4f}. “{second.name}” takes {second.figures['bits']:.0f}, at "
        f"{second.figures['mse']:.4f}."
    ]
    for name in ("PNG, alone", "JPEG, mosaic", best.name):
        if math.isfinite(after := pays_after(own, of(name))):
            lines.append(
                f"Against {name} its model of {own.size / 1000:,.0f} kB pays for itself after {after:,.0f} images."
            )
    return " ".join(dict.fromkeys(lines))


def comparison_table() -> Html:
    """Every way at its chosen setting: HTML."""
    rows: list[dict[str, object]] = []
    own = of("Codebook and prior")
    for method in methods():
        figures = method.figures
        after = pays_after(own, method)
        rows.append(
            {
                "way": method.name,
                "set to": method.setting,
                "bits per image": f"{figures['bits']:,.1f}" if figures["bits"] < 1_000 else f"{figures['bits']:,.0f}",
                "squared error": f"{figures['mse']:.4f}" if figures["mse"] else "0",
                "test digits": f"{figures['n']:,}",
                "model": f"{method.size / 1000:,.0f} kB" if method.size else "",
                "codes pay after": "" if method is own else f"{after:,.0f}" if math.isfinite(after) else "never",
            }
        )
    note = (
        f"Lossy ways at the setting with fewest bits whose error on {measured()['tuning']:,} validation digits is at "
        f"most {TARGET:g} per "
        "pixel (pixels from 0 to 1). Streams and mosaics: one for all test digits, heads and checksums included. "
        "Model: weights "
        "in half precision that both sides must have, or components and frequencies. The last column: after how many "
        "images the "
        "codebook's model has paid for itself against this way."
    )
    return as_html(rows, title="Bits and errors", note=note)


def rate_figure() -> Finished:
    """Squared error against bits, at every measured setting."""
    chart, told = go.Figure(), {}
    files, document = measured()["files"], measured()
    lines = (
        ("Codebook and prior, λ", document["grid"]["all"], MODEL_COLOURS["linear_ae"], "star", "solid"),
        ("PCA, rounded", document["pca"]["all"], MODEL_COLOURS["pca"], "square", "solid"),
        ("JPEG, mosaic", files["jpeg_mosaic"]["all"], CLASS_COLOURS[0], "circle", "solid"),
        ("WebP, mosaic", files["webp_mosaic"]["all"], CLASS_COLOURS[2], "diamond", "solid"),
        ("JPEG, alone", files["jpeg_alone"]["all"], CLASS_COLOURS[0], "circle-open", "dot"),
        ("WebP, alone", files["webp_alone"]["all"], CLASS_COLOURS[2], "diamond-open", "dot"),
    )
    for name, settings, colour, symbol, dash in lines:
        places = sorted((one["bits"], one["mse"], key) for key, one in settings.items())
        bits, errors, names = zip(*places, strict=True)
        chart.add_scatter(
            x=bits, y=errors, name=name, mode="lines+markers", text=names, line={"color": colour, "dash": dash},
            marker={"symbol": symbol, "size": 9, "color": colour},
            hovertemplate=f"{name} %{{text}}: %{{x:.0f}} bits, %{{y:.4f}}<extra></extra>",
        )  # fmt: skip
        told[name] = [f"{bit:.0f} bits, {error:.4f}" for bit, error, _ in places]
    for name, label in (("png_alone", "PNG"), ("png_mosaic", "PNG, mosaic")):
        chart.add_vline(
            x=_lossless(name)["bits"], line={"dash": "dash", "color": "rgba(128,138,152,0.8)", "width": 1},
            annotation_text=label, annotation_textangle=-90, annotation_position="bottom left",
        )  # fmt: skip
        told[f"{label}, lossless"] = [f"{_lossless(name)['bits']:.0f} bits"]
    chart.add_hline(y=TARGET, line={"dash": "dot", "color": "rgba(128,138,152,0.8)"}, annotation_text=f"{TARGET:g}")
    chart.update_layout(
        template=TEMPLATE, height=460, hovermode="closest",
        xaxis={"title": "bits per image", "type": "log", "tickvals": (50, 100, 200, 500, 1000, 2000)},
        yaxis={"title": "squared error per pixel", "type": "log",
               "tickvals": ERROR_TICKS, "ticktext": [f"{tick:g}" for tick in ERROR_TICKS]},
    )  # fmt: skip
    grid = document["grid"]["all"]
    note = (
        f"Test digits: PCA and mosaics {document['pca']['all'][document['pca']['chosen']]['n']:,}, files alone "
        f"{files['jpeg_alone']['all'][str(files['jpeg_alone']['chosen'])]['n']:,}; codebook "
        f"{min(one['n'] for one in grid.values()):,}, at the chosen "
        f"λ {chosen('grid', '')['n']:,}. One random start of the codebook and of its prior. Both axes are logarithmic."
    )
    return Finished(chart, in_words("Squared error per pixel against bits per image, both logarithmic.", told), note)


# ---- bits-back ----------------------------------------------------------------------------------------------------


def with_bits_back() -> tuple[int, str]:
    """What an image costs in the chain beside what is written for it."""
    found = measured()["bits_back"]
    paid, net, elbo = found["paid"]["bits"], found["net"]["bits"], found["negative_elbo"]
    share = net / paid
    right = 0 if share > NEARLY else 1 if share > FIFTH else 2
    away = 100 * (net / elbo["bits"] - 1)
    return right, (
        f"**{net:.1f} bits** in the mean of {found['n']:,} test digits, instead of {paid:.1f}: each borrows "
        f"{found['borrowed']['bits']:.0f} bits for its z, and the decoder gets them back. The negative ELBO of the "
        f"same "
        f"digits is {elbo['bits']:.1f} ± {elbo['bits_standard_error']:.1f} bits: written and theory differ by "
        f"{away:+.2f}%. "
        "All of them were decoded to the bit, and the bits borrowed first came out again."
    )


def kl_bits() -> float:
    """The VAE's KL on test digits, in bits."""
    return float(measured_of(vae_line())["kl"]) / math.log(2)


def bits_back_text() -> str:
    """What the chain starts with, and what files take for the same digits: markdown."""
    found = measured()["bits_back"]
    files = found["files"]
    return (
        f"The first image finds nothing to borrow from. So {found['initial_bits']} random bits are put there, of "
        f"which it "
        f"took {found['first_borrowed']:.0f}. Spread over n images they weigh 1/n: that is the falling curve. A [[KL]] "
        "is the rate of a *chain*, never of one image alone.\n\n"
        f"For the same digits in black and white, lossless: one PNG for each takes {files['png_alone']['bits']:,.0f} "
        f"bits, one "
        f"of all {files['png_mosaic']['bits']:.0f}; lossless WebP {files['webp_lossless_alone']['bits']:.0f} and "
        f"{files['webp_lossless_mosaic']['bits']:.0f}. The VAE's weights are {found['size'] / 1000:,.0f} kB: against "
        f"the best of "
        f"these it pays for itself after {_vae_pays():,.0f} images."
    )


def _vae_pays() -> float:
    found = measured()["bits_back"]
    best = min(one["bits"] for one in found["files"].values())
    return 8 * found["size"] / (best - found["net"]["bits"])


def bits_back_figure() -> Finished:
    """Bits per image against the number of images in the chain."""
    found = measured()["bits_back"]
    start = found["stack"][0][1]
    places = [(count, bits) for count, bits in found["stack"] if count]
    counts = [count for count, _ in places]
    whole = [(found["initial_bits"] + bits - start) / count for count, bits in places]
    net = [(bits - start) / count for count, bits in places]
    chart, told = go.Figure(), {}
    for name, values, colour, dash in (
        ("with the initial bits", whole, KL_COLOUR, "solid"),
        ("without them: they come back", net, CLASS_COLOURS[0], "dot"),
    ):
        chart.add_scatter(
            x=counts,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"size": 6},
        )
        told[name] = [f"{value:.0f} at {count:,}" for count, value in zip(counts, values, strict=True)]
    for value, label, where in (
        (found["negative_elbo"]["bits"], "−ELBO / ln 2", "bottom right"),
        (found["paid"]["bits"], "if nothing came back", "top right"),
    ):
        chart.add_hline(
            y=value, line={"dash": "dash", "color": "rgba(128,138,152,0.9)"}, annotation_text=label,
            annotation_position=where,
        )  # fmt: skip
        told[label] = [f"{value:.0f}"]
    chart.update_layout(
        template=TEMPLATE, height=380,
        xaxis={"title": "images in the chain", "type": "log", "tickvals": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)},
        yaxis={"title": "bits per image", "rangemode": "tozero"},
    )  # fmt: skip
    note = (
        f"{found['n']:,} test digits in black and white (each pixel drawn once from its grey value), one chain; "
        f"{found['initial_bits']} initial bits. The negative ELBO is of the same digits, 16 samples of z each."
    )
    return Finished(chart, in_words("Bits per image against images in the chain.", told), note)
