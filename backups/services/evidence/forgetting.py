"""How much is kept, and its removal because somebody asks for it: of an instance, of a project, a remark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from ...models import Backup, CloudProject, Instance
from ..listings import LISTED, Removed, remove_instance, remove_project, remove_remarks
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


def forget_instances(instances: Iterable[Instance]) -> Removed:
    """Delete instances with all their backups; tell how many rows of what. Raises django.db.Error."""
    return sum(map(remove_instance, instances), Removed())


def forget_projects(projects: Iterable[CloudProject]) -> Removed:
    """Delete projects with all their instances; tell how many rows of what. Raises django.db.Error."""
    return sum(map(remove_project, projects), Removed())


def forget_remarks(backups: QuerySet[Backup]) -> int:
    """Take the remarks out of backups, also as they were; tell of how many. Raises django.db.Error."""
    return remove_remarks(backups)


@dataclass(frozen=True)
class KeptProject:
    """What is kept of a project of the cloud; `name` is how it was configured when it was read first."""

    name: str
    endpoint: str
    project_id: str
    instances: int
    backups: int
    unlisted: int


def kept_by_project() -> list[KeptProject]:
    """Count what is kept of each project of the cloud. Raises django.db.Error."""
    backups = Backup.objects.order_by().values_list("instance__project").annotate(Count("pk"))
    instances = dict(Instance.objects.order_by().values_list("project").annotate(Count("pk")))
    of_all, listed = dict(backups), dict(backups.filter(LISTED))
    return [
        KeptProject(
            name=project.name,
            endpoint=project.endpoint,
            project_id=project.project_id,
            instances=instances.get(project.pk, 0),
            backups=of_all.get(project.pk, 0),
            unlisted=of_all.get(project.pk, 0) - listed.get(project.pk, 0),
        )
        for project in CloudProject.objects.order_by("pk")
    ]
