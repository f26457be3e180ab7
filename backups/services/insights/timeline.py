"""The records of one generation in the order of their data, and what became of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from ...dcs.records import BackupRecord
from ..eligibility import DID_NOT_RUN, eligibility
from ..history import newest_first
from .policy import Plan

# "unusable" succeeded, and DCS says no or does not say; "odd" has a status that the portal does not know.
KINDS = ("usable", "unusable", "running", "expired", "deleted", "failed", "did_not_run", "odd")
SUCCEEDED = ("usable", "unusable", "expired", "deleted")
WITH_FILE = ("usable", "unusable")
FAILED = ("failed", "did_not_run")
_KIND_OF_STATUS = {
    "waiting": "running",
    "backuping": "running",
    "expired": "expired",
    "deleted": "deleted",
}


class Attempt(NamedTuple):
    """A backup with a time, and which of KINDS it is."""

    started_at: datetime
    kind: str
    record: BackupRecord


Attempts = Sequence[Attempt]


@dataclass(frozen=True)
class Timeline:
    """`attempts` are in the default order of rows from behind: the oldest first.

    `undated` has the kinds of the records without a time that can be read: they
    have no place here, so that nothing can be said to be missing beside them.
    """

    attempts: Attempts
    undated: Sequence[str] = ()

    @cached_property
    def automatic(self) -> Attempts:
        return [attempt for attempt in self.attempts if attempt.record.type == "auto"]

    @cached_property
    def files(self) -> Attempts:
        return [attempt for attempt in self.attempts if attempt.kind in WITH_FILE]

    def total(self, *kinds: str) -> int:
        """Return how many records of these kinds there are, undated ones too."""
        return count(self.attempts, *kinds) + sum(kind in kinds for kind in self.undated)


@dataclass(frozen=True)
class KnownHistory:
    """One reading of a history beside the instance's plan, and how far it can be trusted.

    `read_at` is when the list was read; `whole`: it holds all that DCS lists. `created_at` is the instance's.
    """

    timeline: Timeline
    plan: Plan
    read_at: datetime
    whole: bool = True
    created_at: datetime | None = None


def timeline(records: Iterable[BackupRecord]) -> Timeline:
    ordered = newest_first(records)
    return Timeline(
        tuple(Attempt(r.started_at, kind_of(r), r) for r in reversed(ordered) if r.started_at),
        tuple(kind_of(r) for r in ordered if not r.started_at),
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
    first = bisect_left(attempts, start, key=_started_at) if start else 0
    return attempts[first : bisect_left(attempts, end, key=_started_at) if end else None]


def _started_at(attempt: Attempt) -> datetime:
    return attempt.started_at


def count(attempts: Attempts, *kinds: str) -> int:
    return sum(attempt.kind in kinds for attempt in attempts)


def newest(attempts: Attempts, *kinds: str) -> BackupRecord | None:
    return next((attempt.record for attempt in reversed(attempts) if attempt.kind in kinds), None)
