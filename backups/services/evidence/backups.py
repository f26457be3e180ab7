"""What is known of single backups over time: when they were there, and how they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from django.db.models import QuerySet

from ...dcs.pages import backups_of_raw, decode
from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...models import Backup, Change, CloudProject, Instance
from ..listings import Listing, of_projects, record_of, row_id
from ..projects import Project

# What a change is told by, in the words of backups.json; a running backup's progress is not kept.
FIELDS = (
    "status",
    "restorable",
    "error_code",
    "name",
    "type",
    "format",
    "size_bytes",
    "created_at",
    "started_at",
    "finished_at",
    "description",
)


@dataclass(frozen=True)
class Interval:
    """When something came to be: after one reading of the list (None: before any), and by the next."""

    after: datetime | None
    seen_at: datetime


@dataclass(frozen=True)
class FieldChange:
    """One field of a record: the value that it had and the one that it got."""

    field: str
    was: Any
    now: Any


@dataclass(frozen=True)
class RecordChange:
    """What a record said before and after; None where the list did not hold it."""

    seen: Interval
    was: BackupRecord | None
    now: BackupRecord | None

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """Return what has changed; `listed` where the record left the list or came back."""
        if self.was is None or self.now is None:
            return (FieldChange("listed", self.was is not None, self.now is not None),)
        pairs = ((name, getattr(self.was, name), getattr(self.now, name)) for name in FIELDS)
        return tuple(FieldChange(name, was, now) for name, was, now in pairs if was != now)


@dataclass(frozen=True)
class Evidence:
    """One backup: its JSON as it was read last, when it was first and last seen, and how it changed.

    `last_seen` is the last reading that held it; `gone` is when it left the list, None while it is there.
    `missing`: when it left with over half of the list, which no later reading has confirmed yet.
    """

    sent: bytes
    first_seen: Interval
    last_seen: datetime
    gone: Interval | None = None
    missing: Interval | None = None
    changes: tuple[RecordChange, ...] = ()

    @classmethod
    def of_reading(cls, read_at: datetime, sent: bytes = b"") -> Evidence:
        """Return what is known of a backup that has just been read for the first time."""
        return cls(sent, Interval(None, read_at), read_at)

    def known_at(self, read_at: datetime) -> Evidence:
        """Return what was known of it when its list was read at a time."""
        return replace(
            self,
            last_seen=min(self.last_seen, read_at),
            gone=self.gone if self.gone and self.gone.seen_at <= read_at else None,
            changes=tuple(change for change in self.changes if change.seen.seen_at <= read_at),
        )

    @property
    def received(self) -> dict[str, Any]:
        """Each field as DCS sent it."""
        found = decode(self.sent)
        return found if isinstance(found, dict) else {}

    @cached_property
    def record(self) -> BackupRecord:
        """The record as it was read last; what the list no longer holds says so."""
        [record] = backups_of_raw([self.sent])
        presence = "unlisted" if self.gone else "missing" if self.missing else "listed"
        return msgspec.structs.replace(record, presence=presence)


def evidence_of(
    listing: Listing[BackupRecord], backup_ids: Collection[str] | None = None
) -> dict[str, Evidence]:
    """Return what is kept of the backups of a list, also of those that it no longer holds, by row id.

    Those of `backup_ids` alone where given. What this process has just read and not written yet is dated by
    that reading. Two queries. Raises django.db.Error.
    """
    unwritten = listing.decoded.sent
    instance = listing.instance or listing.decoded.instance
    rows = Backup.objects.filter(instance=instance)
    changes = Change.objects.filter(backup__instance=instance)
    if backup_ids is not None:
        rows = rows.filter(backup_id__in=backup_ids)
        changes = changes.filter(backup__backup_id__in=backup_ids)
    changed = _changes(changes)
    found = {
        one: Evidence.of_reading(listing.read_at, sent)
        for one, sent in unwritten.items()
        if backup_ids is None or one in backup_ids
    }
    for one, sent, first, gone, is_doubtful in _rows(rows):
        found[one] = _evidence(
            unwritten.get(one, sent), first, gone, is_doubtful, changed.get(one, ()), listing.read_at
        )
    return found


def last_seen(listing: Listing[BackupRecord], records: Iterable[BackupRecord]) -> dict[str, datetime]:
    """Return when those of some records were last seen that the list does not hold, by row id.

    No query where it holds all of them. Raises django.db.Error.
    """
    ids = [row_id(record) for record in records if record.presence != "listed"]
    known = evidence_of(listing, ids) if ids else {}
    return {one: evidence.last_seen for one, evidence in known.items()}


def _rows(rows: QuerySet[Backup]) -> Iterator[tuple[str, bytes, Interval, Interval | None, bool | None]]:
    """Yield each backup's id and JSON, when it was first seen, and when it was gone: without a model each."""
    first, gone = (
        ("first__previous__last_at", "first__first_at"),
        ("gone__previous__last_at", "gone__first_at"),
    )
    columns = rows.order_by("pk").values_list("backup_id", "record", *first, *gone, "gone__is_doubtful")
    for one, sent, first_after, first_at, gone_after, gone_at, is_doubtful in columns:
        left = Interval(gone_after, gone_at) if gone_at else None
        yield one, bytes(sent), Interval(first_after, first_at), left, is_doubtful


def _evidence(
    sent: bytes,
    first: Interval,
    left: Interval | None,
    is_doubtful: bool | None,
    changes: tuple[RecordChange, ...],
    read_at: datetime,
) -> Evidence:
    return Evidence(
        sent,
        first,
        last_seen=(left.after or left.seen_at) if left else read_at,
        gone=None if is_doubtful else left,
        missing=left if is_doubtful else None,
        changes=changes,
    )


def _changes(changes: QuerySet[Change]) -> dict[str, tuple[RecordChange, ...]]:
    """Return the changes by row id: a row tells what was before it, so what was after stands in the next."""
    before: dict[str, list[tuple[Interval, bytes]]] = {}
    last: dict[str, bytes] = {}
    interval = "reading__previous__last_at", "reading__first_at"
    told = changes.order_by("reading", "pk").values_list(
        "backup__backup_id", "backup__record", "before", *interval
    )
    for one, current, was, after, seen_at in told:
        before.setdefault(one, []).append((Interval(after, seen_at), bytes(was)))
        last[one] = bytes(current)
    return {one: tuple(_record_changes(states, last[one])) for one, states in before.items()}


def _record_changes(before: list[tuple[Interval, bytes]], current: bytes) -> Iterator[RecordChange]:
    states = [backups_of_raw([sent])[0] if sent else None for sent in (*(was for _, was in before), current)]
    for (seen, _), was, now in zip(before, states, states[1:], strict=False):
        yield RecordChange(seen, was, now)


# By an id of the cloud, whichever instance it belongs to ----------------------

KnownBackup = tuple[Project, InstanceRecord, BackupRecord]
KnownInstance = tuple[Project, InstanceRecord]


def backups_by_id(ids: Collection[str], projects: Sequence[Project]) -> tuple[KnownBackup, ...]:
    """Return the backups of these projects that have such an id, also what DCS no longer lists.

    Raises django.db.Error.
    """
    # By the id alone, which is looked up in its index: a database that is told the projects as well may go
    # through all of their instances instead.
    rows = Backup.objects.filter(backup_id__in=ids)
    found = list(rows.select_related("instance__project").order_by("pk"))
    records = backups_of_raw(bytes(row.record) for row in found)
    return tuple(
        (project, _record(row.instance), record)
        for row, record in zip(found, records, strict=True)
        for project in _named(row.instance.project, projects)
    )


def instances_by_id(ids: Collection[str], projects: Sequence[Project]) -> tuple[KnownInstance, ...]:
    """Return the instances of these projects that have such an id, also those that are gone.

    Raises django.db.Error.
    """
    found = (
        Instance.objects.filter(of_projects(projects), instance_id__in=ids)
        .select_related("project")
        .order_by("pk")
    )
    return tuple((project, _record(row)) for row in found for project in _named(row.project, projects))


def _named(row: CloudProject, projects: Sequence[Project]) -> Iterator[Project]:
    """Yield which of the projects are this one of the cloud: none, one, or two names of it."""
    for project in projects:
        if project.of_cloud == (row.endpoint, row.project_id):
            yield project


def _record(row: Instance) -> InstanceRecord:
    # Where none is kept, its history alone was read.
    return record_of(row.listed or row.shown) or InstanceRecord.from_api({"instance_id": row.instance_id})
