"""Tables of numbers that were computed from the run on screen."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from vae_core.browser import LatentPlane
from vae_core.run import Run

_ROWS = (
    ("negative_elbo", "Negative ELBO", "nats", 1),
    ("reconstruction", "Reconstruction", "nats", 1),
    ("kl", "KL", "nats", 2),
    ("bernoulli_floor", "Least possible reconstruction", "nats", 1),
    ("mse", "Squared error per pixel", "", 4),
    ("active_units", "Active units", "", 0),
)


def metrics_table(run: Run) -> pd.DataFrame:
    """One row per metric, one column per measured split with its sample size."""
    splits = {
        f"{'test' if split == 'test' else 'held out'}, n = {values['n']:,}": values
        for split, values in sorted(run.metrics.items(), reverse=True)
    }
    rows = []
    for name, title, unit, digits in _ROWS:
        if not any(name in values for values in splits.values()):
            continue
        cells = {column: f"{values[name]:.{digits}f}" for column, values in splits.items() if name in values}
        rows.append({"": title, **cells, "unit": unit})
    return pd.DataFrame(rows)


def pins_table(run: Run, pins: list[list[float]]) -> pd.DataFrame:
    """Pinned points: place, prior density where there is a prior, and the nearest held-out image."""
    plane = LatentPlane.of_codes(run.codes.mean)
    points = np.asarray(pins, dtype=np.float64)
    finder = NearestNeighbors(n_neighbors=1).fit(plane.project(run.codes.mean))
    distances, indices = finder.kneighbors(points)
    codes = plane.embed(points)
    rows = []
    for number, (point, code, distance, index) in enumerate(
        zip(points, codes, distances[:, 0], indices[:, 0], strict=True), start=1
    ):
        row = {"pin": number, "z₁": f"{point[0]:.3f}", "z₂": f"{point[1]:.3f}"}
        if run.codes.log_var is not None:
            density = math.exp(-0.5 * float(code @ code)) / (2 * math.pi) ** (len(code) / 2)
            row["prior density"] = f"{density:.2g}"
        row["nearest held out"] = run.label_names[int(run.codes.labels[index])]
        row["distance"] = f"{distance:.3f}"
        rows.append(row)
    return pd.DataFrame(rows)


def codes_csv(run: Run) -> str:
    """Every held-out image: index, class, code, and log-variance where there is a posterior."""
    columns: dict[str, np.ndarray] = {
        "index": np.arange(len(run.codes.labels)),
        "class": np.asarray(run.label_names)[run.codes.labels],
    }
    columns |= {f"mean_{i + 1}": run.codes.mean[:, i] for i in range(run.spec.latent_dim)}
    if run.codes.log_var is not None:
        columns |= {f"log_var_{i + 1}": run.codes.log_var[:, i] for i in range(run.spec.latent_dim)}
    return pd.DataFrame(columns).to_csv(index=False)
