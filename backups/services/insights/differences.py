"""Two backups side by side: what is said of each, and by how much they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..words import duration, signed, size_difference, times

# In the order in which a page names them. A value that is None or "" is none.
_FIELDS: dict[str, Callable[[BackupRecord], Any]] = {
    "started": lambda record: record.started_at,
    "restorable": eligibility,
    "status": lambda record: record.status,
    "error": lambda record: record.error_code,
    "listed": lambda record: record.presence,
    "finished": lambda record: record.finished_at,
    "changed": lambda record: None if record.finished_at else record.updated_at,
    "took": lambda record: record.duration,
    "size": lambda record: record.size_bytes,
    "type": lambda record: record.type,
    "period": lambda record: record.period,
    "format": lambda record: record.format,
    "remark": lambda record: record.description,
}


class Compared(NamedTuple):
    """One field of two backups."""

    field: str
    first: Any
    second: Any

    @property
    def differs(self) -> bool:
        return bool(self.first != self.second)

    @property
    def by(self) -> str:
        """Return by how much the second has more, such as "1 d later"; "" where that is no amount."""
        if not self.differs or None in (self.first, self.second):
            return ""
        if self.field == "size":
            return size_difference(self.first, self.second)
        if isinstance(self.first, timedelta):
            return signed(duration(abs(self.second - self.first)), self.second > self.first)
        if isinstance(self.first, datetime):
            said = gettext("%(span)s later") if self.second > self.first else gettext("%(span)s earlier")
            return said % {"span": times.span(abs(self.second - self.first))}
        return ""


def compared(first: BackupRecord, second: BackupRecord, *, kept: tuple[str, str]) -> Sequence[Compared]:
    """Return the fields that one of two backups has a value of, those that differ first.

    `kept` says of each how long its file is likely to be kept.
    """
    pairs = [Compared(name, value_of(first), value_of(second)) for name, value_of in _FIELDS.items()]
    pairs.append(Compared("kept", *kept))
    said = [one for one in pairs if {one.first, one.second} - {None, ""}]
    return sorted(said, key=lambda one: not one.differs)
