"""Whether pages could run a network, asked before it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vae_core.errors import SpecError
from vae_core.models import model_kind
from vae_core.program.export import Programs, programs_of

if TYPE_CHECKING:
    from vae_core.models.network import Network
    from vae_core.spec import RunSpec


def checked_programs(spec: RunSpec, model: Network) -> Programs:
    """The programs that a network declares.

    Raises:
        SpecError: pages could not run it: a layer that no interpreter knows, or an encoder that is none of its kind of
            code.
    """
    try:
        programs = programs_of(model)
        model_kind(spec.model).bottleneck.programs(programs.encoder, programs.decoder, model.state_dict())
    except (TypeError, ValueError) as error:
        raise SpecError(f"model {spec.model!r} cannot be trained, as pages could not run it: {error}.") from error
    return programs
