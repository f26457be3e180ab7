"""AK/SK signing of DCS requests: the SDK-HMAC-SHA256 scheme.

The scheme is the one of the vendor's own SDKs; the golden vectors in
tests/dcs/test_signing.py were made with the official signer. Everything up to
`SignatureAuth` is a pure function, so that the emulator can verify with it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One access key. Its repr, and so every log and debug page, shows no secret."""

    ak: str
    sk: str
    security_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(ak={self.ak[:4]}…, sk=…)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: an upstream's message may echo any of these."""
        return tuple(value for value in (self.ak, self.sk, self.security_token) if value)


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """Return the query string that is both signed and sent.

    `requests` would write a space as `+`, while the signature counts `%20`.
    The pairs are sorted as they are, not as they are quoted: so does the vendor's signer.
    """
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(parameters))


def canonical_uri(path: str) -> str:
    """Return the path as it is signed: unquoted, each segment quoted anew, with a slash at its end."""
    quoted = quote(unquote(path), safe="/~")
    return quoted if quoted.endswith("/") else quoted + "/"


def signature(
    *,
    secret_key: str,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    signed_headers: Iterable[str],
    date: str,
    body: bytes = b"",
) -> str:
    """Return the hex signature of one request.

    `query` is canonical already; `headers` has lower-case names and holds every
    name of `signed_headers`; `date` is the value of X-Sdk-Date.
    """
    names = sorted(signed_headers)
    canonical_request = "\n".join(
        (
            method.upper(),
            canonical_uri(path),
            query,
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    string_to_sign = f"{ALGORITHM}\n{date}\n{digest}"
    return hmac.new(secret_key.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SignatureAuth(AuthBase):
    """Signs a prepared request.

    It is an `AuthBase` and no plain header, since `requests` replaces an
    Authorization header by what it finds in a .netrc file.
    """

    def __init__(
        self, credentials: Credentials, project_id: str, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self._credentials = credentials
        self._project_id = project_id
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        url = urlsplit(str(request.url))
        date = self._clock().astimezone(UTC).strftime(DATE_FORMAT)
        # Only what no proxy rewrites is signed; Host carries a non-default port as sent.
        signed = {"host": url.netloc, "x-sdk-date": date, "x-project-id": self._project_id}
        if self._credentials.security_token:
            signed["x-security-token"] = self._credentials.security_token
        body = request.body or b""
        value = signature(
            secret_key=self._credentials.sk,
            method=str(request.method),
            path=url.path,
            query=url.query,
            headers=signed,
            signed_headers=signed,
            date=date,
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
        for name, text in signed.items():
            request.headers[name.title()] = text
        names = ";".join(sorted(signed))
        request.headers["Authorization"] = (
            f"{ALGORITHM} Access={self._credentials.ak}, SignedHeaders={names}, Signature={value}"
        )
        return request
