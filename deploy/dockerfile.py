"""Parse a Dockerfile and a .dockerignore, as far as this project's need, to execute their steps elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

KNOWN = {"FROM", "ARG", "RUN", "WORKDIR", "COPY", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


class NotUnderstood(ValueError):
    """A line that this parser does not support; it must not be skipped."""


@dataclass(frozen=True)
class Instruction:
    """One step.

    Attributes:
        name: in capitals.
        text: what follows, on one line.
    """

    name: str
    text: str

    @property
    def argv(self) -> list[str]:
        """The command of a CMD or a HEALTHCHECK, which must be written as a JSON list.

        Raises:
            NotUnderstood: it is not.
        """
        found = re.search(r"\[.*\]$", self.text)
        if not found:
            raise NotUnderstood(f"{self.name} must be a JSON list: {self.text}")
        return [str(part) for part in json.loads(found[0])]

    @property
    def pairs(self) -> dict[str, str]:
        """NAME=VALUE of an ENV or ARG."""
        return dict(part.split("=", 1) for part in shlex.split(self.text))

    @property
    def words(self) -> list[str]:
        """The arguments of a COPY."""
        return shlex.split(self.text)


def read(text: str) -> list[Instruction]:
    """The steps of a Dockerfile, in order.

    Raises:
        NotUnderstood: an instruction that `KNOWN` lacks, a COPY with options, or an ENV without values.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, rest = line.strip().partition(" ")
        step = Instruction(name, rest.strip())
        if name not in KNOWN or (name == "COPY" and "--" in rest):
            raise NotUnderstood(f"this step is not known here: {line}")
        if name in ("ENV", "ARG") and not all("=" in part for part in step.words):
            raise NotUnderstood(f"{name} needs NAME=VALUE: {line}")
        found.append(step)
    return found


def filled_in(text: str, values: dict[str, str]) -> str:
    """The text with ``$NAME`` and ``${NAME}`` replaced by their values, unknown ones by nothing."""
    return re.sub(r"\$\{?(\w+)\}?", lambda name: values.get(name[1], ""), text)


def context(files: list[str], ignore: str) -> list[str]:
    """The files in a build's context: for each, the last matching line of the .dockerignore decides."""
    rules = [line.strip() for line in ignore.splitlines() if line.strip() and not line.startswith("#")]
    return [name for name in files if not _ignored(name, rules)]


def _ignored(name: str, rules: list[str]) -> bool:
    ignored = False
    parts = Path(name).parts
    above = [
        "/".join(parts[:length]) for length in range(1, len(parts) + 1)
    ]  # a rule for a folder holds for its content
    for rule in rules:
        pattern = rule.removeprefix("!").strip("/")
        candidates = list(parts) if pattern.startswith("**/") else above
        wanted = pattern.removeprefix("**/")
        if any(part.count("/") == wanted.count("/") and fnmatch(part, wanted) for part in candidates):
            ignored = not rule.startswith("!")
    return ignored
