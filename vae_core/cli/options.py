"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StoreOption = Annotated[
    Path, typer.Option("--store", envvar="VAE_STORE", help="Folder of the runs.", show_default="checkpoints")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DataOption = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of the downloaded images; VAE_DATA does the same.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[str, typer.Option(help="auto (measured), float32 or bfloat16.")]
