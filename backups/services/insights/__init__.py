"""What a history tells at a glance: the verdict, figures, days, hints, policy and retention."""

from __future__ import annotations

from .days import STATES, Day, ShortDay, day_counts, day_title, days_in_words, same_days, state_word
from .differences import compared
from .facts import BackupBrief, Block, Facts, facts_with, not_now, restore_blocks, unsupported_facts
from .figures import chart, size_change, spark
from .hints import Hint
from .overview import Overview, overview, rows_of, runs_of
from .policy import Plan, outlook_text, plan_of, plan_words
from .verdict import (
    REASONS,
    VERDICTS,
    Objective,
    Verdict,
    longest_believed,
    objective_of,
    reason_word,
    verdict_name,
    verdict_of,
    verdict_text,
)
