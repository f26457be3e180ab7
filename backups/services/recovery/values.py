"""How a recovery point is said in words, for pages and for tickets: what is lost, and why a backup is not it.

Codes go in, words of the language that is active come out, as plain text.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from django.utils.translation import gettext, ngettext

from ..words import codes, instance_status_word, zone_label
from .blocks import Block


def at_most(lost: timedelta) -> str:
    """Return "3 h 41 min", rounded up: from two days on to whole hours."""
    minutes = -(-lost // timedelta(minutes=1))
    if minutes < 60:
        return gettext("%(min)d min") % {"min": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return (gettext("%(h)d h %(min)d min") if rest else gettext("%(h)d h")) % {"h": hours, "min": rest}
    days, hours = divmod(-(-minutes // 60), 24)
    return (gettext("%(d)d d %(h)d h") if hours else gettext("%(d)d d")) % {"d": days, "h": hours}


def minutes(lost: timedelta) -> str:
    count = -(-lost // timedelta(minutes=1))
    return ngettext("%(n)s minute", "%(n)s minutes", count) % {"n": f"{count:,}"}


def block_sentence(block: Block) -> str:
    detail = instance_status_word(block.detail) if block.code in ("busy", "not_running") else block.detail
    return str(codes.BLOCK_WORDS[block.code]) % {"detail": detail}


def zone_of(zone: tzinfo, at: datetime) -> str:
    """Return the name of a zone, else its offset: "Europe/Berlin", "UTC+5:30"."""
    return getattr(zone, "key", "") or zone_label(at.astimezone(zone))
