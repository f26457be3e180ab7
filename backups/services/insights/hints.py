"""Hints: where a history is odd, each with the rows behind it.

A hint says what the records say. How far a running backup was half an hour ago
is in no record: only when DCS last changed it, or how long ago it started, by
the time when the list was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from statistics import median

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from .sizes import Size
from .timeline import FAILED, KnownHistory, Timeline, between, count, newest

# What is longer ago is history.
RECENT = timedelta(days=30)
TRIES_A_DAY = 3
STILL = timedelta(minutes=30)
# Of fewer nobody can say what is usual.
LEAST_FOR_USUAL = 5
TIMES_USUAL = 5
# Five times of a few seconds is no matter.
LEAST_SLOW = timedelta(minutes=1)
MOST_RUNNING = 5


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


# Whatever the time is --------------------------------------------------------


@dataclass(frozen=True)
class Oddities:
    """What stands out in a generation, the newest of each kind.

    `fall` are two sizes of the same format, one after the other: the later is less than half.
    `slow` took over five times as long as is `usual` (the median by type, where enough are known).
    """

    fall: tuple[Size, Size] | None
    slow: BackupRecord | None
    running: tuple[BackupRecord, ...]
    usual: Mapping[str, timedelta]
    contradictions: int


def oddities(timeline: Timeline, sizes: Iterable[Size], records: Iterable[BackupRecord]) -> Oddities:
    """Return what is odd of `records`, and of those of them that have a time."""
    usual = _usual_durations(timeline)
    newest_first = [(attempt.kind, attempt.record) for attempt in reversed(timeline.attempts)]
    running = (record for kind, record in newest_first if kind == "running")
    return Oddities(
        fall=_newest_fall(sizes),
        slow=next((r for _, r in newest_first if is_slow(r.duration, usual.get(r.type))), None),
        running=tuple(islice(running, MOST_RUNNING)),
        usual=usual,
        contradictions=sum(eligibility(record).contradiction for record in records if record.restorable),
    )


def _usual_durations(timeline: Timeline) -> dict[str, timedelta]:
    by_type: dict[str, list[float]] = {}
    for attempt in timeline.attempts:
        if attempt.record.status == "succeed" and (took := attempt.record.duration) is not None:
            by_type.setdefault(attempt.record.type, []).append(took.total_seconds())
    known = ((of, seconds) for of, seconds in by_type.items() if len(seconds) >= LEAST_FOR_USUAL)
    return {of: timedelta(seconds=median(seconds)) for of, seconds in known}


def is_slow(took: timedelta | None, usual: timedelta | None) -> bool:
    return took is not None and usual is not None and took > TIMES_USUAL * usual and took >= LEAST_SLOW


def _newest_fall(sizes: Iterable[Size]) -> tuple[Size, Size] | None:
    fall, before = None, dict[str, Size]()
    for size in sizes:
        earlier = before.get(size.record.format)
        if earlier and size.size * 2 < earlier.size:
            fall = earlier, size
        before[size.record.format] = size
    return fall


# At a time -------------------------------------------------------------------


def hints(known: KnownHistory, odd: Oddities, *, now: datetime) -> tuple[Hint, ...]:
    """Return what is odd, the most pressing first."""
    return (
        *_newest_usable_is_old(known, now),
        *(hint for record in odd.running for hint in _of_running(record, known.read_at, odd)),
        *_size_fell(known, odd, now),
        *_slow(odd, now),
        *_failed_all_day(known, now),
        *([Hint("contradiction", count=odd.contradictions)] if odd.contradictions else []),
    )


def _newest_usable_is_old(known: KnownHistory, now: datetime) -> Iterator[Hint]:
    """By when the list was read: since then there may be a newer one."""
    usable, interval = newest(known.timeline.attempts, "usable"), known.plan.interval
    # A newer one may be among those that could not be read.
    if not known.whole or known.timeline.undated or usable is None or interval is None:
        return
    age = min(now, known.read_at) - (usable.started_at or now)
    if age > 2 * interval:
        yield Hint("newest_usable_is_old", usable, span=age, usual=interval)


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


def _size_fell(known: KnownHistory, odd: Oddities, now: datetime) -> Iterator[Hint]:
    # Of a list with holes nobody knows which backup was the one before.
    if odd.fall and known.whole:
        before, after = odd.fall
        if _is_recent(after.started_at, now):
            yield Hint("size_fell", after.record, before=before.record)


def _slow(odd: Oddities, now: datetime) -> Iterator[Hint]:
    slow = odd.slow
    if slow and _is_recent(slow.started_at, now):
        yield Hint("slow", slow, span=slow.duration, usual=odd.usual[slow.type])


def _failed_all_day(known: KnownHistory, now: datetime) -> Iterator[Hint]:
    """DCS tries an automatic backup three times a day at most; the day is one in UTC, as the policy's are."""
    today = now.astimezone(UTC).date()
    days = [day for back in range(RECENT.days) if _failures(known, day := today - timedelta(days=back))]
    if days:
        yield Hint("failed_all_day", day=days[0], count=len(days))


def _failures(known: KnownHistory, day: date) -> bool:
    start = datetime.combine(day, time(), UTC)
    that_day = between(known.timeline.automatic, start, start + timedelta(days=1))
    return count(that_day, *FAILED) >= TRIES_A_DAY


def _is_recent(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment >= now - RECENT
