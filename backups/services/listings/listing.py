"""Cached listings: what DCS said, how old it is, and why it is not newer.

Past its freshness a listing is served at once with its age, and one reader fetches the next generation behind
it. Only where nothing is at hand does a viewer wait, at most DCS_READ_BUDGET. When DCS does not answer, the
last listing stays, with the problem beside it; an outage is never an empty list.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from django.conf import settings

from ..problems import Problem, Progress
from . import guard, metrics, reader
from .generations import Cached, DecodedRecords, Generation
from .guard import CacheSnapshot
from .reader import Reading

RUNNING_FRESH_SECONDS = 10
# When a page comes back that was told that its list is being read.
RETRY_SECONDS = 1.0
Item = TypeVar("Item")
Made = TypeVar("Made")
Source = Literal["live", "cache", "stale"]


@dataclass(frozen=True, kw_only=True)
class Listing(Generation, Generic[Item]):
    """One generation of a list as a view may show it.

    `source`: "live" was read for this view, "cache" is fresh, "stale" is older than its freshness or newer
    than DCS would confirm. `windowed` says that only a part of a very long history was read; `newest_part`
    has its newest records then. `refreshing`: a newer one is on its way, `progress` how far that is.
    """

    decoded: DecodedRecords[Item]
    source: Source
    windowed: bool = False
    problem: Problem | None = None
    refreshing: bool = False
    newest_part: Listing[Item] | None = None
    progress: Progress | None = None

    @property
    def records(self) -> tuple[Item, ...]:
        return self.decoded.records

    def derived(self, name: str, make: Callable[[tuple[Item, ...]], Made]) -> Made:
        """Return what `make` makes of the records: once in this process for each generation."""
        return self.decoded.derived(name, make)

    @property
    def complete(self) -> bool:
        return super().complete and not self.windowed

    @property
    def total(self) -> int:
        return len(self.records)


class NothingToShow(Exception):
    """There is no listing at all, and this is why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.kind)
        self.problem = problem


@dataclass(frozen=True)
class Visit:
    """Who wants to see something, when, and for how many seconds the answer is waited for.

    Where an old one is at hand, a newer one is waited for `newer_within` seconds; None: not at all.
    """

    now: datetime
    viewer: str = ""
    patience: float | None = None
    newer_within: float | None = None
    began: float = field(default_factory=time.monotonic)

    def begin(self, snapshot: CacheSnapshot, *, once: bool = False) -> Reading:
        return reader.begin(snapshot, now=self.now, viewer=self.viewer, once=once)

    def left(self, seconds: float | None = None) -> float:
        """Return for how long it still waits, of `seconds` or of its patience."""
        patience: float = settings.DCS_READ_BUDGET if self.patience is None else self.patience
        return self.began + (patience if seconds is None else seconds) - time.monotonic()


def listing_of(
    snapshot: CacheSnapshot, visit: Visit, *, read_now: bool = False, once: bool = False
) -> Listing[Any]:
    """Return what is at hand, and begin what is wanted; wait where nothing is, or for `read_now`."""
    cached, last_problem = snapshot.cached, snapshot.last_problem(visit.now)
    # Where somebody has just asked in vain, young age does not make a listing fresh.
    if cached and not read_now and not last_problem and is_fresh(cached.generation, visit.now):
        return _served(snapshot, cached, "cache", visit)
    problem = guard.refusal(snapshot, visit.now)
    if problem:
        return _old(snapshot, visit, problem)
    reading = visit.begin(snapshot, once=once)
    if cached and not read_now and visit.newer_within is None:
        return _served(snapshot, cached, "stale", visit, last_problem, reading)
    return awaited(snapshot, reading, visit, visit.newer_within if cached and not read_now else None)


def awaited(
    snapshot: CacheSnapshot, reading: Reading, visit: Visit, seconds: float | None = None
) -> Listing[Any]:
    """Return what a reading brings, where it ends in so many seconds, or while the visit lasts."""
    ended = reading.wait(visit.left(seconds), viewer=visit.viewer)
    if ended and reading.result:
        return _served(snapshot, reading.result, "live", visit)
    problem = reading.problem if ended else Problem(kind="being_read", progress=reading.progress)
    problem = problem or Problem(kind="portal_error")
    if problem.kind == "being_read":
        problem = replace(problem, retry_at=visit.now + timedelta(seconds=RETRY_SECONDS))
    return _old(snapshot, visit, problem, None if ended else reading)


def is_fresh(generation: Generation, now: datetime) -> bool:
    """Tell whether a generation is young enough to be shown without asking again."""
    fresh: float = settings.DCS_FRESH_SECONDS
    if generation.running:
        fresh = min(fresh, RUNNING_FRESH_SECONDS)
    # A reading from the future is one of a clock that was put back.
    return timedelta(seconds=-5) <= now - generation.read_at < timedelta(seconds=fresh)


def _old(
    snapshot: CacheSnapshot, visit: Visit, problem: Problem, refreshing: Reading | None = None
) -> Listing[Any]:
    """Return what is at hand though DCS has not answered; nothing is, of an instance that is never backed up.

    Raises NothingToShow.
    """
    if snapshot.cached:
        return _served(snapshot, snapshot.cached, "stale", visit, problem, refreshing)
    if problem.kind != "unsupported" or problem.asked_at is None:
        metrics.SERVED.labels(snapshot.subject.project.name, "none").inc()
        raise NothingToShow(problem)
    return Listing(
        decoded=DecodedRecords(()),
        generation=f"unsupported-{problem.asked_at.timestamp():.0f}",
        read_at=problem.asked_at,
        source="cache",
        promised=0,
        request_ids=(problem.request_id,) if problem.request_id else (),
        problem=replace(problem, retry_at=None),
    )


def _served(
    snapshot: CacheSnapshot,
    cached: Cached,
    source: Source,
    visit: Visit,
    problem: Problem | None = None,
    refreshing: Reading | None = None,
) -> Listing[Any]:
    generation, decoded = cached
    told = refreshing or problem
    if snapshot.subject.kind != "instance":  # which only adorns the page of another list
        project = snapshot.subject.project.name
        metrics.SERVED.labels(project, source).inc()
        metrics.AGE.labels(project).observe(max(0.0, (visit.now - generation.read_at).total_seconds()))
    return Listing(
        **vars(generation),
        decoded=decoded,
        source=source,
        windowed=snapshot.subject.window is not None,
        problem=problem,
        refreshing=refreshing is not None,
        progress=told.progress if told else None,
    )
