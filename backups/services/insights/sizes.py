"""How large the backups of an instance were, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from .timeline import KINDS, Timeline

MOST_POINTS = 60
_GONE = KINDS["expired"] + KINDS["deleted"]
_HELD = KINDS["usable"] + KINDS["unusable"]


@dataclass(frozen=True)
class Size:
    """The size in bytes of one backup that succeeded; `held`: its file is still there."""

    record: BackupRecord
    started_at: datetime
    size: int
    held: bool


def sizes(records: Timeline, *, most: int = MOST_POINTS) -> tuple[Size, ...]:
    """Return the sizes of the newest backups that succeeded, the oldest of them first.

    Those that expired or were deleted succeeded too; where DCS gives them 0 bytes, their size is forgotten.
    """
    found: list[Size] = []
    for place in range(len(records.records) - 1, -1, -1):
        held = records.letters[place] in _HELD
        record = records.records[place]
        size = record.size_bytes
        if size is None or not (held or (records.letters[place] in _GONE and size > 0)):
            continue
        found.append(Size(record, records.times[place], size, held))
        if len(found) == most:
            break
    return tuple(reversed(found))


def change(of: Sequence[Size]) -> float | None:
    """Return the newest size against the one before of the same format: 0.01 is 1 % more."""
    if len(of) < 2:
        return None
    newest = of[-1]
    before = next((s for s in reversed(of[:-1]) if s.record.format == newest.record.format), None)
    return newest.size / before.size - 1 if before and before.size else None
