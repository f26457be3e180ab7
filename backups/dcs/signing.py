"""AK/SK signing of DCS requests: the SDK-HMAC-SHA256 scheme.

The scheme is the one of the vendor's own SDKs, whose signer the tests compare. Everything
up to `Signer` is a pure function, so that the emulator can verify with it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_NO_BODY = hashlib.sha256(b"").hexdigest()


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


@lru_cache(maxsize=1000)
def canonical_uri(path: str) -> str:
    """Return the path as it is signed: unquoted, each segment quoted anew, with a slash at its end."""
    quoted = quote(unquote(path), safe="/~")
    return quoted if quoted.endswith("/") else quoted + "/"


def signature(
    secret_key: str,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    *,
    signed_headers: Iterable[str],
    body: bytes = b"",
) -> str:
    """Return the hex signature of one request.

    `query` is canonical already; `headers` has lower-case names and holds
    x-sdk-date and every name of `signed_headers`.
    """
    names = sorted(signed_headers)
    canonical_request = "\n".join(
        (
            method.upper(),
            canonical_uri(path),
            query,
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest() if body else _NO_BODY,
        )
    )
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    string_to_sign = f"{ALGORITHM}\n{headers['x-sdk-date']}\n{digest}"
    return hmac.digest(secret_key.encode(), string_to_sign.encode(), "sha256").hex()


class Signer:
    """Signs the GET requests of one key to one host, `name` or `name:port` as it is sent."""

    # No dictionary that a dump of the process's objects would show.
    __slots__ = ("_authorization", "_credentials", "_sent", "_signed")

    def __init__(self, credentials: Credentials, project_id: str, host: str) -> None:
        self._credentials = credentials
        # Only what no proxy rewrites is signed.
        self._signed = {"host": host, "x-project-id": project_id}
        if credentials.security_token:
            self._signed["x-security-token"] = credentials.security_token
        names = ";".join(sorted([*self._signed, "x-sdk-date"]))
        self._sent = {name.title(): text for name, text in self._signed.items()}
        self._authorization = f"{ALGORITHM} Access={credentials.ak}, SignedHeaders={names}, Signature="

    def __repr__(self) -> str:
        return f"Signer({self._credentials!r})"

    def headers(self, path: str, query: str, *, now: datetime) -> dict[str, str]:
        """Return the headers that a request needs; `query` is canonical, and sent as it is."""
        date = now.astimezone(UTC).strftime(DATE_FORMAT)
        signed = {**self._signed, "x-sdk-date": date}
        value = signature(self._credentials.sk, "GET", path, query, signed, signed_headers=signed)
        return {**self._sent, "X-Sdk-Date": date, "Authorization": self._authorization + value}
