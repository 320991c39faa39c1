"""The four side by side: what they draw from the prior, and what they make of the same digits."""

from __future__ import annotations

from ui.chapters.regularity.samples import COLUMNS, sample_sheet
from ui.chapters.sharper.family import FOUR, spec_of, those_here
from ui.figures.markup import Html
from ui.figures.pictures import Picture, labelled_rows, side_by_side, tiles
from ui.runs.resources import classes_in_words, held_out, load_run
from ui.runs.selection import per_shelf
from vae_core.metrics import laplacian_variance
from vae_core.payloads.inversion import inversion_payload
from vae_core.payloads.plane import Payload
from vae_core.spec import RunSpec

SHEET = 54
START = 4  # the class of the digit that is searched for first
SHOWN = 12  # digits rebuilt at once


def planes() -> tuple[RunSpec, ...]:
    """The VAE and the GAN of two dimensions.

    Raises:
        RunNotFound: one of them is not in the store.
    """
    return tuple(spec_of(FOUR[name], 2) for name in ("vae", "gan"))


@per_shelf
def search_payload() -> Payload:
    """What the search for a code needs.

    Raises:
        RunNotFound: the GAN is not in the store.
        DatasetUnavailable: its digits are not on this machine.
    """
    run = load_run(spec_of(FOUR["gan"]).key)
    return inversion_payload(
        run,
        held_out(run.spec.dataset),
        title="The code of a digit",
        subtitle=f"A GAN of d = {run.spec.latent_dim}, as above.",
        options={"start": START},
    )


@per_shelf
def sheets(seed: int) -> Html:
    """A sheet of samples of each, decoded from the same draws of N(0, I).

    Raises:
        RunNotFound: the dataset's classifier is not here.
    """
    cells = []
    for name, spec in those_here().items():
        sheet = sample_sheet(spec.key, "prior", SHEET, seed)
        title = f"{FOUR[name].title}: {sheet.unrecognised} of {sheet.count} are not recognised"
        told = f"{sheet.count} decoded samples in rows of {COLUMNS}, {sheet.unrecognised} of them framed"
        cells.append(Picture(title, f"Learned from {FOUR[name].learns}.", sheet.picture, told))
    note = (
        "All decode the same draws. Framed are samples of which the classifier is less than 70% sure. The same "
        "draw means something else to each model."
    )
    return side_by_side(cells, note, least="19rem")


@per_shelf
def rebuilt() -> Html:
    """The first held-out digits, and what each of the four makes of their codes.

    Raises:
        DatasetUnavailable: the digits are not on this machine.
    """
    specs = those_here()
    digits = held_out(next(iter(specs.values())).dataset)
    pixels = digits.floats()[:SHOWN]
    classes = classes_in_words(digits.name, 0, SHOWN)
    real = laplacian_variance(pixels.reshape(-1, *digits.image_shape)).mean()
    rows = [
        Picture("Held-out digits", "what is to be rebuilt", tiles(pixels, digits.image_shape, columns=SHOWN), classes)
    ]
    for name, spec in specs.items():
        made = load_run(spec.key).decode(load_run(spec.key).codes.mean[:SHOWN])
        sharp = laplacian_variance(made.clip(0.0, 1.0).reshape(-1, *digits.image_shape)).mean() / real
        error = float(((made - pixels) ** 2).mean())
        told = f"sharpness {sharp:.2f}, squared error {error:.4f}"
        if name == "gan":
            told += "; from the codes that its inverse guesses"
        rows.append(Picture(FOUR[name].title, told, tiles(made, digits.image_shape, columns=SHOWN), classes))
    note = f"Sharpness: variance of the Laplacian over these {SHOWN} digits, by that of the digits themselves."
    return labelled_rows(rows, note)
