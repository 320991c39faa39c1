"""A torch network as a program, see `operations`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from vae_core.program.operations import OPERATIONS, Program, record

if TYPE_CHECKING:
    from vae_core.models.network import Network


class Programs(NamedTuple):
    """All that a network's file lists.

    Attributes:
        encoder: from a flat image to its code; empty where the network declares none.
        decoder: from a code to natural parameters.
        further: what there is beside them, by name.
    """

    encoder: Program
    decoder: Program
    further: dict[str, Program]


def programs_of(model: Network) -> Programs:
    """The programs that a network declares.

    Raises:
        TypeError, ValueError: as of `program`.
    """
    further = {name: program(layers) for name, layers in model.further_layers().items()}
    return Programs(program(model.encoder_layers()), decoder_program(model.decoder), further)


def program(layers: Iterable[tuple[str, nn.Module]]) -> Program:
    """A sequence of torch modules as a program.

    Args:
        layers: names in the model's ``state_dict``, and modules that `OPERATIONS` are made of, in order; a Flatten
            is skipped, as operations that need flat input flatten it.

    Raises:
        TypeError: a module that no interpreter knows.
        ValueError: a module without a tensor that its operation needs.
    """
    records: Program = []
    for name, module in layers:
        if isinstance(module, nn.Flatten):
            continue
        op = _operation_name(type(module))
        operation = OPERATIONS[op]
        nested = {
            field: program((f"{name}.{part}.{child}", layer) for child, layer in getattr(module, part).named_children())
            for field, part in (operation.nested or {}).items()
        }
        held = {f"{name}.{tensor}" for tensor in module.state_dict()}
        records.append(record(op, name, {**operation.export(module), **nested}, held))
    return records


def decoder_program(decoder: nn.Sequential, prefix: str = "decoder.") -> Program:
    """`program` of a decoder whose parameters are named after `prefix` and the layer's number."""
    return program((f"{prefix}{name}", layer) for name, layer in decoder.named_children())


def _operation_name(kind: type[nn.Module]) -> str:
    for ancestor in kind.__mro__:  # the most specific first: a masked convolution is a convolution, too
        if ancestor in _kinds():
            return _kinds()[ancestor]
    raise TypeError(f"the interpreters do not know the layer {kind.__name__}")


@cache
def _kinds() -> dict[type[nn.Module], str]:
    return {pkgutil.resolve_name(place): name for name, operation in OPERATIONS.items() for place in operation.modules}
