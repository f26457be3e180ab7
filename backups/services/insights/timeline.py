"""The records of one generation in the order of their data, and what became of each."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import chain, islice
from operator import itemgetter
from statistics import median
from typing import NamedTuple

from ...dcs.records import BackupRecord
from ..eligibility import DID_NOT_RUN, eligibility
from ..history import newest_first

# "unusable" succeeded, and DCS says no or does not say; "odd" has a status that the portal does not know.
KINDS = ("usable", "unusable", "running", "expired", "deleted", "failed", "did_not_run", "odd")
SUCCEEDED = ("usable", "unusable", "expired", "deleted")
WITH_FILE = ("usable", "unusable")
FAILED = ("failed", "did_not_run")
_KIND_OF_STATUS = {"waiting": "running", "backuping": "running", "expired": "expired", "deleted": "deleted"}
MOST_SIZES = 60
MOST_RUNNING = 5
# Of fewer nobody can say what is usual.
LEAST_FOR_USUAL = 5
TIMES_USUAL = 5
# Five times of a few seconds is no matter.
LEAST_SLOW = timedelta(minutes=1)


class Attempt(NamedTuple):
    """A backup with a time, and which of KINDS it is."""

    started_at: datetime
    kind: str
    record: BackupRecord

    @property
    def has_file(self) -> bool:
        return self.kind in WITH_FILE

    @property
    def size(self) -> int:
        """In bytes, 0 where DCS gives none."""
        return self.record.size_bytes or 0


Attempts = Sequence[Attempt]
_STARTED_AT = itemgetter(0)


@dataclass(frozen=True)
class Timeline:
    """`attempts` are in the default order of rows from behind: the oldest first.

    `undated` have no time that can be read, so that nothing can be said to be missing beside them.
    What is found by walking all records is found once a generation.
    """

    attempts: Attempts
    undated: Sequence[BackupRecord] = ()

    @cached_property
    def totals(self) -> Counter[str]:
        """How many records of each kind there are, undated ones too."""
        return Counter(attempt.kind for attempt in self.attempts) + Counter(map(kind_of, self.undated))

    @cached_property
    def automatic(self) -> Attempts:
        return [attempt for attempt in self.attempts if attempt.record.type == "auto"]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Which file the one of a record is, by its key: the newest is 1."""
        files = (attempt for attempt in reversed(self.attempts) if attempt.has_file)
        return {file.record.key: place for place, file in enumerate(files, 1)}

    @cached_property
    def newest_automatic_file(self) -> str:
        """The key of its record, "" where there is none."""
        return next((one.record.key for one in reversed(self.automatic) if one.has_file), "")

    @cached_property
    def running(self) -> Attempts:
        """The newest of those in progress, the newest first."""
        return list(islice((one for one in reversed(self.attempts) if one.kind == "running"), MOST_RUNNING))

    @cached_property
    def sizes(self) -> Attempts:
        """The newest of those that succeeded and have a size, the oldest first.

        Where DCS gives 0 bytes for one that expired or was deleted, its size is forgotten.
        """
        sized = (
            one
            for one in reversed(self.attempts)
            if one.kind in SUCCEEDED and one.record.size_bytes is not None and (one.has_file or one.size)
        )
        return list(islice(sized, MOST_SIZES))[::-1]

    @cached_property
    def last_fall(self) -> tuple[Attempt, Attempt] | None:
        """Of two sizes of the same format, one after the other, the later is less than half."""
        fall, before = None, dict[str, Attempt]()
        for after in self.sizes:
            earlier = before.get(after.record.format)
            if earlier and after.size * 2 < earlier.size:
                fall = earlier, after
            before[after.record.format] = after
        return fall

    @cached_property
    def usual_durations(self) -> Mapping[str, timedelta]:
        """How long backups take, by type: the median, where enough are known."""
        by_type: dict[str, list[float]] = {}
        for attempt in self.attempts:
            if attempt.has_file and (took := attempt.record.duration) is not None:
                by_type.setdefault(attempt.record.type, []).append(took.total_seconds())
        known = {of: seconds for of, seconds in by_type.items() if len(seconds) >= LEAST_FOR_USUAL}
        return {of: timedelta(seconds=median(seconds)) for of, seconds in known.items()}

    @cached_property
    def slow(self) -> Attempts:
        """Those that took over five times as long as is usual."""
        usual = self.usual_durations
        return [one for one in self.attempts if is_slow(one.record.duration, usual.get(one.record.type))]

    @cached_property
    def failed_days(self) -> Counter[date]:
        """How many automatic backups failed on each day in UTC."""
        return Counter(one.started_at.date() for one in self.automatic if one.kind in FAILED)

    @cached_property
    def contradictions(self) -> int:
        return sum(eligibility(record).contradiction for record in self._records if record.restorable)

    @cached_property
    def unsure(self) -> int:
        """How many there are of which nobody can say whether they can be restored."""
        return sum(eligibility(record).verdict == "unknown" for record in self._records)

    @property
    def _records(self) -> Iterable[BackupRecord]:
        return chain((attempt.record for attempt in self.attempts), self.undated)


def timeline(records: Iterable[BackupRecord]) -> Timeline:
    ordered = newest_first(records)
    return Timeline(
        tuple(Attempt(r.started_at, kind_of(r), r) for r in reversed(ordered) if r.started_at),
        tuple(record for record in ordered if not record.started_at),
    )


def kind_of(record: BackupRecord) -> str:
    """Return what became of a backup, one of KINDS."""
    if record.status == "succeed":
        return "usable" if eligibility(record).usable else "unusable"
    if record.status == "failed":
        return "did_not_run" if record.error_code == DID_NOT_RUN else "failed"
    return _KIND_OF_STATUS.get(record.status, "odd")


def between(attempts: Attempts, start: datetime | None = None, end: datetime | None = None) -> Attempts:
    """Return those at or after `start` and before `end`."""
    first = bisect_left(attempts, start, key=_STARTED_AT) if start else 0
    return attempts[first : bisect_left(attempts, end, key=_STARTED_AT) if end else None]


def is_slow(took: timedelta | None, usual: timedelta | None) -> bool:
    return took is not None and usual is not None and took > TIMES_USUAL * usual and took >= LEAST_SLOW


def newest(attempts: Attempts, *kinds: str) -> BackupRecord | None:
    return next((attempt.record for attempt in reversed(attempts) if attempt.kind in kinds), None)
