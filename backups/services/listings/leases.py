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
from dataclasses import dataclass
from functools import cache

from django.db import connection

from . import store

# How soon the way is free when its holder dies.
LEASE_SECONDS = 5.0
PROLONG_SECONDS = 1.0

# A process has one owner's name for all its threads, `_held` tells these apart. People read where it runs.
_OWNER = f"{socket.gethostname()[:60]}, process {os.getpid()}, {secrets.token_hex(4)}"
_held: set[str] = set()
_lock = threading.Lock()


@dataclass(frozen=True)
class Lease:
    """What a thread holds until it releases it; `is_shared` unless the database could not be written."""

    key: str
    is_shared: bool

    def is_lost(self) -> bool:
        """Whether another may hold it by now: this process slept, or could not prolong it."""
        return self.is_shared and not store.holds(self.key, _OWNER)

    def release(self) -> None:
        if self.is_shared:
            store.release(self.key, _OWNER)
        _held.discard(self.key)


def acquire(name: str) -> Lease | None:
    """Return the lease, None where somebody else holds it. Never waits for its holder."""
    key = f"lease:{name}"
    with _lock:
        if key in _held:
            return None
        _held.add(key)
    taken = store.add(key, _OWNER, seconds=LEASE_SECONDS)
    if taken is False:
        _held.discard(key)
        return None
    _begin_to_prolong()
    return Lease(key, is_shared=bool(taken))


def holder(name: str) -> str:
    """Return who holds a lease: machine and process; "" where nobody does, or nobody can tell."""
    key = f"lease:{name}"
    return store.get_many([key]).get(key, "").rpartition(", ")[0]


@cache
def _begin_to_prolong() -> None:
    threading.Thread(target=_prolong, name="leases", daemon=True).start()


def _prolong() -> None:
    """Prolong what this process holds, for as long as it lives."""
    while True:
        time.sleep(PROLONG_SECONDS)
        if held := list(_held):
            store.prolong(held, _OWNER, seconds=LEASE_SECONDS)
            connection.close()
