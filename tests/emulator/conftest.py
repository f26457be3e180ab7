"""One emulator on a real socket for this folder; every test begins with it healed and unchanged."""

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
    """Asks the emulator with signed requests, as the first project's key or any other's."""

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

    def get(self, path: str, auth: SignatureAuth | None = None, **options: Any) -> requests.Response:
        """GET a path below the project: `/instances`, or with a leading `/v2/` as it is."""
        full, _, query = (
            path if path.startswith("/v2/") else f"/v2/{self.project.project_id}{path}"
        ).partition("?")
        if query:
            full += "?" + "&".join(sorted(query.split("&")))  # the signature is over the sorted query
        options = {"timeout": 10, **options}
        return self.session.get(self.endpoint + full, auth=auth or self.auth(), **options)

    def backups(self, instance_id: str, query: str = "", **options: Any) -> requests.Response:
        return self.get(f"/instances/{instance_id}/backups{query}", **options)

    def records(self, instance_id: str, query: str = "?limit=1000") -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self.backups(instance_id, query).json()["backup_record_response"]
        return records


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with running(emulator) as endpoint:
        yield emulator, endpoint


@pytest.fixture
def emulator(_served: tuple[Emulator, str]) -> Iterator[Emulator]:
    emulator, _ = _served
    clock = emulator.clock
    yield emulator
    emulator.clock = clock
    emulator.reset()


@pytest.fixture
def dcs(emulator: Emulator, _served: tuple[Emulator, str]) -> Caller:
    return Caller(emulator, _served[1])
