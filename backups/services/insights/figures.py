"""The five figures at the head of a history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ..history import BackupFilter
from .sizes import Size, change
from .timeline import FAILED, SUCCEEDED, Span, Timeline

RATE_RANGE = "30d"


@dataclass(frozen=True)
class Figures:
    """What is known of a history in numbers.

    `succeeded` and `ended` are of the last 30 days: of the backups that came to
    an end, those that succeeded, also where their file has gone since. One that
    did not run came to an end as a failure; `did_not_run` says how many.
    `newest_unusable` is the newest that succeeded and is not usable.
    """

    newest_usable: BackupRecord | None
    newest_unusable: BackupRecord | None
    last_attempt: BackupRecord | None
    succeeded: int
    ended: int
    did_not_run: int
    usable: int
    expired: int
    deleted: int
    sizes: tuple[Size, ...]

    @property
    def success_rate(self) -> float | None:
        """Percent; None where nothing came to an end."""
        return 100 * self.succeeded / self.ended if self.ended else None

    @property
    def not_run(self) -> tuple[tuple[str, int], ...]:
        return (("did_not_run", self.did_not_run),)

    @property
    def gone(self) -> tuple[tuple[str, int], ...]:
        return ("expired", self.expired), ("deleted", self.deleted)

    @property
    def newest_size(self) -> Size | None:
        return self.sizes[-1] if self.sizes else None

    @property
    def size_change(self) -> float | None:
        return change(self.sizes)


def figures(records: Timeline, sizes: tuple[Size, ...], *, contradictions: int = 0, now: datetime) -> Figures:
    month = _last_month(records, now)
    return Figures(
        newest_usable=records.newest("usable"),
        newest_unusable=records.newest("unusable"),
        last_attempt=records.newest(),
        succeeded=month.count(*SUCCEEDED),
        ended=month.count(*SUCCEEDED, *FAILED),
        did_not_run=month.count("did_not_run"),
        usable=records.total("usable"),
        expired=records.total("expired"),
        deleted=records.total("deleted"),
        sizes=sizes,
    )


def _last_month(records: Timeline, now: datetime) -> Span:
    """Return what the filter range=30d shows, so that the figure and the rows behind it agree."""
    start, _ = BackupFilter(range=RATE_RANGE).bounds(now)
    return records.span(start)
