"""What DCS sends in one answer, as typed records: a page of a list, or one instance."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import msgspec

from .errors import DcsAnswerGarbled, is_error
from .fields import has_value, whole_number
from .records import BackupRecord, Instance
from .rows import Unusual, usual_page


@dataclass(frozen=True)
class RecordPage:
    """One answer of ListBackupRecords. `body` is what DCS sent, `length` the number of its rows."""

    records: tuple[BackupRecord, ...]
    total_num: int | None
    length: int
    request_id: str
    body: bytes


@dataclass(frozen=True)
class InstancePage:
    """One answer of ListInstances."""

    records: tuple[Instance, ...]
    total_num: int | None
    length: int
    request_id: str
    body: bytes


@dataclass(frozen=True)
class InstanceAnswer:
    """The answer of ShowInstance."""

    instance: Instance
    request_id: str
    body: bytes


def backup_page(body: bytes, request_id: str = "") -> RecordPage:
    """Return the typed page of a body of ListBackupRecords, also of one that was cached."""
    try:
        usual, total = usual_page(body)
        return RecordPage(usual, total, len(usual), request_id, body)
    except Unusual:
        items, total = page_of(body, items="backup_record_response", total="total_num")
    records = tuple(BackupRecord.from_api(item) for item in items if isinstance(item, dict))
    return RecordPage(records, total, len(items), request_id, body)


def instance_page(body: bytes, request_id: str = "") -> InstancePage:
    """Return the typed page of a body of ListInstances."""
    items, total = page_of(body, items="instances", total="instance_num")
    records = tuple(Instance.from_api(item) for item in items if isinstance(item, dict))
    return InstancePage(records, total, len(items), request_id, body)


def instance_of(body: bytes) -> Instance:
    """Return the typed instance of a body of ShowInstance."""
    answer = _object(body)
    if not answer.keys() & {"instance_id", "name"}:
        raise DcsAnswerGarbled("its answer is no instance")
    return Instance.from_api(answer)


def instance_answer(body: bytes, request_id: str) -> InstanceAnswer:
    return InstanceAnswer(instance_of(body), request_id, body)


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
