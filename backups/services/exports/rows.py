"""One backup for other programs: stable codes and UTC times; what has no value is null.

An export may hold 10,000 of them, so each is made by one straight line of code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..history import absolute, backup_path, history_url, utc_text
from ..projects import Project
from ..words import error_meaning_in_english


class ExportedBackup(msgspec.Struct):
    """Times are ISO 8601 with Z; `restore_reasons` are the codes of `eligibility`."""

    backup_id: str | None
    name: str | None
    status: str | None
    type: str | None
    format: str | None
    size_bytes: int | None
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_seconds: float | None
    progress_percent: float | None
    restorable: bool | None
    usable: bool
    restore_reasons: tuple[str, ...]
    error_code: str | None
    error_meaning: str | None
    description: str | None
    period: str | None
    url: str | None


FIELDS = ExportedBackup.__struct_fields__


def exported_backups(
    project: Project, instance_id: str, records: Iterable[BackupRecord]
) -> Iterator[ExportedBackup]:
    """Yield the records of an instance in their order."""
    history = absolute(history_url(project, instance_id))
    for record in records:
        path = backup_path(record)
        yield _exported(record, f"{history}{path}" if path else None)


def _exported(record: BackupRecord, url: str | None) -> ExportedBackup:
    verdict, duration = eligibility(record), record.duration
    return ExportedBackup(
        record.backup_id or None,
        record.name or None,
        record.status or None,
        record.type or None,
        record.format or None,
        record.size_bytes,
        utc_text(record.created_at),
        utc_text(record.started_at),
        utc_text(record.finished_at),
        duration.total_seconds() if duration is not None else None,
        record.progress_percent,
        record.restorable,
        verdict.usable,
        verdict.reasons,
        record.error_code or None,
        error_meaning_in_english(record.error_code) if record.error_code else None,
        record.description or None,
        record.period or None,
        url,
    )
