"""One reader: however many viewers want a list, one walk of it is under way in all processes and servers.

A view joins the reading of its process, which reads when it gets the lock of
the list, and else follows the one who has it: it looks now and then whether a
newer generation, or the reason why there is none, has come. When a reader dies
its lock is free, and the next one who follows reads.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from ...dcs.errors import DcsError
from ...dcs.pages import Page
from ..problems import Problem, Progress
from . import guard, locks, shared_cache, store
from .background import background_thread
from .clients import client_for
from .snapshot import Known, Look, look_at, progress_key
from .subjects import WALK_SECONDS, Subject

log = logging.getLogger(__name__)

INSTANCE_PATIENCE = 0.5
# How soon a reader of another process is seen to be done: at first, and after a while.
FOLLOW_SECONDS = (0.02, 0.25)
LONGEST_FOLLOW = WALK_SECONDS + 10
PROGRESS_SECONDS = 0.2
# Lists that one process reads at a time: in all, of one project, for one viewer. Whoever wants one more
# comes back in a moment, and nobody who asks for many holds up the others.
MOST_AT_ONCE = 64
MOST_OF_A_PROJECT = MOST_AT_ONCE // 2
MOST_OF_A_VIEWER = 8


class Reading:
    """One walk under way; viewers of the same list wait for the same one."""

    def __init__(
        self, subject: Subject, seen: Known | None, now: datetime, *, viewer: str = "", once: bool = False
    ) -> None:
        self.subject = subject
        self.seen = seen
        self.viewer = viewer
        self.once = once
        self.has_no_place = False
        self.began = time.monotonic()
        self.done = threading.Event()
        self.result: Known | None = None
        self.problem: Problem | None = None
        self.progress: Progress | None = None
        self._now = now

    @property
    def now(self) -> datetime:
        """The time of the view that began it, which has gone on since."""
        return self._now + timedelta(seconds=time.monotonic() - self.began)

    def patience(self) -> float:
        """Return the seconds that a viewer waits for it."""
        if self.subject.kind != "instance":
            return float(settings.DCS_READ_BUDGET)
        return max(0.0, self.began + INSTANCE_PATIENCE - time.monotonic())


class Readings:
    """What this process is reading, or waiting for another one to read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Reading] = {}

    def begin(self, look: Look, *, now: datetime, viewer: str = "", once: bool = False) -> Reading:
        """Join the reading that is under way, or start one behind this view, which had this `look`.

        Where too much is under way, nothing starts, and what comes back has ended as "being read".
        With `once` DCS is not asked again where its first answer is a failure.
        """
        subject = look.subject
        with self._lock:
            reading = self._under_way.get(subject.key)
            if reading is None:
                reading = Reading(subject, look.known, now, viewer=viewer, once=once)
                reading.progress = look.progress
                if not self._has_place_for(subject, viewer):
                    reading.has_no_place = True
                    reading.problem = Problem(kind="being_read", progress=look.progress)
                    reading.done.set()
                    return reading
                background_thread(self._run, reading, name=f"read-{subject.kind}").start()
                # Only now, so that nobody waits for a thread that could not start.
                self._under_way[subject.key] = reading
            return reading

    def would_start(self, subject: Subject, viewer: str) -> bool:
        """Tell whether `begin` would start a reading now, neither join one nor find no place."""
        with self._lock:
            return subject.key not in self._under_way and self._has_place_for(subject, viewer)

    def _has_place_for(self, subject: Subject, viewer: str) -> bool:
        others = self._under_way.values()
        of_project = sum(other.subject.project.name == subject.project.name for other in others)
        of_viewer = sum(other.viewer == viewer for other in others) if viewer else 0
        full = len(others) >= MOST_AT_ONCE or of_project >= MOST_OF_A_PROJECT
        return not full and of_viewer < MOST_OF_A_VIEWER

    def wait_for_all(self, seconds: float) -> bool:
        """Wait until nothing is under way; tell whether that came true in time."""
        with self._lock:
            under_way = list(self._under_way.values())
        ends = time.monotonic() + seconds
        return all(reading.done.wait(max(0.0, ends - time.monotonic())) for reading in under_way)

    def _run(self, reading: Reading) -> None:
        try:
            _read_or_follow(reading)
        finally:
            if not (reading.result or reading.problem):
                # An error of ours: the thread's own traceback tells the operators which.
                reading.problem = guard.broken(reading.subject.call)
            # Whatever happened, nobody waits for a reader that is gone.
            with self._lock:
                del self._under_way[reading.subject.key]
            reading.done.set()


def _read_or_follow(reading: Reading) -> None:
    pause, longest = FOLLOW_SECONDS
    while time.monotonic() < reading.began + LONGEST_FOLLOW:
        lock = locks.take(f"read:{reading.subject.key}")
        if lock:
            try:
                _read_once(reading, lock)
            finally:
                lock.release()
            return
        if _is_done_elsewhere(reading):
            return
        time.sleep(pause)
        pause = min(longest, pause * 1.3)
    reading.problem = Problem(kind="being_read", progress=reading.progress)


def _read_once(reading: Reading, lock: locks.Held) -> None:
    call = reading.subject.call
    with guard.turn(call, patience=min(0.5, settings.DCS_READ_BUDGET * 0.05)):
        if not _is_done_elsewhere(reading):
            _read(reading, lock)


def _is_done_elsewhere(reading: Reading) -> bool:
    """Take over what another reader found after this view had looked, so that DCS is not asked twice."""
    [look] = look_at(reading.subject)
    reading.progress = look.progress
    if look.known and (reading.seen is None or look.known[0].id != reading.seen[0].id):
        reading.result = look.known
    else:
        reading.problem = guard.held(look.notes, reading.now)
    return bool(reading.result or reading.problem)


def _read(reading: Reading, lock: locks.Held) -> None:
    subject, began = reading.subject, time.monotonic()
    try:
        client = client_for(subject.project)
        result = subject.read(client, on_page=_Teller(reading), once=reading.once)
    except DcsError as error:
        reading.problem = guard.failed(subject.call, error)
        log.warning("reading %s of project %s failed: %s", subject.kind, subject.project.name, error)
        return
    finally:
        if reading.progress:
            shared_cache.delete_many([progress_key(subject)])
    read_at = guard.succeeded(subject.call)
    if lock.is_lost() and _is_done_elsewhere(reading):
        return  # this process slept for so long that another one read in its place
    running = any(getattr(record, "is_running", False) for record in result.records)
    reading.result = store.keep(subject.key, result, read_at=read_at, running=running)
    log.info(
        "read %s of project %s: %d records in %d calls, %.0f ms",
        subject.kind,
        subject.project.name,
        len(result.records),
        len(result.pages),
        (time.monotonic() - began) * 1000,
    )


class _Teller:
    """Tells all who wait, here and elsewhere, how far a walk is."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._pages = self._records = 0
        self._told = time.monotonic()

    def __call__(self, page: Page[Any]) -> None:
        self._pages += 1
        self._records += page.length
        total = page.total_num
        pages = None
        if total is not None and page.length and total > page.length:
            pages = max(self._pages, -(-total * self._pages // max(self._records, 1)))
        self._reading.progress = Progress(self._pages, pages, self._records)
        if time.monotonic() - self._told > PROGRESS_SECONDS:
            self._told = time.monotonic()
            text = self._reading.progress.to_text()
            shared_cache.set_one(progress_key(self._reading.subject), text, seconds=LONGEST_FOLLOW)


readings = Readings()


def wait_for_readers(seconds: float = 10.0) -> bool:
    """Wait until no walk is under way in this process; for orderly stops and for tests."""
    return readings.wait_for_all(seconds)
