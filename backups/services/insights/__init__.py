"""What a history tells at a glance: figures, days, hints, the policy and the retention outlook."""

from __future__ import annotations

from . import words
from .charts import chart, round_size, spark
from .days import STATES, Day
from .hints import Hint
from .overview import overview
from .rows import rows_of

__all__ = ["STATES", "Day", "Hint", "chart", "overview", "round_size", "rows_of", "spark", "words"]
