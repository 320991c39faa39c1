"""What Home shows, computed once."""

from __future__ import annotations

import numpy as np

from ui.runs.resources import image_set, load_run, plane
from ui.runs.selection import per_shelf
from vae_core.payloads.plane import Payload
from vae_core.storage.manifest import shipped_run

PLANES = (("ae", "Autoencoder"), ("vae", "Variational autoencoder"))
SAMPLES = 40  # of N(0, I), the same on both planes


@per_shelf
def plane_of(model: str, title: str) -> Payload:
    """A shipped run's plane with its measured spread; the same for everybody."""
    run = load_run(shipped_run(model=model, dataset="mnist", latent_dim=2).key)
    spread = " and ".join(f"{deviation:.2g}" for deviation in run.codes.mean.std(axis=0))
    means = " at their mean codes" if run.codes.has_posterior else ""
    subtitle = f"{len(run.codes.labels):,} held-out digits{means}, spread {spread}"
    samples = np.random.default_rng(0).standard_normal((SAMPLES, 2)).round(3).tolist()
    options = {
        "group": "home",
        "compact": True,
        "images": image_set(run),
        "link": f"{model}-",
        "heat": True,
        "samples": samples,
    }
    return plane(run.key).with_header(title=title, subtitle=subtitle, options=options)
