"""Raw backup records as DCS sends them, for tests that need certain ones."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from backups.dcs.records import BackupRecord
from backups.services.insights.policy import Plan
from backups.services.insights.timeline import KnownHistory, timeline

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


def raw(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An automatic backup that succeeded; the later the number, the later it started."""
    started = FIRST + timedelta(hours=number)
    record = {
        "backup_id": f"00000000-0000-4000-8000-{number:012d}",
        "backup_name": f"backup_{number}",
        "instance_id": "5560df16-cebf-4473-95c4-d1b573c16e79",
        "status": "succeed",
        "backup_type": "auto",
        "backup_format": "rdb",
        "size": 1000 + number,
        "created_at": api_time(started),
        "execution_at": api_time(started + timedelta(seconds=5)),
        "updated_at": api_time(started + timedelta(seconds=65)),
        "progress": "100.00",
        "is_support_restore": "TRUE",
        "error_code": None,
        "remark": None,
        "period": "22:00-23:00",
    }
    return {name: value for name, value in (record | changes).items() if value != "MISSING"}


def raws(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Newest first, as DCS lists them."""
    return [raw(number, **changes) for number in range(count, 0, -1)]


def api_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def backup_at(when: str | datetime, **changes: Any) -> BackupRecord:
    """An automatic backup that succeeded, whose data is from that time: "11-23 06:00" is in 2026, UTC."""
    started = utc(when) if isinstance(when, str) else when
    times = {
        "created_at": api_time(started),
        "execution_at": api_time(started),
        "updated_at": api_time(started + timedelta(seconds=60)),
    }
    backup_id = f"b-{started:%m%d%H%M%S}-{changes.get('backup_type', 'auto')}"
    return BackupRecord.from_api(raw(1, **{"backup_id": backup_id, **times, **changes}))


def utc(text: str) -> datetime:
    """Read "11-23" or "11-23 06:00", in 2026."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


FAILED: dict[str, Any] = {"status": "failed", "error_code": "dcs.08.0002", "is_support_restore": "FALSE"}
NOT_RUN: dict[str, Any] = {**FAILED, "error_code": "dcs.08.0008"}
EXPIRED: dict[str, Any] = {"status": "expired", "is_support_restore": "FALSE"}
DELETED: dict[str, Any] = {"status": "deleted", "is_support_restore": "FALSE"}
RUNNING: dict[str, Any] = {"status": "backuping", "is_support_restore": "FALSE", "size": 0}
WAITING: dict[str, Any] = {"status": "waiting", "is_support_restore": "FALSE", "size": 0}
DCS_SAYS_NO: dict[str, Any] = {"is_support_restore": "FALSE"}
MANUAL: dict[str, Any] = {"backup_type": "manual"}
ODD: dict[str, Any] = {"status": "archived"}
NO_TIME: dict[str, Any] = {"created_at": "not a time", "execution_at": None}
DAILY = Plan("automatic", (1, 2, 3, 4, 5, 6, 7), time(3), 7)


def known_history(*records: BackupRecord, plan: Plan, now: str = "11-24 12:00", **known: Any) -> KnownHistory:
    """What is known of a history that was read at `now`."""
    at = utc(now)
    return KnownHistory(timeline(records), plan, **{"now": at, "read_at": at, **known})
