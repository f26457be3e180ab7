"""The usual row of ListBackupRecords, decoded straight into a record: a fifth of the work.

A page whose every row has the types of the reference page, times in UTC and
numbers within their bounds is read here; `{}` stands for null, as its example
prints it. Anything else is `Unusual`, and the page is read field by field by
`BackupRecord.from_api()`, which makes the same records of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from sys import intern
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec

from .fields import EARLIEST, LARGEST, LATEST, percent, whole_number
from .records import BackupRecord

Value = TypeVar("Value")


class Unusual(Exception):
    """This page has to be read field by field."""


if TYPE_CHECKING:  # which need not know of `{}`: like None, it is falsy, and taken for nothing
    _Nothing: TypeAlias = None
    _Text: TypeAlias = str | None
    _Count: TypeAlias = int | None
    _Time: TypeAlias = datetime | None
    _YesOrNo: TypeAlias = str | None
else:
    _Nothing = Annotated[dict[str, Any], msgspec.Meta(max_length=0)] | None
    _Text = str | _Nothing
    _Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] | _Nothing
    _Time = datetime | _Nothing
    _YesOrNo = Literal["TRUE", "FALSE", ""] | _Nothing


class _Row(msgspec.Struct, gc=False):
    backup_id: _Text = None
    backup_name: _Text = None
    instance_id: _Text = None
    status: _Text = None
    backup_type: _Text = None
    backup_format: _Text = None
    size: _Count | str = None
    created_at: _Time = None
    execution_at: _Time = None
    updated_at: _Time = None
    progress: _Text = None
    is_support_restore: _YesOrNo = None
    error_code: _Text = None
    remark: _Text = None
    period: _Text = None


class _Page(msgspec.Struct, gc=False):
    backup_record_response: list[_Row]
    total_num: _Count = None
    error: _Nothing = None
    error_code: _Nothing = None
    error_msg: _Nothing = None


_decode = msgspec.json.Decoder(_Page).decode


def usual_page(body: bytes) -> tuple[tuple[BackupRecord, ...], int | None]:
    """Return the records of a page and the total that it promises. Raises Unusual."""
    try:
        page = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unusual from None
    total = page.total_num
    return tuple(map(_record_of, page.backup_record_response)), total if isinstance(total, int) else None


_FULL = "100.00"


def _record_of(row: _Row) -> BackupRecord:
    # Straight on, without a call for each field: this is where the time of a walk goes.
    backup_id = row.backup_id or ""
    name = row.backup_name or ""
    description = row.remark or ""
    error_code = row.error_code or ""
    if error_code:
        error_code = intern(error_code.lower())
    size = row.size
    if type(size) is not int:
        size = _read(whole_number, size)
    created_at = row.created_at or None
    execution_at = row.execution_at or None
    updated_at = row.updated_at or None
    for moment in (created_at, execution_at, updated_at):
        if moment is not None and not (moment.tzinfo is UTC and EARLIEST <= moment < LATEST):
            raise Unusual
    word = row.is_support_restore or ""
    return BackupRecord(
        backup_id,
        name,
        intern(row.instance_id or ""),
        intern(row.status or ""),
        intern(row.backup_type or ""),
        intern((row.backup_format or "").lower()),
        size,
        created_at,
        execution_at,
        updated_at,
        100.0 if row.progress == _FULL else _read(percent, row.progress),
        word == "TRUE" if word else None,
        error_code,
        description,
        intern(row.period or ""),
        (),
        f"{name}\n{backup_id}\n{description}\n{error_code}".casefold(),
    )


def _read(reader: Callable[[Any], Value | None], value: Any) -> Value | None:
    found = reader(value) if value else None
    if value and found is None:
        raise Unusual
    return found
