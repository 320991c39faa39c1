"""How well a model rebuilds photographs that it learned from, held-out ones, and a new one."""

from __future__ import annotations

import numpy as np

from ui.chapters.photographs.album import codes, pool
from ui.chapters.regularity.over_seeds import title_of
from ui.figures.markup import Html
from ui.figures.pictures import Picture, side_by_side, tiles
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.resources import load_run
from vae_core.spec import RunSpec


@once(maxsize=32)
def errors(key: str, dataset: str) -> np.ndarray:
    """(N,), the squared error per pixel of each photograph of the pool, rebuilt from its mean code."""
    return _errors(load_run(key).decode(codes(key, dataset)), pool(dataset).pixels)


def rebuilt(key: str, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """A photograph (1, D), rebuilt, and its squared error per pixel."""
    return _rebuilt(key, np.ascontiguousarray(pixels, dtype=np.float32).tobytes())


@once(maxsize=64)  # picture, table and sentence ask for the same, in every run of the page
def _rebuilt(key: str, pixels: bytes) -> tuple[np.ndarray, float]:
    run, x = load_run(key), np.frombuffer(pixels, np.float32)[None]
    image = run.decode(run.encode(x))
    image.flags.writeable = False
    return image, float(_errors(image, x)[0])


def _errors(images: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return np.square(images - pixels).mean(axis=1, dtype=np.float64)


def pictures(specs: list[RunSpec], title: str, pixels: np.ndarray) -> Html:
    """A photograph beside what each model rebuilds of it."""
    shape = load_run(specs[0].key).image_shape
    told = f"{shape[2]} × {shape[1]} pixels, as the models get it"
    cells = [Picture(title, told, tiles(pixels, shape, columns=1), "the photograph")]
    for spec in specs:
        image, error = rebuilt(spec.key, pixels)
        told = f"squared error per pixel {error:.4f}"
        cells.append(Picture(title_of(spec.model), told, tiles(image, shape, columns=1), "the same, rebuilt"))
    return side_by_side(cells, least="6rem")


def table(specs: list[RunSpec], dataset: str, title: str, pixels: np.ndarray) -> Html:
    """Its error beside those of the photographs that the models learned from, and of held-out ones."""
    some = pool(dataset)
    groups = {"Training photographs": slice(some.held_out, None), "Held-out photographs": slice(0, some.held_out)}
    rows: list[dict[str, object]] = []
    for name, part in groups.items():
        count = len(some.labels[part])
        if count:
            row: dict[str, object] = {"squared error per pixel": f"{name}, n = {count:,}"}
            for spec in specs:
                low, middle, high = np.quantile(errors(spec.key, dataset)[part], (0.1, 0.5, 0.9))
                row[title_of(spec.model)] = f"{middle:.4f} ({low:.4f} to {high:.4f})"
            rows.append(row)
    this: dict[str, object] = {"squared error per pixel": title}
    this |= {title_of(spec.model): f"{rebuilt(spec.key, pixels)[1]:.4f}" for spec in specs}
    note = "Median, and in brackets what 80% of them lie between. Pixels are numbers from 0 to 1."
    return as_html([*rows, this], title="Errors of the reconstructions", note=note)


def verdict(specs: list[RunSpec], dataset: str, pixels: np.ndarray) -> str:
    """How many of the photographs that the models know they rebuild better: a line for each model."""
    some = pool(dataset)
    trained = len(some.labels) > some.held_out
    known, what = (slice(some.held_out, None), "training") if trained else (slice(None), "held-out")
    lines = []
    for spec in specs:
        others, error = errors(spec.key, dataset)[known], rebuilt(spec.key, pixels)[1]
        share = float((others < error).mean())
        lines.append(f"- {title_of(spec.model)}: **{share:.0%}** of the {what} photographs are rebuilt better.")
    return "\n".join(lines)
