"""docs/teaching.md tells the figures that the pages show."""

from __future__ import annotations

from ui.chapters.beta.sweep import KL_ONLY, measured, stop_at, stops_of
from ui.chapters.reduction.comparison import error_of
from ui.chapters.reduction.noise import measured as measured_in_noise
from ui.chapters.regularity.neighbours import USUAL_STEP, changed_share
from ui.chapters.regularity.over_seeds import mean_of
from ui.chapters.regularity.smoothness import compared_smoothness, length_of
from ui.runs.aggregate import aggregate_of
from ui.runs.resources import load_run
from ui.runs.selection import compared_spec

from .helpers import ROOT

TEXT = " ".join((ROOT / "docs" / "teaching.md").read_text(encoding="utf-8").split())


def pair(d: int):
    return tuple(compared_spec(model, "mnist", d) for model in ("ae", "vae"))


def test_it_tells_the_errors_of_the_reduction_page():
    linear = {f"{error_of(model, 16):.4f}" for model in ("pca", "linear_ae")}
    assert len(linear) == 1
    assert f"the same error ({linear.pop()} on the test set at d = 16), the deep one {error_of('ae', 16):.4f}." in TEXT


def test_it_tells_how_often_a_step_changes_the_class():
    ae, vae = (changed_share(spec.key, USUAL_STEP)[0] for spec in pair(2))
    assert f"{USUAL_STEP:g} standard deviations away" in TEXT
    assert f"In the autoencoder {ae:.0%} of such steps change" in TEXT and f"in the VAE {vae:.0%}." in TEXT


def test_it_tells_the_samples_of_the_regularity_page():
    def of(name: str, source: str) -> list[float]:
        return [mean_of(spec, "samples", source, name) for spec in pair(16)]

    (unknown, vae_unknown), (far, vae_far) = of("ambiguity", "prior"), of("frechet", "prior")
    assert f"does not recognise {unknown:.0%} of the autoencoder's samples and {vae_unknown:.0%} of the VAE's" in TEXT
    assert f"(Fréchet distance {far:.0f} against {vae_far:.0f})" in TEXT
    gaussian, (mixture, vae_mixture) = of("frechet", "gaussian")[0], of("frechet", "mixture")
    rebuilt, vae_rebuilt = of("frechet", "reconstructions")
    assert f"brings the autoencoder to {gaussian:.0f}, a mixture to {mixture:.0f}, better than the VAE" in TEXT
    assert mixture < vae_far < gaussian
    assert f"and the VAE to {vae_mixture:.0f}; other images that are merely rebuilt score {rebuilt:.0f} and " in TEXT
    assert f"score {rebuilt:.0f} and {vae_rebuilt:.0f}." in TEXT


def test_it_tells_the_dial():
    kl = [measured(stop_at(2, label), "kl") for label in ("0", "1")]
    mean_image, alone = (measured(stop_at(2, label), "reconstruction") for label in ("100", KL_ONLY))
    assert f"falls from {kl[0]:.0f} nats (β = 0) to {kl[1]:.1f} (β = 1) and 0; at β = 100 the" in TEXT
    assert f"costs {mean_image:.1f} nats" in TEXT and f"asks for images: {alone:.1f} nats." in TEXT
    active = dict.fromkeys(str(round(measured(line, "active_units"))) for line in stops_of(16))
    assert f"active units go {', '.join(active)}." in TEXT


def test_it_tells_intervals_where_the_pages_do():
    two, sixteen = (load_run(compared_spec("vae", "mnist", d).key).metrics["test"] for d in (2, 16))
    wide = aggregate_of(sixteen)
    assert f"(KL(q(z) ‖ p) is {aggregate_of(two).low:.1f} to " in TEXT and f"of {two['kl']:.1f} nats)" in TEXT
    assert f"an interval, {wide.low:.1f} to {wide.high:.1f} of {sixteen['kl']:.1f} nats" in TEXT
    ae, vae = map(length_of, pair(2))
    assert "At d = 2 five times, by the median" in TEXT and round(ae.median / vae.median) == 5
    assert "at d = 16 it cannot be told apart" in TEXT and "not** clearly smoother" in compared_smoothness(pair(16))
    assert "at d = 32 it is rougher" in TEXT and "times rougher" in compared_smoothness(pair(32))


def test_it_tells_what_noise_does():
    noise = measured_in_noise()
    at = noise.sigmas.index(0.5)
    pca, pixels, ae = (noise.told[name].shares[at] for name in ("pca", "pixels, linear", "ae"))
    told = (
        f"σ = 0.5 a classifier tells {pca:.0%} of the digits from PCA's codes, {pixels:.0%} from pixels, {ae:.0%} from"
    )
    assert told in TEXT
