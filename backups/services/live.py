"""How a page keeps itself current: what it shows by now, and when it asks for something newer.

A page sends back the mark of what it shows with each ask. While the mark stands nothing is newer, and it is
told when that was read. It asks every minute; sooner while a backup is not done, while its list is being
read, and while DCS does not answer. Only what a person must mend is not asked for again.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.utils.translation import gettext, ngettext, pgettext

from ..dcs.records import BackupRecord
from .listings import RUNNING_FRESH_SECONDS, Listing
from .problems import Problem, Progress
from .projects import CLOUD_ID

# quiet: nothing newer is expected soon. running: a backup is not done. reading: DCS is being asked.
# retrying: DCS is asked again later.
State = Literal["quiet", "running", "reading", "retrying"]

SOONEST = 1.0
LATER = 5.0
QUIET = 60.0
# A page names the running backups that it shows in a header of each ask.
MOST_RUNNING = 20


@dataclass(frozen=True)
class Live:
    """`mark` names what a page shows, `ask_after` the seconds until it makes sense to ask again, 0 for never.

    `read_at` is when what it shows was read, by the calls `request_ids`; None where it may be old by now.
    `problem`: there is nothing to show but a problem of that kind.
    """

    mark: str
    state: State = "quiet"
    ask_after: float = 0.0
    running: tuple[str, ...] = ()
    read_at: datetime | None = None
    request_ids: tuple[str, ...] = ()
    progress: Progress | None = None
    problem: str = ""

    @classmethod
    def of_listing(
        cls, listing: Listing[Any], *, now: datetime, running: tuple[str, ...] = (), shown: object = None
    ) -> Live:
        """Return the life of a page that shows a listing; it is about the backups `running`.

        `shown` is what else it shows that no reading of the listing changes.
        """
        state, ask_after = _state_of(listing, now, bool(running))
        return cls(
            # While much is being written, the digest is not known.
            _mark(listing.digest or listing.generation, listing.problem, shown),
            state,
            ask_after,
            running,
            read_at=listing.read_at if listing.source != "stale" else None,
            request_ids=listing.request_ids,
            progress=listing.progress,
        )

    @classmethod
    def of_problem(cls, problem: Problem, *, now: datetime) -> Live:
        """Return the life of a page that can show nothing but a problem."""
        state, ask_after = _state_of_problem(problem, now)
        return cls(_mark("", problem), state, ask_after, progress=problem.progress, problem=problem.kind)


def unfinished(listing: Listing[BackupRecord]) -> tuple[str, ...]:
    """Return the ids of the backups that are waiting or running."""

    def ids(records: tuple[BackupRecord, ...]) -> tuple[str, ...]:
        running = (record.backup_id for record in records if record.is_running)
        return tuple(one for one in running if CLOUD_ID.fullmatch(one))[:MOST_RUNNING]

    return listing.derived("unfinished", ids)


def finished(listing: Listing[BackupRecord], shown_running: Iterable[str]) -> list[BackupRecord]:
    """Return what has ended of the backups that a page shows as running."""
    ids = set(shown_running)
    if not ids:
        return []  # also of a list of instances
    return [record for record in listing.records if record.backup_id in ids and not record.is_running]


def brought(before: Iterable[BackupRecord], after: Iterable[BackupRecord]) -> tuple[int, int, int]:
    """Return how many backups of a list are new, have changed, and have left it."""
    known, now = ({record.key: record for record in records} for records in (before, after))
    changed = sum(known[key] != now[key] for key in known.keys() & now.keys())
    return len(now.keys() - known.keys()), changed, len(known.keys() - now.keys())


def refresh_sentence(counts: Sequence[int]) -> str:
    """Say what a refresh brought; without counts, that it came too soon."""
    if len(counts) != 3:
        return gettext(
            "DCS was asked a few seconds ago: "
            "a list is read at most once in 10 seconds, for all viewers together."
        )
    new, changed, gone = counts
    parts = [
        *([ngettext("%(n)d new backup", "%(n)d new backups", new) % {"n": new}] if new else ()),
        *([ngettext("%(n)d changed", "%(n)d changed", changed) % {"n": changed}] if changed else ()),
        *([ngettext("%(n)d no longer listed", "%(n)d no longer listed", gone) % {"n": gone}] if gone else ()),
    ]
    if not parts:
        return gettext("Read again: nothing has changed.")
    return gettext("Read again: %(parts)s.") % {"parts": pgettext("between names", ", ").join(parts)}


def _state_of(listing: Listing[Any], now: datetime, running: bool) -> tuple[State, float]:
    if listing.refreshing:
        return "reading", 0.0
    if listing.problem:
        state, ask_after = _state_of_problem(listing.problem, now)
        return state, ask_after if listing.problem.kind == "credentials_refused" else ask_after or QUIET
    if running:
        fresh = min(settings.DCS_FRESH_SECONDS, RUNNING_FRESH_SECONDS)
        # What was read for this very view is a little younger than the view.
        age = max(0.0, (now - listing.read_at).total_seconds())
        return "running", max(SOONEST, fresh - age)
    return "quiet", QUIET


def _state_of_problem(problem: Problem, now: datetime) -> tuple[State, float]:
    if problem.kind == "being_read":
        return "reading", 0.0
    # A refused key is tried again by a person: the cloud locks it after five refusals.
    if problem.page_status != 503 or problem.kind == "credentials_refused":
        return "quiet", 0.0
    seconds = (problem.retry_at - now).total_seconds() if problem.retry_at else LATER
    return "retrying", max(SOONEST, seconds)


def problem_of(mark: str) -> str:
    """Return the kind of the problem that a page with this mark shows, "" for none."""
    return mark.split(".")[1] if mark.count(".") > 1 else ""


def _mark(content: str, problem: Problem | None, shown: object = None) -> str:
    told = (problem.kind, problem.http_status, problem.code, problem.asked_at) if problem else None
    seen = zlib.crc32(repr((told, shown)).encode())
    return f"{content}.{problem.kind if problem else ''}.{seen:08x}"
