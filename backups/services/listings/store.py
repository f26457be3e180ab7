"""Generations: immutable readings of a list, cached page by page as DCS sent them.

A generation has a random id and never changes, so each process may keep its
decoded records in memory and asks the shared cache only for the small pointer
that says which generation of a list is current.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from django.conf import settings

from ...dcs.errors import DcsAnswerGarbled
from ...dcs.walk import Walk
from . import shared_cache

log = logging.getLogger(__name__)

# The pages of a replaced generation stay for the views that still show it.
REPLACED_SECONDS = 60
MOST_POINTERS = 2000
# What an empty list and the page about it take of memory, in records.
RECORDS_OF_A_LIST = 20
Decode = Callable[[bytes], Sequence[Any]]
Item = TypeVar("Item", covariant=True)
Made = TypeVar("Made")


class Kept(Generic[Item]):
    """The decoded records of one generation, and what was made from them."""

    def __init__(self, records: tuple[Item, ...]) -> None:
        self.records = records
        self._made: dict[str, Any] = {}
        self._lock = threading.RLock()

    def derived(self, name: str, make: Callable[[tuple[Item, ...]], Made]) -> Made:
        """Return what `make` made of the records, once in this process; it goes with the generation."""
        try:
            return cast(Made, self._made[name])
        except KeyError:
            with self._lock:
                if name not in self._made:
                    self._made[name] = make(self.records)
                return cast(Made, self._made[name])


@dataclass(frozen=True)
class Generation:
    """What the pointer tells of one reading. `running`: a backup was not yet done when it was read."""

    id: str
    read_at: datetime
    pages: int
    promised: int | None
    moved: bool
    truncated: bool
    cut_short: bool
    running: bool
    request_ids: tuple[str, ...]

    def to_text(self) -> str:
        return json.dumps({**asdict(self), "read_at": self.read_at.isoformat()})

    @classmethod
    def from_text(cls, text: str) -> Generation:
        values = json.loads(text)
        values["read_at"] = datetime.fromisoformat(values["read_at"])
        values["request_ids"] = tuple(values["request_ids"])
        return cls(**values)


@dataclass(frozen=True)
class _Pointer:
    """A list's current generation as this process knows it; `shared`: the cache was told of it."""

    generation: Generation
    text: str
    ends: float
    shared: bool


class _Memory:
    """This process's decoded generations, the least used one leaving first, and its pointers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._kept: OrderedDict[str, Kept[Any]] = OrderedDict()
        self._pointers: OrderedDict[str, _Pointer] = OrderedDict()
        self._decoding: dict[str, threading.Lock] = {}

    def kept(self, generation: str) -> Kept[Any] | None:
        with self.lock:
            if generation in self._kept:
                self._kept.move_to_end(generation)
            return self._kept.get(generation)

    def keep(self, generation: str, kept: Kept[Any]) -> None:
        with self.lock:
            self._kept[generation] = kept
            self._kept.move_to_end(generation)
            size = sum(map(_weight, self._kept.values()))
            # The longest list that is read fits beside what its page needs, whatever the setting says.
            most = max(settings.DCS_RECORDS_IN_MEMORY, settings.DCS_MAX_RECORDS + 3 * RECORDS_OF_A_LIST)
            while len(self._kept) > 1 and size > most:
                _, gone = self._kept.popitem(last=False)
                size -= _weight(gone)

    @contextmanager
    def decoding(self, generation: str) -> Iterator[None]:
        """Let one thread decode a generation while the others wait for it."""
        with self.lock:
            mine = self._decoding.setdefault(generation, threading.Lock())
        try:
            with mine:
                yield
        finally:
            with self.lock:
                self._decoding.pop(generation, None)

    def pointer(self, key: str) -> _Pointer | None:
        with self.lock:
            pointer = self._pointers.get(key)
        return pointer if pointer and time.monotonic() < pointer.ends else None

    def point(self, key: str, pointer: _Pointer) -> None:
        with self.lock:
            replaced = self._pointers.get(key)
            if replaced and replaced.generation.id != pointer.generation.id:
                # Views that still show it hold it themselves; nobody else will ask for it.
                self._kept.pop(replaced.generation.id, None)
            self._pointers[key] = pointer
            self._pointers.move_to_end(key)
            while len(self._pointers) > MOST_POINTERS:
                self._pointers.popitem(last=False)

    def clear(self) -> None:
        with self.lock:
            self._kept.clear()
            self._pointers.clear()


def _weight(kept: Kept[Any]) -> int:
    return RECORDS_OF_A_LIST + len(kept.records)


_memory = _Memory()


def keep(key: str, walk: Walk[Any], *, read_at: datetime, running: bool) -> tuple[Generation, Kept[Any]]:
    """Store a walk as a new generation of the list `key` and make it the current one."""
    generation = Generation(
        id=secrets.token_hex(8),
        read_at=read_at,
        pages=len(walk.pages),
        promised=walk.promised,
        moved=walk.moved,
        truncated=walk.truncated,
        cut_short=walk.cut_short,
        running=running,
        request_ids=tuple(page.request_id for page in walk.pages if page.request_id),
    )
    previous = current(key, shared_cache.get_many([pointer_key(key)]))
    kept = Kept(walk.records)
    _memory.keep(generation.id, kept)
    keys, text, seconds = _page_keys(generation.id, generation.pages), generation.to_text(), _keeping()
    bodies = {key: page.body for key, page in zip(keys, walk.pages, strict=True)}
    # The pointer comes last: whoever sees it finds the pages.
    shared = shared_cache.set_many(bodies, seconds=seconds) and shared_cache.set_one(
        pointer_key(key), text, seconds=seconds
    )
    _memory.point(key, _Pointer(generation, text, time.monotonic() + seconds, shared))
    if previous:
        shared_cache.shorten(_page_keys(previous.id, previous.pages), seconds=REPLACED_SECONDS)
    return generation, kept


def _keeping() -> float:
    seconds: float = settings.DCS_STALE_SECONDS
    return seconds


def pointer_key(key: str) -> str:
    """What to look up in the shared cache for `current`."""
    return f"current:{key}"


def current(key: str, found: Mapping[str, shared_cache.Value]) -> Generation | None:
    """Return the current generation of a list out of what the shared cache gave.

    This process's own last one counts where the cache has none, or was away when that was read.
    """
    own = _memory.pointer(key)
    text = found.get(pointer_key(key))
    if own and text == own.text:
        return own.generation
    shared = _generation_from(text) if text else None
    if shared is None or (own and not own.shared and own.generation.read_at > shared.read_at):
        return own.generation if own else None
    # It may have been read long before this process saw it.
    age = max(0.0, (datetime.now(UTC) - shared.read_at).total_seconds())
    _memory.point(key, _Pointer(shared, str(text), time.monotonic() + _keeping() - age, True))
    return shared


def _generation_from(text: shared_cache.Value) -> Generation | None:
    try:
        return Generation.from_text(str(text))
    except (ValueError, KeyError, TypeError):
        log.warning("a pointer in the cache is not of this version of the portal")
        return None


def kept_of(generation: Generation, decode: Decode) -> Kept[Any] | None:
    """Return the decoded records, None where the cached pages are gone or spoilt."""
    kept = _memory.kept(generation.id)
    if kept is not None:
        return kept
    with _memory.decoding(generation.id):
        kept = _memory.kept(generation.id)
        return kept if kept is not None else _decode(generation, decode)


def _decode(generation: Generation, decode: Decode) -> Kept[Any] | None:
    bodies = bodies_of(generation.id, generation.pages)
    if bodies is None:
        return None
    try:
        kept = Kept(_decoded(bodies, decode))
    except DcsAnswerGarbled:
        return None
    _memory.keep(generation.id, kept)
    return kept


def _decoded(bodies: Sequence[bytes], decode: Decode) -> tuple[Any, ...]:
    # A repeated walk keeps both passes, the newer one first: its word wins.
    found: dict[str, Any] = {}
    for body in bodies:
        for record in decode(body):
            found.setdefault(record.key, record)
    return tuple(found.values())


def bodies_of(generation: str, pages: int) -> list[bytes] | None:
    """Return the pages as DCS sent them, None where one is gone."""
    keys = _page_keys(generation, pages)
    found = shared_cache.get_many(keys)
    bodies = [body for key in keys if isinstance(body := found.get(key), bytes)]
    return bodies if len(bodies) == len(keys) else None


def forget_memory() -> None:
    """Drop what this process remembers, as a restart would."""
    _memory.clear()


def _page_keys(generation: str, pages: int) -> list[str]:
    return [f"page:{generation}:{number}" for number in range(pages)]
