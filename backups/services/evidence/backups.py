"""What is known of single backups over time: when they were there, and how they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from ...dcs.pages import backups_of_raw
from ...dcs.records import BackupRecord
from ...models import Backup, Change, Reading
from ..listings import Listing

# What a change is told by, in the words of backups.json; a running backup's progress is not kept.
FIELDS = {
    "status": "status",
    "restorable": "restorable",
    "error_code": "error_code",
    "name": "name",
    "type": "type",
    "format": "format",
    "size_bytes": "size_bytes",
    "created_at": "created_at",
    "started_at": "started_at",
    "finished_at": "finished_at",
    "description": "description",
}


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
        pairs = ((name, getattr(self.was, one), getattr(self.now, one)) for name, one in FIELDS.items())
        return tuple(FieldChange(name, was, now) for name, was, now in pairs if was != now)


@dataclass(frozen=True)
class Evidence:
    """One backup: its record as it was read last, when it was first and last seen, and how it changed.

    `last_seen` is the last reading that held it; `gone` is when it left the list, None while it is there.
    `is_missing`: it left with over half of the list, which no later reading has confirmed yet.
    """

    record: BackupRecord
    first_seen: Interval
    last_seen: datetime
    gone: Interval | None = None
    is_missing: bool = False
    changes: tuple[RecordChange, ...] = ()


def evidence_of(
    listing: Listing[BackupRecord], backup_ids: Collection[str] | None = None
) -> dict[str, Evidence]:
    """Return what is kept of the backups of a list, also of those that it no longer holds, by row id.

    Those of `backup_ids` alone where given. What a process has just read may not be written yet, and is
    not in it. Raises django.db.Error.
    """
    rows = Backup.objects.filter(instance=listing.instance)
    changes = Change.objects.filter(backup__instance=listing.instance)
    if backup_ids is not None:
        rows = rows.filter(backup_id__in=backup_ids)
        changes = changes.filter(backup__backup_id__in=backup_ids)
    return _evidence(rows, changes, listing.read_at)


def _evidence(rows: QuerySet[Backup], changes: QuerySet[Change], read_at: datetime) -> dict[str, Evidence]:
    before: dict[int, list[tuple[bytes, Interval]]] = {}
    told = changes.select_related("reading__previous").order_by("reading", "pk")
    for change in told:
        state = bytes(change.before), _interval(change.reading)
        before.setdefault(change.backup_id, []).append(state)
    found = list(rows.select_related("first__previous", "gone__previous").order_by("pk"))
    records = backups_of_raw(bytes(row.record) for row in found)
    return {
        row.backup_id: _evidence_of(row, record, before.get(row.pk, ()), read_at)
        for row, record in zip(found, records, strict=True)
    }


def _evidence_of(
    row: Backup, record: BackupRecord, before: Iterable[tuple[bytes, Interval]], read_at: datetime
) -> Evidence:
    gone = row.gone
    last_seen = read_at
    if gone:
        last_seen = gone.previous.last_at if gone.previous else gone.first_at
    return Evidence(
        record,
        _interval(row.first),
        last_seen,
        gone=_interval(gone) if gone and not gone.is_doubtful else None,
        is_missing=bool(gone and gone.is_doubtful),
        changes=tuple(_changes(list(before), record)),
    )


def _changes(before: list[tuple[bytes, Interval]], current: BackupRecord) -> Iterator[RecordChange]:
    """Yield the changes: each row tells what was before it, so what was after stands in the next."""
    states = [backups_of_raw([raw])[0] if raw else None for raw, _ in before] + [current]
    for (_, seen), was, now in zip(before, states, states[1:], strict=False):
        yield RecordChange(seen, was, now)


def _interval(reading: Reading) -> Interval:
    return Interval(reading.previous.last_at if reading.previous else None, reading.first_at)
