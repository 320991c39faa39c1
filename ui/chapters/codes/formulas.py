"""The mathematics of the chapter, with the numbers of the run on screen."""

from __future__ import annotations

import math

from ui.chapters.codes.runs import CELLS, CODEBOOKS, line_of, run_of
from ui.chapters.codes.use import measured_on, number
from ui.runs.selection import per_shelf


@per_shelf
def formulas(codebook: str) -> list[tuple[str, str]]:
    """Sentences with numbers, and LaTeX."""
    line, run = line_of(CODEBOOKS[codebook]), run_of(CODEBOOKS[codebook])
    entries, perplexity = number(line, "entries"), number(line, "perplexity")
    last = run.history[-1]
    lines = [
        (
            f"Every cell's vector is replaced by the nearest of K = {entries:.0f} entries. The decoder sees the "
            "entry only.",
            r"k = \operatorname*{argmin}_j \lVert z_e(x) - e_j \rVert^2, \qquad z_q(x) = e_k",
        )
    ]
    if "commitment" in last:
        options = run.spec.options
        lines.append(
            (
                "The loss of van den Oord et al. (2017); sg lets no gradient through. The reconstruction of "
                f"held-out digits is {last['validation_reconstruction']:.1f} nats per image at the end of training, "
                f"the commitment term {options.commitment:g} · {last['validation_commitment']:.2f} (squared latent "
                "units, summed over the grid). "
                + (
                    "Entries learn by moving averages of their vectors, so the middle term has weight 0 here."
                    if options.learn_by == "averages"
                    else "Entries learn by the middle term."
                ),
                r"L = -\log p(x|z_q) + \lVert \mathrm{sg}[z_e] - e \rVert^2"
                r" + \beta\,\lVert z_e - \mathrm{sg}[e] \rVert^2",
            )
        )
    lines += [
        (
            "The straight-through gradient: forwards the entry, backwards as if nothing had been done.",
            r"z_q = z_e + \mathrm{sg}[e - z_e] \quad\Rightarrow\quad \frac{\partial L}{\partial z_e} = "
            r"\frac{\partial L}{\partial z_q}",
        ),
        (
            f"With the shares $p_k$ of the entries among all cells of {measured_on(line)}, the perplexity is "
            f"{perplexity:.2f}; an image takes {CELLS} · log₂ {perplexity:.2f} = "
            f"{CELLS * math.log2(perplexity):.0f} bits if each cell is coded by itself, and {CELLS} · log₂ "
            f"{entries:.0f} = {CELLS * math.log2(entries):.0f} without any knowledge.",
            r"\mathrm{perplexity} = \exp\Big(-\sum_k p_k \log p_k\Big)",
        ),
    ]
    return lines
