"""Raw backup records as DCS sends them, for tests that need certain ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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
