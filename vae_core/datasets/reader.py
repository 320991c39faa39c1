"""Read somebody's images for another program, as its child: ``python -m vae_core.datasets.reader ROOT SIZE COLOUR``.

Decoding thousands of pictures takes seconds of processor time and may take gigabytes: here it has the lowest priority,
a limit on either, and nothing that a picture does to it reaches the program that asked.

Standard input is a line of JSON, ``[[name, bytes], …]``, and the files' contents one after another. What was read is
put by below the data root ROOT, see `own.put_by`, and told as JSON on standard output, see `told`. Exit status 0 says
so; `SAID` that the last line of standard error, which begins with "Error: ", tells people why not.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from vae_core.datasets.reading import OwnImages

SAID = 3
SHOWN = 24  # pictures to look at, evenly chosen


def main() -> int:
    """Read what the arguments and standard input say; the exit status."""
    with suppress(OSError, AttributeError):  # a system without priorities
        os.nice(19)
    _limit_itself()
    from vae_core.datasets import own
    from vae_core.errors import VaeCoreError

    root, size, colour = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    try:
        images = _read(sys.stdin.buffer, size, colour)
        print(json.dumps(told(images, own.put_by(images, root))))
    except VaeCoreError as error:
        return _said(str(error))
    except MemoryError:
        return _said("these images need more memory to be read than there is; send fewer.")
    return 0


def told(images: OwnImages, name: str) -> dict[str, Any]:
    """What the program that asked is told.

    Returns:
        ``name`` of the set, ``title``, ``shape`` (N, C, H, W), ``label_names``, ``left_out``, ``left_out_count``, and
        ``shown``: the bytes of up to `SHOWN` of the images, uint8, in base64.
    """
    import numpy as np

    count = len(images.images)
    chosen = images.images[np.unique(np.linspace(0, count - 1, min(SHOWN, count)).astype(int))]
    return {
        "name": name,
        "title": images.title,
        "shape": list(images.images.shape),
        "label_names": list(images.label_names),
        "left_out": [list(each) for each in images.left_out],
        "left_out_count": images.left_out_count,
        "shown": base64.b64encode(chosen.tobytes()).decode(),
    }


def _read(sent: BinaryIO, size: int, colour: str) -> OwnImages:
    """A set, from what was sent: an archive alone, or pictures."""
    from vae_core.datasets.reading import read_file, read_files

    files = [(name, sent.read(length)) for name, length in json.loads(sent.readline())]
    if len(files) == 1:
        return read_file(*files[0], size=size, colour=colour)
    return read_files(files, size=size, colour=colour)


def _limit_itself() -> None:
    """An upload may not take the machine's memory, nor its processor for long, whatever is in it."""
    try:
        import resource
    except ImportError:  # a system without limits
        return
    from vae_core.datasets.limits import LONGEST_READING, MOST_MEMORY

    for kind, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, int(LONGEST_READING))):
        with suppress(OSError, ValueError):  # not offered, or a lower limit is set already
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def _said(sentence: str) -> int:
    print(f"Error: {sentence}", file=sys.stderr, flush=True)
    return SAID


if __name__ == "__main__":
    sys.exit(main())
