"""What only a model that learns from labelled and unlabelled images lets one choose; read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_core.errors import SpecError
from vae_core.options import Key, OneOf, Real, Whole, option

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

BASES = ("conv_ae", "conv_vae")


@dataclass(frozen=True)
class M2Options:
    """Few labels, and the generative model M2 on the codes of a frozen run, M1 (Kingma et al. 2014)."""

    of: str = option("", Key(), "Key of the run on whose codes it learns, M1.")
    codes: str = option("conv_ae", OneOf(BASES), "Model of that run.")
    labels: int = option(10, Whole(1, 100_000), "Labels of each class; the seed fixes which images have one.")
    style: int = option(6, Whole(1, 256), "Numbers of z: what the class leaves open.")
    width: int = option(128, Whole(1, 2_048), "Width of the hidden layers of M2.")
    alpha: float = option(10.0, Real(0.0, 1e6), "α, the weight of the classifier's cross-entropy on labelled images.")
    noise: float = option(1.0, Real(0.0, 100.0), "Noise on the codes in training, in posterior or code deviations.")


def m2_fields(base: RunSpec) -> dict[str, Any]:
    """The fields of a specification that M2 must share with the run on whose codes it learns.

    Raises:
        SpecError: it is not a convolutional autoencoder or VAE.
    """
    if base.model not in BASES:
        raise SpecError(f"{base.key} has no codes that M2 could learn on: name a run of model {' or '.join(BASES)}.")
    shared = ("dataset", "latent_dim", "hidden", "likelihood", "variance")
    return {name: getattr(base, name) for name in shared} | {"options": {"of": base.key, "codes": base.model}}


def check_m2(spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
    """Classes to tell apart.

    Raises:
        SpecError: the dataset has one class, or none.
    """
    from vae_core.datasets import info

    del image_shape
    if len(info(spec.dataset).label_names) < 2:
        raise SpecError(f"model {spec.model!r} needs images of at least two classes; {spec.dataset} has none to tell.")
