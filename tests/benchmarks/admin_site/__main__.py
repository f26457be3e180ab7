"""Fills the admin's database with the records and signs somebody in: python -m … RECORDS

Prints the cookie as one line of JSON.
"""

from __future__ import annotations

import json
import sys

import django
from django.core.management import call_command

from backups.dcs.records import BackupRecord
from backups.emulator.fleet import BULK_HISTORY_ID, Fleet


def main() -> None:
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    _fill(int(sys.argv[1]))
    print(json.dumps(_cookie()))


def _fill(count: int) -> None:
    from .models import Backup

    rows = (json.loads(row.text) for row in Fleet(bulk_records=count).backups(BULK_HISTORY_ID))
    Backup.objects.bulk_create(
        Backup(
            backup_id=record.backup_id,
            name=record.name,
            status=record.status,
            type=record.type,
            format=record.format,
            restorable=record.restorable,
            data_from=record.started_at,
            took=record.duration,
            size=record.size_bytes,
            remark=record.description,
            error_code=record.error_code,
        )
        for record in map(BackupRecord.from_api, rows)
    )


def _cookie() -> str:
    from django.conf import settings
    from django.contrib.auth import login
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.session = SessionStore()
    login(request, User.objects.create_superuser("viewer", "viewer@example.com", "only for benchmarks"))
    request.session.save()
    return f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}"


if __name__ == "__main__":
    main()
