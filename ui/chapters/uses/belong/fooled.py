"""Is the likelihood fooled? How likely VAEs of digits find images that are none."""

from __future__ import annotations

import html
from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np

from ui.chapters.uses.belong.figures import measured
from ui.chapters.uses.belong.recipe import DATASET
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html
from ui.runs.resources import held_out
from vae_core.datasets import info
from vae_core.datasets.oddities import ODDITIES, OF_DIGITS

PROPER = "binarised"  # the model whose likelihood is one: of black and white pixels
TITLES = {
    "digits": "Test digits",
    "erased": "Their upper halves",
    "inverted": "The same, black and white exchanged",
    **{name: oddity.title for name, oddity in ODDITIES.items()},
}
ASKED = ("digits", "erased", "black", "textures")
EACH, GAP, SCALE = 8, 2, 2
_PICTURE = "image-rendering:pixelated;max-width:100%;border:1px solid rgba(128,138,152,0.5)"


def kinds(model: str = PROPER) -> dict[str, Any]:
    """The measurements of a model by kind of image."""
    found: dict[str, Any] = measured()["likelihood"][model]["kinds"]
    return found


def title(kind: str) -> str:
    """Of a kind of image."""
    return TITLES.get(kind) or info(kind).title


def most_likely() -> tuple[int, str]:
    """Which of `ASKED` the model finds most likely, and the figures."""
    costs = {kind: kinds()[kind]["likelihood"]["mean"] for kind in ASKED}
    right = min(ASKED, key=costs.__getitem__)
    said = ", ".join(f"{title(kind).lower()} {cost:,.0f}" for kind, cost in costs.items())
    return ASKED.index(
        right
    ), f"Nats that an image costs under the VAE, a bound on −log p(x), mean of each kind: {said}."


def verdict() -> str:
    """Which kinds look more likely than digits, told from the numbers."""
    found = kinds()
    fooled = [kind for kind, of in found.items() if kind != "digits" and of["likelihood"]["odder"] < 0.5]
    caught = [kind for kind, of in found.items() if kind != "digits" and of["likelihood"]["odder"] >= 0.95]
    between = [kind for kind in found if kind not in (*fooled, *caught, "digits")]
    corrected = [kind for kind in fooled if found[kind]["complexity"]["odder"] >= 0.95]
    worse = [
        kind for kind, of in found.items()
        if kind != "digits" and of["complexity"]["odder"] < of["likelihood"]["odder"] - 0.05
    ]  # fmt: skip
    told = (
        f"**Fooled by {_listed(fooled)}**: the model finds such images more likely than most digits."
        if fooled
        else "Nothing here is found more likely than digits."
    )
    told += f" Caught, at AUROC 0.95 or more: {_listed(caught)}." if caught else ""
    told += f" In between: {_listed(between)}." if between else ""
    if fooled:
        told += (
            f" Subtracting the length of the image as PNG catches {_listed(corrected)}"
            if corrected
            else " Subtracting the length of the image as PNG catches none of them"
        )
        told += f", and makes it worse for {_listed(worse)}." if worse else "."
    return told


def _listed(some: list[str]) -> str:
    named = [title(kind).lower() for kind in some]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def likelihood_table() -> Html:
    """Nats of each kind, and how well they tell it from digits."""
    found, grey = kinds(), measured()["likelihood"]["continuous_bernoulli"]["kinds"]
    rows: Rows = []
    for kind, of in sorted(found.items(), key=lambda item: item[1]["likelihood"]["mean"]):
        nats = of["likelihood"]
        spread = f" ± {nats['std']:,.0f}" if of["n"] > 1 else ""
        same = kind == "digits"
        rows.append(
            {
                "": title(kind),
                "n": f"{of['n']:,}",
                "−log p(x), nats": f"{nats['mean']:,.0f}{spread}",
                "AUROC": "–" if same else f"{nats['odder']:.3f}",
                "AUROC less PNG": "–" if same else f"{of['complexity']['odder']:.3f}",
                "AUROC, grey pixels": "–" if same or kind not in grey else f"{grey[kind]['likelihood']['odder']:.3f}",
            }
        )
    about = measured()["likelihood"]
    note = (
        f"VAE of black and white pixels, d = 16 ({about[PROPER]['key']}); a bound with k = {about[PROPER]['draws']} "
        "draws, ± SD over images. AUROC: the share of pairs in which the image is less likely than a digit; 0.5 by "
        "chance, below it is fooled. Less PNG: the image's length as PNG is subtracted (Serrà et al. 2020). Grey "
        f"pixels: a density of grey levels, d = 2 ({about['continuous_bernoulli']['key']}). Grey images are made black "
        "and white at random, by their levels."
    )
    return as_html(rows, title="How likely images are that are no digits", note=note)


@lru_cache(maxsize=1)
def pictures() -> Html:
    """A few images of each kind, as one row each."""
    digits = held_out(DATASET).images[:EACH]
    rows = {name: change(digits)[:, 0] for name, change in OF_DIGITS.items()}
    rows |= {name: oddity.images(EACH) for name, oddity in ODDITIES.items()}
    parts = [
        f'<figure style="margin:0"><img alt="{html.escape(title(name))}" src="{_strip(images)}" '
        f'style="{_PICTURE}"><figcaption style="font-size:0.75rem;opacity:0.8">'
        f"{html.escape(title(name))}</figcaption></figure>"
        for name, images in rows.items()
    ]
    return Html(
        '<div style="display:grid;gap:0.75rem;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr))">'
        f"{''.join(parts)}</div>"
    )


def _strip(images: np.ndarray) -> str:
    """Images (N, H, W) side by side as a data URL."""
    from PIL import Image

    padded = np.pad(images, ((0, 0), (0, 0), (0, GAP)), constant_values=128)
    whole = np.concatenate(list(padded), axis=1)[:, :-GAP]
    file = BytesIO()
    Image.fromarray(whole).resize((SCALE * whole.shape[1], SCALE * whole.shape[0]), Image.Resampling.NEAREST).save(
        file, "PNG"
    )
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
