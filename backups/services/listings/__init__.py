"""Cached listings: what DCS said of a list, when, and why it is not newer.

A view asks `histories.py`; `listing.py` decides what is fresh, `reader.py` reads a list once for all,
`guard.py` says when DCS must not be asked, `recorder.py` writes what was read.
"""

from __future__ import annotations

from .clients import client_for, dcs_state
from .generations import DecodedRecords, Generation
from .guard import CacheSnapshot, failed, key_hold, refusal
from .histories import (
    MOST_UNKNOWN,
    TooManyUnknown,
    at_hand,
    backups_and_instance,
    cached_histories,
    cached_instance,
    cached_instances,
    instance_backups,
    instance_restores,
    notes_of_instances,
    project_instances,
)
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
from .store import COUNTED_SECONDS, claim, count, release_connection
from .store import release as release_claim
from .subjects import Subject, Window
