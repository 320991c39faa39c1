"""See and end the training that visitors have asked for, on the machine that serves the app::

    python -m deploy.jobs --home /kept            # what trains now
    python -m deploy.jobs --home /kept --stop KEY # end one run; --stop all ends every run, those that wait as well

Within a few seconds the app ends them and says so to their visitors; finished epochs are kept.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vae_core.errors import VaeCoreError
from vae_core.storage import stops
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store


def main(given: list[str] | None = None) -> int:
    """List or stop; returns the exit status."""
    parser = argparse.ArgumentParser(description="The training that visitors have asked for.")
    parser.add_argument(
        "--home",
        default=os.environ.get("VAE_HOME"),
        metavar="FOLDER",
        help="as of deploy.serve; VAE_STORE, if set, comes first",
    )
    parser.add_argument("--stop", metavar="KEY", help="end this run; 'all' ends every run")
    chosen = parser.parse_args(given)
    home = Path(chosen.home) / "runs" if chosen.home else SHIPPED
    store = Store(os.environ.get("VAE_STORE") or home)
    try:
        if chosen.stop:
            every = chosen.stop == stops.ALL
            trains = every or chosen.stop in stops.in_training(store)
            stops.give(store, "" if every else chosen.stop)
            print("All runs end now." if every else f"{chosen.stop} ends now." if trains else (
                f"{chosen.stop} does not train now; if it waits for its turn, it is taken off the queue."
            ))  # fmt: skip
            return 0
        for key in stops.in_training(store):
            print(f"{key}, {store.epochs_done(key)} epochs finished")
    except VaeCoreError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
