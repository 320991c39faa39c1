"""Plugins: external modules, named in an environment variable, that add entries to the registries."""

from __future__ import annotations

import importlib
import os
import threading

from vae_core.errors import PluginError

VARIABLE = "VAE_PLUGINS"  # module names separated by commas

_lock = threading.RLock()  # reentrant: a plugin may query a registry, which calls `load` again
_outcomes: dict[str, PluginError | None] = {}


def load() -> None:
    """Import each module named in ``VAE_PLUGINS``, in order, once per process. Every registry look-up calls this first.

    A module registers its entries while it is imported. A failed import is not retried: it may already have
    registered some of them.

    Raises:
        PluginError: a module is missing or raises; the message names it.
    """
    for name in (part.strip() for part in os.environ.get(VARIABLE, "").split(",")):
        if not name:
            continue
        with _lock:
            if name not in _outcomes:
                _outcomes[name] = None  # set first: the import may itself query a registry
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
    except Exception as error:  # noqa: BLE001  external code may raise anything; report it with its name
        return _problem(name, f"it raised {type(error).__name__}: {error}", error)
    return None


def _problem(name: str, why: str, cause: Exception) -> PluginError:
    problem = PluginError(f"the plugin {name!r} of {VARIABLE} cannot be loaded: {why}")
    problem.__cause__ = cause
    return problem
