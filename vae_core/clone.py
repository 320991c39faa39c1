"""Where this package lies: in a clone of VAE Playground, or installed by itself."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
IN_CLONE = (PROJECT / "checkpoints" / "manifest.json").is_file()
HOME = PROJECT if IN_CLONE else Path()  # what has no other place named is kept below: the clone, or the current folder
WITHOUT_RUNS = (
    "vae_core is installed here without the shipped runs: they lie in the folder checkpoints of a clone of VAE "
    "Playground, which --store or VAE_STORE can name"
)


def hint() -> str:
    """A further sentence for what is not found; empty in a clone, where the shipped runs are."""
    return "" if IN_CLONE else f" {WITHOUT_RUNS}."
