"""Whether what is framed agrees with a look: the judged images of by_eye.json against two measures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ui.chapters.regularity.judge import unrecognised
from ui.runs.resources import feature_space, held_out, load_run, store
from ui.runs.selection import per_shelf
from vae_core.metrics import holes
from vae_core.sampling import draw

_FILE = Path(__file__).with_name("by_eye.json")
DATASET = "mnist"


@dataclass(frozen=True)
class Agreement:
    """A measure against the eye, in shares of images.

    Attributes:
        agrees: over all.
        wrongly_framed: of those that read as one digit, the share that the measure calls bad.
        missed: of the others, the share that the measure calls good.
    """

    agrees: float
    wrongly_framed: float
    missed: float


@dataclass(frozen=True)
class Check:
    """Both measures on the judged images.

    Attributes:
        count: images judged.
        readable: how many of them read as one digit without doubt.
        frames: of what this page frames, images that the classifier does not recognise.
        holes: of the hole rate's holes.
        static: of the groups in which nothing was readable, the shares that frames and holes miss.
    """

    count: int
    readable: int
    frames: Agreement
    holes: Agreement
    static: tuple[float, float]


@per_shelf
def check() -> Check | None:
    """The judged images decoded again and measured; None where the runs that made them are not in the store.

    Raises:
        RunNotFound: the dataset has no classifier here.
    """
    judged = json.loads(_FILE.read_text(encoding="utf-8"))
    if any(group["run"] not in store() for group in judged["samples"]):
        return None
    pixels, readable = [], []
    for group in judged["samples"]:
        run, marks = load_run(group["run"]), group["readable"]
        generator = np.random.default_rng(judged["seed"])
        pixels.append(run.decode(draw(group["source"], len(marks), run.codes.mean, run.mixture, generator)))
        readable += marks
    real = judged["real"]
    shown = held_out(DATASET).floats()[:: real["every"]][: len(real["readable"])]
    images = np.concatenate([*pixels, shown.reshape(len(shown), -1)])
    eye = np.array([mark == "1" for mark in [*readable, *real["readable"]]])
    space = feature_space(DATASET)
    in_holes = holes(space.features(images), space.reference, space.threshold)
    framed = unrecognised(images, DATASET)
    static = np.array(["1" not in group["readable"] for group in judged["samples"] for _ in group["readable"]])
    missed = [float((~bad[: len(static)][static]).mean()) for bad in (framed, in_holes)]
    return Check(len(eye), int(eye.sum()), _against(eye, framed), _against(eye, in_holes), (missed[0], missed[1]))


def _against(eye: np.ndarray, bad: np.ndarray) -> Agreement:
    return Agreement(float((eye != bad).mean()), float(bad[eye].mean()), float((~bad[~eye]).mean()))
