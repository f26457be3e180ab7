"""What a history tells at a glance: the verdict, figures, days, hints, policy and retention."""

from __future__ import annotations

from . import words
from .blocks import Block, not_now, restore_blocks
from .days import STATES, Day, ShortDay, day_counts
from .differences import compared
from .facts import BackupBrief, Facts, facts_with, unsupported_facts
from .hints import Hint
from .overview import Overview, overview
from .policy import Plan, plan_of
from .rows import rows_of, runs_of
from .sizes import axis, chart, line, size_change, spark
from .verdict import REASONS, VERDICTS, Objective, Verdict, longest_believed, objective_of, verdict_of
from .words import outlook_text

__all__ = [
    "REASONS",
    "STATES",
    "VERDICTS",
    "BackupBrief",
    "Block",
    "Day",
    "Facts",
    "Hint",
    "Objective",
    "Overview",
    "Plan",
    "ShortDay",
    "Verdict",
    "axis",
    "chart",
    "compared",
    "day_counts",
    "facts_with",
    "line",
    "longest_believed",
    "not_now",
    "objective_of",
    "outlook_text",
    "overview",
    "plan_of",
    "restore_blocks",
    "rows_of",
    "runs_of",
    "size_change",
    "spark",
    "unsupported_facts",
    "verdict_of",
    "words",
]
