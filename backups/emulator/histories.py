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
        failed = ordinal % fails_every == 3 % fails_every
        if failed:
            code = ERROR_CODES[1 if ordinal % 2 else 7]
            attempts.append(automatic(instance, day, error_code=code, remark=auto_remark))
        attempts.append(
            automatic(instance, day, attempt=int(failed), remark=auto_remark, file_format=file_format)
        )
        if ordinal % manual_every == 7 % manual_every:
            attempts.append(manual(instance, day, remark=remarks[ordinal // manual_every % len(remarks)]))
    return rows(instance, attempts, now)


def always_failing(instance: Instance, now: datetime, *, days: int = 20) -> list[Row]:
    """Not one backup ever succeeded; every error code has its day."""
    attempts = [
        automatic(instance, day, error_code=ERROR_CODES[day.toordinal() % 8]) for day in days_back(now, days)
    ]
    return rows(instance, attempts, now)


def failing_week(instance: Instance, now: datetime, *, days: int = 42) -> list[Row]:
    """One week in four everything fails, three attempts a day, as the schedule allows at most."""
    codes = ("dcs.08.0008", "dcs.08.0002", "dcs.08.0001")
    attempts: list[Attempt] = []
    for day in days_back(now, days):
        if day.toordinal() // 7 % 4 == 1:
            attempts += [automatic(instance, day, attempt=n, error_code=code) for n, code in enumerate(codes)]
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
