"""What a page shows of a recovery point: the backups around the asked time, and where each is linked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...dcs.records import BackupRecord
from ..history import backup_url, between_url
from ..listings import Listing
from ..projects import Project
from .point import PassedOver, RecoveryPoint, candidates_of, recovery_point
from .strip import Strip, strip_of

# The nearest are what a person looks at; the history has the rest.
MOST_PASSED_OVER = 12
MOST_TIMELESS = 10


@dataclass(frozen=True)
class RecoveryPage:
    """`passed_over` are the nearest, `more` counts the others, which `more_url` lists with them."""

    project: Project
    instance_id: str
    point: RecoveryPoint
    passed_over: Sequence[PassedOver]
    more: int
    more_url: str
    timeless: Sequence[BackupRecord]
    more_timeless: int
    strip: Strip | None

    def url(self, record: BackupRecord) -> str:
        return backup_url(self.project, self.instance_id, record)


def recovery_page(
    project: Project, instance_id: str, listing: Listing[BackupRecord], at: datetime, *, now: datetime
) -> RecoveryPage:
    """Ask a listing for the newest usable backup whose data is certainly from before `at`."""
    candidates = listing.derived("recovery candidates", candidates_of)
    point = recovery_point(candidates, at, now=now, read_at=listing.read_at, complete=listing.complete)
    return RecoveryPage(
        project,
        instance_id,
        point,
        passed_over=point.passed_over[:MOST_PASSED_OVER],
        more=max(0, len(point.passed_over) - MOST_PASSED_OVER),
        more_url=between_url(project, instance_id, point.answer.data_from if point.answer else None, at),
        timeless=point.timeless[:MOST_TIMELESS],
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
