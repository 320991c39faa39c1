"""Estimates before training: seconds and memory."""

from __future__ import annotations

import math
from itertools import pairwise

from ui.runs.resources import listing
from ui.training import grids
from vae_core import datasets
from vae_core.models import model_kind
from vae_core.models.adversarial_options import judges_images
from vae_core.spec import RunSpec
from vae_core.training.schedule import images_per_epoch

COMPUTED_SECONDS = 30.0  # for a model that is computed, not trained
BASE_MEMORY = 510e6  # bytes: Python, torch and what measuring imports
MOST_HELD_OUT, MEASURED_AT_ONCE, CLASSIFIER_MAPS = 10_000, 2_000, 32
_CONV_KERNEL = 4  # as in models.conv
SEEN_AT_ONCE = 3  # batches that a second network sees in a step: images, what is rebuilt, samples


def estimated_seconds(spec: RunSpec) -> float | None:
    """Estimated from the most similar run in the store, whose training was measured; None if there is none."""
    if not model_kind(spec.model).trained:
        return COMPUTED_SECONDS
    alike, work = _worked_alike(spec), work_of(spec)
    best: tuple[float, float] | None = None
    for line in listing():
        other = line.spec
        if other is None or other.images is not None or not line.provenance:
            continue
        kind = model_kind(other.model)
        autoencodes = kind.bottleneck.continuous or kind.bottleneck.discrete
        if _worked_alike(other) != alike or not kind.trained or not autoencodes:
            continue
        other_work = work_of(other)
        difference = abs(math.log(other_work / work))
        if best is None or difference < best[0]:
            best = difference, line.provenance["training_seconds"] / (other.epochs * other_work)
    return None if best is None else best[1] * spec.epochs * work


def _worked_alike(spec: RunSpec) -> tuple[object, ...]:
    """What the time of two runs must share, so that the one's says something of the other's."""
    kind = model_kind(spec.model)
    return kind.family, kind.bottleneck.discrete, kind.objective, kind.step  # a GAN has three networks to move


def work_of(spec: RunSpec) -> float:
    """Approximate work of one epoch: images times multiplications per image."""
    known = datasets.info(spec.dataset)
    channels, height, width = known.image_shape
    if model_kind(spec.model).bottleneck.discrete:
        return max(1, images_per_epoch(known.training_images)) * (grids.multiplications(spec) + 20_000)
    widths = [channels * height * width, *spec.hidden, spec.latent_dim]
    multiplications = sum(a * b for a, b in pairwise(widths))
    if model_kind(spec.model).family == "conv":
        multiplications = height * width * sum(spec.hidden[:-1])
    # A rough allowance for what an image costs besides its multiplications: it is all that counts on tiny ones.
    return max(1, images_per_epoch(known.training_images)) * (multiplications + 20_000)


def weight_count(spec: RunSpec) -> int:
    """Number of the network's parameters, including biases."""
    if model_kind(spec.model).bottleneck.discrete:
        return grids.weight_count(spec)
    channels, height, width = datasets.info(spec.dataset).image_shape
    heads = 2 if model_kind(spec.model).bottleneck.has_posterior else 1
    d, pixels = spec.latent_dim, channels * height * width
    if model_kind(spec.model).family != "conv":
        way_in = [pixels, *spec.hidden]
        way_out = [d, *spec.hidden[::-1], pixels]
        return (
            sum(_linear(a, b) for a, b in pairwise(way_in))
            + heads * _linear(way_in[-1], d)
            + sum(_linear(a, b) for a, b in pairwise(way_out))
        )
    return _conv_weights(spec, heads) + _second_network(spec) + _beside(spec)


def _conv_weights(spec: RunSpec, heads: int) -> int:
    """Of a convolutional encoder and decoder; a GAN has two decoders, of which one is the other's average."""
    channels, height, width = datasets.info(spec.dataset).image_shape
    d = spec.latent_dim
    *maps, last = spec.hidden
    smallest = maps[-1] * (height >> len(maps)) * (width >> len(maps))
    stack = [channels, *maps]
    kernels = sum(a * b * _CONV_KERNEL**2 for a, b in pairwise(stack))
    way_in = kernels + sum(maps) + _linear(smallest, last) + heads * _linear(last, d)
    way_out = kernels + sum(stack[:-1]) + _linear(d, last) + _linear(last, smallest)
    decoders = 2 if model_kind(spec.model).bottleneck.drawn else 1
    return way_in + decoders * way_out


def _second_maps(spec: RunSpec) -> tuple[int, ...]:
    """The channels of the convolutions of a second network: a discriminator's, or those that compare images."""
    if judges_images(spec):
        return tuple(spec.options.discriminator[:-1])
    return tuple(getattr(spec.options, "channels", ()))


def _second_network(spec: RunSpec) -> int:
    """The weights of that network."""
    maps = _second_maps(spec)
    channels, height, width = datasets.info(spec.dataset).image_shape
    count = sum(a * b * _CONV_KERNEL**2 + b for a, b in pairwise([channels, *maps]))
    if judges_images(spec):
        last = spec.options.discriminator[-1]
        smallest = maps[-1] * (height >> len(maps)) * (width >> len(maps))
        count += _linear(smallest, last) + _linear(last + spec.options.batch_spread, 1)
    return count


def _beside(spec: RunSpec) -> int:
    """Of what stands beside a convolutional encoder and decoder: a discriminator of codes, or their levels."""
    widths = () if judges_images(spec) else getattr(spec.options, "discriminator", ())
    levels = int(getattr(spec.options, "levels_each", 0))
    return levels + (sum(_linear(a, b) for a, b in pairwise((spec.latent_dim, *widths, 1))) if widths else 0)


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def memory_of(spec: RunSpec) -> float:
    """Approximate peak memory of the training process in bytes: within a fifth of measurements on three models."""
    known = datasets.info(spec.dataset)
    channels, height, width = known.image_shape
    pixels = channels * height * width
    # Weights, gradients and Adam's two moments; copies of the first and the last two on their way to the file.
    weights = 4 * 7 * weight_count(spec)
    # The files as read, what is left for training, and copies of both; a held-out split as floats, three times.
    held_out = min(MOST_HELD_OUT, known.training_images // 9)
    images = 4 * known.training_images * pixels + 12 * held_out * pixels
    if model_kind(spec.model).bottleneck.discrete:
        layers = grids.kept_numbers(spec)
    elif model_kind(spec.model).family == "conv":
        layers = sum(maps * height * width // 4 ** (place + 1) for place, maps in enumerate(spec.hidden[:-1]))
        second = sum(maps * height * width // 4 ** (place + 1) for place, maps in enumerate(_second_maps(spec)))
        layers += SEEN_AT_ONCE * second
    else:
        layers = sum(spec.hidden)
    batch = 2 * 4 * spec.batch_size * 2 * (layers + pixels)
    seen = 4 * CLASSIFIER_MAPS * pixels * min(MEASURED_AT_ONCE, held_out)
    return BASE_MEMORY + weights + images + batch + seen


def duration(seconds: float) -> str:
    """A duration in words, rounded."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
