"""Cached listings: what DCS said of a list, when, and why it is not newer.

A view asks `histories.py` or `instances.py`; `listing.py` decides what is fresh, `reader.py` reads a list
once for all, `guard.py` says when DCS must not be asked, `generations.py` keeps what was read, `store.py`
and `leases.py` what all processes share.
"""

from __future__ import annotations

from .clients import client_for, dcs_state
from .generations import DecodedRecords, Generation
from .guard import CacheSnapshot, Notes, failed, key_hold, refusal
from .histories import (
    MOST_UNKNOWN,
    TooManyUnknown,
    backups_and_instance,
    cached_histories,
    instance_backups,
    instance_restores,
    notes_of_histories,
)
from .instances import at_hand, cached_instance, cached_instances, notes_of_instances, project_instances
from .leases import Lease
from .leases import acquire as acquire_lease
from .leases import holder as lease_holder
from .listing import RUNNING_FRESH_SECONDS, Listing, NothingToShow, is_fresh
from .metrics import begin as begin_metrics
from .reader import Clock, Reading, count_for_viewers, read_side_by_side, read_unasked, utc_now
from .recording import Recorded, reading_recorded, row_id
from .removal import Removed, remove_instance, remove_project, remove_remarks
from .rows import LISTED, instances_of, of_projects, record_of, watched_since
from .rows import as_of as records_as_of
from .rows import listed as listed_records
from .rows import unlisted as unlisted_records
from .store import COUNTED_SECONDS, claim, close_connection, count, release_connection
from .store import drop as release_claim
from .subjects import Subject, Window

__all__ = [
    "COUNTED_SECONDS",
    "LISTED",
    "MOST_UNKNOWN",
    "RUNNING_FRESH_SECONDS",
    "CacheSnapshot",
    "Clock",
    "DecodedRecords",
    "Generation",
    "Lease",
    "Listing",
    "Notes",
    "NothingToShow",
    "Reading",
    "Recorded",
    "Removed",
    "Subject",
    "TooManyUnknown",
    "Window",
    "acquire_lease",
    "at_hand",
    "backups_and_instance",
    "begin_metrics",
    "cached_histories",
    "cached_instance",
    "cached_instances",
    "claim",
    "client_for",
    "close_connection",
    "count",
    "count_for_viewers",
    "dcs_state",
    "failed",
    "instance_backups",
    "instance_restores",
    "instances_of",
    "is_fresh",
    "key_hold",
    "lease_holder",
    "listed_records",
    "notes_of_histories",
    "notes_of_instances",
    "of_projects",
    "project_instances",
    "read_side_by_side",
    "read_unasked",
    "reading_recorded",
    "record_of",
    "records_as_of",
    "refusal",
    "release_claim",
    "release_connection",
    "remove_instance",
    "remove_project",
    "remove_remarks",
    "row_id",
    "unlisted_records",
    "utc_now",
    "watched_since",
]
