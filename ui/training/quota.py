"""The visitors' own image sets that the app keeps: who sent them, which are in use, and their limits.

All of it is stored on the disk, so that it survives a restart and several apps can share the folder: the sender of a
set is recorded as a file ``own/.sent/<set>~<visitor>`` with a digest of the address, its last use as the time of the
set's own file; what had to make room, for its sender to read, in ``own/.gone/<visitor>``. A set without a sender was
stored by the command line: it is offered to all, and stays. The limits are in `vae_core.datasets.limits`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ui.training.app_queue import training_queue
from vae_core import datasets
from vae_core.datasets import own
from vae_core.datasets.limits import (
    GONE_TOLD,
    IN_USE,
    MOST_KEPT,
    MOST_OF_ADDRESS,
    MOST_OF_ONE,
    MOST_SETS,
    MOST_SETS_OF_ADDRESS,
    MOST_SETS_OF_ONE,
)
from vae_core.errors import DatasetUnavailable

NOTED_EVERY = 30.0  # seconds between two records that a set is shown
_NOTED_KEPT = 256
_LONGEST_TITLE, _MOST_TITLES = 80, 20
_VISITOR = re.compile(r"\w{1,40}", re.ASCII)


@dataclass(frozen=True)
class _Sent:
    """By whom a set was sent.

    Attributes:
        when: in seconds since the epoch.
        near: a digest of the address, or the visitor where that is not known.
    """

    when: float
    near: str


@dataclass
class _State:
    """Allows one set to be accepted at a time, and records when each was last noted as shown."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    noted: OrderedDict[str, float] = field(default_factory=OrderedDict)


_state = _State()


def keep(name: str, visitor: str, address: str = "") -> None:
    """Keep a set that was read, after removing others if necessary.

    Args:
        name: of the set.
        visitor: who sent it.
        address: where from; left out, nobody else counts as coming from there.

    Raises:
        DatasetUnavailable: it no longer exists, the sets in use leave no space, or the folder cannot be written to.
    """
    root = datasets.data_root()
    near = hashlib.sha256(address.encode()).hexdigest()[:16] if address else visitor
    with _state.lock:
        senders = _senders(root)
        if name not in senders and own.describe(name, root):
            own.accept(name, root)  # the command line has stored it: it is nobody's, and everybody may choose it
            return
        _make_room(name, visitor, near, root)
        own.accept(name, root)
        mark = _marks(root) / f"{name}~{visitor}"
        try:
            mark.parent.mkdir(exist_ok=True)
            mark.write_text(near, encoding="ascii")  # after the set itself: it has not been used yet
        except OSError as error:
            raise DatasetUnavailable(f"your images could not be kept ({error.strerror or error}).") from error


def had_to_go(visitor: str) -> list[str]:
    """Titles of a visitor's sets that made room for others since this was last asked."""
    place = _gone(datasets.data_root()) / visitor
    if not _VISITOR.fullmatch(visitor):
        return []
    try:
        titles = place.read_text(encoding="utf-8").splitlines()
        place.unlink()
    except OSError:
        return []
    return titles


def offered(visitor: str, linked: str = "") -> tuple[str, ...]:
    """Sets that a visitor may choose: their own, that of the link, and those stored by the command line."""
    root = datasets.data_root()
    senders = _senders(root)
    return tuple(
        sorted(
            entry.name
            for entry in own.stored_sets(root)
            if entry.name == linked or entry.name not in senders or visitor in senders[entry.name]
        )
    )


def in_use() -> frozenset[str]:
    """Names of the sets that a job needs, or that a page or a job used recently.

    A set that was uploaded but not used since is not in use.
    """
    root = datasets.data_root()
    limit, senders = time.time() - IN_USE, _senders(root)
    lately = (
        entry.name
        for entry in own.stored_sets(root)
        if entry.used >= limit and all(entry.used > sent.when for sent in senders.get(entry.name, {}).values())
    )
    return frozenset({spec.dataset for spec in training_queue().specs}.union(lately))


def note_shown(name: str) -> None:
    """Record that a page shows a run on this dataset, so that its images are kept for a while."""
    now = time.monotonic()
    if own.shape_in(name) is None or now - _state.noted.get(name, -NOTED_EVERY) < NOTED_EVERY:
        return
    with _state.lock:
        _state.noted[name] = now
        _state.noted.move_to_end(name)
        while len(_state.noted) > _NOTED_KEPT:
            _state.noted.popitem(last=False)
    own.note_used(name, datasets.data_root())


def _marks(root: Path) -> Path:
    return own.folder(root) / ".sent"


def _gone(root: Path) -> Path:
    return own.folder(root) / ".gone"


def _senders(root: Path) -> dict[str, dict[str, _Sent]]:
    """Set -> visitor -> when and from where they sent it."""
    found: dict[str, dict[str, _Sent]] = {}
    for mark in _marks(root).glob("own-*~*"):
        name, _, visitor = mark.name.partition("~")
        with suppress(FileNotFoundError):  # removed meanwhile
            near = mark.read_text(encoding="ascii", errors="replace")[:40] or visitor
            found.setdefault(name, {})[visitor] = _Sent(mark.stat().st_mtime, near)
    return found


def _forget(name: str, visitor: str, root: Path) -> None:
    (_marks(root) / f"{name}~{visitor}").unlink(missing_ok=True)


def _tell(name: str, visitors: Iterable[str], root: Path) -> None:
    """Leave word for the senders of a set that it had to go; without a writable folder there is none."""
    stored = own.describe(name, root)
    title = " ".join((stored.title if stored else name).split())[:_LONGEST_TITLE]
    folder = _gone(root)
    with suppress(OSError, UnicodeEncodeError):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > GONE_TOLD:
                old.unlink()
        for visitor in visitors:
            if _VISITOR.fullmatch(visitor):
                before = (folder / visitor).read_text(encoding="utf-8") if (folder / visitor).exists() else ""
                lines = [*before.splitlines(), title][-_MOST_TITLES:]
                (folder / visitor).write_text("\n".join(lines), encoding="utf-8")


@dataclass
class _Kept:
    """The sets that visitors have sent, and what is to become of them.

    Attributes:
        root: the data root.
        sizes: set -> bytes, the least recently used first; without those of the command line and without the new one.
        senders: set -> visitor -> when and where from.
        needed: sets that are in use.
    """

    root: Path
    sizes: dict[str, int]
    senders: dict[str, dict[str, _Sent]]
    needed: frozenset[str]

    def of_visitor(self, visitor: str) -> list[str]:
        return [name for name in self.sizes if visitor in self.senders[name]]

    def of_address(self, near: str) -> list[str]:
        return [name for name in self.sizes if any(sent.near == near for sent in self.senders[name].values())]

    def share(self, names: Iterable[str]) -> float:
        """Of what all may keep, by bytes or by number, whichever is more."""
        some = list(names)
        return max(sum(self.sizes[name] for name in some) / MOST_KEPT, len(some) / MOST_SETS)

    def fit(self, names: Iterable[str], new: int, most: int, most_sets: int) -> bool:
        """Whether one more set, of `new` bytes, fits beside the named ones."""
        some = list(names)
        return sum(self.sizes[name] for name in some) + new <= most and len(some) < most_sets

    def gives_way(self, near: str) -> str | None:
        """Of an address's sets the one to go: of the visitor who has most, the least recently used; None if all of
        them are in use."""
        free = [name for name in self.of_address(near) if name not in self.needed]
        owners = {name: [one for one, sent in self.senders[name].items() if sent.near == near] for name in free}
        visitors = {one for some in owners.values() for one in some}
        if not visitors:
            return None
        largest = max(sorted(visitors), key=lambda one: self.share(self.of_visitor(one)))
        return next(name for name in free if largest in owners[name])

    def remove(self, name: str) -> None:
        _tell(name, self.senders[name], self.root)
        own.remove(name, self.root)
        for visitor in self.senders[name]:
            _forget(name, visitor, self.root)
        del self.sizes[name]

    def withdraw(self, name: str, visitor: str) -> None:
        """Remove a visitor's own set; where others sent it too, it stays for them."""
        if len(self.senders[name]) == 1:
            own.remove(name, self.root)
            del self.sizes[name]
        del self.senders[name][visitor]
        _forget(name, visitor, self.root)


def _make_room(name: str, visitor: str, near: str, root: Path) -> None:
    """Remove sets to admit one more: first the visitor's own, then those of the address, then of whoever has most.

    Raises:
        DatasetUnavailable: the remaining sets are in use, or belong to those who have sent less.
    """
    senders = _senders(root)
    stored = {entry.name: entry.size for entry in own.stored_sets(root)}  # least recently used first
    for gone in senders.keys() - stored.keys() - {name}:
        for each in senders[gone]:
            _forget(gone, each, root)
    new = stored.get(name) or own.waiting_size(name, root)
    sizes = {each: size for each, size in stored.items() if each in senders and each != name}
    kept = _Kept(root, sizes, senders, in_use() | {name})
    for each in kept.of_visitor(visitor):
        if kept.fit(kept.of_visitor(visitor), new, MOST_OF_ONE, MOST_SETS_OF_ONE):
            break
        if each not in kept.needed:
            kept.withdraw(each, visitor)
    mine = kept.of_visitor(visitor)
    if not kept.fit(mine, new, MOST_OF_ONE, MOST_SETS_OF_ONE):
        raise DatasetUnavailable(
            f"you may keep {MOST_OF_ONE / 1e6:.0f} MB of images and {MOST_SETS_OF_ONE} sets, and "
            f"{sum(sizes[each] for each in mine) / 1e6:.0f} MB in {len(mine)} are in use; send these when a run has "
            "ended, or send fewer."
        )
    while not kept.fit(kept.of_address(near), new, MOST_OF_ADDRESS, MOST_SETS_OF_ADDRESS):
        if (gone_now := kept.gives_way(near)) is None:
            raise DatasetUnavailable(
                "there is no room for more images from your address while those of others there are in use; try again "
                "later."
            )
        kept.remove(gone_now)
    while not kept.fit(kept.sizes, new, MOST_KEPT, MOST_SETS):
        own_share = kept.share(kept.of_address(near)) + max(new / MOST_KEPT, 1 / MOST_SETS)
        shares = {one: kept.share(kept.of_address(one)) for one in _addresses(kept)} | {near: own_share}
        largest_first = sorted(shares, key=lambda one: (-shares[one], one))
        larger = [one for one in largest_first if shares[one] >= own_share]
        gone_now = next(filter(None, map(kept.gives_way, larger)), None)
        if gone_now is None:
            raise DatasetUnavailable(
                "there is no room for more images while those of others are in use; try again later."
            )
        kept.remove(gone_now)


def _addresses(kept: _Kept) -> set[str]:
    return {sent.near for name in kept.sizes for sent in kept.senders[name].values()}
