"""For every test."""

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

# Tests run beside each other: a second thread in one of them waits, busily, for a core that another has. Read when
# numpy and torch are first imported, here and in the processes that tests start, whose sums are then bit-equal to ours.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Many processes import the same modules. Where the environment forbids Python to keep what it has compiled, each would
# compile the app anew, and each worker of this run all of the tests, which takes half of its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes that share this run of the tests: in a store there, each run is trained once."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def made_once(shared_folder: Path) -> Callable[[str, Callable[[], Any]], Any]:
    """Name and maker -> what it makes, as it is in memory: made by the first of the processes that asks for it."""

    def get(name: str, make: Callable[[], Any]) -> Any:
        place = shared_folder / f"{name}.pickle"
        with FileLock(place.with_suffix(".lock")):
            if not place.exists():
                made = pickle.dumps(make())
                place.with_suffix(".part").write_bytes(made)
                place.with_suffix(".part").replace(place)
            return pickle.loads(place.read_bytes())

    return get
