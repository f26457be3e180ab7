"""What a history tells at a glance: figures, days, hints, the policy and the retention outlook."""

from __future__ import annotations

from . import words
from .charts import chart, round_size, spark
from .days import STATES, Day
from .hints import Hint
from .outlook import Outlook
from .overview import Overview, overview
from .policy import Plan, day_runs
from .sizes import Size

__all__ = [
    "STATES",
    "Day",
    "Hint",
    "Outlook",
    "Overview",
    "Plan",
    "Size",
    "chart",
    "day_runs",
    "overview",
    "round_size",
    "spark",
    "words",
]
