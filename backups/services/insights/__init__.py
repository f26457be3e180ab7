"""What a history tells at a glance: figures, days, hints, the policy and the retention outlook."""

from __future__ import annotations

from . import words
from .days import STATES, Day, day_counts
from .hints import Hint
from .overview import overview
from .rows import rows_of
from .sizes import axis, chart, line, size_change, spark

__all__ = [
    "STATES",
    "Day",
    "Hint",
    "axis",
    "chart",
    "day_counts",
    "line",
    "overview",
    "rows_of",
    "size_change",
    "spark",
    "words",
]
