"""Addresses of the pages that many tests open."""

from backups.emulator.fleet import BULK_HISTORY_ID, REFERENCE_BACKUP_ID, Fleet
from tests.services.api_records import raw

from .conftest import ORDERS, history_of

BULK = history_of(BULK_HISTORY_ID)
REFERENCE = f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"
POINT = f"{ORDERS}recovery-point/"


def history_named(name, project="eu-prod"):
    return history_of(Fleet().named(name, project).instance_id, project)


def id_of(number):
    """The backup_id of `raw(number)`."""
    return raw(number)["backup_id"]


def page_of(number):
    return f"{ORDERS}backups/{id_of(number)}/"
