"""How long a backup's file is likely to be kept: estimates from two rules of DCS.

Automatic backups are kept for the days of the policy, at least one of them.
Of all files of an instance the newest 24 are kept: the 25th removes the
earliest. Nothing is estimated from what is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext, ngettext, pgettext

from ...dcs.records import BackupRecord
from ..words import Clock
from .timeline import KnownHistory

MOST_FILES = 24


@dataclass(frozen=True)
class Outlook:
    """`until` and `keep_days` are the policy's, None where it says nothing of this backup.

    `last_automatic`: no newer automatic file is there, so that DCS keeps this
    one at least. `place` counts this file from the newest, which is 1, and
    `newer_to_push_out` the newer ones that would make it the 25th.
    """

    until: datetime | None = None
    keep_days: int | None = None
    overdue: bool = False
    last_automatic: bool = False
    by_hand: bool = False
    place: int | None = None

    @property
    def newer_to_push_out(self) -> int | None:
        return MOST_FILES + 1 - self.place if self.place else None

    def goes_soon(self, now: datetime) -> bool:
        """Whether the file may go within a day, or with the next backup."""
        if self.newer_to_push_out == 1:
            return True
        return self.until is not None and not self.last_automatic and self.until - now < timedelta(days=1)


def outlook(record: BackupRecord, known: KnownHistory) -> Outlook | None:
    """Return what is likely of a backup that still has its file; None where nothing can be said."""
    started = record.started_at
    if started is None or record.status != "succeed" or record.presence != "listed":
        return None
    # Of a history that is read by window, `known` is the newest part.
    if record.key not in known.timeline.places:
        return None
    place = _place(record, known)
    if record.type == "manual":
        return Outlook(by_hand=True, place=place)
    keep_days = known.plan.keep_days
    if record.type != "auto" or not keep_days:
        return Outlook(place=place) if place else None
    until = started + timedelta(days=keep_days)
    files = known.timeline.files
    last = next((file.record for file in reversed(files) if file.record.type == "auto"), None)
    return Outlook(
        until=until,
        keep_days=keep_days,
        overdue=until <= known.now,
        last_automatic=known.whole and last is not None and last.key == record.key,
        place=place,
    )


def _place(record: BackupRecord, known: KnownHistory) -> int | None:
    """Where more files are listed, or some records without a place in time, the limit tells nothing."""
    places = known.timeline.places
    if not known.whole or known.timeline.undated or len(places) > MOST_FILES:
        return None
    return places[record.key]


# In words ---------------------------------------------------------------------


def outlook_text(found: Outlook | None, clock: Clock) -> str:
    """Return in one line how long a file is likely to be kept, "" where nothing is estimated."""
    if found is None:
        return ""
    said = _until(found, clock)
    if found.place and found.newer_to_push_out:
        pushed = ngettext(
            "file %(place)d of at most 24: deleted after %(n)d more backup",
            "file %(place)d of at most 24: deleted after %(n)d more backups",
            found.newer_to_push_out,
        )
        pushed %= {"place": found.place, "n": found.newer_to_push_out}
        said = pgettext("between reasons", "; ").join((said, pushed)) if said else pushed
    return gettext("Estimate: %(outlook)s") % {"outlook": said} if said else ""


def _until(found: Outlook, clock: Clock) -> str:
    if found.by_hand:
        return gettext("kept until deleted by hand")
    if found.until is None or found.keep_days is None:
        return ""
    if found.overdue:
        n = found.keep_days
        return ngettext("kept beyond its %(n)d day", "kept beyond its %(n)d days", n) % {"n": n}
    kept = gettext("kept until about %(time)s (%(n)d-day retention)")
    return kept % {"time": clock.about(found.until), "n": found.keep_days}
