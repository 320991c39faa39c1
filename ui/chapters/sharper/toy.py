"""What the toy in the plane is sent, and what its link may say."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from ui.chapters.inside.drawing import drawing
from ui.links.url_state import Property, number, one_of, switch
from ui.once import once
from vae_core.lessons import adversarial_rules as rules
from vae_core.payloads.plane import Payload, Tensors

SEED = 1
SETTINGS: dict[str, Any] = {
    "data": "ring",
    "loss": "non-saturating",
    "per": 1,
    "ratio": 1.0,
    "r1": False,
    "average": False,
    "c": 0.03,
    "noisy": True,
    "latent": 2,
}
# What a link calls them.
NAMES = {
    "data": "data",
    "loss": "g-loss",
    "per": "d-steps",
    "ratio": "d-rate",
    "r1": "r1",
    "average": "averaged",
    "c": "variance",
    "noisy": "noise",
    "latent": "numbers",
}


@dataclass(frozen=True)
class Preset:
    """Settings to try, in the toy's menu.

    Attributes:
        title: in the menu.
        settings: those that are not the usual ones.
    """

    title: str
    settings: dict[str, Any]


PRESETS = {
    "works": Preset("what works", {}),
    "collapse": Preset("mode collapse: D learns too slowly", {"ratio": 0.25}),
    "fast": Preset("lost modes: D learns too fast", {"ratio": 4.0}),
    "penalised": Preset("the same, R1 and averaged G", {"ratio": 4.0, "r1": True, "average": True}),
    "grid": Preset("25 modes", {"data": "grid"}),
}
SEED_NAME, DRAWING_NAME = "toy-seed", "points"
REST = 5_000  # steps after which it pauses by itself
GRID_LINES, LINE_PLACES = 15, 161  # of the grid of z; of the line, where z is one number


def toy_links() -> tuple[Property, ...]:
    """What a link may say of the toy."""
    return (
        one_of(NAMES["data"], (*rules.SHAPES, rules.DRAWN), "the data of the toy in the plane"),
        drawing(DRAWING_NAME, "data drawn by hand"),
        number(SEED_NAME, *rules.SEEDS, "the seed of the toy"),
        one_of(NAMES["loss"], rules.LOSSES, "the generator's loss"),
        one_of(NAMES["per"], rules.D_STEPS, "steps of the discriminator for one of the generator"),
        one_of(NAMES["ratio"], rules.RATIOS, "the discriminator's learning rate, as a multiple of the generator's"),
        switch(NAMES["r1"], "whether the R1 penalty is on"),
        switch(NAMES["average"], "whether the average of the generator's weights is shown"),
        one_of(NAMES["c"], rules.VARIANCES, "the variance c of the VAE's p(x|z)"),
        switch(NAMES["noisy"], "whether the VAE's samples have the noise of p(x|z)"),
        one_of(NAMES["latent"], rules.LATENT_DIMENSIONS, "how many numbers z has"),
    )


def for_browser() -> dict[str, Any]:
    """The numbers that the browser's models share with `vae_core.lessons.adversarial_toy`."""
    shares = [(k + 0.5) / GRID_LINES for k in range(GRID_LINES)]
    return {
        "half": rules.HALF,
        "hidden": rules.HIDDEN,
        "batch": rules.BATCH,
        "samples": rules.SAMPLES,
        "points": rules.POINTS,
        "rate": rules.RATE,
        "betas": rules.BETAS,
        "vae_rate": rules.VAE_RATE,
        "vae_betas": rules.VAE_BETAS,
        "keep": rules.KEEP,
        "r1": rules.R1,
        "reach": rules.REACH,
        "drawn_spread": rules.DRAWN_SPREAD,
        "quantiles": [NormalDist().inv_cdf(share) for share in shares],
        "line": [NormalDist().inv_cdf((k + 0.5) / LINE_PLACES) for k in range(LINE_PLACES)],
        "rest": REST,
    }


@once(maxsize=1)
def toy_payload() -> Payload:
    """The toy as the page opens it."""
    header = {
        "kind": "adversarial",
        "rules": for_browser(),
        "shapes": {name: {"strokes": shape.strokes, "spread": shape.spread} for name, shape in rules.SHAPES.items()},
        "drawn": rules.DRAWN,
        "settings": SETTINGS,
        "names": NAMES,
        "options": {
            "data": {**{name: shape.title for name, shape in rules.SHAPES.items()}, rules.DRAWN: "draw"},
            "loss": rules.LOSSES,
            "per": rules.D_STEPS,
            "ratio": rules.RATIOS,
            "c": rules.VARIANCES,
            "latent": rules.LATENT_DIMENSIONS,
        },
        "presets": [{"title": one.title, "settings": one.settings} for one in PRESETS.values()],
        "seed": SEED,
        "seed_name": SEED_NAME,
        "drawing_name": DRAWING_NAME,
        "plays": True,
    }
    return Tensors().payload(header)
