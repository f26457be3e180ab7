"""What a page shows of a recovery point: the backups around the asked time, and where each is linked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...dcs.records import BackupRecord
from ..eligibility import Eligibility, eligibility
from ..history import backup_url, between_url
from ..listings import Listing
from ..projects import Project
from .point import Candidate, RecoveryPoint, candidates_of, recovery_point
from .strip import Strip, strip_of

# The nearest are what a person looks at; the history has the rest.
MOST_PASSED_OVER = 12
MOST_TIMELESS = 10


@dataclass(frozen=True)
class ShownBackup:
    """One backup on the page; `candidate` is None without a time, `why` says why it is not the answer."""

    record: BackupRecord
    url: str
    eligibility: Eligibility
    candidate: Candidate | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecoveryPage:
    """`passed_over` are the nearest, `more` counts the others, which `more_url` lists with them."""

    point: RecoveryPoint
    answer: ShownBackup | None
    older: ShownBackup | None
    newer: ShownBackup | None
    passed_over: Sequence[ShownBackup]
    more: int
    more_url: str
    timeless: Sequence[ShownBackup]
    more_timeless: int
    strip: Strip | None


def recovery_page(
    project: Project, instance_id: str, listing: Listing[BackupRecord], at: datetime, *, now: datetime
) -> RecoveryPage:
    """Ask a listing for the newest usable backup whose data is certainly from before `at`."""
    candidates = listing.derived("recovery candidates", candidates_of)
    point = recovery_point(candidates, at, now=now, read_at=listing.read_at, complete=listing.complete)

    def shown(record: BackupRecord, candidate: Candidate | None, why: tuple[str, ...] = ()) -> ShownBackup:
        return ShownBackup(
            record, backup_url(project, instance_id, record), eligibility(record), candidate, why
        )

    def of(candidate: Candidate | None) -> ShownBackup | None:
        return shown(candidate.record, candidate) if candidate else None

    nearest = point.passed_over[:MOST_PASSED_OVER]
    return RecoveryPage(
        point=point,
        answer=of(point.answer),
        older=of(point.older),
        newer=of(point.newer),
        passed_over=[shown(one.record, one.candidate, one.reasons) for one in nearest],
        more=len(point.passed_over) - len(nearest),
        more_url=between_url(project, instance_id, point.answer.data_from if point.answer else None, at),
        timeless=[shown(record, None) for record in point.timeless[:MOST_TIMELESS]],
        more_timeless=max(0, len(point.timeless) - MOST_TIMELESS),
        strip=strip_of(point),
    )


def usable_reach(listing: Listing[BackupRecord]) -> tuple[datetime, datetime] | None:
    """Return from when the data of the oldest and of the newest usable backup is."""
    candidates = listing.derived("recovery candidates", candidates_of)
    usable = [candidate.data_from for candidate in candidates.timed if candidate.usable]
    return (usable[0], usable[-1]) if usable else None


def examples(now: datetime) -> tuple[str, ...]:
    """Return times as a person may write them, near enough to find something."""
    day = (now - timedelta(days=1)).replace(hour=9, minute=40, second=0, microsecond=0)
    return (f"{day:%Y-%m-%d %H:%M}", f"{day:%Y-%m-%dT%H:%M:%S}+08:00", str(int(day.timestamp())))


def is_backing_up(records: Iterable[BackupRecord]) -> bool:
    return any(record.status == "backuping" for record in records)
