"""What is odd in a history, beside its verdict.

A hint leads to the rows behind it and says what the records say, and nothing that the verdict says already.
How far a running backup was half an hour ago is in no record: only when DCS last changed it, or how long ago
it started, by the time when the list was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from ...dcs.records import BackupRecord
from .days import LATE
from .policy import KnownHistory
from .timeline import Attempt, between, is_slow, newest
from .verdict import Verdict

# What is longer ago is history.
RECENT = timedelta(days=30)
TRIES_A_DAY = 3
STILL = timedelta(minutes=30)
# So many times as often as the policy plans is no policy's doing, nor that of tries after a failure.
TIMES_PLANNED = 4

_SAID_BY = {
    "newest_usable_is_old": ("objective_missed",),
    "unchanged": ("running_long",),
    "waiting_long": ("running_long",),
    "running_long": ("running_long",),
    "failed_all_day": ("failing", "all_failed"),
}


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
    text: str = ""


def hints(known: KnownHistory, verdict: Verdict | None = None) -> tuple[Hint, ...]:
    """Return what is odd and the verdict does not say, the most pressing first."""
    told = set(verdict.reasons) if verdict else set()
    return tuple(hint for hint in _hints(known, verdict) if told.isdisjoint(_SAID_BY.get(hint.kind, ())))


def _hints(known: KnownHistory, verdict: Verdict | None) -> Iterator[Hint]:
    yield from _against_the_policy(known, verdict)
    for attempt in known.timeline.running:
        yield from _of_running(attempt, known)
    yield from _failed_all_day(known)
    yield from _runs_too_often(known)
    fall = known.timeline.last_fall
    # Of a list with holes nobody knows which backup was the one before.
    if fall and known.whole and fall[1].started_at >= known.now - RECENT:
        yield Hint("size_fell", fall[1].record, before=fall[0].record)
    for one in known.timeline.slow[-1:]:
        if one.started_at >= known.now - RECENT:
            usual = known.timeline.usual_durations.get(one.record.type)
            yield Hint("slow", one.record, span=one.record.duration, usual=usual)
    if known.timeline.contradictions:
        yield Hint("contradiction", count=known.timeline.contradictions)
    if verdict and verdict.objective.unread:
        yield Hint("unread_objective", text=verdict.objective.unread)


def _against_the_policy(known: KnownHistory, verdict: Verdict | None) -> Iterator[Hint]:
    """Nothing is planned, or what is never ran as far as the list tells, or nothing usable comes of it."""
    automatic, interval = known.timeline.automatic, known.plan.interval
    if not known.whole:
        return
    if verdict and verdict.verdict != "unsupported":
        if known.plan.kind in ("manual", "none"):
            yield Hint("automatic_off", automatic[-1].record if automatic else None)
        age = known.read_at - (known.created_at or known.read_at)
        if interval and age > interval + LATE and not (automatic or known.timeline.undated):
            yield Hint("never_ran", usual=interval)
    usable = newest(known.timeline.attempts, "usable")
    # A newer one may be among those that could not be read, or that came since the list was read.
    if usable and usable.started_at and interval and not known.timeline.undated:
        age = min(known.now, known.read_at) - usable.started_at
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
    elif is_slow(since, usual) or since >= STILL:
        yield Hint("running_long", record, span=since, usual=usual)


def _failed_all_day(known: KnownHistory) -> Iterator[Hint]:
    """DCS tries an automatic backup three times a day at most; the day is one in UTC, as the policy's are."""
    today = known.now.astimezone(UTC).date()
    last_days = (today - timedelta(days=back) for back in range(RECENT.days))
    bad = [day for day in last_days if known.timeline.failed_days[day] >= TRIES_A_DAY]
    if bad:
        yield Hint("failed_all_day", day=bad[0], count=len(bad))


def _runs_too_often(known: KnownHistory) -> Iterator[Hint]:
    """By the last days that the policy plans two runs in."""
    automatic, interval = known.timeline.automatic, known.plan.interval
    if not interval or not automatic:
        return
    span = 2 * interval
    runs = between(automatic, automatic[-1].started_at - span)
    if len(runs) > 2 * TIMES_PLANNED:
        first, last = runs[0].record, runs[-1].record
        yield Hint("runs_too_often", last, before=first, span=span / len(runs), usual=interval)
