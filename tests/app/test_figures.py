"""Numbers and axes at the ends of their range."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from ui.figures.plots import history_figure
from ui.figures.tables import pins_table
from ui.runs.selection import measured_on
from vae_core.run import Codes
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Listed, Store

from .helpers import ROOT, seen, words


@pytest.fixture(scope="module")
def shipped():
    return Store(SHIPPED).load(shipped_run(model="vae", dataset="digits").key)


@pytest.mark.parametrize("dimensions", [2, 771, 772, 1_024])
def test_a_point_can_be_pinned_in_any_number_of_dimensions(shipped, dimensions):
    """(2 pi) to the power of 386 is beyond a float."""
    random = np.random.default_rng(0)
    mean = random.standard_normal((40, dimensions)).astype(np.float32)
    labels = (np.arange(40) % 10).astype(np.uint8)
    spec = replace(shipped.spec, latent_dim=dimensions)
    (row,) = pins_table(replace(shipped, spec=spec, codes=Codes(mean, np.zeros_like(mean), labels)), [[0.0, 0.0]])
    digits, _, exponent = row["prior density"].partition("e")
    centre = mean.mean(axis=0, dtype=np.float64)
    expected = (-0.5 * centre @ centre - dimensions / 2 * math.log(2 * math.pi)) / math.log(10)
    assert math.log10(float(digits)) + int(exponent or 0) == pytest.approx(expected, abs=0.03)


def test_a_curve_that_hardly_changes_has_an_axis_that_can_be_read(shipped):
    record = shipped.history[-1]
    flat = [{**record, "epoch": epoch, "reconstruction": 543.21 + 1e-6 * epoch, "validation_reconstruction": 543.21}
            for epoch in range(1, 5)]  # fmt: skip
    layout = history_figure("flat", replace(shipped, history=flat)).layout
    low, high = layout.yaxis.range
    assert low < 543.21 < high and high - low > 1 and layout.yaxis.automargin and layout.yaxis2.automargin


def test_the_losses_of_two_networks_are_drawn_whole(shipped):
    names = ("generator", "discriminator", "r1", "inversion")
    history = [
        {"epoch": epoch, **{f"{split}{name}": 1.0 + 0.1 * epoch for name in names for split in ("", "validation_")}}
        for epoch in range(1, 9)
    ]
    spec = RunSpec("digits", "gan", latent_dim=2)
    figure = history_figure("two networks", replace(shipped, spec=spec, history=history))
    assert [line.name for line in figure.data] == [
        f"{name}, {split}" for name in ("Generator", "Discriminator") for split in ("held out", "training")
    ]
    low, high = figure.layout.yaxis.range
    assert low < 1.1 and high > 1.8 and not figure.layout.yaxis2.visible


def test_what_figures_are_measured_on_is_counted_from_them():
    def line(**counts: int) -> Listed:
        return Listed("", None, {split: {"n": n} for split, n in counts.items()})

    both, small = line(validation=5_000, test=10_000), line(validation=360)
    assert measured_on(both, both) == "10,000 test digits"
    assert measured_on(small, noun="images") == "360 held-out images"
    assert measured_on(both, small) == "360 and 10,000 test and held-out digits"
    assert measured_on() == "digits"


@pytest.mark.parametrize("file", sorted(path for part in ("ui", "pages") for path in (ROOT / part).rglob("*.py")))
def test_no_page_writes_a_sample_size_by_hand(file):
    """A number with a comma before what was counted, in any text that is no docstring."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    said = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    sizes = re.compile(r"\d,\d{3}\W+(?:[\w|-]+\W+){0,3}(?:test|held|images|digits|samples|pairs)")
    assert not [text for text in said if text not in docstrings and sizes.search(text)]


# With every question answered, so that nothing is hidden.
PLOTTED = {
    "reduction": {"answers": "best:2,line:1"},
    "regularity": {"answers": "prior:1,mixture:2"},
    "inside": {"answers": "scrambled:0,escape:2,together:0"},
    "beta": {"answers": "collapse:1,best:5,kept:0,same-dial:2"},
    "mathematics": {"answers": "humps:1,diagonal:2"},
    "codes": {"answers": "gradient:1,use:0,collapse:2,bits:1"},
    "explorer": {},
}
# How many there are of what was measured, and how many trained models stand behind a point.
COUNTED = re.compile(r"\d")
STARTS = re.compile(r"random start|seed|trained model|trained VAE|trained once", re.IGNORECASE)
NO_MODEL = "Eigenvalues of the covariance"  # PCA itself: nothing was trained


@pytest.mark.parametrize("page", PLOTTED)
def test_below_each_figure_stands_what_it_rests_on(page):
    at = seen(f"pages/{page}.py", **PLOTTED[page])
    notes = [element.value for element in at.get("html") if re.fullmatch(r"<p style=[^>]*>[^<]*</p>", element.value)]
    assert len(notes) == len(words(at)) > 0
    for note, told in zip(notes, words(at), strict=True):
        assert COUNTED.search(re.sub("<[^>]*>", "", note)), (told, note)
        assert STARTS.search(note) or told.startswith(NO_MODEL), (told, note)
