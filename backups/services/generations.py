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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from django.conf import settings

from ..dcs.errors import DcsAnswerGarbled
from ..dcs.walk import Walk
from . import shared_cache

log = logging.getLogger(__name__)

# The pages of a replaced generation stay for the views that still show it.
REPLACED_SECONDS = 60
# Decoded records that a process keeps: some 1 kB each.
MAX_RECORDS_IN_MEMORY = 100_000

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


class _Memory:
    """This process's decoded generations, the least used one leaving first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept[Any]] = OrderedDict()
        self._pointers: dict[str, tuple[Generation, float]] = {}

    def kept(self, generation: str) -> Kept[Any] | None:
        with self._lock:
            if generation in self._kept:
                self._kept.move_to_end(generation)
            return self._kept.get(generation)

    def keep(self, generation: str, kept: Kept[Any]) -> None:
        with self._lock:
            self._kept[generation] = kept
            self._kept.move_to_end(generation)
            while len(self._kept) > 1 and self._size() > MAX_RECORDS_IN_MEMORY:
                self._kept.popitem(last=False)

    def _size(self) -> int:
        return sum(len(kept.records) for kept in self._kept.values())

    def pointer(self, key: str) -> Generation | None:
        with self._lock:
            generation, ends = self._pointers.get(key, (None, 0.0))
        return generation if time.monotonic() < ends else None

    def point(self, key: str, generation: Generation) -> None:
        with self._lock:
            self._pointers[key] = generation, time.monotonic() + settings.DCS_STALE_SECONDS
            while len(self._pointers) > 1000:
                del self._pointers[next(iter(self._pointers))]

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._pointers.clear()


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
    previous = current(key)
    kept = Kept(walk.records)
    _memory.keep(generation.id, kept)
    _memory.point(key, generation)
    keys = _page_keys(generation.id, generation.pages)
    bodies: dict[str, shared_cache.Value] = {k: page.body for k, page in zip(keys, walk.pages, strict=True)}
    shared_cache.set_many(bodies, seconds=settings.DCS_STALE_SECONDS)
    # The pointer comes last: whoever sees it finds the pages.
    shared_cache.set_one(_pointer_key(key), generation.to_text(), seconds=settings.DCS_STALE_SECONDS)
    if previous:
        shared_cache.shorten(_page_keys(previous.id, previous.pages), seconds=REPLACED_SECONDS)
    return generation, kept


def current(key: str) -> Generation | None:
    """Return the current generation of a list; this process's own last one where the cache is away."""
    text = shared_cache.get(_pointer_key(key))
    if text:
        try:
            return Generation.from_text(str(text))
        except (ValueError, KeyError, TypeError):
            log.warning("a pointer in the cache is not of this version of the portal: %s", key)
    return _memory.pointer(key)


def kept_of(generation: Generation, decode: Decode) -> Kept[Any] | None:
    """Return the decoded records, None where the cached pages are gone or spoilt."""
    kept = _memory.kept(generation.id)
    if kept is not None:
        return kept
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


def _pointer_key(key: str) -> str:
    return f"current:{key}"


def _page_keys(generation: str, pages: int) -> list[str]:
    return [f"page:{generation}:{number}" for number in range(pages)]
