"""One field of DCS's JSON: its value, whatever type it came in.

null, `{}`, `""` and a missing key all mean "no value"; the readers return None
for it, and for what cannot be read.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

# The reference calls its numbers Long.
LARGEST = 2**63 - 1
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)


def has_value(value: Any) -> bool:
    """`{ }` in the reference page is how the documentation prints null."""
    return value is not None and value != "" and value != {} and value != []


def text_of(value: Any) -> str:
    """Return a value as text, "" where there is none."""
    if isinstance(value, str):
        return value
    return as_text(value) if has_value(value) else ""


def as_text(value: Any) -> str:
    """Return any JSON value as a person may read it."""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "…"  # it was just shallow enough to be decoded


def object_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def whole_number(value: Any) -> int | None:
    number = value if type(value) is int else -1
    if isinstance(value, str) and re.fullmatch(r" *[0-9]{1,19} *", value):
        number = int(value)
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    return number if 0 <= number <= LARGEST else None


def percent(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= 100 else None


def yes_or_no(value: Any) -> bool | None:
    if isinstance(value, (str, bool)) and str(value).upper() in ("TRUE", "FALSE"):
        return str(value).upper() == "TRUE"
    return None


def time_of(value: Any) -> datetime | None:
    """Read `2019-05-10T08:31:16.166Z`, or `2019-05-10 08:31:16`, which one source gives, as UTC."""
    try:
        moment = _moment(value.strip() if isinstance(value, str) else "")
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A zero time of the service is no time, and no zone may carry one past the calendar's end.
    return moment if EARLIEST <= moment < LATEST else None


def _moment(text: str) -> datetime:
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        # It insists on a colon in the zone.
        if len(text) < 19 or text[4] != "-" or text[10] not in "T ":
            raise ValueError from None
        return datetime.fromisoformat(text)


def capacity(raw: dict[str, Any]) -> float | None:
    """GB. Tiny instances have 0 in capacity, and the rest in capacity_minor (".125")."""
    for name in ("capacity", "capacity_minor"):
        value = raw.get(name)
        try:
            number = float(value) if isinstance(value, (str, int, float)) else 0.0
        except (ValueError, OverflowError):
            continue
        if 0 < number < math.inf:
            return number
    return None


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str) -> timedelta | None:
    """Return the span of "6h", "1d 12h", "90m" or "3600" (seconds); None for anything else, and for 0."""
    text = text.strip().lower()
    if text.isascii() and text.isdigit():
        text = f"{text}s"
    if not re.fullmatch(r"(?:[0-9]{1,9} *[smhdw] *)+", text):
        return None
    parts = re.findall(r"([0-9]+) *([smhdw])", text)
    span = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    return span if timedelta() < span <= timedelta(days=366) else None
