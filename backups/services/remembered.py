"""Texts that outlive a view: in the shared cache, and in this process for when that is away."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

from . import shared_cache

MOST = 1000

lock = threading.RLock()
_notes: OrderedDict[str, tuple[str, float]] = OrderedDict()


def text(key: str, found: Mapping[str, shared_cache.Value]) -> str | None:
    """Return a note out of what the shared cache gave; this process's own where that is away."""
    if not shared_cache.is_away():
        return str(found[key]) if key in found else None
    with lock:
        note, ends = _notes.get(key, ("", 0.0))
    return note if time.monotonic() < ends else None


def read(key: str) -> str | None:
    return text(key, shared_cache.get_many([key]))


def write(key: str, note: str, *, seconds: float) -> None:
    with lock:
        _keep(key, note, seconds)
    shared_cache.set_one(key, note, seconds=seconds)


def add(key: str, *, seconds: float) -> bool:
    """Note that something is done: of all who try at once, one is told True."""
    first = shared_cache.add(key, "", seconds=seconds)
    if first is not None:
        return first
    with lock:
        if time.monotonic() < _notes.get(key, ("", 0.0))[1]:
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


def _keep(key: str, note: str, seconds: float) -> None:
    _notes[key] = note, time.monotonic() + seconds
    _notes.move_to_end(key)
    while len(_notes) > MOST:
        _notes.popitem(last=False)
