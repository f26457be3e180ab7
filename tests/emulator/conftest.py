"""Signed requests to the emulator, as any of its keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from backups.dcs.signing import Credentials
from backups.emulator.api import Emulator
from backups.emulator.fleet import Project
from backups.emulator.server import running
from tests.signature_auth import SignatureAuth


@dataclass
class Caller:
    """Asks the emulator as the first project's key or any other's."""

    emulator: Emulator
    endpoint: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def project(self) -> Project:
        return self.emulator.fleet.primary

    def auth(self, project: Project | None = None, **changes: str) -> SignatureAuth:
        one = project or self.project
        key = {"ak": one.ak, "sk": one.sk, "security_token": one.security_token, **changes}
        return SignatureAuth(Credentials(**key), one.project_id, lambda: self.emulator.clock())

    def get(self, path: str, project: Project | None = None, **options: Any) -> requests.Response:
        """GET a path below the project: `/instances`, or with a leading `/v2/` as it is."""
        if not path.startswith("/v2/"):
            path = f"/v2/{(project or self.project).project_id}{path}"
        path, _, query = path.partition("?")
        if query:
            path += "?" + "&".join(sorted(query.split("&")))  # the signature is over the sorted query
        options = {"timeout": 10, "auth": self.auth(project), **options}
        return self.session.get(self.endpoint + path, **options)

    def backups(self, instance_id: str, query: str = "", **options: Any) -> requests.Response:
        return self.get(f"/instances/{instance_id}/backups{query}", **options)

    def records(self, instance_id: str, query: str = "?limit=1000") -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self.backups(instance_id, query).json()["backup_record_response"]
        return records

    def ids(self, instance_id: str, query: str = "?limit=1000") -> list[str]:
        return [one["backup_id"] for one in self.records(instance_id, query)]


@pytest.fixture(scope="session")
def _emulator_and_address() -> Iterator[tuple[Emulator, str]]:
    """DCS with all that the fleet has."""
    emulator = Emulator()
    with running(emulator) as address:
        yield emulator, address


@pytest.fixture
def dcs(emulator: Emulator, endpoint: str) -> Iterator[Caller]:
    clock = emulator.clock
    yield Caller(emulator, endpoint)
    emulator.clock = clock
