"""Texts for incident tickets and for the vendor's support, in several markups and languages."""

from __future__ import annotations

from .commands import API_EXPLORER, MOST_RECORDS, backup_command, history_command
from .markup import MARKUPS
from .renderer import About, Style, Ticket, TicketRenderer, rendered_by
from .texts import (
    backup_ticket,
    gone_ticket,
    history_ticket,
    newest_failure,
    problem_ticket,
    recovery_ticket,
    vendor_ticket,
)

__all__ = [
    "API_EXPLORER",
    "MARKUPS",
    "MOST_RECORDS",
    "About",
    "Style",
    "Ticket",
    "TicketRenderer",
    "backup_command",
    "backup_ticket",
    "gone_ticket",
    "history_command",
    "history_ticket",
    "newest_failure",
    "problem_ticket",
    "recovery_ticket",
    "rendered_by",
    "vendor_ticket",
]
