"""The five figures at the head of a history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ..history import BackupFilter
from .sizes import Size, change
from .timeline import FAILED, SUCCEEDED, Timeline, between, count, newest

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


def figures(records: Timeline, sizes: tuple[Size, ...], *, now: datetime) -> Figures:
    # What the filter range=30d shows, so that the figure and the rows behind it agree.
    start, _ = BackupFilter(range=RATE_RANGE).bounds(now)
    attempts, month = records.attempts, between(records.attempts, start)
    return Figures(
        newest_usable=newest(attempts, "usable"),
        newest_unusable=newest(attempts, "unusable"),
        last_attempt=attempts[-1].record if attempts else None,
        succeeded=count(month, *SUCCEEDED),
        ended=count(month, *SUCCEEDED, *FAILED),
        did_not_run=count(month, "did_not_run"),
        usable=records.total("usable"),
        expired=records.total("expired"),
        deleted=records.total("deleted"),
        sizes=sizes,
    )
