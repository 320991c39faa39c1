"""What only a U-Net lets one choose; read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vae_core.datasets.images import PICTURE
from vae_core.datasets.textured import TARGETS
from vae_core.errors import SpecError
from vae_core.options import OneOf, YesNo, option

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


@dataclass(frozen=True)
class UNetOptions:
    """What it learns to give for an image, and whether its decoder sees more than the code."""

    target: str = option(
        PICTURE, OneOf((PICTURE, *TARGETS)), "What it gives: the picture that it sees, or a dataset's other images."
    )
    skips: bool = option(True, YesNo(), "Hand the encoder's maps on to the decoder, beside the code.")


def check_unet(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """A dataset that has the target.

    Raises:
        SpecError: it has not.
    """
    from vae_core.datasets import DATASETS, info

    del image_shape
    target = spec.options.target
    if target != PICTURE and target not in info(spec.dataset).targets:
        having = " or ".join(name for name, known in DATASETS.items() if target in known.targets)
        raise SpecError(f"there is no {target} to learn for the images of {spec.dataset}: choose {having}.")
