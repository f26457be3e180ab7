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
from .timeline import FAILED, Attempt, KnownHistory, between, count, newest

# What is longer ago is history.
RECENT = timedelta(days=30)
TRIES_A_DAY = 3
STILL = timedelta(minutes=30)
TIMES_USUAL = 5
# Five times of a few seconds is no matter.
LEAST_SLOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Hint:
    """What one sentence speaks of; what its kind does not need is None.

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


def hints(known: KnownHistory) -> tuple[Hint, ...]:
    """Return what is odd, the most pressing first."""
    return (
        *_newest_usable_is_old(known),
        *(hint for attempt in known.timeline.running for hint in _of_running(attempt, known)),
        *_size_fell(known),
        *_slow(known),
        *_failed_all_day(known),
        *_contradictions(known),
    )


def _newest_usable_is_old(known: KnownHistory) -> Iterator[Hint]:
    """By when the list was read: since then there may be a newer one."""
    usable, interval = newest(known.timeline.attempts, "usable"), known.plan.interval
    # A newer one may be among those that could not be read.
    if not known.whole or known.timeline.undated or usable is None or interval is None:
        return
    age = min(known.now, known.read_at) - (usable.started_at or known.now)
    if age > 2 * interval:
        yield Hint("newest_usable_is_old", usable, span=age, usual=interval)


def _of_running(attempt: Attempt, known: KnownHistory) -> Iterator[Hint]:
    started, _, record = attempt
    since, usual = known.read_at - started, known.timeline.usual_durations.get(record.type)
    if record.updated_at and record.updated_at > started and known.read_at - record.updated_at >= STILL:
        yield Hint("unchanged", record, span=known.read_at - record.updated_at)
    elif record.status == "waiting":
        if since >= STILL:
            yield Hint("waiting_long", record, span=since)
    elif _is_slow(since, usual) or since >= STILL:
        yield Hint("running_long", record, span=since, usual=usual)


def _size_fell(known: KnownHistory) -> Iterator[Hint]:
    """Of two sizes of the same format, one after the other, the later is less than half."""
    # Of a list with holes nobody knows which backup was the one before.
    if not known.whole:
        return
    fall, before = None, dict[str, Attempt]()
    for after in known.timeline.sizes:
        earlier = before.get(after.record.format)
        if earlier and after.size * 2 < earlier.size:
            fall = earlier, after
        before[after.record.format] = after
    if fall and fall[1].started_at >= known.now - RECENT:
        yield Hint("size_fell", fall[1].record, before=fall[0].record)


def _slow(known: KnownHistory) -> Iterator[Hint]:
    """The newest of those that took over five times as long as is usual."""
    for _, _, record in reversed(between(known.timeline.attempts, known.now - RECENT)):
        usual = known.timeline.usual_durations.get(record.type)
        if _is_slow(record.duration, usual):
            yield Hint("slow", record, span=record.duration, usual=usual)
            return


def _is_slow(took: timedelta | None, usual: timedelta | None) -> bool:
    return took is not None and usual is not None and took > TIMES_USUAL * usual and took >= LEAST_SLOW


def _failed_all_day(known: KnownHistory) -> Iterator[Hint]:
    """DCS tries an automatic backup three times a day at most; the day is one in UTC, as the policy's are."""
    today = known.now.astimezone(UTC).date()
    last_days = (today - timedelta(days=back) for back in range(RECENT.days))
    bad = [day for day in last_days if _failures(known, day) >= TRIES_A_DAY]
    if bad:
        yield Hint("failed_all_day", day=bad[0], count=len(bad))


def _failures(known: KnownHistory, day: date) -> int:
    start = datetime.combine(day, time(), UTC)
    return count(between(known.timeline.automatic, start, start + timedelta(days=1)), *FAILED)


def _contradictions(known: KnownHistory) -> Iterator[Hint]:
    if known.timeline.contradictions:
        yield Hint("contradiction", count=known.timeline.contradictions)
