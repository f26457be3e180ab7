"""A time that stands somewhere in a sentence."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from .asked_time import AskedTime, UnreadableTime, asked_time

# What is looked at: the words around the first few that look like a time.
MOST_STARTS = 3
MOST_WORDS = 6
_LOOKS_LIKE_A_TIME = re.compile(
    r"(?<!\d)\d{1,2}[:.]\d\d(?!\d)|\d{1,2}[点时]|\d{4}-\d\d-\d\d|\d(?:am|pm)\b", re.IGNORECASE
)
_BETWEEN = {"on", "at", "around", "about", "from", "since", "before", "after", "the", "of", "in"}


def time_in(text: str, *, zone: tzinfo, now: datetime) -> AskedTime | None:
    """Return the time that the text tells, read in `zone` where it names none.

    A time of day by itself is not taken for one: None.
    """
    words = [word for word in text.split()[:2000] if word.lower() not in _BETWEEN]
    starts = [place for place, word in enumerate(words) if _LOOKS_LIKE_A_TIME.search(word)][:MOST_STARTS]
    for start in starts:
        for size in range(MOST_WORDS, 0, -1):
            for first in range(max(0, start - size + 1), start + 1):
                if found := _read(words[first : first + size], zone, now):
                    return found
    return None


def _read(words: list[str], zone: tzinfo, now: datetime) -> AskedTime | None:
    """Read the words, also where the time of day stands before the day."""
    for turn in range(len(words)):
        text = " ".join((*words[turn:], *words[:turn]))
        if len(text) > 60 or (len(words) == 1 and "-" not in text and "年" not in text):
            continue
        try:
            return asked_time(text, zone=zone, now=now)
        except UnreadableTime:
            continue
    return None
