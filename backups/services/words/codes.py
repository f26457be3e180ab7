"""The words of the pages: what a code of DCS is called, means and asks for, in the viewer's language.

Codes stay codes in URLs, JSON and CSV; only pages say these words. Error texts:
the API's reference page for ListBackupRecords.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

Words = str | Promise

STATUS_WORDS: dict[str, Words] = {
    "succeed": _("Succeeded"),
    "failed": _("Failed"),
    "waiting": _("Waiting"),
    "backuping": _("In progress"),
    "expired": _("Expired"),
    "deleted": _("Deleted"),
}
TYPE_WORDS: dict[str, Words] = {"manual": _("Manual"), "auto": _("Automatic")}
FORMAT_WORDS: dict[str, Words] = {"rdb": "RDB", "aof": "AOF"}
RESTORABLE_WORDS: dict[str, Words] = {"yes": _("Yes"), "no": _("No"), "unknown": _("Unknown")}
OTHER: Words = _("Other")

CACHE_MODE_WORDS: dict[str, Words] = {
    "single": _("single node"),
    "ha": _("master/standby"),
    "cluster": _("Redis cluster"),
    "proxy": _("proxy cluster"),
    "ha_rw_split": _("read/write splitting"),
}
INSTANCE_STATUS_WORDS: dict[str, Words] = {
    "CREATING": _("Creating"),
    "CREATEFAILED": _("Creation failed"),
    "RUNNING": _("Running"),
    "ERROR": _("Error"),
    "RESTARTING": _("Restarting"),
    "FROZEN": _("Frozen"),
    "EXTENDING": _("Changing specifications"),
    "RESTORING": _("Restoring"),
    "FLUSHING": _("Clearing data"),
    "STARTING": _("Starting"),
    "CLOSING": _("Stopping"),
    "CLOSED": _("Stopped"),
}


@dataclass(frozen=True)
class ErrorCode:
    meaning: Words
    next_step: Words


ERROR_CODES: dict[str, ErrorCode] = {
    "dcs.08.0001": ErrorCode(
        _("The backup or restore tool did not start."),
        _(
            "Start a manual backup in the console. "
            "If that fails too, open a vendor ticket with the backup id."
        ),
    ),
    "dcs.08.0002": ErrorCode(
        _("The backup timed out."),
        _("Check the instance's load and data size at that time, and back up again when it is less busy."),
    ),
    "dcs.08.0003": ErrorCode(
        _("Deleting the storage bucket failed."),
        _("This is on the vendor's side: open a vendor ticket with the backup id."),
    ),
    "dcs.08.0004": ErrorCode(
        _("Getting the access key for the storage failed."),
        _("Check that DCS still has access to object storage in this project, then open a vendor ticket."),
    ),
    "dcs.08.0005": ErrorCode(
        _("Creating the storage bucket failed."),
        _("Check the project's object storage quota and unpaid bills, then open a vendor ticket."),
    ),
    "dcs.08.0006": ErrorCode(
        _("Querying the size of the backup data failed."),
        _("The backup file may be missing or truncated: do not rely on it, and start a manual backup."),
    ),
    "dcs.08.0007": ErrorCode(
        _("Synchronising the data during a restore failed."),
        _("The restore did not complete: check the instance's data before anyone writes to it."),
    ),
    "dcs.08.0008": ErrorCode(
        _("The automatic backup did not run: the instance was busy with another task."),
        _(
            "Nothing was backed up in this slot. Check what the instance was doing, and start a "
            "manual backup if needed."
        ),
    ),
}

REASON_WORDS: dict[str, Words] = {
    "waiting": _("not yet: it is still waiting"),
    "in_progress": _("not yet: it is still in progress"),
    "failed": _("it failed"),
    "did_not_run": _("it did not run"),
    "expired": _("its file has expired"),
    "deleted": _("its file was deleted by hand"),
    "unknown_status": _("the portal does not know its status"),
    "no_status": _("DCS reports no status"),
    "dcs_says_no": _("DCS says no, without a reason"),
    "dcs_does_not_say": _("DCS does not say whether it can be restored"),
    "contradiction": _("DCS still says that it can be restored"),
    "not_listed": _("DCS no longer lists it"),
    "missing": _("it is missing from DCS's list, not confirmed yet"),
}

# What a field of the API's answer is.
FIELD_NOTES: dict[str, Words] = {
    "backup_id": _("Identifies this backup in DCS, in the hcloud command and in vendor tickets."),
    "backup_name": _(
        "Only a name: a time in it may be in another zone and does not say when the data is from."
    ),
    "instance_id": _("The instance that was backed up."),
    "period": _("The planned slot of an automatic backup, in UTC. Manual ones have none."),
    "size": _("The size of the backup file. The data may take more memory in the instance."),
    "backup_type": _("Whether it was started by the backup policy or by hand."),
    "backup_format": _("RDB is a snapshot of the data; AOF is a log of the writes."),
    "created_at": _("When the task was created; it may have waited before it started."),
    "execution_at": _("When the backup started: its data is from this time."),
    "updated_at": _(
        "When the record last changed: when the backup ended, or when its file expired or was deleted."
    ),
    "progress": _("How far along a backup in progress is."),
    "error_code": _("Why a backup failed."),
    "remark": _("The remark entered when it was started."),
    "status": _("The status as DCS reports it."),
    "is_support_restore": _("Whether it can be restored, according to DCS, which gives no reason."),
}

# Why a usable backup is not certainly from before a time.
DOUBT_WORDS: dict[str, Words] = {
    "straddles": _("it was still running at that time"),
    "start_unknown": _("DCS does not say when it started: it may not have been before that time"),
    "end_unknown": _("DCS does not say when it ended: it may still have been running at that time"),
    "times_contradict": _("its times contradict each other: at least one is not before that time"),
}
# What stands against a restore now; the detail is DCS's own word.
BLOCK_WORDS: dict[str, Words] = {
    "single_node": _("This is a single-node instance: DCS can neither back it up nor restore into it."),
    "busy": _("The instance is busy (%(detail)s): DCS refuses a restore until it is running again."),
    "not_running": _("The instance is not running (%(detail)s): DCS restores only into a running instance."),
    "backing_up": _("A backup is in progress: DCS refuses a restore until it has ended."),
    "task": _("DCS reports a task on this instance (%(detail)s): it refuses a restore while one is running."),
    "not_known": _("DCS does not report the state of the instance: check the console before you restore."),
}


@lru_cache(maxsize=256)
def error_meaning_in_english(code: str) -> str | None:
    """Return what an error code means for JSON and CSV, which never change with the viewer's language."""
    known = ERROR_CODES.get(code)
    if known is None:
        return None
    with override("en"):
        return str(known.meaning)


def codes_meaning(word: str) -> tuple[set[str], set[str]]:
    """Return the codes of errors and of reasons in whose words a case-folded one is, in whichever language.

    So what a search finds depends on its link alone, never on who opens it.
    """
    meanings = {code: known.meaning for code, known in ERROR_CODES.items()}
    errors, reasons = set(), set()
    for language, _name in settings.LANGUAGES:
        with override(language):
            errors |= {code for code, text in meanings.items() if word in str(text).casefold()}
            reasons |= {code for code, text in REASON_WORDS.items() if word in str(text).casefold()}
    return errors, reasons
