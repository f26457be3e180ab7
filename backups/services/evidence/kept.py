"""How much is kept."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from ...models import Backup, CloudProject, Instance
from ..listings import LISTED


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
