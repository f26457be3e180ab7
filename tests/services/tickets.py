"""Facts for the texts of tickets: a project, an instance, and listings in every condition."""

from datetime import UTC, datetime

from django.http import QueryDict

from backups.dcs.records import Instance
from backups.dcs.signing import Credentials
from backups.forms import HistoryForm
from backups.services.evidence import Life
from backups.services.history.links import frozen_link
from backups.services.history.query import backup_history, records_of
from backups.services.listings import DecodedRecords, Listing
from backups.services.projects import Project
from backups.services.tickets.renderer import About, Style
from backups.services.tickets.texts import backup_ticket, history_ticket

NOW = datetime(2026, 11, 24, 12, 3, 20, tzinfo=UTC)
READ = datetime(2026, 11, 24, 12, 3, 14, tzinfo=UTC)
INSTANCE_ID = "5560df16-cebf-4473-95c4-d1b573c16e79"
PATH = f"/projects/eu-prod/instances/{INSTANCE_ID}/"
PROJECT = Project(
    name="eu-prod",
    region="eu-west-101",
    project_id="0123456789abcdef0123456789abcdef",
    endpoint="https://dcs.example.com",
    credentials=Credentials("AKEXAMPLE0000000000", "SKEXAMPLE"),
)


def an_instance(**fields):
    known = {
        "instance_id": INSTANCE_ID,
        "name": "orders-cache",
        "engine": "Redis",
        "engine_version": "6.0",
        "cache_mode": "ha",
        "capacity": 4,
        "status": "RUNNING",
    }
    return Instance.from_api(known | fields)


def a_listing(*records, **changes):
    whole = {
        "generation": "g",
        "read_at": READ,
        "source": "cache",
        "promised": len(records),
        "moved": False,
        "truncated": False,
        "windowed": False,
        "cut_short": False,
        "request_ids": ("4c1d0001",),
    }
    return Listing(decoded=DecodedRecords(records), **(whole | changes))


def history_text(listing, query="", instance=None, **style):
    """What is copied on the page of a history with this query."""
    asked = QueryDict(query)
    form = HistoryForm(asked)
    assert form.is_valid(), form.problems
    history = backup_history(records_of(listing), form.filter(), now=NOW)
    frozen = frozen_link(PATH, asked, history, now=NOW, read_at=listing.read_at)
    about = About(PROJECT, INSTANCE_ID, instance or an_instance(), frozen.url, Style(**style))
    return history_ticket(about, listing, history, frozen, now=NOW).text


def backup_text(record, listing=None, instance=None, **style):
    """What is copied on the page of one backup."""
    link = f"http://127.0.0.1:8000{PATH}backups/{record.backup_id}/"
    about = About(PROJECT, INSTANCE_ID, instance or an_instance(), link, Style(**style))
    return backup_ticket(about, listing or a_listing(record), Life(record, None), now=NOW).text
