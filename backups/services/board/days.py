"""The last days of an instance in a few letters, as its row keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from ..insights import STATES, Overview, ShortDay

DAYS = 14
_LETTERS = "abcdefghijklmnopqrstuvwxyz"[: len(STATES)]


def days_text(seen: Overview) -> str:
    """Return "2026-11-24:aaaFaaaaaah": the last day, and a letter a day, a capital where one failed too."""
    days = seen.days[-DAYS:]
    letters = (_LETTERS[STATES.index(day.state)] for day in days)
    marks = (one.upper() if day.also_failed else one for one, day in zip(letters, days, strict=True))
    return f"{days[-1].date}:{''.join(marks)}"


def short_days(text: str, now: datetime) -> Sequence[ShortDay]:
    """Return the last days up to now, as far as they are known: those since the last reading are not."""
    today = now.astimezone(UTC).date().toordinal()
    last, _, marks = text.partition(":")
    first = date.fromisoformat(last).toordinal() - len(marks) + 1 if last else 0
    return [
        ShortDay(date.fromordinal(day), *_said(marks[day - first : day - first + 1] if day >= first else ""))
        for day in range(today - DAYS + 1, today + 1)
    ]


def _said(mark: str) -> tuple[str, bool]:
    return (STATES[_LETTERS.index(mark.lower())], mark.isupper()) if mark else ("unknown", False)
