"""The configured projects, who may see them, and their clients.

A project is a region-bound container of instances. Which viewers may see it is
decided anew at every request, from the viewer's groups and the configured ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

from django.conf import settings

from ..dcs.client import DcsClient
from ..dcs.signing import Credentials
from .calls import dcs_was_asked


class HasGroups(Protocol):
    @property
    def groups(self) -> Any: ...


@dataclass(frozen=True)
class Project:
    """`name` is the short name in URLs; `project_id` is the cloud's."""

    name: str
    region: str
    project_id: str
    endpoint: str
    credentials: Credentials
    groups: tuple[str, ...] = ()

    def may_be_seen_by(self, viewer: HasGroups) -> bool:
        """A project without groups is for every viewer whom the sign-in lets in."""
        return not self.groups or not set(self.groups).isdisjoint(viewer.groups)


def configured_projects() -> dict[str, Project]:
    """Return all configured projects by name, in the order of the configuration."""
    return {name: Project(name=name, **values) for name, values in settings.DCS_PROJECTS.items()}


def visible_projects(viewer: HasGroups) -> list[Project]:
    return [project for project in configured_projects().values() if project.may_be_seen_by(viewer)]


def visible_project(viewer: HasGroups, name: str) -> Project | None:
    """Return the project, None where there is none or the viewer may not see it: nobody can tell which."""
    values = settings.DCS_PROJECTS.get(name)
    project = Project(name=name, **values) if values else None
    return project if project and project.may_be_seen_by(viewer) else None


def client_for(project: Project) -> DcsClient:
    """Return this process's client of a project; it keeps its connections open."""
    return _client(
        project.name,
        project.endpoint,
        project.project_id,
        project.credentials,
        settings.DCS_CONNECT_TIMEOUT,
        settings.DCS_READ_TIMEOUT,
    )


@lru_cache(maxsize=64)
def _client(
    name: str,
    endpoint: str,
    project_id: str,
    credentials: Credentials,
    connect_timeout: float,
    read_timeout: float,
) -> DcsClient:
    return DcsClient(
        endpoint=endpoint,
        project_id=project_id,
        credentials=credentials,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        observe=partial(dcs_was_asked, name),
    )
