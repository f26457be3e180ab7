"""A project, an instance as ListInstances and ShowInstance tell it, and one row of its list of backups."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .http import json_bytes

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

    def summary(self) -> Json:
        """Return one object of ListInstances. Some types are wrong on purpose, as in the official samples."""
        small = self.capacity_gb < 1
        memory_mb = int(self.capacity_gb * 1024)
        used = int(memory_mb * (0.3 + 0.5 * noise(self.instance_id, 3)))
        octets = f"10.{int(noise(self.instance_id, 4) * 250)}.{int(noise(self.instance_id, 6) * 250)}"
        return {
            "publicip_id": {},
            "vpc_name": "vpc-production",
            "charging_mode": 0,
            "vpc_id": stable_id("vpc", self.name),
            "subnet_id": stable_id("subnet", self.name),
            "security_group_id": None,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at + timedelta(minutes=6)),
            "enable_ssl": False,
            "max_memory": memory_mb,
            "used_memory": used if self.status == "RUNNING" else 0,
            "capacity": 0 if small else int(self.capacity_gb),
            "capacity_minor": f"{self.capacity_gb:.3f}".lstrip("0") if small else None,
            "maintain_begin": "02:00:00",
            "maintain_end": "06:00:00",
            "engine": self.engine,
            "engine_version": self.engine_version,
            "no_password_access": "false",
            "ip": f"{octets}.17",
            "port": 6379 if self.engine == "Redis" else 11211,
            "access_user": None,
            "instance_id": self.instance_id,
            "enable_publicip": False,
            "user_id": stable_id("user"),
            "user_name": "platform-ops",
            "domain_name": f"redis-{self.instance_id[:8]}.dcs.huaweicloud.com",
            "name": self.name,
            "spec_code": f"{self.engine.lower()}.{self.cache_mode}.xu1.large.r2.{self.capacity_gb:g}",
            "status": self.status,
            "tags": [{"key": key, "value": value} for key, value in self.tags],
            "enterprise_project_id": "0",
            "description": self.description,
            "cpu_type": "x86_64",
            "az_codes": ["az-1a"] if self.cache_mode == "single" else ["az-1a", "az-1b"],
            "features": {"support_acl": False, "support_transparent_client_ip": True},
        }

    def details(self) -> Json:
        """Return ShowInstance's answer: the summary and what only this call tells."""
        sharded = self.cache_mode in {"cluster", "proxy"}
        return {
            **self.summary(),
            "cache_mode": self.cache_mode,
            "instance_backup_policy": self.backup_policy,
            "task": self.task,
            "product_type": "generic",
            "storage_type": "DRAM",
            "db_number": 1 if self.cache_mode == "cluster" else 256,
            "replica_count": 1 if self.cache_mode == "single" else 2,
            "sharding_count": max(1, int(self.capacity_gb // 8)) if sharded else 1,
            "launched_at": iso(self.created_at + timedelta(minutes=4)),
            "update_at": iso(self.created_at + timedelta(minutes=6)),
            "support_slow_log_flag": None,
        }


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
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def slot_of(hour: int) -> str:
    return f"{hour:02d}:00-{(hour + 1) % 24:02d}:00"


def row(record: Json, created: datetime | None) -> Row:
    return Row(created, str(record.get("backup_id", "")), json_bytes(record))


def given_row(record: Json) -> Row:
    """Return the row of a record from elsewhere: it sorts by its created_at, last where that is no time."""
    try:
        created = datetime.fromisoformat(str(record.get("created_at", "")))
    except ValueError:
        return row(record, None)
    return row(record, created if created.tzinfo else created.replace(tzinfo=UTC))


def newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=_age_key, reverse=True)


def _age_key(one: Row) -> tuple[bool, datetime, str]:
    return one.created is not None, one.created or datetime.min.replace(tzinfo=UTC), one.backup_id
