"""Generations: readings of a list, each with a value of its own, over records that rarely change.

A note says which generation of a list is current; the records are rows of evidence, see `recorder.py`. Each
process keeps decoded records in memory, and what it read itself before others can see it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.conf import settings

from . import rows, store
from .subjects import Subject

MOST_POINTERS = 2000
# What the keys of the notes begin with.
CURRENT = "current:"
# What an empty list and the page about it take of memory, in records.
RECORDS_OF_A_LIST = 20

Item = TypeVar("Item", covariant=True)
Made = TypeVar("Made")


class DecodedRecords(Generic[Item]):
    """The records of a list, digests that tell whether one has changed, and what was derived from them."""

    def __init__(self, records: tuple[Item, ...], digests: Mapping[str, bytes] | None = None) -> None:
        self.records = records
        self.digests = digests or {}
        # The JSON of each record, until it is written; then the instance's row, which a first reading makes.
        self.sent: Mapping[str, bytes] = {}
        self.instance = 0
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
    `digest` tells whether the list has changed since, "" while much is being written (by `writer`);
    `instance` and `reading` are its rows in the database, 0 where it has none. `unlisted` counts the records
    that the list no longer holds, `watched_since` is when it was read first. `missing_since`: over half of it
    is missing since then, which the next reading may confirm; the records stay until then.
    """

    generation: str
    read_at: datetime
    promised: int | None = None
    moved: bool = False
    truncated: bool = False
    cut_short: bool = False
    running: bool = False
    request_ids: tuple[str, ...] = ()
    digest: str = ""
    instance: int = 0
    reading: int = 0
    unlisted: int = 0
    watched_since: datetime | None = None
    missing_since: datetime | None = None
    writer: str = ""

    @property
    def complete(self) -> bool:
        return not (self.moved or self.truncated or self.cut_short)


class Cached(NamedTuple):
    """A generation that is at hand."""

    generation: Generation
    decoded: DecodedRecords[Any]

    def is_of_reading(self, reading: int) -> bool:
        """Whether it is all written, and a row of evidence stands for it."""
        return self.generation.reading == reading and not self.decoded.sent


@dataclass(frozen=True)
class Pointer:
    """The note of a list's current generation as it stands in the store: "" where there is none."""

    text: str = ""
    generation: Generation | None = field(default=None, compare=False)

    @classmethod
    def of(cls, text: str) -> Pointer:
        return cls(text, store.decoded(text, Generation))


def pointer_key(subject: Subject) -> str:
    return f"{CURRENT}{subject.key}"


def published(subject: Subject) -> Cached | None:
    """Return what this process has read and others cannot see yet."""
    return _own.get(subject.key)


def cached(subject: Subject, found: store.Found, own: Cached | None) -> Cached | None:
    """Return the current generation of a list, out of what the store found for its pointer's key.

    `own` is what was `published` before the store was asked: what is written meanwhile is in one of both.
    """
    pointer = noted(subject, found)
    if own and (pointer.generation is None or own.generation.read_at > pointer.generation.read_at):
        return own  # it is being written, or could not be
    if pointer.generation is None:
        return None
    _know(subject, pointer)
    decoded = _decoded(subject, pointer.generation)
    return Cached(pointer.generation, decoded) if decoded else None


def noted(subject: Subject, found: store.Found) -> Pointer:
    """Return the note of a list out of what the store found: its generation without the records."""
    return Pointer.of(found.get(pointer_key(subject), ""))


def current(subject: Subject) -> Pointer:
    """Return the pointer as this process saw it last, "" where it never did."""
    return _pointers.get(subject.key, Pointer())


def look_up(subject: Subject) -> Pointer:
    """Return the pointer as it stands in the store now."""
    key = pointer_key(subject)
    pointer = Pointer.of(store.get_many([key]).get(key, ""))
    _know(subject, pointer)
    return pointer


def publish(subject: Subject, new: Cached, *, is_wanted: bool) -> None:
    """Show a reading to the viewers of this process, before it is written.

    What nobody wants to see takes the place of what is in memory, and none of its own.
    """
    with _lock:
        _own[subject.key] = new
        _own.move_to_end(subject.key)
        # While the database is full they are many.
        while len(_own) > 1 and sum(_size(one.decoded) for one in _own.values()) > _most_in_memory():
            _own.popitem(last=False)
    if is_wanted or subject.key in _records:
        _remember(subject, new.generation, new.decoded)


def written(subject: Subject, pointer: Pointer) -> None:
    """Take note that all others can see what was published."""
    _know(subject, pointer)
    with _lock:
        own = _own.get(subject.key)
        if own and pointer.generation and own.generation.read_at <= pointer.generation.read_at:
            del _own[subject.key]


# In memory -------------------------------------------------------------------

_lock = threading.Lock()
_pointers: OrderedDict[str, Pointer] = OrderedDict()
_own: OrderedDict[str, Cached] = OrderedDict()
_records: OrderedDict[str, tuple[str, DecodedRecords[Any]]] = OrderedDict()
# One thread decodes a list while the others wait for it.
_decoding = [threading.Lock() for _ in range(16)]


def _know(subject: Subject, pointer: Pointer) -> None:
    with _lock:
        _pointers[subject.key] = pointer
        _pointers.move_to_end(subject.key)
        while len(_pointers) > MOST_POINTERS:
            _pointers.popitem(last=False)


def in_memory(subject: Subject, generation: Generation) -> DecodedRecords[Any] | None:
    with _lock:
        digest, decoded = _records.get(subject.key, ("", None))
        if decoded is None or digest != generation.digest:
            return None
        _records.move_to_end(subject.key)
        return decoded


def _decoded(subject: Subject, generation: Generation) -> DecodedRecords[Any] | None:
    """Return the records, from the rows where they are not in memory; None where the database is away."""
    with _decoding[hash(subject.key) % len(_decoding)]:
        decoded = in_memory(subject, generation)
        if decoded is None:
            decoded = _loaded(subject, generation)
            if decoded and not _is_current(subject, generation):
                # Another reading is being written: the rows may be of both. Those of then can be told.
                generation = replace(generation, digest="")
                decoded = _loaded(subject, generation)
            if decoded and generation.digest:
                _remember(subject, generation, decoded)
        return decoded


def _loaded(subject: Subject, generation: Generation) -> DecodedRecords[Any] | None:
    before = None if generation.digest else generation.reading
    found = store.asked(lambda: rows.load(subject, instance=generation.instance, before=before), None)
    return DecodedRecords(*found) if found else None


def _is_current(subject: Subject, generation: Generation) -> bool:
    current = noted(subject, store.get_many([pointer_key(subject)])).generation
    return current is not None and current.digest == generation.digest


def _remember(subject: Subject, generation: Generation, decoded: DecodedRecords[Any]) -> None:
    """Keep it in memory, from which the least used leave."""
    with _lock:
        _records[subject.key] = generation.digest, decoded
        _records.move_to_end(subject.key)
        size = sum(_size(one) for _, one in _records.values())
        while len(_records) > 1 and size > _most_in_memory():
            _, (_, gone) = _records.popitem(last=False)
            size -= _size(gone)


def _size(decoded: DecodedRecords[Any]) -> int:
    return RECORDS_OF_A_LIST + len(decoded.records)


def _most_in_memory() -> int:
    # The longest list that is read fits beside what its page needs, whatever the setting says.
    most: int = max(settings.DCS_RECORDS_IN_MEMORY, settings.DCS_MAX_RECORDS + 3 * RECORDS_OF_A_LIST)
    return most


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    with _lock:
        _pointers.clear()
        _own.clear()
        _records.clear()
