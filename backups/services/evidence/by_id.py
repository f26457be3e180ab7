"""What is kept under an id of the cloud, whichever instance of some projects it belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ...dcs.pages import backups_of_raw
from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...models import Backup, CloudProject, Instance
from ..listings import of_projects, record_of
from ..projects import Project

KnownBackup = tuple[Project, InstanceRecord, BackupRecord]
KnownInstance = tuple[Project, InstanceRecord]


def backups_by_id(ids: Collection[str], projects: Sequence[Project]) -> tuple[KnownBackup, ...]:
    """Return the backups of these projects that have such an id, also what DCS no longer lists.

    Raises django.db.Error.
    """
    # By the id alone, which is looked up in its index: a database that is told the projects as well may go
    # through all of their instances instead.
    rows = Backup.objects.filter(backup_id__in=ids)
    found = list(rows.select_related("instance__project").order_by("pk"))
    records = backups_of_raw(bytes(row.record) for row in found)
    return tuple(
        (project, _record(row.instance), record)
        for row, record in zip(found, records, strict=True)
        for project in _named(row.instance.project, projects)
    )


def instances_by_id(ids: Collection[str], projects: Sequence[Project]) -> tuple[KnownInstance, ...]:
    """Return the instances of these projects that have such an id, also those that are gone.

    Raises django.db.Error.
    """
    found = (
        Instance.objects.filter(of_projects(projects), instance_id__in=ids)
        .select_related("project")
        .order_by("pk")
    )
    return tuple((project, _record(row)) for row in found for project in _named(row.project, projects))


def _named(row: CloudProject, projects: Sequence[Project]) -> Iterator[Project]:
    """Yield which of the projects are this one of the cloud: none, one, or two names of it."""
    for project in projects:
        if project.of_cloud == (row.endpoint, row.project_id):
            yield project


def _record(row: Instance) -> InstanceRecord:
    # Where none is kept, its history alone was read.
    return record_of(row.listed or row.shown) or InstanceRecord.from_api({"instance_id": row.instance_id})
