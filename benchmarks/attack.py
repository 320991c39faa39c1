"""A hostile visitor: how much of what is sent breaks something. All counts of what went wrong should be 0.

- ``links``: every parameter of every page with texts that it does not take, one session for each.
- ``messages``: what no component commits, from every component of every page.
- ``damaged``: copies of a run's file with one bit flipped, or cut short: none may be read.
- ``forged``: copies with one thing changed and a right hash: refused with a sentence, or read as a run that the
  explorer's tables, plane and files can be made of; within the time that its reader has.
- ``addresses``: requests for what is not offered: never an error of the server, never a file of the machine.

An exception on the page, the sentence that the app has made a mistake, or anything but an error with a sentence for the
user has gone wrong. At the end an honest visitor opens every page. Run (about ten minutes)::

    python benchmarks/attack.py
    python benchmarks/attack.py --forged 20 --damaged 20 --messages 1 --links 1   # to try it
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import http.client
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from groups import DIRECT, Group, served
from sessions import Act, RunFailed, Session
from websockets.exceptions import WebSocketException

from ui.chapters import chapters
from ui.chapters.explorer.sent import course_of
from ui.chapters.links import properties
from ui.figures.plots import history_figure
from ui.figures.tables import metrics_table
from ui.runs.resources import plane_of
from ui.runs.selection import can_be_explored
from ui.runs.shown import Shown
from vae_core import archive
from vae_core.errors import VaeCoreError
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.storage.export import codes_csv
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.received import parse_sent

PAGES = tuple(chapter.url for chapter in chapters())
TEXTS = (
    "nan", "inf", "1e999", "<script>alert(1)</script>", "x" * 4_000, "9" * 2_000, "../../etc/passwd", "-2", "1,2;3",
    ";;;", "0x10", "99999999999", "vae\n", "٣", "best:99", "%00", "1;" * 1_000, "null", "[]", "true",
)  # fmt: skip
ADDRESSES = (
    "/tensors/", "/tensors/x", f"/tensors/{'0' * 64}", f"/tensors/{'0' * 5_000}", "/tensors/..%2f..%2fapp.py",
    "/tensors/../app.py", "/modules/0/../../app.py", "/modules/0/..%2f..%2fapp.py", "/modules/x/y.js", "/modules/",
    "/media/../app.py", "/media/" + "0" * 200, "/app/static/../app.py", "/static/..%2f..%2fapp.py",
    "/_stcore/upload_file/x/y", "/component/x/..%2f..%2fapp.py", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
    "/pages/../app.py",
)  # fmt: skip
NEVER_SERVED = (b"import streamlit", b"root:", b"from ui.app")
MISTAKE = "mistake in the app"  # of the sentence that stands for an exception, see ui/app/server.py
LONGEST = 6.0  # seconds for a forged file, as its reader has in the app


@dataclass
class Count:
    """How often something was tried, and how often it went wrong.

    Attributes:
        notes: of what went wrong, and what became of the rest.
    """

    name: str
    tries: int = 0
    wrong: int = 0
    notes: str = ""

    def went_wrong(self, what: str) -> None:
        """Count it, and say what it was."""
        self.wrong += 1
        print(f"{self.name}: {what[:300]}", file=sys.stderr, flush=True)


async def failure_of(session: Session, act: Callable[[Session], Act] | None = None) -> str:
    """Open a page, perhaps act on it, and leave; what failed, empty if nothing did."""
    try:
        await session.open()
        if act is not None:
            await session.run(act(session))
    except (RunFailed, WebSocketException, OSError) as error:
        return str(error) or type(error).__name__
    finally:
        await session.close()
    return ""


def is_mistake(failure: str) -> bool:
    """Whether a page has met a bug, rather than told its visitor what cannot be shown."""
    return bool(failure) and (not failure.startswith("error box") or MISTAKE in failure)


async def links(server: Group, most: int) -> Count:
    """See the module's docstring; `most` texts for each parameter."""
    count = Count("links")
    for page in PAGES:
        for name in properties(page):
            for text in TEXTS[:most]:
                session = Session(server.url, page)
                session.query = f"{name}={quote(text, safe='')}"
                count.tries += 1
                if is_mistake(failure := await failure_of(session)):
                    count.went_wrong(f"{page}?{session.query}: {failure}")
    return count


def junk(draw: random.Random, depth: int = 0) -> Any:
    """Something that JSON can say."""
    kind = draw.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return draw.choice([None, True, False, "", "1", "<b>", "x" * 10_000, "NaN", "__proto__"])
    if kind == 1:
        return draw.choice([0, -1, 1, 2**31, 2**63, -(2**70), 10**300])
    if kind in (2, 3):
        return draw.choice([0.5, -1e308, 1e-320, draw.gauss(0, 100)])
    if kind in (4, 5):
        return draw.randrange(-5, 20)
    if kind == 6:
        return [junk(draw, depth + 1) for _ in range(draw.choice([0, 1, 2, 3, 2_000 if depth == 1 else 4]))]
    names = ["pins", "view", "beta", "at", "marks", "z", "link", "value", "picked", "", "x"]
    return {draw.choice(names): junk(draw, depth + 1) for _ in range(draw.randrange(4))}


def states(draw: random.Random, number: int) -> Iterator[Any]:
    """What a component's visitor might make it commit."""
    for _ in range(number):
        yield junk(draw)
        yield {name: junk(draw, 1) for name in ("pins", "view", "beta", "marks", "link", "at", "picked")}


def commit(key: str, state: str, session: Session) -> Act:
    """A component's commit, of which the page has made the control."""
    return Act(session.controls[key], "json_value", state)


async def messages(server: Group, number: int) -> Count:
    """See the module's docstring; `number` pairs of states for each component."""
    count, draw = Count("messages"), random.Random(0)
    for page in PAGES:
        first = Session(server.url, page)
        if failure := await failure_of(first):
            count.went_wrong(f"{page}: {failure}")
        for key in (key for key, control in first.controls.items() if control.component):
            for state in states(draw, number):
                count.tries += 1
                act = partial(commit, key, json.dumps(state))
                if is_mistake(failure := await failure_of(Session(server.url, page), act)):
                    count.went_wrong(f"{page}, {key}, {json.dumps(state)[:120]}: {failure}")
    return count


def damaged(tries: int) -> Count:
    """See the module's docstring."""
    count, draw, content = Count("damaged checkpoints"), random.Random(1), shipped_content()
    for number in range(tries):
        altered = bytearray(content)
        if number % 2:
            altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
        else:
            del altered[draw.randrange(len(altered)) :]
        count.tries += 1
        try:
            parse_sent("damaged", bytes(altered))
        except VaeCoreError:
            continue
        except Exception as error:  # noqa: BLE001  # any of them is what is counted
            count.went_wrong(f"{type(error).__name__}: {error}")
        else:
            count.went_wrong(f"number {number} was read")
    count.notes = "half of them cut short, half with one bit flipped"
    return count


def shipped_content() -> bytes:
    """A small run's file, with every kind of part."""
    key = shipped_run(model="vae", dataset="digits", latent_dim=2, beta=4.0).key
    return (SHIPPED / f"{key}.safetensors").read_bytes()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON document."""
    if path:
        yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, name))


def change_document(draw: random.Random, document: dict[str, Any]) -> str:
    """Change one thing, which it says."""
    path = draw.choice(list(places(document)))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    if draw.random() < 0.25:
        del inner[path[-1]]
        return f"without {path}"
    inner[path[-1]] = value = junk(draw, 2)
    return f"{path} is {str(value)[:60]}"


def change_tensor(draw: random.Random, tensors: dict[str, np.ndarray]) -> str:
    """Change one tensor, which it says."""
    name = draw.choice(sorted(tensors))
    array = tensors[name]
    changes = {
        "gone": None,
        "flat": array.ravel(),
        "one more axis": array[None],
        "shorter": array[: len(array) // 2],
        "empty": array[:0],
        "of text's bytes": array.view(np.uint8) if array.dtype != np.uint8 else array.astype(np.int64) - 9,
        "not finite": np.full(array.shape, np.nan, np.float32),
        "very large": np.full(array.shape, 6e4, np.float16),
        "of other numbers": np.random.default_rng(draw.randrange(99)).normal(0, 50, array.shape).astype(np.float16),
    }
    kind = draw.choice(sorted(changes))
    if changes[kind] is None:
        del tensors[name]
    else:
        tensors[name] = np.ascontiguousarray(changes[kind])
    return f"{name} {kind}"


def forged(tries: int, folder: Path) -> Count:
    """See the module's docstring."""
    count, draw = Count("forged checkpoints"), random.Random(2)
    whole, original = archive.parsed(shipped_content(), "original")
    shown = 0
    for _ in range(tries):
        tensors, document = dict(whole), copy.deepcopy(original)
        said = change_tensor(draw, tensors) if draw.random() < 0.4 else change_document(draw, document)
        count.tries += 1
        archive.write(folder / "forged", tensors, document)
        began = time.process_time()
        try:
            shown += make_all_of(parse_sent("forged", (folder / "forged").read_bytes()))
        except VaeCoreError as error:
            if "\n" in str(error):
                count.went_wrong(f"{said}: more than a sentence")
        except Exception as error:  # noqa: BLE001  # any of them is what is counted
            count.went_wrong(f"{said}: {type(error).__name__}: {error}")
        if time.process_time() - began > LONGEST:
            count.went_wrong(f"{said}: took {time.process_time() - began:.1f} s")
    count.notes = f"{shown} could be shown: what was changed in them is a number or a name like another"
    return count


def make_all_of(run: Run) -> bool:
    """What the explorer makes of a run; False of one that it does not offer."""
    if not can_be_explored(run.spec):
        return False
    shown = Shown("forged", run, plane_of(run), sent=True)
    metrics_table(run)
    codes_csv(run)
    if model_kind(run.spec.model).bottleneck.discrete:
        course_of(shown)
    else:
        history_figure.clear()
        history_figure(shown.name, run)
    run.decode(np.zeros((2, run.spec.latent_dim), np.float32))
    return True


def addresses(server: Group) -> Count:
    """See the module's docstring."""
    count = Count("addresses")
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        for address in ADDRESSES:
            count.tries += 1
            connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
            try:
                connection.request(method, address, headers={"Range": "bytes=5-2,0-99999999999"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status >= 500 or any(part in body for part in NEVER_SERVED):
                    count.went_wrong(f"{method} {address[:80]}: {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                count.went_wrong(f"{method} {address[:80]}: {type(error).__name__}: {error}")
            finally:
                connection.close()
    return count


async def honest(server: Group) -> Count:
    """A visitor after all of it."""
    count = Count("an honest visitor afterwards", notes="every page")
    for page in PAGES:
        count.tries += 1
        if failure := await failure_of(Session(server.url, page)):
            count.went_wrong(f"{page or 'Home'}: {failure}")
    return count


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="What a hostile visitor can break: counts.")
    parser.add_argument("--links", type=int, default=len(TEXTS), metavar="N", help="texts for each parameter (all)")
    parser.add_argument("--messages", type=int, default=8, metavar="N", help="pairs of states for each component (8)")
    parser.add_argument("--damaged", type=int, default=1_000, metavar="N", help="damaged files (1,000)")
    parser.add_argument("--forged", type=int, default=1_000, metavar="N", help="forged files (1,000)")
    return parser.parse_args()


def main() -> int:
    """Attack and print; 1 if anything went wrong."""
    chosen = arguments()
    logging.disable(logging.WARNING)  # Streamlit's, of its caches outside of an app
    with tempfile.TemporaryDirectory() as folder:
        counts = [damaged(chosen.damaged), forged(chosen.forged, Path(folder))]
    with served(DIRECT) as server:
        counts.append(addresses(server))
        counts.append(asyncio.run(links(server, chosen.links)))
        counts.append(asyncio.run(messages(server, chosen.messages)))
        counts.append(asyncio.run(honest(server)))
    print("| attack | tries | went wrong | |\n|---|---:|---:|---|")
    for count in counts:
        print(f"| {count.name} | {count.tries:,} | {count.wrong} | {count.notes} |")
    return int(any(count.wrong for count in counts))


if __name__ == "__main__":
    sys.exit(main())
