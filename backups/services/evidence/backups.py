"""What is known of single backups over time: when they were there, and how they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from django.db.models import QuerySet

from ...dcs.pages import backups_of_raw, decode
from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...models import Backup, Change, Instance
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
    def of_reading(cls, read_at: datetime) -> Evidence:
        """Return what is known of a backup whose first reading could not be written."""
        return cls(b"", Interval(None, read_at), read_at)

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

    Those of `backup_ids` alone where given. Two queries.
    """
    rows = Backup.objects.filter(instance=listing.instance)
    changes = Change.objects.filter(backup__instance=listing.instance)
    if backup_ids is not None:
        rows = rows.filter(backup_id__in=backup_ids)
        changes = changes.filter(backup__backup_id__in=backup_ids)
    changed = _changes(changes)
    found = {}
    # Without a model each: they may be many.
    columns = "backup_id", "record", *_interval("first"), *_interval("gone"), "gone__is_doubtful"
    for one, sent, after, seen_at, gone_after, gone_at, is_doubtful in rows.order_by("pk").values_list(
        *columns
    ):
        left = Interval(gone_after, gone_at) if gone_at else None
        found[one] = Evidence(
            bytes(sent),
            Interval(after, seen_at),
            last_seen=(left.after or left.seen_at) if left else listing.read_at,
            gone=None if is_doubtful else left,
            missing=left if is_doubtful else None,
            changes=changed.get(one, ()),
        )
    return found


def _changes(changes: QuerySet[Change]) -> dict[str, tuple[RecordChange, ...]]:
    """Return the changes by row id: a row tells what was before it, so what was after stands in the next."""
    columns = "backup__backup_id", "backup__record", "before", *_interval("reading")
    found = {}
    told = changes.order_by("backup", "reading", "pk").values_list(*columns)
    for one, group in groupby(told, key=itemgetter(0)):
        rows = list(group)
        sent = [*(before for _, _, before, *_ in rows), rows[-1][1]]
        states = [backups_of_raw([bytes(json)])[0] if json else None for json in sent]
        seen = [Interval(*interval) for _, _, _, *interval in rows]
        found[one] = tuple(map(RecordChange, seen, states, states[1:]))
    return found


def _interval(reading: str) -> tuple[str, str]:
    return f"{reading}__previous__last_at", f"{reading}__first_at"


def last_seen(listing: Listing[BackupRecord], records: Iterable[BackupRecord]) -> dict[str, datetime]:
    """Return when those of some records were last seen that the list does not hold, by row id.

    No query where it holds all of them.
    """
    ids = [row_id(record) for record in records if record.presence != "listed"]
    known = evidence_of(listing, ids) if ids else {}
    return {one: evidence.last_seen for one, evidence in known.items()}


# By an id of the cloud, whichever instance it belongs to ----------------------

KnownBackup = tuple[Project, InstanceRecord, BackupRecord]
KnownInstance = tuple[Project, InstanceRecord]


def backups_by_id(ids: Collection[str], projects: Sequence[Project]) -> tuple[KnownBackup, ...]:
    """Return the backups of these projects that have such an id, also what DCS no longer lists."""
    # By the id alone, which is looked up in its index: a database that is told the projects as well may go
    # through all of their instances instead.
    found = list(Backup.objects.filter(backup_id__in=ids).select_related("instance__project").order_by("pk"))
    records = backups_of_raw(bytes(row.record) for row in found)
    return tuple(
        (*known, record)
        for row, record in zip(found, records, strict=True)
        for known in _known(row.instance, projects)
    )


def instances_by_id(ids: Collection[str], projects: Sequence[Project]) -> tuple[KnownInstance, ...]:
    """Return the instances of these projects that have such an id, also those that are gone."""
    rows = Instance.objects.filter(of_projects(projects), instance_id__in=ids)
    return tuple(
        known for row in rows.select_related("project").order_by("pk") for known in _known(row, projects)
    )


def _known(row: Instance, projects: Sequence[Project]) -> Iterator[KnownInstance]:
    """Yield an instance with each of the projects that it is of: none, one, or two names of it."""
    # Where none is kept, its history alone was read.
    record = record_of(row.listed or row.shown) or InstanceRecord.from_api({"instance_id": row.instance_id})
    for project in projects:
        if project.of_cloud == (row.project.endpoint, row.project.project_id):
            yield project, record
