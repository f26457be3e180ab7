"""Evidence: what DCS said of backups in the past, when that was seen, and what has changed since.

The rows are written by `listings`, as each list is read; here they are told. A time is an interval: a change
came after one reading and was seen by the next.
"""

from __future__ import annotations

from .backups import Evidence, FieldChange, Interval, RecordChange, evidence_of, last_seen
from .by_id import KnownBackup, backups_by_id, instances_by_id
from .comparison import BackupSince, BackupsSince, ListSince, backup_since, list_since
from .events import Event, InstanceGone, Life, life_of
from .forgetting import (
    KeptProject,
    backups_with,
    forget_instances,
    forget_projects,
    forget_remarks,
    instances_with,
    kept_by_project,
    projects_called,
)
from .lists import Gap, NotWatched, all_records, gaps, list_as_of
