"""What is copied of the board and of its reports for a ticket: the first rows, and how complete they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from .. import insights, words
from ..insights import VERDICTS
from ..tickets import Style, Ticket, TicketRenderer, rendered_by
from .board import Board
from .filters import FILTERS, BoardFilter
from .reports import Changes, Failures

MOST_ROWS = 20


def board_ticket(found: Board, link: str, style: Style) -> Ticket:
    t = _renderer(link, found.filter.as_of or found.now, style)
    return _rendered(
        t,
        "board",
        style,
        board=found,
        rows=found.shown[:MOST_ROWS],
        filter_parts=_filter_parts,
        # How old a reading is when the text is read nobody knows: times alone are told.
        say={**t.say, "ago": None},
        verdicts=VERDICTS,
    )


def failures_ticket(found: Failures, link: str, style: Style) -> Ticket:
    rows = found.rows[:MOST_ROWS]
    t = _renderer(link, found.end, style)
    return _rendered(t, "failures", style, report=found, rows=rows)


def changes_ticket(found: Changes, link: str, style: Style) -> Ticket:
    t = _renderer(link, found.end, style)
    return _rendered(t, "changes", style, report=found, most=MOST_ROWS)


def _renderer(link: str, at: datetime, style: Style) -> TicketRenderer:
    return TicketRenderer(link, words.Clock(at), style.zone)


def _rendered(t: TicketRenderer, name: str, style: Style, **context: Any) -> Ticket:
    return rendered_by(t, name, style, insights=insights, **context)


def _filter_parts(t: TicketRenderer, wanted: BoardFilter) -> Iterator[tuple[str, str]]:
    yield from t.chosen(FILTERS, wanted.chosen)
    yield gettext("Words"), t.listed_foreign(wanted.words)
