"""docs/vae_in_40_lines.ipynb: it runs, its exercises pass when solved, and say what is missing when they are not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from torch import Tensor, nn
from torch.nn import functional

from tests.support.notebook_solutions import SOLUTIONS
from vae_core.lessons import exercises
from vae_core.lessons.exercises import Missing

FILE = Path(__file__).resolve().parents[2] / "docs" / "vae_in_40_lines.ipynb"


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(FILE, as_version=4)


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


def solved(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    for cell in tagged(notebook, "exercise"):
        cell.source = SOLUTIONS[cell.id].strip()
    return notebook


def test_it_is_kept_without_outputs_and_with_exercises_to_solve(notebook) -> None:
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert {cell.id for cell in tagged(notebook, "exercise")} == SOLUTIONS.keys()
    assert all("..." in cell.source for cell in tagged(notebook, "exercise"))
    assert {f"{name}-check" for name in SOLUTIONS} < {cell.id for cell in code}


def test_the_vae_is_40_lines_of_plain_pytorch(notebook) -> None:
    lines = [line for cell in tagged(solved(notebook), "vae") for line in cell.source.splitlines()]
    training = next(cell.source.splitlines() for cell in notebook.cells if cell.id == "training")
    code = [line for line in [*lines, *training] if line.strip() and not line.strip().startswith("#")]
    assert len(code) <= 40 and not any("exercises" in line or "vae_core" in line for line in code)


def test_every_name_of_the_package_that_it_mentions_is_there(notebook) -> None:
    package = FILE.parents[1] / "vae_core"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for name, place in re.findall(r"`([\w.]+)` in\s+`(\w+(?:/\w+)*\.py)`", cell.source):
                assert all(part in (package / place).read_text(encoding="utf-8") for part in name.split(".")), name


def test_every_step_that_it_names_is_on_the_pages(notebook) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (FILE.parents[1] / "pages").glob("*.py"))
    told = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    steps = [step for _, step in re.findall(r"\*([A-Z][^*:]+): ([^*]+)\*", told)]
    assert len(steps) == 6 and not [step for step in steps if f'"{step}"' not in pages]


def test_solved_it_runs_from_beginning_to_end(notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FILE.parents[1]))  # as where vae_core is installed
    NotebookClient(solved(notebook), timeout=120, resources={"metadata": {"path": str(FILE.parent)}}).execute()
    printed = {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    checks = {name: text for name, text in printed.items() if name.endswith("-check")}
    assert len(checks) == len(SOLUTIONS) + 1 and all(text.startswith("Right: ") for text in checks.values())
    trained = checks["training-check"]
    nats, shipped = float(trained.split()[1]), float(re.search(r"have ([\d.]+)", trained)[1])  # type: ignore[index]
    assert 20.0 < nats < 30.0 and abs(nats - shipped) < 3.0
    assert "<PIL" not in "".join(printed.values())
    shown = [(cell.id, output.get("data", {})) for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = [name for name, data in shown if "image/png" in data]
    assert pictures == ["imports", "prior", "posterior-check", "walk-check"]


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.decoder = nn.Linear(64, 4), nn.Linear(2, 64)

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)


def right() -> dict[str, Any]:
    """The solutions as functions."""
    names: dict[str, Any] = {"torch": torch, "functional": functional}
    for code in SOLUTIONS.values():
        exec(code, names)
    return names


CHECKS = {
    "kl": exercises.check_kl,
    "sample": exercises.check_sample,
    "reconstruction": exercises.check_reconstruction,
    "elbo": exercises.check_negative_elbo,
    "posterior": lambda function: exercises.check_posterior(function, Model(), torch.full((1, 64), 0.5)),
    "walk": exercises.check_walk,
}
NAMES = {"elbo": "negative_elbo", "posterior": "draws"}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_as_it_is_kept_each_check_says_what_is_missing(name: str, notebook) -> None:
    cell = next(cell for cell in notebook.cells if cell.id == name)
    names = right()
    exec(cell.source, names)
    with pytest.raises(Missing, match=f"{NAMES.get(name, name)} gives .*replace its") as caught:
        CHECKS[name](names[NAMES.get(name, name)])
    assert caught.value._render_traceback_() == [f"Not yet: {caught.value}"]


MISTAKES: dict[str, list[tuple[str, str]]] = {
    "kl": [
        ("lambda mean, log_var: 0.5 * (mean**2 + log_var.exp() - 1 - log_var)", "sum them"),
        ("lambda mean, log_var: 0.5 * (mean**2 + log_var.exp() - 1 - log_var).mean(1)", "mean over dimensions"),
        ("lambda mean, log_var: -0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)", "wrong sign"),
        ("lambda mean, log_var: 0.5 * (mean**2 + (2 * log_var).exp() - 1 - 2 * log_var).sum(1)", "logarithm of σ;"),
        ("lambda mean, log_var: 0.5 * (mean**2 + log_var.exp() - log_var).sum(1)", "is right: ½"),
        ("lambda mean, log_var: (mean / 0).sum(1)", "infinite"),
    ],
    "sample": [
        ("lambda mean, log_var: mean[:1].expand_as(mean)", "same z for all images"),
        ("lambda mean, log_var: mean + torch.linspace(-2, 2, len(mean))[:, None]", "same z twice"),
        ("lambda mean, log_var: mean + log_var.exp() * torch.randn_like(mean)", "by σ²"),
        ("lambda mean, log_var: (0.5 * log_var).exp() * torch.randn_like(mean)", "mean is"),
        ("lambda mean, log_var: mean + torch.randn_like(mean)", "deviation is"),
        ("lambda mean, log_var: torch.distributions.Normal(mean, (log_var / 2).exp()).sample()", "no gradient"),
    ],
    "reconstruction": [
        ("lambda logits, x: functional.binary_cross_entropy_with_logits(logits, x, reduction='none')", "each pixel"),
        ("lambda logits, x: functional.binary_cross_entropy_with_logits(logits, x)", "whole batch"),
        ("lambda logits, x: solution(logits, x) / 64", "mean over 64 pixels"),
        ("lambda logits, x: solution(logits, x) / 0.6931472", "in bits"),
        ("lambda logits, x: -solution(logits, x)", "wrong sign"),
        ("lambda logits, x: (logits - x).square().sum(1)", "is right"),
    ],
    "elbo": [
        ("lambda model, x: reconstruction(model.decode(sample(*model.encode(x))), x)", "lacks its kl"),
        ("lambda model, x: kl(*model.encode(x)) + 0.01 * torch.randn(len(x))", "lacks its reconstruction"),
        ("lambda model, x: reconstruction(model.decode(model.encode(x)[0]), x) + kl(*model.encode(x))", "every draw"),
        ("lambda model, x: solution(model, x).mean()", "has the shape"),
        ("lambda model, x: solution(model, x) + 3 * kl(*model.encode(x))", "with β = 1"),
    ],
    "posterior": [
        ("lambda model, x, count: model.decode(sample(*model.encode(x.expand(count, -1))))", "logits"),
        ("lambda model, x, count: torch.sigmoid(model.decode(model.encode(x.expand(count, -1))[0]))", "same image"),
        ("lambda model, x, count: torch.sigmoid(model.decode(torch.randn(count, 2) + 1))", "not that of q"),
        ("lambda model, x, count: solution(model, x, count)[:5]", "has the shape"),
    ],
    "walk": [
        ("lambda start, end, count: solution(end, start, count)", "from the end"),
        ("lambda start, end, count: start + torch.arange(count)[:, None] / count * (end - start)", "both ends"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "mistake", "said"), [(n, *each) for n, all_ in MISTAKES.items() for each in all_])
def test_a_usual_mistake_is_named(name: str, mistake: str, said: str) -> None:
    names = right()
    function = NAMES.get(name, name)
    names["solution"] = names[function]
    with pytest.raises(Missing, match=said):
        CHECKS[name](eval(mistake, names))


def test_a_model_that_has_learned_nothing_is_told_so() -> None:
    held_out = torch.rand(50, 64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(Missing, match="train longer"):
        exercises.check_trained(right()["negative_elbo"], Model(), held_out)
