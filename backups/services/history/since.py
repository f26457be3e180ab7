"""Of which time the rows of a link are, and what has become of them since it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...dcs.records import BackupRecord
from ..evidence import ListSince, list_as_of, list_since
from ..listings import Listing, cached_histories
from ..projects import Project
from .query import BackupFilter, History, all_records_of, backup_history


@dataclass(frozen=True)
class Frozen:
    """Rows that end `at` a time: as many newer ones are `hidden`."""

    at: datetime
    hidden: int


def frozen(records: Sequence[BackupRecord], wanted: BackupFilter, *, now: datetime) -> Frozen | None:
    """Return where the rows of a link end, None where they go on; `records` are what is known now.

    Bounds on both sides are a choice, unless the link says when it was made.
    """
    made, end = wanted.as_of or wanted.seen, wanted.as_of or wanted.end
    if end is None or end > now or (wanted.start and not made):
        return None
    newer = replace(wanted, start=end, end=None, range="", as_of=None)
    return Frozen(min(end, made or end), backup_history(records, newer, now=now).matched)


def records_now(project: Project, instance_id: str) -> Sequence[BackupRecord] | None:
    """Return the records of the newest list that is at hand, None where none is. Nothing asks DCS."""
    [snapshot] = cached_histories([(project, instance_id)])
    return snapshot.cached.decoded.records if snapshot.cached else None


def history_since(
    project: Project,
    instance_id: str,
    listing: Listing[BackupRecord],
    history: History,
    *,
    seen: datetime,
) -> ListSince:
    """Compare what a link showed with what it shows now. Raises NotWatched and django.db.Error."""
    then = list_as_of(project, instance_id, seen)
    return list_since(
        listing,
        then,
        seen=seen,
        matched_then=backup_history(
            all_records_of(then), replace(history.filter, as_of=seen), now=seen
        ).found,
        matched_now=history.found,
        now=all_records_of(listing),
    )
