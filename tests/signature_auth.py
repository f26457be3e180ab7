"""Requests of tests to the emulator, signed without the portal's client."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from requests.auth import AuthBase

from backups.dcs.signing import Signer


class SignatureAuth(AuthBase):
    """Signs a prepared GET request of `requests`."""

    def __init__(self, credentials, project_id, clock=lambda: datetime.now(UTC)):
        self.credentials = credentials
        self._project_id = project_id
        self._clock = clock

    def __call__(self, request):
        url = urlsplit(str(request.url))
        signer = Signer(self.credentials, self._project_id, url.netloc)
        request.headers.update(signer.headers(url.path, url.query, now=self._clock()))
        return request
