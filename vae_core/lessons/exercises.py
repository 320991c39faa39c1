"""Checks of the exercises in ``docs/vae_in_40_lines.ipynb``: what one wrote, against the functions of this package.

Each check takes what the learner wrote, prints one sentence if it is right, and raises `Missing` with one if it is not:
what was expected, and where that can be seen. Numbers are compared with the package's own in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_core.errors import VaeCoreError
from vae_core.losses.gaussian import closed_form_kl, reparameterise
from vae_core.losses.likelihoods import Bernoulli
from vae_core.sampling import straight_path

DRAWS = 4_000  # samples where a mean over them is compared
WIDE = 5.0  # standard errors within which a mean of samples must lie: one right answer in a million is refused
_P_X_GIVEN_Z = Bernoulli()


class Missing(VaeCoreError):
    """An exercise that is not solved yet; its message says what is missing. In a notebook it is shown by itself."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


def check_kl(kl: Callable[[Tensor, Tensor], Tensor]) -> None:
    """KL(q(z|x) || N(0, I)) of mean and log_var, (N, d) each -> nats per image, (N,)."""
    mean, log_var = _random(7, 3, seed=0), _random(7, 3, seed=1)
    found = _numbers(kl(mean, log_var), "kl", "one number of nats for each image")
    by_dimension = closed_form_kl(mean.numpy(), log_var.numpy())
    if found.shape == by_dimension.shape:
        raise Missing("kl has one number for each dimension: sum them, dim=1, to get one for each image.")
    _same_shape(found, (7,), "kl")
    wanted = by_dimension.sum(axis=1)
    _explained(found, by_dimension.mean(axis=1), "kl is a mean over dimensions: nats add up, so sum over them.")
    _explained(found, -wanted, "kl has the wrong sign: no KL divergence is below 0.")
    _explained(
        found, closed_form_kl(mean.numpy(), 2.0 * log_var.numpy()).sum(axis=1),
        "kl takes log_var for the logarithm of σ; it is that of σ², so σ² = exp(log_var).",
    )  # fmt: skip
    _equal(found, wanted, "kl", "½ Σ (μ² + σ² − 1 − ln σ²), as kl_to_standard_normal in vae_core/losses/gaussian.py")
    print(f"Right: as vae_core's closed form for 7 posteriors, {wanted.mean():.3f} nats on average.")


def check_sample(sample: Callable[[Tensor, Tensor], Tensor]) -> None:
    """A draw from q(z|x): mean and log_var, (N, d) each -> z, (N, d), differentiable by both."""
    mean, log_var = torch.tensor([[1.0, -2.0]]).expand(DRAWS, 2), torch.tensor([[0.0, -2.0]]).expand(DRAWS, 2)
    z = _numbers(sample(mean, log_var), "sample", "a code z for each image")
    _same_shape(z, (DRAWS, 2), "sample")
    if np.ptp(z, axis=0).max() == 0.0:
        raise Missing("sample gives the same z for all images: add noise, torch.randn_like(mean), scaled by σ.")
    if (z == np.asarray(sample(mean, log_var).detach())).all():
        raise Missing("sample gives the same z twice: the noise must be drawn anew in each call.")
    sigma, error = np.exp(0.5 * log_var[0].numpy()), WIDE / math.sqrt(DRAWS)
    deviations = z.std(axis=0)
    if np.allclose(deviations, np.square(sigma), rtol=error):
        raise Missing("sample scales the noise by σ²: σ is exp(log_var / 2).")
    if not (np.abs(z.mean(axis=0) - mean[0].numpy()) <= error * sigma).all():
        raise Missing(f"sample's mean is {z.mean(axis=0).round(2)}, not μ = {mean[0].numpy()}: z = μ + σ ε.")
    if not np.allclose(deviations, sigma, rtol=error):
        raise Missing(f"sample's deviation is {deviations.round(2)}, not σ = {sigma.round(2)}: σ is exp(log_var / 2).")
    learned = [torch.zeros(1, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)]
    drawn = sample(*learned)
    slopes = torch.autograd.grad(drawn.sum(), learned, allow_unused=True) if drawn.requires_grad else (None, None)
    if any(slope is None for slope in slopes):
        raise Missing("no gradient flows through z to mean and log_var: compute z from noise, without .sample().")
    print(f"Right: {DRAWS:,} draws have the mean and the deviation of q, and gradients flow through them.")


def check_reconstruction(reconstruction: Callable[[Tensor, Tensor], Tensor]) -> None:
    """-log p(x|z) of Bernoulli pixels: logits and x, (N, D) each -> nats per image, (N,)."""
    logits, x = 2.0 * _random(7, 64, seed=2), torch.rand(7, 64, generator=torch.Generator().manual_seed(3))
    found = _numbers(reconstruction(logits, x), "reconstruction", "one number of nats for each image")
    wanted = _P_X_GIVEN_Z.nats(logits.numpy(), x.numpy())
    if found.shape == (7, 64):
        raise Missing("reconstruction has one number for each pixel: sum over the pixels, dim=1.")
    if found.shape == ():
        raise Missing("reconstruction is one number for the whole batch: with reduction='none', then sum over dim=1.")
    _same_shape(found, (7,), "reconstruction")
    _explained(found, wanted / 64, "reconstruction is a mean over 64 pixels, which multiplies β by 64: sum them.")
    _explained(found, wanted / math.log(2.0), "reconstruction is in bits: use natural logarithms for nats.")
    _explained(found, -wanted, "reconstruction has the wrong sign: it is −log p(x|z), which training makes small.")
    _equal(found, wanted, "reconstruction", "−Σ x ln p + (1 − x) ln(1 − p), p = sigmoid(logits)")
    print(f"Right: as vae_core's Bernoulli likelihood for 7 images, {wanted.mean():.2f} nats on average.")


def check_negative_elbo(negative_elbo: Callable[[Any, Tensor], Tensor]) -> None:
    """A model with encode and decode, and x, (N, D) -> reconstruction + KL with one z for each image, (N,)."""
    generator = torch.Generator().manual_seed(4)
    into, out = torch.randn(64, 4, generator=generator) / 3, torch.randn(2, 64, generator=generator) / 5
    model = SimpleNamespace(encode=lambda x: (x @ into).chunk(2, dim=-1), decode=lambda z: z @ out)
    x = torch.rand(1, 64, generator=generator)
    many = x.expand(DRAWS, 64)
    found = _numbers(negative_elbo(model, many), "negative_elbo", "one number of nats for each image")
    _same_shape(found, (DRAWS,), "negative_elbo")
    if np.ptp(found) < 1e-4:
        raise Missing("negative_elbo is the same for every draw of z: decode a sample of q(z|x), not its mean.")
    mean, log_var = (part.numpy() for part in model.encode(many))
    noise = np.random.default_rng(0).standard_normal(mean.shape).astype(np.float32)
    logits = reparameterise(mean, log_var, noise) @ out.numpy()
    parts = {"reconstruction": _P_X_GIVEN_Z.nats(logits, many.numpy()), "kl": closed_form_kl(mean, log_var).sum(axis=1)}
    error = WIDE * math.hypot(found.std(), parts["reconstruction"].std()) / math.sqrt(DRAWS)
    wanted, got = sum(part.mean() for part in parts.values()), found.mean()
    for name, other in (("kl", "reconstruction"), ("reconstruction", "kl")):
        if abs(got - parts[other].mean()) <= error and parts[name].mean() > 2 * error:
            raise Missing(f"negative_elbo lacks its {name} term.")
    if not abs(got - wanted) <= error:
        raise Missing(f"negative_elbo is {got:.2f} nats; reconstruction + kl, with β = 1, are {wanted:.2f}.")
    print(f"Right: {got:.2f} nats over {DRAWS:,} draws, vae_core has {wanted:.2f}; they may differ by {error:.2f}.")


def check_trained(negative_elbo: Callable[[Any, Tensor], Tensor], model: nn.Module, held_out: Tensor) -> None:
    """Held-out images, (N, D), in fewer nats than the mean image would cost; a shipped run's figure beside it."""
    model.eval()
    with torch.no_grad():
        nats = _numbers(negative_elbo(model, held_out), "negative_elbo", "one number of nats for each image")
    x = held_out.numpy().astype(np.float64)
    floor = _P_X_GIVEN_Z.nats(torch.logit(held_out.mean(dim=0), eps=1e-3).numpy(), x).mean()
    if not nats.mean() < floor:
        raise Missing(f"{nats.mean():.1f} nats, and the mean image costs {floor:.1f} without any code: train longer.")
    error = nats.std() / math.sqrt(len(nats))
    said = f"{nats.mean():.1f} ± {error:.1f} nats per held-out image (n = {len(nats)}, one standard error)"
    print(f"Right: {said}; the mean image costs {floor:.1f}.")
    print(_shipped())


def check_posterior(draws: Callable[[Any, Tensor, int], Tensor], model: Any, image: Tensor) -> None:
    """Draws from q(z|x) of one image, decoded: a model, x (1, D), S -> expected pixels (S, D) in [0, 1]."""
    found = _numbers(draws(model, image, DRAWS), "draws", "an image for each sample")
    _same_shape(found, (DRAWS, image.shape[1]), "draws")
    if found.min() < 0.0 or found.max() > 1.0:
        raise Missing("draws gives logits: pixels are their sigmoid, from 0 to 1.")
    if np.ptp(found, axis=0).max() < 1e-6:
        raise Missing("draws gives the same image every time: sample z anew for each.")
    with torch.no_grad():
        mean, log_var = model.encode(image.expand(DRAWS, -1))
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(5))
        own = torch.sigmoid(model.decode(mean + (0.5 * log_var).exp() * noise)).double().numpy()
    error = WIDE * np.hypot(found.std(axis=0), own.std(axis=0)) / math.sqrt(DRAWS)
    if not (np.abs(found.mean(axis=0) - own.mean(axis=0)) <= error + 1e-4).all():
        raise Missing("the mean of the draws is not that of q(z|x): encode the image, sample z, decode.")
    print(
        f"Right: pixels differ by {found.std(axis=0).mean():.3f} between draws of one posterior (standard deviation)."
    )


def check_walk(walk: Callable[[Tensor, Tensor, int], Tensor]) -> None:
    """Codes on the line between two, (d,) each: (count, d), both ends included, at equal steps."""
    start, end = _random(5, seed=6), _random(5, seed=7)
    found = _numbers(walk(start, end, 9), "walk", "a code for each step")
    _same_shape(found, (9, 5), "walk")
    wanted = straight_path(start.numpy()[None], end.numpy()[None], 9)[0]
    _explained(found, wanted[::-1], "walk goes from the end to the start.")
    _equal(found, wanted, "walk", "start + t (end − start) for t = 0, 1/8, …, 1, both ends included")
    print("Right: as vae_core's straight_path.")


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _numbers(found: Any, name: str, what: str) -> np.ndarray:
    """What a function gave, in float64."""
    if not isinstance(found, Tensor):
        given = "nothing" if found is None or found is Ellipsis else f"a {type(found).__name__}"
        raise Missing(f"{name} gives {given}: replace its ... so that it returns a tensor, {what}.")
    numbers: np.ndarray = found.detach().double().numpy()
    if not np.isfinite(numbers).all():
        raise Missing(f"{name} has numbers that are infinite or no numbers.")
    return numbers


def _same_shape(found: np.ndarray, shape: tuple[int, ...], name: str) -> None:
    if found.shape != shape:
        raise Missing(f"{name} has the shape {found.shape}; {shape} is expected.")


def _explained(found: np.ndarray, mistaken: np.ndarray, message: str) -> None:
    if np.allclose(found, mistaken, rtol=1e-4, atol=1e-5):
        raise Missing(message)


def _equal(found: np.ndarray, wanted: np.ndarray, name: str, formula: str) -> None:
    if not np.allclose(found, wanted, rtol=1e-4, atol=1e-5):
        raise Missing(f"{name} is {found.flat[0]:.4f} where {wanted.flat[0]:.4f} is right: {formula}.")


def _shipped() -> str:
    """A sentence with the figures of vae_core's own runs of this size, where the shipped runs are."""
    from vae_core.clone import IN_CLONE, WITHOUT_RUNS
    from vae_core.storage.manifest import SHIPPED, read_manifest, shipped_run
    from vae_core.storage.store import Store

    if not IN_CLONE:
        return f"There is no run to compare with: {WITHOUT_RUNS}."
    first = shipped_run(dataset="digits", model="vae", latent_dim=2, likelihood="bernoulli", samples=None)
    alike = [spec for spec in read_manifest() if replace(spec, seed=first.seed) == first]
    measured = [Store(SHIPPED).load(spec.key).metrics["test"] for spec in alike]
    nats = " and ".join(f"{figures['negative_elbo']:.1f}" for figures in measured)
    return (
        f"vae_core's runs with hidden layers of {' and '.join(map(str, first.hidden))} have {nats} nats on the same "
        f"images, from {len(alike)} random starts, after {first.epochs} epochs."
    )
