"""One backup as its calendar slot decides it, and one row of an instance's list of backups."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .http import json_bytes

NAMESPACE = uuid.UUID("8f6e0a52-3f2b-5c1e-9d0a-646373626163")
SERVICE_ZONE = timedelta(hours=8)
ERROR_CODES = tuple(f"dcs.08.000{number}" for number in range(1, 9))
MISSING = object()

Json = dict[str, Any]


class Row(NamedTuple):
    """One backup record, serialised once: a page of 1000 is then a join of bytes.

    `created` is the time that the service itself goes by, also where the record
    that it shows has an odd created_at; None sorts last and is in no window.
    """

    created: datetime | None
    backup_id: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """One backup as its slot decided it, before anyone asks when. It is automatic if it has a period.

    `changes` are fields that its record has instead of the ordinary ones, or has not (MISSING).
    """

    instance_id: str
    backup_id: str
    created: datetime
    seconds: float
    size: int
    period: str | None = None
    remark: str | None = None
    error_code: str | None = None
    restorable: bool = True
    wait: float = 5.3
    kept_until: datetime | None = None
    ends_as: str = "deleted"
    file_format: str = "rdb"
    changes: Json = field(default_factory=dict)

    @property
    def started(self) -> datetime:
        return self.created + timedelta(seconds=self.wait)

    @property
    def finished(self) -> datetime:
        return self.started + timedelta(seconds=self.seconds)

    def record(self, now: datetime) -> Json:
        """Return the API's JSON object for this backup as of `now`."""
        status = self._status(now)
        record: Json = {
            "period": self.period,
            "backup_type": "auto" if self.period else "manual",
            "created_at": iso(self.created),
            "execution_at": None if status == "waiting" else iso(self.started),
            "remark": self.remark,
            "is_support_restore": "TRUE" if status == "succeed" and self.restorable else "FALSE",
            "backup_id": self.backup_id,
            # In the service's own zone: never a time to rely on.
            "backup_name": f"backup_{self.created + SERVICE_ZONE:%Y%m%d%H%M%S}",
            "instance_id": self.instance_id,
            "size": self.size if status in {"succeed", "expired", "deleted"} else 0,
            "updated_at": iso(self._changed(status, now)),
            "progress": self._progress(status, now),
            "error_code": self.error_code if status == "failed" else None,
            "status": status,
            "backup_format": self.file_format,
        }
        return {name: value for name, value in (record | self.changes).items() if value is not MISSING}

    def _status(self, now: datetime) -> str:
        if now < self.started:
            return "waiting"
        if now < self.finished:
            return "backuping"
        if self.error_code:
            return "failed"
        if self.kept_until and now >= self.kept_until:
            return self.ends_as
        return "succeed"

    def _changed(self, status: str, now: datetime) -> datetime:
        """Return updated_at: of an expired or deleted backup it is the time when that came about."""
        if status in {"waiting", "backuping"}:
            return now
        return self.kept_until if self.kept_until and status == self.ends_as else self.finished

    def _progress(self, status: str, now: datetime) -> str:
        if status == "waiting":
            return "0.00"
        if status == "backuping":
            return f"{(now - self.started).total_seconds() / self.seconds * 100:.2f}"
        return f"{noise(self.backup_id, 9) * 100:.2f}" if status == "failed" else "100.00"


def rows_of(attempts: Iterable[Attempt], now: datetime) -> list[Row]:
    """Return what the API would list: the attempts that have begun, newest first."""
    return newest_first([_row(one.record(now), one.created) for one in attempts if one.created <= now])


def row_of(record: Json) -> Row:
    """Return the row of a record from elsewhere: it sorts by its created_at, last where that is no time."""
    try:
        created = datetime.fromisoformat(str(record.get("created_at", "")))
    except ValueError:
        return _row(record, None)
    return _row(record, created if created.tzinfo else created.replace(tzinfo=UTC))


def newest_first(rows: Iterable[Row]) -> list[Row]:
    def age(row: Row) -> tuple[bool, datetime, str]:
        return row.created is not None, row.created or datetime.min.replace(tzinfo=UTC), row.backup_id

    return sorted(rows, key=age, reverse=True)


def _row(record: Json, created: datetime | None) -> Row:
    return Row(created, str(record.get("backup_id", "")), json_bytes(record))


def stable_id(*names: object) -> str:
    """Return the id that these names have today, tomorrow and after a restart."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, names))))


def noise(stable: str, draw: int = 0) -> float:
    """Return a number in [0, 1) that belongs to this id: the fleet's dice never roll twice."""
    return int(stable[:8], 16) * (2 * draw + 1) % 65521 / 65521


def iso(moment: datetime) -> str:
    """Return a time as the API prints it: `2019-05-10T08:31:16.166Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
