"""Times in ISO 8601, which links and programs write: nothing else is read, and nothing is guessed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

YEARS = range(1970, 2201)
# In a query string the + of an offset arrives as a space.
_SPACE_FOR_PLUS = re.compile(r"([T ]\d\d(?::?\d\d){0,2}(?:[.,]\d+)?) (\d\d(?::?\d\d)?)$")
# A fraction stands behind seconds only: `fromisoformat` reads 09.40 as 09:00 and a fraction of an hour.
_EXTENDED = r"\d\d(?::\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?"
_BASIC = r"\d\d(?:\d\d(?:\d\d(?:[.,]\d{1,9})?)?)?"
_ISO = re.compile(
    rf"(?:\d{{4}}-\d\d-\d\d|\d{{4}}-W\d\d(?:-\d)?|\d{{8}}|\d{{4}}W\d\d\d?)"
    rf"(?:[T ](?:{_EXTENDED}|{_BASIC})(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)


def iso_time(text: str, zone: tzinfo) -> datetime | None:
    """Return the instant in UTC, read in `zone` where the text names none; None for what is not ISO 8601."""
    text = _SPACE_FOR_PLUS.sub(r"\1+\2", text.upper())
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def iso_bound(text: str, zone: tzinfo, *, days_after: int) -> datetime | None:
    """Return the instant of a time; of a plain date the midnight that begins it, so many days later."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return iso_time(text, zone)
    return iso_time(str(day + timedelta(days=days_after)), zone) if day.year in YEARS else None
