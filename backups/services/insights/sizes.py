"""How large the backups of an instance were, over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from ...dcs.records import BackupRecord
from .timeline import SUCCEEDED, WITH_FILE, Timeline

MOST_POINTS = 60


@dataclass(frozen=True)
class Size:
    """The size in bytes of one backup that succeeded; `held`: its file is still there."""

    record: BackupRecord
    started_at: datetime
    size: int
    held: bool


def sizes(records: Timeline) -> tuple[Size, ...]:
    """Return the sizes of the newest backups that succeeded, the oldest of them first.

    Those that expired or were deleted succeeded too; where DCS gives them 0 bytes, their size is forgotten.
    """
    return tuple(islice(_newest_first(records), MOST_POINTS))[::-1]


def _newest_first(records: Timeline) -> Iterator[Size]:
    for started_at, kind, record in reversed(records.attempts):
        held = kind in WITH_FILE
        if record.size_bytes is not None and kind in SUCCEEDED and (held or record.size_bytes):
            yield Size(record, started_at, record.size_bytes, held)


def change(of: Sequence[Size]) -> float | None:
    """Return the newest size against the one before of the same format: 0.01 is 1 % more."""
    if len(of) < 2:
        return None
    *earlier, newest = of
    before = next((s for s in reversed(earlier) if s.record.format == newest.record.format), None)
    return newest.size / before.size - 1 if before and before.size else None
