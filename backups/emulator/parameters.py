"""The query parameters of the lists, as dcs-api.md documents them. Unknown names are ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from .exchange import invalid
from .inventory import Json, Row

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 1000
Given = Mapping[str, str]


def page_of(given: Given) -> tuple[int, int]:
    """Return limit (1 to 1000, default 10) and offset (0-based, in records)."""
    limit = _integer(given, "limit", DEFAULT_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise invalid("limit")
    return limit, _integer(given, "offset", 0)


def rows_within(rows: list[Row], given: Given) -> list[Row]:
    """Return the rows from begin_time to end_time, `yyyyMMddHHmmss` in UTC: both inclusive, on created_at."""
    begin, end = _time(given, "begin_time"), _time(given, "end_time")
    if begin is None and end is None:
        return rows
    first, last = begin or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)
    return [row for row in rows if row.created is not None and first <= row.created <= last]


def matching_instances(instances: Iterable[Json], given: Given) -> list[Json]:
    """Apply the filters of ListInstances; `name` is fuzzy, `name_equal` exact, `tags` are `key=value,…`."""
    exact = {"name_equal": "name", "instance_id": "instance_id", "status": "status", "ip": "ip"}
    wanted = {field: given[name] for name, field in exact.items() if given.get(name)}
    tags = {tag for tag in given.get("tags", "").split(",") if tag}
    return [
        one
        for one in instances
        if (one["status"] != "CREATEFAILED" or given.get("include_failure") == "true")
        and given.get("name", "").casefold() in one["name"].casefold()
        and all(one[field] == value for field, value in wanted.items())
        and tags <= {f"{tag['key']}={tag['value']}" for tag in one["tags"]}
    ]


def _integer(given: Given, name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise invalid(name)
    return int(text)


def _time(given: Given, name: str) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if not re.fullmatch(r"[0-9]{14}", text):
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise invalid(name) from None
