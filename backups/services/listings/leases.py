"""One at a time, over all threads, processes and servers: who reads a list, who tries a key.

A lease is a note with an owner. It runs out by itself, by the database's clock, and a thread prolongs it
until its holder is done or dead. Where the database cannot be written each process goes ahead for itself.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time

from . import store

# How soon the way is free when its holder dies.
LEASE_SECONDS = 5.0
PROLONG_SECONDS = 1.0


class Lease:
    """What a thread holds until it releases it."""

    def __init__(self, key: str, *, is_shared: bool) -> None:
        self._key, self._is_shared = key, is_shared

    @property
    def is_shared(self) -> bool:
        """Whether the others know of it; not while the database cannot be written."""
        return self._is_shared

    def is_lost(self) -> bool:
        """Whether another may hold it by now: this process slept, or could not prolong it."""
        return self._is_shared and not store.holds(self._key, _OWNER)

    def release(self) -> None:
        if self._is_shared:
            store.take_back(self._key, _OWNER)
        with _lock:
            _held.discard(self._key)


def acquire(name: str, *, is_likely: bool = False) -> Lease | None:
    """Return the lease, None where somebody else holds it. Never waits for its holder.

    `is_likely`: hardly ever does somebody hold it.
    """
    key = f"lease:{name}"
    with _lock:
        if key in _held:
            return None
        _held.add(key)
    taken = store.add(key, _OWNER, seconds=LEASE_SECONDS, is_likely=is_likely)
    if taken is False:
        with _lock:
            _held.discard(key)
        return None
    if taken:
        _begin_to_prolong()
    return Lease(key, is_shared=bool(taken))


def holder(name: str) -> str:
    """Return who holds a lease: machine and process; "" where nobody does, or nobody can tell."""
    key = f"lease:{name}"
    return store.get_many([key]).get(key, "").rpartition(", ")[0]


# Prolonging -----------------------------------------------------------------------

# A process has one owner's name for all its threads, `_held` tells these apart. People read where it runs.
_OWNER = f"{socket.gethostname()[:60]}, process {os.getpid()}, {secrets.token_hex(4)}"
_held: set[str] = set()
_lock = threading.Lock()
_is_prolonging = False


def _begin_to_prolong() -> None:
    global _is_prolonging
    with _lock:
        if not _is_prolonging:
            _is_prolonging = True
            threading.Thread(target=_prolong, name="leases", daemon=True).start()


def _prolong() -> None:
    """Prolong what this process holds, as long as it holds anything."""
    global _is_prolonging
    while True:
        time.sleep(PROLONG_SECONDS)
        with _lock:
            held = list(_held)
            if not held:
                _is_prolonging = False
                break
        store.prolong(held, _OWNER, seconds=LEASE_SECONDS)
        store.release_connection()
    store.close_connection()
