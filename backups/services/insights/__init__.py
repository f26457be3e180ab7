"""What a history tells at a glance: the verdict, figures, days, hints, policy and retention."""

from __future__ import annotations

from . import words
from .days import STATES, Day, ShortDay, day_counts, same_days
from .differences import compared
from .facts import BackupBrief, Block, Facts, facts_with, not_now, restore_blocks, unsupported_facts
from .figures import axis, chart, line, size_change, spark
from .hints import Hint
from .overview import Overview, overview, rows_of, runs_of
from .policy import Plan, plan_of
from .verdict import REASONS, VERDICTS, Objective, Verdict, longest_believed, objective_of, verdict_of
from .words import outlook_text
