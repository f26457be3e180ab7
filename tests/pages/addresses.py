"""Addresses of the pages that many tests open."""

from backups.emulator.fleet import REFERENCE_BACKUP_ID
from tests.services.api_records import raw

from .conftest import ORDERS

REFERENCE = f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"
POINT = f"{ORDERS}recovery-point/"


def id_of(number):
    """The backup_id of `raw(number)`."""
    return raw(number)["backup_id"]


def page_of(number):
    return f"{ORDERS}backups/{id_of(number)}/"
