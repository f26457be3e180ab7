"""One at a time, over all threads, processes and servers: who reads a list, who tries a key.

On one machine a byte of a file is locked, and the system frees it when its
process ends, however it ends. Over several servers, which share a Redis, it is
a lease as well: it has an owner, runs out by itself, and is prolonged by a
thread of its own for as long as the process lives. With Redis away the
machine's lock still holds.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import LockError, RedisError
from redis.lock import Lock as RedisLock

from . import shared_cache

log = logging.getLogger(__name__)

# How soon the way is free when a server dies that held it.
LEASE_SECONDS = 6.0


@dataclass(eq=False)
class Held:
    """A lock that a thread holds. `ended`: it is done, and Redis is yet to be told."""

    name: str
    lease: RedisLock | None = None
    ended: bool = False

    def is_lost(self) -> bool:
        """Whether another server may hold it by now: this process slept, or Redis forgot."""
        lease = self.lease
        return lease is not None and not shared_cache.asked(lease.owned, True)

    def release(self) -> None:
        if self.lease:
            _leases.end(self)
        _machine.release(self.name)


def take(name: str) -> Held | None:
    """Return the lock, None where somebody else holds it. Never waits for its holder."""
    if not _machine.take(name):
        return None
    held = Held(name)
    try:
        free = _leases.begin(held)
    except BaseException:
        _machine.release(name)
        raise
    if free:
        return held
    _machine.release(name)
    return None


# One machine -----------------------------------------------------------------


class _Machine:
    """Bytes of one file, one for each name; the system counts locks by process, so threads are told here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._file: int | None = None
        self._pid = 0

    def take(self, name: str) -> bool:
        place = _place(name)
        with self._lock:
            if self._pid != os.getpid():
                # A forked process holds nothing of its parent's.
                self._file, self._held, self._pid = self._opened(), set(), os.getpid()
            if place in self._held:
                return False
            if self._file is not None:
                try:
                    fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                except (BlockingIOError, PermissionError):
                    return False
            self._held.add(place)
            return True

    def release(self, name: str) -> None:
        place = _place(name)
        with self._lock:
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            self._held.discard(place)

    def _opened(self) -> int | None:
        # It stays open: closing any handle of the file would free all locks of this process.
        try:
            return os.open(settings.LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.error("no lock file, so each process reads for itself: %s", error)
            return None


def _place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])


# Several servers -------------------------------------------------------------


class _Leases:
    """Locks in Redis, prolonged until their holder is done or dead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[Held] = []
        self._changed = threading.Condition(self._lock)
        self._pid = 0

    def begin(self, held: Held) -> bool:
        """Take the lease where there is a Redis that answers; tell whether the way is free."""
        client = _redis()
        if client is None:
            return True
        lease = RedisLock(
            client, f"dcs-portal:lock:{held.name}", timeout=LEASE_SECONDS, blocking=False, thread_local=False
        )
        taken = shared_cache.asked(lambda: _acquired(client, lease), None)
        if not taken:
            return taken is None
        held.lease = lease
        with self._changed:
            if self._pid != os.getpid():
                self._held, self._pid = [], os.getpid()
                threading.Thread(target=self._prolong, name="leases", daemon=True).start()
            self._held.append(held)
            self._changed.notify()
        return True

    def end(self, held: Held) -> None:
        if shared_cache.is_away():
            held.ended = True  # nobody waits for that: the thread lets go, or the lease runs out
            return
        with self._lock:
            self._held.remove(held)
        shared_cache.asked(lambda: _let_go(held), None)

    def _prolong(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._held))
                self._changed.wait(LEASE_SECONDS / 3)
                held = list(self._held)
            for one in held:
                self._prolong_one(one)

    def _prolong_one(self, held: Held) -> None:
        try:
            if held.ended:
                with self._lock:
                    self._held.remove(held)
                _let_go(held)
            elif held.lease:
                held.lease.reacquire()
        except LockError:
            pass  # `is_lost` tells its holder
        except (RedisError, OSError) as error:
            log.warning("a lease could not be prolonged or ended: %s", error)


# A lock without an end is nobody's: each of ours is set together with its end.
_FREE_IF_ENDLESS = "return redis.call('pttl', KEYS[1]) == -1 and redis.call('del', KEYS[1]) or 0"


def _acquired(client: Any, lease: RedisLock) -> bool:
    if lease.acquire():
        return True
    return bool(client.eval(_FREE_IF_ENDLESS, 1, lease.name)) and lease.acquire()


def _let_go(held: Held) -> None:
    with suppress(LockError):  # it ran out before
        if held.lease:
            held.lease.release()


def _redis() -> Any:
    """Return the client of the cache's own connections, None where the cache is no Redis."""
    shared = caches["default"]
    # Django has no public way to its client.
    return shared._cache.get_client(None, write=True) if isinstance(shared, RedisCache) else None


_machine = _Machine()
_leases = _Leases()
