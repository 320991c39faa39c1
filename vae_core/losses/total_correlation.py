"""The KL term taken apart: mutual information, total correlation, and each dimension's distance from the prior.

E KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || prod_j q(z_j)) + sum_j KL(q(z_j) || p(z_j)), for a prior whose dimensions
are independent (Chen et al. 2018, eq. 2). All three need the aggregate q(z), a mixture over all training images, of
which a step sees one batch: both estimators of Chen et al. are here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

ESTIMATORS = ("stratified", "weighted")
_ROWS = 256  # of a batch at a time: (rows, B, d) densities are in memory


class Parts(NamedTuple):
    """What the KL term is the sum of, nats per image, (B,) each; single values may be negative, their means may not.

    Attributes:
        mutual_information: of an image and its code.
        total_correlation: by how much the dimensions of q(z) depend on each other.
        dimension_kl: of each q(z_j) from N(0, 1), summed over dimensions.
    """

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_kl: Tensor


def log_aggregate(
    z: Tensor, mean: Tensor, log_var: Tensor, images: int, estimator: str = "stratified"
) -> tuple[Tensor, Tensor]:
    """ln q(z) and ln q(z_j), where q is the aggregate posterior over all images, estimated from one batch.

    An image's own posterior belongs to the mixture for certain, with weight 1 / N. *Stratified*: the others of the
    batch stand for the N - 1 others, so that q(z) is right on average over batches. Appendix C.2 of Chen et al. gives
    one of them a weight of its own; here all share evenly, which has the same mean and less variance. *Weighted* (their
    eq. 5): every posterior of the batch weighs 1 / (N B), which bounds q(z) from below and is up to N times too small:
    the mutual information then reads up to ln N too high and the total correlation up to (d - 1) ln N, constants that
    have no gradient. Besides, the logarithm of an estimate is low on average (Jensen): where few images share a place,
    the stratified mutual information is too large, though never beyond ln N.

    Args:
        z: (B, d), row i sampled from posterior i.
        mean, log_var: (B, d), of the batch's posteriors.
        images: N, how many images there are to learn from.
        estimator: one of `ESTIMATORS`.

    Returns:
        (B,) and (B, d).
    """
    count = len(z)
    numbers = torch.arange(count, device=z.device)
    everywhere = -math.log(images * count)
    own = others = everywhere
    if estimator == "stratified":
        own, others = -math.log(images), math.log((images - 1) / (images * max(1, count - 1)))
        if count == 1:
            own = 0.0  # nothing else is known of the mixture
    joint, each = [], []
    for rows in numbers.split(_ROWS):
        standard = (z[rows, None] - mean) * (-0.5 * log_var).exp()  # (rows, B, d)
        densities = -0.5 * (standard.square() + log_var + math.log(2.0 * math.pi))
        weights = torch.where(rows[:, None] == numbers, own, others)
        joint.append((densities.sum(dim=2) + weights).logsumexp(dim=1))
        each.append((densities + weights[:, :, None]).logsumexp(dim=1))
    return torch.cat(joint), torch.cat(each)


def decompose(
    z: Tensor, mean: Tensor, log_var: Tensor, kl: Tensor, images: int, estimator: str = "stratified"
) -> Parts:
    """The three parts of a batch's KL term. They sum to the KL in closed form, not to a sample of it: less noise in the
    gradients, and with equal weights exactly the loss of a VAE.

    Args:
        z, mean, log_var, images, estimator: as of `log_aggregate`.
        kl: (B,), closed form, nats.
    """
    joint, each = log_aggregate(z, mean, log_var, images, estimator)
    independent = each.sum(dim=1)
    prior = -0.5 * (z.square() + math.log(2.0 * math.pi)).sum(dim=1)
    return Parts(kl - (joint - prior), joint - independent, independent - prior)
