"""Compress: bits really written, by a codebook with a prior, by bits-back coding, by PCA, PNG, WebP and JPEG."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.links.url_state import Property, number, one_of

QUESTIONS = ("compress-codes", "compress-mosaic", "compress-bits-back")


def links() -> tuple[Property, ...]:
    """What a link adds of this bench."""
    from ui.chapters.uses.compress.damage import HARMED, MOST_BITS

    return (
        one_of("harmed", HARMED, "whose bits are damaged"),
        number("flipped", 0, MOST_BITS, "which bit is flipped, from 1; 0 for none", example=60),
        number("kept", 0, 100, "the share of the bits that is kept, in per cent", example=80),
    )


BENCH = Bench(
    slug="compress",
    title="Compress",
    question="How few bits can say a digit, if both sides know what digits look like?",
    learned="""
- What a model expects costs few [[bit|bits]]: an outcome of probability p takes −log₂ p of them. An entropy coder
  really writes that many, but for a few.
- A [[codebook]] with an [[autoregressive prior]] loses a little of the image and takes far fewer bits than a file.
Alone,
  most of a file is its head.
- A VAE's [[KL]] is a rate only with [[bits-back coding]]: the first image pays for its code, all others get it back.
- The model is part of the bill. Both sides must have it, and it pays for itself only after many images.
- Every bit depends on those before it: one flipped bit changes the rest. A checksum notices, and has to be paid for.
""",
    links=links,
    predictions=QUESTIONS,
    code=(
        ("coding/grid.py", "GridCoder"),
        ("coding/bits_back.py", "BitsBack"),
        ("coding/linear.py", "LinearCoder"),
        ("coding/stream.py", "check"),
    ),
    sources=(
        ("Shannon 1948, A mathematical theory of communication", "https://doi.org/10.1002/j.1538-7305.1948.tb01338.x"),
        ("Townsend, Bird and Barber 2019, Practical lossless compression with latent variables using bits back coding",
         "https://arxiv.org/abs/1901.04866"),
        ("Duda 2013, Asymmetric numeral systems", "https://arxiv.org/abs/1311.2540"),
        ("van den Oord et al. 2017, Neural discrete representation learning", "https://arxiv.org/abs/1711.00937"),
        ("Bamler 2022, Understanding entropy coding with asymmetric numeral systems: a statistician's perspective "
         "(the library constriction)", "https://arxiv.org/abs/2201.01741"),
        ("Chou, Lookabaugh and Gray 1989, Entropy-constrained vector quantization",
         "https://doi.org/10.1109/29.17498"),
        ("Ballé, Johnston and Minnen 2019, Integer networks for data compression with latent-variable models",
         "https://openreview.net/forum?id=S1zz2i0cY7"),
    ),
)  # fmt: skip
