"""Cached listings: what DCS said of a list, when, and why it is not newer.

A view asks `listing.py`; `store.py` keeps generations, `reader.py` reads one at a time, `guard.py` says when
DCS must not be asked.
"""

from __future__ import annotations

from . import guard, metrics, shared_cache, waiting_room
from .background import background_thread
from .calls import dcs_state, dcs_was_asked
from .clients import client_for
from .counts import WINDOW_SECONDS, counts
from .listing import (
    MOST_UNKNOWN,
    RUNNING_FRESH_SECONDS,
    Listing,
    NothingToShow,
    TooManyUnknown,
    at_hand,
    backups_and_instance,
    cached_instance,
    cached_instances,
    instance_backups,
    is_fresh,
    project_instances,
    received_record,
    shown_instance,
)
from .reader import readings
from .shared_cache import CACHE_ERRORS, is_busy
from .snapshot import Look, look_at
from .store import Kept
from .subjects import Subject, Window

__all__ = [
    "CACHE_ERRORS",
    "MOST_UNKNOWN",
    "RUNNING_FRESH_SECONDS",
    "WINDOW_SECONDS",
    "Kept",
    "Listing",
    "Look",
    "NothingToShow",
    "Subject",
    "TooManyUnknown",
    "Window",
    "at_hand",
    "background_thread",
    "backups_and_instance",
    "cached_instance",
    "cached_instances",
    "client_for",
    "counts",
    "dcs_state",
    "dcs_was_asked",
    "guard",
    "instance_backups",
    "is_busy",
    "is_fresh",
    "look_at",
    "metrics",
    "project_instances",
    "readings",
    "received_record",
    "shared_cache",
    "shown_instance",
    "waiting_room",
]
