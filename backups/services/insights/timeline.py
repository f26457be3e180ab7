"""The records of one generation in the order of their data: made once, then asked with a few bisects.

What the head of a history says depends on the clock, and must not walk ten
thousand records for each view. So the walk is done here, once per generation,
and leaves an order, a letter per record, and the few records that stand out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ..eligibility import DID_NOT_RUN, eligibility

# What became of a backup, a letter each, so that a range of them is counted in C.
KINDS = {
    "usable": b"u",
    "unusable": b"n",  # succeeded, and DCS says no or does not say
    "running": b"r",
    "expired": b"e",
    "deleted": b"d",
    "failed": b"f",
    "did_not_run": b"b",
    "odd": b"o",  # a status that the portal does not know, or none
}
_KIND_OF_STATUS = {
    "waiting": "running",
    "backuping": "running",
    "expired": "expired",
    "deleted": "deleted",
}
SUCCEEDED = ("usable", "unusable", "expired", "deleted")
WITH_FILE = ("usable", "unusable")
FAILED = ("failed", "did_not_run")


@dataclass(frozen=True)
class Span:
    """A part of a timeline: the records from one place up to another."""

    timeline: Timeline
    first: int
    end: int

    def count(self, *kinds: str) -> int:
        letters = self.timeline.letters
        return sum(letters.count(KINDS[kind], self.first, self.end) for kind in kinds)

    @property
    def records(self) -> Sequence[BackupRecord]:
        return self.timeline.records[self.first : self.end]

    def __len__(self) -> int:
        return self.end - self.first


@dataclass(frozen=True)
class Timeline:
    """Records in the order of started_at, ties by id from behind; `letters` has the kind of each.

    `undated` has the kinds of the records without a time that can be read: they
    have no place here, so that nothing can be said to be missing beside them.
    """

    records: tuple[BackupRecord, ...]
    times: tuple[datetime, ...]
    letters: bytes
    undated: bytes = b""

    def span(self, start: datetime | None = None, end: datetime | None = None) -> Span:
        """Return the records at or after `start` and before `end`."""
        first = bisect_left(self.times, start) if start else 0
        return Span(self, first, max(first, bisect_left(self.times, end)) if end else len(self.times))

    def after(self, record: BackupRecord) -> Span | None:
        """Return the records that are newer than this one; None where it has no place."""
        if record.started_at is None:
            return None
        place = bisect_left(self.times, record.started_at)
        while place < len(self.records) and self.records[place].key != record.key:
            place += 1
        return Span(self, place + 1, len(self.times)) if place < len(self.records) else None

    def total(self, *kinds: str) -> int:
        """Return how many records of these kinds there are, undated ones too."""
        return self.span().count(*kinds) + sum(self.undated.count(KINDS[kind]) for kind in kinds)

    def newest(self, *kinds: str) -> BackupRecord | None:
        places = [self.letters.rfind(KINDS[kind]) for kind in kinds]
        place = max(places) if kinds else len(self.records) - 1
        return self.records[place] if place >= 0 else None


def timeline(records: Iterable[BackupRecord]) -> Timeline:
    records = list(records)
    dated = [(started, record.key, record) for record in records if (started := record.started_at)]
    # Of equal times the first in the default order of rows is the newest.
    dated.sort(key=lambda found: found[1], reverse=True)
    dated.sort(key=lambda found: found[0])
    ordered = tuple(record for _, _, record in dated)
    return Timeline(
        records=ordered,
        times=tuple(started for started, _, _ in dated),
        letters=b"".join(KINDS[kind_of(record)] for record in ordered),
        undated=b"".join(KINDS[kind_of(record)] for record in records if record.started_at is None),
    )


def automatic(whole: Timeline) -> Timeline:
    """Return the timeline of the automatic backups alone."""
    places = [place for place, record in enumerate(whole.records) if record.type == "auto"]
    return Timeline(
        records=tuple(whole.records[place] for place in places),
        times=tuple(whole.times[place] for place in places),
        letters=bytes(whole.letters[place] for place in places),
    )


def kind_of(record: BackupRecord) -> str:
    """Return what became of a backup, as a key of KINDS."""
    if record.status == "succeed":
        return "usable" if eligibility(record).usable else "unusable"
    if record.status == "failed":
        return "did_not_run" if record.error_code == DID_NOT_RUN else "failed"
    return _KIND_OF_STATUS.get(record.status, "odd")
