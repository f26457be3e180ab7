"""The backup history of an instance: filters, rows, counts and the links that carry them."""

from __future__ import annotations

from . import instances
from .frozen_links import FrozenLink, frozen_link
from .index import DEFAULT_SORT, ERROR_CODE, OTHER, RESTORABLE, SORTS
from .instances import InstanceFilter, instance_page, name_of
from .links import (
    absolute,
    backup_path,
    backup_url,
    between_url,
    frozen_recovery_path,
    history_url,
    instance_url,
    utc_text,
)
from .query import (
    DEFAULT_PER_PAGE,
    PARAMETERS,
    PER_PAGE,
    RANGES,
    BackupFilter,
    Facet,
    Facets,
    History,
    backup_history,
    index_of,
    neighbours,
)

__all__ = [
    "DEFAULT_PER_PAGE",
    "DEFAULT_SORT",
    "ERROR_CODE",
    "OTHER",
    "PARAMETERS",
    "PER_PAGE",
    "RANGES",
    "RESTORABLE",
    "SORTS",
    "BackupFilter",
    "Facet",
    "Facets",
    "FrozenLink",
    "History",
    "InstanceFilter",
    "absolute",
    "backup_history",
    "backup_path",
    "backup_url",
    "between_url",
    "frozen_link",
    "frozen_recovery_path",
    "history_url",
    "index_of",
    "instance_page",
    "instance_url",
    "instances",
    "name_of",
    "neighbours",
    "utc_text",
]
