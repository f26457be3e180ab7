"""Cached listings: what DCS said, how old it is, and why it is not newer.

A fresh listing is served from the cache. Past its freshness it is served at
once with its age, and one reader fetches the next generation behind it. Only
where nothing is at hand does a viewer wait, at most DCS_READ_BUDGET. When DCS
does not answer, the last listing stays, with the problem beside it; an outage
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
from . import guard, metrics, store, waiting_room
from .counts import counts
from .reader import Reading, readings
from .snapshot import Known, Look, look_at
from .store import Generation, Kept
from .subjects import Subject, Window, window_of

RUNNING_FRESH_SECONDS = 10
# Instances that nobody knows of and that one viewer may have DCS asked for, in a minute.
MOST_UNKNOWN = 10
Item = TypeVar("Item")
Made = TypeVar("Made")
Source = Literal["live", "cache", "stale"]


@dataclass(frozen=True)
class Listing(Generic[Item]):
    """One generation of a list as a view may show it.

    `source`: "live" was read for this view, "cache" is fresh, "stale" is older
    than its freshness or newer than DCS would confirm. `promised` is the total
    that DCS gave, None where it gave none. `windowed` says that only a part of
    a very long history was read; `newest_part` has its newest records then.
    `refreshing`: a newer one is on its way, `progress` how far that is.
    """

    kept: Kept[Item]
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
    newest_part: Listing[Item] | None = None
    progress: Progress | None = None

    @property
    def records(self) -> tuple[Item, ...]:
        return self.kept.records

    def derived(self, name: str, make: Callable[[tuple[Item, ...]], Made]) -> Made:
        """Return what `make` makes of the records: once in this process, and kept with the generation."""
        return self.kept.derived(name, make)

    @property
    def kept_key(self) -> tuple[object, ...]:
        """Equal for two of which the same can be said; the records themselves are let go of."""
        own = (self.generation, self.read_at, self.source, self.problem, self.refreshing, self.progress)
        return *own, self.windowed, self.newest_part and self.newest_part.generation

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


@dataclass(frozen=True)
class Standing:
    """What the list of its project, as far as that is at hand, says of an instance that a viewer names."""

    kind: Literal["listed", "unlisted", "unsure"] = "listed"
    # As what it was counted among the viewer's unknown ones, and when.
    counted: tuple[str, float] | None = None

    def exists(self) -> None:
        """Take it off the count: DCS knows it."""
        if self.counted:
            counts.next(*self.counted, step=-1)


class TooManyUnknown(Exception):
    """A viewer asked for too many unknown instances; `count` is how many in this minute."""

    def __init__(self, count: int) -> None:
        super().__init__(f"over {MOST_UNKNOWN} in a minute")
        self.count = count


def instance_backups(
    project: Project,
    instance_id: str,
    *,
    now: datetime,
    bounds: Window = (None, None),
    holding: str = "",
    read_now: bool = False,
    viewer: str = "",
) -> Listing[BackupRecord]:
    """Return all backup records of an instance. Raises NothingToShow and TooManyUnknown.

    `read_now` asks DCS, unless somebody did so in the last seconds. Where the listing at hand
    lacks the backup `holding`, it is read now as well: a ticket may link one that is newer.

    Only a history longer than DCS_MAX_RECORDS is read by window: then the part
    within `bounds`, where any are given, else its newest part.

    A `viewer` has a share of what is read at a time, and of unknown instances in a minute.
    """
    [look] = look_at(Subject("backups", project, instance_id))
    ends = _ends()
    standing = _standing(look, now=now, ends=ends, viewer=viewer)
    once = standing.kind == "unlisted"
    listing = _backups(
        look, now=now, ends=ends, bounds=bounds, holding=holding, read_now=read_now, viewer=viewer, once=once
    )
    if listing.total:
        standing.exists()
    return listing


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
    """Return an instance's history, and the instance itself where DCS tells, by one look-up in the cache.

    Where nothing is at hand DCS is waited for, at most `patience` seconds where that is given.
    Raises NothingToShow and TooManyUnknown. The instance adorns a history and never holds it up.
    One that is not known to exist is asked for after its history, where there is one.
    """
    look, adorning = look_at(
        Subject("backups", project, instance_id), Subject("instance", project, instance_id)
    )
    ends = _ends(patience)
    standing = _standing(look, now=now, ends=ends, viewer=viewer)
    wanted = adorning.known is None and _refusal(adorning, now) is None
    beside = (
        readings.begin(adorning, now=now, viewer=viewer) if wanted and standing.kind == "listed" else None
    )
    try:
        once = standing.kind == "unlisted"
        listing = _backups(look, now=now, ends=ends, bounds=bounds, holding=holding, viewer=viewer, once=once)
    except NothingToShow as nothing:
        if wanted and standing.kind == "unsure" and nothing.problem.kind == "being_read":
            # The page becomes the history by itself, and then wants its head.
            readings.begin(adorning, now=now, viewer=viewer)
        raise
    if listing.total:
        standing.exists()
    if wanted and beside is None:
        beside = readings.begin(adorning, now=now, viewer=viewer)
    try:
        if beside:
            shown = _awaited(adorning, beside, now, patience, viewer=viewer)
        else:
            shown = _listing(adorning, now=now, viewer=viewer)
    except NothingToShow as nothing:
        if nothing.problem.kind == "not_found" and not listing.total:
            raise
        return listing, None
    return listing, shown.records[0]


def _backups(
    look: Look,
    *,
    now: datetime,
    ends: float,
    bounds: Window = (None, None),
    holding: str = "",
    read_now: bool = False,
    viewer: str,
    once: bool,
) -> Listing[BackupRecord]:
    def listed(look: Look) -> Listing[BackupRecord]:
        left = max(0.0, ends - time.monotonic())
        return _listing(look, now=now, read_now=read_now, patience=left, viewer=viewer, once=once)

    call = look.subject.call
    known_at = look.known[0].read_at if look.known else None
    read_now = read_now and guard.may_insist(call, "refresh", now, read_at=known_at)
    listing = listed(look)
    if holding and listing.source != "live" and not listing.problem and not _holds(listing, holding):
        read_now = guard.may_insist(call, holding, now, read_at=listing.read_at)
        listing = listed(look)
    if not listing.truncated or bounds == (None, None):
        return listing
    subject = look.subject
    [part] = look_at(Subject(subject.kind, subject.project, subject.instance_id, window_of(bounds)))
    try:
        shown = listed(part)
    except NothingToShow as nothing:
        # Its newest records are at hand, and said not to be all.
        return replace(listing, problem=nothing.problem)
    return replace(shown, newest_part=listing)


def _holds(listing: Listing[BackupRecord], backup_id: str) -> bool:
    return any(record.backup_id == backup_id for record in listing.records)


def _ends(patience: float | None = None) -> float:
    return time.monotonic() + (settings.DCS_READ_BUDGET if patience is None else patience)


def _standing(look: Look, *, now: datetime, ends: float, viewer: str) -> Standing:
    """Tell whether a viewer wants a history that is not at hand, of an instance that its project may lack.

    Where DCS is to be asked for it, that is counted; not again while DCS fails to say whether it knows it.
    Raises TooManyUnknown.
    """
    subject = look.subject
    if not viewer or look.known:
        return Standing()
    [instances] = look_at(Subject("instances", subject.project))
    if _by_id(instances, subject.instance_id):
        return Standing()
    failure = look.notes.failure
    counted = None
    is_counted = failure is None or failure.kind in ("not_found", "rejected")
    held = guard.refusal(subject.call, look.notes, now, trial=False)
    if is_counted and not held and readings.would_start(subject, viewer):
        counted = f"unknown:viewer-{viewer}", time.time()
        count = counts.next(*counted)
        if count > MOST_UNKNOWN:
            if not _is_listed_now(instances, subject.instance_id, now=now, ends=ends, viewer=viewer):
                raise TooManyUnknown(count)
            return Standing()
    return Standing("unlisted" if instances.known else "unsure", counted)


def _is_listed_now(look: Look, instance_id: str, *, now: datetime, ends: float, viewer: str) -> bool:
    """Read the list of a project, by which real instances are told from made-up ones, unless it is fresh."""
    if look.known and is_fresh(look.known[0], now):
        return False
    if guard.refusal(look.subject.call, look.notes, now, trial=False):
        return False
    reading = readings.begin(look, now=now, viewer=viewer)
    waiting_room.wait(reading, ends - time.monotonic(), viewer=viewer)
    return reading.result is not None and _by_id(replace(look, known=reading.result), instance_id) is not None


def project_instances(
    project: Project, *, now: datetime, patience: float | None = None, viewer: str = ""
) -> Listing[Instance]:
    """Return all instances of a project. Raises NothingToShow."""
    [look] = look_at(Subject("instances", project))
    return _listing(look, now=now, patience=patience, viewer=viewer)


def shown_instance(project: Project, instance_id: str, *, now: datetime) -> Listing[Instance]:
    """Return the one instance as ShowInstance tells it. Raises NothingToShow.

    It adorns a history and never holds it up: nobody waits for a call that began half a second ago.
    """
    [look] = look_at(Subject("instance", project, instance_id))
    return _listing(look, now=now)


def cached_instance(project: Project, instance_id: str) -> Instance | None:
    """Return the instance that is at hand without asking DCS, however old; the project's list tells less."""
    [instance] = cached_instances([(project, instance_id)])
    return instance


def cached_instances(wanted: Sequence[tuple[Project, str]]) -> list[Instance | None]:
    """Return the instances that are at hand without asking DCS, however old, by one look-up in the cache."""
    projects = list(dict.fromkeys(project for project, _ in wanted))
    looks = look_at(
        *(Subject("instance", project, instance_id) for project, instance_id in wanted),
        *(Subject("instances", project) for project in projects),
    )
    shown, lists = looks[: len(wanted)], dict(zip(projects, looks[len(wanted) :], strict=True))
    return [
        _by_id(look, instance_id) or _by_id(lists[project], instance_id)
        for look, (project, instance_id) in zip(shown, wanted, strict=True)
    ]


def _by_id(look: Look, instance_id: str) -> Instance | None:
    instances = look.known[1].records if look.known else ()
    return next((one for one in instances if one.instance_id == instance_id), None)


def at_hand(
    projects: Iterable[Project], *, now: datetime, viewer: str = ""
) -> list[tuple[Project, Instance]]:
    """Return the instances in the lists that are at hand; a list that is not is begun to be read."""
    found = []
    for look in look_at(*(Subject("instances", project) for project in projects)):
        if look.known:
            found += [(look.subject.project, instance) for instance in look.known[1].records]
        elif _refusal(look, now) is None:
            readings.begin(look, now=now, viewer=viewer)
    return found


def received_record(listing: Listing[BackupRecord], backup_id: str) -> dict[str, Any] | None:
    """Return one record as DCS sent it, None where its cached page is gone."""
    bodies = store.bodies_of(listing.generation, listing.pages) or ()
    # The page that names it first: the others need not be decoded.
    for body in sorted(bodies, key=lambda body: backup_id.encode() not in body):
        for item in page_of(body, items="backup_record_response", total="total_num")[0] if body else ():
            if isinstance(item, dict) and item.get("backup_id") == backup_id:
                return item
    return None


# Freshness -------------------------------------------------------------------


def _listing(
    look: Look,
    *,
    now: datetime,
    read_now: bool = False,
    patience: float | None = None,
    viewer: str = "",
    once: bool = False,
) -> Listing[Any]:
    """Return what is at hand, and begin what is wanted; wait where nothing is, or for `read_now`."""
    known, last_problem = look.known, guard.last_problem(look.notes, now)
    # Where somebody has just asked in vain, young age does not make a listing fresh.
    if known and not read_now and not last_problem and is_fresh(known[0], now):
        return _served(look, known, "cache", now)
    problem = _refusal(look, now)
    if problem:
        if known:
            return _served(look, known, "stale", now, problem)
        raise _nothing(look, problem)
    reading = readings.begin(look, now=now, viewer=viewer, once=once)
    if known and not read_now:
        listing = _served(look, known, "stale", now, last_problem, refreshing=True)
        return replace(listing, progress=reading.progress)
    return _awaited(look, reading, now, patience, viewer=viewer)


def _refusal(look: Look, now: datetime) -> Problem | None:
    # What only adorns a page must not take the one trial of an open circuit.
    return guard.refusal(look.subject.call, look.notes, now, trial=look.subject.kind != "instance")


def _awaited(
    look: Look, reading: Reading, now: datetime, patience: float | None = None, *, viewer: str = ""
) -> Listing[Any]:
    seconds = reading.patience() if patience is None else patience
    ended = waiting_room.wait(reading, seconds, viewer=viewer)
    if ended and reading.result:
        return _served(look, reading.result, "live", now)
    if ended:
        problem = reading.problem or Problem(kind="portal_error")
    else:
        problem = Problem(kind="being_read", progress=reading.progress)
    if problem.kind == "being_read":
        problem = replace(problem, retry_at=now + timedelta(seconds=waiting_room.RETRY_SECONDS))
    if look.known:
        listing = _served(look, look.known, "stale", now, problem, refreshing=not ended)
        return replace(listing, progress=problem.progress)
    raise _nothing(look, problem)


def is_fresh(generation: Generation, now: datetime) -> bool:
    """Tell whether a generation is young enough to be shown without asking again."""
    fresh: float = settings.DCS_FRESH_SECONDS
    if generation.running:
        fresh = min(fresh, RUNNING_FRESH_SECONDS)
    # A reading from the future is one of a clock that was put back.
    return timedelta(seconds=-5) <= now - generation.read_at < timedelta(seconds=fresh)


def _nothing(look: Look, problem: Problem) -> NothingToShow:
    metrics.listing_served(look.subject.project.name, "none")
    return NothingToShow(problem)


def _served(
    look: Look,
    known: Known,
    source: Source,
    now: datetime,
    problem: Problem | None = None,
    *,
    refreshing: bool = False,
) -> Listing[Any]:
    generation, kept = known
    if look.subject.kind != "instance":  # which only adorns the page of another list
        age = (now - generation.read_at).total_seconds()
        metrics.listing_served(look.subject.project.name, source, age)
    return Listing(
        kept=kept,
        generation=generation.id,
        pages=generation.pages,
        read_at=generation.read_at,
        source=source,
        promised=generation.promised,
        moved=generation.moved,
        truncated=generation.truncated,
        windowed=look.subject.window is not None,
        cut_short=generation.cut_short,
        request_ids=generation.request_ids,
        problem=problem,
        refreshing=refreshing,
    )
