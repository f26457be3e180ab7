"""Hints: where a history is odd or does not keep to its policy, each with the rows behind it.

What the verdict says already is no hint.

A hint says what the records say. How far a running backup was half an hour ago
is in no record: only when DCS last changed it, or how long ago it started, by
the time when the list was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from ...dcs.records import BackupRecord
from .days import LATE
from .timeline import Attempt, KnownHistory, between, is_slow, newest
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
    told = verdict.reasons if verdict else ()
    found = (
        *_against_the_policy(known, verdict),
        *_newest_usable_is_old(known),
        *(hint for attempt in known.timeline.running for hint in _of_running(attempt, known)),
        *_failed_all_day(known),
        *_runs_too_often(known),
        *_size_fell(known),
        *_slow(known),
        *_contradictions(known),
        *_unread_objective(verdict),
    )
    return tuple(hint for hint in found if not set(_SAID_BY.get(hint.kind, ())) & set(told))


def _against_the_policy(known: KnownHistory, verdict: Verdict | None) -> Iterator[Hint]:
    """Nothing is planned, or what is planned never ran as far as the list tells."""
    if not known.whole or verdict is None or verdict.verdict == "unsupported":
        return
    automatic, interval = known.timeline.automatic, known.plan.interval
    if known.plan.kind in ("manual", "none"):
        yield Hint("automatic_off", automatic[-1].record if automatic else None)
    if automatic or known.timeline.undated or not (interval and known.created_at):
        return
    if known.read_at - known.created_at > interval + LATE:
        yield Hint("never_ran", usual=interval)


def _runs_too_often(known: KnownHistory) -> Iterator[Hint]:
    """By the last days that the policy plans two runs in."""
    interval, newest_run = known.plan.interval, next(reversed(known.timeline.automatic), None)
    if interval is None or newest_run is None:
        return
    span = 2 * interval
    runs = between(known.timeline.automatic, newest_run.started_at - span)
    if len(runs) > 2 * TIMES_PLANNED:
        yield Hint(
            "runs_too_often", newest_run.record, before=runs[0].record, span=span / len(runs), usual=interval
        )


def _unread_objective(verdict: Verdict | None) -> Iterator[Hint]:
    if verdict and verdict.objective.unread:
        yield Hint("unread_objective", text=verdict.objective.unread)


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
    elif is_slow(since, usual) or since >= STILL:
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
    """The newest of those that took much longer than is usual."""
    for record in (one.record for one in known.timeline.slow[-1:] if one.started_at >= known.now - RECENT):
        usual = known.timeline.usual_durations.get(record.type)
        yield Hint("slow", record, span=record.duration, usual=usual)


def _failed_all_day(known: KnownHistory) -> Iterator[Hint]:
    """DCS tries an automatic backup three times a day at most; the day is one in UTC, as the policy's are."""
    today = known.now.astimezone(UTC).date()
    last_days = (today - timedelta(days=back) for back in range(RECENT.days))
    bad = [day for day in last_days if known.timeline.failed_days[day] >= TRIES_A_DAY]
    if bad:
        yield Hint("failed_all_day", day=bad[0], count=len(bad))


def _contradictions(known: KnownHistory) -> Iterator[Hint]:
    if known.timeline.contradictions:
        yield Hint("contradiction", count=known.timeline.contradictions)
