"""The mathematics of the chapter, with the numbers of the run on screen."""

from __future__ import annotations

from ui.chapters.faces.family import Shown, run_of
from ui.chapters.faces.found import found_by
from ui.chapters.faces.instrument import levels_of
from ui.runs.selection import per_shelf


@per_shelf
def formulas(shown: Shown) -> tuple[tuple[str, str], ...]:
    """For the foot of the page: sentences and LaTeX."""
    run, found = run_of(shown), found_by(shown)
    lines = []
    if run.codes.has_posterior:
        figures = run.metrics.get("test") or run.metrics.get("validation", {})
        kl = f" Here the whole of it is {figures['kl']:.2f} nats per image." if "kl" in figures else ""
        lines.append(
            (
                "The KL term of all images has three parts: what a code says of its image, how far its numbers depend "
                f"on each other (the total correlation), and how far each of them is from the prior.{kl} A β-VAE "
                f"weighs all three with β, a β-TCVAE the middle one alone; on screen β = {run.spec.kl_weight:g}.",
                r"\mathbb{E}_x\, \mathrm{KL}(q(z|x) \Vert p(z)) = I(x; z) + \mathrm{KL}\Big(q(z) \,\Big\Vert\, \prod_j "
                r"q(z_j)\Big) + \sum_j \mathrm{KL}(q(z_j) \Vert p(z_j))",
            )
        )
    if levels := levels_of(run):
        lines.append((f"All codes of the FSQ: L levels of d numbers, {levels}^{shown.d} = {levels**shown.d:,}.", ""))
    if found is not None:
        best = found.information.max(axis=0)
        told = ", ".join(f"{name} {value:.2f}" for name, value in zip(found.factors, best, strict=True))
        gap = float(found.gaps.mean())
        lines.append(
            (
                f"MIG of the run on screen, of {found.n:,} held-out images, is {gap:.3f}. H(v) is a feature's entropy; "
                f"the largest I(z; v) / H(v) of each: {told}.",
                r"\mathrm{MIG} = \frac{1}{F} \sum_{f} \frac{I(z_{(1)}; v_f) - I(z_{(2)}; v_f)}{H(v_f)}",
            )
        )
    return tuple(lines)
