"""What is kept, and how much of each project: for who wants it deleted, and for the operators."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from ...models import Backup, CloudProject, Instance
from ..listings import LISTED
from ..projects import configured_projects


def instances_with(instance_id: str) -> QuerySet[Instance]:
    """Return what is kept of an instance: more than one where several projects know such an id."""
    return Instance.objects.filter(instance_id=instance_id).select_related("project").order_by("pk")


def projects_called(name: str) -> QuerySet[CloudProject]:
    """Return the project that is configured by a name, else those that the cloud calls so."""
    configured = configured_projects().get(name)
    if configured is None:
        return CloudProject.objects.filter(project_id=name).order_by("pk")
    return CloudProject.objects.filter(endpoint=configured.endpoint, project_id=configured.project_id)


def backups_with(backup_id: str) -> QuerySet[Backup]:
    """Return the backup with an id: nearly always one."""
    return Backup.objects.filter(backup_id=backup_id).select_related("instance__project").order_by("pk")


@dataclass(frozen=True)
class ProjectEvidence:
    """What is kept of a project of the cloud; `name` is how it was configured when it was read first."""

    name: str
    endpoint: str
    project_id: str
    instances: int
    backups: int
    unlisted: int


def evidence_by_project() -> list[ProjectEvidence]:
    """Count what is kept of each project of the cloud."""
    backups = Backup.objects.order_by().values_list("instance__project").annotate(Count("pk"))
    instances = dict(Instance.objects.order_by().values_list("project").annotate(Count("pk")))
    of_all, listed, found = dict(backups), dict(backups.filter(LISTED)), []
    for one in CloudProject.objects.order_by("pk"):
        count = of_all.get(one.pk, 0)
        counts = instances.get(one.pk, 0), count, count - listed.get(one.pk, 0)
        found.append(ProjectEvidence(one.name, one.endpoint, one.project_id, *counts))
    return found
