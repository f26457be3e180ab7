"""This process's clients of DCS, one for each project."""

from __future__ import annotations

from functools import lru_cache, partial

from django.conf import settings

from ...dcs.client import DcsClient
from ...dcs.signing import Credentials
from ..projects import Project
from .calls import dcs_was_asked


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
