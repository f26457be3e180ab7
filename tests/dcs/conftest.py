"""Clients of the emulator, which ask again without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backups.dcs.client import DcsClient
from backups.dcs.errors import DcsError
from backups.dcs.signing import Credentials
from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID
from backups.emulator.server import running

Clients = Callable[..., DcsClient]


@pytest.fixture(scope="session")
def _emulator_and_address() -> Iterator[tuple[Emulator, str]]:
    """DCS with all that the fleet has."""
    emulator = Emulator()
    with running(emulator) as address:
        yield emulator, address


@pytest.fixture
def client_of(emulator: Emulator, endpoint: str) -> Clients:
    """Make a client of one of the emulator's projects; a part of its key may be another."""

    def make(project: str = "eu-prod", *, key: dict[str, str] | None = None, **options: Any) -> DcsClient:
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


def refusal(client: DcsClient, instance_id: str = ORDERS_CACHE_ID, **options: Any) -> DcsError:
    with pytest.raises(DcsError) as caught:
        client.list_backup_records(instance_id, **options)
    return caught.value
