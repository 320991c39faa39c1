"""A checkpoint that somebody sent: verified before anything of it is used, and never executed."""

from __future__ import annotations

from vae_core import archive
from vae_core.errors import DamagedRun, OtherFormat, UnknownRun, UnreadableRun
from vae_core.models import build
from vae_core.run import Run
from vae_core.storage.store import Store, run_of

MOST_SENT = 60_000_000  # bytes; the largest shipped run has 2.4 million


def parse_sent(name: str, content: bytes, *, run_programs: bool = True) -> Run:
    """The run in the bytes of a file, whatever the file's name; nothing is written.

    Reading safetensors runs no code. The SHA-256 is compared, and the schema checked as for every run: the run can be
    shown, without torch. Whether its network can be built is known after `read_sent`. `run_programs` is as of
    `schema.check_tensors`.

    Raises:
        UnknownRun: it needs a plugin or a newer version, or another program wrote it.
        UnreadableRun: it is whole, but no run that this version can use.
        DamagedRun: it was cut or altered on its way.
    """
    if len(content) > MOST_SENT:
        raise UnreadableRun(f"{name} has more than the {MOST_SENT / 1e6:.0f} MB that a checkpoint may have.")
    try:
        tensors, document = archive.parsed(content, name)
    except OtherFormat as error:
        raise UnknownRun(str(error)) from error
    except DamagedRun as error:
        raise DamagedRun(f"{error} Ask for it again.") from error
    advice = "another program has written it, or changed it"
    return run_of(tensors, document, name, advice, run_programs=run_programs)


def read_sent(name: str, content: bytes) -> Run:
    """As `parse_sent`, and the weights are held against the architecture that the specification names."""
    run = parse_sent(name, content)
    _check_weights(run, name)
    return run


def receive(store: Store, name: str, content: bytes) -> tuple[Run, bool]:
    """File a checkpoint that somebody sent, as it came, under its run's key; returns the run, and whether it is new.

    A run that is there already stays as it is. Errors as of `read_sent`.

    Raises:
        StoreError: the store cannot be written to.
    """
    run = read_sent(name, content)
    with store.locked(run.key):
        if store.load_if_whole(run.key) is not None:  # a damaged file is set aside
            return run, False
        archive.put(store.path(run.key), content)
    return run, True


def _check_weights(run: Run, name: str) -> None:
    """Compare names and shapes with the architecture, of which nothing is allocated."""
    import torch

    with torch.device("meta"):
        expected = {each: tuple(value.shape) for each, value in build(run.spec, run.image_shape).state_dict().items()}
    found = {each: array.shape for each, array in run.weights.items()}
    if found != expected:
        raise UnreadableRun(f"{name}: the weights do not fit its specification.")
