"""Evidence: what DCS said of backups in the past, when that was seen, and what has changed since.

The rows are written by `listings`, as each list is read; here they are told. A time is an interval: a change
came after one reading and was seen by the next. What asks for rows raises django.db.Error
where the database does not answer.
"""

from __future__ import annotations

from .backups import (
    Evidence,
    FieldChange,
    Interval,
    KnownBackup,
    RecordChange,
    backups_by_id,
    evidence_of,
    instances_by_id,
    last_seen,
)
from .comparison import BackupSince, BackupsSince, ListSince, backup_since, list_since
from .events import Event, InstanceGone, Life, life_of
from .forgetting import ProjectEvidence, backups_with, evidence_by_project, instances_with, projects_called
from .lists import Gap, NotWatched, all_records, gaps, list_as_of
