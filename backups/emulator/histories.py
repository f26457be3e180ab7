"""Lifelike backup histories.

A history is made of slots on the calendar (a day, an hour, five minutes). The
slot alone decides a record's id, times, size and how it ended; the time of
asking decides only which slots have come, how far a running one is, and what
has expired since. So a link to a record survives a restart of the emulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .inventory import GIB, Instance, Json, Row, iso, newest_first, noise, row, stable_id

SERVICE_ZONE = timedelta(hours=8)
ERROR_CODES = tuple(f"dcs.08.000{number}" for number in range(1, 9))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One backup as its slot decided it, before anyone asks when."""

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

    @property
    def started(self) -> datetime:
        return self.created + timedelta(seconds=self.wait)

    @property
    def finished(self) -> datetime:
        return self.started + timedelta(seconds=self.seconds)

    def row(self, instance: Instance, now: datetime) -> Row:
        return row(self.record(instance, now), self.created)

    def record(self, instance: Instance, now: datetime) -> Json:
        """Return the API's JSON object for this backup as of `now`."""
        status = self.status(now)
        done = status in {"succeed", "expired", "deleted"}
        return {
            "period": f"{instance.backup_hour:02d}:00-{(instance.backup_hour + 1) % 24:02d}:00"
            if self.auto
            else None,
            "backup_type": "auto" if self.auto else "manual",
            "created_at": iso(self.created),
            "execution_at": None if status == "waiting" else iso(self.started),
            "remark": self.remark,
            "is_support_restore": "TRUE" if status == "succeed" and self.restorable else "FALSE",
            "backup_id": self.backup_id,
            "backup_name": backup_name(self.created),
            "instance_id": instance.instance_id,
            "size": self.size if done else 0,
            "updated_at": iso(self._changed(status, now)),
            "progress": self._progress(status, now),
            "error_code": self.error_code if status == "failed" else None,
            "status": status,
            "backup_format": self.file_format,
        }

    def status(self, now: datetime) -> str:
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
        if self.kept_until and status == self.ends_as:
            return self.kept_until
        return self.finished

    def _progress(self, status: str, now: datetime) -> str:
        if status == "waiting":
            return "0.00"
        if status == "backuping":
            return f"{(now - self.started).total_seconds() / self.seconds * 100:.2f}"
        return f"{noise(self.backup_id, 9) * 100:.2f}" if status == "failed" else "100.00"


def backup_name(created: datetime) -> str:
    """Return the name that the service gives, in its own zone: never a time to rely on."""
    return f"backup_{created + SERVICE_ZONE:%Y%m%d%H%M%S}"


def empty(instance: Instance, now: datetime) -> list[Row]:
    """A history without a backup: the API answers 204."""
    return []


def daily(
    instance: Instance,
    now: datetime,
    *,
    days: int = 30,
    fails_every: int = 13,
    manual_every: int = 11,
    remarks: Sequence[str] = ("before release", "ticket INC-20418", "before scaling out", "quarterly copy"),
    file_format: str = "rdb",
) -> list[Row]:
    """An automatic backup a day, kept for save_days; some fail and are tried again; some manual ones."""
    attempts: list[Attempt] = []
    for day in days_back(now, days):
        ordinal = day.toordinal()
        failed = ordinal % fails_every == 3
        if failed:
            code = ERROR_CODES[1 if ordinal % 2 else 7]
            attempts.append(automatic(instance, day, error_code=code, file_format=file_format))
        attempts.append(automatic(instance, day, attempt=int(failed), file_format=file_format))
        if ordinal % manual_every == 7:
            attempts.append(manual(instance, day, remark=remarks[ordinal // manual_every % len(remarks)]))
    return rows(instance, attempts, now)


def always_failing(instance: Instance, now: datetime, *, days: int = 20) -> list[Row]:
    """Not one backup ever succeeded; every error code has its day."""
    attempts = [
        automatic(instance, day, error_code=ERROR_CODES[day.toordinal() % len(ERROR_CODES)])
        for day in days_back(now, days)
    ]
    return rows(instance, attempts, now)


def failing_week(instance: Instance, now: datetime, *, days: int = 42) -> list[Row]:
    """One week in four everything fails, three attempts a day, as the schedule allows at most."""
    attempts: list[Attempt] = []
    for day in days_back(now, days):
        if day.toordinal() // 7 % 4 == 1:
            attempts += [
                automatic(
                    instance, day, attempt=n, error_code=("dcs.08.0008", "dcs.08.0002", "dcs.08.0001")[n]
                )
                for n in range(3)
            ]
        else:
            attempts.append(automatic(instance, day))
    return rows(instance, attempts, now)


LIVE_CYCLE = 300
LIVE_WAIT = 15.0
LIVE_SECONDS = 195.0


def live(instance: Instance, now: datetime, *, kept: int = 24, listed: int = 96) -> list[Row]:
    """A backup every five minutes: 15 s waiting, 195 s running, then done and in the history."""
    newest = int(now.timestamp()) // LIVE_CYCLE
    return rows(
        instance, [_live_attempt(instance, slot, kept) for slot in range(newest, newest - listed, -1)], now
    )


def _live_attempt(instance: Instance, slot: int, kept: int) -> Attempt:
    backup_id = stable_id(instance.instance_id, "live", slot)
    created = datetime.fromtimestamp(slot * LIVE_CYCLE, UTC)
    return Attempt(
        backup_id=backup_id,
        created=created,
        wait=LIVE_WAIT,
        seconds=LIVE_SECONDS,
        size=size_of(instance, created, backup_id),
        auto=False,
        remark="rehearsal, every five minutes",
        kept_until=created + timedelta(seconds=LIVE_CYCLE * kept),
        ends_as="deleted",
    )


def long_tail(instance: Instance, now: datetime, *, days: int = 230) -> list[Row]:
    """Two backups a day: the newest 24 files are kept, behind them a long tail of what is gone."""
    attempts: list[Attempt] = []
    for day in days_back(now, days):
        attempts.append(automatic(instance, day, remark="nightly"))
        attempts.append(manual(instance, day, remark="copy for analytics", kept=timedelta(days=17)))
    return rows(instance, attempts, now)


class Hourly:
    """`count` automatic backups, one an hour: a history to measure with.

    What has expired does not change again, so it is made once and not every hour.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._settled: dict[int, Row] = {}
        self._latest = datetime.min.replace(tzinfo=UTC)

    def __call__(self, instance: Instance, now: datetime) -> list[Row]:
        if now < self._latest:  # a clock that was set back
            self._settled.clear()
        self._latest = now
        newest = int(now.timestamp()) // 3600 - 1
        return [self._row(instance, slot, now) for slot in range(newest, newest - self._count, -1)]

    def _row(self, instance: Instance, slot: int, now: datetime) -> Row:
        known = self._settled.get(slot)
        if known:
            return known
        attempt = _hourly_attempt(instance, slot)
        made = attempt.row(instance, now)
        if attempt.kept_until and attempt.kept_until <= now:
            self._settled[slot] = made
        return made


def _hourly_attempt(instance: Instance, slot: int) -> Attempt:
    backup_id = stable_id(instance.instance_id, "hour", slot)
    created = datetime.fromtimestamp(slot * 3600 + int(noise(backup_id) * 900_000) / 1000, UTC)
    return Attempt(
        backup_id=backup_id,
        created=created,
        seconds=60 + int(noise(backup_id, 1) * 120_000) / 1000,
        size=size_of(instance, created, backup_id),
        remark=f"hour {slot % 24:02d}" if slot % 5 == 0 else None,
        error_code=ERROR_CODES[slot % 8] if slot % 37 == 0 else None,
        kept_until=created + timedelta(days=instance.save_days),
    )


def automatic(
    instance: Instance,
    day: date,
    *,
    attempt: int = 0,
    error_code: str | None = None,
    remark: str | None = None,
    restorable: bool = True,
    file_format: str = "rdb",
) -> Attempt:
    """Return a day's scheduled backup; a further attempt follows an hour after the one before."""
    backup_id = stable_id(instance.instance_id, "auto", day, attempt)
    created = at_hour(day, instance.backup_hour + attempt, noise(backup_id) * 240)
    return Attempt(
        backup_id=backup_id,
        created=created,
        seconds=_seconds(instance, backup_id),
        size=size_of(instance, created, backup_id),
        remark=remark,
        error_code=error_code,
        restorable=restorable,
        wait=2 + round(noise(backup_id, 2) * 9, 3),
        kept_until=created + timedelta(days=instance.save_days),
        file_format=file_format,
    )


def manual(
    instance: Instance,
    day: date,
    *,
    remark: str | None,
    kept: timedelta | None = None,
    error_code: str | None = None,
) -> Attempt:
    """Return a backup that somebody started during that day; it stays until it is deleted."""
    backup_id = stable_id(instance.instance_id, "manual", day)
    created = at_hour(day, 9, noise(backup_id) * 6 * 3600)
    return Attempt(
        backup_id=backup_id,
        created=created,
        seconds=_seconds(instance, backup_id) * 1.1,
        size=size_of(instance, created, backup_id),
        auto=False,
        remark=remark,
        error_code=error_code,
        kept_until=created + kept if kept else None,
        ends_as="deleted",
    )


def rows(instance: Instance, attempts: Sequence[Attempt], now: datetime) -> list[Row]:
    """Return what the API would list: the attempts that have begun, newest first."""
    return newest_first([attempt.row(instance, now) for attempt in attempts if attempt.created <= now])


def days_back(now: datetime, count: int) -> Iterator[date]:
    today = now.astimezone(UTC).date()
    return (today - timedelta(days=back) for back in range(count))


def at_hour(day: date, hour: int, seconds: float = 0.0) -> datetime:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(hours=hour, milliseconds=int(seconds * 1000))


def size_of(instance: Instance, created: datetime, backup_id: str) -> int:
    """Return bytes: about half of the memory, more every month, never twice the same."""
    months = (created - _GROWTH_FROM).total_seconds() / (30 * 86_400)
    share = min(max(0.35 + 0.006 * months, 0.05), 0.9)
    return int(instance.capacity_gb * GIB * share * (0.98 + 0.04 * noise(backup_id, 5)))


_GROWTH_FROM = datetime(2024, 6, 1, tzinfo=UTC)

# Seconds at 4 GB. A cluster writes one file per shard, so it takes longer than one pair.
_BASE_SECONDS: dict[str, Any] = {"single": 60, "ha": 62, "ha_rw_split": 75, "proxy": 190, "cluster": 260}


def _seconds(instance: Instance, backup_id: str) -> float:
    base = _BASE_SECONDS[instance.cache_mode] * (0.8 + min(instance.capacity_gb, 64) / 20)
    return round(float(base) * (0.85 + 0.5 * noise(backup_id, 7)), 3)
