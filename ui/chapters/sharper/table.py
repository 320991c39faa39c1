"""What the four are worth, in numbers: a mean over seeds, with the least and the most of them."""

from __future__ import annotations

from ui.chapters.regularity.comparison import real_line
from ui.chapters.regularity.over_seeds import heading, spread
from ui.chapters.sharper.family import DATASET, ENCODING, FOUR, those_here
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html
from ui.runs.selection import figure, measured_on, measured_seeds_of, per_shelf
from vae_core.storage.store import Listed

Figures = tuple[tuple[str, tuple[str, ...], str], ...]  # title, where it stands among a run's figures, digits

SAMPLES: Figures = (
    ("Sharpness of samples", ("pictures", "prior", "sharpness"), ".2f"),
    ("Undecided pixels of samples, nats", ("pictures", "prior", "pixel_entropy"), ".0f"),
    ("Fréchet distance of samples", ("samples", "prior", "frechet"), ".1f"),
    ("Coverage of the digits", ("samples", "prior", "coverage"), ".2f"),
    ("Density of samples", ("samples", "prior", "density"), ".2f"),
    ("Precision of samples", ("pictures", "prior", "precision"), ".2f"),
    ("Recall of the digits", ("pictures", "prior", "recall"), ".2f"),
    ("Not recognised by the classifier", ("samples", "prior", "ambiguity"), ".3f"),
    ("Classes covered, of 10", ("pictures", "prior", "classes_covered"), ".0f"),
    ("Classes out of balance", ("pictures", "prior", "imbalance"), ".3f"),
    ("Near a training image", ("pictures", "prior", "copies"), ".3f"),
)
RECONSTRUCTIONS: Figures = (
    ("Sharpness of reconstructions", ("pictures", "reconstructions", "sharpness"), ".2f"),
    ("Squared error, pixels", ("mse",), ".4f"),
    ("Squared error, features", ("pictures", "reconstructions", "features"), ".3f"),
)


@per_shelf
def numbers() -> Html:
    """The table.

    Raises:
        RunNotFound: none of the four is in the store.
    """
    specs = those_here()
    lines = {name: measured_seeds_of(spec) for name, spec in specs.items()}
    everything = [line for of in lines.values() for line in of]
    rows: Rows = []
    for figures, encoded in ((SAMPLES, False), (RECONSTRUCTIONS, True)):
        for title, path, digits in figures:
            row: dict[str, object] = {"": title}
            for name, of in lines.items():
                missing = encoded and name not in ENCODING
                row[heading(FOUR[name].title, of)] = "no encoder" if missing else _spread(of, path, digits)
            row["Real digits"] = "–" if encoded else _of_real(everything[0], path, digits)
            rows.append(row)
    samples = figure(everything[0], "pictures", "prior", "n")
    epochs = "; ".join(f"{FOUR[name].title} {spec.epochs} of {spec.batch_size}" for name, spec in specs.items())
    note = (
        f"Samples from N(0, I), {samples or 0:,.0f} against as many test digits; errors on {measured_on(*everything)}. "
        "A mean over random starts, with the least and the most of them in brackets; after ± a standard error over "
        "samples. A difference within the brackets says nothing, and one start is no spread at all. Sharpness: "
        "variance of the Laplacian, by that of real digits. Undecided pixels: their entropy. A class is covered with "
        "half of its share among real digits; out of balance is the share of samples that would need another class. "
        "Precision: samples among real digits, recall: real digits among samples, within reach of the third neighbour "
        "(Kynkäänniemi et al. 2019). "
        "Near a training image: nearer than 95% of held-out digits are. Features are a classifier's, which none of the "
        "models has seen; their squared error is a share of the mean squared distance of two real digits. Real digits: "
        f"one random half of the test digits against the other. Epochs, and images in a step: {epochs}."
    )
    return as_html(rows, title="Models of the same digits in numbers", note=note, narrow=True)


def _spread(lines: list[Listed], path: tuple[str, ...], digits: str) -> str:
    """`spread`, and over how many seeds where not all were measured so."""
    count = sum(figure(line, *path) is not None for line in lines)
    said = spread(lines, *path, digits=digits)
    return said if count in (0, len(lines)) else f"{said}, {count} seed{'s' if count > 1 else ''}"


def _of_real(line: Listed, path: tuple[str, ...], digits: str) -> str:
    """What real digits score."""
    if path[0] == "samples":
        real = real_line(DATASET)
        value = figure(real, "real_at_random", path[-1]) if real else None
    else:
        value = figure(line, "pictures", "real", path[-1])
    return "–" if value is None else format(value, digits)
