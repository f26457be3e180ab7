"""Backup histories and lists of instances, as views ask for them.

An instance that nobody knows of costs DCS one call, and a viewer has a few of these a minute.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ...dcs.records import BackupRecord, Instance, RestoreRecord
from ..projects import Project
from . import guard, reader, rows, store
from .generations import Cached
from .guard import CacheSnapshot, snapshots
from .listing import Listing, NothingToShow, Visit, awaited, is_fresh, listing_of
from .subjects import Subject, Window, window_of

# Instances that nobody knows of and that one viewer may have DCS asked for, in a minute.
MOST_UNKNOWN = 10
# Tabs that are opened together want one reading, and count as one.
ONE_WISH_SECONDS = 2


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
    holding: Collection[str] = (),
    read_now: bool = False,
    patience: float | None = None,
    viewer: str = "",
) -> Listing[BackupRecord]:
    """Return all backup records of an instance. Raises NothingToShow and TooManyUnknown.

    `read_now` asks DCS, unless somebody did so in the last seconds; a backup of `holding` that the listing
    never had does so too, since a ticket may link one that is newer. Of a history longer than DCS_MAX_RECORDS
    the part within `bounds` is read, else its newest part. `patience` is in seconds. A `viewer` has a share
    of what is read at a time, and of unknown instances in a minute.
    """
    [snapshot] = snapshots(Subject("backups", project, instance_id))
    visit = Visit(now, viewer, patience)
    return _backups(snapshot, visit, _standing(snapshot, visit), bounds, holding, read_now)


def backups_and_instance(
    project: Project,
    instance_id: str,
    *,
    now: datetime,
    bounds: Window = (None, None),
    holding: Collection[str] = (),
    patience: float | None = None,
    newer_within: float | None = None,
    viewer: str = "",
) -> tuple[Listing[BackupRecord], Instance | None]:
    """Return what `instance_backups` does, and the instance itself where DCS tells, by one look-up.

    What is at hand and old is read again first where that takes no longer than `newer_within` seconds.
    The instance never holds a history up; one that is not known to exist is asked for after it.
    """
    snapshot, of_instance = snapshots(
        Subject("backups", project, instance_id), Subject("instance", project, instance_id)
    )
    visit = Visit(now, viewer, patience, newer_within)
    standing = _standing(snapshot, visit)
    wanted = of_instance.cached is None and guard.refusal(of_instance, now) is None
    reading = visit.begin(of_instance) if wanted and standing.kind == "listed" else None
    listing = _backups(snapshot, visit, standing, bounds, holding)
    if wanted:
        reading = reading or visit.begin(of_instance)
    try:
        shown = awaited(of_instance, reading, visit) if reading else listing_of(of_instance, visit)
    except NothingToShow as nothing:
        if nothing.problem.kind == "not_found" and not listing.total and not listing.unlisted:
            raise
        return listing, None
    return listing, shown.records[0]


def instance_restores(
    project: Project, instance_id: str, *, now: datetime, patience: float | None = None, viewer: str = ""
) -> Listing[RestoreRecord]:
    """Return the restores into an instance, not older than a list that is fresh, unless DCS does not answer.

    Raises NothingToShow and TooManyUnknown.
    """
    snapshot, of_backups = snapshots(
        Subject("restores", project, instance_id), Subject("backups", project, instance_id)
    )
    visit = Visit(now, viewer, patience)
    if snapshot.cached:
        return listing_of(snapshot, visit, read_now=not is_fresh(snapshot.cached.generation, now))
    standing = _standing(of_backups, visit)
    listing = listing_of(snapshot, visit)
    standing.uncount()  # DCS knows it
    return listing


def cached_histories(wanted: Iterable[tuple[Project, str]]) -> list[CacheSnapshot]:
    """Return what is known of the histories of instances, without asking DCS."""
    return snapshots(*(Subject("backups", project, instance_id) for project, instance_id in wanted))


def _backups(
    snapshot: CacheSnapshot,
    visit: Visit,
    standing: _Standing,
    bounds: Window,
    holding: Collection[str],
    read_now: bool = False,
) -> Listing[BackupRecord]:
    subject, cached, once = snapshot.subject, snapshot.cached, standing.kind == "unlisted"
    known_at = cached.generation.read_at if cached else None
    read_now = read_now and guard.may_insist(subject, "refresh", visit.now, read_at=known_at)
    listing: Listing[BackupRecord] = listing_of(snapshot, visit, read_now=read_now, once=once)
    lacked = _lacked(listing, holding) if holding else ()
    if lacked and listing.source != "live" and not listing.problem:
        wishes = [guard.may_insist(subject, one, visit.now, read_at=listing.read_at) for one in lacked]
        read_now = any(wishes)
        listing = listing_of(snapshot, visit, read_now=read_now, once=once)
    if listing.truncated and bounds != (None, None):
        [part] = snapshots(replace(subject, window=window_of(bounds)))
        try:
            listing = replace(listing_of(part, visit, read_now=read_now, once=once), newest_part=listing)
        except NothingToShow as nothing:
            # Its newest records are at hand, and said not to be all.
            listing = replace(listing, problem=nothing.problem)
    if listing.total:
        standing.uncount()  # DCS knows it
    return listing


def _lacked(listing: Listing[BackupRecord], wanted: Collection[str]) -> set[str]:
    """Return the ids of those that a list does not hold and is not known to have held."""
    lacked = set(wanted) - {record.backup_id for record in listing.records}
    nothing: set[str] = set()
    if lacked and listing.unlisted:
        lacked -= store.asked(lambda: rows.unlisted_ids(listing.instance, lacked), nothing)
    return lacked


# Instances -------------------------------------------------------------------


def project_instances(
    project: Project, *, now: datetime, patience: float | None = None, viewer: str = ""
) -> Listing[Instance]:
    """Return all instances of a project, whose rows hold them by then. Raises NothingToShow."""
    [snapshot] = snapshots(Subject("instances", project))
    return listing_of(snapshot, Visit(now, viewer, patience))


def notes_of_instances(projects: Iterable[Project]) -> list[CacheSnapshot]:
    """Return what is known of the lists of projects, without asking DCS."""
    return snapshots(*(Subject("instances", project) for project in projects))


def cached_instance(project: Project, instance_id: str) -> Instance | None:
    """Return the instance that is at hand without asking DCS, however old; the project's list tells less."""
    [instance] = cached_instances([(project, instance_id)])
    return instance


def cached_instances(wanted: Sequence[tuple[Project, str]]) -> list[Instance | None]:
    """Return the instances that are at hand without asking DCS, however old, by one look-up in the store."""
    projects = list(dict.fromkeys(project for project, _ in wanted))
    shown = [Subject("instance", project, instance_id) for project, instance_id in wanted]
    found = snapshots(*shown, *(Subject("instances", project) for project in projects))
    lists = {snapshot.subject.project: snapshot.cached for snapshot in found[len(wanted) :]}
    return [
        by_id(snapshot.cached, instance_id) or by_id(lists[project], instance_id)
        for snapshot, (project, instance_id) in zip(found, wanted, strict=False)
    ]


def at_hand(
    projects: Iterable[Project], *, now: datetime, viewer: str = ""
) -> list[tuple[Project, Instance]]:
    """Return the instances in the lists that are at hand; a list that is not is begun to be read."""
    found = []
    for snapshot in notes_of_instances(projects):
        if snapshot.cached:
            project = snapshot.subject.project
            found += [(project, instance) for instance in snapshot.cached.decoded.records]
        elif guard.refusal(snapshot, now) is None:
            reader.begin(snapshot, now=now, viewer=viewer)
    return found


def by_id(cached: Cached | None, instance_id: str) -> Instance | None:
    instances = cached.decoded.records if cached else ()
    return next((one for one in instances if one.instance_id == instance_id), None)


# Unknown instances -----------------------------------------------------------


@dataclass(frozen=True)
class _Standing:
    """What the list of its project, as far as that is at hand, says of an instance that a viewer names.

    `counted`: as what it was counted among the viewer's unknown ones, and when.
    """

    kind: Literal["listed", "unlisted", "unsure"] = "listed"
    counted: tuple[str, float] | None = None

    def uncount(self) -> None:
        if self.counted:
            store.count(*self.counted, -1)


def _standing(snapshot: CacheSnapshot, visit: Visit) -> _Standing:
    """Tell whether a viewer wants a history that is not at hand, of an instance that its project may lack.

    Where DCS is to be asked for it, that is counted; not again while DCS fails to say whether it knows it.
    Raises TooManyUnknown.
    """
    subject, failure = snapshot.subject, snapshot.failure
    if not visit.viewer or snapshot.cached:
        return _Standing()
    [instances] = snapshots(Subject("instances", subject.project))
    if by_id(instances.cached, subject.instance_id):
        return _Standing()
    standing = _Standing("unlisted" if instances.cached else "unsure")
    if failure and failure.kind not in ("not_found", "rejected"):
        return standing
    if guard.refusal(snapshot, visit.now, trial=False) or not reader.would_start(subject, visit.viewer):
        return standing
    counted = f"unknown:viewer-{visit.viewer}", time.time()
    is_new = store.add(f"wish:{visit.viewer}:{subject.key}", seconds=ONE_WISH_SECONDS) is not False
    count = store.count(*counted, 1 if is_new else 0)
    if count <= MOST_UNKNOWN:
        return replace(standing, counted=counted) if is_new else standing
    if _is_listed_now(instances, subject.instance_id, visit):
        return _Standing()
    raise TooManyUnknown(count if is_new else store.count(*counted))


def _is_listed_now(snapshot: CacheSnapshot, instance_id: str, visit: Visit) -> bool:
    """Read the list of a project, by which real instances are told from made-up ones, unless it is fresh."""
    if snapshot.cached and is_fresh(snapshot.cached.generation, visit.now):
        return False
    if guard.refusal(snapshot, visit.now, trial=False):
        return False
    reading = visit.begin(snapshot)
    reading.wait(visit.left(), viewer=visit.viewer)
    return by_id(reading.result, instance_id) is not None
