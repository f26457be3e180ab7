"""Clients of the emulator, which ask again without waiting."""

import pytest

from backups.dcs.client import DcsClient
from backups.dcs.errors import DcsError
from backups.dcs.signing import Credentials
from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.emulator.server import running


@pytest.fixture(scope="session")
def _emulator_and_address():
    """DCS with all that the fleet has."""
    emulator = Emulator()
    with running(emulator) as address:
        yield emulator, address


@pytest.fixture
def client_of(emulator, endpoint):
    """Make a client of one of the emulator's projects; a part of its key may be another."""

    def make(project="eu-prod", *, key=None, **options):
        one = emulator.fleet.project(project)
        its_key = {"ak": one.ak, "sk": one.sk, "security_token": one.security_token}
        options = {
            "endpoint": endpoint,
            "project_id": one.project_id,
            "credentials": Credentials(**its_key | (key or {})),
            "sleep": lambda seconds: None,
            **options,
        }
        return DcsClient(**options)

    return make


def refusal(client, instance_id=ORDERS_CACHE_ID, **options):
    with pytest.raises(DcsError) as caught:
        client.list_backup_records(instance_id, **options)
    return caught.value
