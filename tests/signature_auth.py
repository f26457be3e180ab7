"""Requests of tests to the emulator, signed without the portal's client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from backups.dcs.signing import Credentials, Signer


class SignatureAuth(AuthBase):
    """Signs a prepared GET request of `requests`."""

    def __init__(
        self,
        credentials: Credentials,
        project_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.credentials = credentials
        self._project_id = project_id
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        url = urlsplit(str(request.url))
        signer = Signer(self.credentials, self._project_id, url.netloc)
        request.headers.update(signer.headers(url.path, url.query, now=self._clock()))
        return request
