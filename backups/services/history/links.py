"""The portal's own links: the link is the product, and these are all of them that carry a state."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from ...dcs.records import BackupRecord, Instance
from ..projects import Project

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def history_url(project: Project, instance_id: str) -> str:
    return reverse("history", args=[project.name, instance_id])


def instance_url(project: Project, instance: Instance) -> str:
    """Return the page of an instance; "" for an id that no page can have."""
    return history_url(project, instance.instance_id) if _ID.fullmatch(instance.instance_id) else ""


def backup_url(project: Project, instance_id: str, record: BackupRecord) -> str:
    """Return the page of a backup; "" for an id that no page can have."""
    path = backup_path(record)
    return history_url(project, instance_id) + path if path else ""


def backup_path(record: BackupRecord) -> str:
    """Return what follows the path of its history; "" for an id that no page can have."""
    return f"backups/{record.backup_id}/" if _ID.fullmatch(record.backup_id) else ""


def frozen_recovery_path(path: str, query: QueryDict, at: datetime) -> str:
    """Return the page that shows the same instant next week, whatever words it was asked with."""
    query = query.copy()
    query["at"] = str(utc_text(at))
    return f"{path}?{query.urlencode(safe=':')}"


def between_url(project: Project, instance_id: str, start: datetime | None, end: datetime) -> str:
    """Return the history of what started from `start` to before `end`."""
    query = QueryDict(mutable=True)
    if start:
        query["from"] = str(utc_text(start))
    query["to"] = str(utc_text(end))
    return f"{history_url(project, instance_id)}?{query.urlencode(safe=':')}"


def absolute(path: str) -> str:
    """Return the address that a ticket can carry."""
    return f"{settings.PORTAL_URL}{path}" if path else ""


def utc_text(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with Z; parts of a second only where there are any."""
    if moment is None:
        return None
    spec = "seconds"
    if moment.microsecond:
        spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")
