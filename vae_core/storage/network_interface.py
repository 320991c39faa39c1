"""What goes in and out of a run's encoder and decoder, for those who use them without this package."""

from __future__ import annotations

import math
from typing import NamedTuple

from vae_core import __version__
from vae_core.losses.likelihoods import ContinuousBernoulli
from vae_core.models import model_kind
from vae_core.program.continuous_bernoulli import LARGEST_LOGIT
from vae_core.program.operations import Shape, output_shape
from vae_core.program.to_onnx import Value
from vae_core.run import Run

_CODES = {
    "codebook": ("indices", "numbers of the codebook's entries, from 0, row by row"),
    "features": ("features", "of the classifier"),
}


class Interface(NamedTuple):
    """What goes in and out of a run's networks.

    Attributes:
        pixels: an image, the encoder's input.
        code: what it is encoded as.
        codes: what the encoder gives: mean and log-variance of q(z|x), or the code itself.
        outputs: what the last network gives: natural parameters, then expected pixels, where the two differ.
        last: the program that gives them: the ``decoder``, of a code, or ``predict``, of an image.
    """

    pixels: Value
    code: Value
    codes: tuple[Value, ...]
    outputs: tuple[Value, ...]
    last: str = "decoder"

    @property
    def taken(self) -> Value:
        """What the last network takes."""
        return self.pixels if self.last == "predict" else self.code


def interface_of(run: Run) -> Interface:
    """Names, shapes and meanings of what goes in and out."""
    kind = model_kind(run.spec.model)
    name, meaning = _CODES.get(kind.code, ("z", "latent code"))
    if kind.bottleneck.has_prior:
        meaning += "; N(0, I) is its prior"
    shape: Shape = (run.spec.latent_dim,)
    if kind.bottleneck.discrete and run.encoder:
        shape = output_shape(run.encoder, (math.prod(run.image_shape),))  # the grid
    code = Value(name, shape, meaning, whole=kind.bottleneck.discrete)
    codes: tuple[Value, ...] = (code,)
    if kind.bottleneck.has_posterior:
        codes = (
            Value("mean", shape, "of q(z|x)"),
            Value("log_var", shape, "natural logarithm of the variance of q(z|x), a diagonal Gaussian"),
        )
    pixels = Value("pixels", run.image_shape, "an image; each pixel from 0 to 1")
    if run.spec.target is not None:
        what = f"of the target, {run.spec.target}"
        logits = Value("logits", run.image_shape, f"natural parameters {what}, by pixel")
        given = (logits, Value("target", run.image_shape, f"expected pixels {what}, from 0 to 1"))
        return Interface(pixels, code, codes, given, "predict")
    if not kind.bottleneck.decodes:
        outputs: tuple[Value, ...] = (Value("logits", (len(run.label_names),), "of the classes"),)
    elif run.likelihood.final_operations:
        bounded = isinstance(run.likelihood, ContinuousBernoulli)
        said = f", t = {LARGEST_LOGIT:g} tanh(logits / {LARGEST_LOGIT:g}) of a density as exp(t x)" if bounded else ""
        outputs = (
            Value("logits", run.image_shape, f"natural parameters of p(x|z), by pixel{said}"),
            pixels._replace(meaning="E[x|z], from 0 to 1"),
        )
    else:
        outputs = (pixels._replace(meaning="E[x|z]; made from images from 0 to 1, and may lie a little outside"),)
    return Interface(pixels, code, codes, outputs)


def facts_of(run: Run) -> dict[str, str]:
    """What a reader of the networks alone should know of their run, by name."""
    spec, bottleneck = run.spec, model_kind(run.spec.model).bottleneck
    makes_images = bottleneck.decodes or spec.target is not None
    variance = getattr(run.likelihood, "variance", None)
    facts = {
        "key": run.key,
        "model": model_kind(spec.model).title,
        "dataset": spec.dataset,
        "image_shape": " x ".join(map(str, run.image_shape)) + " (channels, height, width)",
        "pixel_range": "0 to 1",
        "likelihood": spec.likelihood if makes_images else "",
        "variance": "" if variance is None or not makes_images else f"{variance:.6g}",
        "beta": f"{spec.beta:g}" if bottleneck.divergence else "",
        "prior": "N(0, I)" if bottleneck.has_prior else "",
        "target": spec.target or "",
        "classes": "" if makes_images else ", ".join(run.label_names),
        "made_by": f"vae_core {__version__}",
    }
    return {name: value for name, value in facts.items() if value}
