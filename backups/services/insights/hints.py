"""Hints: where a history is odd, each with the rows behind it.

A hint says what the records say. How far a running backup was half an hour ago
is in no record: only when DCS last changed it, or how long ago it started, by
the time when the list was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ...dcs.records import BackupRecord
from .evidence import Evidence
from .oddities import Oddities, is_slow
from .timeline import FAILED

# What is longer ago is history.
RECENT = timedelta(days=30)
TRIES_A_DAY = 3
STILL = timedelta(minutes=30)

KINDS = (
    "newest_usable_is_old",
    "unchanged",
    "waiting_long",
    "running_long",
    "size_fell",
    "slow",
    "failed_all_day",
    "contradiction",
)


@dataclass(frozen=True)
class Hint:
    """One sentence of KINDS and what it speaks of; what a kind does not need is None.

    `record` is the backup meant and `before` the one it is compared with, `span` how
    long something took or is ago, `usual` what it is compared with, `day` a UTC day.
    """

    kind: str
    record: BackupRecord | None = None
    before: BackupRecord | None = None
    span: timedelta | None = None
    usual: timedelta | None = None
    day: date | None = None
    count: int = 0


def hints(known: Evidence, odd: Oddities, *, now: datetime) -> tuple[Hint, ...]:
    """Return what is odd, the most pressing first."""
    return (
        *_newest_usable_is_old(known, now),
        *(hint for record in odd.running for hint in _of_running(record, known.read_at, odd)),
        *_size_fell(known, odd, now),
        *_slow(odd, now),
        *_failed_all_day(known, now),
        *_contradictions(odd),
    )


def _newest_usable_is_old(known: Evidence, now: datetime) -> Iterator[Hint]:
    """By when the list was read: since then there may be a newer one."""
    newest, interval = known.records.newest("usable"), known.plan.interval
    # A newer one may be among those that could not be read.
    if not known.whole or known.records.undated or newest is None or interval is None:
        return
    age = min(now, known.read_at) - (newest.started_at or now)
    if age > 2 * interval:
        yield Hint("newest_usable_is_old", newest, span=age, usual=interval)


def _of_running(record: BackupRecord, read_at: datetime, odd: Oddities) -> Iterator[Hint]:
    started = record.started_at
    if started is None:
        return
    since, usual = read_at - started, odd.usual.get(record.type)
    if record.updated_at and record.updated_at > started and read_at - record.updated_at >= STILL:
        yield Hint("unchanged", record, span=read_at - record.updated_at)
    elif record.status == "waiting":
        if since >= STILL:
            yield Hint("waiting_long", record, span=since)
    elif is_slow(since, usual) or since >= STILL:
        yield Hint("running_long", record, span=since, usual=usual)


def _size_fell(known: Evidence, odd: Oddities, now: datetime) -> Iterator[Hint]:
    fall = odd.fall
    # Of a list with holes nobody knows which backup was the one before.
    if fall and known.whole and _is_recent(fall.after.started_at, now):
        yield Hint("size_fell", fall.after.record, before=fall.before.record)


def _slow(odd: Oddities, now: datetime) -> Iterator[Hint]:
    slow = odd.slow
    if slow and slow.record.started_at and _is_recent(slow.record.started_at, now):
        yield Hint("slow", slow.record, span=slow.took, usual=slow.usual)


def _failed_all_day(known: Evidence, now: datetime) -> Iterator[Hint]:
    """DCS tries an automatic backup three times a day at most; the day is one in UTC, as the policy's are."""
    today = now.astimezone(UTC).date()
    days = [day for back in range(RECENT.days) if _failures(known, day := today - timedelta(days=back))]
    if days:
        yield Hint("failed_all_day", day=days[0], count=len(days))


def _failures(known: Evidence, day: date) -> bool:
    start = datetime.combine(day, time(), UTC)
    return known.automatic.span(start, start + timedelta(days=1)).count(*FAILED) >= TRIES_A_DAY


def _contradictions(odd: Oddities) -> Iterator[Hint]:
    if odd.contradictions:
        yield Hint("contradiction", count=odd.contradictions)


def _is_recent(moment: datetime, now: datetime) -> bool:
    return moment >= now - RECENT
