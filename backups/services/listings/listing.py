"""Cached listings: what DCS said, how old it is, and why it is not newer.

A fresh listing is served from the cache. Past its freshness it is served at once with its age, and one
reader fetches the next generation behind it. Only where nothing is at hand does a viewer wait, at most
DCS_READ_BUDGET. When DCS does not answer, the last listing stays, with the problem beside it; an outage
is never an empty list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from django.conf import settings

from ...dcs.pages import page_of
from ...dcs.records import BackupRecord, Instance
from ..problems import Problem, Progress
from ..projects import Project
from . import generations, guard, metrics, reader, store
from .generations import Cached, DecodedRecords, Generation
from .guard import CacheSnapshot, snapshots
from .reader import Reading
from .subjects import Subject, Window, window_of

RUNNING_FRESH_SECONDS = 10
# When a page comes back that was told that its list is being read.
RETRY_SECONDS = 1.0
# Instances that nobody knows of and that one viewer may have DCS asked for, in a minute.
MOST_UNKNOWN = 10
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


class TooManyUnknown(Exception):
    """A viewer asked for too many unknown instances; `count` is how many in this minute."""

    def __init__(self, count: int) -> None:
        super().__init__(f"over {MOST_UNKNOWN} in a minute")
        self.count = count


@dataclass(frozen=True)
class _Visit:
    """Who wants to see something, when, and until when (of time.monotonic()) the answer is waited for."""

    now: datetime
    ends: float
    viewer: str = ""

    @classmethod
    def beginning(cls, now: datetime, viewer: str, patience: float | None = None) -> _Visit:
        seconds = settings.DCS_READ_BUDGET if patience is None else patience
        return cls(now, time.monotonic() + seconds, viewer)

    def begin(self, snapshot: CacheSnapshot, *, once: bool = False) -> Reading:
        return reader.begin(snapshot, now=self.now, viewer=self.viewer, once=once)

    def wait(self, reading: Reading) -> bool:
        return reading.wait(self.ends - time.monotonic(), viewer=self.viewer)


# What views ask for ----------------------------------------------------------


def instance_backups(
    project: Project,
    instance_id: str,
    *,
    now: datetime,
    bounds: Window = (None, None),
    holding: str = "",
    read_now: bool = False,
    patience: float | None = None,
    viewer: str = "",
) -> Listing[BackupRecord]:
    """Return all backup records of an instance. Raises NothingToShow and TooManyUnknown.

    `read_now` asks DCS, unless somebody did so in the last seconds. Where the listing at hand
    lacks the backup `holding`, it is read now as well: a ticket may link one that is newer.

    Only a history longer than DCS_MAX_RECORDS is read by window: then the part
    within `bounds`, where any are given, else its newest part.

    Where nothing is at hand DCS is waited for, at most `patience` seconds where that is given.
    A `viewer` has a share of what is read at a time, and of unknown instances in a minute.
    """
    [snapshot] = snapshots(Subject("backups", project, instance_id))
    visit = _Visit.beginning(now, viewer, patience)
    standing = _standing(snapshot, visit)
    return _backups(snapshot, visit, standing, bounds=bounds, holding=holding, read_now=read_now)


def backups_and_instance(
    project: Project,
    instance_id: str,
    *,
    now: datetime,
    bounds: Window = (None, None),
    holding: str = "",
    patience: float | None = None,
    viewer: str = "",
) -> tuple[Listing[BackupRecord], Instance | None]:
    """Return what `instance_backups` does, and the instance itself where DCS tells, by one look-up.

    Raises NothingToShow and TooManyUnknown. The instance adorns a history and never holds it up.
    One that is not known to exist is asked for after its history, where there is one.
    """
    snapshot, of_instance = snapshots(
        Subject("backups", project, instance_id), Subject("instance", project, instance_id)
    )
    visit = _Visit.beginning(now, viewer, patience)
    standing = _standing(snapshot, visit)
    wanted = of_instance.cached is None and _refusal(of_instance, now) is None
    reading = visit.begin(of_instance) if wanted and standing.kind == "listed" else None
    listing = _backups(snapshot, visit, standing, bounds=bounds, holding=holding)
    if wanted:
        reading = reading or visit.begin(of_instance)
    try:
        shown = _awaited(of_instance, reading, visit) if reading else _listing(of_instance, visit)
    except NothingToShow as nothing:
        if nothing.problem.kind == "not_found" and not listing.total:
            raise
        return listing, None
    return listing, shown.records[0]


def project_instances(
    project: Project, *, now: datetime, patience: float | None = None, viewer: str = ""
) -> Listing[Instance]:
    """Return all instances of a project. Raises NothingToShow."""
    [snapshot] = snapshots(Subject("instances", project))
    return _listing(snapshot, _Visit.beginning(now, viewer, patience))


def cached_instance(project: Project, instance_id: str) -> Instance | None:
    """Return the instance that is at hand without asking DCS, however old; the project's list tells less."""
    [instance] = cached_instances([(project, instance_id)])
    return instance


def cached_instances(wanted: Sequence[tuple[Project, str]]) -> list[Instance | None]:
    """Return the instances that are at hand without asking DCS, however old, by one look-up in the store."""
    projects = list(dict.fromkeys(project for project, _ in wanted))
    found = snapshots(
        *(Subject("instance", project, instance_id) for project, instance_id in wanted),
        *(Subject("instances", project) for project in projects),
    )
    shown, lists = found[: len(wanted)], dict(zip(projects, found[len(wanted) :], strict=True))
    return [
        _by_id(snapshot.cached, instance_id) or _by_id(lists[project].cached, instance_id)
        for snapshot, (project, instance_id) in zip(shown, wanted, strict=True)
    ]


def at_hand(
    projects: Iterable[Project], *, now: datetime, viewer: str = ""
) -> list[tuple[Project, Instance]]:
    """Return the instances in the lists that are at hand; a list that is not is begun to be read."""
    found = []
    for snapshot in snapshots(*(Subject("instances", project) for project in projects)):
        if snapshot.cached:
            project = snapshot.subject.project
            found += [(project, instance) for instance in snapshot.cached.decoded.records]
        elif _refusal(snapshot, now) is None:
            reader.begin(snapshot, now=now, viewer=viewer)
    return found


def cached_histories(wanted: Iterable[tuple[Project, str]]) -> list[CacheSnapshot]:
    """Return what is known of the histories of instances, without asking DCS."""
    return snapshots(*(Subject("backups", project, instance_id) for project, instance_id in wanted))


def received_record(listing: Listing[BackupRecord], backup_id: str) -> dict[str, Any] | None:
    """Return one record as DCS sent it, None where its cached page is gone."""
    bodies = generations.bodies_of(listing) or ()
    # The page that names it first: the others need not be decoded.
    for body in sorted(bodies, key=lambda body: backup_id.encode() not in body):
        for item in page_of(body, items="backup_record_response", total="total_num")[0] if body else ():
            if isinstance(item, dict) and item.get("backup_id") == backup_id:
                return item
    return None


def _by_id(cached: Cached | None, instance_id: str) -> Instance | None:
    instances = cached.decoded.records if cached else ()
    return next((one for one in instances if one.instance_id == instance_id), None)


# Unknown instances -----------------------------------------------------------


@dataclass(frozen=True)
class _Standing:
    """What the list of its project, as far as that is at hand, says of an instance that a viewer names."""

    kind: Literal["listed", "unlisted", "unsure"] = "listed"
    # As what it was counted among the viewer's unknown ones, and when.
    counted: tuple[str, float] | None = None


def _standing(snapshot: CacheSnapshot, visit: _Visit) -> _Standing:
    """Tell whether a viewer wants a history that is not at hand, of an instance that its project may lack.

    Where DCS is to be asked for it, that is counted; not again while DCS fails to say whether it knows it.
    Raises TooManyUnknown.
    """
    subject, failure, counted = snapshot.subject, snapshot.failure, None
    if not visit.viewer or snapshot.cached:
        return _Standing()
    [instances] = snapshots(Subject("instances", subject.project))
    if _by_id(instances.cached, subject.instance_id):
        return _Standing()
    is_counted = failure is None or failure.kind in ("not_found", "rejected")
    held = guard.refusal(snapshot, visit.now, trial=False)
    if is_counted and not held and reader.would_start(subject, visit.viewer):
        counted = f"unknown:viewer-{visit.viewer}", time.time()
        count = store.count(*counted)
        if count > MOST_UNKNOWN:
            if not _is_listed_now(instances, subject.instance_id, visit):
                raise TooManyUnknown(count)
            return _Standing()
    return _Standing("unlisted" if instances.cached else "unsure", counted)


def _is_listed_now(snapshot: CacheSnapshot, instance_id: str, visit: _Visit) -> bool:
    """Read the list of a project, by which real instances are told from made-up ones, unless it is fresh."""
    if snapshot.cached and is_fresh(snapshot.cached.generation, visit.now):
        return False
    if guard.refusal(snapshot, visit.now, trial=False):
        return False
    reading = visit.begin(snapshot)
    visit.wait(reading)
    return _by_id(reading.result, instance_id) is not None


# Freshness -------------------------------------------------------------------


def _backups(
    snapshot: CacheSnapshot,
    visit: _Visit,
    standing: _Standing,
    *,
    bounds: Window,
    holding: str,
    read_now: bool = False,
) -> Listing[BackupRecord]:
    subject, cached, once = snapshot.subject, snapshot.cached, standing.kind == "unlisted"
    known_at = cached.generation.read_at if cached else None
    read_now = read_now and guard.may_insist(subject, "refresh", visit.now, read_at=known_at)
    listing: Listing[BackupRecord] = _listing(snapshot, visit, read_now=read_now, once=once)
    lacks = holding and all(record.backup_id != holding for record in listing.records)
    if lacks and listing.source != "live" and not listing.problem:
        read_now = guard.may_insist(subject, holding, visit.now, read_at=listing.read_at)
        listing = _listing(snapshot, visit, read_now=read_now, once=once)
    if listing.truncated and bounds != (None, None):
        [part] = snapshots(replace(subject, window=window_of(bounds)))
        try:
            listing = replace(_listing(part, visit, read_now=read_now, once=once), newest_part=listing)
        except NothingToShow as nothing:
            # Its newest records are at hand, and said not to be all.
            listing = replace(listing, problem=nothing.problem)
    if listing.total and standing.counted:
        store.count(*standing.counted, -1)  # DCS knows it
    return listing


def _listing(
    snapshot: CacheSnapshot, visit: _Visit, *, read_now: bool = False, once: bool = False
) -> Listing[Any]:
    """Return what is at hand, and begin what is wanted; wait where nothing is, or for `read_now`."""
    cached, last_problem = snapshot.cached, snapshot.last_problem(visit.now)
    # Where somebody has just asked in vain, young age does not make a listing fresh.
    if cached and not read_now and not last_problem and is_fresh(cached.generation, visit.now):
        return _served(snapshot, cached, "cache", visit)
    problem = _refusal(snapshot, visit.now)
    if problem and cached:
        return _served(snapshot, cached, "stale", visit, problem)
    if problem:
        raise _nothing(snapshot, problem)
    reading = visit.begin(snapshot, once=once)
    if cached and not read_now:
        return _served(snapshot, cached, "stale", visit, last_problem, reading)
    return _awaited(snapshot, reading, visit)


def _awaited(snapshot: CacheSnapshot, reading: Reading, visit: _Visit) -> Listing[Any]:
    ended = visit.wait(reading)
    if ended and reading.result:
        return _served(snapshot, reading.result, "live", visit)
    problem = reading.problem if ended else Problem(kind="being_read", progress=reading.progress)
    problem = problem or Problem(kind="portal_error")
    if problem.kind == "being_read":
        problem = replace(problem, retry_at=visit.now + timedelta(seconds=RETRY_SECONDS))
    if snapshot.cached:
        listing = _served(snapshot, snapshot.cached, "stale", visit, problem, None if ended else reading)
        return replace(listing, progress=problem.progress)
    raise _nothing(snapshot, problem)


def _refusal(snapshot: CacheSnapshot, now: datetime) -> Problem | None:
    # What only adorns a page must not take the one trial of an open circuit.
    return guard.refusal(snapshot, now, trial=snapshot.subject.kind != "instance")


def is_fresh(generation: Generation, now: datetime) -> bool:
    """Tell whether a generation is young enough to be shown without asking again."""
    fresh: float = settings.DCS_FRESH_SECONDS
    if generation.running:
        fresh = min(fresh, RUNNING_FRESH_SECONDS)
    # A reading from the future is one of a clock that was put back.
    return timedelta(seconds=-5) <= now - generation.read_at < timedelta(seconds=fresh)


def _nothing(snapshot: CacheSnapshot, problem: Problem) -> NothingToShow:
    metrics.listing_served(snapshot.subject.project.name, "none")
    return NothingToShow(problem)


def _served(
    snapshot: CacheSnapshot,
    cached: Cached,
    source: Source,
    visit: _Visit,
    problem: Problem | None = None,
    refreshing: Reading | None = None,
) -> Listing[Any]:
    generation, decoded = cached
    if snapshot.subject.kind != "instance":  # which only adorns the page of another list
        age = (visit.now - generation.read_at).total_seconds()
        metrics.listing_served(snapshot.subject.project.name, source, age)
    return Listing(
        **vars(generation),
        decoded=decoded,
        source=source,
        windowed=snapshot.subject.window is not None,
        problem=problem,
        refreshing=refreshing is not None,
        progress=refreshing.progress if refreshing else None,
    )
