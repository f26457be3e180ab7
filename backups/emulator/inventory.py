"""A project, and an instance as ListInstances and ShowInstance tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .records import Attempt, Json, iso, noise, stable_id

# What ListInstances says of every one alike.
_OF_ALL: Json = {
    "publicip_id": {}, "vpc_name": "vpc-production", "charging_mode": 0, "security_group_id": None,
    "enable_ssl": False, "maintain_begin": "02:00:00", "maintain_end": "06:00:00",
    "no_password_access": "false", "access_user": None, "enable_publicip": False,
    "user_id": stable_id("user"), "user_name": "platform-ops", "enterprise_project_id": "0",
    "cpu_type": "x86_64", "features": {"support_acl": False, "support_transparent_client_ip": True},
}  # fmt: skip

History = Callable[["Instance", datetime], Iterable[Attempt]]


@dataclass(frozen=True, slots=True)
class Instance:
    """One cache instance. `history` makes its backups as of a time, anew every `step` seconds."""

    name: str
    engine: str
    engine_version: str
    cache_mode: str
    capacity_gb: float
    history: History = field(repr=False)
    instance_id: str
    created_at: datetime
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
    def backup_period(self) -> str:
        return f"{self.backup_hour:02d}:00-{(self.backup_hour + 1) % 24:02d}:00"

    @property
    def ip(self) -> str:
        return f"10.{int(noise(self.instance_id, 4) * 250)}.{int(noise(self.instance_id, 6) * 250)}.17"

    def summary(self) -> Json:
        """Return one object of ListInstances. Some types are wrong on purpose, as in the official samples."""
        small = self.capacity_gb < 1
        memory_mb = int(self.capacity_gb * 1024)
        used = int(memory_mb * (0.3 + 0.5 * noise(self.instance_id, 3)))
        return {
            **_OF_ALL,
            "vpc_id": stable_id("vpc", self.name),
            "subnet_id": stable_id("subnet", self.name),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at + timedelta(minutes=6)),
            "max_memory": memory_mb,
            "used_memory": used if self.status == "RUNNING" else 0,
            "capacity": 0 if small else int(self.capacity_gb),
            "capacity_minor": f"{self.capacity_gb:.3f}".lstrip("0") if small else None,
            "engine": self.engine,
            "engine_version": self.engine_version,
            "ip": self.ip,
            "port": 6379 if self.engine == "Redis" else 11211,
            "instance_id": self.instance_id,
            "domain_name": f"redis-{self.instance_id[:8]}.dcs.huaweicloud.com",
            "name": self.name,
            "spec_code": f"{self.engine.lower()}.{self.cache_mode}.xu1.large.r2.{self.capacity_gb:g}",
            "status": self.status,
            "tags": [{"key": key, "value": value} for key, value in self.tags],
            "description": self.description,
            "az_codes": ["az-1a"] if self.cache_mode == "single" else ["az-1a", "az-1b"],
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
