"""Clients of the emulator, which ask again without waiting."""

import pytest

from backups.dcs.client import DcsClient
from backups.dcs.errors import DcsError
from backups.dcs.signing import Credentials
from backups.emulator.fleet import ORDERS_CACHE_ID


@pytest.fixture
def client_of(emulator, endpoint):
    """Make a client of one of the emulator's projects; a part of its key may be another."""

    def make(project="eu-prod", *, key=None, **options):
        one = emulator.fleet.project(project)
        its_key = {"ak": one.ak, "sk": one.sk, "security_token": one.security_token, **(key or {})}
        own = {"endpoint": endpoint, "project_id": one.project_id, "credentials": Credentials(**its_key)}
        return DcsClient(**{**own, "sleep": lambda seconds: None, **options})

    return make


def refusal(client, instance_id=ORDERS_CACHE_ID, **options):
    with pytest.raises(DcsError) as caught:
        client.list_backup_records(instance_id, **options)
    return caught.value
