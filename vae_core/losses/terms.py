"""The terms of a loss, their weights, and their weighted sum: any number of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.spec import RunSpec

Value = TypeVar("Value", "Tensor", float)


@dataclass(frozen=True)
class Term:
    """One term of a loss.

    Attributes:
        name: in the history, the curves and the command line.
        unit: of its value, ``nats`` per image by default.
        weight: (spec, epochs done, a fraction within an epoch) -> its weight in the loss.
    """

    name: str
    unit: str = "nats"
    weight: Callable[[RunSpec, float], float] = lambda spec, epochs_done: 1.0  # noqa: ARG005


def weights_at(terms: Sequence[Term], spec: RunSpec, epochs_done: float) -> dict[str, float]:
    """The weight of every term after so many epochs."""
    return {term.name: term.weight(spec, epochs_done) for term in terms}


def weighted_sum(terms: Mapping[str, Value], weights: Mapping[str, float]) -> Value:
    """The loss: every term times its weight. For the two terms of the ELBO, weights of 1 give the negative ELBO, and
    weight β on the KL gives the β-VAE of Higgins et al. 2017.

    Args:
        terms: name -> nats per image, (B,) each, or their means.
        weights: by the same names.

    Raises:
        ValueError: every weight is 0: there is nothing to learn.
    """
    total: Value | None = None
    for name, value in terms.items():
        weight = weights[name]
        if weight == 0:  # left out: such a term may become infinite, and 0 * inf is NaN
            continue
        part = value if weight == 1 else weight * value
        total = part if total is None else total + part
    if total is None:
        raise ValueError("all terms have weight 0")
    return total


def warmed_up(beta: float, warm_up: int | None, epochs_done: float) -> float:
    """The KL term's weight after so many epochs, where it rises linearly over the first `warm_up`."""
    return beta * min(1.0, epochs_done / warm_up) if warm_up else beta
