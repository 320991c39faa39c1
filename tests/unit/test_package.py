"""vae_core as a package: what its wheel holds and needs, and what it says outside a clone."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import vae_core

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULE_OF = {"scikit-image": "skimage", "scikit-learn": "sklearn", "pillow": "PIL"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `pip install .` would install, without its requirements: the wheel, unpacked."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "vae_core", source / "vae_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "docs/vae_core.md"):  # a build leaves files behind: not in the clone
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(target)], cwd=source, check=True, capture_output=True)
    (wheel,) = target.glob("*.whl")
    assert wheel.name == f"vae_playground-{vae_core.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(target / "site")
    return target / "site"


def test_the_wheel_holds_the_package_alone(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"vae_core"}
    files = {path.relative_to(ROOT) for path in (ROOT / "vae_core").rglob("*") if path.is_file()}
    there = {path.relative_to(installed) for path in (installed / "vae_core").rglob("*") if path.is_file()}
    assert {path for path in files if path.suffix != ".pyc"} == {path for path in there if path.suffix != ".pyc"}
    assert Path("vae_core/py.typed") in there


OUTSIDE = """
import contextlib, io, json, sys
import vae_core
from vae_core.cli.commands import main
from vae_core.datasets import data_root, load
from vae_core.storage.manifest import DEFAULT_STORE

said = {"file": vae_core.__file__, "store": str(DEFAULT_STORE), "data": str(data_root())}
said["images"] = len(load("mnist_sample", "train").images)
for command in ("list", "export vae-mnist-d2-b1-29869ea2c6", "rebuild"):
    sys.argv = ["vae_core", *command.split()]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    said[command.split()[0]] = [status, out.getvalue(), err.getvalue()]
print(json.dumps(said))
"""


def test_outside_the_clone_it_works_and_says_that_no_runs_are_shipped(installed: Path, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("VAE_STORE", "VAE_DATA", "VAE_PLUGINS")}
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE], cwd=tmp_path, env={**kept, "PYTHONPATH": str(installed)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["file"].startswith(str(installed))
    assert (said["store"], said["data"], said["images"]) == ("checkpoints", "data", 4500)
    status, out, err = said["list"]
    assert (status, out) == (0, "") and err.startswith("there is no folder checkpoints. vae_core is installed here")
    for command in ("export", "rebuild"):
        status, out, err = said[command]
        assert (status, out) == (1, "") and err.startswith("Error: ") and err.count("\n") == 1
        assert "without the shipped runs" in err and "clone" in err
    assert list(tmp_path.iterdir()) == []  # nothing was made by asking


def test_a_clone_keeps_its_runs_and_images_where_they_were() -> None:
    from vae_core.datasets import data_root
    from vae_core.storage.manifest import DEFAULT_STORE, SHIPPED, shipped_keys

    assert DEFAULT_STORE == SHIPPED == ROOT / "checkpoints" and len(shipped_keys()) > 40
    if "VAE_DATA" not in os.environ:
        assert data_root() == ROOT / "data"


def test_it_requires_what_it_imports_and_the_app_was_tested_with() -> None:
    needed = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}
    own = {MODULE_OF.get(name, name) for name in needed}
    extras = {extra: [Requirement(text) for text in texts] for extra, texts in PROJECT["optional-dependencies"].items()}
    assert set(extras) == {"app", "cluster", "onnx"}
    optional = {requirement.name for extra in ("cluster", "onnx") for requirement in extras[extra]}
    imported = _imported(ROOT / "vae_core")
    assert imported - optional - set(sys.stdlib_module_names) - {"vae_core"} == own - {"torchvision"}
    assert "torchvision" in (ROOT / "vae_core/datasets/torchvision_private.py").read_text(encoding="utf-8")
    tested = {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for file in ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt")
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if line and line[0] not in "#-"
        for requirement in [Requirement(line)]
    }
    for requirement in [*needed.values(), *(each for every in extras.values() for each in every)]:
        assert requirement.specifier.contains(tested[requirement.name]), requirement
    app = {requirement.name for requirement in extras["app"]} | set(needed)
    assert app == {Requirement(line).name for line in _lines(ROOT / "requirements.txt")}


def test_its_version_is_told_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {vae_core.__version__}\n" in cited


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#-"]


def _imported(folder: Path) -> set[str]:
    """The modules that a folder's modules import, by the first part of their names."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found
