"""The remark on overfitting, and the explorer's menu, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from ui.chapters.train.results import overfitting
from ui.runs.selection import explorable, run_name
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

PLAIN = RunSpec("digits", "vae", latent_dim=2, hidden=(16,), beta=1.0)


def history(held_out, training, kl=0.0):
    return [
        {"epoch": k, "reconstruction": t, "validation_reconstruction": v, "kl": kl, "validation_kl": kl}
        for k, (v, t) in enumerate(zip(held_out, training, strict=True), start=1)
    ]


def test_a_held_out_loss_that_rises_while_training_falls_is_remarked():
    falling = np.linspace(100, 60, 20)
    rising = np.concatenate([np.linspace(100, 80, 10), np.linspace(80, 90, 10)])
    remark = overfitting(PLAIN, history(rising, falling))
    best = np.convolve(rising, [1 / 3] * 3, "valid").min()
    assert f"risen by {np.mean(rising[-3:]) - best:.1f} nats" in remark


@pytest.mark.parametrize(
    ("held_out", "training"),
    [
        (np.linspace(100, 60, 20), np.linspace(100, 55, 20)),  # both fall
        (np.concatenate([np.linspace(100, 80, 10), np.linspace(80, 90, 10)]), np.full(20, 70.0)),  # nothing is learned
        (np.concatenate([np.linspace(100, 80, 10), np.full(10, 80.6)]), np.linspace(100, 60, 20)),  # less than a nat
        (np.linspace(80, 100, 7), np.linspace(100, 60, 7)),  # too early to say
    ],
)
def test_else_nothing_is_said(held_out, training):
    assert overfitting(PLAIN, history(held_out, training)) == ""


def test_the_terms_count_as_they_do_in_the_loss():
    strong = RunSpec("digits", "vae", latent_dim=2, hidden=(16,), beta=10.0)
    records = history(np.linspace(80, 90, 20), np.linspace(100, 60, 20))
    for record, kl in zip(records, np.linspace(20, 5, 20), strict=True):
        record["validation_kl"] = kl  # ten times this falls faster than the reconstruction rises
    assert overfitting(strong, records) == ""


def test_the_menu_has_every_run_that_can_be_explored_once_and_in_order():
    titles = explorable()
    assert len(set(titles.values())) == len(titles)
    specs = [Store(SHIPPED).load(key).spec for key in list(titles)[:12]]
    assert [one.latent_dim for one in specs if one.model == specs[0].model] == sorted(
        one.latent_dim for one in specs if one.model == specs[0].model
    )
    assert all(titles[spec.key].startswith(run_name(spec)) for spec in specs)
