"""What the bench sends to the browser: networks, figures, and kinds of damage."""

from __future__ import annotations

from typing import Any

from ui.chapters.uses.denoise.methods import (
    AS_IT_IS,
    INTERVAL,
    KIND,
    LEVEL,
    NETWORKS,
    PCA,
    TITLES,
    TRAINED,
    in_a_sentence,
    measured,
    network,
    projection,
)
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.corruption import CORRUPTIONS
from vae_core.payloads.plane import Payload
from vae_core.payloads.rebuilding import rebuilding_payload

VAE = "conv_vae"  # sent where it is asked for
SLIDERS = {  # its end, and where it starts
    "gaussian": (1.5, LEVEL),
    "unclipped": (1.5, LEVEL),
    "salt_and_pepper": (0.8, 0.2),
    "patch": (0.8, 0.4),
    "blur": (3.0, 1.5),
}
DASHED: list[int] = [5, 4]  # filters: not told by colour alone
SOLID: list[int] = []  # networks
LOOKS: dict[str, tuple[str, list[int]]] = {
    AS_IT_IS: ("#FFFFFF", [2, 3]),
    "gaussian_blur": ("#BBBBBB", DASHED),
    "median": ("#EE6677", DASHED),
    "non_local_means": ("#FFAABB", DASHED),
    "total_variation": ("#EE8866", DASHED),
    PCA: ("#CCBB44", DASHED),
    TRAINED: ("#44BB99", SOLID),
    "conv_ae": ("#EE99FF", SOLID),
    VAE: ("#66CCEE", SOLID),
}


def payloads(with_vae: bool, answers: dict[str, Any] | None) -> tuple[Payload, list[Payload]]:
    """The component's first payload and the later ones.

    Args:
        with_vae: whether the VAE is among them.
        answers: of the filters, see `answers.answers`.

    Raises:
        RunNotFound: a run of the bench is not in the store.
    """
    first, later = _networks(with_vae)
    return first.with_header(answers=answers, later=[]), later


@per_shelf
def _networks(with_vae: bool) -> tuple[Payload, list[Payload]]:
    names = [name for name in LOOKS if with_vae or name != VAE]
    first = rebuilding_payload(load_run(network(TRAINED).key), TRAINED, **_header(names))
    later = [rebuilding_payload(load_run(projection().key), PCA)]
    later += [
        rebuilding_payload(load_run(network(name).key), name) for name in NETWORKS if name in names and name != TRAINED
    ]
    return first, later


def _header(names: list[str]) -> dict[str, Any]:
    document = measured()
    figures = {
        name: {
            kind: {"psnr": of["psnr"], "half": [INTERVAL * one for one in of["psnr_standard_error"]]}
            for kind, of in document["figures"][name].items()
        }
        for name in names
    }
    return {
        "methods": [
            {
                "name": name,
                "title": TITLES[name],
                "said": in_a_sentence(TITLES[name]),
                "colour": LOOKS[name][0],
                "dash": LOOKS[name][1],
                "wide": name == TRAINED,
                "network": name in NETWORKS,
            }
            for name in names
        ],
        "kinds": {kind: _kind(kind) for kind in SLIDERS},
        "start": KIND,
        "levels": document["levels"],
        "figures": figures,
        "n": document["n"],
        "settings": {PCA: document["settings"][PCA]},
    }


def _kind(kind: str) -> dict[str, Any]:
    most, start = SLIDERS[kind]
    known = CORRUPTIONS[kind]
    trained = f"The denoising autoencoder was trained on {CORRUPTIONS[KIND].title}, σ = {LEVEL:g}, alone"
    note = f"{trained}." if kind == KIND else f"{trained}: it never saw this kind."
    return {
        "title": known.title,
        "said": in_a_sentence(known.title),
        "unit": known.unit,
        "most": most,
        "start": start,
        "about": known.about,
        "note": note,
    }
