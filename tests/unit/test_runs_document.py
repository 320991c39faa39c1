"""docs/runs.md has the figures of the runs over several random starts, and of those on fewer digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean

from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed, Store

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "runs.md").read_text(encoding="utf-8")
MODELS = {"autoencoder": ("ae", 0.0), "VAE, β = 1": ("vae", 1.0), "VAE, β = 4": ("vae", 4.0)}


def rows(heading: str) -> Iterator[list[str]]:
    """Cells of the rows of the one table whose first line begins like this."""
    (table,) = [part for part in TEXT.split("\n\n") if part.startswith(heading)]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def told(values: list[float], digits: int) -> str:
    """The mean, and the least and the largest where they differ in these digits."""
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), mean(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def starts_of(spec: RunSpec) -> list[Listed]:
    store = Store(SHIPPED)
    return [store.listed(spec.key), *(one for one in read_measured() if one.spec and replace(one.spec, seed=0) == spec)]


def test_the_sweeps_are_told_over_their_random_starts() -> None:
    sweep = {
        (spec.latent_dim, "KL alone" if spec.data_weight == 0 else f"{spec.kl_weight:g}"): spec
        for spec in read_manifest()
        if (spec.dataset, spec.model, spec.hidden) == ("mnist", "vae", (96, 48))
    }
    seen = 0
    for label, *cells in rows("| β | starts |"):
        for d, (count, *figures) in ((2, cells[:4]), (16, cells[4:])):
            if (d, label) not in sweep:
                assert not any((count, *figures))
                continue
            tests = [line.metrics["test"] for line in starts_of(sweep[d, label])]
            distances = [one["samples"]["prior"]["frechet"] for one in tests]
            expected = [told([one[name] for one in tests], 1) for name in ("reconstruction", "kl")]
            assert (int(count), figures) == (len(tests), [*expected, told(distances, 0)])
            seen += 1
    assert seen == len(sweep)


def test_the_gap_is_told_for_every_number_of_digits() -> None:
    found = {(n, model): cells for n, model, *cells in rows("| trained on |")}
    measured = [line for line in read_measured() if line.spec and line.spec.images]
    assert len(found) == len(measured)
    names = {kind: name for name, kind in MODELS.items()}
    for line in measured:
        assert line.spec
        training, test = (line.metrics[split] for split in ("train", "test"))
        name = names[line.spec.model, line.spec.kl_weight]
        terms = [f"{one['reconstruction']:.1f}" for one in (training, test)]
        gap = f"{test['reconstruction'] - training['reconstruction']:.1f}"
        kl = [f"{one['kl']:.1f}" if "kl" in one else "" for one in (training, test)]
        assert found[f"{line.spec.images:,}", name] == [*terms, gap, *kl]


def test_convolutions_have_both_losses_of_the_first_seeds() -> None:
    titles = {"autoencoder, 60 epochs": ("ae", 60), "autoencoder, 20 epochs": ("ae", 20)}
    titles["convolutional autoencoder, 20 epochs"] = ("conv_ae", 20)
    shipped = Store(SHIPPED).listing()
    (table,) = [part for part in TEXT.split("\n\n") if "134.5" in part and "| d = 2 |" in part]
    for line in re.findall(r"^\| (.*epochs) \|(.*)\|$", table, re.MULTILINE):
        model, epochs = titles[line[0]]
        for d, cell in zip((2, 8, 16, 32), line[1].split("|"), strict=True):
            (one,) = [
                run
                for run in [*shipped, *read_measured()]
                if run.spec
                and (run.spec.dataset, run.spec.model, run.spec.latent_dim) == ("mnist", model, d)
                and (run.spec.epochs, run.spec.seed) == (epochs, 0)
            ]
            assert cell.strip() == f"{one.metrics['test']['reconstruction']:.1f}"
