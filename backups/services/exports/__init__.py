"""A history for other programs: JSON and CSV."""

from __future__ import annotations

from .csv import csv_chunks, csv_headers, csv_table
from .export import Export, exported_history, refused_query, too_many_unknown
