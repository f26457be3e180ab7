"""The emulated fleet: which projects, instances and backups there are at this moment.

    fleet = Fleet()                      # history reaches up to now
    fleet = Fleet(now=lambda: a_time)    # … or up to any other time
    fleet.primary.ak, fleet.projects[1].region, fleet.backups(ORDERS_CACHE_ID)

Deterministic: ids are made of names and calendar slots, so two fleets, or one
before and after a restart, agree on every record that both of them list.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from . import catalog
from .contract import (
    BULK_HISTORY_ID,
    GONE_INSTANCE_ID,
    ORDERS_CACHE_ID,
    REFERENCE_BACKUP_ID,
    REFERENCE_RECORD,
)
from .histories import empty
from .inventory import Instance, Json, Project, Row, iso, newest_first, noise, row, stable_id

__all__ = [
    "BULK_HISTORY_ID",
    "GONE_INSTANCE_ID",
    "ORDERS_CACHE_ID",
    "REFERENCE_BACKUP_ID",
    "REFERENCE_RECORD",
    "Fleet",
    "Instance",
    "Project",
    "Row",
    "instance_details",
    "instance_summary",
]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Fleet:
    """Projects, instances and their backups as of `now()`. Safe to use from many threads."""

    def __init__(self, now: Callable[[], datetime] = utc_now, bulk_records: int = 10_000) -> None:
        self.now = now
        self.projects = catalog.projects(bulk_records)
        self._lock = threading.RLock()
        self._made: dict[str, tuple[int, list[Row]]] = {}
        self._own: dict[str, list[Row]] = {}
        self._added: dict[str, dict[str, Instance]] = {}
        self._removed: set[str] = set()

    @property
    def primary(self) -> Project:
        return self.projects[0]

    def project(self, name: str) -> Project:
        """Return the project of this name; KeyError where there is none."""
        return {project.name: project for project in self.projects}[name]

    def instances(self, project: Project) -> list[Instance]:
        """Return the instances of a project, newest first."""
        with self._lock:
            there = {**project.instances, **self._added.get(project.name, {})}
            kept = [one for one in there.values() if one.instance_id not in self._removed]
        return sorted(kept, key=lambda one: (one.created_at, one.instance_id), reverse=True)

    def instance(self, project: Project, instance_id: str) -> Instance | None:
        with self._lock:
            if instance_id in self._removed:
                return None
            return self._added.get(project.name, {}).get(instance_id) or project.instances.get(instance_id)

    def named(self, name: str, project: str | None = None) -> Instance:
        """Return the first instance of this name; KeyError where there is none."""
        for one in self.projects if project is None else [self.project(project)]:
            for instance in self.instances(one):
                if instance.name == name:
                    return instance
        raise KeyError(name)

    def backups(self, instance: Instance | str) -> list[Row]:
        """Return all rows of an instance, newest first. The list is shared: do not change it."""
        found = self._find(instance) if isinstance(instance, str) else instance
        with self._lock:
            own = self._own.get(found.instance_id)
            if own is not None:
                return own
            # A list stands for its step (a minute, mostly), so that the pages of one walk agree.
            tick = int(self.now().timestamp()) // found.step
            made = self._made.get(found.instance_id)
            if made is None or made[0] != tick:
                moment = datetime.fromtimestamp(tick * found.step, UTC)
                made = self._made[found.instance_id] = (tick, found.history(found, moment))
            return made[1]

    def set_records(self, instance_id: str, records: Iterable[Json]) -> None:
        """Let an instance have exactly these records, listed in the order given."""
        with self._lock:
            self._own[self._find(instance_id).instance_id] = [row(one, _created(one)) for one in records]

    def insert_record(self, instance_id: str, record: Json, position: int | None = None) -> None:
        """Add a record, by default where its created_at belongs.

        From the first change on, the list of that instance stands still: what
        this and `remove_record` do is then all that moves it.
        """
        with self._lock:
            rows = list(self.backups(instance_id))
            new = row(record, _created(record))
            if position is None:
                rows = newest_first([*rows, new])
            else:
                rows.insert(position, new)
            self._own[instance_id] = rows

    def remove_record(self, instance_id: str, backup_id: str) -> None:
        """Take a record away; KeyError where it is not listed."""
        with self._lock:
            rows = self.backups(instance_id)
            kept = [one for one in rows if one.backup_id != backup_id]
            if len(kept) == len(rows):
                raise KeyError(backup_id)
            self._own[instance_id] = kept

    def add_instance(self, name: str, project: str = "eu-prod", **changes: Any) -> Instance:
        """Add an instance without backups and return it; `changes` are fields of Instance."""
        model = self.project("eu-prod").instances[ORDERS_CACHE_ID]
        fields = {"instance_id": stable_id("added", project, name), "history": empty, "restores": ()}
        made = replace(model, name=name, **{**fields, **changes})
        with self._lock:
            self._added.setdefault(self.project(project).name, {})[made.instance_id] = made
            self._removed.discard(made.instance_id)
        return made

    def remove_instance(self, instance_id: str) -> None:
        """Delete an instance, and with it its backups."""
        with self._lock:
            self._removed.add(self._find(instance_id).instance_id)

    def restore(self) -> None:
        """Undo every change: the fleet is as it was made."""
        with self._lock:
            self._own.clear()
            self._added.clear()
            self._removed.clear()

    def _find(self, instance_id: str) -> Instance:
        for project in self.projects:
            found = self.instance(project, instance_id)
            if found:
                return found
        raise KeyError(instance_id)


def instance_summary(instance: Instance) -> Json:
    """Return one object of ListInstances. Some types are wrong on purpose, as in the official samples."""
    small = instance.capacity_gb < 1
    used = int(instance.memory_mb * (0.3 + 0.5 * noise(instance.instance_id, 3)))
    octets = f"10.{int(noise(instance.instance_id, 4) * 250)}.{int(noise(instance.instance_id, 6) * 250)}"
    return {
        "publicip_id": {},
        "vpc_name": "vpc-production",
        "charging_mode": 0,
        "vpc_id": stable_id("vpc", instance.name),
        "subnet_id": stable_id("subnet", instance.name),
        "security_group_id": None,
        "created_at": iso(instance.created_at),
        "updated_at": iso(instance.created_at + timedelta(minutes=6)),
        "enable_ssl": False,
        "max_memory": instance.memory_mb,
        "used_memory": used if instance.status == "RUNNING" else 0,
        "capacity": 0 if small else int(instance.capacity_gb),
        "capacity_minor": f"{instance.capacity_gb:.3f}".lstrip("0") if small else None,
        "maintain_begin": "02:00:00",
        "maintain_end": "06:00:00",
        "engine": instance.engine,
        "engine_version": instance.engine_version,
        "no_password_access": "false",
        "ip": f"{octets}.17",
        "port": 6379 if instance.engine == "Redis" else 11211,
        "access_user": None,
        "instance_id": instance.instance_id,
        "enable_publicip": False,
        "user_id": stable_id("user"),
        "user_name": "platform-ops",
        "domain_name": f"redis-{instance.instance_id[:8]}.dcs.huaweicloud.com",
        "name": instance.name,
        "spec_code": f"{instance.engine.lower()}.{instance.cache_mode}.xu1.large.r2.{instance.capacity_gb:g}",
        "status": instance.status,
        "tags": [{"key": key, "value": value} for key, value in instance.tags],
        "enterprise_project_id": "0",
        "description": instance.description,
        "cpu_type": "x86_64",
        "az_codes": ["az-1a"] if instance.cache_mode == "single" else ["az-1a", "az-1b"],
        "features": {"support_acl": False, "support_transparent_client_ip": True},
    }


def instance_details(instance: Instance) -> Json:
    """Return ShowInstance's answer: the summary and what only this call tells."""
    sharded = instance.cache_mode in {"cluster", "proxy"}
    return {
        **instance_summary(instance),
        "cache_mode": instance.cache_mode,
        "instance_backup_policy": instance.backup_policy,
        "task": instance.task,
        "product_type": "generic",
        "storage_type": "DRAM",
        "db_number": 1 if instance.cache_mode == "cluster" else 256,
        "replica_count": 1 if instance.cache_mode == "single" else 2,
        "sharding_count": max(1, int(instance.capacity_gb // 8)) if sharded else 1,
        "launched_at": iso(instance.created_at + timedelta(minutes=4)),
        "update_at": iso(instance.created_at + timedelta(minutes=6)),
        "support_slow_log_flag": None,
    }


def _created(record: Json) -> datetime | None:
    """Return the time that a foreign record sorts by, None where its created_at tells none."""
    try:
        moment = datetime.fromisoformat(str(record.get("created_at", "")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
