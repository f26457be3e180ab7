"""The collector itself: one of all processes and servers, by a lease, reads what is due."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from queue import SimpleQueue

from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError

from ..listings import Clock, Lease, acquire_lease, release_connection, utc_now
from ..projects import configured_projects
from . import metrics
from .key import Key, keys_of
from .work import Work

log = logging.getLogger(__name__)

LEASE = "collector"
# How soon another process takes over once the lease has run out, and how often the lease is looked at.
LOOK_SECONDS = 1.0
TICK_SECONDS = 0.1


def collect(stop: threading.Event, *, clock: Clock = utc_now) -> None:
    """Read what is due while no other process does so, until told to stop."""
    while not stop.is_set():
        lease = acquire_lease(LEASE)
        if lease:
            try:
                # While the database cannot be written each process would believe to be the only one.
                if lease.is_shared:
                    _collect_with(lease, stop, clock)
            finally:
                lease.release()
        release_connection()
        stop.wait(LOOK_SECONDS)
    connection.close()


def _collect_with(lease: Lease, stop: threading.Event, clock: Clock) -> None:
    now = looked_at = clock()
    crews = [_Crew(key, clock) for key in keys_of(configured_projects().values(), now)]
    log.info("this process collects")
    metrics.collects(True)
    try:
        while not stop.wait(TICK_SECONDS):
            now = clock()
            if now - looked_at >= timedelta(seconds=LOOK_SECONDS):
                looked_at = now
                if lease.is_lost():
                    log.warning("this process no longer collects: another one does")
                    return
            for crew in crews:
                crew.begin_what_is_due(now)
            release_connection()
    finally:
        metrics.collects(False)
        for crew in crews:
            crew.dismiss()


class _Crew:
    """The threads that read with one key; daemons, since nobody waits for them when the process ends."""

    def __init__(self, key: Key, clock: Clock) -> None:
        self._key, self._clock = key, clock
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._threads = 0

    def begin_what_is_due(self, now: datetime) -> None:
        try:
            while work := self._key.take(now):
                if self._threads < self._key.under_way:
                    self._threads += 1
                    threading.Thread(target=self._read, name="collect", daemon=True).start()
                self._work.put(work)
        except DatabaseError as error:
            log.warning("what is due cannot be looked up: %s", error)

    def dismiss(self) -> None:
        for _ in range(self._threads):
            self._work.put(None)

    def _read(self) -> None:
        while work := self._work.get():
            try:
                self._key.read(work, self._clock)
            except DatabaseError as error:
                log.warning("what was read cannot be kept: %s", error)
            release_connection()
        connection.close()


# In a server ----------------------------------------------------------------------

# How long a server that ends waits for its lease to be given back; without that it runs out by itself.
STOP_SECONDS = 2.0

_stop = threading.Event()
_thread: threading.Thread | None = None


def start() -> None:
    """Collect beside what else this process does, unless COLLECT is off."""
    global _thread
    if settings.COLLECT:
        _thread = threading.Thread(target=collect, args=(_stop,), name="collector", daemon=True)
        _thread.start()


def stop() -> None:
    """Begin nothing more, and let another process go on."""
    _stop.set()
    if _thread:
        _thread.join(STOP_SECONDS)
