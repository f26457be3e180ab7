"""Texts that outlive a view: in the shared cache, and in this process for when that is away.

What was noted while it was away is told to all when it is back: a key that was refused meanwhile stays held.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from . import shared_cache

MOST = 1000


class _Note(NamedTuple):
    text: str
    ends: float
    shared: bool


lock = threading.RLock()
_notes: OrderedDict[str, _Note] = OrderedDict()


def text(key: str, found: Mapping[str, shared_cache.Value]) -> str | None:
    """Return a note out of what the shared cache gave; this process's own where that was away."""
    if key in found:
        return str(found[key])
    note = _notes.get(key)
    if note is None or time.monotonic() >= note.ends:
        return None
    if shared_cache.is_away():
        return note.text
    if note.shared:
        return None  # somebody dropped it
    write(key, note.text, seconds=note.ends - time.monotonic())
    return note.text


def read(key: str) -> str | None:
    return text(key, shared_cache.get_many([key]))


def write(key: str, note: str, *, seconds: float) -> None:
    _keep(key, note, seconds)
    if shared_cache.set_one(key, note, seconds=seconds):
        _keep(key, note, seconds, shared=True)


def add(key: str, *, seconds: float) -> bool:
    """Note that something is done: of all who try at once, one is told True."""
    first = shared_cache.add(key, "", seconds=seconds)
    if first is not None:
        return first
    with lock:
        note = _notes.get(key)
        if note and time.monotonic() < note.ends:
            return False
        _keep(key, "", seconds)
        return True


def drop(*keys: str) -> None:
    with lock:
        for key in keys:
            _notes.pop(key, None)
    shared_cache.delete_many(keys)


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    with lock:
        _notes.clear()


def _keep(key: str, note: str, seconds: float, *, shared: bool = False) -> None:
    with lock:
        _notes[key] = _Note(note, time.monotonic() + seconds, shared)
        _notes.move_to_end(key)
        while len(_notes) > MOST:
            _notes.popitem(last=False)
