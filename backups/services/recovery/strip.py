"""A strip of time that shows an answer at a glance: what is lost, what is overwritten, and what is around it.

It is to scale, but its labels need room: a piece that is much longer or shorter than the one behind
the answer has a fixed width, and is shown as broken. Places are percentages of the width.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from .point import Candidate, PassedOver, RecoveryPoint

LEFT, RIGHT = 10.0, 91.0
BROKEN_WIDTH = 14.0
# Up to how many times as long, or as short, a piece keeps the scale.
SAME_SCALE = 2
MOST_MARKS = 40
_BESIDE = 2.5


class Mark(NamedTuple):
    """A backup that was passed over, from `x` to `end`; `look` is failed, gone, running, unfit or doubt."""

    x: float
    end: float
    look: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Strip:
    """Where "older", "answer", "asked", "newer" and "now" are, the middles of broken pieces, and marks."""

    places: dict[str, float]
    breaks: tuple[float, ...]
    marks: tuple[Mark, ...]

    @property
    def now(self) -> float:
        """Where all that is overwritten ends; where now has no place of its own, it is the asked time."""
        return self.places.get("now", self.places["asked"])


def strip_of(point: RecoveryPoint) -> Strip | None:
    """Return the strip of an answer; None where there is none."""
    if point.answer is None:
        return None
    moments = sorted(_moments(point, point.answer).items(), key=lambda named: named[1])
    names, times = [name for name, _ in moments], [moment for _, moment in moments]
    spans = [after - before for before, after in pairwise(times)]
    main = spans[min(names.index("answer"), len(spans) - 1)]
    broken = [span != main and not main / SAME_SCALE <= span <= main * SAME_SCALE for span in spans]
    scale = list(zip(times, _places(spans, broken), strict=True))
    places = {name: x for name, (_, x) in zip(names, scale, strict=True)}
    middles = [round((left + right) / 2, 2) for (_, left), (_, right) in pairwise(scale)]
    return Strip(
        places,
        tuple(middle for middle, is_broken in zip(middles, broken, strict=True) if is_broken),
        tuple(_mark(passed, point.at, places["asked"], scale) for passed in point.passed_over[:MOST_MARKS]),
    )


def _moments(point: RecoveryPoint, answer: Candidate) -> dict[str, datetime]:
    found = {"older": point.older.data_from} if point.older else {}
    found |= {"answer": answer.data_from, "asked": point.at}
    if point.newer:
        found["newer"] = point.newer.data_from
    if abs(point.now - point.at) > timedelta(minutes=1):
        found["now"] = point.now
    return found


def _places(spans: list[timedelta], broken: list[bool]) -> list[float]:
    """Return where each moment is: what is not broken shares the rest of the width by its length."""
    whole = sum((span for span, is_broken in zip(spans, broken, strict=True) if not is_broken), timedelta())
    room = RIGHT - LEFT - BROKEN_WIDTH * sum(broken)
    places = [LEFT]
    for span, is_broken in zip(spans, broken, strict=True):
        share = span / whole if whole else 1 / broken.count(False)
        width = BROKEN_WIDTH if is_broken else room * share
        places.append(places[-1] + width)
    return [round(place, 2) for place in places]


def _mark(passed: PassedOver, at: datetime, asked: float, scale: list[tuple[datetime, float]]) -> Mark:
    candidate = passed.candidate
    x = end = _place(candidate.data_from, scale)
    if candidate.usable and candidate.ended and candidate.ended <= at:
        end = max(x, _place(candidate.ended, scale))
    elif candidate.usable:
        # However short, one that ran across the asked time is seen to lie across it.
        x = min(x, asked - _BESIDE)
        end = max(asked + _BESIDE, _place(candidate.ended, scale) if candidate.ended else 0)
    return Mark(x, end, _look(passed), passed.reasons)


def _place(moment: datetime, scale: list[tuple[datetime, float]]) -> float:
    for (before, left), (after, right) in pairwise(scale):
        if moment <= after:
            share = (moment - before) / (after - before) if after > before else 0.0
            return round(left + max(0.0, share) * (right - left), 2)
    return round(min(scale[-1][1] + _BESIDE, 99.0), 2)


def _look(passed: PassedOver) -> str:
    if passed.candidate.usable:
        return "doubt"
    if passed.record.is_running:
        return "running"
    return {"failed": "failed", "expired": "gone", "deleted": "gone"}.get(passed.record.status, "unfit")
