"""Generations: readings of a list, each with a value of its own, over records that rarely change.

A note says which generation of a list is current; the records are rows of evidence, see `recorder.py`. Each
process keeps decoded records in memory, also what it read itself and could not write.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.conf import settings

from . import rows, store
from .subjects import Subject

# What an empty list and the page about it take of memory, in records.
RECORDS_OF_A_LIST = 20

Item = TypeVar("Item", covariant=True)
Made = TypeVar("Made")


class DecodedRecords(Generic[Item]):
    """The records of a list, digests that tell whether one has changed, and what was derived from them."""

    def __init__(self, records: tuple[Item, ...], digests: Mapping[str, bytes] | None = None) -> None:
        self.records = records
        self.digests = digests or {}
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


class Pointer(NamedTuple):
    """The note of a list's current generation as it stands in the store: "" where there is none."""

    text: str
    generation: Generation | None

    @classmethod
    def of(cls, text: str) -> Pointer:
        return cls(text, store.decoded(text, Generation))


def look_up(subject: Subject) -> Pointer:
    return Pointer.of(store.get_many([subject.pointer_key]).get(subject.pointer_key, ""))


def current(subject: Subject, pointer: Pointer, own: Cached | None) -> Cached | None:
    """Return the current generation of a list with its records, None where none is at hand.

    `own` is what was `unwritten` before the store was asked.
    """
    generation = pointer.generation
    if own and (generation is None or own.generation.read_at > generation.read_at):
        return own
    decoded = _decoded(subject, generation) if generation else None
    return Cached(generation, decoded) if generation and decoded else None


def _decoded(subject: Subject, generation: Generation) -> DecodedRecords[Any] | None:
    """Return the records, from the rows where they are not in memory; None where the database is away."""
    with _decoding[hash(subject.key) % len(_decoding)]:
        decoded = in_memory(subject, generation)
        if decoded:
            return decoded
        decoded = _loaded(subject, generation)
        now = look_up(subject).generation
        if decoded and (now is None or now.digest != generation.digest):
            # Another reading is being written: the rows may be of both. Those of then can be told.
            return _loaded(subject, replace(generation, digest=""))
        if decoded and generation.digest:
            keep(subject, Cached(generation, decoded))
        return decoded


def _loaded(subject: Subject, generation: Generation) -> DecodedRecords[Any] | None:
    before = None if generation.digest else generation.reading
    found = store.asked(lambda: rows.load(subject, instance=generation.instance, before=before), None)
    return DecodedRecords(*found) if found else None


# In memory -------------------------------------------------------------------


class _InMemory(NamedTuple):
    cached: Cached
    is_written: bool


_lock = threading.Lock()
_memory: OrderedDict[str, _InMemory] = OrderedDict()
# One thread decodes a list while the others wait for it.
_decoding = [threading.Lock() for _ in range(16)]


def unwritten(subject: Subject) -> Cached | None:
    """Return what this process has read and could not write, so that others do not see it."""
    with _lock:
        kept = _memory.get(subject.key)
        if kept is None or kept.is_written:
            return None
        _memory.move_to_end(subject.key)  # it is nowhere else
        return kept.cached


def in_memory(subject: Subject, generation: Generation) -> DecodedRecords[Any] | None:
    with _lock:
        kept = _memory.get(subject.key)
        if kept is None or kept.cached.generation.digest != generation.digest:
            return None
        _memory.move_to_end(subject.key)
        return kept.cached.decoded


def keep(subject: Subject, new: Cached, *, is_written: bool = True, is_wanted: bool = True) -> None:
    """Keep a list in memory, from which the least used leave, if wanted or had by nobody else."""
    with _lock:
        old = _memory.get(subject.key)
        if old is None and is_written and not is_wanted:
            return
        if old and not old.is_written and old.cached.generation.read_at > new.generation.read_at:
            return
        _memory[subject.key] = _InMemory(new, is_written)
        _memory.move_to_end(subject.key)
        # The longest list that is read fits beside what its page needs, whatever the setting says.
        most = max(settings.DCS_RECORDS_IN_MEMORY, settings.DCS_MAX_RECORDS + 3 * RECORDS_OF_A_LIST)
        sizes = {key: RECORDS_OF_A_LIST + len(one.cached.decoded.records) for key, one in _memory.items()}
        while len(_memory) > 1 and sum(sizes.values()) > most:
            del sizes[_memory.popitem(last=False)[0]]
