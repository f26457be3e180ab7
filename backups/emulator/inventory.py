"""A project, an instance, and one row of its list of backups."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .exchange import json_bytes

NAMESPACE = uuid.UUID("8f6e0a52-3f2b-5c1e-9d0a-646373626163")
GIB = 1024**3

Json = dict[str, Any]


class Row(NamedTuple):
    """One backup record, serialised once: a page of 1000 is then a join of bytes.

    `created` is the time that the service itself goes by, also where the record
    that it shows has an odd created_at; None sorts last and is in no window.
    """

    created: datetime | None
    backup_id: str
    text: bytes


History = Callable[["Instance", datetime], list[Row]]


@dataclass(frozen=True, slots=True)
class Instance:
    """One cache instance. `history` makes its rows as of a time, anew every `step` seconds."""

    instance_id: str
    name: str
    engine: str
    engine_version: str
    cache_mode: str
    capacity_gb: float
    created_at: datetime
    history: History = field(repr=False)
    status: str = "RUNNING"
    backup_policy: Json | None = None
    step: int = 60
    save_days: int = 7
    backup_hour: int = 18
    description: str | None = None
    tags: tuple[tuple[str, Any], ...] = ()
    restores: tuple[Json, ...] = ()
    task: Json = field(default_factory=lambda: {"name": None, "status": None})

    @property
    def memory_mb(self) -> int:
        return int(self.capacity_gb * 1024)


@dataclass(frozen=True, slots=True)
class Project:
    """One region-bound project with the key that opens it. Its repr shows no secret."""

    name: str
    region: str
    project_id: str
    ak: str = field(repr=False)
    sk: str = field(repr=False)
    security_token: str = field(repr=False)
    instances: Mapping[str, Instance] = field(repr=False)


def stable_id(*names: object) -> str:
    """Return the id that these names have today, tomorrow and after a restart."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, names))))


def stable_hex(length: int, *names: object) -> str:
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()[:length]


def noise(stable: str, draw: int = 0) -> float:
    """Return a number in [0, 1) that belongs to this id: the fleet's dice never roll twice."""
    return int(stable[:8], 16) * (2 * draw + 1) % 65521 / 65521


def iso(moment: datetime) -> str:
    """Return a time as the API prints it: `2019-05-10T08:31:16.166Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def slot_of(hour: int) -> str:
    return f"{hour:02d}:00-{(hour + 1) % 24:02d}:00"


def row(record: Json, created: datetime | None) -> Row:
    return Row(created, str(record.get("backup_id", "")), json_bytes(record))


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=_age_key, reverse=True)


def _age_key(one: Row) -> tuple[bool, datetime, str]:
    return one.created is not None, one.created or datetime.min.replace(tzinfo=UTC), one.backup_id
