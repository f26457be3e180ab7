"""What has become of a history since its link was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ...dcs.records import BackupRecord
from ..evidence import ListSince, list_as_of, list_since
from ..listings import Listing
from ..projects import Project
from .query import History, all_records_of, backup_history


def history_since(
    project: Project,
    instance_id: str,
    listing: Listing[BackupRecord],
    history: History,
    *,
    seen: datetime,
    now: datetime,
) -> ListSince:
    """Compare what a link showed with what it shows now. Raises NotWatched and django.db.Error."""
    then, wanted, records = list_as_of(project, instance_id, seen), history.filter, all_records_of(listing)
    return list_since(
        listing,
        then,
        seen=seen,
        matched_then=backup_history(all_records_of(then), replace(wanted, as_of=seen), now=seen).found,
        matched_now=history.found,
        without_end=backup_history(records, replace(wanted, end=None), now=now).found,
        now=records,
    )
