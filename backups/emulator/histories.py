"""Lifelike backup histories.

A history is made of slots on the calendar (a day, an hour, five minutes). The
slot alone decides a record's id, times, size and how it ended; the time of
asking decides only which slots have come, how far a running one is, and what
has expired since. So a link to a record survives a restart of the emulator.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from .attempts import ERROR_CODES, Attempt, automatic, days_back, manual, rows, size_of
from .inventory import Instance, Row, noise, stable_id


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
    auto_remark: str | None = None,
    file_format: str = "rdb",
) -> list[Row]:
    """An automatic backup a day, kept for save_days; some fail and are tried again; some manual ones."""
    attempts: list[Attempt] = []
    for day in days_back(now, days):
        ordinal = day.toordinal()
        failed = ordinal % fails_every == 3
        if failed:
            code = ERROR_CODES[1 if ordinal % 2 else 7]
            attempts.append(automatic(instance, day, error_code=code, remark=auto_remark))
        attempts.append(
            automatic(instance, day, attempt=int(failed), remark=auto_remark, file_format=file_format)
        )
        if ordinal % manual_every == 7 % manual_every:
            attempts.append(manual(instance, day, remark=remarks[ordinal // manual_every % len(remarks)]))
    return rows(instance, attempts, now)


def always_failing(instance: Instance, now: datetime) -> list[Row]:
    """Not one backup ever succeeded; every error code has its day."""
    attempts = [
        automatic(instance, day, error_code=ERROR_CODES[day.toordinal() % 8]) for day in days_back(now, 20)
    ]
    return rows(instance, attempts, now)


def failing_week(instance: Instance, now: datetime) -> list[Row]:
    """One week in four everything fails, three attempts a day, as the schedule allows at most."""
    codes = ("dcs.08.0008", "dcs.08.0002", "dcs.08.0001")
    attempts: list[Attempt] = []
    for day in days_back(now, 42):
        if day.toordinal() // 7 % 4 == 1:
            attempts += [automatic(instance, day, attempt=n, error_code=code) for n, code in enumerate(codes)]
        else:
            attempts.append(automatic(instance, day))
    return rows(instance, attempts, now)


def live(instance: Instance, now: datetime) -> list[Row]:
    """A backup every five minutes: 15 s waiting, 195 s running, then done; 24 are kept, 96 listed."""
    newest = int(now.timestamp()) // 300
    attempts: list[Attempt] = []
    for slot in range(newest, newest - 96, -1):
        backup_id = stable_id(instance.instance_id, "live", slot)
        created = datetime.fromtimestamp(slot * 300, UTC)
        attempts.append(
            Attempt(
                backup_id=backup_id,
                created=created,
                wait=15.0,
                seconds=195.0,
                size=size_of(instance, created, backup_id),
                auto=False,
                remark="rehearsal, every five minutes",
                kept_until=created + timedelta(seconds=24 * 300),
                ends_as="deleted",
            )
        )
    return rows(instance, attempts, now)


def long_tail(instance: Instance, now: datetime) -> list[Row]:
    """Two backups a day: the newest 24 files are kept, behind them a long tail of what is gone."""
    attempts: list[Attempt] = []
    for day in days_back(now, 230):
        attempts.append(automatic(instance, day, remark="nightly"))
        attempts.append(manual(instance, day, remark="copy for analytics", kept=timedelta(days=17)))
    return rows(instance, attempts, now)


def hourly(instance: Instance, now: datetime, *, count: int) -> list[Row]:
    """`count` automatic backups, one an hour: a history to measure with."""
    newest = int(now.timestamp()) // 3600 - 1
    attempts: list[Attempt] = []
    for slot in range(newest, newest - count, -1):
        backup_id = stable_id(instance.instance_id, "hour", slot)
        created = datetime.fromtimestamp(slot * 3600 + int(noise(backup_id) * 900_000) / 1000, UTC)
        attempts.append(
            Attempt(
                backup_id=backup_id,
                created=created,
                seconds=60 + int(noise(backup_id, 1) * 120_000) / 1000,
                size=size_of(instance, created, backup_id),
                remark=f"hour {slot % 24:02d}" if slot % 5 == 0 else None,
                error_code=ERROR_CODES[slot % 8] if slot % 37 == 0 else None,
                kept_until=created + timedelta(days=instance.save_days),
            )
        )
    return rows(instance, attempts, now)
