"""Cached listings: what DCS said of a list, when, and why it is not newer.

A view asks `listing.py`; `reader.py` reads one list at a time, `guard.py` says when DCS must not be asked,
`generations.py` keeps what was read, `store.py` and `leases.py` what all processes share.
"""

from __future__ import annotations

from .clients import client_for, dcs_state
from .generations import DecodedRecords
from .guard import CacheSnapshot, failed, key_hold, refusal
from .listing import (
    MOST_UNKNOWN,
    RUNNING_FRESH_SECONDS,
    Listing,
    NothingToShow,
    TooManyUnknown,
    at_hand,
    backups_and_instance,
    cached_histories,
    cached_instance,
    cached_instances,
    instance_backups,
    is_fresh,
    project_instances,
    received_record,
)
from .metrics import begin as begin_metrics
from .reader import read_side_by_side
from .store import CACHE_ERRORS, COUNTED_SECONDS, count
from .subjects import Subject, Window

__all__ = [
    "CACHE_ERRORS",
    "COUNTED_SECONDS",
    "MOST_UNKNOWN",
    "RUNNING_FRESH_SECONDS",
    "CacheSnapshot",
    "DecodedRecords",
    "Listing",
    "NothingToShow",
    "Subject",
    "TooManyUnknown",
    "Window",
    "at_hand",
    "backups_and_instance",
    "begin_metrics",
    "cached_histories",
    "cached_instance",
    "cached_instances",
    "client_for",
    "count",
    "dcs_state",
    "failed",
    "instance_backups",
    "is_fresh",
    "key_hold",
    "project_instances",
    "read_side_by_side",
    "received_record",
    "refusal",
]
