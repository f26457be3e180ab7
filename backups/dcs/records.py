"""What DCS answers, as typed records.

Each `from_api()` reads one untyped JSON object and never raises: null, `{}`,
`""` and a missing key all mean "no value", and a value that cannot be read is
kept as text in `unread`, so that a page can show it as itself. The fields and
their oddities are those of the API's reference pages for ListBackupRecords,
ListRestoreRecords, ListInstances and ShowInstance.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any, Literal

import msgspec

from . import fields
from .fields import EARLIEST, LATEST, Count, list_of, object_of, percent, text_of, time_of, yes_or_no
from .fields import as_text as as_text
from .fields import has_value as has_value

STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted")
RUNNING_STATUSES = ("waiting", "backuping")
TYPES = ("manual", "auto")
FORMATS = ("rdb", "aof")


class BackupRow(msgspec.Struct, gc=False):
    """One row of ListBackupRecords, with the names and types of the reference page."""

    backup_id: str | None = None
    backup_name: str | None = None
    instance_id: str | None = None
    status: str | None = None
    backup_type: str | None = None
    backup_format: str | None = None
    size: Count | None = None
    created_at: datetime | None = None
    execution_at: datetime | None = None
    updated_at: datetime | None = None
    progress: str | float | None = None
    is_support_restore: Literal["TRUE", "FALSE"] | bool | None = None
    error_code: str | None = None
    remark: str | None = None
    period: str | None = None


_READERS: dict[str, Callable[[Any], Any]] = {
    "size": fields.whole_number,
    "created_at": time_of,
    "execution_at": time_of,
    "updated_at": time_of,
    "progress": percent,
    "is_support_restore": yes_or_no,
}
_TEXTS = tuple(name for name in BackupRow.__struct_fields__ if name not in _READERS)


# Records hold no cycles: the garbage collector need not walk through all of a history.
class Record(msgspec.Struct, frozen=True, gc=False):
    """What a list holds; its first field is its id."""

    @property
    def key(self) -> str:
        """What tells this record from others; one without an id is told by all that it says."""
        return getattr(self, self.__struct_fields__[0]) or f"\0{self!r}"


class BackupRecord(Record, frozen=True, gc=False):
    """One row of ListBackupRecords. Times are aware and in UTC; "" and None mean no value.

    `presence` says whether its list still holds it: "listed", "unlisted", or "missing" where it went with
    over half of the list, which may be a fault.
    """

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
    unread: tuple[tuple[str, str], ...]
    search_text: str
    presence: str = "listed"

    @classmethod
    def from_api(cls, raw: dict[str, Any]) -> BackupRecord:
        found: dict[str, Any] = {name: text_of(raw.get(name)) for name in _TEXTS}
        found |= {name: read(raw.get(name)) for name, read in _READERS.items()}
        unread = [name for name in _READERS if found[name] is None and has_value(raw.get(name))]
        return cls.from_row(BackupRow(**found), tuple((name, as_text(raw[name])) for name in unread))

    @classmethod
    def from_row(cls, row: BackupRow, unread: tuple[tuple[str, str], ...] = ()) -> BackupRecord:
        """Raises ValueError where a time or the progress has to be read by `from_api`."""
        for moment in (row.created_at, row.execution_at, row.updated_at):
            if moment is not None and not (moment.tzinfo is UTC and EARLIEST <= moment < LATEST):
                raise ValueError
        progress = percent(row.progress)
        if progress is None and row.progress:
            raise ValueError
        backup_id, name, description = row.backup_id or "", row.backup_name or "", row.remark or ""
        error_code = (row.error_code or "").lower()
        return cls(
            backup_id=backup_id,
            name=name,
            instance_id=intern(row.instance_id or ""),
            status=intern(row.status or ""),
            type=intern(row.backup_type or ""),
            format=intern((row.backup_format or "").lower()),
            size_bytes=row.size,
            created_at=row.created_at,
            execution_at=row.execution_at,
            updated_at=row.updated_at,
            progress_percent=progress,
            restorable=yes_or_no(row.is_support_restore),
            error_code=intern(error_code),
            description=description,
            period=intern(row.period or ""),
            unread=unread,
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
        started, finished = self.started_at, self.finished_at
        return None if finished is None or started is None or finished < started else finished - started

    @property
    def ends_before_it_starts(self) -> bool:
        return bool(self.finished_at and self.started_at and self.finished_at < self.started_at)

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING_STATUSES


class RestoreRecord(Record, frozen=True, gc=False):
    """One row of ListRestoreRecords: a restore of a backup into an instance, as a BackupRecord is read.

    `status` is waiting, restoring, succeed or failed.
    """

    restore_id: str
    name: str
    backup_id: str
    backup_name: str
    status: str
    error_code: str
    description: str
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def from_api(cls, raw: dict[str, Any]) -> RestoreRecord:
        return cls(
            restore_id=text_of(raw.get("restore_id")),
            name=text_of(raw.get("restore_name")),
            backup_id=text_of(raw.get("backup_id")),
            backup_name=text_of(raw.get("backup_name")),
            status=text_of(raw.get("status")),
            error_code=text_of(raw.get("error_code")).lower(),
            description=text_of(raw.get("restore_remark")),
            created_at=time_of(raw.get("created_at")),
            updated_at=time_of(raw.get("updated_at")),
        )

    @property
    def is_running(self) -> bool:
        return self.status in ("waiting", "restoring")


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
            save_days=fields.whole_number(policy.get("save_days")),
            days=tuple(day for day in (1, 2, 3, 4, 5, 6, 7) if str(day) in days),
            begin_at=text_of(plan.get("begin_at")),
        )


class Instance(Record, frozen=True, gc=False):
    """One cache instance, from ListInstances, or with more from ShowInstance.

    `capacity_gb` is None where unknown; in ListInstances `backup_policy` is None, and `cache_mode` is ""
    unless it is "single". Addresses and accounts are left out on purpose.
    """

    instance_id: str
    name: str
    engine: str
    engine_version: str
    status: str
    cache_mode: str
    capacity_gb: float | None
    created_at: datetime | None
    task: str
    backup_policy: BackupPolicy | None
    policy_unreadable: bool
    search_text: str
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_api(cls, raw: dict[str, Any]) -> Instance:
        instance_id = text_of(raw.get("instance_id"))
        name = text_of(raw.get("name"))
        policy = raw.get("instance_backup_policy")
        backup_policy = BackupPolicy.from_api(policy)
        tags = map(object_of, list_of(raw.get("tags")))
        return cls(
            instance_id=instance_id,
            name=name,
            engine=text_of(raw.get("engine")),
            engine_version=text_of(raw.get("engine_version")),
            status=intern(text_of(raw.get("status"))),
            cache_mode=_cache_mode(raw),
            capacity_gb=fields.capacity(raw),
            created_at=time_of(raw.get("created_at")),
            task=_task(raw.get("task")),
            backup_policy=backup_policy,
            policy_unreadable=backup_policy is None and has_value(policy),
            search_text=f"{name}\n{instance_id}".casefold(),
            tags=tuple((text_of(tag.get("key")), text_of(tag.get("value"))) for tag in tags),
        )


def _cache_mode(raw: dict[str, Any]) -> str:
    """Return how an instance is built. ListInstances tells what is sold: redis.single.xu1.large.r2.1."""
    mode = text_of(raw.get("cache_mode")).lower()
    if not mode and "single" in text_of(raw.get("spec_code")).lower().replace("_", ".").split("."):
        return "single"
    return intern(mode)


def _task(value: Any) -> str:
    """Return name and status of what an instance is doing, "" where DCS names nothing (`{"name": null}`)."""
    if not isinstance(value, dict):
        return text_of(value)
    return " ".join(text for field in ("name", "status") if (text := text_of(value.get(field))))
