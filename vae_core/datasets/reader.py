"""Read a user's images in a child process: ``python -m vae_core.datasets.reader ROOT PREPARATION``.

Decoding thousands of pictures takes seconds of processor time and may take gigabytes, and a picture may crash it.

PREPARATION is a JSON object, the fields of a `pictures.Preparation`. Standard input is a line of JSON,
``[[name, bytes], …]``, followed by the files' contents. The images are stored below the data root ROOT, see
`own.save_waiting`, and described as JSON on standard output, see `report`. Where ROOT is `ALONE`, there is one picture,
which is stored nowhere: the JSON holds its pixels, see `one_picture`. Its exit status is as `vae_core.child` says.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from vae_core.child import confine, failed

if TYPE_CHECKING:
    from vae_core.datasets.reading import OwnImages

ALONE = "-"
SHOWN = 24  # pictures in the preview, evenly spaced


def main() -> int:
    """Read the images of standard input; returns the exit status."""
    from vae_core.datasets.limits import MOST_COMPUTING, MOST_MEMORY

    confine(MOST_MEMORY, MOST_COMPUTING)
    from vae_core.datasets import own
    from vae_core.errors import VaeCoreError

    root, prepared = Path(sys.argv[1]), json.loads(sys.argv[2])
    try:
        if sys.argv[1] == ALONE:
            print(json.dumps(one_picture(sys.stdin.buffer, **prepared)))
            return 0
        images = _read(sys.stdin.buffer, prepared)
        print(json.dumps(report(images, own.save_waiting(images, root))))
    except VaeCoreError as error:
        return failed(str(error))
    except MemoryError:
        return failed("these images need more memory than there is; send fewer.")
    return 0


def report(images: OwnImages, name: str) -> dict[str, Any]:
    """The description of a set that the parent process gets.

    Returns:
        ``name`` of the set, ``title``, ``shape`` (N, C, H, W), ``classes``: pairs of name and count, ``left_out``,
        ``left_out_count``, ``notes``, and ``shown``: the bytes of up to `SHOWN` of the images, uint8, in base64.
    """
    import numpy as np

    count = len(images.images)
    chosen = images.images[np.unique(np.linspace(0, count - 1, min(SHOWN, count)).astype(int))]
    return {
        "name": name,
        "title": images.title,
        "shape": list(images.images.shape),
        "classes": images.class_counts(),
        "left_out": [list(each) for each in images.left_out],
        "left_out_count": images.left_out_count,
        "notes": list(images.notes),
        "shown": base64.b64encode(chosen.tobytes()).decode(),
    }


def one_picture(stream: BinaryIO, size: int, colour: str = "auto", **fields: Any) -> dict[str, Any]:
    """A picture from a stream, see `Preparation`: ``pixels``, uint8 (C, H, W) in base64, grey if `colour` says so.

    Raises:
        UnusableImages: it cannot be read; the message names it.
    """
    import numpy as np

    from vae_core.datasets.pictures import Preparation, layers, on_background, to_grey
    from vae_core.errors import UnusableImages

    ((name, length),) = json.loads(stream.readline())
    prepared = Preparation(size, colour, **fields)
    try:
        images = on_background([layers(stream.read(length), prepared)])
    except UnusableImages as error:
        raise UnusableImages(f"{name} {error}") from error
    (pixels,) = prepared.toned(to_grey(images) if colour == "grey" else images)
    return {"pixels": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()}


def _read(stream: BinaryIO, prepared: dict[str, Any]) -> OwnImages:
    """A set from a stream: of one archive, or of pictures."""
    from vae_core.datasets.pictures import Preparation
    from vae_core.datasets.reading import read_file, read_files

    asked = Preparation(**prepared)
    files = [(name, stream.read(length)) for name, length in json.loads(stream.readline())]
    if len(files) == 1:
        return read_file(*files[0], asked)
    return read_files(files, asked)


if __name__ == "__main__":
    sys.exit(main())
