"""A strip of time that shows an answer at a glance: the backup, what is lost, the asked time, its neighbours.

Answer, asked time and neighbours have fixed places, so that their labels never meet; between two
of them the scale is even. Places are percentages of the width.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from .point import PassedOver, RecoveryPoint

ANSWER, ASKED, NEWER = 29.0, 74.0, 93.0
MOST_MARKS = 40
_JUST_AFTER = 2.5


@dataclass(frozen=True)
class Mark:
    """A backup that was passed over, from `x` to `end`; `look` is failed, gone, running, unfit or doubt."""

    x: float
    end: float
    look: str
    reasons: tuple[str, ...]


def strip_marks(point: RecoveryPoint) -> list[Mark]:
    """Return where the backups lie that were passed over for an answer; none where there is no answer."""
    if point.answer is None:
        return []
    scale = [(point.answer.data_from, ANSWER), (point.at, ASKED)]
    if point.newer:
        scale.append((point.newer.data_from, NEWER))
    return [_mark(passed, point.at, scale) for passed in point.passed_over[:MOST_MARKS]]


def _mark(passed: PassedOver, at: datetime, scale: list[tuple[datetime, float]]) -> Mark:
    candidate = passed.candidate
    x = end = _place(candidate.data_from, scale)
    if candidate.usable and candidate.ended and candidate.ended <= at:
        end = max(x, _place(candidate.ended, scale))
    elif candidate.usable:
        # However short, one that ran across the asked time is seen to lie across it.
        x = min(x, ASKED - _JUST_AFTER)
        end = max(ASKED + _JUST_AFTER, _place(candidate.ended, scale) if candidate.ended else 0)
    return Mark(x, end, _look(passed), passed.reasons)


def _place(moment: datetime, scale: list[tuple[datetime, float]]) -> float:
    for (before, left), (after, right) in pairwise(scale):
        if moment <= after:
            share = (moment - before) / (after - before) if after > before else 0.0
            return round(left + max(0.0, share) * (right - left), 2)
    return round(min(scale[-1][1] + _JUST_AFTER, 99.0), 2)


def _look(passed: PassedOver) -> str:
    if passed.candidate.usable:
        return "doubt"
    if passed.record.is_running:
        return "running"
    return {"failed": "failed", "expired": "gone", "deleted": "gone"}.get(passed.record.status, "unfit")
