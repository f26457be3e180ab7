"""One at a time, over all threads, processes and servers: who reads a list, who tries a key.

On one machine a byte of a file is locked, and the system frees it when its process ends, however it ends.
Where servers share a Redis it is a lease there as well: it has an owner, runs out by itself, and a thread
prolongs it until its holder is done or dead. With Redis away the machine's lock still holds.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from contextlib import ExitStack, suppress
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import LockError, RedisError
from redis.lock import Lock as RedisLock

from . import store

log = logging.getLogger(__name__)

# How soon the way is free when a server dies that held it.
LEASE_SECONDS = 6.0


class Lease:
    """What a thread holds until it releases it."""

    def __init__(self, name: str, shared: RedisLock | None) -> None:
        self._name = name
        self._shared = shared
        self._done = threading.Event()
        if shared:
            threading.Thread(target=self._prolong, args=(shared,), name="lease", daemon=True).start()

    def is_lost(self) -> bool:
        """Whether another server may hold it by now: this process slept, or Redis forgot."""
        return self._shared is not None and not store.asked(self._shared.owned, True)

    def release(self) -> None:
        self._done.set()
        if self._shared:
            with suppress(LockError):  # it ran out before
                store.asked(self._shared.release, None)  # with Redis away it runs out by itself
        _release_byte(self._name)

    def _prolong(self, shared: RedisLock) -> None:
        while not self._done.wait(LEASE_SECONDS / 3):
            try:
                shared.reacquire()
            except LockError:
                return  # `is_lost` tells its holder
            except (RedisError, OSError) as error:
                log.warning("a lease could not be prolonged: %s", error)


def acquire(name: str) -> Lease | None:
    """Return the lease, None where somebody else holds it. Never waits for its holder."""
    if not _take_byte(name):
        return None
    with ExitStack() as undo:
        undo.callback(_release_byte, name)
        client = _redis()
        key = f"dcs-portal:lock:{name}"
        shared = client and RedisLock(client, key, timeout=LEASE_SECONDS, blocking=False, thread_local=False)
        taken = store.asked(lambda: _acquired(client, shared), None) if shared else None
        if taken is False:
            return None
        undo.pop_all()
        return Lease(name, shared if taken else None)


# Several servers -------------------------------------------------------------

# A lock without an end is nobody's: each of ours is set together with its end.
_FREE_IF_ENDLESS = "return redis.call('pttl', KEYS[1]) == -1 and redis.call('del', KEYS[1]) or 0"


def _acquired(client: Any, shared: RedisLock) -> bool:
    return shared.acquire() or (bool(client.eval(_FREE_IF_ENDLESS, 1, shared.name)) and shared.acquire())


def _redis() -> Any:
    """Return the client of the cache's own connections, None where the cache is no Redis."""
    shared = caches["default"]
    # Django has no public way to its client.
    return shared._cache.get_client(None, write=True) if isinstance(shared, RedisCache) else None


# One machine -----------------------------------------------------------------

_lock = threading.Lock()
# The system counts locks by process, so threads are told here.
_held: set[int] = set()
os.register_at_fork(after_in_child=_held.clear)


def _take_byte(name: str) -> bool:
    place, file = _place(name), _file()
    with _lock:
        if place in _held:
            return False
        if file is not None:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                return False
        _held.add(place)
        return True


def _release_byte(name: str) -> None:
    place, file = _place(name), _file()
    with _lock:
        if file is not None:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
        _held.discard(place)


def _file() -> int | None:
    with _lock:
        return _opened(settings.LOCK_FILE)


@cache
def _opened(path: str) -> int | None:
    # It stays open: closing any handle of the file would free all locks of this process.
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.error("no lock file, so each process reads for itself: %s", error)
        return None


def _place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
