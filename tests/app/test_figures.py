"""Numbers and axes at the ends of their range."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ui.figures.plots import history_figure
from ui.figures.tables import pins_table
from vae_core.run import Codes
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store


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
