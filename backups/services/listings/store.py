"""What all processes and servers share: notes with an end, pages of lists, counts.

This module and `leases.py` alone know where that is: in Django's cache, whose absence costs speed and
never a page. While it does not answer it is left alone, so that no view waits for it twice; a thread tries
it until it answers. It holds text and bytes, never pickled objects.

Each process remembers the notes that it wrote, for while the cache is away. They are told to all when it
is back: a key that was refused meanwhile stays held.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

import msgspec
from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# How long the cache is left alone before it is tried again.
BYPASS_SECONDS = 2.0
# What a cache raises that is away, frozen, full or spoilt.
CACHE_ERRORS = (RedisError, sqlite3.Error, OSError)
COUNTED_SECONDS = 60
MOST_NOTES = 1000
MOST_COUNTED = 10_000

Value = str | bytes
Found = Mapping[str, Value]
Kind = TypeVar("Kind")
Result = TypeVar("Result")


def get_many(keys: Iterable[str]) -> dict[str, Value]:
    """Return what is there, by one round trip; nothing where the cache is away."""
    try:
        return asked(lambda: dict(cache.get_many(list(keys))), {})
    except ValueError:
        return {}  # what another program, or another version, wrote under our names


def set_many(values: Mapping[str, Value], *, seconds: float) -> bool:
    """Store each value by itself, since large ones together may take longer than one may."""

    def stored() -> bool:
        for key, value in values.items():
            cache.set(key, value, timeout=round(seconds))
        return True

    return asked(stored, False)


def shorten(keys: Iterable[str], *, seconds: float) -> None:
    """Let values go soon, but not under a view that is just reading them."""

    def shortened() -> None:
        for key in keys:
            cache.touch(key, round(seconds))

    asked(shortened, None)


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def decoded(text: Value | None, kind: type[Kind]) -> Kind | None:
    """Return what `encoded` made text of, None for what another version of the portal wrote."""
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.DecodeError:
        return None


def count(what: str, now: float, step: int = 1) -> int:
    """Count one more in the current minute, or with a `step` of -1 one less; return how many there are."""
    key = f"rate:{what}:{int(now // COUNTED_SECONDS)}"

    def counted() -> int:
        try:
            return cache.incr(key, step)
        except ValueError:
            # Of all who are the first in this minute, one is.
            return step if cache.add(key, step, timeout=2 * COUNTED_SECONDS) else cache.incr(key, step)

    of_all = asked(counted, None)
    if of_all is not None:
        return of_all
    if len(_counted_here) > MOST_COUNTED:
        _counted_here.clear()
    _counted_here[key] += step
    return _counted_here[key]


# Notes -----------------------------------------------------------------------


class _Note(NamedTuple):
    text: str
    ends: float
    shared: bool


_lock = threading.RLock()
_notes: OrderedDict[str, _Note] = OrderedDict()
_counted_here: Counter[str] = Counter()


def note(kind: type[Kind], key: str, found: Found | None = None) -> Kind | None:
    """Return a note out of what `get_many` found; this process's own where the cache was away."""
    found = get_many([key]) if found is None else found
    return decoded(found[key] if key in found else _own_text(key), kind)


def _own_text(key: str) -> str | None:
    own = _notes.get(key)
    if own is None or time.monotonic() >= own.ends:
        return None
    if is_away():
        return own.text
    if own.shared:
        return None  # somebody dropped it
    _write(key, own.text, own.ends - time.monotonic())
    return own.text


def write(key: str, value: object, *, seconds: float) -> None:
    _write(key, encoded(value), seconds)


def _write(key: str, text: str, seconds: float) -> None:
    _remember(key, text, seconds, shared=False)
    if set_many({key: text}, seconds=seconds):
        _remember(key, text, seconds, shared=True)


def add(key: str, *, seconds: float) -> bool:
    """Note that something is done: of all who try at once, one is told True."""
    first = asked(lambda: cache.add(key, "", timeout=round(seconds)), None)
    if first is not None:
        return first
    with _lock:
        own = _notes.get(key)
        if own and time.monotonic() < own.ends:
            return False
        _remember(key, "", seconds, shared=False)
        return True


def drop(*keys: str) -> None:
    with _lock:
        for key in keys:
            _notes.pop(key, None)
    asked(lambda: cache.delete_many(keys), None)


def _remember(key: str, text: str, seconds: float, *, shared: bool) -> None:
    with _lock:
        _notes[key] = _Note(text, time.monotonic() + seconds, shared)
        _notes.move_to_end(key)
        while len(_notes) > MOST_NOTES:
            _notes.popitem(last=False)


# While the cache is away -----------------------------------------------------

_away = threading.Event()
_try_now = threading.Event()


def is_away() -> bool:
    """Whether the cache is being left alone, so that only this process's own memory is at hand."""
    return _away.is_set()


def asked(ask: Callable[[], Result], otherwise: Result) -> Result:
    """Return what the cache is asked; `otherwise` where it is away or busy."""
    if _away.is_set():
        return otherwise
    try:
        return ask()
    except CACHE_ERRORS as error:
        # Where others were writing for longer than one waits, it can be read all the same.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            _leave_alone(error)
        return otherwise


def _leave_alone(error: Exception) -> None:
    with _lock:
        if _away.is_set():
            return
        _away.set()
        _try_now.clear()
        log.warning("the cache does not answer and is bypassed until it does: %s", error)
        threading.Thread(target=_try_until_it_answers, name="cache-trial", daemon=True).start()


def _try_until_it_answers() -> None:
    while not _try_now.wait(BYPASS_SECONDS):
        try:
            cache.set("trial", "", timeout=1)
        except CACHE_ERRORS:
            continue
        log.info("the cache answers again")
        _away.clear()
        return


def try_again() -> None:
    """Use the cache again at once."""
    _away.clear()
    _try_now.set()


def forget() -> None:
    """Drop what this process remembers, as a restart would."""
    with _lock:
        _notes.clear()
        _counted_here.clear()
    try_again()
