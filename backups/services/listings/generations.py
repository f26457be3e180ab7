"""Generations: immutable readings of a list, stored page by page as DCS sent them.

A generation has a random id and never changes, so each process keeps its decoded records in memory, and
asks the store only for the small pointer that says which generation of a list is current.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.conf import settings

from ...dcs.errors import DcsAnswerGarbled
from ...dcs.walk import Walk
from . import store

# The pages of a replaced generation stay for the views that still show it.
REPLACED_SECONDS = 60
MOST_POINTERS = 2000
# What an empty list and the page about it take of memory, in records.
RECORDS_OF_A_LIST = 20

Item = TypeVar("Item", covariant=True)
Made = TypeVar("Made")
Decode = Callable[[bytes], Sequence[Any]]


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


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What is known of one reading beside its records.

    `promised` is the total that DCS gave, None where it gave none. `running`: a backup was not yet done.
    """

    generation: str
    read_at: datetime
    pages: int
    promised: int | None = None
    moved: bool = False
    truncated: bool = False
    cut_short: bool = False
    running: bool = False
    request_ids: tuple[str, ...] = ()

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
    new = Generation(
        generation=secrets.token_hex(8),
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
    decoded = _remember(new, DecodedRecords(walk.records))
    bodies = (page.body for page in walk.pages)
    values: dict[str, store.Value] = dict(zip(_page_keys(new), bodies, strict=True))
    # The pointer comes last: whoever sees it finds the pages.
    values[pointer_key(key)] = store.encoded(new)
    _point(key, new, shared=store.set_many(values, seconds=settings.DCS_STALE_SECONDS))
    if previous:
        store.shorten(_page_keys(previous), seconds=REPLACED_SECONDS)
    return Cached(new, decoded)


def cached(key: str, found: store.Found, decode: Decode) -> Cached | None:
    """Return the current generation of a list, out of what the store found for its pointer's key."""
    # Once more, since a newer generation may have taken the pages of the first away.
    for _ in range(2):
        generation = _current(key, found)
        if generation is None:
            return None
        decoded = _in_memory(generation) or _decoded(generation, decode)
        if decoded is not None:
            return Cached(generation, decoded)
        found = store.get_many([pointer_key(key)])
    return None


def bodies_of(generation: Generation) -> list[bytes] | None:
    """Return the pages as DCS sent them, None where one is gone."""
    keys = _page_keys(generation)
    found = store.get_many(keys)
    bodies = [body for key in keys if isinstance(body := found.get(key), bytes)]
    return bodies if len(bodies) == len(keys) else None


def _page_keys(generation: Generation) -> list[str]:
    return [f"page:{generation.generation}:{number}" for number in range(generation.pages)]


# Which one is current --------------------------------------------------------

_lock = threading.Lock()
# The current generations as this process knows them, and whether the store was told of each.
_pointers: OrderedDict[str, tuple[Generation, bool]] = OrderedDict()


def _current(key: str, found: store.Found) -> Generation | None:
    """Return a list's current generation; this process's own last one where the store tells of none."""
    stored = store.decoded(found.get(pointer_key(key)), Generation)
    own, is_shared = _pointers.get(key, (None, True))
    if own and datetime.now(UTC) - own.read_at >= timedelta(seconds=settings.DCS_STALE_SECONDS):
        own = None
    if stored is None or (own and not is_shared and own.read_at > stored.read_at):
        return own
    if stored != own:
        _point(key, stored, shared=True)
    return stored


def _point(key: str, generation: Generation, *, shared: bool) -> None:
    with _lock:
        replaced, _ = _pointers.get(key, (generation, shared))
        if replaced.generation != generation.generation:
            # Views that still show it hold it themselves; nobody else will ask for it.
            _records.pop(replaced.generation, None)
        _pointers[key] = generation, shared
        _pointers.move_to_end(key)
        while len(_pointers) > MOST_POINTERS:
            _pointers.popitem(last=False)


# Decoded ---------------------------------------------------------------------

_records: OrderedDict[str, DecodedRecords[Any]] = OrderedDict()
# One thread decodes a generation while the others wait for it.
_decoding = [threading.Lock() for _ in range(16)]


def _in_memory(generation: Generation) -> DecodedRecords[Any] | None:
    with _lock:
        decoded = _records.get(generation.generation)
        if decoded:
            _records.move_to_end(generation.generation)
        return decoded


def _decoded(generation: Generation, decode: Decode) -> DecodedRecords[Any] | None:
    """Return the records out of the stored pages, None where these are gone or spoilt."""
    with _decoding[hash(generation.generation) % len(_decoding)]:
        decoded = _in_memory(generation)
        bodies = None if decoded else bodies_of(generation)
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
        return _remember(generation, DecodedRecords(tuple(found.values())))


def _remember(generation: Generation, decoded: DecodedRecords[Any]) -> DecodedRecords[Any]:
    """Keep it in memory, from which the least used leave."""
    with _lock:
        _records[generation.generation] = decoded
        _records.move_to_end(generation.generation)
        # The longest list that is read fits beside what its page needs, whatever the setting says.
        most = max(settings.DCS_RECORDS_IN_MEMORY, settings.DCS_MAX_RECORDS + 3 * RECORDS_OF_A_LIST)
        size = sum(RECORDS_OF_A_LIST + len(one.records) for one in _records.values())
        while len(_records) > 1 and size > most:
            _, gone = _records.popitem(last=False)
            size -= RECORDS_OF_A_LIST + len(gone.records)
        return decoded


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    with _lock:
        _records.clear()
        _pointers.clear()
