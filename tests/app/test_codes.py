"""The page Codes you can count: what it is sent, what its link may say, and that its numbers are the runs'."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ui.chapters.codes.collapse import LITTLE, how_much_left, perplexities
from ui.chapters.codes.gradient import IMAGES, STEP, share_changed, what_changes
from ui.chapters.codes.painted import painted
from ui.chapters.codes.prior import against_gaussians, best_vae, bits_table, how_little, prior_line
from ui.chapters.codes.rates import codebook_places, gaussian_places, rate_figure
from ui.chapters.codes.runs import (
    CELLS,
    CODEBOOKS,
    COLLAPSED,
    DATASET,
    MOST_ENTRIES,
    SWITCHED,
    learned_numbers,
    line_of,
    run_of,
)
from ui.chapters.codes.use import how_much, use_table
from ui.figures.entries import colours_of
from vae_core.datasets import load
from vae_core.payloads.codes import codebook_of

from .helpers import boxes, charts, open_page, payload_headers, predict, seen, subheaders, tables

PAGE = "pages/codes.py"


@pytest.mark.parametrize("codebook", CODEBOOKS)
def test_the_page_is_whole_and_sends_the_codebook_and_the_prior(codebook):
    at = seen(PAGE, codebook=codebook)
    assert not at.error and not at.warning
    header, written = payload_headers(at)
    assert written["key"] == prior_line("free").key and written["prior"] and written["classes"] == 0
    run = run_of(CODEBOOKS[codebook])
    assert header["kind"] == "codes" and header["key"] == run.key
    assert header["entries"] == len(header["colours"]) == len(header["uses"]) == len(codebook_of(run))
    assert header["uses"] == [int((run.codes.mean == entry).sum()) for entry in range(header["entries"])]
    assert header["subtitle"].startswith(f"{learned_numbers(run):,} weights")
    assert len(subheaders(at)) == 10
    assert boxes(at) == ["The mathematics, with the numbers on screen", "This in code", "Sources"]


def test_weights_are_those_that_training_moves():
    for kind in CODEBOOKS.values():
        run = run_of(kind)
        moved = [one for one in run.model.parameters() if one.requires_grad]
        assert learned_numbers(run) == sum(one.numel() for one in moved)


def test_questions_cover_what_answers_them_and_are_answered_from_the_runs():
    at = open_page(PAGE)
    assert len(tables(at)) == 0 and len(charts(at)) == 1
    assert "**Yes.**" in predict(at, "How do the codes change", what_changes("64")[0])
    assert "**Yes.**" in predict(at, "what is the perplexity", how_much()[0])
    assert "**Yes.**" in predict(at, "How much is left of the perplexity", how_much_left()[0])
    assert "**Yes.**" in predict(at, "How many of them are left under the prior", how_little()[0])
    assert len(tables(at)) == 2 and len(charts(at)) == 3
    (sheets,) = [header["sheets"] for header in payload_headers(at) if "sheets" in header]
    test = prior_line("free").metrics["test"]
    for sheet in sheets:
        figures = test["samples"][sheet["source"]]
        assert f"Fréchet distance {figures['frechet']:.0f}," in sheet["figures"]
        assert f"coverage {100 * figures['coverage']:.0f}%" in sheet["figures"]
    assert not at.exception and not at.error


def test_a_tiny_step_changes_as_many_cells_as_torch_finds():
    run = run_of(CODEBOOKS["64"])
    pixels = load(DATASET, "validation", download=False).floats()[:IMAGES]
    with torch.no_grad():
        vectors = run.model.vectors(torch.from_numpy(pixels))
        book = run.model.codebook
        noise = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(5))
        both = [torch.cdist(one.flatten(0, 2).double(), book.double()).argmin(dim=1) for one in
                (vectors, vectors + STEP * vectors.std() * noise)]  # fmt: skip
    changed = (both[0] != both[1]).float().mean().item()
    error = math.sqrt(max(changed, 1e-4) / (IMAGES * CELLS))
    assert abs(share_changed("64") - changed) < 6 * error
    assert what_changes("64")[0] == 1 and changed < 0.1


def test_figures_are_the_files():
    table = use_table()
    for kind in CODEBOOKS.values():
        test = line_of(kind).metrics["test"]
        assert f"{test['entries_used']} of {test['entries']}" in table and f"{test['perplexity']:.1f}" in table
        assert f"{test['mse']:.4f}" in table and f"{test['independent_bits']:.0f}" in table
        counted = np.bincount(run_of(kind).codes.mean.astype(int).ravel(), minlength=test["entries"])
        shares = counted[counted > 0] / counted.sum()
        held_out = line_of(kind).metrics["validation"]["perplexity"]
        assert held_out == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=0.01)  # weights are halves


def test_the_priors_figures_are_the_files():
    table = bits_table()
    for name in ("free", "told"):
        test = prior_line(name).metrics["test"]
        assert f"{test['prior_bits']:.1f} ± {test['prior_bits_standard_error']:.1f}" in table
        assert f"{test['samples']['prior']['frechet']:.1f}" in table
        assert test["prior_bits"] < test["independent_bits"]
    ours, other = (line.metrics["test"]["samples"]["prior"] for line in (prior_line("free"), best_vae()))
    assert ours["frechet"] < other["frechet"] and ours["coverage"] > other["coverage"]
    said = against_gaussians()
    assert f"**{ours['frechet']:.1f}**" in said and f"{other['frechet']:.1f}" in said
    assert how_little()[0] == 1


def test_bits_of_codebooks_and_of_gaussians():
    for (bits, error, name), kind in zip(codebook_places("uniform_bits"), CODEBOOKS.values(), strict=True):
        assert bits == pytest.approx(CELLS * math.log2(len(codebook_of(run_of(kind))))) and name == kind.title
        assert error == line_of(kind).metrics["test"]["mse"]
    uniform, independent = (codebook_places(which) for which in ("uniform_bits", "independent_bits"))
    assert all(most[0] >= fewer[0] for most, fewer in zip(uniform, independent, strict=True))
    places = gaussian_places(16)
    assert len(places) >= 4 and [bits for bits, *_ in places] == sorted(bits for bits, *_ in places)
    assert {place[2] for place in places} >= {"β = 1", "β = 4"}
    drawn = {bar for trace in rate_figure().data for bar in trace.x}
    assert {bits for bits, *_ in (*places, *uniform, *independent)} <= drawn


def test_one_codebook_collapses_and_the_other_does_not():
    epochs, fallen = perplexities(run_of(COLLAPSED))
    _, usual = perplexities(run_of(CODEBOOKS["64"]))
    assert len(epochs) == len(fallen) == len(run_of(COLLAPSED).snapshots)
    codes = run_of(COLLAPSED).snapshots[-1].astype(int).ravel()
    shares = np.bincount(codes)[np.bincount(codes) > 0] / len(codes)
    assert fallen[-1] == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))
    assert usual[-1] > 2 * fallen[-1] and how_much_left()[0] == 2
    left, whole = (line_of(kind).metrics["test"]["perplexity"] for kind in (COLLAPSED, CODEBOOKS["64"]))
    assert left < LITTLE * whole and line_of(COLLAPSED).metrics["test"]["entries_used"] < 64
    for switch in ("random", "strong"):  # either alone does less
        assert line_of(SWITCHED[switch]).metrics["test"]["perplexity"] > 1.5 * left


def test_without_runs_the_page_says_what_is_missing(empty_store):
    at = open_page(PAGE)
    assert not at.exception
    assert "rebuild" in at.error[0].value and boxes(at) == ["This in code", "Sources"]


def test_painted_codes_are_read_as_written_and_hostile_ones_refused():
    one = painted("codes", CELLS, MOST_ENTRIES, "the painted codes")
    codes = [255 - cell for cell in range(CELLS)]
    assert one.parse(one.text(codes)) == codes
    for text in (
        ",".join(["256"] * CELLS), ",".join(["1"] * (CELLS - 1)), ",".join(["1"] * 10_000), ",".join(["1.5"] * CELLS),
        ",".join(["-1"] * CELLS), ",".join(["٣"] * CELLS), "1" * 100_000, "," * (CELLS - 1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="code"):
            one.parse(text)


def test_near_entries_have_similar_colours():
    rng = np.random.default_rng(0)
    entries = np.concatenate([rng.normal(size=(20, 5)) * 0.01 + centre for centre in (-4, 0, 4)])
    uses = np.repeat([100, 10, 1], 20)
    colours = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in colours_of(entries, uses)])
    within = np.mean([colours[at : at + 20].std(axis=0).mean() for at in (0, 20, 40)])
    assert len(set(map(tuple, colours))) == 60
    assert within < colours.std(axis=0).mean() / 1.1
    assert colours[:20].mean() < colours[20:40].mean() < colours[40:].mean()  # what is used most is darkest
    assert len(colours_of(np.zeros((1, 1)), np.ones(1))) == 1
