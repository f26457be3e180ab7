"""What DCS answers, as typed records.

Each `from_api()` reads one untyped JSON object and never raises: null, `{}`,
`""` and a missing key all mean "no value", and a value that cannot be read is
kept as text in `unread`, so that a page can show it as itself. The fields and
their oddities are those of the API's reference page for ListBackupRecords,
ListInstances and ShowInstance.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from sys import intern
from typing import Any, TypeVar

import msgspec

from .fields import as_text as as_text
from .fields import capacity, list_of, object_of, percent, text_of, time_of, whole_number, yes_or_no
from .fields import has_value as has_value

STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted")
RUNNING_STATUSES = ("waiting", "backuping")
TYPES = ("manual", "auto")
FORMATS = ("rdb", "aof")

Unread = tuple[tuple[str, str], ...]


# Records hold no cycles: the garbage collector need not walk through all of a history.
class BackupRecord(msgspec.Struct, frozen=True, gc=False):
    """One row of ListBackupRecords. Times are aware and in UTC; "" and None mean no value."""

    backup_id: str
    name: str
    instance_id: str
    status: str
    type: str
    format: str
    size_bytes: int | None
    created_at: datetime | None
    execution_at: datetime | None
    updated_at: datetime | None
    progress_percent: float | None
    restorable: bool | None
    error_code: str
    description: str
    period: str
    unread: Unread
    search_text: str

    @classmethod
    def from_api(cls, raw: dict[str, Any]) -> BackupRecord:
        unread: list[tuple[str, str]] = []
        backup_id = text_of(raw.get("backup_id"))
        name = text_of(raw.get("backup_name"))
        error_code = text_of(raw.get("error_code")).lower()
        description = text_of(raw.get("remark"))
        return cls(
            backup_id=backup_id,
            name=name,
            instance_id=intern(text_of(raw.get("instance_id"))),
            status=intern(text_of(raw.get("status"))),
            type=intern(text_of(raw.get("backup_type"))),
            format=intern(text_of(raw.get("backup_format")).lower()),
            size_bytes=_read(whole_number, raw, "size", unread),
            created_at=_read(time_of, raw, "created_at", unread),
            execution_at=_read(time_of, raw, "execution_at", unread),
            updated_at=_read(time_of, raw, "updated_at", unread),
            progress_percent=_read(percent, raw, "progress", unread),
            restorable=_read(yes_or_no, raw, "is_support_restore", unread),
            error_code=intern(error_code),
            description=description,
            period=intern(text_of(raw.get("period"))),
            unread=tuple(unread),
            search_text=f"{name}\n{backup_id}\n{description}\n{error_code}".casefold(),
        )

    @property
    def started_at(self) -> datetime | None:
        """The time the data is from: what is written while a backup runs is not in it."""
        return self.execution_at or self.created_at

    @property
    def finished_at(self) -> datetime | None:
        """When the backup ended; for expired and deleted ones updated_at may be the time they ended."""
        return self.updated_at if self.status in ("succeed", "failed") else None

    @property
    def duration(self) -> timedelta | None:
        """How long it ran. None where unknown or negative (an official sample ends before it starts)."""
        if self.finished_at is None or self.started_at is None or self.finished_at < self.started_at:
            return None
        return self.finished_at - self.started_at

    @property
    def ends_before_it_starts(self) -> bool:
        return bool(self.finished_at and self.started_at and self.finished_at < self.started_at)

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING_STATUSES

    @property
    def key(self) -> str:
        """What tells this record from others; one without an id is told by all that it says."""
        return self.backup_id or f"\0{self!r}"


class BackupPolicy(msgspec.Struct, frozen=True, gc=False):
    """When automatic backups run, from ShowInstance. Days: Monday is 1; `begin_at` is a UTC slot.

    A policy that does not say whether it is automatic is no policy: nobody knows what it means.
    """

    automatic: bool
    save_days: int | None
    days: tuple[int, ...]
    begin_at: str

    @classmethod
    def from_api(cls, raw: Any) -> BackupPolicy | None:
        # Older answers lack the wrapper.
        policy = object_of(raw.get("policy", raw)) if isinstance(raw, dict) else {}
        backup_type = text_of(policy.get("backup_type")).lower()
        if backup_type not in TYPES:
            return None
        plan = object_of(policy.get("periodical_backup_plan"))
        days = {text_of(day) for day in list_of(plan.get("backup_at"))}
        return cls(
            automatic=backup_type == "auto",
            save_days=whole_number(policy.get("save_days")),
            days=tuple(day for day in (1, 2, 3, 4, 5, 6, 7) if str(day) in days),
            begin_at=text_of(plan.get("begin_at")),
        )


class Instance(msgspec.Struct, frozen=True, gc=False):
    """One cache instance, from ListInstances, or with more from ShowInstance.

    `capacity_gb` is None where unknown; `cache_mode` is "" and `backup_policy`
    None in ListInstances. Addresses and accounts are left out on purpose.
    """

    instance_id: str
    name: str
    engine: str
    engine_version: str
    status: str
    spec_code: str
    cache_mode: str
    capacity_gb: float | None
    max_memory_mb: int | None
    used_memory_mb: int | None
    created_at: datetime | None
    az_codes: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    enterprise_project_id: str
    description: str
    task: str
    backup_policy: BackupPolicy | None
    unread: Unread
    search_text: str

    @classmethod
    def from_api(cls, raw: dict[str, Any]) -> Instance:
        unread: list[tuple[str, str]] = []
        instance_id = text_of(raw.get("instance_id"))
        name = text_of(raw.get("name"))
        policy = raw.get("instance_backup_policy")
        backup_policy = BackupPolicy.from_api(policy)
        if backup_policy is None and has_value(policy):
            unread.append(("instance_backup_policy", as_text(policy)))
        return cls(
            instance_id=instance_id,
            name=name,
            engine=text_of(raw.get("engine")),
            engine_version=text_of(raw.get("engine_version")),
            status=intern(text_of(raw.get("status"))),
            spec_code=text_of(raw.get("spec_code")),
            cache_mode=intern(text_of(raw.get("cache_mode")).lower()),
            capacity_gb=capacity(raw),
            max_memory_mb=_read(whole_number, raw, "max_memory", unread),
            used_memory_mb=_read(whole_number, raw, "used_memory", unread),
            created_at=_read(time_of, raw, "created_at", unread),
            az_codes=tuple(text_of(code) for code in list_of(raw.get("az_codes"))),
            tags=tuple(
                (text_of(tag.get("key")), text_of(tag.get("value")))
                for tag in list_of(raw.get("tags"))
                if isinstance(tag, dict)
            ),
            enterprise_project_id=text_of(raw.get("enterprise_project_id")),
            description=text_of(raw.get("description")),
            task=_task(raw.get("task")),
            backup_policy=backup_policy,
            unread=tuple(unread),
            search_text=f"{name}\n{instance_id}".casefold(),
        )

    @property
    def key(self) -> str:
        return self.instance_id or f"\0{self!r}"


Value = TypeVar("Value")


def _read(
    reader: Callable[[Any], Value | None], raw: dict[str, Any], name: str, unread: list[tuple[str, str]]
) -> Value | None:
    """Read one field; what cannot be read is kept as text."""
    value = raw.get(name)
    found = None if value is None else reader(value)
    if found is None and has_value(value):
        unread.append((name, as_text(value)))
    return found


def _task(value: Any) -> str:
    """Return name and status of what an instance is doing, "" where DCS names nothing (`{"name": null}`)."""
    if not isinstance(value, dict):
        return text_of(value)
    return " ".join(text for field in ("name", "status") if (text := text_of(value.get(field))))
