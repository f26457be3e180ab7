"""Raw backup records as DCS sends them, for tests that need certain ones."""

from datetime import UTC, datetime, time, timedelta

from backups.dcs.records import BackupRecord
from backups.services.insights.policy import KnownHistory, Plan
from backups.services.insights.timeline import timeline

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


def raw(number=1, **changes):
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


def raws(count, **changes):
    """Newest first, as DCS lists them."""
    return [raw(number, **changes) for number in range(count, 0, -1)]


def api_time(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def backup_at(when, **changes):
    """An automatic backup that succeeded, whose data is from that time: "11-23 06:00" is in 2026, UTC."""
    started = utc(when) if isinstance(when, str) else when
    times = {
        "created_at": api_time(started),
        "execution_at": api_time(started),
        "updated_at": api_time(started + timedelta(seconds=60)),
    }
    backup_id = f"b-{started:%m%d%H%M%S}-{changes.get('backup_type', 'auto')}"
    return BackupRecord.from_api(raw(1, **{"backup_id": backup_id, **times, **changes}))


def utc(text):
    """Read "11-23" or "11-23 06:00", in 2026."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


FAILED = {"status": "failed", "error_code": "dcs.08.0002", "is_support_restore": "FALSE"}
NOT_RUN = {**FAILED, "error_code": "dcs.08.0008"}
EXPIRED = {"status": "expired", "is_support_restore": "FALSE"}
DELETED = {"status": "deleted", "is_support_restore": "FALSE"}
RUNNING = {"status": "backuping", "is_support_restore": "FALSE", "size": 0}
WAITING = {"status": "waiting", "is_support_restore": "FALSE", "size": 0}
DCS_SAYS_NO = {"is_support_restore": "FALSE"}
MANUAL = {"backup_type": "manual"}
ODD = {"status": "archived"}
NO_TIME = {"created_at": "not a time", "execution_at": None}
DAILY = Plan("automatic", (1, 2, 3, 4, 5, 6, 7), time(3), 7)


def known_history(*records, plan, now="11-24 12:00", **known):
    """What is known of a history that was read at `now`."""
    at = utc(now)
    return KnownHistory(timeline(records), plan, **{"now": at, "read_at": at, **known})
