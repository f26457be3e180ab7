"""Cached listings: what DCS said, how old it is, and why it is not newer.

A fresh listing is served from the cache. Past its freshness it is served at
once with its age, and one reader fetches the next generation behind it. Only
where nothing is at hand does a viewer wait, at most DCS_READ_BUDGET. When DCS
does not answer, the last listing stays, with the problem beside it; an outage
is never an empty list.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from django.conf import settings

from ..dcs.client import (
    DcsClient,
    InstanceAnswer,
    backup_page,
    instance_of,
    instance_page,
)
from ..dcs.errors import DcsError
from ..dcs.records import BackupRecord, Instance, page_of
from ..dcs.walk import Page, Walk, walk
from . import generations, upstream
from .generations import Generation
from .problems import Problem
from .projects import Project, client_for

log = logging.getLogger(__name__)

RUNNING_FRESH_SECONDS = 10
WALK_SECONDS = 120.0
INSTANCE_PATIENCE = 0.5
# DCS filters by an undocumented timestamp: exact bounds are applied here, with this much to spare there.
WINDOW_MARGIN = timedelta(hours=48)

Item = TypeVar("Item")
Source = Literal["live", "cache", "stale"]
Window = tuple[datetime | None, datetime | None]


@dataclass(frozen=True)
class Listing(Generic[Item]):
    """One generation of a list as a view may show it.

    `source`: "live" was read for this view, "cache" is fresh, "stale" is older
    than its freshness or newer than DCS would confirm. `promised` is the total
    that DCS gave, None where it gave none. `windowed` says that only a part of
    a very long history was read. `refreshing`: a newer one is on its way.
    """

    records: tuple[Item, ...]
    generation: str
    pages: int
    read_at: datetime
    source: Source
    promised: int | None
    moved: bool
    truncated: bool
    windowed: bool
    cut_short: bool
    request_ids: tuple[str, ...]
    problem: Problem | None = None
    refreshing: bool = False

    @property
    def complete(self) -> bool:
        return not (self.moved or self.truncated or self.windowed or self.cut_short)

    @property
    def total(self) -> int:
        return len(self.records)


class NothingToShow(Exception):
    """There is no listing at all, and this is why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.kind)
        self.problem = problem


def instance_backups(
    project: Project,
    instance_id: str,
    *,
    now: datetime,
    bounds: Window = (None, None),
    holding: str = "",
    read_now: bool = False,
) -> Listing[BackupRecord]:
    """Return all backup records of an instance. Raises NothingToShow.

    Where the listing at hand lacks the backup `holding`, it is read now: a
    ticket may link one that is newer.

    Only a history longer than DCS_MAX_RECORDS is read by window: then the part
    within `bounds`, where any are given, else its newest part.
    """
    ends = time.monotonic() + settings.DCS_READ_BUDGET
    whole = _Subject("backups", project, instance_id)
    listing = _listing(whole, now=now, read_now=read_now)
    if holding and listing.source != "live" and not listing.problem and not _holds(listing, holding):
        listing = _listing(whole, now=now, read_now=True)
    if not listing.truncated or bounds == (None, None):
        return listing
    part = _Subject("backups", project, instance_id, _window(bounds))
    patience = max(0.0, ends - time.monotonic())
    try:
        return _listing(part, now=now, read_now=read_now, patience=patience)
    except NothingToShow as nothing:
        # Its newest records are at hand, and said not to be all.
        return replace(listing, problem=nothing.problem)


def _holds(listing: Listing[BackupRecord], backup_id: str) -> bool:
    return any(record.backup_id == backup_id for record in listing.records)


def project_instances(project: Project, *, now: datetime, read_now: bool = False) -> Listing[Instance]:
    """Return all instances of a project. Raises NothingToShow."""
    return _listing(_Subject("instances", project), now=now, read_now=read_now)


def shown_instance(project: Project, instance_id: str, *, now: datetime) -> Listing[Instance]:
    """Return the one instance as ShowInstance tells it. Raises NothingToShow.

    It adorns a history and never holds it up: nobody waits for a call that began half a second ago.
    """
    return _listing(_Subject("instance", project, instance_id), now=now, read_now=False)


def cached_backups(project: Project, instance_id: str) -> tuple[BackupRecord, ...] | None:
    """Return the records that are at hand without asking DCS, however old; None where nothing is."""
    known = _known(_Subject("backups", project, instance_id))
    return known[1] if known else None


def cached_instance(project: Project, instance_id: str) -> Instance | None:
    """Return the instance that is at hand without asking DCS, however old."""
    known = _known(_Subject("instance", project, instance_id))
    return known[1][0] if known else None


def read_backups(histories: Iterable[tuple[Project, str]], *, now: datetime, seconds: float) -> None:
    """Read several histories side by side where DCS may be asked, and wait at most that long for them."""
    ends = time.monotonic() + seconds
    subjects = [_Subject("backups", project, instance_id) for project, instance_id in histories]
    begun = [_readings.begin(s, now=now) for s in subjects if upstream.refusal(s.call, now) is None]
    for reading in begun:
        reading.done.wait(max(0.0, ends - time.monotonic()))


def begin_shown_instance(project: Project, instance_id: str, *, now: datetime) -> None:
    """Start asking for an instance where nothing is cached, so that it is read beside its history."""
    subject = _Subject("instance", project, instance_id)
    if generations.current(subject.key) is None and _refusal(subject, now) is None:
        _readings.begin(subject, now=now)


def received_record(listing: Listing[BackupRecord], backup_id: str) -> dict[str, Any] | None:
    """Return one record as DCS sent it, None where its cached page is gone."""
    for body in generations.bodies_of(listing.generation, listing.pages) or ():
        for item in page_of(body, items="backup_record_response", total="total_num")[0] if body else ():
            if isinstance(item, dict) and item.get("backup_id") == backup_id:
                return item
    return None


# What is read ----------------------------------------------------------------


@dataclass(frozen=True)
class _Subject:
    """One list that DCS can be asked for."""

    kind: Literal["backups", "instances", "instance"]
    project: Project
    instance_id: str = ""
    window: Window | None = None

    @property
    def key(self) -> str:
        parts = (
            self.kind,
            self.project.endpoint,
            self.project.project_id,
            self.instance_id,
            str(self.window),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    @property
    def call(self) -> upstream.Call:
        return upstream.Call(self.key, self.project, self.instance_id)

    def decoded(self, body: bytes) -> Sequence[Any]:
        if self.kind == "backups":
            return backup_page(body).records
        return instance_page(body).records if self.kind == "instances" else (instance_of(body),)

    def read(self, client: DcsClient, *, on_page: Callable[[Page[Any]], None]) -> Walk[Any]:
        """Read the whole list; each call has its budget, the walk a longer one. Raises DcsError."""
        ends = time.monotonic() + WALK_SECONDS

        def deadline() -> float:
            # A little less than viewers wait, so that they are told the reason.
            return min(ends, time.monotonic() + settings.DCS_READ_BUDGET * 0.9)

        if self.kind == "instance":
            answer = client.show_instance(self.instance_id, deadline=deadline())
            return Walk((_OnePage(answer),), (answer.instance,), None, False, False)
        if self.kind == "instances":
            return walk(
                lambda offset, limit: client.list_instances(offset=offset, limit=limit, deadline=deadline()),
                page_size=settings.DCS_PAGE_SIZE,
                max_records=settings.DCS_MAX_RECORDS,
                on_page=on_page,
            )
        begin, end = self.window or (None, None)
        return walk(
            lambda offset, limit: client.list_backup_records(
                self.instance_id,
                offset=offset,
                limit=limit,
                begin_time=begin,
                end_time=end,
                deadline=deadline(),
            ),
            page_size=settings.DCS_PAGE_SIZE,
            max_records=settings.DCS_MAX_RECORDS,
            on_page=on_page,
        )


class _OnePage:
    """The answer of ShowInstance as the only page of a list of one."""

    total_num = None
    length = 1

    def __init__(self, answer: InstanceAnswer) -> None:
        self.records = (answer.instance,)
        self.request_id = answer.request_id
        self.body = answer.body


def _window(bounds: Window) -> Window:
    """Return the bounds to send upstream: with room to spare, in whole UTC days that viewers share."""
    begin, end = bounds
    return (
        _midnight_before(begin - WINDOW_MARGIN) if begin else None,
        _midnight_before(end + WINDOW_MARGIN) + timedelta(days=1) if end else None,
    )


def _midnight_before(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


# Freshness -------------------------------------------------------------------


def _listing(
    subject: _Subject, *, now: datetime, read_now: bool, patience: float | None = None
) -> Listing[Any]:
    known = _known(subject)
    last_problem = upstream.last_problem(subject.call, now)
    # Where somebody has just asked in vain, young age does not make a listing fresh.
    if known and not read_now and not last_problem and _is_fresh(known[0], now):
        return _as_listing(subject, known, "cache")
    problem = _refusal(subject, now)
    if problem:
        if known:
            return _as_listing(subject, known, "stale", problem)
        raise NothingToShow(problem)
    reading = _readings.begin(subject, seen=known, now=now)
    if known and not read_now:
        return _as_listing(subject, known, "stale", last_problem, refreshing=True)
    if patience is None:
        patience = reading.patience(subject)
    return _awaited(subject, known, reading, now, patience)


def _refusal(subject: _Subject, now: datetime) -> Problem | None:
    # What only adorns a page must not take the one trial of an open circuit.
    return upstream.refusal(subject.call, now, trial=subject.kind != "instance")


def _awaited(
    subject: _Subject, known: _Known | None, reading: _Reading, now: datetime, patience: float
) -> Listing[Any]:
    ended = reading.done.wait(patience)
    if ended and reading.result:
        return _as_listing(subject, reading.result, "live")
    if ended:
        problem = reading.problem or Problem(kind="server_error")
    else:
        problem = Problem(kind="being_read", retry_at=now + timedelta(seconds=settings.DCS_READ_BUDGET + 3))
    if known:
        return _as_listing(subject, known, "stale", problem, refreshing=not ended)
    raise NothingToShow(problem)


_Known = tuple[Generation, tuple[Any, ...]]


def _known(subject: _Subject) -> _Known | None:
    # A second look, since a newer generation may have taken the pages of the first away.
    for _ in range(2):
        generation = generations.current(subject.key)
        if generation is None:
            return None
        records = generations.records_of(generation, subject.decoded)
        if records is not None:
            return generation, records
    return None


def _is_fresh(generation: Generation, now: datetime) -> bool:
    fresh: float = settings.DCS_FRESH_SECONDS
    if generation.running:
        fresh = min(fresh, RUNNING_FRESH_SECONDS)
    # A reading from the future is one of a clock that was put back.
    return timedelta(seconds=-5) <= now - generation.read_at < timedelta(seconds=fresh)


def _as_listing(
    subject: _Subject,
    known: _Known,
    source: Source,
    problem: Problem | None = None,
    *,
    refreshing: bool = False,
) -> Listing[Any]:
    generation, records = known
    return Listing(
        records=records,
        generation=generation.id,
        pages=generation.pages,
        read_at=generation.read_at,
        source=source,
        promised=generation.promised,
        moved=generation.moved,
        truncated=generation.truncated,
        windowed=subject.window is not None,
        cut_short=generation.cut_short,
        request_ids=generation.request_ids,
        problem=problem,
        refreshing=refreshing,
    )


# One reader at a time --------------------------------------------------------


class _Reading:
    """One walk under way; viewers of the same list wait for the same one."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.done = threading.Event()
        self.result: _Known | None = None
        self.problem: Problem | None = None

    def patience(self, subject: _Subject) -> float:
        """Return the seconds that a viewer waits for it."""
        if subject.kind != "instance":
            return float(settings.DCS_READ_BUDGET)
        return max(0.0, self.began + INSTANCE_PATIENCE - time.monotonic())


class _Readings:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, _Reading] = {}

    def begin(self, subject: _Subject, *, now: datetime, seen: _Known | None = None) -> _Reading:
        """Join the walk that is under way, or start one behind this view, which has `seen` a generation."""
        with self._lock:
            reading = self._under_way.get(subject.key)
            if reading is None:
                reading = _Reading()
                threading.Thread(
                    target=self._run,
                    args=(subject, reading, seen, now),
                    name=f"read-{subject.kind}",
                    daemon=True,
                ).start()
                # Only now, so that nobody waits for a thread that could not start.
                self._under_way[subject.key] = reading
            return reading

    def wait_for_all(self, seconds: float) -> bool:
        """Wait until no walk is under way; tell whether that came true in time."""
        with self._lock:
            under_way = list(self._under_way.values())
        ends = time.monotonic() + seconds
        return all(reading.done.wait(max(0.0, ends - time.monotonic())) for reading in under_way)

    def _run(self, subject: _Subject, reading: _Reading, seen: _Known | None, now: datetime) -> None:
        try:
            with upstream.turn(subject.call, patience=min(0.5, settings.DCS_READ_BUDGET * 0.05)):
                if not self._was_just_done(subject, reading, seen, now):
                    self._read(subject, reading)
        finally:
            # Whatever happened, nobody waits for a reader that is gone.
            with self._lock:
                del self._under_way[subject.key]
            reading.done.set()

    def _was_just_done(
        self, subject: _Subject, reading: _Reading, seen: _Known | None, now: datetime
    ) -> bool:
        """Take over what another reader found after this view had looked, so that DCS is not asked twice."""
        known = _known(subject)
        if known and (seen is None or known[0].id != seen[0].id):
            reading.result = known
        else:
            reading.problem = upstream.held(subject.call, now)
        return bool(reading.result or reading.problem)

    def _read(self, subject: _Subject, reading: _Reading) -> None:
        began = time.monotonic()
        try:
            result = subject.read(client_for(subject.project), on_page=lambda page: None)
        except DcsError as error:
            reading.problem = upstream.failed(subject.call, error)
            log.warning("reading %s of project %s failed: %s", subject.kind, subject.project.name, error)
            return
        read_at = upstream.succeeded(subject.call)
        running = any(getattr(record, "is_running", False) for record in result.records)
        generation = generations.keep(subject.key, result, read_at=read_at, running=running)
        reading.result = (generation, result.records)
        log.info(
            "read %s of project %s: %d records in %d calls, %.0f ms",
            subject.kind,
            subject.project.name,
            len(result.records),
            len(result.pages),
            (time.monotonic() - began) * 1000,
        )


_readings = _Readings()


def wait_for_readers(seconds: float = 10.0) -> bool:
    """Wait until no walk is under way in this process; for orderly stops and for tests."""
    return _readings.wait_for_all(seconds)
