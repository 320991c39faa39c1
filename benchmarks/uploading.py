"""Do others wait while somebody uploads images? Reruns of a class without and with a visitor who uploads archives.

The class is that of `classroom.py`: sessions that request one rerun each every second. Then the same again, while one
more visitor repeatedly uploads a zip of pictures near the limits to Train your own, and waits each time until the page
shows what was read; the two alternate. All of it runs on one machine, beside the server; nothing leaves it.

Run, with nothing else running on the machine::

    python benchmarks/uploading.py
    python benchmarks/uploading.py --pictures 20 --side 3000 --sessions 30

Goal: p95 of the others' reruns at most twice that without uploads.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import sys
import tempfile
import time
import zipfile

import numpy as np
from classroom import table
from PIL import Image
from serving import Server, serve
from sessions import Act, MessageCache, Phase, RunFailed, Session, rerun, shown_error
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

GOAL = 2.0  # times the p95 without uploads
PAGE = "train"
NAME = "album.zip"
BOUNDARY = "a-boundary-that-no-picture-holds"


class Watching(MessageCache):
    """Records the page's uploader, whether it offers to use what was read, and its error message."""

    uploader = ""
    offers_use = False
    said = ""

    def see(self, message: ForwardMsg) -> None:
        """See `MessageCache.see`."""
        element = message.delta.new_element
        if element.WhichOneof("type") == "file_uploader":
            self.uploader = element.file_uploader.id
        if element.WhichOneof("type") == "button" and "train-own-use" in element.button.id:
            self.offers_use = True
        if error := shown_error(message):
            self.said = error
        super().see(message)


class Sender(Session):
    """A visitor who uploads an archive."""

    def __init__(self, url: str) -> None:
        super().__init__(url, PAGE)
        self.cache: Watching = Watching()
        self.sent: UploadedFileInfo | None = None

    def request(self, act: Act | None) -> BackMsg:
        """With the uploader's files."""
        request = super().request(act)
        if self.sent:
            state = request.rerun_script.widget_states.widgets.add()
            state.id = self.cache.uploader
            state.file_uploader_state_value.uploaded_file_info.append(self.sent)
        return request

    async def send(self, content: bytes) -> None:
        """Send an archive, run the page with it, and check that it was read.

        Raises:
            RunFailed: the page did not show what was read, or showed an error.
        """
        assert self.socket is not None
        asked = BackMsg()
        asked.file_urls_request.request_id = "1"
        asked.file_urls_request.file_names.append(NAME)
        await self.socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(await self.socket.recv(decode=False))  # type: ignore[arg-type]
            if message.WhichOneof("type") == "file_urls_response":
                break
        (urls,) = message.file_urls_response.file_urls
        await asyncio.to_thread(put, self.url, urls.upload_url, content)
        self.sent = UploadedFileInfo(name=NAME, size=len(content), file_id=urls.file_id, file_urls=urls)
        self.cache.said, self.cache.offers_use = "", False
        await self.run()
        if not self.cache.offers_use:
            raise RunFailed(self.cache.said or "the page showed nothing about the images")


def put(url: str, path: str, content: bytes) -> None:
    """Upload a file as a browser's form does.

    Raises:
        RunFailed: the server refused it.
    """
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{NAME}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
    try:
        connection.request("PUT", path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        answer = connection.getresponse()
        if answer.status >= 300:
            raise RunFailed(f"the server answered {answer.status} to the upload")
    finally:
        connection.close()


def album(pictures: int, side: int) -> bytes:
    """A zip of colour JPEG files: smooth fields with a little noise, so that they compress as photographs do."""
    random = np.random.default_rng(0)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(pictures):
            coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.int16)
            noise = random.integers(-12, 13, (min(side, 256), min(side, 256), 1), dtype=np.int16)
            times = -(-side // noise.shape[0])
            noisy = smooth + np.tile(noise, (times, times, 1))[:side, :side]
            file = io.BytesIO()
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
            archive.writestr(f"{'even' if number % 2 == 0 else 'odd'}/{number:05}.jpg", file.getvalue())
    return content.getvalue()


async def attend(server: Server, chosen: argparse.Namespace, content: bytes) -> tuple[dict[str, Phase], list[float]]:
    """The class alone and beside a sender in turns, so that a change in the machine's speed affects both.

    Returns both phases, and the seconds from each upload until it was shown.
    """
    sessions = [Session(server.url, chosen.page) for _ in range(chosen.sessions)]
    sender = Sender(server.url)
    alone, beside = Phase(), Phase()
    took: list[float] = []
    try:
        for each in (sender, *sessions):
            await each.open()
        await sender.send(content)  # once before: the first upload imports modules
        for _ in range(chosen.turns):
            await reruns(alone, server, sessions, chosen)
            ended = asyncio.create_task(reruns(beside, server, sessions, chosen))
            await send_until(ended, sender, content, took)
    finally:
        await asyncio.gather(*(each.close() for each in (sender, *sessions)))
    return {"alone": alone, "while one sends": beside}, took


async def reruns(phase: Phase, server: Server, sessions: list[Session], chosen: argparse.Namespace) -> None:
    """The class's reruns, sessions evenly spread."""
    start, gap = time.perf_counter() + 0.1, chosen.every / chosen.sessions
    began, own, theirs = time.perf_counter(), time.process_time(), server.cpu_seconds()
    await asyncio.gather(
        *(rerun(phase, each, start + i * gap, chosen.reruns, chosen.every) for i, each in enumerate(sessions))
    )
    phase.wall += time.perf_counter() - began
    phase.own_cpu += time.process_time() - own
    if theirs is not None:
        phase.server_cpu = (phase.server_cpu or 0.0) + (server.cpu_seconds() or 0.0) - theirs


async def send_until(ended: asyncio.Task[None], sender: Sender, content: bytes, took: list[float]) -> None:
    """Send again and again until the class has finished."""
    while not ended.done():
        began = time.perf_counter()
        await sender.send(content)
        took.append(time.perf_counter() - began)
    await ended


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="How long a class waits while one visitor sends images.")
    parser.add_argument("--pictures", type=int, default=5_000, metavar="N", help="in the archive (5,000)")
    parser.add_argument("--side", type=int, default=110, metavar="PIXELS", help="of each (110)")
    parser.add_argument("--sessions", type=int, default=30, metavar="N", help="how many others (30)")
    parser.add_argument("--reruns", type=int, default=10, metavar="N", help="of each session in a turn (10)")
    parser.add_argument("--turns", type=int, default=4, metavar="N", help="how often alone and beside a sender (4)")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="seconds between a session's reruns (1)")
    parser.add_argument("--page", default="", help="the page of the others (Home)")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if a run went wrong or the goal was missed."""
    chosen = arguments()
    content = album(chosen.pictures, chosen.side)
    with (
        tempfile.TemporaryDirectory() as root,
        serve(environment={"VAE_DATA": root}, options=("--server.enableXsrfProtection", "false")) as server,
    ):
        before = server.resident_megabytes()
        try:
            phases, took = asyncio.run(attend(server, chosen, content))
        except RunFailed as error:
            sys.exit(f"The images were not read: {error}")
        after = server.resident_megabytes()
    print(
        f"{chosen.sessions} sessions, a rerun each every {chosen.every:g} s, {chosen.turns} × {chosen.reruns} times "
        f"alone and as often while one sends {chosen.pictures:,} pictures of {chosen.side} × {chosen.side} pixels, "
        f"{len(content) / 1e6:.0f} MB.\n"
    )
    print(table(phases))
    alone, beside = (phase.quantiles()[1] for phase in phases.values())
    met = beside <= GOAL * alone
    if took:
        print(f"\nFrom sending to being shown: median {np.median(took):.1f} s, {len(took)} times.")
    if before and after:
        print(f"Server's memory: {before:.0f} MB before, {after:.0f} MB at the end.")
    print(f"- {'met' if met else 'NOT met'}: p95 at most {GOAL:g} times that alone; {beside / alone:.2f} times.")
    errors = [error for phase in phases.values() for error in phase.errors]
    for error in dict.fromkeys(errors):
        print(f"- Error, {errors.count(error)} times: {error}")
    return 0 if met and not errors else 1


if __name__ == "__main__":
    sys.exit(main())
