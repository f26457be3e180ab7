"""The time zones that a link or a viewer may name, and those of the cloud's regions."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the IANA zones; the others of the list depend on the machine, or are no zones."""
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def known_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone of that name, if there is one."""
    # ZoneInfo(name) reads files by name: only what the list has may be asked for.
    return ZoneInfo(name) if name in zone_names() else None


# By the beginning of a region's name, the longest that fits; the vendor's list of regions and endpoints.
_ZONE_OF_REGION = {
    "cn-": "Asia/Shanghai",
    "ap-southeast-1": "Asia/Hong_Kong",
    "ap-southeast-2": "Asia/Bangkok",
    "ap-southeast-3": "Asia/Singapore",
    "ap-southeast-4": "Asia/Jakarta",
    "ap-southeast-5": "Asia/Manila",
    "my-kualalumpur-": "Asia/Kuala_Lumpur",
    "af-south-": "Africa/Johannesburg",
    "af-north-": "Africa/Cairo",
    "la-north-": "America/Mexico_City",
    "na-mexico-": "America/Mexico_City",
    "la-south-": "America/Santiago",
    "sa-brazil-": "America/Sao_Paulo",
    "sa-argentina-": "America/Argentina/Buenos_Aires",
    "sa-peru-": "America/Lima",
    "sa-chile-": "America/Santiago",
    "tr-west-": "Europe/Istanbul",
    "eu-west-101": "Europe/Dublin",
    "eu-west-0": "Europe/Paris",
    "eu-de": "Europe/Berlin",
    "eu-nl": "Europe/Amsterdam",
    "eu-ch": "Europe/Zurich",
    "me-east-": "Asia/Riyadh",
    "ae-ad-": "Asia/Dubai",
    "ru-": "Europe/Moscow",
}


@lru_cache(maxsize=64)
def zone_of_region(region: str) -> str:
    """Return the IANA zone where a region's people are; "" for a region that is not known."""
    fitting = [start for start in _ZONE_OF_REGION if region.startswith(start)]
    return _ZONE_OF_REGION[max(fitting, key=len)] if fitting else ""
