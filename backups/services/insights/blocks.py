"""What stands against a restore now, as far as DCS tells of the instance.

DCS restores only into an instance that is running (its errors DCS.4026 and 4049) and not busy with
a backup or another restore (DCS.4096 and 4097); single-node instances have neither (DCS.4086, 4095).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...dcs.records import BackupRecord, Instance

BUSY_STATUSES = frozenset(
    ("CREATING", "RESTARTING", "EXTENDING", "RESTORING", "FLUSHING", "STARTING", "CLOSING")
)
# What an instance says of itself while one of its backups runs.
BACKING_UP_STATUSES = frozenset(("BACKUPING", "BACKUP"))


@dataclass(frozen=True)
class Block:
    """One reason; `detail` is DCS's own word. `certain`: a restore would be refused now.

    Codes: "single_node", "busy" and "not_running" (by status), "backing_up", "task" (DCS names one and
    need not say whether it is over), "not_known" (nothing is known of the instance's state).
    """

    code: str
    detail: str = ""
    certain: bool = True


def not_now(blocks: Iterable[Block]) -> str:
    """Return the status of an instance that DCS restores nothing into while it lasts; "" if there is none."""
    return next((block.detail for block in blocks if block.code in ("busy", "not_running")), "")


def takes_no_restore(status: str) -> bool:
    """An ordinary backup in progress is no reason; a status that nobody told is none either."""
    return status not in ("", "RUNNING", *BACKING_UP_STATUSES)


def restore_blocks(instance: Instance | None, records: Iterable[BackupRecord]) -> tuple[Block, ...]:
    """Return what stands against a restore; none: nothing that DCS tells of does."""
    return tuple(_blocks(instance, any(record.status == "backuping" for record in records)))


def _blocks(instance: Instance | None, backing_up: bool) -> Iterator[Block]:
    if instance and instance.cache_mode == "single":
        yield Block("single_node")
    if instance is None or not instance.status:
        yield Block("not_known", certain=False)
    elif takes_no_restore(instance.status):
        yield Block("busy" if instance.status in BUSY_STATUSES else "not_running", instance.status)
    if backing_up or (instance and instance.status in BACKING_UP_STATUSES):
        yield Block("backing_up")
    if instance and instance.task:
        yield Block("task", instance.task, certain=False)
