"""The shared cache, whose absence costs speed and never a page.

Texts and bytes only, no pickled objects of ours. When the cache does not
answer it is left alone for a few seconds, so that no view waits for it twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

BYPASS_SECONDS = 5.0
_away_until = 0.0

Value = str | bytes


def get(key: str) -> Value | None:
    return get_many([key]).get(key)


def get_many(keys: Iterable[str]) -> dict[str, Value]:
    """Return what is there; nothing where the cache is away."""
    if is_away():
        return {}
    try:
        return dict(cache.get_many(list(keys)))
    except (RedisError, OSError) as error:
        _left_alone(error)
        return {}
    except ValueError:
        return {}  # what another program, or another version, wrote under our names


def set_many(values: dict[str, Value], *, seconds: float) -> None:
    if is_away():
        return
    try:
        cache.set_many(values, timeout=round(seconds))
    except (RedisError, OSError) as error:
        _left_alone(error)


def set_one(key: str, value: Value, *, seconds: float) -> None:
    set_many({key: value}, seconds=seconds)


def delete_many(keys: Iterable[str]) -> None:
    if is_away():
        return
    try:
        cache.delete_many(list(keys))
    except (RedisError, OSError) as error:
        _left_alone(error)


def shorten(keys: Iterable[str], *, seconds: float) -> None:
    """Let values go soon, but not under a view that is just reading them."""
    if is_away():
        return
    try:
        for key in keys:
            cache.touch(key, round(seconds))
    except (RedisError, OSError) as error:
        _left_alone(error)


def is_away() -> bool:
    """Whether the cache is being left alone, so that only this process's own memory is at hand."""
    return time.monotonic() < _away_until


def try_again() -> None:
    """Ask the cache at once again, as a restart would."""
    global _away_until
    _away_until = 0.0


def _left_alone(error: Exception) -> None:
    global _away_until
    _away_until = time.monotonic() + BYPASS_SECONDS
    log.warning("the cache does not answer and is bypassed for %d s: %s", BYPASS_SECONDS, error)
