"""Commands that maintain a store: ``export``, ``receive`` and ``evict``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vae_core.cli.options import JsonOption, StoreOption
from vae_core.errors import StoreError
from vae_core.storage.manifest import DEFAULT_STORE


def export(
    key: Annotated[str, typer.Argument(help="Key of a run, as `list` prints it.")],
    to: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("exported"),
    form: Annotated[
        str | None,
        typer.Option("--format", help="onnx or torch: encoder and decoder for other tools, and nothing else."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a run's checkpoint, history, codes, and how to repeat it to a folder; or its networks."""
    from vae_core.storage.export import export_run
    from vae_core.storage.store import Store

    runs = Store(store)
    for path in export_run(runs, key, to, form):
        print(path)
    if form and not runs.load(key).encoder:
        print(
            f"{key} does not hold its encoder as a sequence of layers: the decoder alone was written.", file=sys.stderr
        )


def receive(
    files: Annotated[list[Path], typer.Argument(help="Checkpoints that you were sent, whatever their names.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Verify checkpoints and file them under their keys; what is there already stays."""
    from vae_core.storage.received import MOST_SENT
    from vae_core.storage.received import receive as receive_into
    from vae_core.storage.store import Store

    results = []
    for file in files:
        try:
            with file.expanduser().open("rb") as opened:
                content = opened.read(MOST_SENT + 1)  # one more than is taken
        except OSError as error:
            raise StoreError(f"{file} cannot be read ({error.strerror or error}); name one that is there.") from error
        run, new = receive_into(Store(store), file.name, content)
        results.append({"file": file.name, "key": run.key, "new": new})
        if not as_json:
            print(f"{run.key}: {'filed' if new else 'already there'}")
    if as_json:
        print(json.dumps(results, indent=2))


def evict(
    older_than: Annotated[float | None, typer.Option(help="Remove runs that are at least this many days old.")] = None,
    max_size: Annotated[float | None, typer.Option(help="Remove the oldest runs beyond this total of MB.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Remove old runs and leftovers; never a shipped run, nor one in training."""
    from vae_core.storage.eviction import evict as evict_from
    from vae_core.storage.store import Store

    most = None if max_size is None else round(max_size * 1e6)
    runs = Store(store)
    if not runs.root.is_dir():
        print(f"there is no folder {runs.root}.", file=sys.stderr)
    gone = evict_from(runs, older_than=older_than, most=most, only_say=dry_run)
    if as_json:
        print(
            json.dumps([{"file": entry.path.name, "bytes": entry.size, "why": entry.why} for entry in gone], indent=2)
        )
        return
    for entry in gone:
        print(f"{entry.path.name}: {entry.why}, {entry.size / 1e6:.1f} MB")
    verb = "would be removed" if dry_run else "removed"
    print(f"{len(gone)} files, {sum(entry.size for entry in gone) / 1e6:.1f} MB {verb}")
