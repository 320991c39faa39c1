"""The likelihoods p(x|z): how the decoder's output models the pixels. No other module distinguishes them.

Every formula exists in torch, for training, and in numpy, for the measurements of pages. Importing this module does
not import torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from vae_core.errors import MeasureError
from vae_core.program import continuous_bernoulli
from vae_core.program.operations import sigmoid

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vae_core.spec import RunSpec

MEAN_BOUNDS = (0.001, 0.999)  # of the mean pixels at which a decoder starts, so that no image is impossible
LARGEST_OUTPUT = 32.0  # at which a decoder of continuous Bernoulli pixels starts: its logit is near its bound there


class Likelihood(Protocol):
    """p(x|z), given the decoder's output.

    Attributes:
        title: name to display.
        has_variance: whether it has a variance c to choose or to learn.
        binary: whether it is a probability of binary pixels, and on grey ones only a loss.
        browser_loss: the name of its formula in the browser's engine; None if the browser has none.
        final_operations: what turns the output of the decoder's program into expected pixels.
    """

    title: ClassVar[str]
    has_variance: ClassVar[bool]
    binary: ClassVar[bool]
    browser_loss: ClassVar[str | None]
    final_operations: ClassVar[tuple[dict[str, Any], ...]]

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z) in nats per image: output (B, D), x (B, D) in [0, 1] -> (B,)."""
        ...

    def expected_pixels(self, output: Tensor) -> Tensor:
        """E[x|z], (B, D): the image to show."""
        ...

    def natural_parameters(self, mean: Tensor) -> Tensor:
        """The output whose expected pixels are `mean`, (D,) in [0, 1]; clipped away from 0 and 1 if necessary."""
        ...

    def nats(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """`negative_log_likelihood` for arrays: output (N, D), pixels (N, D) or (D,) -> float64 (N,)."""
        ...

    def gradient(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """The derivative of `nats` by the output, (N, D)."""
        ...

    def expected_images(self, output: np.ndarray) -> np.ndarray:
        """`expected_pixels` for arrays, (N, D)."""
        ...

    def check_pixels(self, pixels: np.ndarray) -> None:
        """Check that the likelihood is a density on these pixels.

        Raises:
            MeasureError: grey pixels, and the likelihood is `binary`.
        """
        ...

    def floor(self, pixels: np.ndarray) -> dict[str, float]:
        """The lowest possible `nats` on these pixels, (N, D), by the figure's name; empty if it has none."""
        ...


def bernoulli_floors(images: np.ndarray) -> np.ndarray:
    """The lowest cross-entropy that any decoder can reach on each image of grey pixels, in nats.

    It is the pixels' own entropy, -sum x ln x + (1 - x) ln(1 - x); 0 for binary images.

    Args:
        images: (N, D), pixels in [0, 1].

    Returns:
        float64 (N,).
    """
    x = np.clip(images.astype(np.float64), 1e-12, 1.0 - 1e-12)
    return np.asarray(-(x * np.log(x) + (1.0 - x) * np.log1p(-x)).sum(axis=1))


def bernoulli_floor(images: np.ndarray) -> float:
    """`bernoulli_floors`, mean over images (N, D), nats per image."""
    return float(bernoulli_floors(images).mean())


class Bernoulli:
    """Pixels as independent coin flips; the decoder's output is their logit.

    On grey pixels this is the usual cross-entropy, not a normalised density: its minimum is the pixels' own
    entropy (`bernoulli_floor`), 45.5 nats per image on the MNIST test set, not 0.
    """

    title: ClassVar[str] = "Bernoulli"
    has_variance: ClassVar[bool] = False
    binary: ClassVar[bool] = True
    browser_loss: ClassVar[str | None] = "cross_entropy"
    final_operations: ClassVar[tuple[dict[str, Any], ...]] = ({"op": "sigmoid"},)

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z), nats per image: output (B, D), x (B, D) in [0, 1] -> (B,)."""
        from torch.nn import functional

        # .float(): under autocast the output is bfloat16, and a sum over 784 pixels in bfloat16 loses nats.
        return functional.binary_cross_entropy_with_logits(output.float(), x, reduction="none").sum(dim=1)

    def expected_pixels(self, output: Tensor) -> Tensor:
        """E[x|z]: output (B, D) -> (B, D)."""
        return output.sigmoid()

    def natural_parameters(self, mean: Tensor) -> Tensor:
        """The output whose expected pixels are `mean`, (D,) in [0, 1] -> (D,)."""
        return mean.clamp(*MEAN_BOUNDS).logit()

    def nats(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """-log p(x|z), nats per image: output (N, D), pixels (N, D) or (D,) -> float64 (N,)."""
        # Numerically stable: no difference of large numbers. Each pixel in the output's precision, the sum in
        # float64.
        each = np.maximum(output, 0.0) - pixels * output + np.log1p(np.exp(-np.abs(output)))
        return each.sum(axis=1, dtype=np.float64)

    def gradient(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """The derivative of `nats` by the output, (N, D)."""
        return self.expected_images(output) - pixels

    def expected_images(self, output: np.ndarray) -> np.ndarray:
        """E[x|z]: output (N, D) -> (N, D)."""
        return sigmoid(output)

    def check_pixels(self, pixels: np.ndarray) -> None:
        """Raises MeasureError for grey pixels, of any shape."""
        if not np.isin(pixels, (0.0, 1.0)).all():
            raise MeasureError(
                "a Bernoulli likelihood is a probability of black and white pixels only: binarise the image first."
            )

    def floor(self, pixels: np.ndarray) -> dict[str, float]:
        """`bernoulli_floor` of the pixels, (N, D), nats per image."""
        return {"bernoulli_floor": bernoulli_floor(pixels)}


class ContinuousBernoulli:
    """Pixels as independent numbers in [0, 1] with the density exp(t · x - A(t)), t a bounded logit of the output.

    The Bernoulli formula divided by its integral over [0, 1], which makes it a density on grey pixels (Loaiza-Ganem and
    Cunningham 2019); `program.continuous_bernoulli` has A, and says why t is bounded. A density may exceed 1, so its
    nats may be negative. Images show the mean E[x|z]; it lies nearer to one half than the parameter λ = sigmoid(t).
    """

    title: ClassVar[str] = "Continuous Bernoulli"
    has_variance: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    browser_loss: ClassVar[str | None] = None
    final_operations: ClassVar[tuple[dict[str, Any], ...]] = ({"op": "continuous_bernoulli_mean"},)

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z), nats per image: output (B, D), x (B, D) in [0, 1] -> (B,)."""
        from vae_core.losses.continuous_bernoulli import ContinuousBernoulliNats

        each: Tensor = ContinuousBernoulliNats.apply(output.float(), x)
        return each.sum(dim=1)

    def expected_pixels(self, output: Tensor) -> Tensor:
        """E[x|z]: output (B, D) -> (B, D)."""
        from vae_core.program.modules import ContinuousBernoulliMean

        expected: Tensor = ContinuousBernoulliMean()(output)
        return expected

    def natural_parameters(self, mean: Tensor) -> Tensor:
        """The output whose expected pixels are `mean`, (D,) in [0, 1] -> (D,)."""
        # The mean rises with the output, and has no inverse in closed form: halve an interval that holds it.
        target = mean.double()
        high = target.new_full(target.shape, LARGEST_OUTPUT)
        low = -high
        for _ in range(60):
            middle = (low + high) / 2
            below = self.expected_pixels(middle) < target
            low, high = middle.where(below, low), high.where(below, middle)
        return ((low + high) / 2).to(mean.dtype)

    def nats(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """-log p(x|z), nats per image: output (N, D), pixels (N, D) or (D,) -> float64 (N,)."""
        logit = continuous_bernoulli.bounded_logit(output)
        each = continuous_bernoulli.log_partition(logit) - pixels * logit
        return each.sum(axis=1, dtype=np.float64)

    def gradient(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """The derivative of `nats` by the output, (N, D)."""
        logit = continuous_bernoulli.bounded_logit(output)
        return (continuous_bernoulli.mean(logit) - pixels) * continuous_bernoulli.bounded_slope(logit)

    def expected_images(self, output: np.ndarray) -> np.ndarray:
        """E[x|z]: output (N, D) -> (N, D)."""
        return continuous_bernoulli.mean(continuous_bernoulli.bounded_logit(output))

    def check_pixels(self, pixels: np.ndarray) -> None:
        """A density on all pixels in [0, 1]."""

    def floor(self, pixels: np.ndarray) -> dict[str, float]:
        """Empty: how dense black pixels can be is the bound's choice, not theirs."""
        del pixels
        return {}


class Gaussian:
    """p(x|z) = N(f(z), cI), f(z) the decoder's output, normalisation constant included.

    Args:
        variance: c, in squared pixel units.
    """

    title: ClassVar[str] = "Gaussian"
    has_variance: ClassVar[bool] = True
    binary: ClassVar[bool] = False
    browser_loss: ClassVar[str | None] = None
    final_operations: ClassVar[tuple[dict[str, Any], ...]] = ()

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z), nats per image: output (B, D), x (B, D) in [0, 1] -> (B,)."""
        squared = (output.float() - x).square().sum(dim=1)
        constant = 0.5 * x.shape[1] * math.log(2.0 * math.pi * self.variance)
        return squared / (2.0 * self.variance) + constant

    def expected_pixels(self, output: Tensor) -> Tensor:
        """E[x|z]: output (B, D) -> (B, D)."""
        return output

    def natural_parameters(self, mean: Tensor) -> Tensor:
        """The output whose expected pixels are `mean`, (D,) in [0, 1] -> (D,)."""
        return mean

    def nats(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """-log p(x|z), nats per image: output (N, D), pixels (N, D) or (D,) -> float64 (N,)."""
        squared = np.square(output - pixels).sum(axis=1, dtype=np.float64)
        return 0.5 * (squared / self.variance + output.shape[1] * math.log(2.0 * math.pi * self.variance))

    def gradient(self, output: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """The derivative of `nats` by the output, (N, D)."""
        return (output - pixels) / self.variance

    def expected_images(self, output: np.ndarray) -> np.ndarray:
        """E[x|z]: output (N, D) -> (N, D)."""
        return output

    def check_pixels(self, pixels: np.ndarray) -> None:
        """A density on all pixels."""

    def floor(self, pixels: np.ndarray) -> dict[str, float]:
        """Empty: the density has no bound that depends on the pixels."""
        del pixels
        return {}


class LearnedGaussian(Gaussian):
    """p(x|z) = N(f(z), cI) with one c for all pixels, learned with the weights (sigma-VAE, Rybkin et al. 2021).

    For training only; a trained run has a `Gaussian` with the learned c.

    Args:
        log_variance: (), the natural logarithm of c, so that c is positive whatever is learned.
    """

    def __init__(self, log_variance: Tensor) -> None:
        super().__init__(math.nan)  # c changes in every step
        self.log_variance = log_variance

    def negative_log_likelihood(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z), nats per image: output (B, D), x (B, D) in [0, 1] -> (B,)."""
        squared = (output.float() - x).square().sum(dim=1)
        constant = 0.5 * x.shape[1] * (math.log(2.0 * math.pi) + self.log_variance)
        return squared * (0.5 * (-self.log_variance).exp()) + constant


LIKELIHOODS: dict[str, type[Bernoulli] | type[Gaussian] | type[ContinuousBernoulli]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "continuous_bernoulli": ContinuousBernoulli,
}


def likelihood_of(spec: RunSpec, weights: dict[str, np.ndarray]) -> Likelihood:
    """p(x|z) of a trained run, in numpy.

    Args:
        spec: names the likelihood.
        weights: `Run.weights`; they contain ln c, (), if it was learned.
    """
    if spec.learned_variance:
        return Gaussian(math.exp(float(weights["log_variance"])))
    return _fixed(spec)


def likelihood(spec: RunSpec, model: nn.Module) -> Likelihood:
    """p(x|z) of a network, for torch.

    Args:
        spec: names the likelihood.
        model: its network, which has ln c as a parameter if it is learned.
    """
    return LearnedGaussian(model.log_variance) if spec.learned_variance else _fixed(spec)  # type: ignore[arg-type]


def _fixed(spec: RunSpec) -> Likelihood:
    kind = LIKELIHOODS[spec.likelihood]
    return kind(spec.variance) if kind.has_variance else kind()  # type: ignore[call-arg, arg-type]
