"""Texts for a ticket: what a page shows, with the time it is from and everything that is uncertain about it.

Frozen facts go in, a text comes out. Nothing here asks DCS or looks at a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..evidence import Life
from ..history import DEFAULT_SORT, FILTERS, RANGE_WORDS, SORTS, BackupFilter, FrozenLink, History, records_of
from ..insights import not_now, overview, restore_blocks
from ..listings import Listing
from ..problems import Problem
from ..recovery import RecoveryPoint
from .renderer import About, Ticket, TicketRenderer, rendered

MOST_ROWS = 5


def history_ticket(
    about: About, listing: Listing[BackupRecord], history: History, frozen: FrozenLink, *, now: datetime
) -> Ticket:
    """Return the text for a history as its page shows it. The page's first rows are in it."""
    as_of = history.filter.as_of
    # The instance and its policy are those of now.
    seen = overview(listing, None if as_of else about.instance, now=now, project=about.project)
    rows, failure = history.rows[:MOST_ROWS], newest_failure(listing)
    return rendered(
        "history",
        about,
        at=listing.read_at,
        listing=listing,
        history=history,
        frozen=frozen,
        figures=seen.figures,
        instance_verdict=seen.verdict,
        filter_parts=_parts,
        rows=rows,
        # One that others followed that are usable is told of where it is shown.
        failure=failure if failure in rows or seen.verdict.verdict != "usable" else None,
        as_of=as_of,
    )


def newest_failure(listing: Listing[BackupRecord]) -> BackupRecord | None:
    """Return the newest backup of a list that failed, if any did."""
    return next(_failures(listing), None)


def _failures(listing: Listing[BackupRecord]) -> Iterator[BackupRecord]:
    return (record for record in records_of(listing) if record.status == "failed")


def backup_ticket(about: About, listing: Listing[BackupRecord], life: Life, *, now: datetime) -> Ticket:
    """Return the text for one backup."""
    return rendered(
        "backup",
        about,
        at=listing.read_at,
        listing=listing,
        life=life,
        record=life.record,
        verdict=eligibility(life.record),
        not_now=not_now(restore_blocks(about.instance, listing.records)),
        outlook=overview(listing, about.instance, now=now).outlook(life.record),
    )


def gone_ticket(about: About, listing: Listing[BackupRecord], backup_id: str) -> Ticket:
    """Return the text for a backup that DCS's list does not hold."""
    return rendered("not_listed", about, at=listing.read_at, listing=listing, backup_id=backup_id)


def problem_ticket(about: About, *, problem: Problem, now: datetime) -> Ticket:
    """Return the text for backups of which nothing is known, since DCS did not tell."""
    asked_at, is_missing = problem.asked_at or now, problem.page_status == 404
    context = {"problem": problem, "asked_at": asked_at, "is_missing": is_missing}
    return rendered("problem", about, at=now, listing=None, **context)


def recovery_ticket(about: About, listing: Listing[BackupRecord], point: RecoveryPoint) -> Ticket:
    """Return the text for the answer to "which backup is from before this time?"."""
    blocks = restore_blocks(about.instance, listing.records)
    return rendered(
        "recovery",
        about,
        at=listing.read_at,
        listing=listing,
        point=point,
        instance_verdict=overview(listing, about.instance, now=point.now, project=about.project).verdict,
        blocks=blocks,
        not_now=not_now(blocks),
        passed_over=point.passed_over[:MOST_ROWS],
    )


def vendor_ticket(
    about: About,
    *,
    listing: Listing[BackupRecord] | None = None,
    record: BackupRecord | None = None,
    problem: Problem | None = None,
    now: datetime,
) -> Ticket:
    """Return what the vendor's support needs to know of a backup, of a call that failed, or of both."""
    others = [one.backup_id for one in _failures(listing) if one != record] if listing else []
    return rendered(
        "vendor",
        replace(about, style=replace(about.style, zone=None)),
        at=listing.read_at if listing else now,
        listing=listing,
        record=record,
        problem=problem or (listing.problem if listing else None),
        others=others[:MOST_ROWS] if record and record.status == "failed" else [],
    )


# The filter in words ---------------------------------------------------------


def _parts(t: TicketRenderer, wanted: BackupFilter, frozen: FrozenLink) -> Iterator[tuple[str, str]]:
    yield from t.chosen(FILTERS, wanted.chosen)
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
    if start:
        text = gettext("from %(start)s until before %(end)s") if end else gettext("from %(start)s")
    else:
        text = gettext("until before %(end)s") if end else ""
    of_range = str(RANGE_WORDS[wanted.range]) if wanted.range else ""
    return t.listed(of_range, text % {"start": start, "end": end})
