"""Reads the configured DCS projects: one from DCS_* variables, several from a TOML file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypedDict

from django.core.exceptions import ImproperlyConfigured

from backups.dcs.signing import Credentials

from . import environment as env

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PROJECT_ID = re.compile(r"[0-9a-zA-Z_-]{1,64}")
_KEYS = {
    "region",
    "project_id",
    "endpoint",
    "ak_env",
    "ak_file",
    "sk_env",
    "sk_file",
    "security_token_env",
    "security_token_file",
    "groups",
}


class ProjectSettings(TypedDict):
    region: str
    project_id: str
    endpoint: str
    credentials: Credentials
    groups: tuple[str, ...]


def read_projects() -> dict[str, ProjectSettings]:
    """Return the projects by their short names, in the order in which they are configured."""
    projects = _single_project()
    for name, project in _projects_of_file(env.text("DCS_PROJECTS_FILE")).items():
        if name in projects:
            raise ImproperlyConfigured(
                f"DCS_PROJECTS_FILE has the project {name}, which DCS_PROJECT_NAME has too."
            )
        projects[name] = project
    return projects


def _single_project() -> dict[str, ProjectSettings]:
    region, project_id = env.text("DCS_REGION"), env.text("DCS_PROJECT_ID")
    ak, sk, token = env.secret("DCS_AK"), env.secret("DCS_SK"), env.secret("DCS_SECURITY_TOKEN")
    groups = [as_group(group) for group in env.words("DCS_PROJECT_GROUPS")]
    name = env.text("DCS_PROJECT_NAME", "default")
    endpoint = env.web_address("DCS_ENDPOINT")
    if not (project_id or ak or sk):
        return {}
    needed = {"DCS_REGION": region, "DCS_PROJECT_ID": project_id, "DCS_AK": ak, "DCS_SK": sk}
    for variable, value in needed.items():
        if not value:
            raise ImproperlyConfigured(f"{variable} is missing: one project needs {', '.join(needed)}.")
    _check("DCS_PROJECT_NAME", name, _NAME, "lower-case letters, digits and hyphens, at most 40")
    _check("DCS_REGION", region, _REGION, "a region such as eu-west-101")
    _check("DCS_PROJECT_ID", project_id, _PROJECT_ID, "letters, digits, _ and -, at most 64")
    return {
        name: {
            "region": region,
            "project_id": project_id,
            "endpoint": endpoint or _default_endpoint(region),
            "credentials": Credentials(ak, sk, token),
            "groups": tuple(groups),
        }
    }


def _projects_of_file(path: str) -> dict[str, ProjectSettings]:
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ImproperlyConfigured(
            f"DCS_PROJECTS_FILE names {path}, which cannot be read: {error.strerror}."
        ) from error
    except ValueError as error:
        raise ImproperlyConfigured(f"DCS_PROJECTS_FILE names {path}, which is no TOML: {error}.") from error
    tables = content.get("projects")
    if not isinstance(tables, dict) or set(content) != {"projects"}:
        raise ImproperlyConfigured(
            f"DCS_PROJECTS_FILE names {path}, which must hold [projects.<name>] tables only."
        )
    return {name: _project_of_table(name, table, Path(path).parent) for name, table in tables.items()}


def _project_of_table(name: str, table: Any, folder: Path) -> ProjectSettings:
    label = f"DCS_PROJECTS_FILE: project {name}"
    _check(f"{label}: its name", name, _NAME, "lower-case letters, digits and hyphens, at most 40")
    if not isinstance(table, dict):
        raise ImproperlyConfigured(f"{label} must be a table, [projects.{name}].")
    for key in sorted(set(table) - _KEYS):
        raise ImproperlyConfigured(
            f"{label} has the unknown key {key}; known are {', '.join(sorted(_KEYS))}."
        )
    groups = table.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) and group.strip() for group in groups):
        raise ImproperlyConfigured(f"{label}: groups must be a list of group names.")
    for key in sorted(set(table) - {"groups"}):
        if not isinstance(table[key], str) or not table[key].strip():
            raise ImproperlyConfigured(f"{label}: {key} must be a text that is not empty.")
    for key in ("region", "project_id"):
        if key not in table:
            raise ImproperlyConfigured(f"{label} lacks {key}.")
    region, project_id = table["region"], table["project_id"]
    _check(f"{label}: region", region, _REGION, "a region such as eu-west-101")
    _check(f"{label}: project_id", project_id, _PROJECT_ID, "letters, digits, _ and -, at most 64")
    endpoint = table.get("endpoint", _default_endpoint(region))
    return {
        "region": region,
        "project_id": project_id,
        "endpoint": env.checked_web_address(f"{label}: endpoint", endpoint),
        "credentials": Credentials(
            ak=_secret_of_table(label, table, "ak", folder),
            sk=_secret_of_table(label, table, "sk", folder),
            security_token=_secret_of_table(label, table, "security_token", folder, required=False),
        ),
        "groups": tuple(as_group(group) for group in groups),
    }


def _secret_of_table(
    label: str, table: dict[str, str], key: str, folder: Path, *, required: bool = True
) -> str:
    """Return a secret from the variable or the file that the table names, never from the table itself."""
    variable, path = table.get(f"{key}_env"), table.get(f"{key}_file")
    if variable and path:
        raise ImproperlyConfigured(f"{label} has both {key}_env and {key}_file: keep one.")
    if path:
        return env.secret_file(f"{label}: {key}_file", str(folder / path))
    if variable:
        if value := env.text(variable):
            return value
        raise ImproperlyConfigured(f"{label}: {key}_env names {variable}, which is not set.")
    if required:
        raise ImproperlyConfigured(f"{label} lacks {key}_env or {key}_file.")
    return ""


def _default_endpoint(region: str) -> str:
    return f"https://dcs.{region}.myhuaweicloud.com"


def _check(label: str, value: str, pattern: re.Pattern[str], rule: str) -> None:
    if not pattern.fullmatch(value):
        raise ImproperlyConfigured(f"{label} is {env.shown(value)}, but must be {rule}.")


def as_group(name: str) -> str:
    """Return a group as it is compared: Keycloak's paths (`/dcs/support`) count without their first slash."""
    return name.strip().removeprefix("/")
