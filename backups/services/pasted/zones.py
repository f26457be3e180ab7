"""Time zones as people write them, by themselves or in a time: `Shanghai`, `UTC+8`, `CET`, `北京时间`."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from ..words import zone_names
from .query import without_marks
from .transport import plain
from .written_time import UnreadableTime

# Hours ahead of UTC of the abbreviations that mean one zone everywhere.
_CERTAIN_ABBREVIATIONS: dict[str, float] = {
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SGT": 8, "HKT": 8, "AWST": 8,
    "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
# Of those that mean several, what they mean most often.
_SEVERAL_ZONES: dict[str, tuple[float, ...]] = {
    "CST": (8, -6), "IST": (5.5, 2, 1), "BST": (1, 6), "EST": (-5, 10), "EDT": (-4, 11), "CDT": (-5, -4),
    "MST": (-7, 8), "MDT": (-6,), "PST": (-8, 8), "PDT": (-7,),
}  # fmt: skip
MOST_GUESSES = 4
_IANA_OF_ABBREVIATION = {
    "WEST": "WET", "CEST": "CET", "EEST": "EET", "MSK": "Europe/Moscow", "SGT": "Asia/Singapore",
    "HKT": "Asia/Hong_Kong", "JST": "Asia/Tokyo", "KST": "Asia/Seoul",
}  # fmt: skip
_TIME = re.compile("(?:标准)?时间$| time$", re.IGNORECASE)
_OFFSET = re.compile(r"(?:UTC|GMT) ?([+-]) ?(\d{1,2})(?::?00)?", re.IGNORECASE)
_CHINESE_NAMES = {
    "北京": "Asia/Shanghai", "上海": "Asia/Shanghai", "中国": "Asia/Shanghai", "香港": "Asia/Hong_Kong",
    "台北": "Asia/Taipei", "新加坡": "Asia/Singapore", "东京": "Asia/Tokyo", "曼谷": "Asia/Bangkok",
    "伦敦": "Europe/London", "纽约": "America/New_York", "世界": "UTC",
}  # fmt: skip
_OTHER_NAMES = _CHINESE_NAMES | dict.fromkeys(
    ("beijing", "china", "china_standard", "prc", "shenzhen", "guangzhou"), "Asia/Shanghai"
)
_AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def typed_zone(text: str) -> str:
    """Return the IANA zone that is meant; "" where none is, or several may be."""
    text = without_marks(" ".join(plain(text).split()))
    if name := _iana_zone(text.replace(" ", "_")):
        return name
    if text.upper() in ("Z", "UTC", "GMT"):
        return "UTC"
    if found := _OFFSET.fullmatch(text):
        # The names of this family count the other way round.
        name = f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}" if int(found[2]) else "UTC"
        return name if name in zone_names() else ""
    return _IANA_OF_ABBREVIATION.get(text.upper()) or _zone_of_city(_TIME.sub("", text))


def zone_guesses(text: str) -> list[str]:
    """Return the IANA zones that a text looks like, the likeliest first."""
    known: dict[str, str] = {}
    for name in sorted(zone_names()):
        for part in (name, name.rpartition("/")[2]):
            known.setdefault(part.casefold(), name)
    wanted = without_marks(plain(text)).strip().casefold().replace(" ", "_")
    found = get_close_matches(wanted[:60], known, n=MOST_GUESSES, cutoff=0.6)
    return list(dict.fromkeys(known[one] for one in found))


def _iana_zone(text: str) -> str:
    """Return the IANA zone of this name, whatever its capitals; "" where there is none."""
    return next((name for name in zone_names() if name.casefold() == text.casefold()), "")


def _zone_of_city(name: str) -> str:
    """Return the IANA zone that is named after a city; "" where none is, or several are."""
    name = name.casefold().strip().replace(" ", "_")
    return _OTHER_NAMES.get(name) or _cities().get(name, "")


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name in zone_names():
        area, mark, city = name.rpartition("/")
        if mark and area.split("/")[0] in _AREAS:
            found.setdefault(city.casefold(), []).append(name)
    return {city: names[0] for city, names in found.items() if len(names) == 1}


# The zone of a time ------------------------------------------------------------------

_SIGNED_OFFSET = r"([+-]) ?(\d{1,2})(?::?([0-5]\d))?"
# An offset stands after a time of day only.
_WITH_OFFSET = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(.*(?:\d:\d\d(?::\d\d(?:[.,]\d+)?)?|[ap]m)) ?{_SIGNED_OFFSET}",
        rf"(.*?)(?:(?<=\d)| )\(?(?:Z|UTC|GMT)(?: ?{_SIGNED_OFFSET})?\)?",
        rf"(.*[T ]\d{{1,2}}[.,]\d\d(?:[.,]\d\d(?:[.,]\d+)?)?) ?{_SIGNED_OFFSET}",
    )
]
_NAMED = re.compile(r"(.*?) ?[\[(]?\b([A-Za-z][A-Za-z_-]*/[A-Za-z0-9_+/-]+)[\])]?")
_CHINESE = re.compile(rf"({'|'.join(_CHINESE_NAMES)})(?:标准)?时间")
_ABBREVIATED = re.compile(
    rf"(.*\d[ap. m]*)\(?\b({'|'.join((*_CERTAIN_ABBREVIATIONS, *_SEVERAL_ZONES))})\b\)?", re.IGNORECASE
)
# "2026-11-23 09:40 Shanghai time": a city behind a time of day.
_CITY = re.compile(r"(.*\d[ap. m]*),? \(?([A-Za-z][A-Za-z .'_-]{2,40}?)(?: time)?\)?", re.IGNORECASE)


def without_chinese_zone(text: str) -> tuple[str, list[tzinfo]]:
    """Return a text without a zone such as 北京时间, which may stand anywhere in it, and that zone."""
    found = _CHINESE.search(text)
    if not found:
        return text, []
    return _CHINESE.sub(" ", text).strip(" :,()"), [ZoneInfo(_CHINESE_NAMES[found[1]])]


def without_zone(text: str) -> tuple[str, list[tzinfo], str]:
    """Return a text without its zone, what zones that may be, and the abbreviation if it can mean several."""
    named: list[tzinfo] = []
    if found := _NAMED.fullmatch(text):
        text, name = found[1], _iana_zone(found[2])
        if not name:
            raise UnreadableTime(_("it names a zone that is not an IANA time zone such as Asia/Shanghai"))
        named = [ZoneInfo(name)]
    # 2026-11-23T09:40+08:00[Asia/Shanghai]: the offset tells the instant.
    for pattern in _WITH_OFFSET:
        if found := pattern.fullmatch(text):
            return found[1], [_fixed(*found.groups()[1:])], ""
    if found := _ABBREVIATED.fullmatch(text):
        name = found[2].upper()
        hours = _SEVERAL_ZONES.get(name) or [_CERTAIN_ABBREVIATIONS[name]]
        zones = [timezone(timedelta(hours=one)) for one in hours]
        return found[1].rstrip(), [*zones], name if name in _SEVERAL_ZONES else ""
    if not named and (found := _CITY.fullmatch(text)) and (city := _zone_of_city(found[2])):
        return found[1], [ZoneInfo(city)], ""
    return text, named, ""


def _fixed(sign: str | None, hours: str | None, minutes: str | None) -> tzinfo:
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset > timedelta(hours=14):
        raise UnreadableTime(_("its offset is larger than that of any time zone"))
    return timezone(-offset if sign == "-" else offset) if offset else UTC
