"""The official command line for what a page shows, to be run by who holds a key of the project.

DCS filters by time only, and by a timestamp that it does not document; all other filters and the
order are the portal's. hcloud exits with 0 even where the API answers with an error.
"""

from __future__ import annotations

from datetime import UTC, timedelta

from ...dcs.records import BackupRecord
from ..listings import Window
from ..projects import CLOUD_ID, Project

# The vendor's page on this very call, which makes commands and sends them.
API_EXPLORER = (
    "https://apiexplorer.developer.huaweicloud.com/apiexplorer/doc?product=DCS&api=ListBackupRecords"
)
MOST_RECORDS = 1000

_SECOND = timedelta(seconds=1)


def history_command(
    project: Project, instance_id: str, bounds: Window = (None, None), query: str = ""
) -> str:
    """Return the command that lists an instance's backups, "" where an id is none that a shell may see."""
    if not all(CLOUD_ID.fullmatch(text) for text in (project.region, project.project_id, instance_id)):
        return ""
    begin, end = bounds
    if end and end.microsecond:  # rounded up: whether DCS counts the bound itself is not documented
        end = end.replace(microsecond=0) + _SECOND
    options = {
        "cli-region": f'"{project.region}"',
        "project_id": f'"{project.project_id}"',
        "instance_id": f'"{instance_id}"',
        "begin_time": f'"{begin.astimezone(UTC):%Y%m%d%H%M%S}"' if begin else "",
        "end_time": f'"{end.astimezone(UTC):%Y%m%d%H%M%S}"' if end else "",
        "limit": str(MOST_RECORDS),
        "offset": "0",
        "cli-output": "json",
        "cli-query": f'"{query}"' if query else "",
    }
    given = (f"--{name}={value}" for name, value in options.items() if value)
    return " ".join(("hcloud DCS ListBackupRecords", *given))


def backup_command(project: Project, instance_id: str, record: BackupRecord) -> str:
    """Return the command that shows one backup: DCS has no call for it, so hcloud picks it from a list.

    The list is of the time around it, whichever of its times DCS filters by.
    """
    if not CLOUD_ID.fullmatch(record.backup_id):
        return ""
    times = [t for t in (record.created_at, record.execution_at, record.updated_at) if t]
    bounds = (min(times), max(times) + _SECOND) if times else (None, None)
    picked = f"backup_record_response[?backup_id=='{record.backup_id}']"
    return history_command(project, instance_id, bounds, picked)
