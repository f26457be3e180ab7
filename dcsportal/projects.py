"""Reads the configured DCS projects: one from DCS_* variables, several from a TOML file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

import msgspec
from django.core.exceptions import ImproperlyConfigured

from backups.dcs.signing import Credentials

from . import environment as env


class ProjectSettings(TypedDict):
    region: str
    project_id: str
    endpoint: str
    credentials: Credentials
    groups: tuple[str, ...]
    rpo: timedelta | None


class ProjectTable(msgspec.Struct, forbid_unknown_fields=True):
    """A table [projects.<name>]: it names where a key stands, and never holds one."""

    region: str
    project_id: str
    endpoint: str = ""
    ak_env: str = ""
    ak_file: str = ""
    sk_env: str = ""
    sk_file: str = ""
    security_token_env: str = ""
    security_token_file: str = ""
    groups: tuple[Annotated[str, msgspec.Meta(pattern=r"\S")], ...] = ()
    rpo: str | int = ""


class ProjectsFile(msgspec.Struct, forbid_unknown_fields=True):
    projects: dict[str, Any]


def read_projects() -> dict[str, ProjectSettings]:
    """Return the projects by their short names, in the order in which they are configured."""
    projects = _single_project()
    for name, project in _projects_of_file(env.text("DCS_PROJECTS_FILE")).items():
        if name in projects:
            says = f"DCS_PROJECTS_FILE has the project {name}, which DCS_PROJECT_NAME has too."
            raise ImproperlyConfigured(says)
        projects[name] = project
    return projects


def as_group(name: str) -> str:
    """Return a group as it is compared: Keycloak's paths (`/dcs/support`) count without their first slash."""
    return name.strip().removeprefix("/")


def _single_project() -> dict[str, ProjectSettings]:
    table = ProjectTable(
        region=env.text("DCS_REGION"),
        project_id=env.text("DCS_PROJECT_ID"),
        endpoint=env.web_address("DCS_ENDPOINT"),
        groups=tuple(env.words("DCS_PROJECT_GROUPS")),
    )
    key = Credentials(env.secret("DCS_AK"), env.secret("DCS_SK"), env.secret("DCS_SECURITY_TOKEN"))
    name = env.text("DCS_PROJECT_NAME", "default")
    if not (table.project_id or key.ak or key.sk):
        return {}
    needed = ("DCS_REGION", "DCS_PROJECT_ID", "DCS_AK", "DCS_SK")
    for variable, value in zip(needed, (table.region, table.project_id, key.ak, key.sk), strict=True):
        if not value:
            raise ImproperlyConfigured(f"{variable} is missing: one project needs {', '.join(needed)}.")
    _check_name("DCS_PROJECT_NAME", name)
    return {name: _project(table, key, lambda field: f"DCS_{field.upper()}")}


def _projects_of_file(path: str) -> dict[str, ProjectSettings]:
    if not path:
        return {}
    try:
        tables = msgspec.toml.decode(Path(path).read_bytes(), type=ProjectsFile).projects
    except OSError as error:
        says = f"which cannot be read: {error.strerror}"
        raise ImproperlyConfigured(f"DCS_PROJECTS_FILE names {path}, {says}.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        says = f"which must be TOML with [projects.<name>] tables only: {error}"
        raise ImproperlyConfigured(f"DCS_PROJECTS_FILE names {path}, {says}.") from error
    return {name: _project_of_table(name, table, Path(path).parent) for name, table in tables.items()}


def _project_of_table(name: str, content: Any, folder: Path) -> ProjectSettings:
    label = f"DCS_PROJECTS_FILE: project {name}"
    _check_name(f"{label}: its name", name)
    try:
        table = msgspec.convert(content, ProjectTable)
    except msgspec.ValidationError as error:  # it names the field, never what it holds
        raise ImproperlyConfigured(f"{label}: {error}.") from None
    key = Credentials(
        *(_secret_of_table(label, table, key, folder) for key in ("ak", "sk", "security_token"))
    )
    return _project(table, key, lambda field: f"{label}: {field}")


def _secret_of_table(label: str, table: ProjectTable, key: str, folder: Path) -> str:
    """Return a secret from the variable or the file that the table names."""
    variable, path = getattr(table, f"{key}_env"), getattr(table, f"{key}_file")
    if variable and path:
        raise ImproperlyConfigured(f"{label} has both {key}_env and {key}_file: keep one.")
    if path:
        return env.secret_file(f"{label}: {key}_file", str(folder / path))
    if variable and not env.text(variable):
        raise ImproperlyConfigured(f"{label}: {key}_env names {variable}, which is not set.")
    if not variable and key != "security_token":
        raise ImproperlyConfigured(f"{label} lacks {key}_env or {key}_file.")
    return env.text(variable)


def _project(table: ProjectTable, key: Credentials, label: Callable[[str], str]) -> ProjectSettings:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", table.region):
        raise env.refused(label("region"), table.region, "a region such as eu-west-101")
    if not re.fullmatch(r"[0-9a-zA-Z_-]{1,64}", table.project_id):
        raise env.refused(label("project_id"), table.project_id, "letters, digits, _ and -, at most 64")
    endpoint = table.endpoint or f"https://dcs.{table.region}.myhuaweicloud.com"
    return {
        "region": table.region,
        "project_id": table.project_id,
        "endpoint": env.checked_web_address(label("endpoint"), endpoint),
        "credentials": key,
        "groups": tuple(as_group(group) for group in table.groups),
        "rpo": env.checked_span(label("rpo"), str(table.rpo)) if table.rpo != "" else None,
    }


def _check_name(label: str, name: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise env.refused(label, name, "lower-case letters, digits and hyphens, at most 40")
