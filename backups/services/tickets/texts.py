"""Texts for a ticket: what a page shows, with the time it is from and everything that is uncertain about it.

Frozen facts go in, a text comes out. Nothing here asks DCS or looks at a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, override

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..evidence import Life
from ..history import DEFAULT_SORT, FILTERS, RANGE_WORDS, SORTS, BackupFilter, FrozenLink, History
from ..insights import Block, not_now, overview
from ..listings import Listing
from ..problems import Problem
from ..recovery import RecoveryPoint
from .commands import MOST_RECORDS
from .renderer import About, Style, TicketRenderer

MOST_ROWS = 10


def history_ticket(
    about: About,
    listing: Listing[BackupRecord],
    history: History,
    frozen: FrozenLink,
    *,
    now: datetime,
    style: Style,
) -> str:
    """Return the text for a history as its page shows it. The page's first ten rows are in it."""
    return _text(
        "history",
        style,
        about=about,
        listing=listing,
        history=history,
        frozen=frozen,
        figures=overview(listing, about.instance, now=now).figures,
        filter_in_words=_filter_in_words,
        rows=history.rows[:MOST_ROWS],
        longer_than_one_answer=listing.total > MOST_RECORDS,
        as_of=history.filter.as_of,
    )


def backup_ticket(about: About, listing: Listing[BackupRecord], life: Life, *, style: Style) -> str:
    """Return the text for one backup."""
    record = life.record
    return _text(
        "backup",
        style,
        about=about,
        listing=listing,
        life=life,
        record=record,
        verdict=eligibility(record),
    )


def gone_ticket(about: About, listing: Listing[BackupRecord], backup_id: str, *, style: Style) -> str:
    """Return the text for a backup that DCS's list does not hold."""
    return _text("not_listed", style, about=about, listing=listing, backup_id=backup_id)


def problem_ticket(about: About, problem: Problem, *, now: datetime, style: Style) -> str:
    """Return the text for backups of which nothing is known, since DCS did not tell."""
    return _text(
        "problem",
        style,
        about=about,
        listing=None,
        problem=problem,
        asked_at=problem.asked_at or now,
        unknown=problem.page_status == 404,
    )


def recovery_ticket(
    about: About,
    listing: Listing[BackupRecord],
    point: RecoveryPoint,
    blocks: tuple[Block, ...],
    *,
    style: Style,
) -> str:
    """Return the text for the answer to "which backup is from before the asked time?"."""
    passed_over = point.passed_over[:MOST_ROWS]
    return _text(
        "recovery",
        style,
        about=about,
        listing=listing,
        point=point,
        blocks=blocks,
        not_now=not_now(blocks),
        passed_over=passed_over,
    )


def _text(name: str, style: Style, **context: Any) -> str:
    with override(style.language):
        return TicketRenderer(style).render(name, **{"as_of": None, **context})


# The filter in words ---------------------------------------------------------


def _filter_in_words(t: TicketRenderer, wanted: BackupFilter, frozen: FrozenLink) -> Iterator[str]:
    """Yield "Status: Failed, Other" for each part that is asked for."""
    for label, value in _parts(t, wanted, frozen):
        if value:
            yield gettext("%(label)s: %(value)s") % {"label": label, "value": value}


def _parts(t: TicketRenderer, wanted: BackupFilter, frozen: FrozenLink) -> Iterator[tuple[str, str]]:
    for one in FILTERS:
        chosen = wanted.chosen.get(one.name, ())
        yield str(one.title), t.listed(*(str(one.word(v)) if one.values else t.foreign(v) for v in chosen))
    yield gettext("Words"), t.listed_foreign(wanted.words)
    yield gettext("Data from"), _times(t, wanted, frozen)
    if wanted.sort != DEFAULT_SORT:
        falling = wanted.sort.startswith("-")
        order = gettext("%(field)s, descending") if falling else gettext("%(field)s, ascending")
        yield gettext("Order"), order % {"field": SORTS[wanted.sort.removeprefix("-")].title}


def _times(t: TicketRenderer, wanted: BackupFilter, frozen: FrozenLink) -> str:
    """Return the times that are asked for; the end that a frozen link adds is no filter of the viewer's."""
    start = t.moment(frozen.start) if frozen.start else ""
    end = t.moment(frozen.end) if frozen.end and (wanted.end or wanted.range) else ""
    if start and end:
        text = gettext("from %(start)s until before %(end)s")
    elif start:
        text = gettext("from %(start)s")
    else:
        text = gettext("until before %(end)s") if end else ""
    return t.listed(
        str(RANGE_WORDS[wanted.range]) if wanted.range else "", text % {"start": start, "end": end}
    )
