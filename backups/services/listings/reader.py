"""One reader: however many viewers want a list, one walk of it is under way in all processes and servers.

A view joins the reading of its process, which reads when it gets the lease of the list, and else follows
the one who has it: it looks now and then whether a newer generation, or the reason why there is none, has
come. When a reader dies its lease is free, and the next one who follows reads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings

from ...dcs.errors import DcsError
from ...dcs.pages import Page
from ..problems import Problem, Progress
from ..projects import Project
from . import guard, leases, metrics, recorder, removal, store
from .clients import client_for
from .generations import Cached
from .guard import CacheSnapshot, Notes, snapshots
from .subjects import WALK_SECONDS, Subject

log = logging.getLogger(__name__)

# An instance only adorns a history: nobody waits for it for longer.
INSTANCE_SECONDS = 1.0
TURN_SECONDS = 0.5
# How soon a reader of another process is seen to be done: at first, and after a while.
FOLLOW_SECONDS = (0.02, 0.25)
LONGEST_FOLLOW = WALK_SECONDS + 10
PROGRESS_SECONDS = 0.2
# Lists that one process reads at a time: in all, of one project, for one viewer. Whoever wants one more
# comes back in a moment, and nobody who asks for many holds up the others.
MOST_AT_ONCE = 64
MOST_OF_A_PROJECT = MOST_AT_ONCE // 2
MOST_OF_A_VIEWER = 8


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Reading:
    """One walk under way; viewers of the same list wait for the same one.

    `seen` is the generation that its viewer has. `is_wanted`: there is a viewer. `calls` counts the answers.
    """

    def __init__(self, subject: Subject, now: datetime, *, viewer: str = "", once: bool = False) -> None:
        self.subject = subject
        self.viewer = viewer
        self.once = once
        self.seen = ""
        self.progress: Progress | None = None
        self.clock: Clock = utc_now
        self.is_wanted = True
        self.has_no_place = False
        self.calls = 0
        self.began = time.monotonic()
        self.done = threading.Event()
        self.is_written = threading.Event()
        self.is_over = threading.Event()
        self.result: Cached | None = None
        self.problem: Problem | None = None
        self._now = now

    @property
    def now(self) -> datetime:
        """The time of the view that began it, which has gone on since."""
        return self._now + timedelta(seconds=time.monotonic() - self.began)

    def wait(self, seconds: float, *, viewer: str = "") -> bool:
        """Wait for its end; tell whether it has ended.

        A slow list would take every thread of the server, one viewer after another. So a few wait, of
        whom one viewer is half at most; the others are told at once that the list is being read.
        """
        if self.subject.kind == "instance":
            seconds = min(seconds, self.began + INSTANCE_SECONDS - time.monotonic())
        if self.done.is_set() or seconds <= 0 or not _may_wait(viewer):
            return self.done.is_set()
        began = time.monotonic()
        try:
            return self.done.wait(seconds)
        finally:
            with _lock:
                _waiting.remove(viewer)
            metrics.refresh_waited(time.monotonic() - began)


# A semaphore would not know whose the places are.
_waiting: list[str] = []
_under_way: dict[str, Reading] = {}
# Those under way, and those that are being written.
_threads: list[Reading] = []
_lock = threading.Lock()


def _may_wait(viewer: str) -> bool:
    most: int = settings.DCS_WAITING_VIEWERS
    with _lock:
        if len(_waiting) >= most or (viewer and _waiting.count(viewer) >= -(-most // 2)):
            return False
        _waiting.append(viewer)
        return True


def begin(snapshot: CacheSnapshot, *, now: datetime, viewer: str = "", once: bool = False) -> Reading:
    """Join the reading that is under way in this process, or start one behind this view.

    Where too much is under way, nothing starts, and what comes back has ended as "being read".
    With `once` DCS is not asked again where its first answer is a failure.
    """
    subject = snapshot.subject
    with _lock:
        if subject.key in _under_way:
            _under_way[subject.key].is_wanted = True
            return _under_way[subject.key]
        reading = Reading(subject, now, viewer=viewer, once=once)
        reading.progress = snapshot.progress
        reading.seen = snapshot.cached.generation.generation if snapshot.cached else ""
        if not _has_place_for(subject, viewer):
            reading.has_no_place = True
            reading.problem = Problem(kind="being_read", progress=snapshot.progress)
            reading.done.set()
            return reading
        # A copy of the context, so that its log lines carry the id of the request that began it. Threads of
        # a pool would hold up the end of the process until DCS has answered.
        work = copy_context().run
        name = f"read-{subject.kind}"
        threading.Thread(target=work, args=(_run_and_close, reading), name=name, daemon=True).start()
        # Only now, so that nobody waits for a thread that could not start.
        _under_way[subject.key] = reading
        _threads.append(reading)
        return reading


def would_start(subject: Subject, viewer: str) -> bool:
    """Tell whether `begin` would start a reading now, neither join one nor find no place."""
    with _lock:
        return subject.key not in _under_way and _has_place_for(subject, viewer)


def _has_place_for(subject: Subject, viewer: str) -> bool:
    others = [other for other in _under_way.values() if other.is_wanted]
    of_project = sum(other.subject.project.name == subject.project.name for other in others)
    of_viewer = sum(other.viewer == viewer for other in others) if viewer else 0
    full = len(others) >= MOST_AT_ONCE or of_project >= MOST_OF_A_PROJECT
    return not full and of_viewer < MOST_OF_A_VIEWER


def read_unasked(subject: Subject, *, since: datetime | None, clock: Clock = utc_now) -> Reading | None:
    """Read a list in this thread, for no viewer; None where others are reading it, or have done so `since`.

    It takes no viewer's place, repeats no call, and leaves nothing in memory that nobody wants to see.
    """
    reading = Reading(subject, clock())
    reading.clock, reading.is_wanted = clock, False
    with _lock:
        if subject.key in _under_way:
            return None
        _under_way[subject.key] = reading
        _threads.append(reading)
    _run(reading, partial(_read_unless_known, since=since))
    return None if reading.problem and reading.problem.kind == "being_read" else reading


def count_for_viewers(projects: Iterable[Project]) -> int:
    """Return how many lists of these projects are being read in this process because somebody looks."""
    names = {project.name for project in projects}
    with _lock:
        return sum(one.is_wanted and one.subject.project.name in names for one in _under_way.values())


def read_side_by_side(
    wanted: Iterable[CacheSnapshot], *, now: datetime, ends: float, viewer: str = ""
) -> bool:
    """Read several lists, until `ends` at most; tell whether there was a place to read and wait for them."""
    begun = [begin(one, now=now, viewer=viewer) for one in wanted if guard.refusal(one, now) is None]
    for reading in begun:
        reading.wait(ends - time.monotonic(), viewer=viewer)
    if begun and all(reading.has_no_place for reading in begun):
        return False
    return all(reading.done.is_set() for reading in begun) or time.monotonic() >= ends


def wait_until_written(subject: Subject, seconds: float) -> None:
    """Wait until what this process has read of a list is in the database, for who asks that."""
    with _lock:
        under_way = [reading for reading in _threads if reading.subject.key == subject.key]
    ends = time.monotonic() + seconds
    for reading in under_way:
        reading.is_written.wait(max(0.0, ends - time.monotonic()))


def wait_for_readers(seconds: float = 60.0) -> bool:
    """Wait until nothing is being read or written in this process; tell whether that came true in time."""
    with _lock:
        under_way = list(_threads)
    ends = time.monotonic() + seconds
    return all(reading.is_over.wait(max(0.0, ends - time.monotonic())) for reading in under_way)


# Behind the views ------------------------------------------------------------


def _run_and_close(reading: Reading) -> None:
    try:
        _run(reading, _read_or_follow)
    finally:
        store.close_connection()


def _run(reading: Reading, read: Callable[[Reading], None]) -> None:
    try:
        try:
            read(reading)
        finally:
            if not (reading.result or reading.problem):
                # An error of ours: the thread's own traceback tells the operators which.
                reading.problem = guard.broken(reading.subject, now=reading.clock())
            # Whatever happened, nobody waits for a reader that is gone.
            _end(reading)
        removal.prune_after(reading.subject)
    finally:
        store.release_connection()
        reading.is_written.set()
        with _lock:
            _threads.remove(reading)
        reading.is_over.set()


def _end(reading: Reading) -> None:
    """Let its viewers go on; who comes now begins another one."""
    with _lock:
        if _under_way.get(reading.subject.key) is reading:
            del _under_way[reading.subject.key]
    reading.done.set()


def _read_or_follow(reading: Reading) -> None:
    pause, longest = FOLLOW_SECONDS
    while time.monotonic() < reading.began + LONGEST_FOLLOW:
        lease = leases.acquire(f"read:{reading.subject.key}")
        if lease:
            try:
                patience = min(TURN_SECONDS, settings.DCS_READ_BUDGET * 0.05)
                with guard.turn(reading.subject, patience=patience):
                    if not _is_done_elsewhere(reading):
                        _read(reading, lease)
            finally:
                lease.release()
            return
        if _is_done_elsewhere(reading):
            return
        store.release_connection()
        time.sleep(pause)
        pause = min(longest, pause * 1.3)
    reading.problem = Problem(kind="being_read", progress=reading.progress)


def _read_unless_known(reading: Reading, since: datetime | None) -> None:
    """Read a list for no viewer, unless it is held, or others read it or have done so."""
    lease = leases.acquire(f"read:{reading.subject.key}", is_likely=True)
    if lease is None:
        reading.problem = Problem(kind="being_read")
        return
    try:
        now = reading.clock()
        [notes] = guard.notes(reading.subject)
        known_at = notes.generation.read_at if notes.generation else None
        if known_at and (since is None or known_at > since):
            if reading.is_wanted:
                _is_done_elsewhere(reading)
            reading.problem = Problem(kind="being_read")
            return
        reading.problem = guard.refusal(notes, now, trial=guard.is_trial_left(notes, now))
        if reading.problem is None:
            with guard.turn(reading.subject, patience=TURN_SECONDS):
                _read(reading, lease, notes)
    finally:
        lease.release()


def _is_done_elsewhere(reading: Reading) -> bool:
    """Take over what another reader found after this view had looked, so that DCS is not asked twice."""
    [snapshot] = snapshots(reading.subject)
    reading.progress, cached = snapshot.progress, snapshot.cached
    if cached and cached.generation.generation != reading.seen:
        reading.result = cached
    else:
        reading.problem = snapshot.held(reading.now)
    return bool(reading.result or reading.problem)


def _read(reading: Reading, lease: leases.Lease, known: Notes | None = None) -> None:
    subject, began = reading.subject, time.monotonic()
    reporter = ProgressReporter(reading)
    store.release_connection()
    try:
        client = client_for(subject.project, repeats=reading.is_wanted)
        walk = subject.read(client, on_page=reporter, once=reading.once)
    except DcsError as error:
        reading.calls += 1
        reading.problem = guard.failed(subject, error, now=reading.clock())
        recorder.failed(subject, reading.problem, at=reading.clock())
        log.warning("reading %s of project %s failed: %s", subject.kind, subject.project.name, error)
        return
    finally:
        if reporter.has_told:
            store.drop(subject.progress_key)
    reading.calls = reading.calls or len(walk.pages)  # a single instance is no page
    read_at = guard.succeeded(subject, now=reading.clock(), known=known)
    has_slept = time.monotonic() - began > leases.LEASE_SECONDS / 2
    if has_slept and lease.is_lost() and _is_done_elsewhere(reading):
        return  # another one read in its place
    pointer = known.pointer if known else None
    recording = recorder.accept(subject, walk, read_at=read_at, pointer=pointer, is_wanted=reading.is_wanted)
    reading.result = recording.new
    _end(reading)
    recording.write()
    reading.is_written.set()
    log.log(
        logging.INFO if reading.is_wanted else logging.DEBUG,
        "read %s of project %s: %d records in %d calls, %.0f ms",
        subject.kind,
        subject.project.name,
        len(walk.records),
        len(walk.pages),
        (time.monotonic() - began) * 1000,
    )


class ProgressReporter:
    """Tells all who wait, here and elsewhere, how far a walk is."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        # A reader of before may have left word of how far it came.
        self.has_told = reading.progress is not None
        self._records = 0
        self._due = time.monotonic() + PROGRESS_SECONDS

    def __call__(self, page: Page[Any]) -> None:
        self._reading.calls = calls = self._reading.calls + 1
        self._records += page.length
        total, pages = page.total_num, None
        if total is not None and page.length and total > page.length:
            pages = max(calls, -(-total * calls // max(self._records, 1)))
        self._reading.progress = progress = Progress(calls, pages, self._records)
        began = time.monotonic()
        if began > self._due:
            key = self._reading.subject.progress_key
            self.has_told = True
            store.write(key, progress, seconds=LONGEST_FOLLOW)
            store.release_connection()
            # A busy database, which is waited for, must not hold up the walk.
            took = time.monotonic() - began
            self._due = began + max(PROGRESS_SECONDS, 10 * took)
