"""What DCS sends in one answer, as typed records: a page of a list, or one instance."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

import msgspec

from .errors import DcsAnswerGarbled, is_error
from .fields import EARLIEST, LARGEST, LATEST, has_value, percent, whole_number
from .records import BackupRecord, Instance


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=_Keyed, covariant=True)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One answer of a list call: `length` counts its rows, readable or not; `body` is what DCS sent."""

    records: tuple[Item, ...]
    total_num: int | None
    length: int
    request_id: str = ""
    body: bytes = b""


def backup_page(body: bytes, request_id: str = "") -> Page[BackupRecord]:
    """Return the typed page of a body of ListBackupRecords, also of one that was cached."""
    try:
        usual = _usual_page(body)
        records = tuple(_usual_record(row) for row in usual.backup_record_response)
        return Page(records, usual.total_num, len(records), request_id, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _Unusual):
        items, total = page_of(body, items="backup_record_response", total="total_num")
    records = tuple(BackupRecord.from_api(item) for item in items if isinstance(item, dict))
    return Page(records, total, len(items), request_id, body)


def instance_page(body: bytes, request_id: str = "") -> Page[Instance]:
    """Return the typed page of a body of ListInstances."""
    items, total = page_of(body, items="instances", total="instance_num")
    records = tuple(Instance.from_api(item) for item in items if isinstance(item, dict))
    return Page(records, total, len(items), request_id, body)


def instance_answer(body: bytes, request_id: str = "") -> Page[Instance]:
    """Return a body of ShowInstance as the only page of a list of one."""
    answer = _object(body)
    if not answer.keys() & {"instance_id", "name"}:
        raise DcsAnswerGarbled("its answer is no instance")
    return Page((Instance.from_api(answer),), None, 1, request_id, body)


def page_of(body: bytes, *, items: str, total: str) -> tuple[list[Any], int | None]:
    """Return the items and the promised total of one page of a list; no body is an empty page.

    An empty list, or none beside a total, is an empty page; anything else that
    has no list is garbled, since an outage must never look like "no backups".
    """
    if not body:
        return [], None
    answer = _object(body)
    if answer and items not in answer and total not in answer:
        raise DcsAnswerGarbled(f"its answer has no {items}")
    found = answer.get(items)
    if not has_value(found):
        found = []
    if not isinstance(found, list):
        raise DcsAnswerGarbled(f"its {items} is not a list")
    return found, whole_number(answer.get(total))


def _object(body: bytes) -> dict[str, Any]:
    answer = decode(body)
    if not isinstance(answer, dict):
        raise DcsAnswerGarbled("its answer is not a JSON object")
    if is_error(answer):
        raise DcsAnswerGarbled("its answer is an error")
    return answer


# Usual rows ------------------------------------------------------------------
# A page whose every row has the types of the reference page is decoded straight into records, in a
# fifth of the time. Any other is read field by field, by `BackupRecord.from_api`, to the same records.

_Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


class _Unusual(Exception):
    """This page has to be read field by field."""


class _UsualRow(msgspec.Struct, gc=False):
    backup_id: str | None = None
    backup_name: str | None = None
    instance_id: str | None = None
    status: str | None = None
    backup_type: str | None = None
    backup_format: str | None = None
    size: _Count | None = None
    created_at: datetime | None = None
    execution_at: datetime | None = None
    updated_at: datetime | None = None
    progress: str | None = None
    is_support_restore: Literal["TRUE", "FALSE"] | None = None
    error_code: str | None = None
    remark: str | None = None
    period: str | None = None


class _UsualPage(msgspec.Struct, gc=False):
    backup_record_response: list[_UsualRow]
    total_num: _Count | None = None
    error: None = None
    error_code: None = None
    error_msg: None = None


_usual_page = msgspec.json.Decoder(_UsualPage).decode


def _usual_record(row: _UsualRow) -> BackupRecord:
    for moment in (row.created_at, row.execution_at, row.updated_at):
        if moment is not None and not (moment.tzinfo is UTC and EARLIEST <= moment < LATEST):
            raise _Unusual
    progress = percent(row.progress) if row.progress else None
    if row.progress and progress is None:
        raise _Unusual
    backup_id, name, remark = row.backup_id or "", row.backup_name or "", row.remark or ""
    error_code = (row.error_code or "").lower()
    return BackupRecord(
        backup_id=backup_id,
        name=name,
        instance_id=intern(row.instance_id or ""),
        status=intern(row.status or ""),
        type=intern(row.backup_type or ""),
        format=intern((row.backup_format or "").lower()),
        size_bytes=row.size,
        created_at=row.created_at,
        execution_at=row.execution_at,
        updated_at=row.updated_at,
        progress_percent=progress,
        restorable=row.is_support_restore and row.is_support_restore == "TRUE",
        error_code=intern(error_code),
        description=remark,
        period=intern(row.period or ""),
        unread=(),
        search_text=f"{name}\n{backup_id}\n{remark}\n{error_code}".casefold(),
    )


# JSON ------------------------------------------------------------------------


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
