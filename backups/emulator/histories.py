"""Lifelike backup histories.

A history is made of slots on the calendar (a day, an hour, five minutes). The
slot alone decides a record's id, times, size and how it ended; the time of
asking decides only which slots have come, how far a running one is, and what
has expired since. So a link to a record survives a restart of the emulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .contract import REFERENCE_ATTEMPT
from .inventory import Instance
from .records import ERROR_CODES, Attempt, noise, stable_id


def empty(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """A history without a backup: the API answers 204."""
    return iter(())


def daily(
    instance: Instance,
    now: datetime,
    *,
    days: int = 30,
    fails_every: int = 13,
    manual_every: int = 11,
    remarks: Sequence[str] = ("before release", "ticket INC-20418", "before scaling out", "quarterly copy"),
    auto_remark: str | None = None,
    file_format: str = "rdb",
) -> Iterator[Attempt]:
    """An automatic backup a day, kept for save_days; some fail and are tried again; some manual ones."""
    for day in _days_back(now, days):
        ordinal = day.toordinal()
        failed = ordinal % fails_every == 3
        if failed:
            code = ERROR_CODES[1 if ordinal % 2 else 7]
            yield automatic(instance, day, error_code=code, remark=auto_remark)
        yield automatic(instance, day, attempt=int(failed), remark=auto_remark, file_format=file_format)
        if ordinal % manual_every == 7 % manual_every:
            yield manual(instance, day, remark=remarks[ordinal // manual_every % len(remarks)])


def within_its_hour(instance: Instance, now: datetime, **fields: Any) -> Iterator[Attempt]:
    """A week of automatic backups, each of which begins at any time of its hour."""
    return (automatic(instance, day, within=3600, **fields) for day in _days_back(now, 8))


def failing_copies(
    instance: Instance, now: datetime, *, count: int = 3, seconds: float = 60
) -> Iterator[Attempt]:
    """Nightly backups that succeed; after each so many copies by hand, which fail after `seconds`."""
    copy: dict[str, Any] = {"error_code": "dcs.08.0002", "remark": "copy for analytics"}
    for day in _days_back(now, 14):
        yield automatic(instance, day, remark="nightly")
        for attempt in range(1, count + 1):
            yield replace(automatic(instance, day, attempt=attempt, **copy), period=None, seconds=seconds)


def first_of_all(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """One backup, on the day on which the instance was created: it takes all of it."""
    yield replace(automatic(instance, instance.created_at.date()), seconds=86_400)


_RELEASES = (
    "before release 4.12",
    "INC-20418, before the flush",
    "before scaling to 8 GB",
    "release 4.13, go/no-go",
)


def orders_cache(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """Two months of a busy shop: nightly backups kept for a week, manual ones around releases."""
    for day in _days_back(now, 60):
        ordinal = day.toordinal()
        remark = "nightly" if ordinal % 2 else None
        failed = ordinal % 9 == 4
        if failed:
            code = "dcs.08.0008" if ordinal % 2 else "dcs.08.0002"
            yield automatic(instance, day, error_code=code, remark="nightly, first attempt")
            remark = "nightly, second attempt"
        # One a week: as after a change of specification, which the API gives no reason for.
        restorable = ordinal % 7 != 5
        yield automatic(instance, day, attempt=int(failed), remark=remark, restorable=restorable)
        if ordinal % 11 == 7:
            number = ordinal // 11
            # Somebody tidies up now and then: every third one is deleted two weeks later.
            kept = None if number % 3 else timedelta(days=14)
            yield manual(instance, day, remark=_RELEASES[number % 4], kept=kept)
    yield REFERENCE_ATTEMPT


def always_failing(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """Not one backup ever succeeded; every error code has its day."""
    for day in _days_back(now, 20):
        yield automatic(instance, day, error_code=ERROR_CODES[day.toordinal() % 8])


def failing_week(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """One week in four everything fails, three attempts a day, as the schedule allows at most."""
    for day in _days_back(now, 42):
        fails = day.toordinal() // 7 % 4 == 1
        for attempt, code in enumerate(("dcs.08.0008", "dcs.08.0002", "dcs.08.0001") if fails else (None,)):
            yield automatic(instance, day, attempt=attempt, error_code=code)


def long_tail(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """Two backups a day: the newest 24 files are kept, behind them a long tail of what is gone."""
    for day in _days_back(now, 230):
        yield automatic(instance, day, remark="nightly")
        yield manual(instance, day, remark="copy for analytics", kept=timedelta(days=17))


def live(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """A backup every five minutes: 15 s waiting, 195 s running, then done; 24 are kept, 96 listed."""
    newest = int(now.timestamp()) // 300
    for slot in range(newest, newest - 96, -1):
        backup_id = stable_id(instance.instance_id, "live", slot)
        created = datetime.fromtimestamp(slot * 300, UTC)
        times = {"wait": 15, "seconds": 195, "kept_until": created + timedelta(hours=2)}
        yield _attempt(instance, backup_id, created, remark="rehearsal, every five minutes", **times)


def hourly(instance: Instance, now: datetime, *, count: int) -> Iterator[Attempt]:
    """`count` automatic backups, one an hour: a history to measure with."""
    newest = int(now.timestamp()) // 3600 - 1
    for slot in range(newest, newest - count, -1):
        backup_id = stable_id(instance.instance_id, "hour", slot)
        yield _scheduled(
            instance,
            backup_id,
            datetime.fromtimestamp(slot * 3600 + int(noise(backup_id) * 900_000) / 1000, UTC),
            seconds=60 + int(noise(backup_id, 1) * 120_000) / 1000,
            remark=f"hour {slot % 24:02d}" if slot % 5 == 0 else None,
            error_code=ERROR_CODES[slot % 8] if slot % 37 == 0 else None,
        )


def automatic(
    instance: Instance, day: date, *, attempt: int = 0, within: float = 240, **fields: Any
) -> Attempt:
    """Return a day's scheduled backup, which begins `within` so many seconds of its hour.

    A further attempt follows an hour after the one before.
    """
    backup_id = stable_id(instance.instance_id, "auto", day, attempt)
    created = _at(day, instance.backup_hour + attempt, noise(backup_id) * within)
    wait = 2 + round(noise(backup_id, 2) * 9, 3)
    return _scheduled(
        instance, backup_id, created, seconds=_seconds(instance, backup_id), wait=wait, **fields
    )


def manual(instance: Instance, day: date, *, kept: timedelta | None = None, **fields: Any) -> Attempt:
    """Return a backup that somebody made on this day in office hours; nothing deletes it before `kept`."""
    backup_id = stable_id(instance.instance_id, "manual", day)
    created = _at(day, 9, noise(backup_id) * 6 * 3600)
    fields |= {"seconds": _seconds(instance, backup_id) * 1.1, "kept_until": created + kept if kept else None}
    return _attempt(instance, backup_id, created, **fields)


def _scheduled(instance: Instance, backup_id: str, created: datetime, **fields: Any) -> Attempt:
    """Return an automatic backup, which expires after the instance's save_days."""
    kept = {"kept_until": created + timedelta(days=instance.save_days), "ends_as": "expired"}
    return _attempt(instance, backup_id, created, period=instance.backup_period, **kept, **fields)


def _attempt(instance: Instance, backup_id: str, created: datetime, **fields: Any) -> Attempt:
    size = _size(instance, created, backup_id)
    return Attempt(instance.instance_id, backup_id, created, size=size, **fields)


def _days_back(now: datetime, count: int) -> Iterator[date]:
    return (now.date() - timedelta(days=back) for back in range(count))


def _at(day: date, hour: int, seconds: float) -> datetime:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(hours=hour, milliseconds=int(seconds * 1000))


_GROWTH_FROM = datetime(2024, 6, 1, tzinfo=UTC)


def _size(instance: Instance, created: datetime, backup_id: str) -> int:
    """Return bytes: about half of the memory, more every month, never twice the same."""
    months = (created - _GROWTH_FROM) / timedelta(days=30)
    share = min(max(0.35 + 0.006 * months, 0.05), 0.9)
    return int(instance.capacity_gb * 1024**3 * share * (0.98 + 0.04 * noise(backup_id, 5)))


# At 4 GB. A cluster writes one file per shard, so it takes longer than one pair.
_BASE_SECONDS = {"single": 60, "ha": 62, "ha_rw_split": 75, "proxy": 190, "cluster": 260}


def _seconds(instance: Instance, backup_id: str) -> float:
    base = _BASE_SECONDS[instance.cache_mode] * (0.8 + min(instance.capacity_gb, 64) / 20)
    return round(float(base) * (0.85 + 0.5 * noise(backup_id, 7)), 3)
