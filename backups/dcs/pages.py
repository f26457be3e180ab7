"""What DCS sends in one answer, as typed records: a page of a list, or one instance."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from .errors import DcsAnswerGarbled, is_error
from .fields import Count, has_value, whole_number
from .records import BackupRecord, BackupRow, Instance, RestoreRecord


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
    """Return the typed page of a body of ListBackupRecords, also of one that was cached.

    A page whose every row has the types of the reference page is decoded straight
    into rows, in half the time; any other is read field by field, to the same records.
    """
    with suppress(msgspec.DecodeError, ValueError, RecursionError):
        usual = _usual_page(body)
        records = tuple(map(BackupRecord.from_row, usual.backup_record_response))
        return Page(records, usual.total_num, len(records), request_id, body)
    return _any_page(body, request_id)


class _UsualPage(msgspec.Struct, gc=False):
    backup_record_response: list[BackupRow]
    total_num: Count | None = None
    error: None = None
    error_code: None = None
    error_msg: None = None


_usual_page = msgspec.json.Decoder(_UsualPage).decode


def _read_page(
    read: Callable[[dict[str, Any]], Item], items: str, total: str, body: bytes, request_id: str = ""
) -> Page[Item]:
    found, promised = page_of(body, items=items, total=total)
    records = tuple(read(item) for item in found if isinstance(item, dict))
    return Page(records, promised, len(found), request_id, body)


_any_page = partial(_read_page, BackupRecord.from_api, "backup_record_response", "total_num")
instance_page = partial(_read_page, Instance.from_api, "instances", "instance_num")
restore_page = partial(_read_page, RestoreRecord.from_api, "restore_record_response", "total_num")


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
    found = answer.get(items) if has_value(answer.get(items)) else []
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


# JSON ------------------------------------------------------------------------


def decode(body: bytes) -> Any:
    """Return the JSON value of a body. Raises DcsAnswerGarbled where it is none.

    msgspec is fast but refuses lone surrogates, NaN and a BOM; such a page is
    decoded again by the standard library, so that one odd field loses nothing.
    """
    try:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            return msgspec.json.decode(body)
        return _decode_leniently(body)
    except RecursionError:
        raise DcsAnswerGarbled("its answer is nested too deeply") from None
    except ValueError:
        raise DcsAnswerGarbled("its answer is not JSON") from None


def _decode_leniently(body: bytes) -> Any:
    text = body.decode("utf-8-sig", "replace")
    value = json.loads(text, strict=False, parse_constant=_finite, parse_int=_whole, parse_float=_finite)
    if "\\u" in text:
        # Pairs what belongs together and replaces what is alone.
        whole = json.dumps(value, ensure_ascii=False)
        value = json.loads(whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value


def _whole(text: str) -> int | None:
    return int(text) if len(text) < 400 else None


def _finite(text: str) -> float | None:
    """Return a number; NaN, the infinities and what is as large are no values."""
    number = float(text)
    return number if math.isfinite(number) else None


# As sent ---------------------------------------------------------------------


class _RawPage(msgspec.Struct, gc=False):
    backup_record_response: list[msgspec.Raw] = []


_raw_page = msgspec.json.Decoder(_RawPage).decode


def raw_backups(page: Page[BackupRecord]) -> list[tuple[BackupRecord, bytes]]:
    """Return the records of a page, each with its JSON as DCS sent it."""
    if not page.records:
        return []
    try:
        rows = [bytes(row) for row in _raw_page(page.body).backup_record_response]
        rows = [row for row in rows if row.startswith(b"{")]
    except (msgspec.DecodeError, UnicodeDecodeError):
        items, _ = page_of(page.body, items="backup_record_response", total="total_num")
        rows = [json.dumps(item).encode() for item in items if isinstance(item, dict)]
    return list(zip(page.records, rows, strict=True))


def without_remark(sent: bytes) -> bytes:
    """Return a record's JSON without its remark; all else stays as DCS sent it."""
    try:
        fields = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = decode(sent)
    kept = {name: value for name, value in fields.items() if name != "remark"}
    return sent if len(kept) == len(fields) else msgspec.json.encode(kept)


def backups_of_raw(rows: Iterable[bytes]) -> tuple[BackupRecord, ...]:
    """Return the records of JSON objects that `raw_backups` told apart."""
    return backup_page(b'{"backup_record_response":[' + b",".join(rows) + b"]}").records
