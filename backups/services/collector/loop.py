"""The collector itself: one of all processes and servers, by a lease, reads what is due. Does it keep up?"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django.db.utils import Error as DatabaseError
from prometheus_client import Gauge

from ...models import InstanceSummary
from ..listings import (
    Lease,
    acquire_lease,
    lease_holder,
    of_projects,
    release_connection,
    utc_now,
)
from ..projects import Project, configured_projects
from .due import Work, idle
from .key import Key, keys_of

log = logging.getLogger(__name__)

LEASE = "collector"
# How soon another process takes over once the lease has run out, and how often the lease is looked at.
LOOK_SECONDS = 1.0
TICK_SECONDS = 0.1

_Begun = SimpleQueue[tuple[Key, Work] | None]
_HERE = Gauge(
    "dcs_portal_collector_here", "Whether a process of this server collects.", multiprocess_mode="livesum"
)


def collect(stop: threading.Event) -> None:
    """Read what is due while no other process does so, until told to stop."""
    while not stop.is_set():
        lease = acquire_lease(LEASE)
        if lease:
            try:
                # While the database cannot be written each process would believe to be the only one.
                if lease.is_shared:
                    _collect_with(lease, stop)
            finally:
                lease.release()
        release_connection()
        stop.wait(LOOK_SECONDS)
    connection.close()


def _collect_with(lease: Lease, stop: threading.Event) -> None:
    now = looked_at = utc_now()
    keys, begun, threads = keys_of(configured_projects().values(), now), _Begun(), 0
    log.info("this process collects")
    _HERE.set(True)
    try:
        while not stop.wait(TICK_SECONDS):
            now = utc_now()
            if now - looked_at >= timedelta(seconds=LOOK_SECONDS):
                looked_at = now
                if lease.is_lost():
                    log.warning("this process no longer collects: another one does")
                    return
            for key in keys:
                try:
                    while work := key.take(now):
                        begun.put((key, work))
                except DatabaseError as error:
                    log.warning("what is due cannot be looked up: %s", error)
            for _ in range(threads, sum(len(key.under_way) for key in keys)):
                threads += 1
                # A daemon: nobody waits for it when the process ends.
                threading.Thread(target=_read, args=(begun,), name="collect", daemon=True).start()
            release_connection()
    finally:
        _HERE.set(False)
        for _ in range(threads):
            begun.put(None)


def _read(begun: _Begun) -> None:
    """Read one list after another: a thread, and its connection, for each would cost more than some lists."""
    while one := begun.get():
        key, work = one
        try:
            key.read(work, utc_now)
        except DatabaseError as error:
            log.warning("what was read cannot be kept: %s", error)
        release_connection()
    connection.close()


# In a server -----------------------------------------------------------------

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


# Who collects, and whether that keeps up --------------------------------------

# What is older than twice the time between two readings, and this, says that the collector does not keep up.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class EvidenceAge:
    """How old the lists of a project are; None where nothing was read. `lag`: how late the latest one is."""

    read: int
    not_read: int
    oldest: timedelta | None
    median: timedelta | None
    lag: timedelta

    @property
    def is_too_old(self) -> bool:
        return self.oldest is not None and self.oldest > 2 * idle() + GRACE


def evidence_age(project: Project, now: datetime) -> EvidenceAge:
    """Tell how old what is known of a project's instances is, but of those that are gone or have no backups.

    Raises django.db.Error.
    """
    there = InstanceSummary.objects.filter(of_projects([project], "instance__"), due_at__isnull=False)
    rows = there.exclude(problem="unsupported")
    found = rows.aggregate(all=Count("pk"), read=Count("read_at"), oldest=Min("read_at"), due=Min("due_at"))
    times = rows.exclude(read_at=None).order_by("read_at").values_list("read_at", flat=True)
    median = times[found["read"] // 2 : found["read"] // 2 + 1].first()
    return EvidenceAge(
        read=found["read"],
        not_read=found["all"] - found["read"],
        oldest=now - found["oldest"] if found["oldest"] else None,
        median=now - median if median else None,
        lag=max(timedelta(0), now - (found["due"] or now)),
    )


def reads_by_itself() -> bool:
    """Whether lists are read before anybody asks: here, by COLLECT, or by a process elsewhere."""
    return settings.COLLECT or bool(collecting())


def collecting() -> str:
    """Return which machine and process collects, "" where none does or nobody can tell."""
    return lease_holder(LEASE)
