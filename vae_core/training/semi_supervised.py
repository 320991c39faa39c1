"""The step of M1+M2: one Adam on unlabelled images and, in every step, on images that have a label."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_core.datasets.few_labels import labelled
from vae_core.losses.objectives import Terms
from vae_core.losses.terms import Term, weighted_sum, weights_at
from vae_core.models.semi_supervised import M2
from vae_core.spec import RunSpec
from vae_core.training.step import Batch, floats, new_adam

LABELLED = 100  # images with a label in a step, at most
BATCH = 2_000  # images whose codes are computed at a time


class M2Step:
    """Kingma et al. 2014, eq. 9: the bounds of unlabelled and of labelled images, and α times the cross-entropy.

    The paper sums over all images. With 100 labels among 55,000 that would leave a label to every second step; here
    every step sees labelled images too, up to `LABELLED` of them, and their mean counts as much as that of the
    unlabelled. No other label is ever looked at.

    Args: as of `step.GradientStep`. Products are float32 always.
    """

    terms = (
        Term("unlabelled"),
        Term("labelled"),
        Term("cross_entropy", weight=lambda spec, _: spec.options.alpha),
        Term("error", "share of images", lambda spec, _: 0.0),  # noqa: ARG005
    )
    targets = "number_or_label"
    precision = "float32"  # whatever is asked for: bounds of all classes are compared

    def __init__(self, spec: RunSpec, model: M2, precision: str) -> None:
        del precision
        self.spec, self.model = spec, model
        self.optimisers = {"": new_adam([one for one in model.parameters() if one.requires_grad], spec.learning_rate)}

    @torch.no_grad()
    def survey(self, pixels: Tensor, labels: Tensor) -> None:
        """Compute M1's codes, which do not change, and choose the images that have a label: uint8 (N, D), (N,)."""
        model, options = self.model, self.spec.options
        features = [model.trunk(floats(x)) for x in pixels.split(BATCH)]
        if not model.standardised:
            model.standardise(torch.cat([model.raw(part) for part in features]))
        codes = [model.standard_codes(part) for part in features]
        self.codes, self.sigma = (torch.cat(parts) for parts in zip(*codes, strict=True))  # (N, d) each
        chosen = labelled(labels.cpu().numpy(), options.labels, self.spec.seed)
        self.few = torch.from_numpy(chosen).to(pixels.device)
        self.labels = labels[self.few].long()

    def update(self, batch: Batch) -> Terms:
        """One step of Adam. The terms of labelled images are their means, the same for every image of the batch."""
        model, generator, count = self.model, batch.generator, len(batch.targets)
        order = torch.randperm(len(self.few), generator=generator, device=generator.device)[:LABELLED]
        seen = torch.cat([batch.targets, self.few[order]])
        codes, sigma = self.codes.index_select(0, seen), self.sigma.index_select(0, seen)
        codes = codes + self.spec.options.noise * sigma * _noise(codes.shape, generator)
        found = model.by_class(codes, _noise((len(seen), model.classes, model.style), generator))
        few, labels = found.part(slice(count, None)), self.labels[order]
        means = {
            "labelled": few.labelled(labels).mean(),
            "cross_entropy": few.cross_entropy(labels).mean(),
            "error": (few.logits.argmax(dim=1) != labels).float().mean(),
        }
        terms = {"unlabelled": found.part(slice(count)).unlabelled()}
        terms |= {name: mean.expand(count) for name, mean in means.items()}
        weighted_sum(terms, weights_at(self.terms, self.spec, batch.epochs_done)).mean().backward()
        optimiser = self.optimisers[""]
        optimiser.param_groups[0]["lr"] = batch.learning_rate
        optimiser.step()
        optimiser.zero_grad()
        return {name: term.detach() for name, term in terms.items()}

    @torch.no_grad()
    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """Of held-out images, each as if it had no label and as if it had; no noise on the codes."""
        del noise  # as many numbers as M1's code has; those of z come from a generator that is the same each time
        targets = targets.long()
        codes, _ = self.model.standard_codes(self.model.trunk(x))
        generator = torch.Generator(x.device).manual_seed(len(x))
        found = self.model.by_class(codes, _noise((len(x), self.model.classes, self.model.style), generator))
        return {
            "unlabelled": found.unlabelled(),
            "labelled": found.labelled(targets),
            "cross_entropy": found.cross_entropy(targets),
            "error": (found.logits.argmax(dim=1) != targets).float(),
        }


def _noise(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)
