"""The recovery point: the newest usable backup whose data is certainly from before a time T.

A backup holds the data as of its start, but what DCS tells of the start can be wrong, late or
missing, and the copy is taken at some moment while the backup runs. So two moments are kept
apart, and each is taken at its worse end:

- What is lost is reckoned from the **earliest** moment that the data can be from: the start,
  else the creation of the task, else (where the times contradict each other) the earliest of them.
- Before T it certainly is only where the backup did not run across T: it had ended by T, and its
  start was before T. A start that DCS does not tell may be as late as the end. Where the end is
  not told either, all that is known is that the backup had ended when the list showed it as
  succeeded. Where the times contradict each other, all of them must be before T.

So T at the very start of a backup is not after it, and T at its very end is. Pure rules: no
request, no clock, nothing is read here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ...dcs.records import BackupRecord
from ..eligibility import eligibility

NoneBecause = Literal["", "no_backups", "no_times", "before_first", "none_usable", "none_certain"]


@dataclass(frozen=True)
class Candidate:
    """A backup in time.

    `data_from` is the earliest moment that its data can be from, `data_until` the latest (None: as
    late as its end), `ended` when it was done (None: DCS does not tell). `reasons` say why it is not
    usable, in the codes of eligibility; `notes` what is odd with its times: "start_unknown",
    "times_contradict".
    """

    record: BackupRecord
    data_from: datetime
    data_until: datetime | None
    ended: datetime | None
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class PassedOver:
    """A backup that is nearer to T than the answer, and why it is not the answer.

    Reasons are those of eligibility, or of its times: "straddles", "start_unknown", "end_unknown",
    "times_contradict".
    """

    candidate: Candidate
    reasons: tuple[str, ...]

    @property
    def record(self) -> BackupRecord:
        return self.candidate.record


@dataclass(frozen=True)
class RecoveryPoint:
    """What can be recovered as of just before `at`.

    `older` is the next usable backup that is certainly from before `at` too, `newer` the first usable
    one whose data is from `at` or later. `passed_over` is nearest to `at` first. `timeless` are the
    records without a readable time: never picked. `uncertain` are codes: "list_incomplete",
    "read_before" (the list is older than `at`), "future", "timeless" (a usable backup is among them),
    and those of the answer's times. `because` says why there is no answer.
    """

    at: datetime
    now: datetime
    answer: Candidate | None
    older: Candidate | None
    newer: Candidate | None
    passed_over: tuple[PassedOver, ...]
    timeless: tuple[BackupRecord, ...]
    uncertain: tuple[str, ...]
    because: NoneBecause

    @property
    def gap(self) -> timedelta | None:
        """How much is lost at most: what was written between the answer's data and `at`."""
        return self.at - self.answer.data_from if self.answer else None

    @property
    def gap_minutes(self) -> int | None:
        """The gap in whole minutes, rounded up."""
        return None if self.gap is None else -(-self.gap // timedelta(minutes=1))

    @property
    def age(self) -> timedelta | None:
        """How old the answer's data is now, at most."""
        return self.now - self.answer.data_from if self.answer else None


@dataclass(frozen=True)
class Ladder:
    """The records of one listing in the order of their data, made once for any number of questions.

    `usable` are places in `rungs`; `unfit` has the rest of them as passed over, at their places.
    """

    rungs: tuple[Candidate, ...]
    usable: tuple[int, ...]
    unfit: tuple[PassedOver, ...]
    timeless: tuple[BackupRecord, ...]
    timeless_usable: bool


def ladder(records: Iterable[BackupRecord]) -> Ladder:
    """Order records by the earliest moment that their data can be from, ties by backup_id."""
    records = tuple(records)
    timed = (_candidate(record) for record in records if record.started_at)
    rungs = tuple(sorted(timed, key=lambda c: (c.data_from, c.record.key)))
    timeless = sorted((record for record in records if not record.started_at), key=lambda r: r.key)
    return Ladder(
        rungs=rungs,
        usable=tuple(place for place, c in enumerate(rungs) if c.usable),
        unfit=tuple(PassedOver(c, c.reasons) for c in rungs),
        timeless=tuple(timeless),
        timeless_usable=any(eligibility(record).usable for record in timeless),
    )


def recovery_point(
    known: Ladder, at: datetime, *, now: datetime, read_at: datetime, complete: bool = True
) -> RecoveryPoint:
    """Return the newest usable backup whose data is certainly from before `at`, and what is around it.

    `read_at` is when DCS was asked for the list, `complete` whether all of it was read.
    """
    before = bisect_left(known.rungs, at, key=lambda c: c.data_from)
    certain = _certainly_before(known, before, at, read_at)
    picked, older = next(certain, None), next(certain, None)
    answer = None if picked is None else known.rungs[picked]
    after = bisect_left(known.usable, before)
    return RecoveryPoint(
        at=at,
        now=now,
        answer=answer,
        older=None if older is None else known.rungs[older],
        newer=known.rungs[known.usable[after]] if after < len(known.usable) else None,
        passed_over=_passed_over(known, 0 if picked is None else picked + 1, before, at),
        timeless=known.timeless,
        uncertain=tuple(_uncertain(known, answer, at, now=now, read_at=read_at, complete=complete)),
        because="" if answer else _because(known, before),
    )


# One backup in time ----------------------------------------------------------


def _candidate(record: BackupRecord) -> Candidate:
    times = [t for t in (record.created_at, record.execution_at, record.updated_at) if t]
    verdict = eligibility(record)
    reasons = () if verdict.usable else verdict.reasons
    if times != sorted(times):
        ended = max(times) if record.finished_at else None
        return Candidate(record, min(times), max(times), ended, reasons, ("times_contradict",))
    ended = record.finished_at
    if record.execution_at:
        return Candidate(record, record.execution_at, record.execution_at, ended, reasons)
    return Candidate(record, min(times), None, ended, reasons, ("start_unknown",))


def _is_certain(candidate: Candidate, at: datetime, read_at: datetime) -> bool:
    """Whether all of a usable backup's data is from before `at`."""
    # The list shows it as succeeded, so it had ended when the list was read.
    ended = candidate.ended or max(read_at, candidate.data_until or candidate.data_from)
    return (candidate.data_until or ended) < at and ended <= at


def _doubts(candidate: Candidate, at: datetime) -> tuple[str, ...]:
    """Why a usable backup that began before `at` is not certainly from before it."""
    if "times_contradict" in candidate.notes:
        return ("times_contradict",)
    if candidate.ended is None:
        return ("end_unknown",)
    return ("straddles",) if candidate.ended > at else ("start_unknown",)


# The answer ------------------------------------------------------------------


def _certainly_before(known: Ladder, before: int, at: datetime, read_at: datetime) -> Iterator[int]:
    """Yield the places of the usable backups that are certainly from before `at`, newest first."""
    for place in reversed(known.usable[: bisect_left(known.usable, before)]):
        if _is_certain(known.rungs[place], at, read_at):
            yield place


def _passed_over(known: Ladder, first: int, before: int, at: datetime) -> tuple[PassedOver, ...]:
    nearer = list(known.unfit[first:before])
    for place in known.usable[bisect_left(known.usable, first) : bisect_left(known.usable, before)]:
        candidate = known.rungs[place]
        nearer[place - first] = PassedOver(candidate, _doubts(candidate, at))
    return tuple(reversed(nearer))


def _uncertain(
    known: Ladder,
    answer: Candidate | None,
    at: datetime,
    *,
    now: datetime,
    read_at: datetime,
    complete: bool,
) -> Iterator[str]:
    if not complete:
        yield "list_incomplete"
    if at > now:
        yield "future"
    elif at > read_at:
        yield "read_before"
    if known.timeless_usable:
        yield "timeless"
    if answer:
        yield from answer.notes


def _because(known: Ladder, before: int) -> NoneBecause:
    if not known.rungs:
        return "no_times" if known.timeless else "no_backups"
    if not before:
        return "before_first"
    return "none_certain" if bisect_left(known.usable, before) else "none_usable"
