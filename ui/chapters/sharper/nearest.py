"""Did it memorise? Samples beside the training images that are nearest to them, of all 55,000.

`python -m tools.measure_nearest` finds these, because it takes all training images, and they do not come with the app:
what it finds is kept in found.npz, the training images by their numbers. They are shown where MNIST is on this machine.
The samples are decoded here again.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ui.chapters.sharper.family import DATASET, FOUR, those_here
from ui.figures.markup import Html
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.once import once
from ui.runs.measured_since import signature
from ui.runs.resources import held_out, load_run
from ui.runs.selection import per_shelf
from vae_core.datasets import load
from vae_core.evaluation.generation import MOST_SAMPLES, SEED, STREAMS
from vae_core.run import Run
from vae_core.sampling import draw

FILE = Path(__file__).with_name("found.npz")
REAL = "real"  # stands for held-out digits where a run's key stands
CLASSES = 10
_SPLIT = "test"


_BELOW = "Below: that training image, the nearest of all 55,000 by squared error per pixel."
_FAR = "How far it is from the nearest of all 55,000, in squared error per pixel, stands beside it."
_NOTE = (
    "Of each digit, as the classifier reads it, the sample most like a training image. {below} The same of held-out "
    "digits, which no model has seen, says how near is usual. A model that memorised would show the same image twice. "
    "Pixel by pixel, a digit that is moved a little is another one: this finds copies, not what is like in kind."
)


class Nearest(NamedTuple):
    """What was found for the samples of a run, or for held-out digits.

    Attributes:
        of: `ui.runs.measured_since.signature` of the run's test figures, by which its weights are recognised.
        chosen: (K,), numbers of those of the samples that are nearest to a training image, one of each class.
        numbers: (K,), those of the training images that these are nearest to.
        errors: (N,), squared error per pixel of all samples to their nearest training images.
    """

    of: float
    chosen: np.ndarray
    numbers: np.ndarray
    errors: np.ndarray


@once(maxsize=1)
def kept() -> dict[str, Nearest]:
    """All that is in the file, by key."""
    with np.load(FILE, allow_pickle=False) as file:
        keys = dict.fromkeys(name.rpartition("/")[0] for name in file.files)
        found = {key: Nearest(*(file[f"{key}/{name}"] for name in Nearest._fields)) for key in keys}
    return {key: one._replace(of=float(one.of)) for key, one in found.items()}


def samples_of(run: Run, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
    """The samples that are searched for, of which the run's figures tell, or some of them: (N, D), expected pixels."""
    generator = np.random.default_rng([SEED, STREAMS["prior"]])
    return run.decode(draw("prior", MOST_SAMPLES, run.codes.mean, run.mixture, generator)[chosen])


@per_shelf
def memorised(training_too: bool) -> Html | None:
    """Of each digit the sample that is most like a training image, beside that; None where the file has none of these.

    Args:
        training_too: whether to show the training images below them, which reads all of MNIST.

    Raises:
        DatasetUnavailable: the held-out digits are not on this machine, or the training images are asked for and not.
    """
    known, digits = kept(), held_out(DATASET)
    training = load(DATASET, "train", download=False) if training_too else None
    rows = []
    real = known[REAL]
    usual = np.quantile(real.errors, 0.05)
    shown = {"Held-out digits": (digits.first(MOST_SAMPLES).floats()[real.chosen], real)}
    for name, spec in those_here().items():
        run, found = load_run(spec.key), known.get(spec.key)
        if found is not None and found.of == signature(run.metrics[_SPLIT]):
            shown[FOUR[name].title] = (samples_of(run, found.chosen), found)
    if len(shown) == 1:
        return None
    for title, (pixels, found) in shown.items():
        rows_of, seen = pixels, f"{len(found.chosen)} images in a row"
        if training is not None:
            below = training.images[found.numbers].reshape(len(found.numbers), -1) / 255.0
            rows_of = np.concatenate([rows_of, below])
            seen += ", and below each the training image that is nearest to it"
        of_chosen = found.errors[found.chosen]
        text = (
            f"squared error of these pairs {of_chosen.min():.3f} to {of_chosen.max():.3f}; median over "
            f"{len(found.errors):,} {np.median(found.errors):.3f}; {(found.errors < usual).mean():.0%} are nearer than "
            "95% of held-out digits are"
        )
        rows.append(Picture(title, text, tiles(rows_of, digits.image_shape, columns=len(found.chosen)), seen))
    return labelled_rows(rows, _NOTE.format(below=_BELOW if training_too else _FAR))
