"""Lets the portal read a list at a time of the past, as if it had watched it then."""

import json

from backups.dcs.pages import backup_page
from backups.dcs.walk import Walk
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.services.listings import Subject, client_for, recorder
from backups.services.projects import configured_projects


def walk_of(rows, *, moved=False):
    """What a walk finds that reads these rows in one page."""
    page = backup_page(json.dumps({"backup_record_response": rows, "total_num": len(rows)}).encode())
    return Walk((page,), page.records, len(rows), moved, False)


def read_at(emulator, records, at, instance_id=ORDERS_CACHE_ID):
    """Read these records of an instance, and keep them as any reading."""
    emulator.set_records(instance_id, records)
    project = configured_projects()["eu-prod"]
    subject = Subject("backups", project, instance_id)
    walk = subject.read(client_for(project), on_page=lambda page: None)
    recorder.record(subject, walk, read_at=at)
