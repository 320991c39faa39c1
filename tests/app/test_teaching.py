"""docs/teaching.md tells the figures that the pages show: each is written here again from them, and none is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from ui.chapters.beta.sweep import KL_ONLY, measured, stop_at, stops_of
from ui.chapters.reduction.comparison import PIXELS, error_of
from ui.chapters.reduction.equal_epochs import convolutions_text
from ui.chapters.reduction.noise import measured as measured_in_noise
from ui.chapters.regularity.neighbours import USUAL_STEP, changed_share
from ui.chapters.regularity.over_seeds import mean_of
from ui.chapters.regularity.smoothness import compared_smoothness, length_of
from ui.runs.aggregate import aggregate_of
from ui.runs.resources import held_out, load_run
from ui.runs.selection import compared_spec, seeds_of

from .helpers import ROOT, numbers_left


def running_text() -> str:
    """Without commands, links, headings, what is in code, and the tables of the lessons (tests/app/test_lessons.py)."""
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|<!-- lesson.*?<!-- end -->", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"`[^`]*`|\]\([^)]*\)|^#.*$", "", text, flags=re.MULTILINE).split())


TEXT = running_text()


def pair(d: int):
    return tuple(compared_spec(model, "mnist", d) for model in ("ae", "vae"))


def touch() -> Iterator[str]:
    yield f"by a VAE, of the same {len(held_out('mnist')):,} digits."


def reduction() -> Iterator[str]:
    linear = {f"{error_of(model, 16):.4f}" for model in ("pca", "linear_ae")}
    assert len(linear) == 1
    yield f"the same error ({linear.pop()} on the test set at d = 16), the deep one {error_of('ae', 16):.4f}."
    said = convolutions_text()
    assert "better at d = 8, 16 and 32; at d = 2 they cannot be told apart" in said
    yield "After equally many epochs from d = 8 on; at d = 2 the two cannot be told apart."


def small_steps() -> Iterator[str]:
    ae, vae = (changed_share(spec.key, USUAL_STEP)[0] for spec in pair(2))
    yield f"{USUAL_STEP:g} standard deviations away"
    yield f"In the autoencoder {ae:.0%} of such steps change the digit that the classifier sees, in the VAE {vae:.0%}."


def samples() -> Iterator[str]:
    def of(name: str, source: str) -> list[float]:
        return [mean_of(spec, "samples", source, name) for spec in pair(16)]

    (unknown, vae_unknown), (far, vae_far) = of("ambiguity", "prior"), of("frechet", "prior")
    yield f"does not recognise {unknown:.0%} of the autoencoder's samples and {vae_unknown:.0%} of the VAE's"
    yield f"(Fréchet distance {far:.0f} against {vae_far:.0f})."
    gaussian, (mixture, vae_mixture) = of("frechet", "gaussian")[0], of("frechet", "mixture")
    rebuilt, vae_rebuilt = of("frechet", "reconstructions")
    assert mixture < vae_far < gaussian
    yield f"brings the autoencoder to {gaussian:.0f}, a mixture to {mixture:.0f}, better than the VAE"
    best = f"{rebuilt:.0f} and {vae_rebuilt:.0f}."
    yield f"and the VAE to {vae_mixture:.0f}; other images that are merely rebuilt score {best}"


def pixels() -> Iterator[str]:
    yield f"a sum over {PIXELS} pixels, the KL over 2 dimensions, both in nats per image"
    yield f"would multiply β by {PIXELS}."
    floor = load_run(pair(2)[1].key).metrics["test"]["bernoulli_floor"]
    yield f"no decoder gets below {floor:.1f} nats here"


def dial() -> Iterator[str]:
    kl = [measured(stop_at(2, label), "kl") for label in ("0", "1")]
    mean_image, alone = (measured(stop_at(2, label), "reconstruction") for label in ("100", KL_ONLY))
    yield f"at d = 2 the KL falls from {kl[0]:.0f} nats (β = 0) to {kl[1]:.1f} (β = 1) and 0; at β = 100 the "
    yield f"costs {mean_image:.1f} nats"
    yield f"asks for images: {alone:.1f} nats."
    active = dict.fromkeys(str(round(measured(line, "active_units"))) for line in stops_of(16))
    yield f"At d = 16 the active units go {', '.join(active)}."


def aggregate() -> Iterator[str]:
    two, sixteen = (load_run(compared_spec("vae", "mnist", d).key).metrics["test"] for d in (2, 16))
    narrow, wide = aggregate_of(two), aggregate_of(sixteen)
    yield f"Of {wide.n:,} digits no more than ln {wide.n:,} = {wide.limit:.1f} nats of information can be seen."
    yield f"At d = 2 that is enough (KL(q(z) ‖ p) is {narrow.in_nats()} of {two['kl']:.1f} nats);"
    yield f"at d = 16 the pages show an interval, {wide.low:.1f} to {wide.high:.1f} of {sixteen['kl']:.1f} nats"


def smoothness() -> Iterator[str]:
    ae, vae = map(length_of, pair(2))
    assert round(ae.median / vae.median) == 5 and ae.low > vae.high
    yield "At d = 2 five times, by the median; "
    assert "not** clearly smoother" in compared_smoothness(pair(16)) and "times rougher" in compared_smoothness(
        pair(32)
    )
    assert {len(seeds_of(spec)) for spec in pair(32)} == {1}
    yield "at d = 16 it cannot be told apart, at d = 32 it is rougher (of one seed each), among the dimensions that it"


def noise() -> Iterator[str]:
    found = measured_in_noise()
    at = found.sigmas.index(0.5)
    pca, plain, ae = (found.told[name].shares[at] for name in ("pca", "pixels, linear", "ae"))
    yield f"with noise of σ = 0.5 a classifier tells {pca:.0%} of the digits from PCA's codes, {plain:.0%} from "
    yield f"pixels, {ae:.0%} from the autoencoder's"


PASSAGES: tuple[Callable[[], Iterator[str]], ...] = (
    touch, reduction, small_steps, samples, pixels, dial, aggregate, smoothness, noise,
)  # fmt: skip


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda one: one.__name__)
def test_every_passage_tells_what_the_pages_show(passage):
    assert not [told for told in passage() if told.strip() not in TEXT]


def test_no_figure_is_left_over():
    """A new figure needs a passage above. The rest are minutes, students, steps, megabytes, and numbers to try."""
    rest, left = numbers_left(TEXT, (told for passage in PASSAGES for told in passage()))
    assert left <= {"0", "1", "2", "3", "4", "8", "10", "16", "19", "30", "60", "90", "100", "200"}, rest
