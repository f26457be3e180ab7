"""A strip of time that shows an answer at a glance: the backup, what is lost, the asked time, its neighbours.

Answer, asked time and neighbours have fixed places, so that their labels never meet; between two
of them the scale is even. Places are percentages of the width.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .point import Candidate, PassedOver, RecoveryPoint

OLDER, ANSWER, ASKED, NEWER = 8.0, 29.0, 74.0, 93.0
MOST_MARKS = 40
_JUST_AFTER = 2.5


@dataclass(frozen=True)
class Mark:
    """A backup that was passed over, from `x` to `end`; `look` is failed, gone, running or doubt."""

    x: float
    end: float
    look: str
    passed: PassedOver

    @property
    def width(self) -> float:
        return round(self.end - self.x, 2)


@dataclass(frozen=True)
class Strip:
    marks: tuple[Mark, ...]
    has_older: bool
    has_newer: bool


def strip_of(point: RecoveryPoint) -> Strip | None:
    """Return the strip of an answer, None where there is none."""
    if point.answer is None:
        return None
    places = [(point.answer.data_from, ANSWER), (point.at, ASKED)]
    if point.newer:
        places.append((point.newer.data_from, NEWER))
    marks = (_mark(passed, places) for passed in point.passed_over[:MOST_MARKS])
    return Strip(tuple(marks), has_older=point.older is not None, has_newer=point.newer is not None)


def _mark(passed: PassedOver, places: list[tuple[datetime, float]]) -> Mark:
    candidate = passed.candidate
    x = _place(candidate.data_from, places)
    if candidate.usable and not (candidate.ended and candidate.ended <= places[1][0]):
        x = min(x, ASKED - _JUST_AFTER)  # however short, it is seen to lie across the asked time
    return Mark(x, _end(candidate, x, places), _look(passed), passed)


def _end(candidate: Candidate, x: float, places: list[tuple[datetime, float]]) -> float:
    """A backup that ran across the asked time is seen to: its end is some way behind it."""
    at = places[1][0]
    if not candidate.usable:
        return x
    if candidate.ended and candidate.ended <= at:
        return max(x, _place(candidate.ended, places))
    return max(ASKED + _JUST_AFTER, _place(candidate.ended, places) if candidate.ended else 0)


def _place(moment: datetime, places: list[tuple[datetime, float]]) -> float:
    (before, left), *rest = places
    for after, right in rest:
        if moment <= after:
            share = (moment - before) / (after - before) if after > before else 0.0
            return round(left + max(0.0, share) * (right - left), 2)
        before, left = after, right
    return round(min(left + _JUST_AFTER, 99.0), 2)


def _look(passed: PassedOver) -> str:
    status = passed.record.status
    if passed.candidate.usable:
        return "doubt"
    if passed.record.is_running:
        return "running"
    return {"failed": "failed", "expired": "gone", "deleted": "gone"}.get(status, "unfit")
