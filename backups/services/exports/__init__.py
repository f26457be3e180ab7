"""A history for other programs: JSON and CSV."""

from __future__ import annotations

from .csv import csv_chunks, csv_headers
from .export import Export, export_too_often, exported_history, file_name, refused_link, refused_query

__all__ = [
    "Export",
    "csv_chunks",
    "csv_headers",
    "export_too_often",
    "exported_history",
    "file_name",
    "refused_link",
    "refused_query",
]
