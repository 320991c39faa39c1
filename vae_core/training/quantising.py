"""The steps of models whose codes are entries of a codebook."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import Terms
from vae_core.losses.terms import Term, weighted_sum, weights_at
from vae_core.models.quantised import VQVAE, Quantised
from vae_core.spec import RunSpec
from vae_core.training.step import Batch, floats, new_adam

LEAST_SHARE = 0.1  # of an even share of the cells: an entry used less is restarted
SETTLED = 0.7  # of the epochs: after these no entry is restarted


def nearest(rows: Tensor, codebook: Tensor) -> Tensor:
    """The number of the nearest entry for each row: (N, D), (K, D) -> (N,).

    By |e|² - 2 r·e, which orders entries as the distance does: one matrix product. Where two are equally near up to
    float32 it may choose the other one than `program.modules.Nearest`, which is exact and slower.
    """
    return torch.addmm(codebook.square().sum(dim=1), rows, codebook.T, alpha=-2.0).argmin(dim=1)


def straight_through(vectors: Tensor, entries: Tensor) -> Tensor:
    """The entries with the gradient of the vectors, (B, h, w, D) each: what the decoder asks of one is asked of the
    encoder (van den Oord et al. 2017, section 3.2)."""
    return vectors + (entries - vectors).detach()


class QuantisingStep:
    """Encoder and decoder by one Adam; gradients pass the codebook straight through. No codebook learns here.

    Args: as of `step.GradientStep`. Products are float32 always: nearest entries need it.
    """

    terms: tuple[Term, ...] = (Term("reconstruction"),)
    targets = "label"
    precision = "float32"  # whatever is asked for: nearest entries need it

    def __init__(self, spec: RunSpec, model: Quantised, precision: str) -> None:
        del precision
        self.spec, self.model, self.p_x_given_z = spec, model, likelihood(spec, model)
        learned = [one for one in model.parameters() if one.requires_grad and self.by_gradient(one)]
        self.optimisers = {"": new_adam(learned, spec.learning_rate)}

    def by_gradient(self, parameter: Tensor) -> bool:
        """Whether Adam moves a parameter."""
        del parameter
        return True

    def update(self, batch: Batch) -> Terms:
        """One step of Adam, then what the codebook does by itself."""
        x = floats(batch.pixels)
        vectors = self.model.vectors(x)  # (B, h, w, D)
        self.before(vectors, batch)
        terms, numbers = self._terms(x, vectors)
        weighted_sum(terms, weights_at(self.terms, self.spec, batch.epochs_done)).mean().backward()
        optimiser = self.optimisers[""]
        optimiser.param_groups[0]["lr"] = batch.learning_rate
        optimiser.step()
        optimiser.zero_grad()
        self.after(vectors.detach().flatten(0, -2), numbers, batch)
        return {name: term.detach() for name, term in terms.items()}

    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> Terms:
        """The same terms."""
        del noise, targets
        return self._terms(x, self.model.vectors(x))[0]

    def before(self, vectors: Tensor, batch: Batch) -> None:
        """Called with the vectors of a batch before they are quantised."""

    def after(self, rows: Tensor, numbers: Tensor, batch: Batch) -> None:
        """Called once Adam has moved the weights: the vectors, (N, D), and the entries that they had, (N,)."""

    def _terms(self, x: Tensor, vectors: Tensor) -> tuple[Terms, Tensor]:
        codebook = self.model.codebook
        numbers = nearest(vectors.detach().flatten(0, -2), codebook.detach())
        entries = functional.embedding(numbers, codebook).view_as(vectors)
        output = self.model.images(straight_through(vectors, entries))
        terms = {"reconstruction": self.p_x_given_z.negative_log_likelihood(output, x)}
        return terms | self.further_terms(vectors, entries), numbers

    def further_terms(self, vectors: Tensor, entries: Tensor) -> Terms:
        """Terms beside the reconstruction, (B,) each."""
        del vectors, entries
        return {}


class VQStep(QuantisingStep):
    """A codebook that learns: by the codebook term, or by moving averages, never by both.

    Both terms are squared distances, summed over the grid and the entry's numbers, as the reconstruction is summed over
    pixels: the paper's equation 3, without averages in it.
    """

    model: VQVAE
    terms = (
        Term("reconstruction"),
        Term("commitment", "squared latent units", lambda spec, _: spec.options.commitment),
        Term("codebook", "squared latent units", lambda spec, _: float(spec.options.learn_by == "loss")),
    )

    def by_gradient(self, parameter: Tensor) -> bool:
        """The codebook only where its term counts."""
        return parameter is not self.model.codebook or self.spec.options.learn_by == "loss"

    def further_terms(self, vectors: Tensor, entries: Tensor) -> Terms:
        """How far vectors are from their entries, once for the encoder and once for the codebook."""
        return {
            "commitment": (vectors - entries.detach()).square().flatten(1).sum(dim=1),
            "codebook": (vectors.detach() - entries).square().flatten(1).sum(dim=1),
        }

    @torch.no_grad()
    def before(self, vectors: Tensor, batch: Batch) -> None:
        """Before the first step, entries become vectors of the data."""
        first = not self.optimisers[""].state  # Adam has none before its first step; a resumed one has
        if first and self.spec.options.start_from == "data":
            every = torch.arange(len(self.model.codebook), device=vectors.device)
            self._replace(every, vectors.flatten(0, -2), batch.generator)

    @torch.no_grad()
    def after(self, rows: Tensor, numbers: Tensor, batch: Batch) -> None:
        """Moving averages of shares and sums; after an epoch, entries that were hardly used begin again."""
        model, options = self.model, self.spec.options
        count = len(model.codebook)
        share = torch.bincount(numbers, minlength=count) / len(numbers)
        sums = torch.zeros_like(model.sums).index_add_(0, numbers, rows) / len(numbers)
        model.shares.lerp_(share, 1.0 - options.decay)
        model.sums.lerp_(sums, 1.0 - options.decay)
        if options.learn_by == "averages":
            used = model.shares > 1e-6 / count  # the others stay where they are
            model.codebook[used] = model.sums[used] / model.shares[used, None]
        ends_epoch = abs(batch.epochs_done - round(batch.epochs_done)) < 1e-9
        if options.restart and ends_epoch and batch.epochs_done < SETTLED * self.spec.epochs:
            unused = (model.shares < LEAST_SHARE / count).nonzero().flatten()
            if len(unused):
                self._replace(unused, rows, batch.generator)

    def _replace(self, entries: Tensor, rows: Tensor, generator: torch.Generator) -> None:
        """Put vectors of the batch, chosen at random, in the place of some entries."""
        model = self.model
        # Without repeating one while there are others: of two equal entries the second is never the nearest.
        order = torch.randperm(len(rows), generator=generator, device=rows.device)
        model.codebook[entries] = rows[order[torch.arange(len(entries), device=rows.device) % len(rows)]]
        model.shares[entries] = 1.0 / len(model.codebook)
        model.sums[entries] = model.codebook[entries] * model.shares[entries, None]
