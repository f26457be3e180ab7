"""What a history tells at a glance: the verdict, figures, days, hints, policy and retention."""

from __future__ import annotations

from . import words
from .blocks import Block, not_now, restore_blocks
from .days import STATES, Day, ShortDay, day_counts
from .differences import compared
from .facts import BackupBrief, Facts, facts_with, unsupported_facts
from .figures import axis, chart, line, size_change, spark
from .hints import Hint
from .overview import Overview, overview
from .policy import Plan, plan_of
from .rows import rows_of, runs_of
from .verdict import REASONS, VERDICTS, Objective, Verdict, longest_believed, objective_of, verdict_of
from .words import outlook_text
