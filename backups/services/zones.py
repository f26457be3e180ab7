"""The time zones that a link or a viewer may name."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import available_timezones


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the IANA zones; the others of the list depend on the machine, or are no zones."""
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}
