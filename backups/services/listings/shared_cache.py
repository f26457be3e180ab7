"""The shared cache, whose absence costs speed and never a page.

Texts and bytes only, no pickled objects of ours. When the cache does not
answer it is left alone, so that no view waits for it twice: a thread of its
own tries it again, and only when it answers is it used again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# How long it is left alone before it is tried again.
BYPASS_SECONDS = 2.0
# What a cache raises that is away, frozen, full or spoilt.
CACHE_ERRORS = (RedisError, sqlite3.Error, OSError)

Value = str | bytes
Result = TypeVar("Result")


def get(key: str) -> Value | None:
    return get_many([key]).get(key)


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


def set_one(key: str, value: Value, *, seconds: float) -> bool:
    return set_many({key: value}, seconds=seconds)


def add(key: str, value: Value, *, seconds: float) -> bool | None:
    """Set where nothing is: of all who try at once one is told True. None where the cache is away."""
    return asked(lambda: cache.add(key, value, timeout=round(seconds)), None)


def delete_many(keys: Iterable[str]) -> None:
    asked(lambda: cache.delete_many(list(keys)), None)


def shorten(keys: Iterable[str], *, seconds: float) -> None:
    """Let values go soon, but not under a view that is just reading them."""

    def shortened() -> None:
        for key in keys:
            cache.touch(key, round(seconds))

    asked(shortened, None)


# When it is away -------------------------------------------------------------

_lock = threading.Lock()
_away = threading.Event()
_try_now = threading.Event()


def is_away() -> bool:
    """Whether the cache is being left alone, so that only this process's own memory is at hand."""
    return _away.is_set()


def asked(ask: Callable[[], Result], otherwise: Result) -> Result:
    """Return what the cache is asked; `otherwise` where it is away, for which nobody waits twice."""
    if _away.is_set():
        return otherwise
    try:
        return ask()
    except CACHE_ERRORS as error:
        if not is_busy(error):
            _leave_alone(error)
        return otherwise


def is_busy(error: Exception) -> bool:
    """Whether others were writing for longer than one waits: it can be read all the same."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)


def try_again() -> None:
    """Use the cache again at once, as a restart would."""
    _away.clear()
    _try_now.set()


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
