"""Images that are no handwritten digits, in the size and tones of MNIST: what a model of digits should find odd.

All are made of what scikit-image, scikit-learn and Pillow bring along: nothing is downloaded. White ink on black, as
MNIST's, where there is ink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIDE = 28
SEED = 20_190_510
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TEXTURES = ("brick", "grass", "gravel")


@dataclass(frozen=True)
class Oddity:
    """A set of such images.

    Attributes:
        title: to display.
        make: (count, random generator) -> uint8 (N, 28, 28), N at most `count`: of what there is one image, one.
    """

    title: str
    make: Callable[[int, np.random.Generator], np.ndarray]

    def images(self, count: int, seed: int = SEED) -> np.ndarray:
        """uint8 (N, 28, 28), the same in every call."""
        return self.make(count, np.random.default_rng(seed))


def _constant(level: int) -> Callable[[int, np.random.Generator], np.ndarray]:
    return lambda count, generator: np.full((1, SIDE, SIDE), level, np.uint8)  # noqa: ARG005


def _noise(count: int, generator: np.random.Generator) -> np.ndarray:
    return generator.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)


def _letters(count: int, generator: np.random.Generator) -> np.ndarray:
    """Capitals of Pillow's own font, in sizes and turns that vary as handwriting does, centred by their mass."""
    from PIL import Image, ImageDraw, ImageFont

    made = []
    for number in range(count):
        letter = LETTERS[number % len(LETTERS)]
        canvas = Image.new("L", (4 * SIDE, 4 * SIDE))
        font = ImageFont.load_default(4 * float(generator.uniform(20, 26)))
        ImageDraw.Draw(canvas).text((2 * SIDE, 2 * SIDE), letter, fill=255, font=font, anchor="mm")
        turned = canvas.rotate(float(generator.uniform(-15, 15)), Image.Resampling.BICUBIC)
        made.append(_centred(np.asarray(turned.resize((SIDE, SIDE), Image.Resampling.LANCZOS))))
    return np.stack(made)


def _centred(image: np.ndarray) -> np.ndarray:
    """Shifted by whole pixels so that the mass is in the middle, as MNIST's digits are."""
    rows, columns = np.indices(image.shape)
    mass = max(int(image.sum()), 1)
    by = [round((SIDE - 1) / 2 - float((axis * image.astype(float)).sum()) / mass) for axis in (rows, columns)]
    return np.roll(image, by, axis=(0, 1))


def _textures(count: int, generator: np.random.Generator) -> np.ndarray:
    """Squares cut from scikit-image's photographs of brick, grass and gravel."""
    from skimage import data

    photographs = [getattr(data, name)() for name in TEXTURES]  # uint8 (512, 512) each
    made = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        top, left = (int(generator.integers(0, extent - SIDE)) for extent in photograph.shape)
        made.append(photograph[top : top + SIDE, left : left + SIDE])
    return np.stack(made)


def _faces(count: int, generator: np.random.Generator) -> np.ndarray:
    """Grey faces of "Labeled Faces in the Wild" in scikit-image, 25 by 25 pixels, enlarged."""
    del generator
    from PIL import Image
    from skimage import data

    faces = data.lfw_subset()[:100][:count]  # the first hundred are faces, floats in [0, 1]
    return np.stack([_resized(Image.fromarray(np.rint(255 * face).astype(np.uint8))) for face in faces])


def _small_digits(count: int, generator: np.random.Generator) -> np.ndarray:
    """Handwritten digits of another origin: scikit-learn's, 8 by 8 pixels, enlarged to the 20 of MNIST's digits."""
    del generator
    from PIL import Image
    from sklearn.datasets import load_digits

    made = []
    for digit in load_digits().images[:count]:  # levels 0 to 16
        grey = Image.fromarray(np.rint(digit * (255 / 16)).astype(np.uint8))
        whole = np.zeros((SIDE, SIDE), np.uint8)
        whole[4:24, 4:24] = np.asarray(grey.resize((20, 20), Image.Resampling.BICUBIC))
        made.append(_centred(whole))
    return np.stack(made)


def _resized(image: object) -> np.ndarray:
    from PIL import Image

    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))  # type: ignore[attr-defined]


def _erased(images: np.ndarray) -> np.ndarray:
    """The upper half alone."""
    upper = images.copy()
    upper[..., SIDE // 2 :, :] = 0
    return upper


# Of digits, uint8 (N, 1, 28, 28), the same digits and what can be made of them.
OF_DIGITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "digits": lambda images: images,
    "erased": _erased,
    "inverted": lambda images: 255 - images,
}
ODDITIES = {
    "black": Oddity("All black", _constant(0)),
    "white": Oddity("All white", _constant(255)),
    "grey": Oddity("All grey", _constant(128)),
    "noise": Oddity("Noise", _noise),
    "letters": Oddity("Printed letters", _letters),
    "small_digits": Oddity("Digits of another set", _small_digits),
    "faces": Oddity("Faces", _faces),
    "textures": Oddity("Brick, grass, gravel", _textures),
}
