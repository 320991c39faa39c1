"""Modules from outside that add to the registries: named in the environment, imported once."""

from __future__ import annotations

import importlib
import os
import threading

from vae_core.errors import PluginError

VARIABLE = "VAE_PLUGINS"  # names of modules, with commas between them

_lock = threading.RLock()  # a plugin may ask a registry, which asks for the plugins
_outcomes: dict[str, PluginError | None] = {}


def load() -> None:
    """Import each module that ``VAE_PLUGINS`` names, in its order, once in a process; registries ask for that first.

    What a module registers it registers while it is imported. One that failed is not tried again: it may have
    registered a part of what it has.

    Raises:
        PluginError: a module is missing, or raises; names it.
    """
    for name in (part.strip() for part in os.environ.get(VARIABLE, "").split(",")):
        if not name:
            continue
        with _lock:
            if name not in _outcomes:
                _outcomes[name] = None  # also for what it asks while it is imported
                _outcomes[name] = _imported(name)
            problem = _outcomes[name]
        if problem:
            raise problem


def _imported(name: str) -> PluginError | None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return _problem(name, "there is no such module; is its folder on PYTHONPATH?", error)
        return _problem(name, f"it needs a module that is missing ({error.name})", error)
    except Exception as error:  # noqa: BLE001  whatever a stranger's module raises, its name belongs beside it
        return _problem(name, f"it raised {type(error).__name__}: {error}", error)
    return None


def _problem(name: str, why: str, cause: Exception) -> PluginError:
    problem = PluginError(f"the plugin {name!r} of {VARIABLE} cannot be loaded: {why}")
    problem.__cause__ = cause
    return problem
