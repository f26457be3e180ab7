"""Texts for incident tickets, in several markups and languages."""

from __future__ import annotations

from .commands import API_EXPLORER, MOST_RECORDS, backup_command, history_command
from .markup import MARKUPS
from .renderer import About, Style
from .texts import backup_ticket, gone_ticket, history_ticket, problem_ticket, recovery_ticket

__all__ = [
    "API_EXPLORER",
    "MARKUPS",
    "MOST_RECORDS",
    "About",
    "Style",
    "backup_command",
    "backup_ticket",
    "gone_ticket",
    "history_command",
    "history_ticket",
    "problem_ticket",
    "recovery_ticket",
]
