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
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from ...dcs.errors import DcsError
from ...dcs.pages import Page
from ..problems import Problem, Progress
from ..projects import Project
from . import guard, leases, metrics, recorder, removal, store
from .clients import client_for
from .generations import Cached
from .guard import CacheSnapshot, snapshots
from .subjects import WALK_SECONDS, Subject

log = logging.getLogger(__name__)

# An instance only adorns a history: nobody waits for it for longer.
INSTANCE_SECONDS = 1.0
TURN_SECONDS = 0.5
# How soon a reader of another process is seen to be done.
FOLLOW_SECONDS = 0.1
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


@dataclass(eq=False)
class Reading:
    """One walk under way; viewers of the same list wait for the same one.

    What was read `since`, of which its viewer knows nothing, is not read again. `is_wanted`: there is a
    viewer. `calls` counts the answers.
    """

    subject: Subject
    viewed_at: datetime
    since: datetime | None
    clock: Clock = utc_now
    viewer: str = ""
    once: bool = False
    is_wanted: bool = True
    progress: Progress | None = None
    result: Cached | None = None
    problem: Problem | None = None
    calls: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> datetime:
        """The time of the view that began it, which has gone on since."""
        return self.viewed_at + timedelta(seconds=time.monotonic() - self.began)

    def show(self, result: Cached) -> None:
        """Let its viewers go on with what is read, though it is still being written."""
        self.result = result
        self.end()

    def end(self) -> None:
        with _lock:
            if _under_way.get(self.subject.key) is self:
                del _under_way[self.subject.key]
        self.done.set()

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
            metrics.WAITED.observe(time.monotonic() - began)


# Whose places are taken, which a semaphore would not know.
_waiting: list[str] = []
_under_way: dict[str, Reading] = {}
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

    Where too much is under way, nothing starts, and what comes back has ended as "being read". With `once`
    DCS is not asked again where its first answer is a failure.
    """
    subject, since = snapshot.subject, snapshot.read_at if snapshot.cached else None
    with _lock:
        if subject.key in _under_way:
            _under_way[subject.key].is_wanted = True
            return _under_way[subject.key]
        reading = Reading(subject, now, since=since, viewer=viewer, once=once, progress=snapshot.progress)
        if not _has_place_for(subject, viewer):
            reading.problem = Problem(kind="being_read", progress=snapshot.progress)
            reading.done.set()
            return reading
        # A copy of the context, so that its log lines carry the id of the request that began it. Threads of
        # a pool would hold up the end of the process until DCS has answered.
        work, name = copy_context().run, f"read-{subject.kind}"
        threading.Thread(target=work, args=(_read_behind, reading), name=name, daemon=True).start()
        # Only now, so that nobody waits for a thread that could not start.
        _under_way[subject.key] = reading
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


def read_unasked(subject: Subject, *, since: datetime, clock: Clock = utc_now) -> Reading:
    """Read a list in this thread, for no viewer, unless others are reading it or have done so `since`.

    It takes no viewer's place, repeats no call, and leaves nothing in memory that nobody wants to see.
    """
    reading = Reading(subject, clock(), since=since, clock=clock, is_wanted=False)
    with _lock:
        if subject.key in _under_way:
            return reading
        _under_way[subject.key] = reading
    _run(reading, _read_with_lease)
    return reading


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
    is_full = begun and all(reading.problem and reading.problem.kind == "being_read" for reading in begun)
    for reading in begun:
        reading.wait(ends - time.monotonic(), viewer=viewer)
    return not is_full and (all(one.done.is_set() for one in begun) or time.monotonic() >= ends)


def wait_for_readers(seconds: float = 60.0) -> bool:
    """Wait until nothing is being read or written behind views; tell whether that came true in time."""
    ends = time.monotonic() + seconds
    threads = [one for one in threading.enumerate() if one.name.startswith("read-")]
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


# Behind the views ------------------------------------------------------------


def _read_behind(reading: Reading) -> None:
    try:
        _run(reading, _read_or_follow)
    finally:
        connection.close()


def _run(reading: Reading, read: Callable[[Reading], object]) -> None:
    try:
        read(reading)
        if not (reading.result or reading.problem):
            reading.problem = Problem(kind="being_read", progress=reading.progress)
    finally:
        if not (reading.result or reading.problem):
            # An error of ours: the thread's own traceback tells the operators which.
            reading.problem = guard.broken(reading.subject, reading.clock())
        # Whatever happened, nobody waits for a reader that is gone.
        reading.end()
    removal.prune_after(reading.subject)


def _read_or_follow(reading: Reading) -> None:
    while not (_read_with_lease(reading) or _is_settled(reading, *snapshots(reading.subject))):
        if time.monotonic() > reading.began + LONGEST_FOLLOW:
            return
        store.release_connection()
        time.sleep(FOLLOW_SECONDS)


def _read_with_lease(reading: Reading) -> bool:
    """Read, unless others have done so; False where they are doing so."""
    lease = leases.acquire(f"read:{reading.subject.key}")
    if lease is None:
        return False
    try:
        with guard.turn(reading.subject, patience=min(TURN_SECONDS, settings.DCS_READ_BUDGET * 0.05)):
            [snapshot] = snapshots(reading.subject)
            if not _is_settled(reading, snapshot):
                _read(reading, snapshot, lease)
    finally:
        lease.release()
    return True


def _is_settled(reading: Reading, snapshot: CacheSnapshot) -> bool:
    """Take over what another one found since, or why DCS must not be asked, so that it is not asked twice."""
    reading.progress = snapshot.progress
    is_newer = snapshot.read_at and (reading.since is None or snapshot.read_at > reading.since)
    if not reading.is_wanted:
        trial = guard.is_trial_left(snapshot, reading.now)
        known = Problem(kind="being_read") if is_newer else None
        reading.problem = known or guard.refusal(snapshot, reading.now, trial=trial)
    elif is_newer and snapshot.cached:
        reading.result = snapshot.cached
    else:
        reading.problem = snapshot.held(reading.now)
    return bool(reading.result or reading.problem)


def _read(reading: Reading, snapshot: CacheSnapshot, lease: leases.Lease) -> None:
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
    reading.calls = reading.calls or 1  # a single instance is no page
    guard.succeeded(subject)
    has_slept = time.monotonic() - began > leases.LEASE_SECONDS / 2
    if has_slept and lease.is_lost() and _is_settled(reading, *snapshots(subject)):
        return  # another one read in its place, and what this one began with is older
    now = reading.clock()
    # A viewer has the list even where somebody fails to make something of it.
    reading.result, recorded = recorder.write(
        subject,
        walk,
        read_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        pointer=snapshot.pointer,
        is_wanted=reading.is_wanted,
        show=reading.show,
        is_busy=not lease.is_shared,
    )
    if recorded:
        recorder.tell(recorded)
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
        self._reading, self._records = reading, 0
        # A reader of before may have left word of how far it came.
        self.has_told = reading.progress is not None
        self._due = time.monotonic() + PROGRESS_SECONDS

    def __call__(self, page: Page[Any]) -> None:
        self._reading.calls = calls = self._reading.calls + 1
        self._records += page.length
        total, pages = page.total_num, None
        if total is not None and page.length and total > page.length:
            pages = max(calls, -(-total * calls // self._records))
        self._reading.progress = progress = Progress(calls, pages, self._records)
        began = time.monotonic()
        if began > self._due:
            self.has_told = True
            store.write(self._reading.subject.progress_key, progress, seconds=LONGEST_FOLLOW)
            store.release_connection()
            # A busy database, which is waited for, must not hold up the walk.
            self._due = time.monotonic() + max(PROGRESS_SECONDS, 10 * (time.monotonic() - began))
