"""One backup as its calendar slot decides it, and one row of an instance's list of backups."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
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

    def record(self, now: datetime) -> Json:
        """Return the API's JSON object for this backup as of `now`."""
        started = self.created + timedelta(seconds=self.wait)
        status, updated, progress = self._state(started, now)
        record: Json = {
            "period": self.period,
            "backup_type": "auto" if self.period else "manual",
            "created_at": iso(self.created),
            "execution_at": None if status == "waiting" else iso(started),
            "remark": self.remark,
            "is_support_restore": "TRUE" if status == "succeed" and self.restorable else "FALSE",
            "backup_id": self.backup_id,
            # In the service's own zone: never a time to rely on.
            "backup_name": f"backup_{self.created + SERVICE_ZONE:%Y%m%d%H%M%S}",
            "instance_id": self.instance_id,
            "size": 0 if status in {"waiting", "backuping", "failed"} else self.size,
            "updated_at": iso(updated),
            "progress": f"{progress:.2f}",
            "error_code": self.error_code if status == "failed" else None,
            "status": status,
            "backup_format": self.file_format,
        }
        return {name: value for name, value in (record | self.changes).items() if value is not MISSING}

    def _state(self, started: datetime, now: datetime) -> tuple[str, datetime, float]:
        """Return status, updated_at and progress; for an expired or deleted one, when that came about."""
        finished = started + timedelta(seconds=self.seconds)
        if now < started:
            return "waiting", now, 0
        if now < finished:
            return "backuping", now, (now - started).total_seconds() / self.seconds * 100
        if self.error_code:
            return "failed", finished, noise(self.backup_id, 9) * 100
        if self.kept_until and now >= self.kept_until:
            return self.ends_as, self.kept_until, 100
        return "succeed", finished, 100


def rows_of(attempts: Iterable[Attempt], now: datetime) -> list[Row]:
    """Return what the API would list: the attempts that have begun, newest first."""
    begun = [one for one in attempts if one.created <= now]
    return newest_first(Row(one.created, one.backup_id, json_bytes(one.record(now))) for one in begun)


def row_of(record: Json) -> Row:
    """Return the row of a record from elsewhere: it sorts by its created_at, last where that is no time."""
    created = None
    with suppress(ValueError):
        created = datetime.fromisoformat(str(record.get("created_at", "")))
        created = created if created.tzinfo else created.replace(tzinfo=UTC)
    return Row(created, str(record.get("backup_id", "")), json_bytes(record))


def newest_first(rows: Iterable[Row]) -> list[Row]:
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(rows, key=lambda row: (row.created or oldest, row.backup_id), reverse=True)


def stable_id(*names: object) -> str:
    """Return the id that these names have today, tomorrow and after a restart."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, names))))


def noise(stable: str, draw: int = 0) -> float:
    """Return a number in [0, 1) that belongs to this id: the fleet's dice never roll twice."""
    return int(stable[:8], 16) * (2 * draw + 1) % 65521 / 65521


def iso(moment: datetime) -> str:
    """Return a time as the API prints it: `2019-05-10T08:31:16.166Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
