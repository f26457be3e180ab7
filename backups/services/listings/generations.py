"""Generations: immutable readings of a list, stored page by page as DCS sent them.

A generation has a random id and never changes, so each process keeps its decoded records in memory, and
asks the store only for the small pointer that says which generation of a list is current.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.conf import settings

from ...dcs.errors import DcsAnswerGarbled
from ...dcs.walk import Walk
from . import store

log = logging.getLogger(__name__)

# The pages of a replaced generation stay for the views that still show it.
REPLACED_SECONDS = 60
MOST_POINTERS = 2000
# What an empty list and the page about it take of memory, in records.
RECORDS_OF_A_LIST = 20

Item = TypeVar("Item", covariant=True)
Made = TypeVar("Made")


class DecodedRecords(Generic[Item]):
    """The records of one generation, and what was derived from them."""

    def __init__(self, records: tuple[Item, ...]) -> None:
        self.records = records
        self._derived: dict[str, Any] = {}
        self._lock = threading.RLock()

    def derived(self, name: str, make: Callable[[tuple[Item, ...]], Made]) -> Made:
        """Return what `make` makes of the records: once in this process, while they are in memory."""
        with self._lock:
            if name not in self._derived:
                self._derived[name] = make(self.records)
            return cast(Made, self._derived[name])


@dataclass(frozen=True)
class Generation:
    """What is known of one reading beside its records. `running`: a backup was not yet done then."""

    id: str
    read_at: datetime
    pages: int
    promised: int | None
    moved: bool
    truncated: bool
    cut_short: bool
    running: bool
    request_ids: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not (self.moved or self.truncated or self.cut_short)


class Cached(NamedTuple):
    """A generation that is at hand."""

    generation: Generation
    decoded: DecodedRecords[Any]


def pointer_key(key: str) -> str:
    return f"current:{key}"


def save(key: str, walk: Walk[Any], *, read_at: datetime) -> Cached:
    """Store a walk as a new generation of the list `key` and make it the current one."""
    generation = Generation(
        id=secrets.token_hex(8),
        read_at=read_at,
        pages=len(walk.pages),
        promised=walk.promised,
        moved=walk.moved,
        truncated=walk.truncated,
        cut_short=walk.cut_short,
        running=any(getattr(record, "is_running", False) for record in walk.records),
        request_ids=tuple(page.request_id for page in walk.pages if page.request_id),
    )
    previous = _current(key, store.get_many([pointer_key(key)]))
    decoded = _remember(generation.id, DecodedRecords(walk.records))
    text, seconds = store.encoded(generation), float(settings.DCS_STALE_SECONDS)
    bodies = [page.body for page in walk.pages]
    pages = dict(zip(_page_keys(generation.id, generation.pages), bodies, strict=True))
    # The pointer comes last: whoever sees it finds the pages.
    shared = store.set_many({**pages, pointer_key(key): text}, seconds=seconds)
    _point(key, _Pointer(generation, text, time.monotonic() + seconds, shared))
    if previous:
        store.shorten(_page_keys(previous.id, previous.pages), seconds=REPLACED_SECONDS)
    return Cached(generation, decoded)


def cached(key: str, found: store.Found, decode: Callable[[bytes], Sequence[Any]]) -> Cached | None:
    """Return the current generation of a list, out of what the store found for its pointer's key."""
    # Once more, since a newer generation may have taken the pages of the first away.
    for _ in range(2):
        generation = _current(key, found)
        if generation is None:
            return None
        decoded = _in_memory(generation.id) or _decoded(generation, decode)
        if decoded is not None:
            return Cached(generation, decoded)
        found = store.get_many([pointer_key(key)])
    return None


def bodies_of(generation_id: str, pages: int) -> list[bytes] | None:
    """Return the pages as DCS sent them, None where one is gone."""
    keys = _page_keys(generation_id, pages)
    found = store.get_many(keys)
    bodies = [body for key in keys if isinstance(body := found.get(key), bytes)]
    return bodies if len(bodies) == len(keys) else None


def _page_keys(generation_id: str, pages: int) -> list[str]:
    return [f"page:{generation_id}:{number}" for number in range(pages)]


# Which one is current --------------------------------------------------------


class _Pointer(NamedTuple):
    """A list's current generation as this process knows it; `shared`: the store was told of it."""

    generation: Generation
    text: str
    ends: float
    shared: bool


_lock = threading.Lock()
_pointers: OrderedDict[str, _Pointer] = OrderedDict()


def _current(key: str, found: store.Found) -> Generation | None:
    """Return a list's current generation; this process's own last one where the store tells of none."""
    own, text = _pointers.get(key), found.get(pointer_key(key))
    own = own if own and time.monotonic() < own.ends else None
    if own and text == own.text:
        return own.generation
    shared = store.decoded(text, Generation)
    if text and shared is None:
        log.warning("a pointer in the cache is not of this version of the portal")
    if shared is None or (own and not own.shared and own.generation.read_at > shared.read_at):
        return own.generation if own else None
    # It may have been read long before this process saw it.
    age = max(0.0, (datetime.now(UTC) - shared.read_at).total_seconds())
    _point(key, _Pointer(shared, str(text), time.monotonic() + settings.DCS_STALE_SECONDS - age, True))
    return shared


def _point(key: str, pointer: _Pointer) -> None:
    with _lock:
        replaced = _pointers.get(key)
        if replaced and replaced.generation.id != pointer.generation.id:
            # Views that still show it hold it themselves; nobody else will ask for it.
            _records_by_id.pop(replaced.generation.id, None)
        _pointers[key] = pointer
        _pointers.move_to_end(key)
        while len(_pointers) > MOST_POINTERS:
            _pointers.popitem(last=False)


# Decoded ---------------------------------------------------------------------

_records_by_id: OrderedDict[str, DecodedRecords[Any]] = OrderedDict()
# One thread decodes a generation while the others wait for it.
_decoding = [threading.Lock() for _ in range(16)]


def _in_memory(generation_id: str) -> DecodedRecords[Any] | None:
    with _lock:
        decoded = _records_by_id.get(generation_id)
        if decoded:
            _records_by_id.move_to_end(generation_id)
        return decoded


def _decoded(generation: Generation, decode: Callable[[bytes], Sequence[Any]]) -> DecodedRecords[Any] | None:
    """Return the records out of the stored pages, None where these are gone or spoilt."""
    with _decoding[hash(generation.id) % len(_decoding)]:
        decoded = _in_memory(generation.id)
        bodies = None if decoded else bodies_of(generation.id, generation.pages)
        if bodies is None:
            return decoded
        found: dict[str, Any] = {}
        try:
            for body in bodies:
                for record in decode(body):
                    # A repeated walk stores both passes, the newer one first: its word wins.
                    found.setdefault(record.key, record)
        except DcsAnswerGarbled:
            return None
        return _remember(generation.id, DecodedRecords(tuple(found.values())))


def _remember(generation_id: str, decoded: DecodedRecords[Any]) -> DecodedRecords[Any]:
    """Keep it in memory, from which the least used leave."""
    with _lock:
        _records_by_id[generation_id] = decoded
        _records_by_id.move_to_end(generation_id)
        # The longest list that is read fits beside what its page needs, whatever the setting says.
        most = max(settings.DCS_RECORDS_IN_MEMORY, settings.DCS_MAX_RECORDS + 3 * RECORDS_OF_A_LIST)
        size = sum(RECORDS_OF_A_LIST + len(one.records) for one in _records_by_id.values())
        while len(_records_by_id) > 1 and size > most:
            _, gone = _records_by_id.popitem(last=False)
            size -= RECORDS_OF_A_LIST + len(gone.records)
        return decoded


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    with _lock:
        _records_by_id.clear()
        _pointers.clear()
