"""Save and restore the optimisers' state of a run in progress."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

ADAM_STATE = ("exp_avg", "exp_avg_sq")


def optimiser_state(optimisers: Mapping[str, torch.optim.Adam]) -> dict[str, Tensor]:
    """Adam's moments and step counts of every parameter, copied to the CPU.

    Named ``<number>.exp_avg`` and so on in the order of an optimiser's parameters; the optimiser's name and a ``/``
    come first where it has one. The only optimiser of a model has the empty name.
    """
    found = {}
    for prefix, optimiser in _prefixed(optimisers):
        for index, parameter in enumerate(_parameters(optimiser)):
            state = optimiser.state[parameter]
            for name in ADAM_STATE:
                found[f"{prefix}{index}.{name}"] = state[name].to("cpu", copy=True)
            found[f"{prefix}{index}.step"] = state["step"].to("cpu", copy=True).reshape(1)
    return found


def restore_optimisers(optimisers: Mapping[str, torch.optim.Adam], moments: Mapping[str, Tensor]) -> None:
    """Inverse of `optimiser_state`, on the parameters' device."""
    for prefix, optimiser in _prefixed(optimisers):
        for index, parameter in enumerate(_parameters(optimiser)):
            # Copies: Adam changes its moments in place, and they belong to the caller.
            on_device = {
                name: moments[f"{prefix}{index}.{name}"].to(parameter.device, copy=True) for name in ADAM_STATE
            }
            step = moments[f"{prefix}{index}.step"].reshape(()).to(parameter.device, copy=True)
            optimiser.state[parameter] = {"step": step, **on_device}


def _prefixed(optimisers: Mapping[str, torch.optim.Adam]) -> list[tuple[str, torch.optim.Adam]]:
    return [(f"{name}/" if name else "", optimiser) for name, optimiser in optimisers.items()]


def _parameters(optimiser: torch.optim.Adam) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
