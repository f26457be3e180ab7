"""The configured projects, and who may see them.

A project is a region-bound container of instances. Which viewers may see it is
decided anew at every request, from the viewer's groups and the configured ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from django.conf import settings

from ..dcs.signing import Credentials

# The form of the ids of instances and backups, so that one fits into a path, a header and a command.
CLOUD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class HasGroups(Protocol):
    @property
    def groups(self) -> Any: ...


@dataclass(frozen=True)
class Project:
    """`name` is the short name in URLs; `project_id` is the cloud's; `rpo` is how old its backups may be."""

    name: str
    region: str
    project_id: str
    endpoint: str
    credentials: Credentials
    groups: tuple[str, ...] = ()
    rpo: timedelta | None = None

    @property
    def of_cloud(self) -> tuple[str, str]:
        """What it is at the cloud, whatever it is called here."""
        return self.endpoint, self.project_id

    def may_be_seen_by(self, viewer: HasGroups) -> bool:
        """A project without groups is for every viewer whom the sign-in lets in."""
        return not self.groups or not set(self.groups).isdisjoint(viewer.groups)


def configured_projects() -> dict[str, Project]:
    """Return all configured projects by name, in the order of the configuration."""
    return {name: Project(name=name, **values) for name, values in settings.DCS_PROJECTS.items()}


def by_cloud(projects: Iterable[Project]) -> dict[tuple[str, str], Project]:
    return {project.of_cloud: project for project in projects}


def visible_projects(viewer: HasGroups) -> list[Project]:
    return [project for project in configured_projects().values() if project.may_be_seen_by(viewer)]


def visible_project(viewer: HasGroups, name: str) -> Project | None:
    """Return the project, None where there is none or the viewer may not see it: nobody can tell which."""
    values = settings.DCS_PROJECTS.get(name)
    project = Project(name=name, **values) if values else None
    return project if project and project.may_be_seen_by(viewer) else None
