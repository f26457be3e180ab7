"""Signed requests to the emulator, as any of its keys."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import requests

from backups.dcs.signing import Credentials, Signer
from backups.emulator.api import Emulator


def signed(credentials, project_id, now):
    """Return what signs a prepared GET request of `requests`, without the portal's client."""

    def sign(request):
        url = urlsplit(request.url)
        signer = Signer(credentials, project_id, url.netloc)
        request.headers.update(signer.headers(url.path, url.query, now=now))
        return request

    return sign


@dataclass
class Caller:
    """Asks the emulator as the first project's key or any other's."""

    emulator: Emulator
    endpoint: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def project(self):
        return self.emulator.fleet.primary

    def auth(self, project=None, now=None, **changes):
        one = project or self.project
        key = {"ak": one.ak, "sk": one.sk, "security_token": one.security_token, **changes}
        return signed(Credentials(**key), one.project_id, now or self.emulator.clock())

    def get(self, path, project=None, **options):
        """GET a path below the project: `/instances`, or with a leading `/v2/` as it is."""
        if not path.startswith("/v2/"):
            path = f"/v2/{(project or self.project).project_id}{path}"
        path, _, query = path.partition("?")
        if query:
            path += "?" + "&".join(sorted(query.split("&")))  # the signature is over the sorted query
        options = {"timeout": 10, "auth": self.auth(project), **options}
        return self.session.get(self.endpoint + path, **options)

    def backups(self, instance_id, query="", **options):
        return self.get(f"/instances/{instance_id}/backups{query}", **options)

    def records(self, instance_id, query="?limit=1000"):
        return self.backups(instance_id, query).json()["backup_record_response"]

    def ids(self, instance_id, query="?limit=1000"):
        return [one["backup_id"] for one in self.records(instance_id, query)]


@pytest.fixture
def dcs(emulator, endpoint):
    clock = emulator.clock
    yield Caller(emulator, endpoint)
    emulator.clock = clock
