"""What the verdict on an instance rests on: few values, so that they can be kept and judged at any time.

What becomes true as time passes is kept as the instant from which it is so. Beside them, what stands
against a restore now: DCS restores only into an instance that is running (its errors DCS.4026 and 4049) and
not busy with a backup or another restore (DCS.4096 and 4097); single-node instances have neither (DCS.4086,
4095).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

import msgspec

from ...dcs.records import BackupRecord, Instance
from .policy import KnownHistory, outlook
from .timeline import FAILED, SUCCEEDED, Attempts, kind_of, newest

FAILURES_IN_A_ROW = 3
LEAST_OVERDUE = timedelta(minutes=30)
TIMES_USUAL = 3
# A backup is kept for at most 7 days by a policy, which plans one at least every 7.
_LONGEST_PAUSE = timedelta(days=8)


class BackupBrief(msgspec.Struct, frozen=True, gc=False):
    """What is said of one backup; `started_at` is the time that its data is from."""

    backup_id: str
    name: str
    status: str
    started_at: datetime
    error_code: str = ""

    @classmethod
    def of(cls, record: BackupRecord | None) -> BackupBrief | None:
        if record is None or record.started_at is None:
            return None
        return cls(record.backup_id, record.name, record.status, record.started_at, record.error_code)


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What one reading says of an instance.

    `whole`: the list holds all that DCS lists; `confirmed`: most of it did not go at once. `kinds` counts the
    records by `timeline.KINDS`, `undated` the usable ones without a time, `unsure` those of which nobody can
    say whether they can be restored. `unsupported` is why DCS never backs the instance up: "single_node",
    "memcached", "not_supported" or "". `goes_at` is the estimated end of the newest usable one's file, after
    `keep_days`; after `last_run_before` no planned run can replace it before. `failing_since` is the first of
    `failures` in a row, `failed_often_at` the third. `overdue_at` is when the one that runs since
    `running_since` had run for too long. `tag` is the value of the objective's tag, `interval` the longest
    pause of the plan in seconds.
    """

    read_at: datetime
    whole: bool
    confirmed: bool
    total: int
    kinds: dict[str, int]
    undated: int = 0
    unsure: int = 0
    unsupported: str = ""
    status: str = ""
    newest_usable: BackupBrief | None = None
    goes_at: datetime | None = None
    keep_days: int | None = None
    last_run_before: datetime | None = None
    last_attempt: BackupBrief | None = None
    failures: int = 0
    failing_since: datetime | None = None
    failed_often_at: datetime | None = None
    last_failure: BackupBrief | None = None
    running_since: datetime | None = None
    overdue_at: datetime | None = None
    tag: str = ""
    interval: float | None = None

    @property
    def usable(self) -> int:
        return self.kinds.get("usable", 0)

    @property
    def counts(self) -> bool:
        """Whether its numbers say anything: DCS lists nothing of what it never backs up."""
        return self.total > 0 or not self.unsupported

    @property
    def not_now(self) -> str:
        """The status of an instance that takes no restore while it lasts; "" if there is none."""
        return self.status if takes_no_restore(self.status) else ""


def facts_of(
    known: KnownHistory,
    instance: Instance | None,
    *,
    confirmed: bool = True,
    unsupported: bool = False,
    tag_key: str = "",
) -> Facts:
    """Return what one reading says; `unsupported`: DCS said that it never backs this instance up."""
    line, usable = known.timeline, newest(known.timeline.attempts, "usable")
    facts = Facts(known.read_at, known.whole, confirmed, line.totals.total(), dict(line.totals))
    found: dict[str, Any] = {
        "undated": sum(kind_of(record) == "usable" for record in line.undated),
        "unsure": line.unsure,
        "unsupported": "not_supported" if unsupported else "",
        "newest_usable": BackupBrief.of(usable),
        "last_attempt": BackupBrief.of(line.attempts[-1].record if line.attempts else None),
    }
    if failures := _failures_in_a_row(line.attempts):
        found |= {
            "failures": len(failures),
            "failing_since": failures[0].started_at,
            "last_failure": BackupBrief.of(failures[-1].record),
        }
        if len(failures) >= FAILURES_IN_A_ROW:
            found["failed_often_at"] = failures[FAILURES_IN_A_ROW - 1].started_at
    if usable and (expected := outlook(usable, known)) and expected.until:
        found |= {"goes_at": expected.until, "keep_days": expected.keep_days}
        if not expected.last_automatic:
            end = expected.until - line.usual_durations.get("auto", timedelta())
            found["last_run_before"] = next(reversed(known.plan.slots(end - _LONGEST_PAUSE, end)), None)
    if line.running:
        started_at, _, record = line.running[-1]
        usual = line.usual_durations.get(record.type, timedelta())
        overdue_at = started_at + max(LEAST_OVERDUE, TIMES_USUAL * usual)
        found |= {"running_since": started_at, "overdue_at": overdue_at}
    if interval := known.plan.interval:
        found["interval"] = interval.total_seconds()
    facts = msgspec.structs.replace(facts, **found)
    return facts_with(facts, instance, tag_key=tag_key) if instance else facts


def facts_with(facts: Facts, instance: Instance, *, tag_key: str = "") -> Facts:
    """Return the facts with what the instance itself says by now."""
    single = "single_node" if instance.cache_mode == "single" else ""
    return msgspec.structs.replace(
        facts,
        unsupported=single or ("memcached" if instance.engine.lower() == "memcached" else facts.unsupported),
        status=instance.status,
        tag=dict(instance.tags).get(tag_key, "") if tag_key else "",
    )


def unsupported_facts(facts: Facts | None, read_at: datetime) -> Facts:
    """Return the facts once DCS has said that it never backs this instance up."""
    facts = facts or Facts(read_at=read_at, whole=True, confirmed=True, total=0, kinds={})
    return msgspec.structs.replace(facts, unsupported=facts.unsupported or "not_supported")


def _failures_in_a_row(attempts: Attempts) -> Attempts:
    """Return those that failed since the last that succeeded, the oldest first."""
    since = takewhile(lambda attempt: attempt.kind not in SUCCEEDED, reversed(attempts))
    return [attempt for attempt in since if attempt.kind in FAILED][::-1]


# Against a restore ------------------------------------------------------------

_BUSY = ("CREATING", "RESTARTING", "EXTENDING", "RESTORING", "FLUSHING", "STARTING", "CLOSING")
# What an instance says of itself while one of its backups runs.
_BACKING_UP = ("BACKUPING", "BACKUP")


class Block(NamedTuple):
    """One reason; `detail` is DCS's own word. `certain`: a restore would be refused now.

    Codes: "single_node", "busy" and "not_running" (by status), "backing_up", "task" (DCS names one and
    need not say whether it is over), "not_known" (nothing is known of the instance's state).
    """

    code: str
    detail: str = ""
    certain: bool = True


def takes_no_restore(status: str) -> bool:
    """An ordinary backup in progress is no reason; a status that nobody told is none either."""
    return status not in ("", "RUNNING", *_BACKING_UP)


def restore_blocks(instance: Instance | None, records: Iterable[BackupRecord]) -> tuple[Block, ...]:
    """Return what stands against a restore; none: nothing that DCS tells of does."""
    status, found = instance.status if instance else "", []
    if instance and instance.cache_mode == "single":
        found.append(Block("single_node"))
    if not status:
        found.append(Block("not_known", certain=False))
    elif takes_no_restore(status):
        found.append(Block("busy" if status in _BUSY else "not_running", status))
    if status in _BACKING_UP or any(record.status == "backuping" for record in records):
        found.append(Block("backing_up"))
    if instance and instance.task:
        found.append(Block("task", instance.task, certain=False))
    return tuple(found)


def not_now(blocks: Iterable[Block]) -> str:
    """Return the status of an instance that DCS restores nothing into while it lasts; "" if there is none."""
    return next((block.detail for block in blocks if block.code in ("busy", "not_running")), "")
