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
