"""The backup history of an instance: filters, rows, counts and the links that carry them."""

from __future__ import annotations

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
)
from .links import (
    FrozenLink,
    absolute,
    backup_path,
    backup_url,
    between_url,
    frozen,
    frozen_link,
    frozen_recovery_path,
    frozen_url,
    history_since,
    history_url,
    in_zone,
    instance_url,
    page_url,
    records_now,
    seen_text,
    utc_text,
)
from .query import (
    BackupFilter,
    Facet,
    FacetGroup,
    History,
    PageAsked,
    Paged,
    all_records_of,
    backup_history,
    neighbours,
    newest_first,
    records_of,
)
