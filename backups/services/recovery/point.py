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

So T at the very start of a backup is not after it, and T at its very end is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..evidence import BackupSince, backup_since, evidence_of, list_as_of
from ..listings import Listing, row_id
from ..projects import Project

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


class PassedOver(NamedTuple):
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
    records without a readable time: never picked. `uncertain` are codes: "list_incomplete", "missing"
    (much of the list went at once, which is not confirmed yet), "read_before" (the list is older than
    `at`), "future", "timeless" (a usable backup is among them), and those of the answer's times.
    `because` says why there is no answer.
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
    def still_running(self) -> Candidate | None:
        """The nearest usable backup that ran across `at`: if its data is from its start, less is lost."""
        across = (one.candidate for one in self.passed_over if one.reasons == ("straddles",))
        return next((candidate for candidate in across if not candidate.notes), None)

    def lost(self, candidate: Candidate) -> timedelta:
        """How much is lost at most: what was written from a backup's data until `at`, never beyond now."""
        return max(timedelta(0), min(self.at, self.now) - candidate.data_from)

    def overwritten(self, candidate: Candidate) -> timedelta:
        """What a restore in place replaces at most: all that was written from a backup's data until now."""
        return max(timedelta(0), self.now - candidate.data_from)


class Candidates(NamedTuple):
    """The records of one listing: `timed` in the order of the earliest moment that their data can be from."""

    timed: tuple[Candidate, ...]
    timeless: tuple[BackupRecord, ...]


def candidates_of(records: Iterable[BackupRecord]) -> Candidates:
    records = sorted(records, key=lambda record: record.key)
    timed = [_candidate(record) for record in records if record.started_at]
    timed.sort(key=lambda candidate: candidate.data_from)
    return Candidates(tuple(timed), tuple(record for record in records if not record.started_at))


def recovery_point(listing: Listing[BackupRecord], at: datetime, *, now: datetime) -> RecoveryPoint:
    """Return the newest usable backup whose data is certainly from before `at`, and what is around it."""
    candidates = listing.derived("recovery candidates", candidates_of)
    began = bisect_left(candidates.timed, at, key=lambda candidate: candidate.data_from)
    earlier, later = candidates.timed[:began], candidates.timed[began:]
    newest_first = range(began - 1, -1, -1)
    certain = (n for n in newest_first if earlier[n].usable and _is_certain(earlier[n], at, listing.read_at))
    place, next_place = next(certain, None), next(certain, None)
    nearer = earlier if place is None else earlier[place + 1 :]
    answer = None if place is None else earlier[place]
    timeless = ("timeless",) if any(eligibility(one).usable for one in candidates.timeless) else ()
    return RecoveryPoint(
        at=at,
        now=now,
        answer=answer,
        older=None if next_place is None else earlier[next_place],
        newer=next((candidate for candidate in later if candidate.usable), None),
        passed_over=tuple(PassedOver(one, one.reasons or _doubts(one, at)) for one in reversed(nearer)),
        timeless=candidates.timeless,
        uncertain=(*_uncertain(listing, at, now), *timeless, *(answer.notes if answer else ())),
        because="" if answer else _because(candidates, earlier),
    )


def usable_reach(listing: Listing[BackupRecord]) -> tuple[datetime, datetime] | None:
    """Return from when the data of the oldest and of the newest usable backup is."""
    candidates = listing.derived("recovery candidates", candidates_of)
    usable = [candidate.data_from for candidate in candidates.timed if candidate.usable]
    return (usable[0], usable[-1]) if usable else None


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


def _uncertain(listing: Listing[BackupRecord], at: datetime, now: datetime) -> Iterator[str]:
    if not listing.complete:
        yield "list_incomplete"
    if listing.missing_since:
        yield "missing"
    if at > now:
        yield "future"
    elif at > listing.read_at:
        yield "read_before"


def _because(candidates: Candidates, earlier: tuple[Candidate, ...]) -> NoneBecause:
    if not candidates.timed:
        return "no_times" if candidates.timeless else "no_backups"
    if not earlier:
        return "before_first"
    return "none_certain" if any(candidate.usable for candidate in earlier) else "none_usable"


# The question ----------------------------------------------------------------


def examples(now: datetime) -> tuple[str, ...]:
    """Return times as a person may write them, near enough to find something."""
    day = (now - timedelta(days=1)).replace(hour=9, minute=40, second=0, microsecond=0)
    return (f"{day:%Y-%m-%d %H:%M}", f"{day:%Y-%m-%dT%H:%M:%S}+08:00", str(int(day.timestamp())))


# Since a link was made --------------------------------------------------------


class RecoverySince(NamedTuple):
    """The answer then and now, and what became of the backup that it was then."""

    then: RecoveryPoint
    now: RecoveryPoint
    answer_since: BackupSince | None

    @property
    def is_unchanged(self) -> bool:
        """Whether the answer is the same backup, or there is none as before."""
        then, now = self.then.answer, self.now.answer
        return then is now if then is None or now is None else then.record.key == now.record.key


def recovery_since(
    project: Project, instance_id: str, listing: Listing[BackupRecord], now: RecoveryPoint, *, seen: datetime
) -> RecoverySince:
    """Compare the answer that a link gave with the one of now. Raises NotWatched and django.db.Error."""
    then = recovery_point(list_as_of(project, instance_id, seen), now.at, now=seen)
    known = evidence_of(listing, [row_id(then.answer.record)]) if then.answer else {}
    since = next((backup_since(listing, evidence, seen) for evidence in known.values()), None)
    return RecoverySince(then, now, since)
