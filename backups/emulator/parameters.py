"""The query parameters of the lists, as dcs-api.md documents them. Unknown names are ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from .exchange import invalid
from .faults import Fault
from .inventory import Json, Row

Item = TypeVar("Item")
Parameters = Iterable[tuple[str, str]]

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 1000

_INTEGER = re.compile(r"[0-9]{1,9}")
_COMPACT_TIME = re.compile(r"[0-9]{14}")


@dataclass(frozen=True, slots=True)
class Page:
    """limit (1 to 1000, default 10) and offset (0-based, in records), and the faults that bend them."""

    limit: int
    offset: int
    counts_itself: bool = False

    @classmethod
    def read(cls, parameters: Parameters, faults: Iterable[Fault] = ()) -> Page:
        given = dict(parameters)
        limit = _integer(given, "limit", DEFAULT_LIMIT)
        if not 1 <= limit <= LARGEST_LIMIT:
            raise invalid("limit")
        caps = [fault.page_cap for fault in faults if fault.page_cap is not None]
        return cls(
            limit=min([limit, *caps]),
            offset=_integer(given, "offset", 0),
            counts_itself=any(fault.page_total for fault in faults),
        )

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        return items[self.offset : self.offset + self.limit]

    def total(self, items: Sequence[Item], shown: Sequence[Item]) -> int:
        """Return total_num: what is in the window, since that is what clients take it for."""
        return len(shown) if self.counts_itself else len(items)


@dataclass(frozen=True, slots=True)
class Window:
    """begin_time and end_time, `yyyyMMddHHmmss` in UTC: both inclusive, on created_at."""

    begin: datetime | None
    end: datetime | None

    @classmethod
    def read(cls, parameters: Parameters) -> Window:
        given = dict(parameters)
        return cls(_time(given, "begin_time"), _time(given, "end_time"))

    def of(self, rows: list[Row]) -> list[Row]:
        if self.begin is None and self.end is None:
            return rows
        return [row for row in rows if row.created is not None and self._holds(row.created)]

    def _holds(self, moment: datetime) -> bool:
        return (self.begin is None or self.begin <= moment) and (self.end is None or moment <= self.end)


def matching_instances(instances: Iterable[Json], parameters: Parameters) -> list[Json]:
    """Apply the filters of ListInstances; `name` is fuzzy, `name_equal` exact, `tags` are `key=value,…`."""
    given = {name: value for name, value in parameters if value}
    found = list(instances)
    if given.get("include_failure") != "true":
        found = [one for one in found if one["status"] != "CREATEFAILED"]
    if "name" in given:
        found = [one for one in found if given["name"].casefold() in one["name"].casefold()]
    for name, field in (
        ("name_equal", "name"),
        ("instance_id", "instance_id"),
        ("status", "status"),
        ("ip", "ip"),
    ):
        if name in given:
            found = [one for one in found if one[field] == given[name]]
    wanted = {tag for tag in given.get("tags", "").split(",") if tag}
    return [one for one in found if wanted <= {f"{tag['key']}={tag['value']}" for tag in one["tags"]}]


def _integer(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise invalid(name)
    return int(text)


def _time(given: dict[str, str], name: str) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if not _COMPACT_TIME.fullmatch(text):
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise invalid(name) from None
