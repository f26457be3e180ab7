"""The figures at the head of a history."""

from __future__ import annotations

from dataclasses import dataclass

from ...dcs.records import BackupRecord
from ..history import BackupFilter
from .timeline import FAILED, SUCCEEDED, KnownHistory, between, count

RATE_RANGE = "30d"


@dataclass(frozen=True)
class Figures:
    """What is known of a history in numbers.

    `succeeded` and `ended` are of the last 30 days: of the backups that came to
    an end, those that succeeded, also where their file has gone since. One that
    did not run came to an end as a failure; `did_not_run` says how many.
    """

    last_attempt: BackupRecord | None
    succeeded: int
    ended: int
    did_not_run: int
    usable: int

    @property
    def success_rate(self) -> float | None:
        """Percent; None where nothing came to an end."""
        return 100 * self.succeeded / self.ended if self.ended else None


def figures(known: KnownHistory) -> Figures:
    # What the filter range=30d shows, so that the figure and the rows behind it agree.
    start, _ = BackupFilter(range=RATE_RANGE).bounds(known.now)
    attempts = known.timeline.attempts
    month = between(attempts, start)
    return Figures(
        last_attempt=attempts[-1].record if attempts else None,
        succeeded=count(month, *SUCCEEDED),
        ended=count(month, *SUCCEEDED, *FAILED),
        did_not_run=count(month, "did_not_run"),
        usable=known.timeline.totals["usable"],
    )
