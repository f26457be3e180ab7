"""What the tests of the services share: a project, an instance, and time that passes on request."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from backups.dcs.client import DcsClient
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID
from backups.services import listings
from backups.services.listings import NothingToShow, clients, reader
from backups.services.projects import configured_projects

ORDERS = ORDERS_CACHE_ID


@pytest.fixture
def eu(portal, monkeypatch):
    """The project eu-prod, of a patient portal whose client tries each call once.

    So a failure comes at once, and nothing else fails, however busy the machine is.
    """
    portal.DCS_READ_BUDGET = portal.DCS_READ_TIMEOUT = 60
    with_pauses(monkeypatch, ())
    return configured_projects()["eu-prod"]


def with_pauses(monkeypatch, pauses):
    """Let clients of DCS wait so long before each repetition of a call, and make as many."""
    monkeypatch.setitem(DcsClient.__init__.__kwdefaults__, "pauses", pauses)
    clients._client.cache_clear()


@pytest.fixture
def instances(emulator):
    """Some ordinary instances of the project."""
    found = [instance.instance_id for instance in emulator.fleet.instances(emulator.fleet.primary)]
    return [instance_id for instance_id in found if instance_id not in (ORDERS, BULK_HISTORY_ID)]


def later(seconds=0):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def read(project, instance_id=ORDERS, *, after=0, **options):
    """What a viewer gets who comes that many seconds from now."""
    return listings.instance_backups(project, instance_id, now=later(after), **options)


def problem_of(project, instance_id=ORDERS, *, after=0, **options):
    """The reason why a viewer gets nothing."""
    with pytest.raises(NothingToShow) as nothing:
        read(project, instance_id, after=after, **options)
    return nothing.value.problem


def walks(emulator, instance_id=ORDERS):
    """How many walks of an instance's list began."""
    calls = [call for call in emulator.calls if call.path.endswith(f"{instance_id}/backups")]
    return sum(parse_qs(call.query)["offset"] == ["0"] for call in calls)


def at_once(count, view):
    """What that many viewers get who come at the same moment."""
    together = Barrier(count)

    def viewer(_):
        together.wait()
        try:
            return view()
        except NothingToShow as nothing:
            return nothing.problem

    with ThreadPoolExecutor(count) as viewers:
        return list(viewers.map(viewer, range(count)))


def settled():
    """Let what is being read behind the views come to its end."""
    assert reader.wait_for_readers()


@pytest.fixture
def full_database(portal):
    """A database that can be read, but not written: its disk is full."""
    read_only = {"sqlite": "PRAGMA query_only", "postgresql": "SET default_transaction_read_only"}

    def refuse_to_write(connection, is_full=1, **kwargs):
        connection.cursor().execute(f"{read_only[connection.vendor]} = {is_full}")

    connection_created.connect(refuse_to_write)
    refuse_to_write(connection)
    yield
    connection_created.disconnect(refuse_to_write)
    refuse_to_write(connection, is_full=0)
