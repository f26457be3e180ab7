"""What the public contract names: two instances, and the reference page's own record."""

from __future__ import annotations

from datetime import UTC, datetime

from .records import MISSING, Attempt, Json, stable_id

ORDERS_CACHE_ID = "5560df16-cebf-4473-95c4-d1b573c16e79"
BULK_HISTORY_ID = "00000000-0000-4000-8000-00000000feed"
GONE_INSTANCE_ID = "00000000-0000-4000-8000-00000000dead"  # answers 404 DCS.3022, not 400 DCS.4119
REFERENCE_BACKUP_ID = "4631832a-14c6-45b0-a0b3-3abd8f591ad1"

# ListBackupRecords.md, the example response: value for value, `{ }` included.
REFERENCE_RECORD: Json = {
    "period": {}, "backup_type": "manual",
    "created_at": "2019-05-10T08:31:16.166Z", "execution_at": "2019-05-10T08:31:21.461Z",
    "remark": "001", "is_support_restore": "TRUE", "backup_id": REFERENCE_BACKUP_ID,
    "backup_name": "backup_20190510163116", "instance_id": ORDERS_CACHE_ID, "size": 880232,
    "updated_at": "2019-05-10T08:32:30.546Z", "progress": "100.00", "error_code": {}, "status": "succeed",
}  # fmt: skip
_CREATED = datetime(2019, 5, 10, 8, 31, 16, 166_000, UTC)
_SENT = {**REFERENCE_RECORD, "backup_format": MISSING}
REFERENCE_ATTEMPT = Attempt(ORDERS_CACHE_ID, REFERENCE_BACKUP_ID, _CREATED, seconds=0, size=0, changes=_SENT)

_OF_REFERENCE = {f"backup_{name}": REFERENCE_RECORD[f"backup_{name}"] for name in ("id", "name")}
_RESTORE: Json = {
    "restore_id": stable_id("restore", 1), "restore_name": "restore_20190511101502",
    **_OF_REFERENCE, "backup_remark": "001", "restore_remark": None, "error_code": None, "status": "succeed",
    "created_at": "2019-05-11T02:15:02.310Z", "updated_at": "2019-05-11T02:17:41.021Z", "progress": "100.00",
}  # fmt: skip
_FAILED_RESTORE: Json = {
    "restore_id": stable_id("restore", 2), "restore_name": "restore_20260918223301",
    **_OF_REFERENCE, "backup_remark": "001", "restore_remark": "rehearsal", "error_code": "dcs.08.0007",
    "created_at": "2026-09-18T14:33:01.004Z", "updated_at": "2026-09-18T14:35:12.870Z",
    "status": "failed", "progress": "12.00",
}  # fmt: skip
ORDERS_RESTORES = (_FAILED_RESTORE, _RESTORE)
