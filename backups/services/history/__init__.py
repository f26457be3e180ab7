"""The backup history of an instance: filters, rows, counts and the links that carry them."""

from __future__ import annotations

from . import instances
from .filters import (
    DEFAULT_PER_PAGE,
    DEFAULT_SORT,
    FILTERS,
    MOST_PER_PAGE,
    NARROWING,
    PARAMETERS,
    PER_PAGE,
    RANGE_WORDS,
    RANGES,
    SORTS,
    Filter,
)
from .instances import InstanceFilter, instance_page
from .links import (
    FrozenLink,
    absolute,
    backup_path,
    backup_url,
    between_url,
    frozen_backup_path,
    frozen_compare_path,
    frozen_link,
    frozen_recovery_path,
    history_url,
    instance_url,
    page_url,
    utc_text,
)
from .query import (
    BackupFilter,
    History,
    all_records_of,
    backup_history,
    neighbours,
    newest_first,
    records_of,
)
from .since import history_since

__all__ = [
    "DEFAULT_PER_PAGE",
    "DEFAULT_SORT",
    "FILTERS",
    "MOST_PER_PAGE",
    "NARROWING",
    "PARAMETERS",
    "PER_PAGE",
    "RANGES",
    "RANGE_WORDS",
    "SORTS",
    "BackupFilter",
    "Filter",
    "FrozenLink",
    "History",
    "InstanceFilter",
    "absolute",
    "all_records_of",
    "backup_history",
    "backup_path",
    "backup_url",
    "between_url",
    "frozen_backup_path",
    "frozen_compare_path",
    "frozen_link",
    "frozen_recovery_path",
    "history_since",
    "history_url",
    "instance_page",
    "instance_url",
    "instances",
    "neighbours",
    "newest_first",
    "page_url",
    "records_of",
    "utc_text",
]
