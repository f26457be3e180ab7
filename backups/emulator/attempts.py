"""One backup as its calendar slot decides it: id, times, size, and how it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .inventory import GIB, Instance, Json, Row, iso, newest_first, noise, row, slot_of, stable_id

SERVICE_ZONE = timedelta(hours=8)
ERROR_CODES = tuple(f"dcs.08.000{number}" for number in range(1, 9))
MISSING = object()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One backup as its slot decided it, before anyone asks when.

    `changes` are fields that its record has instead of the ordinary ones, or has not (MISSING).
    """

    backup_id: str
    created: datetime
    seconds: float
    size: int
    auto: bool = True
    remark: str | None = None
    error_code: str | None = None
    restorable: bool = True
    wait: float = 5.3
    kept_until: datetime | None = None
    ends_as: str = "expired"
    file_format: str = "rdb"
    changes: Json = field(default_factory=dict)

    @property
    def started(self) -> datetime:
        return self.created + timedelta(seconds=self.wait)

    @property
    def finished(self) -> datetime:
        return self.started + timedelta(seconds=self.seconds)

    def record(self, instance: Instance, now: datetime) -> Json:
        """Return the API's JSON object for this backup as of `now`."""
        status = self._status(now)
        record: Json = {
            "period": slot_of(instance.backup_hour) if self.auto else None,
            "backup_type": "auto" if self.auto else "manual",
            "created_at": iso(self.created),
            "execution_at": None if status == "waiting" else iso(self.started),
            "remark": self.remark,
            "is_support_restore": "TRUE" if status == "succeed" and self.restorable else "FALSE",
            "backup_id": self.backup_id,
            # In the service's own zone: never a time to rely on.
            "backup_name": f"backup_{self.created + SERVICE_ZONE:%Y%m%d%H%M%S}",
            "instance_id": instance.instance_id,
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


def rows(instance: Instance, attempts: Iterable[Attempt], now: datetime) -> list[Row]:
    """Return what the API would list: the attempts that have begun, newest first."""
    begun = [attempt for attempt in attempts if attempt.created <= now]
    return newest_first([row(attempt.record(instance, now), attempt.created) for attempt in begun])


def automatic(instance: Instance, day: date, *, attempt: int = 0, **fields: Any) -> Attempt:
    """Return a day's scheduled backup; a further attempt follows an hour after the one before."""
    backup_id = stable_id(instance.instance_id, "auto", day, attempt)
    created = _at_hour(day, instance.backup_hour + attempt, noise(backup_id) * 240)
    return Attempt(
        backup_id=backup_id,
        created=created,
        seconds=_seconds(instance, backup_id),
        size=size_of(instance, created, backup_id),
        wait=2 + round(noise(backup_id, 2) * 9, 3),
        kept_until=created + timedelta(days=instance.save_days),
        **fields,
    )


def manual(instance: Instance, day: date, *, kept: timedelta | None = None, **fields: Any) -> Attempt:
    """Return a backup that somebody made on this day in office hours; nothing deletes it before `kept`."""
    backup_id = stable_id(instance.instance_id, "manual", day)
    created = _at_hour(day, 9, noise(backup_id) * 6 * 3600)
    return Attempt(
        backup_id=backup_id,
        created=created,
        seconds=_seconds(instance, backup_id) * 1.1,
        size=size_of(instance, created, backup_id),
        auto=False,
        kept_until=created + kept if kept else None,
        ends_as="deleted",
        **fields,
    )


def days_back(now: datetime, count: int) -> Iterator[date]:
    return (now.date() - timedelta(days=back) for back in range(count))


def _at_hour(day: date, hour: int, seconds: float) -> datetime:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(hours=hour, milliseconds=int(seconds * 1000))


_GROWTH_FROM = datetime(2024, 6, 1, tzinfo=UTC)


def size_of(instance: Instance, created: datetime, backup_id: str) -> int:
    """Return bytes: about half of the memory, more every month, never twice the same."""
    months = (created - _GROWTH_FROM).total_seconds() / (30 * 86_400)
    share = min(max(0.35 + 0.006 * months, 0.05), 0.9)
    return int(instance.capacity_gb * GIB * share * (0.98 + 0.04 * noise(backup_id, 5)))


# At 4 GB. A cluster writes one file per shard, so it takes longer than one pair.
_BASE_SECONDS = {"single": 60, "ha": 62, "ha_rw_split": 75, "proxy": 190, "cluster": 260}


def _seconds(instance: Instance, backup_id: str) -> float:
    base = _BASE_SECONDS[instance.cache_mode] * (0.8 + min(instance.capacity_gb, 64) / 20)
    return round(float(base) * (0.85 + 0.5 * noise(backup_id, 7)), 3)
