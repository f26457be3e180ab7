"""Deletes what is kept, because somebody asks for it: of an instance, of a project, a remark."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from ...models import Backup, CloudProject, Instance
from ..listings import Removed, remove_instance, remove_project, remove_remarks
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
