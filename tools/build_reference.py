"""Write the reference of vae_core, made from its docstrings, as HTML pages to a folder that git ignores::

    python -m tools.build_reference [--to reference]

Needs pdoc, which requirements-dev.txt names. A warning of pdoc, such as of an annotation that it cannot resolve, is an
error here.
"""

from __future__ import annotations

import argparse
import pkgutil
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pdoc

import vae_core

PROJECT = Path(__file__).resolve().parents[1]
LEFT_OUT = "__main__"  # importing it runs the command line


class _AsWritten:
    """An annotation that is shown as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def modules() -> list[ModuleType]:
    """Every module of the package, imported and ready for pdoc."""
    names = [found.name for found in pkgutil.walk_packages(vae_core.__path__, "vae_core.")]
    found = [vae_core, *(import_module(name) for name in names if not name.endswith(LEFT_OUT))]
    for module in found:
        _show_fields_as_written(module)
    return found


def _show_fields_as_written(module: ModuleType) -> None:
    """Of named tuples, whose annotations Python keeps where pdoc cannot resolve them."""
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, tuple) and kind.__module__ == module.__name__:
            new: Any = kind.__new__
            new.__annotations__ = {
                name: _AsWritten(getattr(value, "__forward_arg__", None) or str(value))
                for name, value in new.__annotations__.items()
            }


def build(folder: Path, *names: str) -> int:
    """Write the pages of these modules, or of all; returns how many there are.

    Raises:
        Warning: the first one of pdoc.
    """
    found = [module for module in modules() if not names or module.__name__ in names]
    pdoc.render.configure(docformat="google", show_source=False, footer_text=f"vae_core {vae_core.__version__}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc(*(names or ["vae_core"]), output_directory=folder)
    return len(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("::")[0])
    parser.add_argument("--to", type=Path, default=PROJECT / "reference", help="folder of the pages")
    chosen = parser.parse_args()
    count = build(chosen.to)
    print(f"{count} modules: {chosen.to / 'index.html'}")
