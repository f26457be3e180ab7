"""A time zone as people type it: `Shanghai`, `UTC+8`, `CET`, `北京时间`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from ..words import zone_names
from .query import without_marks
from .transport import plain

# Hours ahead of UTC of the abbreviations that mean one zone everywhere.
CERTAIN_ABBREVIATIONS: dict[str, float] = {
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SGT": 8, "HKT": 8, "AWST": 8,
    "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
# Of those that mean several, what they mean most often.
SEVERAL_ZONES: dict[str, tuple[float, ...]] = {
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
CHINESE_NAMES = {
    "北京": "Asia/Shanghai", "上海": "Asia/Shanghai", "中国": "Asia/Shanghai", "香港": "Asia/Hong_Kong",
    "台北": "Asia/Taipei", "新加坡": "Asia/Singapore", "东京": "Asia/Tokyo", "曼谷": "Asia/Bangkok",
    "伦敦": "Europe/London", "纽约": "America/New_York", "世界": "UTC",
}  # fmt: skip
_OTHER_NAMES = CHINESE_NAMES | dict.fromkeys(
    ("beijing", "china", "china_standard", "prc", "shenzhen", "guangzhou"), "Asia/Shanghai"
)
_AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def typed_zone(text: str) -> str:
    """Return the IANA zone that is meant; "" where none is, or several may be."""
    text = without_marks(" ".join(plain(text).split()))
    if name := iana_zone(text.replace(" ", "_")):
        return name
    if text.upper() in ("Z", "UTC", "GMT"):
        return "UTC"
    if found := _OFFSET.fullmatch(text):
        # The names of this family count the other way round.
        name = f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}" if int(found[2]) else "UTC"
        return name if name in zone_names() else ""
    return _IANA_OF_ABBREVIATION.get(text.upper()) or zone_of_city(_TIME.sub("", text))


def zone_guesses(text: str) -> list[str]:
    """Return the IANA zones that a text looks like, the likeliest first."""
    known: dict[str, str] = {}
    for name in sorted(zone_names()):
        for part in (name, name.rpartition("/")[2]):
            known.setdefault(part.casefold(), name)
    wanted = without_marks(plain(text)).strip().casefold().replace(" ", "_")
    found = get_close_matches(wanted[:60], known, n=MOST_GUESSES, cutoff=0.6)
    return list(dict.fromkeys(known[one] for one in found))


def iana_zone(text: str) -> str:
    """Return the IANA zone of this name, whatever its capitals; "" where there is none."""
    return next((name for name in zone_names() if name.casefold() == text.casefold()), "")


def zone_of_city(name: str) -> str:
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
