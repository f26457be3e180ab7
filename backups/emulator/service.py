"""DCS behind its gateway: the four calls, as ListBackupRecords.md and dcs-api.md section 4 document them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from .contract import GONE_INSTANCE_ID
from .fleet import Fleet
from .http import Answer, ApiError, Request, json_bytes
from .inventory import Instance, Project
from .records import Row, row_of

Given = Mapping[str, str]

_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
_INSTANCE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def answer(fleet: Fleet, project: Project, request: Request) -> Answer:
    """Answer a request of this project's key, or raise ApiError. Unknown parameters are ignored."""
    _, _, project_id, *call = request.path.rstrip("/").split("/")
    if not _PROJECT_ID.fullmatch(project_id):
        raise ApiError(400, "DCS.4002", "Invalid project ID format.")
    if project_id != project.project_id:
        raise ApiError(401, "DCS.1004", "The project ID in the URL does not match that of the token.")
    given = dict(request.parameters)
    # Both count records.
    offset, limit = _integer(given, "offset", 0), _integer(given, "limit", 10)
    if not 1 <= limit <= 1000:
        raise _invalid("limit")
    page = slice(offset, offset + limit)
    match call:
        case ["instances"]:
            found = _matching(fleet.instances(project), given)
            shown = [one.summary() for one in found[page]]
            return Answer(body=json_bytes({"instance_num": len(found), "instances": shown}))
        case ["instances", instance_id]:
            return Answer(body=json_bytes(_instance(fleet, project, instance_id).details()))
        case ["instances", instance_id, "backups"]:
            rows = fleet.backups(_instance(fleet, project, instance_id))
            return _listed(b"backup_record_response", _within(rows, given), page)
        case ["instances", instance_id, "restores"]:
            rows = [row_of(one) for one in _instance(fleet, project, instance_id).restores]
            return _listed(b"restore_record_response", _within(rows, given), page)
    raise ApiError(404, "DCS.4001", "The requested URL does not exist.")


def _listed(field: bytes, rows: list[Row], page: slice) -> Answer:
    if not rows:
        return Answer(204)
    # The rows' own JSON, joined: a page of 1000 costs no serialising.
    listed = b",".join(row.text for row in rows[page])
    return Answer(body=b'{"total_num":%d,"%s":[%s]}' % (len(rows), field, listed))


def _instance(fleet: Fleet, project: Project, instance_id: str) -> Instance:
    if not _INSTANCE_ID.fullmatch(instance_id):
        raise ApiError(400, "DCS.4061", "Invalid instance ID format.")
    if instance_id == GONE_INSTANCE_ID:
        raise ApiError(404, "DCS.3022", "This DCS instance does not exist.")
    found = fleet.instance(project, instance_id)
    if found is None:
        raise ApiError(400, "DCS.4119", "The instance does not exist.")
    return found


def _within(rows: list[Row], given: Given) -> list[Row]:
    """Return the rows from begin_time to end_time, `yyyyMMddHHmmss` in UTC: both inclusive, on created_at."""
    if "begin_time" not in given and "end_time" not in given:
        return rows
    first, last = _time(given, "begin_time", datetime.min), _time(given, "end_time", datetime.max)
    return [row for row in rows if row.created is not None and first <= row.created <= last]


def _matching(instances: list[Instance], given: Given) -> list[Instance]:
    """Apply the filters of ListInstances; `name` is fuzzy, `name_equal` exact, `tags` are `key=value,…`."""
    exact = {"name_equal": "name", "instance_id": "instance_id", "status": "status", "ip": "ip"}
    wanted = {field: given[name] for name, field in exact.items() if given.get(name)}
    tags = {tag for tag in given.get("tags", "").split(",") if tag}
    return [
        one
        for one in instances
        if (one.status != "CREATEFAILED" or given.get("include_failure") == "true")
        and given.get("name", "").casefold() in one.name.casefold()
        and all(getattr(one, field) == value for field, value in wanted.items())
        and tags <= {f"{key}={value}" for key, value in one.tags}
    ]


def _integer(given: Given, name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _invalid(name)
    return int(text)


def _time(given: Given, name: str, default: datetime) -> datetime:
    text = given.get(name)
    if text is None:
        return default.replace(tzinfo=UTC)
    if re.fullmatch(r"[0-9]{14}", text):  # strptime would take fewer digits
        with suppress(ValueError):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    raise _invalid(name)


def _invalid(parameter: str) -> ApiError:
    return ApiError(400, "DCS.4800", f"Invalid {parameter} in the request.")
