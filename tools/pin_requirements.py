"""Write requirements-pinned.txt: the versions of all that requirements.txt brings along, as installed here::

    python -m tools.pin_requirements

Exact pins of what the app names itself leave open what those packages need. Installed with ``-c``, this file closes it
for a CPU build of torch on Linux: a CUDA build pins its own packages, and other systems may need a few more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[1]
PINNED = PROJECT / "requirements-pinned.txt"
HEAD = "# By tools/pin_requirements.py: the versions of all that requirements.txt brings along, as they were tested.\n"


def wanted() -> list[Requirement]:
    """What requirements.txt names."""
    lines = (line.partition("#")[0].strip() for line in (PROJECT / "requirements.txt").read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def brought_along(requirements: list[Requirement]) -> dict[str, str]:
    """Name -> version of what these requirements need on this machine, directly or not."""
    found: dict[str, str] = {}
    waiting = [(requirement, extra) for requirement in requirements for extra in _extras(requirement)]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if (name, extra) in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add((name, extra))
        try:
            installed = distribution(requirement.name)
        except PackageNotFoundError:
            continue  # of another system
        found[name] = installed.version.partition("+")[0]  # without the build, such as torch's for a CPU alone
        for text in installed.requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                needed.marker = None
                waiting += [(needed, each) for each in _extras(needed)]
    return found


def _extras(requirement: Requirement) -> Iterator[str]:
    yield ""
    yield from requirement.extras


def text() -> str:
    """The whole file."""
    return HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(brought_along(wanted()).items()))


if __name__ == "__main__":
    PINNED.write_text(text(), encoding="utf-8")
