"""What DCS answers, as typed records.

Each `from_api()` reads one untyped JSON object and never raises: null, `{}`,
`""` and a missing key all mean "no value", and a value that cannot be read is
kept as text in `unread`, so that a page can show it as itself. The fields and
their oddities are those of the API's reference page for ListBackupRecords,
ListInstances and ShowInstance.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any

import msgspec

from .errors import DcsAnswerGarbled

STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted")
RUNNING_STATUSES = ("waiting", "backuping")
TYPES = ("manual", "auto")
FORMATS = ("rdb", "aof")

# The reference calls its numbers Long.
_LARGEST = 2**63 - 1

Unread = tuple[tuple[str, str], ...]


class BackupRecord(msgspec.Struct, frozen=True):
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
        backup_id = _text(raw.get("backup_id"))
        name = _text(raw.get("backup_name"))
        error_code = _text(raw.get("error_code")).lower()
        description = _text(raw.get("remark"))
        return cls(
            backup_id=backup_id,
            name=name,
            instance_id=intern(_text(raw.get("instance_id"))),
            status=intern(_text(raw.get("status"))),
            type=intern(_text(raw.get("backup_type"))),
            format=intern(_text(raw.get("backup_format")).lower()),
            size_bytes=_whole_number(raw, "size", unread),
            created_at=_time(raw, "created_at", unread),
            execution_at=_time(raw, "execution_at", unread),
            updated_at=_time(raw, "updated_at", unread),
            progress_percent=_percent(raw, "progress", unread),
            restorable=_yes_or_no(raw, "is_support_restore", unread),
            error_code=intern(error_code),
            description=description,
            period=intern(_text(raw.get("period"))),
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


class BackupPolicy(msgspec.Struct, frozen=True):
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
        policy = _object(raw.get("policy", raw)) if isinstance(raw, dict) else {}
        backup_type = _text(policy.get("backup_type")).lower()
        if backup_type not in TYPES:
            return None
        plan = _object(policy.get("periodical_backup_plan"))
        days = {_text(day) for day in _list(plan.get("backup_at"))}
        return cls(
            automatic=backup_type == "auto",
            save_days=_whole_number(policy, "save_days", []),
            days=tuple(day for day in (1, 2, 3, 4, 5, 6, 7) if str(day) in days),
            begin_at=_text(plan.get("begin_at")),
        )


class Instance(msgspec.Struct, frozen=True):
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
        instance_id = _text(raw.get("instance_id"))
        name = _text(raw.get("name"))
        policy = raw.get("instance_backup_policy")
        backup_policy = BackupPolicy.from_api(policy)
        if backup_policy is None and has_value(policy):
            unread.append(("instance_backup_policy", as_text(policy)))
        return cls(
            instance_id=instance_id,
            name=name,
            engine=_text(raw.get("engine")),
            engine_version=_text(raw.get("engine_version")),
            status=intern(_text(raw.get("status"))),
            spec_code=_text(raw.get("spec_code")),
            cache_mode=intern(_text(raw.get("cache_mode")).lower()),
            capacity_gb=_capacity(raw),
            max_memory_mb=_whole_number(raw, "max_memory", unread),
            used_memory_mb=_whole_number(raw, "used_memory", unread),
            created_at=_time(raw, "created_at", unread),
            az_codes=tuple(_text(code) for code in _list(raw.get("az_codes"))),
            tags=tuple(
                (_text(tag.get("key")), _text(tag.get("value")))
                for tag in _list(raw.get("tags"))
                if isinstance(tag, dict)
            ),
            enterprise_project_id=_text(raw.get("enterprise_project_id")),
            description=_text(raw.get("description")),
            task=_task(raw.get("task")),
            backup_policy=backup_policy,
            unread=tuple(unread),
            search_text=f"{name}\n{instance_id}".casefold(),
        )

    @property
    def key(self) -> str:
        return self.instance_id or f"\0{self!r}"


# One page of JSON ------------------------------------------------------------


def decode(body: bytes) -> Any:
    """Return the JSON value of a body. Raises DcsAnswerGarbled where it is none.

    msgspec is fast but refuses lone surrogates, NaN and a BOM; such a page is
    decoded again by the standard library, so that one odd field loses nothing.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_leniently(body)
    except RecursionError:
        raise DcsAnswerGarbled("its answer is nested too deeply") from None


def _decode_leniently(body: bytes) -> Any:
    text = body.decode("utf-8-sig", "replace")
    try:
        value = json.loads(text, strict=False, parse_constant=_dropped, parse_int=_int, parse_float=_float)
        if "\\u" in text:
            # Pairs what belongs together and replaces what is alone.
            whole = json.dumps(value, ensure_ascii=False)
            value = json.loads(whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except ValueError:
        raise DcsAnswerGarbled("its answer is not JSON") from None
    except RecursionError:
        raise DcsAnswerGarbled("its answer is nested too deeply") from None
    return value


def _dropped(_: str) -> None:
    return None


def _int(text: str) -> int | None:
    return int(text) if len(text) < 400 else None


def _float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def page_of(body: bytes, *, items: str, total: str) -> tuple[list[Any], int | None]:
    """Return the items and the promised total of one page of a list.

    An empty list, or none beside a total, is an empty page; anything else that
    has no list is garbled, since an outage must never look like "no backups".
    """
    answer = decode(body)
    if not isinstance(answer, dict):
        raise DcsAnswerGarbled("its answer is not a JSON object")
    if answer and items not in answer and total not in answer:
        raise DcsAnswerGarbled(f"its answer has no {items}")
    found = answer.get(items)
    if not has_value(found):
        found = []
    if not isinstance(found, list):
        raise DcsAnswerGarbled(f"its {items} is not a list")
    return found, _whole_number(answer, total, [])


# One field -------------------------------------------------------------------


def has_value(value: Any) -> bool:
    """`{ }` in the reference page is how the documentation prints null."""
    return value is not None and value != "" and value != {} and value != []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return as_text(value) if has_value(value) else ""


def as_text(value: Any) -> str:
    """Return any JSON value as a person may read it."""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "…"  # it was just shallow enough to be decoded


def _task(value: Any) -> str:
    """Return name and status of what an instance is doing, "" where DCS names nothing (`{"name": null}`)."""
    if not isinstance(value, dict):
        return _text(value)
    return " ".join(text for field in ("name", "status") if (text := _text(value.get(field))))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole_number(raw: dict[str, Any], name: str, unread: list[tuple[str, str]]) -> int | None:
    value = raw.get(name)
    if not has_value(value):
        return None
    number = value if type(value) is int else -1
    if isinstance(value, str) and re.fullmatch(r" *[0-9]{1,19} *", value):
        number = int(value)
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if 0 <= number <= _LARGEST:
        return number
    unread.append((name, as_text(value)))
    return None


def _percent(raw: dict[str, Any], name: str, unread: list[tuple[str, str]]) -> float | None:
    value = raw.get(name)
    if not has_value(value):
        return None
    try:
        number = (
            float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else -1.0
        )
    except (ValueError, OverflowError):
        number = -1.0
    if 0 <= number <= 100:
        return number
    unread.append((name, as_text(value)))
    return None


def _yes_or_no(raw: dict[str, Any], name: str, unread: list[tuple[str, str]]) -> bool | None:
    value = raw.get(name)
    if isinstance(value, (str, bool)) and str(value).upper() in ("TRUE", "FALSE"):
        return str(value).upper() == "TRUE"
    if has_value(value):
        unread.append((name, as_text(value)))
    return None


def _time(raw: dict[str, Any], name: str, unread: list[tuple[str, str]]) -> datetime | None:
    value = raw.get(name)
    if not has_value(value):
        return None
    moment = _read_time(value) if isinstance(value, str) else None
    if moment is None:
        unread.append((name, as_text(value)))
    return moment


def _read_time(text: str) -> datetime | None:
    """Read `2019-05-10T08:31:16.166Z`, or `2019-05-10 08:31:16`, which one source gives, as UTC."""
    text = text.strip()
    if len(text) < 19 or text[4] != "-" or text[10] not in "T ":
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A zero time of the service is no time, and no zone may carry it past the calendar's end.
    return moment if 1970 <= moment.year <= 2200 else None


def _capacity(raw: dict[str, Any]) -> float | None:
    """GB. Tiny instances have 0 in capacity, and the rest in capacity_minor (".125")."""
    for name in ("capacity", "capacity_minor"):
        value = raw.get(name)
        try:
            number = float(value) if isinstance(value, (str, int, float)) else 0.0
        except (ValueError, OverflowError):
            continue
        if 0 < number < math.inf:
            return number
    return None
