"""A time that stands somewhere in a sentence."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from .asked_time import AskedTime, asked_time
from .written_time import UnreadableTime

# What is looked at: the words around the first few that look like a time.
MOST_STARTS = 3
MOST_WORDS = 6
_LOOKS_LIKE_A_TIME = re.compile(
    r"(?<![\d.])\d{1,2}[:.]\d\d(?!\d)|\d{1,2}[点时]|\d{4}-\d\d-\d\d|\d(?:am|pm)\b|\bago\b|\d\D*前"
    r"|(?<!\d)1\d{9}(?!\d)",
    re.IGNORECASE,
)
# Chinese has no spaces between words: what is not of a time parts them, too.
_OTHER_CHINESE = re.compile(
    "[\u2e80-\u303f\u3400-\u9fff\uff00-\uffef](?<![年月日号点时分秒半周星期礼拜一二三四五六天上下中午早晚凌晨昨今前小个钟北京间])"
)
# In a sentence it counts something: only in a link has an offset lost its sign.
_ENDS_WITH_A_NUMBER = re.compile(r"(?:\d:\d\d|[ap]m) \d\d(?::\d\d)?$", re.IGNORECASE)
_BETWEEN = {"on", "at", "around", "about", "from", "since", "before", "after", "the", "of", "in"}


def time_in(text: str, *, zone: tzinfo, now: datetime) -> AskedTime | None:
    """Return the time that the text tells, read in `zone` where it names none.

    A time of day by itself is not taken for one: None.
    """
    words = [word for word in _OTHER_CHINESE.sub(" ", text).split()[:2000] if word.lower() not in _BETWEEN]
    starts = [place for place, word in enumerate(words) if _LOOKS_LIKE_A_TIME.search(word)][:MOST_STARTS]
    for start in starts:
        for size in range(MOST_WORDS, 0, -1):
            for first in range(max(0, start - size + 1), start + 1):
                if found := _read(words[first : first + size], zone, now):
                    return found
    return None


def _read(words: list[str], zone: tzinfo, now: datetime) -> AskedTime | None:
    text = " ".join(words)
    if _ENDS_WITH_A_NUMBER.search(text):
        return None
    if len(text) > 60 or (len(words) == 1 and "-" not in text and "年" not in text):
        return None
    try:
        return asked_time(text, zone=zone, now=now)
    except UnreadableTime:
        return None
